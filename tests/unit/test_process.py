"""Tests that values of a process are made anew in its children, for every way to fork."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.forks import FORKS, begun, in_child
from watchword import process
from watchword.locking import ProcessLock
from watchword.process import PerProcess, Process

# Python 3.12 warns of a fork where there are threads, which is what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
by_any_fork = pytest.mark.parametrize("fork", FORKS)


def hold(lock: ProcessLock, held: threading.Event, gate: threading.Event) -> None:
    """Hold a lock until the gate opens."""
    with lock:
        held.set()
        gate.wait()


@by_any_fork
def test_each_process_has_one_value(fork: str) -> None:
    """The child gets a new one, its child as well, and the parent keeps its own."""
    held: PerProcess[list[int]] = PerProcess(list)
    mine = held.get()
    mine.append(1)

    def grandchild() -> None:
        assert held.get() == []

    def child() -> None:
        assert held.get() == []
        held.get().append(2)
        assert held.get() == [2]
        assert in_child(grandchild, fork) == 0
        assert held.get() == [2]

    assert in_child(child, fork) == 0
    assert held.get() is mine


@by_any_fork
def test_a_value_that_no_ancestor_has_used_is_made_too(fork: str) -> None:
    """Two forks with nothing in between, as a daemon does them."""
    held: PerProcess[list[int]] = PerProcess(list)
    mine = held.get()

    def grandchild() -> None:
        assert held.get() is not mine

    assert in_child(lambda: os._exit(in_child(grandchild, fork)), fork) == 0


def test_a_process_id_that_comes_again_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are reused: the grandchild of a process that has ended may have its id, and gets none of its values."""
    number = 1
    monkeypatch.setattr(process, "getpid", lambda: number)
    held: PerProcess[list[int]] = PerProcess(list)
    first, number = held.get(), 2
    second, number = held.get(), 1
    third = held.get()
    assert len({id(first), id(second), id(third)}) == 3


def test_what_the_parent_made_is_not_collected_in_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its finalizer might send something over a connection of the parent."""
    from weakref import ref

    number = 1
    monkeypatch.setattr(process, "getpid", lambda: number)
    held: PerProcess[set[int]] = PerProcess(set)
    first = ref(held.get())
    number = 2
    held.get()
    assert first() is not None


def test_all_threads_of_a_child_get_the_same_value() -> None:
    """It is made once, also where many ask at the same time."""
    made: list[object] = []

    def make() -> object:
        value = object()
        made.append(value)
        threading.Event().wait(0.001)
        return value

    held = PerProcess(make)
    held.get()

    def child() -> None:
        made.clear()
        barrier = threading.Barrier(8)

        def ask(_: int) -> int:
            barrier.wait()
            return id(held.get())

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(ask, range(8))) == {id(made[0])}
        assert len(made) == 1

    for _ in range(5):
        assert in_child(child) == 0


def test_a_value_that_cannot_be_made_is_tried_again() -> None:
    """The exception is the caller's."""
    answers = iter([ValueError("not now"), None])

    def make() -> int:
        answer = next(answers)
        if answer is not None:
            raise answer
        return 7

    held = PerProcess(make)
    with pytest.raises(ValueError, match="not now"):
        held.get()
    assert held.get() == held.get() == 7


@by_any_fork
def test_a_value_that_another_thread_makes_at_the_fork(fork: str) -> None:
    """That thread does not exist in the child, which makes its own."""
    begun, gate, parent = threading.Event(), threading.Event(), os.getpid()

    def make() -> int:
        if os.getpid() == parent:
            begun.set()
            gate.wait()
        return os.getpid()

    held = PerProcess(make)
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(held.get)
        begun.wait()
        try:
            assert in_child(lambda: os._exit(held.get() != os.getpid()), fork) == 0
        finally:
            gate.set()
        assert found.result() == parent


@by_any_fork
def test_a_process_knows_its_children_from_itself(fork: str) -> None:
    """By the id of the process, whatever forked it."""
    here = Process()
    assert here.is_current()
    assert in_child(lambda: os._exit(here.is_current()), fork) == 0
    assert here.is_current()
    assert repr(here) == f"Process({os.getpid()})"


@by_any_fork
def test_a_lock_that_another_thread_holds_at_the_fork_is_open_in_the_child(fork: str) -> None:
    """That thread would never open it there. In the parent it holds on to it."""
    lock, held, gate = ProcessLock(), threading.Event(), threading.Event()

    def use() -> None:
        with lock:
            pass

    with ThreadPoolExecutor(2) as threads:
        holding = threads.submit(hold, lock, held, gate)
        held.wait()
        try:
            assert in_child(use, fork) == 0
            waiting = threads.submit(use)
            assert not waiting.done()
        finally:
            gate.set()
        holding.result()
        waiting.result()


@by_any_fork
def test_a_fork_by_the_thread_that_holds_the_lock(fork: str) -> None:
    """Both processes leave the block, and neither takes the lock from a thread that holds it by then."""
    lock, parent, code = ProcessLock(), os.getpid(), 1
    try:
        with lock:
            child = begun(fork)
            if not child:
                held, gate = threading.Event(), threading.Event()
                threading.Thread(target=hold, args=(lock, held, gate), daemon=True).start()
                held.wait()
        if not child:
            # Left by this thread, and still held by the other one.
            waiting = threading.Thread(target=lock.__enter__, daemon=True)
            waiting.start()
            waiting.join(0.05)
            code = 0 if waiting.is_alive() else 2
    finally:
        if os.getpid() != parent:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with lock:
        pass
