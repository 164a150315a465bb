"""Tests how forks and calls of SQLite wait for each other."""

from __future__ import annotations

import gc
import sys
from threading import Event, Thread, Timer
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from watchword.stores.sql.forking import Calls
from watchword.stores.sql.living import Living

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Noted:
    """Notes when it is told of a fork."""

    def __init__(self, did: list[str]) -> None:
        self.did = did

    def before_fork(self) -> None:
        """Note it."""
        self.did.append("told")


@pytest.fixture
def started() -> Iterator[Callable[[Callable[[], object]], Thread]]:
    """Start a thread, which is joined at the end."""
    threads: list[Thread] = []

    def start(work: Callable[[], object]) -> Thread:
        threads.append(Thread(target=work))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join()


def test_a_fork_waits_for_a_call_and_the_next_call_for_the_fork(started: Callable[[Callable[[], object]], Thread]) -> None:
    """No thread is in a call while the process is copied."""
    calls, did, inside, leave = Calls(), list[str](), Event(), Event()
    database = Noted(did)
    calls.follow(database)

    def first() -> None:
        with calls, calls:
            inside.set()
            leave.wait()
            did.append("call")

    def second() -> None:
        with calls:
            did.append("next call")

    started(first)
    inside.wait()
    Timer(0.05, leave.set).start()
    calls.before_fork()
    with calls:  # the thread that forks may call
        did.append("own")
    started(second)
    sleep(0.05)
    did.append("fork")
    calls.after_fork()
    assert did[:4] == ["call", "told", "own", "fork"]


def test_a_fork_does_not_wait_for_ever(started: Callable[[Callable[[], object]], Thread]) -> None:
    """A thread in a call may itself wait for the thread that forks."""
    calls, inside, leave = Calls(), Event(), Event()

    def call() -> None:
        with calls:
            inside.set()
            leave.wait()

    started(call)
    inside.wait()
    begun = monotonic()
    calls.before_fork()
    calls.after_fork()
    assert monotonic() - begun >= 1
    leave.set()


def test_a_thread_may_fork_in_its_own_call() -> None:
    """It is no call of another thread."""
    calls, begun = Calls(), monotonic()
    with calls:
        calls.before_fork()
        calls.after_fork()
    assert monotonic() - begun < 1


def test_the_living_are_listed_while_others_come_and_go(started: Callable[[Callable[[], object]], Thread]) -> None:
    """A `WeakSet` raises there."""
    living: Living[Noted] = Living()
    kept = Noted([])
    living.add(kept)

    def change() -> None:
        for _ in range(20_000):
            living.add(Noted([]))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        thread = started(change)
        while thread.is_alive():
            assert kept in living.items()
    finally:
        sys.setswitchinterval(before)
    gc.collect()
    assert living.items() == [kept]
    living.discard(kept)
    assert living.items() == []
