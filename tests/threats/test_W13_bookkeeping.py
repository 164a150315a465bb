"""W13: notes of logins and uses cost no login. They wait for no lock, and take no connection that a decision needs."""

# ruff: noqa: N802 - a test carries the number of its threat

from __future__ import annotations

import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from tests.support.command import CHEAP
from tests.support.wire import basic
from watchword import APIKey, Basic, Guard, RequestView, Unavailable
from watchword.checkers import Accounts, APIKeys, PasswordHasher
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.postgres import PostgreSQL

Held = tuple[str, "Callable[[], AbstractContextManager[None]]"]
OLD = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Held:
    """A store, and what holds its write lock: of the file, or of every row that a note would change."""
    if request.param == "sqlite":
        path = tmp_path / "auth.db"

        @contextmanager
        def lock_file() -> Iterator[None]:
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
            other.close()

        return f"sqlite:///{path}", lock_file
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = request.getfixturevalue("empty_postgresql").partition("?")[0].rpartition("/")[2]

    @contextmanager
    def lock_rows() -> Iterator[None]:
        with server.connect(name) as other, other.transaction():
            other.execute("SELECT 1 FROM watchword_meta FOR UPDATE")
            other.execute("SELECT 1 FROM watchword_keys FOR UPDATE")
            other.execute("SELECT 1 FROM watchword_accounts FOR UPDATE")
            yield

    return server.url(name), lock_rows


def ask(guard: Guard, field: tuple[str, str]) -> str:
    """Ask the guard as an adapter does: decide, then do what is left for after the response."""
    decision = guard.decide(RequestView("GET", "/", [field]))
    guard.finish(decision)
    return "granted" if decision.granted else str(decision.reason)


def test_W13_no_valid_key_is_refused_while_another_process_writes(held: Held) -> None:
    """120 keys that are used for the first time, by 40 threads: every one is let in, and its use is noted later."""
    url, lock = held
    with SQLStore(url, create=True) as store:
        made = [APIKeys(store).create("shop", kind="client").key for _ in range(120)]
    with SQLStore(url) as store, lock():
        guard = Guard(APIKey(APIKeys(store)))
        with ThreadPoolExecutor(40) as threads:
            told = Counter(threads.map(lambda key: ask(guard, ("X-API-Key", key)), made))
    assert told == {"granted": 120}


def test_W13_no_login_is_refused_while_another_process_writes(held: Held) -> None:
    """Logins whose hash is to be made anew: the new hash waits for no lock either."""
    url, lock = held
    with SQLStore(url, create=True) as store:
        for number in range(40):
            Accounts(store, hasher=OLD).add(f"user{number}", "correct horse")
    with SQLStore(url) as store, lock():
        guard = Guard(Basic(Accounts(store, hasher=CHEAP), realm="office"))
        with ThreadPoolExecutor(20) as threads:
            told = Counter(threads.map(lambda number: ask(guard, basic(f"user{number}", "correct horse")), range(40)))
    assert told == {"granted": 40}


def test_W13_a_note_takes_no_connection_of_decisions(held: Held) -> None:
    """It is written on one that is kept for notes, so that a decision never waits until a note has its lock."""
    url, _ = held
    with SQLStore(url, create=True) as store:
        made = APIKeys(store).create("shop").record
        taken: list[object] = []
        event.listen(store._database._engine.pool, "checkout", lambda *given: taken.append(given))
        store.note_key_use(made.id, 5.0)
        assert taken == []
        found = store.find_key(made.id)
        assert found is not None
        assert (found.last_used_at, len(taken)) == (5.0, 1)


def test_W13_notes_that_could_not_be_written_are_written_with_the_next(held: Held) -> None:
    """A note that was taken while the store was locked is not lost: the next note brings it along."""
    url, lock = held
    with SQLStore(url, create=True) as store:
        ids = [APIKeys(store).create("shop").record.id for _ in range(3)]
        with lock():
            for name in ids[:2]:
                with pytest.raises(Unavailable):
                    store.note_key_use(name, store._database.clock.now())
        store.note_key_use(ids[2], 5.0)
        assert all(key.last_used_at is not None for key in store.list_keys())
