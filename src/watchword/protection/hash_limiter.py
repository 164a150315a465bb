"""Bounds the password hashes that are computed at once, and those that wait (threats W4).

A password hash takes a CPU for tens of milliseconds, and megabytes of memory, on purpose. Without a bound a client that sends wrong
passwords fast enough takes over the server.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from watchword.process import PerProcess
from watchword.protection.flight import Member, Work
from watchword.protection.single_flight import SingleFlight
from watchword.validators import check_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")

_NICE = 10  # the default of nice(1)


class HashLimiter(SingleFlight):
    """Bounds the password hashes that are computed at once in this process, and those that wait.

    Callers are threads, and tasks of asyncio and trio on any number of event loops, all at the same time. Awaited hashes are computed in
    threads of their own, beyond the 40 that checkers share.

    Args:
        limit: the maximum of hashes at once; None: one less than the CPUs that this process may use.
        queue: the maximum that wait for a place. Beyond it a new hash is refused at once.
        retry_after: whole seconds, for the `Retry-After` of that refusal.

    Raises:
        ConfigurationError: `limit` is not a whole number from 1, or `queue` or `retry_after` not one from 0.
    """

    _one: ClassVar[str] = "a password hash"
    _many: ClassVar[str] = "password hashes are being computed"

    def __init__(self, limit: int | None = None, *, queue: int = 64, retry_after: int = 1) -> None:
        if limit is None:
            limit = max(1, _cpus() - 1)  # the last one stays free for work without hashes: an event loop, other requests
        for name, number, least in (("limit", limit, 1), ("queue", queue, 0), ("retry_after", retry_after, 0)):
            check_whole(f"HashLimiter({name}=...)", number, least=least)
        # Beyond the queue a hash is refused, not delayed: a waiting request holds a connection, and its client may be gone when its
        # turn comes (threats W4).
        super().__init__(limit, queue=queue, retry_after=retry_after)
        # Kept per process: collecting a pool waits for its threads.
        self._aside = PerProcess(partial(_LowPriority, limit))

    @property
    def limit(self) -> int:
        """The maximum of hashes that are computed at once."""
        return int(self._limit)

    async def _in_thread(self, member: Member, work: Work[T]) -> None:
        from anyio import CapacityLimiter
        from anyio.to_thread import run_sync

        # Places bound the number of threads. A limiter of its own keeps hashes out of the threads that the application shares.
        await run_sync(self._compute, member, self._aside.get().work(work), limiter=CapacityLimiter(1))


class _LowPriority:
    """Threads with a low priority, so that an event loop with work to do runs before hashes.

    With as many hashes as CPUs the loop would wait for its time slice, and with it every request that needs no hash. Only Linux has
    priorities of threads. A priority cannot be raised again, so the threads are not the application's. They are kept, because the
    allocator may give each new thread an arena of its own, which keeps the memory of its hashes.
    """

    __slots__ = ("_most", "_pool")

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool: ThreadPoolExecutor | None = None

    def work(self, work: Work[T]) -> Work[T]:
        """Return the same work, done in one of these threads."""
        return Work(partial(self._do, work)) if sys.platform == "linux" else work

    def _do(self, work: Work[T]) -> T:
        from concurrent.futures import ThreadPoolExecutor

        pool = self._pool
        if pool is None:
            # Made on first use: a process that serves no passwords has no threads.
            # Two callers may create a pool each. The one that is not kept ends with its last work.
            self._pool = pool = ThreadPoolExecutor(self._most, "watchword-hash", _give_way)
        held = [work.call]
        try:
            future = pool.submit(_take, held)
        except RuntimeError:  # the process ends, or the limit of threads is reached
            # The pool keeps the failed call, and would run it later: emptied, it does nothing.
            held.clear()
            return work.call()
        try:
            return future.result()
        finally:
            del future  # the traceback of an exception leads to this frame


def _take(held: list[Callable[[], T]]) -> T:
    return held.pop()()


def _give_way() -> None:
    from threading import get_native_id

    with suppress(OSError):  # not allowed here: keep the normal priority
        os.setpriority(os.PRIO_PROCESS, get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICE)


def _cpus() -> int:
    """Return the number of CPUs that this process may use: containers and `taskset` restrict them."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


_SHARED: dict[str, HashLimiter] = {}


def shared_limiter() -> HashLimiter:
    """Return the limiter of this process, with the default bounds: always the same object.

    Checkers use it unless they get one of their own.
    """
    # The only global state: CPUs belong to the process. Two checkers with a limiter each would compute twice as much as the machine can.
    found = _SHARED.get("limiter")
    # setdefault() is atomic: concurrent callers get the same object.
    return _SHARED.setdefault("limiter", HashLimiter()) if found is None else found
