"""Provides a lock between the threads of one process that a fork does not leave locked."""

from __future__ import annotations

from threading import RLock

from watchword.process import PerProcess


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
