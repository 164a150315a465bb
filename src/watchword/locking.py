"""Provides a lock between the threads of one process that a fork does not leave locked."""

from __future__ import annotations

from os import getpid
from threading import RLock
from typing import TYPE_CHECKING

from watchword.process import PerProcess

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class ProcessLock:
    """A lock between the threads of one process.

    In a forked child it is unlocked, for every way to fork: the thread that holds it does not exist there, and would never unlock it.
    Servers fork their workers after loading the application, while threads of it may run.
    """

    __slots__ = ("__weakref__", "_locks")

    def __init__(self) -> None:
        # Reentrant locks know their owner, so a release by another thread raises.
        self._locks = PerProcess(RLock)

    def __enter__(self) -> None:
        self._locks.get().acquire()

    def __exit__(self, *error: object) -> None:
        # A thread that forks while it holds the lock also gets here in the child, where it does not hold the new one.
        try:  # noqa: SIM105 - suppress() takes longer than all the rest
            self._locks.get().release()
        except RuntimeError:
            pass

    def __repr__(self) -> str:
        return "ProcessLock()"


def brief_lock(locks: dict[int, AbstractContextManager[object]]) -> AbstractContextManager[object]:
    """Return the lock of this process in a table that lives as long as one request.

    A child does not wait for a thread that it does not have, as with `ProcessLock`, which takes longer to make than the rest of a decision.

    Args:
        locks: the table, by process; the lock is made in it. Of several threads that make one at the same time, all take the first.
    """
    return locks.setdefault(getpid(), RLock())
