"""`watchword store`, and what every command says of a store that it cannot use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import Inside, commands
from watchword.stores.sql.schema import REVISIONS

if TYPE_CHECKING:
    from pathlib import Path

NEWEST = REVISIONS[-1]


def test_init_makes_a_store_once(tmp_path: Path) -> None:
    """The first time it makes the tables; the second time it changes nothing, and is no failure."""
    inside = Inside(tmp_path / "auth.db")
    first, second = inside.json("store", "init"), inside.json("store", "init")
    facts: dict[str, Any] = {
        "url": inside.url,
        "state": "current",
        "revision": NEWEST,
        "newest": NEWEST,
        "accounts": 0,
        "keys": 0,
        "tokens": 0,
    }
    assert (first, second) == ({"changed": True, **facts}, {"changed": False, **facts})
    assert inside.json("store", "status") == facts
    assert inside("store", "init").stdout == f"there is a store in {inside.url} already\n"
    assert inside.path.stat().st_mode & 0o077 == 0


def test_status_counts(ann: Inside) -> None:
    """People read how much there is, and which version of the schema it has."""
    ann("key", "create", "ann")
    lines = dict(line.split(maxsplit=1) for line in ann("store", "status").stdout.splitlines())
    assert (lines["state"], lines["accounts"], lines["keys"], lines["tokens"]) == ("current", "1", "1", "0")


def test_a_path_that_was_mistyped_makes_no_store(tmp_path: Path) -> None:
    """Without `store init` there is no store, and no file is left behind."""
    inside = Inside(tmp_path / "other.db")
    code, words = inside.error("user", "list", code=3)
    assert code == "store_unusable"
    assert "watchword store init" in words
    assert inside.error("store", "upgrade", code=3)[0] == "store_unusable"
    assert inside.json("store", "status", code=3)["state"] == "empty"
    assert list(tmp_path.iterdir()) == []


def test_an_outdated_store_is_upgraded(inside: Inside) -> None:
    """The store's own message says what to do; after `upgrade` all is well."""
    with closing(sqlite3.connect(inside.path)) as database:
        for table in ("tokens", "changes", "families", "refresh_tokens", "revoked_tokens", "not_before", "audit", "values"):
            database.execute(f"DROP TABLE watchword_{table}")
        database.execute("UPDATE watchword_schema SET version_num = '0001'")
        database.commit()
    code, words = inside.error("user", "list", code=3)
    assert code == "store_unusable"
    assert "Run `watchword store upgrade --store sqlite:///" in words
    assert inside.json("store", "status", code=3)["state"] == "outdated"
    assert inside.json("store", "upgrade")["changed"] is True
    assert inside.json("token", "list") == []
    assert inside("store", "upgrade").stdout == f"the store in {inside.url} is up to date\n"


def test_a_newer_store_is_left_alone(inside: Inside) -> None:
    """What a later version made is not touched by this one."""
    with closing(sqlite3.connect(inside.path)) as database:
        database.execute("UPDATE watchword_schema SET version_num = '9999'")
        database.commit()
    assert "Upgrade watchword" in inside.error("store", "upgrade", code=3)[1]
    assert inside.error("user", "list", code=3)[0] == "store_unusable"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Something else in that place is one line, and stays as it is."""
    inside = Inside(tmp_path / "notes.txt")
    inside.path.write_text("not a database, but notes of somebody" * 50, encoding="utf-8")
    for arguments in (("user", "list"), ("store", "init"), ("store", "status")):
        assert inside.error(*arguments, code=3)[0] == "store_unavailable"
    assert inside.path.read_text(encoding="utf-8").startswith("not a database")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://", "memory://"),
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("mysql://ann:hunter2@host/x", "mysql://"),
        ("redis://:hunter2@host", "redis://"),
        ("auth.db", "sqlite:///auth.db"),
        ("ann:hunter2@host", "sqlite:///auth.db"),
        ("hunter2?://x", "sqlite:///auth.db"),
    ],
)
def test_a_url_that_is_no_store(inside: Inside, url: str, said: str) -> None:
    """Which stores there are is said; what may be a password in the URL is not."""
    code, words = inside.error("user", "list", "--store", url, code=2)
    assert code == "usage"
    assert said in words
    assert "hunter2" not in words


def test_no_url_at_all(inside: Inside) -> None:
    """Whoever names no store reads the two ways to do it."""
    result = inside("user", "list", code=2, WATCHWORD_STORE="")
    assert "Use --store URL, such as --store sqlite:///auth.db, or set WATCHWORD_STORE" in result.stderr


STORELESS = ("check", "demo", "explain", "hash", "probe", "reasons", "routes")


def test_every_command_with_a_store_takes_it_from_option_or_environment() -> None:
    """--store and WATCHWORD_STORE, and --json, wherever they make sense."""
    for path, command in commands():
        options = {option for parameter in command.params for option in parameter.opts}
        assert "--json" in options, path
        without = path[0] == "keys" or path in {(one,) for one in STORELESS}  # signing keys are in a file
        assert ("--store" in options) is not without, path
        for parameter in command.params:
            if "--store" in parameter.opts:
                assert parameter.envvar == "WATCHWORD_STORE"
