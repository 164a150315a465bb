"""The store in memory, beside what the contract suite asks of every store."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.forks import FORKS, in_child
from watchword.stores import MemoryStore

# Python 3.12 warns of a fork where there are threads, which is what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.mark.parametrize("fork", FORKS)
def test_a_fork_while_another_thread_uses_the_store_leaves_it_open_in_the_child(fork: str) -> None:
    """A server forks its workers while a thread looks an account up: in the child that thread does not end, and nothing waits for it."""
    store, held, gate = MemoryStore(), threading.Event(), threading.Event()

    def hold() -> None:
        with store._lock:
            held.set()
            gate.wait()

    def use() -> None:
        # In this thread: a new one may get the number of the thread that holds the lock, and so own it. The alarm ends a child that waits.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        store.find_account("ann")
        signal.alarm(0)

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        held.wait()
        try:
            assert in_child(use, fork) == 0
        finally:
            gate.set()
        holding.result()
