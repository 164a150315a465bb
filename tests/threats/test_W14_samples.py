"""Nothing on the way of a login grows with the number of accounts (threat W14)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from contextlib import closing
from sqlite3 import connect
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from tests.support.logins import Desk
from tests.support.passwords import stored
from tests.support.served import until
from tests.support.servers import DEADLINE
from watchword import Accepted, BasicCredentials, Reason, Refused, Unavailable
from watchword.stores import SQLStore
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import AccountRecord
from watchword.testing.stores import account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Slow(MemoryStore):
    """A store that blocks, and whose samples take until they are let go."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.let_go = Event()
        self.done = Event()
        self.asked = 0

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """Wait."""
        self.asked += 1
        self.let_go.wait(DEADLINE)
        try:
            return super().hash_samples()
        finally:
            self.done.set()


@pytest.mark.anyio
async def test_W14_a_login_does_not_wait_for_a_slow_sample() -> None:
    """Known and unknown names are answered while the store is being sampled, once; the sample counts when it is there."""
    store = Slow()
    desk = Desk(store=store)
    desk.accounts.add("ann", "s3cret")
    desk.accounts.add("bob", password_hash=stored("bcrypt"))
    desk.hasher.take()
    for _ in range(3):
        assert isinstance(await desk.accounts.acheck(BasicCredentials("ann", "s3cret")), Accepted)
        assert isinstance(await desk.accounts.acheck(BasicCredentials("bob", "s3cret")), Accepted)
        assert await desk.accounts.acheck(BasicCredentials("nobody", "x")) == Refused(Reason.UNKNOWN_IDENTITY)
    usual = desk.hasher.profile(desk.hasher.dummy())
    assert desk.hasher.take().count(usual) >= 4  # ann once, and nobody three times
    assert store.asked <= 3  # by the first request, and once more for each kind of hash that is seen
    store.let_go.set()
    assert store.done.wait(DEADLINE)


@pytest.mark.anyio
async def test_W14_a_sample_that_comes_late_counts() -> None:
    """Unknown names cost the dummy hash until then, and what accounts cost from then on."""
    store = Slow()
    desk = Desk(store=store)
    desk.accounts.add("bob", password_hash=stored("bcrypt"))
    usual = desk.hasher.profile(desk.hasher.dummy())
    nobody = BasicCredentials("nobody", "x")
    desk.hasher.take()
    await desk.accounts.acheck(nobody)
    assert desk.hasher.take() == [usual]
    store.let_go.set()
    assert store.done.wait(DEADLINE)

    def counts() -> bool:
        desk.accounts.check(nobody)
        return desk.hasher.take() == [desk.hasher.profile(stored("bcrypt"))]

    until(counts, "the sample")


def test_W14_no_thread_is_started_where_there_is_no_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers may run none (uWSGI without --enable-threads): the login takes the sample itself, and it counts at once."""
    store = Slow()
    store.let_go.set()
    desk = Desk(store=store)
    desk.accounts.add("bob", password_hash=stored("bcrypt"))
    desk.hasher.take()
    started: list[object] = []
    monkeypatch.setattr("threading.Thread.start", started.append)
    desk.accounts.check(BasicCredentials("nobody", "x"))
    assert (started, store.asked) == ([], 1)
    assert desk.hasher.take() == [desk.hasher.profile(stored("bcrypt"))]


class Unread(dict[str, Any]):
    """A table of which single entries are read, and which nobody goes through."""

    def _fail(self) -> Any:
        raise AssertionError

    __iter__ = keys = values = items = _fail


def test_W14_a_memory_store_updates_its_counts_with_each_change() -> None:
    """A sample reads one account of each profile, however many there are: an event loop waits for it."""
    store = MemoryStore()
    for number in range(100):
        store.add_account(AccountRecord(id=str(number), names=(), password_hash=f"hash-{number}", hash_profile=f"profile-{number % 3}"))
    store._accounts = Unread(store._accounts)
    assert store.hash_samples() == (("hash-0", 34), ("hash-1", 33), ("hash-2", 33))
    for number in range(0, 100, 3):
        store.swap_hash(str(number), f"hash-{number}", "new", "profile-1")
    assert store.hash_samples() == (("hash-1", 67), ("hash-2", 33))


def test_W14_a_failure_to_sample_refuses_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store times out logins work, and a minute later it is tried again."""
    store = Slow()
    store.let_go.set()
    desk = Desk(store=store)
    desk.accounts.add("ann", "s3cret")

    def fail(*_: object) -> None:
        raise Unavailable("a statement timeout")

    monkeypatch.setattr(store, "hash_samples", fail)
    desk.accept("ann")
    assert desk.accounts.check(BasicCredentials("nobody", "x")) == Refused(Reason.UNKNOWN_IDENTITY)
    monkeypatch.undo()
    desk.clock.advance(60)
    desk.accept("ann")
    assert store.done.wait(DEADLINE)


def test_W14_samples_are_found_by_the_index_and_counted_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the search for the formats in use nor their count reads all accounts, however many there are."""
    monkeypatch.setattr("watchword.stores.sql.accounts._MOST_COUNTED", 3)
    asked: list[tuple[str, Any]] = []
    with SQLStore(f"sqlite:///{tmp_path / 'auth.db'}") as store:
        for number in range(7):
            store.add_account(account(f"{number}", f"n{number}", password_hash="h", hash_profile="p" if number else "q"))
        event.listen(store._database._engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
        assert sorted(count for _, count in store.hash_samples()) == [1, 3]
    with closing(connect(tmp_path / "auth.db")) as database:
        plans = [database.execute(f"EXPLAIN QUERY PLAN {words}", values).fetchall() for words, values in asked]
    steps = [str(step[3]) for plan in plans for step in plan if "watchword_accounts" in str(step[3])]
    assert len(steps) == len(asked) >= 4
    assert all(step.startswith("SEARCH watchword_accounts USING INDEX watchword_accounts_hash_profile") for step in steps), steps
