"""Lets a fork wait for calls of SQLite.

SQLite has locks for the whole process, of its memory and its page cache. A fork copies them as they are. If another thread holds one, the
child waits for ever in its first call. So `os.fork` waits for the threads that are in a call, and a thread that begins one waits for the
fork. A fork in C runs no hook of Python: the page on stores says what to do there.
"""

from __future__ import annotations

import os
from threading import RLock, get_ident
from time import monotonic, sleep
from typing import TYPE_CHECKING, Protocol

from watchword.process import PerProcess
from watchword.stores.sql.living import Living

if TYPE_CHECKING:
    from types import TracebackType

_LONGEST = 1.0
"""Seconds for which a fork waits. A call that takes longer waits for another process or for Python, and holds no such lock meanwhile."""

_STEP = 0.001


class _Forked(Protocol):
    def before_fork(self) -> None: ...


class _State:
    """The calls of one process.

    Attributes:
        inside: thread to the number of its calls that are not at their end.
        forking: the thread that forks.
        forks: is held during a fork.
    """

    def __init__(self) -> None:
        self.inside: dict[int, int] = {}
        self.forking: int | None = None
        self.forks = RLock()


class Calls:
    """Counts the calls of each thread. Use it as a context around each use of a connection to SQLite; contexts may be nested.

    Usable by several threads at once.
    """

    def __init__(self) -> None:
        self._states = PerProcess(_State)
        self._databases: Living[_Forked] = Living()

    def __enter__(self) -> None:
        state, thread = self._states.get(), get_ident()
        depth = state.inside.get(thread, 0)
        # First counted, then asked: the fork asks and counts in the other order, so that one of the two sees the other.
        state.inside[thread] = depth + 1
        while state.forking not in (None, thread) and not depth:
            del state.inside[thread]
            with state.forks:
                state.inside[thread] = 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # A thread that forks in a call leaves it in the child, too, where it has entered none.
        inside, thread = self._states.get().inside, get_ident()
        depth = inside.pop(thread, 0)
        if depth > 1:
            inside[thread] = depth - 1

    def follow(self, database: _Forked) -> None:
        """Tell a database of each fork, before it. The database is not kept alive."""
        self._databases.add(database)

    def before_fork(self) -> None:
        """Wait for the calls of other threads, and let none begin."""
        state, thread, end = self._states.get(), get_ident(), monotonic() + _LONGEST
        state.forks.acquire()
        state.forking = thread
        while set(state.inside) - {thread} and monotonic() < end:
            sleep(_STEP)
        for database in self._databases.items():
            database.before_fork()

    def after_fork(self) -> None:
        """Let calls begin in the parent. The child has a state of its own."""
        state = self._states.get()
        state.forking = None
        state.forks.release()


CALLS = Calls()
"""Those of this process, as SQLite's locks."""

if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(before=CALLS.before_fork, after_in_parent=CALLS.after_fork)
