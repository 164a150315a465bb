"""Tests that a password in a URL, a hash and a digest are never shown."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from tests.support.secrets import SECRET, leaks
from watchword.errors import AlreadyExists, ConfigurationError, Unavailable
from watchword.stores import SQLStore
from watchword.stores.sql.failures import unavailable
from watchword.testing.stores import account, key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.conftest import Opens


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@127.0.0.1:1/db",
        f"postgresql://127.0.0.1:1/db?user=ann&password={SECRET}",
        f"postgres://ann:{SECRET}@127.0.0.1:1/db?sslmode=disable",
        f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/{'d' * 100}",
    ],
)
def test_no_store_shows_its_password(url: str, opens: Opens, caplog: pytest.LogCaptureFixture) -> None:
    """Its repr, log, errors and traces do not contain it."""
    with caplog.at_level(logging.DEBUG):
        store = opens(url)
    with pytest.raises(Unavailable) as caught:
        store.find_key("k1")
    shown = [*map(repr, (store, store._database._engine, caught.value)), str(caught.value), store.url, caplog.text]
    shown.append("".join(traceback.format_exception(caught.value)))
    assert "127.0.0.1:1" in repr(store)
    assert [leak for text in shown for leak in leaks(text)] == []


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://ann:{SECRET}@h/db",
        f"postgresql://ann:x@h:{SECRET}/db",
        f"postgresql+asyncpg://ann:{SECRET}@h/db",
        f"//ann:{SECRET}@h",
        SECRET,
        f"sqlite:///auth.db?key={SECRET}",
        f"sqlite://ann:{SECRET}@/auth.db",
        f"postgresql://ann:{SECRET}\x00@h/db",
        f"postgresql://ann:{SECRET}%00@h/db",
    ],
)
def test_no_wrong_url_shows_its_password(url: str) -> None:
    """The message names the argument and the fix."""
    with pytest.raises(ConfigurationError, match=r"^SQLStore\(url=") as caught:
        SQLStore(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_missing_url_is_refused() -> None:
    """The message has an example."""
    with pytest.raises(ConfigurationError, match=r"^SQLStore\(url=\.\.\.\) must be a URL such as sqlite:"):
        SQLStore(None)


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"staleness": -1}, {"pool_size": 0}, {"timeout": float("nan")}])
def test_invalid_bounds_are_refused(wrong: dict[str, float]) -> None:
    """With them requests would wait for ever, or never be answered."""
    with pytest.raises(ConfigurationError, match=rf"^SQLStore\({next(iter(wrong))}=\.\.\.\) must be a"):
        SQLStore("sqlite://", **wrong)  # type: ignore[arg-type]


def test_no_collision_shows_a_hash(url: str, opens: Opens) -> None:
    """The message names the id or the name, and no exception of the driver is chained."""
    store = opens(url)
    store.add_account(account("1", "ann", password_hash=SECRET))
    store.add_key(key("k1", label=SECRET))
    for work, words in (
        (lambda: store.add_account(account("1", "bob", password_hash=SECRET)), "'1'"),
        (lambda: store.add_account(account("2", "ann", password_hash=SECRET)), "'ann'"),
        (lambda: store.add_key(key("k1", label=SECRET)), "'k1'"),
    ):
        with pytest.raises(AlreadyExists, match=words) as caught:
            work()
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__context__ is None


def test_no_outage_shows_statements_and_parameters(tmp_path: Path, opens: Opens) -> None:
    """Messages and traces do not contain them."""
    store = opens(f"sqlite:///{tmp_path}/auth.db")
    with store._database._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE watchword_keys")
    with pytest.raises(Unavailable, match=r"^the store does not answer: OperationalError: no such table: watchword_keys$") as caught:
        store.find_key(SECRET)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_no_log_of_statements_shows_parameters(tmp_path: Path, opens: Opens, caplog: pytest.LogCaptureFixture) -> None:
    """SQLAlchemy's log has the statements alone."""
    with caplog.at_level(logging.INFO, "sqlalchemy"):
        store = opens(f"sqlite:///{tmp_path}/auth.db")
        store.add_account(account("1", "ann", password_hash=SECRET))
        store.swap_hash("1", SECRET, f"{SECRET}2", None)
    assert "UPDATE watchword_accounts" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("sqlstate", ["22P02", "23502"])
def test_values_that_postgresql_quotes_are_not_repeated(sqlstate: str) -> None:
    """Its errors about data contain the data."""

    class Quoting(Exception):
        pass

    quoting = Quoting(f"invalid input: {SECRET}")
    quoting.sqlstate = sqlstate  # type: ignore[attr-defined]
    error = unavailable(DBAPIError("SELECT 1", None, quoting))
    assert str(error) == "the store does not answer: Quoting"
