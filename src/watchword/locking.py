"""Provides a lock between the threads of one process that a fork does not leave locked."""

from __future__ import annotations

from threading import RLock

from watchword.process import PerProcess


class ProcessLock:
    """A lock between the threads of one process.

    In a process just forked it is unlocked, however it was forked: a thread that had locked it does not exist there and would never
    unlock it. Servers fork their workers after they have loaded the application, and threads of it may work meanwhile.
    """

    __slots__ = ("__weakref__", "_locks")

    def __init__(self) -> None:
        # Reentrant ones know which thread holds them.
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
