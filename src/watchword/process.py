"""Keeps state that belongs to one process apart from the state of its parent.

A fork copies all memory: connections that two processes must not share, and locks that were held by threads which do not exist in
the child. Hooks of `os.register_at_fork` do not help: a server that forks in C runs none of them (uWSGI, unless it is told
`--py-call-osafterfork`). So each use of such state compares the process id, a system call of a fraction of a microsecond.
"""

from __future__ import annotations

from os import getpid
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Process:
    """The process in which this object was made."""

    __slots__ = ("_pid",)

    def __init__(self) -> None:
        self._pid = getpid()

    def is_current(self) -> bool:
        """Return False in a child that was forked from it, however it was forked."""
        return self._pid == getpid()

    def __repr__(self) -> str:
        return f"Process({self._pid})"


class PerProcess(Generic[T]):
    """One value for each process, made when it is first used there.

    Usable by several threads at once. A child never returns, finalizes or changes the value of its parent: the value stays referenced,
    because a finalizer might send a message over the parent's connection.

    Args:
        make: returns a new value. It is called once in each process. Do not let it refer to the owner of this object, or the two
            live until a garbage collector comes.
    """

    __slots__ = ("_slot",)

    def __init__(self, make: Callable[[], T]) -> None:
        self._slot: _Slot[T] = _Slot(make)

    def get(self) -> T:
        """Return the value of this process.

        Raises:
            Exception: any exception of `make`; the next call tries again.
        """
        slot = self._slot
        if not slot.process.is_current():
            self._slot = slot = slot.successor()
        return slot.value if slot.made else slot.fill()

    def __repr__(self) -> str:
        return f"PerProcess({self._slot.make!r})"


class _Slot(Generic[T]):
    """The value of one process, with the slots of its children."""

    __slots__ = ("_children", "_lock", "_parent", "made", "make", "process", "value")

    value: T

    def __init__(self, make: Callable[[], T], parent: _Slot[T] | None = None) -> None:
        self.make = make
        self.made = False
        self.process = Process()
        self._parent = parent
        self._lock = Lock()
        self._children: dict[int, _Slot[T]] = {}

    def successor(self) -> _Slot[T]:
        """Return the slot of the current process, which descends from the one of this slot."""
        # No lock: a thread that does not exist here may have held it at the fork. setdefault() is atomic: all threads get the same slot.
        return self._children.setdefault(getpid(), _Slot(self.make, self))

    def fill(self) -> T:
        """Make the value, unless another thread of this process was faster."""
        with self._lock:
            if not self.made:
                self.value = self.make()
                self.made = True
        return self.value
