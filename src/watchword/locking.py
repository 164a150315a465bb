"""A lock that a fork does not leave closed."""

from __future__ import annotations

import os
from functools import partial
from threading import Lock
from weakref import ref


class ProcessLock:
    """A lock between the threads of one process.

    In a process just forked it is open: the thread that had closed it does not exist there, and would never open it. Servers fork
    their workers after they have loaded the application, and nothing keeps its threads from working meanwhile.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = Lock()
        if hasattr(os, "register_at_fork"):  # Windows has no fork
            # A callback cannot be taken back: it must not keep this object.
            os.register_at_fork(after_in_child=partial(_open, ref(self)))

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        # Who forks while it has the lock comes here twice, and in the child with a new one.
        if self._lock.locked():
            self._lock.release()

    def __repr__(self) -> str:
        return f"ProcessLock({'closed' if self._lock.locked() else 'open'})"


def _open(lock: ref[ProcessLock]) -> None:
    found = lock()
    if found is not None:
        found._lock = Lock()  # noqa: SLF001 - a method of it in all but name, with a weak self
