"""Bounds how many password hashes are computed at once, and how many may wait (threats W4).

A password hash takes a CPU for tens of milliseconds, and megabytes of memory, on purpose. Without a bound anybody who
sends wrong passwords fast enough decides what the server does.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from watchword.errors import ConfigurationError
from watchword.process import PerProcess
from watchword.protection.flight import Member, Work
from watchword.protection.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")

_NICE = 10  # what nice(1) adds unasked


class HashLimiter(SingleFlight):
    """Bounds how many password hashes are computed at once in this process, and how many wait.

    Callers are threads and tasks of asyncio and trio, on as many event loops as there are, all at the same time. What is awaited is
    computed in threads of its own, beyond the 40 that checkers share.

    Args:
        limit: how many are computed at once; None: one for each CPU that this process may use, but one.
        queue: how many may wait for a place. Beyond it a new one is refused at once, and nothing is computed for it.
        retry_after: whole seconds, for the `Retry-After` of that refusal.

    Raises:
        ConfigurationError: `limit` is no whole number from 1, `queue` or `retry_after` none from 0.
    """

    _one: ClassVar[str] = "a password hash"
    _many: ClassVar[str] = "password hashes are being computed"

    def __init__(self, limit: int | None = None, *, queue: int = 64, retry_after: int = 1) -> None:
        if limit is None:
            limit = max(1, _cpus() - 1)  # the last one is for those who need no hash: an event loop, other requests
        for name, number, least in (("limit", limit, 1), ("queue", queue, 0), ("retry_after", retry_after, 0)):
            if not isinstance(number, int) or isinstance(number, bool) or number < least:
                raise ConfigurationError(f"{name} of a HashLimiter is a whole number, {least} or more, not {number!r}")
        super().__init__(limit, queue=queue, retry_after=retry_after)
        # Kept for each process: the threads of a pool that is collected are waited for.
        self._aside = PerProcess(partial(_Aside, limit))

    @property
    def limit(self) -> int:
        """How many hashes are computed at once, at most."""
        return int(self._limit)

    async def _in_thread(self, member: Member, work: Work[T]) -> None:
        from anyio import CapacityLimiter
        from anyio.to_thread import run_sync

        # The bound is kept by the places: a capacity of its own keeps each out of the threads that the application shares.
        await run_sync(self._compute, member, self._aside.get().work(work), limiter=CapacityLimiter(1))


class _Aside:
    """Threads to which the system prefers others: an event loop that has something to do comes before the hashes that it waits for.

    On as many CPUs as hashes are computed at once the loop would wait for its time slice otherwise, and with it everybody who
    needs no hash. Only Linux has priorities of threads. Nobody can raise one again, so these threads are not the application's.
    And they stay: each new thread might be given an arena of its own by the allocator, which keeps the memory of its hashes.

    Args:
        most: how many threads at most.
    """

    __slots__ = ("_most", "_pool")

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool: ThreadPoolExecutor | None = None

    def work(self, work: Work[T]) -> Work[T]:
        """Return the same work, done in one of them.

        Args:
            work: the work.
        """
        return Work(partial(self._do, work)) if sys.platform == "linux" else work

    def _do(self, work: Work[T]) -> T:
        from concurrent.futures import ThreadPoolExecutor

        pool = self._pool
        if pool is None:
            # Two at once may make one each: the one that is not kept ends with its last work.
            self._pool = pool = ThreadPoolExecutor(self._most, "watchword-hash", _give_way)
        held = [work.call]
        try:
            future = pool.submit(_take, held)
        except RuntimeError:  # the process ends, or may have no more threads
            # The pool has kept what it could start no thread for, and would do it once it can: nothing is left of it then.
            held.clear()
            return work.call()
        try:
            return future.result()
        finally:
            del future  # an exception that is raised leads to this frame


def _take(held: list[Callable[[], T]]) -> T:
    return held.pop()()


def _give_way() -> None:
    from threading import get_native_id

    with suppress(OSError):  # not allowed here: then as everybody else
        os.setpriority(os.PRIO_PROCESS, get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICE)


def _cpus() -> int:
    """Return how many CPUs this process may use: containers and `taskset` take some away."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


_SHARED: dict[str, HashLimiter] = {}


def shared_limiter() -> HashLimiter:
    """Return the limiter of this process, with the default bounds.

    Checkers use it unless they are given one of their own.

    Returns:
        The same object every time.
    """
    # Global state, and the only piece of it here: the CPUs belong to the process and not to a checker. Two checkers with a
    # limiter each would compute twice as much at once as the machine can.
    found = _SHARED.get("limiter")
    # setdefault() is atomic: whoever comes at the same time gets the same one.
    return _SHARED.setdefault("limiter", HashLimiter()) if found is None else found
