"""Tests the queries for one record, which every check outside the cache costs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import URL, event

from tests.support.stores import fill, methods
from watchword.errors import Unavailable
from watchword.stores.sql import statements

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.conftest import Opens
    from watchword.stores import SQLStore

QUESTIONS = {
    name: getattr(statements, name) for name in ("FIND_ACCOUNT", "FIND_FOLDED", "GET_ACCOUNT", "FIND_KEY", "FIND_TOKEN", "DUMMY_KEY")
}


@pytest.mark.parametrize("driver", ["sqlite+pysqlite", "postgresql+psycopg"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_query_is_compiled_once(name: str, driver: str) -> None:
    """Its text does not depend on a parameter."""
    dialect = URL.create(driver).get_dialect()()
    assert "POSTCOMPILE" not in str(QUESTIONS[name].compile(dialect=dialect))


ASKING = ("find_account", "find_account, folded", "get_account", "find_key", "find_token", "get_token", "find_standing", "dummy_key")


def listen(store: SQLStore) -> list[Any]:
    """Listen to the statements of a store, which are executed by SQLAlchemy from then on; return the list that they come into."""
    heard: list[Any] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
    return heard


@pytest.mark.parametrize("schema", [False, True])
def test_the_driver_finds_what_sqlalchemy_finds(schema: bool, url: str, opens: Opens, request: pytest.FixtureRequest) -> None:  # noqa: FBT001 - a parameter of the test
    """The records are equal, in a schema too, and listeners of statements are called."""
    if schema:
        if url.startswith("sqlite"):
            pytest.skip("SQLite has no schemas")
        url = f"{url}{'&' if '?' in url else '?'}schema=Auth%20x"
        with closing(request.getfixturevalue("postgresql").connect(url.partition("@/")[2].partition("?")[0])) as admin:
            admin.execute('CREATE SCHEMA "Auth x"')
            admin.commit()
    by_driver, by_sqlalchemy = opens(url, create=True), opens(url)
    fill(by_driver)
    heard = listen(by_sqlalchemy)
    for name in ASKING:
        heard.clear()
        found = methods(by_driver)[name]()
        assert found is not None
        assert methods(by_sqlalchemy)[name]() == found
        assert len(heard) == 1
    for name in ("find_key", "find_account", "find_token"):
        nothing: Any = b"?" * 32 if name == "find_token" else "nobody"
        assert getattr(by_driver, name)(nothing) is None
        assert getattr(by_sqlalchemy, name)(nothing) is None


def test_a_read_is_one_statement_and_leaves_nothing_open(tmp_path: Path, opens: Opens) -> None:
    """A reader left in a transaction would see old records, and keep the log from being truncated."""
    store = opens(f"sqlite:///{tmp_path}/auth.db", pool_size=1)
    fill(store)
    executed: list[str] = []
    with store._database._engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
    for name in ASKING:
        driver.set_trace_callback(executed.append)
        executed.clear()
        methods(store)[name]()
        driver.set_trace_callback(None)
        assert [text.partition(" ")[0] for text in executed] == ["SELECT"]
        assert not driver.in_transaction


@pytest.mark.parametrize("name", ASKING)
def test_an_error_is_the_same_through_the_driver(name: str, tmp_path: Path, opens: Opens) -> None:
    """It has the message of SQLAlchemy's way without parameters, and the connection is back in the pool."""
    url = f"sqlite:///{tmp_path}/auth.db"
    by_driver, by_sqlalchemy = opens(url), opens(url)
    fill(by_driver)
    listen(by_sqlalchemy)
    with closing(sqlite3.connect(tmp_path / "auth.db")) as other:
        for (table,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'watchword_schema'").fetchall():
            other.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        other.commit()
    said = []
    for store in (by_driver, by_sqlalchemy):
        with pytest.raises(Unavailable, match=r"OperationalError: no such table") as caught:
            methods(store)[name]()
        assert caught.value.__context__ is None
        assert "SELECT" not in caught.value.why
        said.append(caught.value.why)
        pool: Any = store._database._engine.pool
        assert pool.checkedout() == 0
    assert said[0] == said[1]


def test_the_connection_of_an_interrupted_caller_is_closed(tmp_path: Path, opens: Opens) -> None:
    """Its state is unknown. The next read opens another one."""
    store = opens(f"sqlite:///{tmp_path}/auth.db", pool_size=1)
    fill(store)
    with store._database._engine.connect() as connection:
        driver: Any = connection.connection.driver_connection

    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    driver.text_factory = interrupt
    with pytest.raises(KeyboardInterrupt):
        store.find_key("k1")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")
    assert store.find_key("k1") is not None
