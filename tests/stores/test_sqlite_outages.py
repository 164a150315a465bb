"""Tests outages of SQLite: `Unavailable` meanwhile, nothing half-written, and right answers afterwards without a restart."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import READING, fill, methods, program
from watchword.errors import Unavailable
from watchword.stores import SQLStore
from watchword.testing.stores import account, key

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from tests.stores.conftest import Opens
    from watchword.stores.ports import AccountRecord

METHODS = list(methods(SQLStore("sqlite://", check=False)))
SOON = 0.01  # seconds to wait for what does not come


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database file is."""
    return tmp_path / "auth.db"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one of each, to be copied: quicker than making it."""
    path = tmp_path_factory.mktemp("filled") / "auth.db"
    with SQLStore(f"sqlite:///{path}") as made:
        fill(made)
    return path


@pytest.fixture
def store(filled: Path, path: Path, opens: Opens) -> SQLStore:
    """A store with one of each."""
    shutil.copy(filled, path)
    return opens(f"sqlite:///{path}", timeout=SOON, staleness=3600, pool_size=2)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", METHODS)
def test_a_locked_database_is_unavailable(method: str, path: Path, store: SQLStore) -> None:
    """A method waits no longer than its time-out, and works once the lock is released."""
    store._database._engine.dispose()  # whoever wants a file for themselves has to be alone
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=r"^the store does not answer: OperationalError: database is locked$") as caught:
            methods(store)[method]()
        assert caught.value.retry_after
        assert caught.value.__context__ is None  # what the driver raised may quote what was sent
    methods(store)[method]()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", METHODS)
def test_reads_do_not_wait_for_writes(method: str, path: Path, store: SQLStore) -> None:
    """Writes wait, and give up in time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("DELETE FROM watchword_keys")
        if method in READING:
            methods(store)[method]()
            assert len(store.list_keys()) == 1
        else:
            with pytest.raises(Unavailable, match="database is locked"):
                methods(store)[method]()
        other.execute("ROLLBACK")
    methods(store)[method]()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", METHODS)
def test_connections_that_are_all_in_use_are_an_outage(method: str, store: SQLStore) -> None:
    """No caller waits for ever."""
    with store._database._engine.connect(), store._database._engine.connect():
        if method.startswith("note"):
            methods(store)[method]()
        else:
            with pytest.raises(Unavailable, match=r"^the store does not answer: all of its connections are in use$"):
                methods(store)[method]()
    methods(store)[method]()


@pytest.mark.parametrize("method", METHODS)
def test_a_removed_file_is_an_outage(method: str, path: Path, store: SQLStore) -> None:
    """SQLite would use the removed file and lose its changes. No empty file takes its place."""
    away = path.with_suffix(".away")
    path.rename(away)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"^the store does not answer: "):
            methods(store)[method]()
        assert not path.exists()
    away.rename(path)
    methods(store)[method]()


@pytest.mark.parametrize("garbage", [b"garbage" * 1000, b"", b"SQLite format 3\x00" + bytes(4080), bytes(100)])
def test_a_file_that_is_replaced_by_garbage_is_an_outage(garbage: bytes, path: Path, store: SQLStore, tmp_path: Path) -> None:
    """The store works again when the right file is back."""
    assert store.find_key("k1") is not None
    revision = store.revision()
    with closing(store):
        good = tmp_path / "good.db"
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(good)) as target:
            source.backup(target)
            source.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else all pages could be read from the log, rightly
        bad = tmp_path / "bad.db"
        bad.write_bytes(garbage)
        bad.replace(path)
        for method, work in methods(store).items():
            if method not in {"init", "upgrade", "status"}:
                with pytest.raises(Unavailable, match=r"^the store does not answer: "):
                    work()
        for leftover in ("auth.db-wal", "auth.db-shm"):
            (tmp_path / leftover).unlink(missing_ok=True)
        good.replace(path)
        assert store.find_key("k1") is not None
        assert not store.is_current(revision)


def test_a_file_that_is_garbage_from_the_start_is_an_outage(path: Path, opens: Opens, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged. A program that starts before its disk is ready must not need a restart."""
    path.write_bytes(b"garbage" * 1000)
    with caplog.at_level(logging.WARNING, "watchword"):
        store = opens(f"sqlite:///{path}")
    assert [record.getMessage() for record in caplog.records] == [
        f"sqlite:///{path}: the store does not answer: DatabaseError: file is not a database; trying again when the store is used"
    ]
    with pytest.raises(Unavailable, match="file is not a database"):
        store.find_key("k1")
    path.unlink()
    assert store.find_key("k1") is None


def test_a_missing_folder_is_an_outage(tmp_path: Path, opens: Opens, caplog: pytest.LogCaptureFixture) -> None:
    """A disk may be mounted late."""
    folder = tmp_path / "mounted"
    store = opens(f"sqlite:///{folder}/auth.db")
    assert "unable to open database file" in caplog.text
    with pytest.raises(Unavailable, match="unable to open database file"):
        store.add_key(key())
    folder.mkdir()
    assert store.add_key(key()) == store.find_key("k1")


def test_a_full_disk_leaves_nothing_half_written(path: Path, opens: Opens) -> None:
    """A failed change leaves nothing, acknowledged ones stay, and writing goes on when there is room again."""
    store = opens(f"sqlite:///{path}", pool_size=1)
    engine = store._database._engine

    def allow(pages: int) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with engine.connect() as connection:
        used: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    allow(used + 20)
    kept: list[AccountRecord] = []
    with pytest.raises(Unavailable, match=r"^the store does not answer: OperationalError: database or disk is full$"):  # noqa: PT012
        while True:
            number = len(kept)
            kept.append(store.add_account(account(f"a{number}", *(f"{number}-{part}" + "x" * 900 for part in range(3)))))
    assert kept
    assert list(store.list_accounts(limit=10**6)) == sorted(kept, key=lambda one: one.id)
    assert store.find_account(f"{len(kept)}-0" + "x" * 900) is None
    allow(10**6)
    assert store.add_account(account("later", "later")) == store.find_account("later")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


FILLS = """
import resource, sys
from watchword import Unavailable
from watchword.stores import SQLStore
from watchword.testing.stores import key
store = SQLStore(sys.argv[1])
store.add_key(key("first"))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, most))
kept = 0
try:
    while True:
        store.add_key(key(f"{kept:05}", label="x" * 500))
        kept += 1
except Unavailable as error:
    print(error)
assert store.find_key("first") is not None
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
store.add_key(key("last"))
print(kept)
"""


def test_a_file_that_may_not_grow_is_an_outage(path: Path, opens: Opens) -> None:
    """With a quota reads go on, and so do writes when there is room again."""
    error, kept = program(FILLS, f"sqlite:///{path}").stdout.splitlines()
    assert error.startswith("the store does not answer: OperationalError: ")
    assert int(kept) > 10
    found = [one.id for one in opens(f"sqlite:///{path}").list_keys(limit=10**6)]
    assert found == [*(f"{number:05}" for number in range(int(kept))), "first", "last"]


KILLED = """
import os, signal, sys
from watchword.stores import SQLStore
from watchword.testing.stores import account, key
url, rounds = sys.argv[1], int(sys.argv[2])
SQLStore(url).close()
written = 0
for round in range(rounds):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        store = SQLStore(url)
        for number in range(written, 10**6):
            held = store.add_key(key(f"old{number:06}"))
            store.rotate_key(held, key(f"new{number:06}"))
            store.add_account(account(f"{number:06}", f"n{number}", f"m{number}"))
            os.write(write, b"%06d" % number)
    os.close(write)
    # After another number of changes each time, in the middle of the next.
    for _ in range(1 + round * 3 % 7):
        acknowledged = int(os.read(read, 6))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while rest := os.read(read, 6):  # what it said before it was dead
        acknowledged = int(rest)
    os.close(read)
    written = acknowledged + 1
    store = SQLStore(url)
    # One that was not acknowledged may be there, and then it is whole; take it out of the way of the next child.
    names = {name: found.id for found in store.list_accounts(limit=10**6) for name in found.names}
    for account_id in {*names.values()}:
        assert {name for name, owner in names.items() if owner == account_id} == {f"n{int(account_id)}", f"m{int(account_id)}"}
        assert store.find_account(f"m{int(account_id)}").id == account_id
    keys = {found.id: found for found in store.list_keys(limit=10**6)}
    for number in range(written):
        assert f"{number:06}" in {*names.values()}, number
        assert keys[f"old{number:06}"].version == 2 and f"new{number:06}" in keys, number
    for name, found in keys.items():
        assert name.startswith("new") or (found.version == 2) == (name.replace("old", "new") in keys), name
    started = max([int(name[3:]) for name in keys], default=-1)
    written = max(written, started + 1, *(int(one) + 1 for one in names.values()))
    if started >= 0 and f"{started:06}" not in {*names.values()}:
        if f"new{started:06}" not in keys:
            store.rotate_key(keys[f"old{started:06}"], key(f"new{started:06}"))
        store.add_account(account(f"{started:06}", f"n{started}", f"m{started}"))
    with store._database._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    store.close()
print(written)
"""


def test_a_process_that_is_killed_leaves_whole_changes(path: Path) -> None:
    """At any moment: the file opens, each change is whole, and acknowledged ones are there."""
    assert int(program(KILLED, f"sqlite:///{path}", 8).stdout) >= 8


def test_a_closed_store_is_unavailable(store: SQLStore) -> None:
    """It does not open again, and a store in memory does not start anew, empty."""
    store.close()
    for work in methods(store).values():
        with pytest.raises(Unavailable, match=r"^the store is closed$"):
            work()


def test_a_relative_path_is_resolved_once(path: Path, tmp_path: Path, opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers change their folder when they become daemons."""
    monkeypatch.chdir(tmp_path)
    store = opens("sqlite:///auth.db", pool_size=1)
    monkeypatch.chdir("/")
    store._database._engine.dispose()
    assert store.add_key(key()) == store.find_key("k1")
    assert path.exists()


@pytest.mark.parametrize("name", ["a b.db", "a#b.db", "ä€.db", "a'b;c.db"])
def test_special_characters_in_a_file_name_are_kept(name: str, tmp_path: Path, opens: Opens) -> None:
    """SQLite gets a URI, in which some characters have a meaning."""
    opens(f"sqlite:///{tmp_path}/{name}").add_key(key())
    assert {entry.name for entry in tmp_path.iterdir() if entry.suffix == ".db"} == {name}


def test_a_restored_copy_takes_the_place_of_the_file(path: Path, store: SQLStore, tmp_path: Path) -> None:
    """It is read from then on, and cached answers expire."""
    store.close()
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    with SQLStore(f"sqlite:///{path}", staleness=3600) as running:
        running.add_key(key("k2"))
        revision = running.revision()
        copy.replace(path)
        for leftover in ("auth.db-wal", "auth.db-shm"):
            (tmp_path / leftover).unlink(missing_ok=True)
        assert running.find_key("k2") is None
        assert running.find_key("k1") is not None
        assert not running.is_current(revision)


def test_a_damaged_store_is_an_outage(path: Path, store: SQLStore) -> None:
    """Without the row that every answer needs, no key counts as unknown."""
    assert store.find_key("k1") is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DELETE FROM watchword_meta")
    for method in (
        "find_account",
        "find_account, folded",
        "get_account",
        "find_key",
        "find_token",
        "get_token",
        "dummy_key",
        "revoke_token",
        "add_account",
    ):
        with pytest.raises(Unavailable, match=r"^the store does not answer: the row of watchword_meta is missing or damaged"):
            methods(store)[method]()


DAMAGES = [
    *[
        ("accounts", column, damage)
        for column in ("roles", "names")
        for damage in ("null", '"admin"', "[1]", '{"admin": 0}', "{", "", b"\xff")
    ],
    ("accounts", "roles", "[" * 100_000),
    *[("accounts", column, "x") for column in ("locked_until", "password_changed_at", "created_at", "last_login_at", "version")],
    *[(table, "scopes", '["orders:read orders:write"]') for table in ("accounts", "keys", "tokens")],
    ("accounts", "password_hash", b"h"),
    *[("keys", column, "x") for column in ("digest", "kind", "networks", "not_before", "expires_at", "last_used_at", "revoked_at")],
    ("keys", "owner", ""),
    *[("tokens", column, "x") for column in ("kind", "scopes", "expires_at", "revoked_at")],
    ("tokens", "subject", ""),
    *[("meta", "generation", damage) for damage in ("x", b"y")],
    *[("meta", "dummy_key", damage) for damage in (b"", "x", b"x" * 31)],
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("table", "column", "damage"), DAMAGES)
def test_a_damaged_row_is_an_outage(table: str, column: str, damage: object, path: Path, store: SQLStore) -> None:
    """SQLite keeps any value in any column. A damaged value raises no other exception and gives no other rights."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"UPDATE watchword_{table} SET {column} = ?", (damage,))  # noqa: S608 - its words are above
    questions = {"accounts": "find_account", "keys": "find_key", "tokens": "find_token", "meta": "dummy_key"}
    with pytest.raises(Unavailable, match="damaged"):
        methods(store)[questions[table]]()


def test_a_file_that_is_replaced_while_it_is_opened_is_dropped(path: Path, store: SQLStore, tmp_path: Path) -> None:
    """Opening may wait for a lock. The connection to the old file is closed."""
    store.close()
    new = tmp_path / "new.db"
    shutil.copy(path, new)
    with SQLStore(f"sqlite:///{new}") as other:
        other.add_key(key("k2"))

    def replace_it(_frame: FrameType, happened: str, called: object) -> None:
        if happened == "c_return" and called is sqlite3.connect and new.exists():
            new.replace(path)

    with SQLStore(f"sqlite:///{path}", check=False) as opening:
        before = sys.getprofile()
        sys.setprofile(replace_it)
        try:
            opening.find_key("k1")
        finally:
            sys.setprofile(before)
        assert not new.exists()
        assert opening.find_key("k2") is not None
