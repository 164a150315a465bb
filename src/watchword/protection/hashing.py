"""How many password hashes are computed at once, and how many may wait: one bound for threads and event loops (threats W4).

A password hash takes a CPU for tens of milliseconds, and megabytes of memory, on purpose. Without a bound anybody who
sends wrong passwords fast enough decides what the server does.

A *flight* is one computation, its *members* are the callers who want its outcome, a *place* is the right to compute. A
flight holds a place from the moment on at which one of its members is chosen to compute. Flights wait for places in the
order in which they came; who joins a flight does not wait for another one. There is no thread in the background and no
clock: whoever frees a place gives it to the first flight that waits.
"""

from __future__ import annotations

import os
import sys
from collections import OrderedDict, deque
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from watchword.errors import ConfigurationError, Overloaded
from watchword.locking import ProcessLock
from watchword.operation import Operation
from watchword.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")

_NICE = 10  # what nice(1) adds unasked


class HashLimiter:
    """Bounds how many password hashes are computed at once in this process, and how many wait.

    Callers are threads and tasks of asyncio and trio, on as many event loops as there are, all at the same time.

    Args:
        limit: how many are computed at once; None: one for each CPU that this process may use, but one.
        queue: how many may wait for a place. Beyond it a new one is refused at once, and nothing is computed for it.
        retry_after: whole seconds, for the `Retry-After` of that refusal.

    Raises:
        ConfigurationError: `limit` is no whole number from 1, `queue` or `retry_after` none from 0.
    """

    def __init__(self, limit: int | None = None, *, queue: int = 64, retry_after: int = 1) -> None:
        if limit is None:
            limit = max(1, _cpus() - 1)  # the last one is for those who need no hash: an event loop, other requests
        for name, number, least in (("limit", limit, 1), ("queue", queue, 0), ("retry_after", retry_after, 0)):
            if not isinstance(number, int) or isinstance(number, bool) or number < least:
                raise ConfigurationError(f"{name} of a HashLimiter is a whole number, {least} or more, not {number!r}")
        self._limit = limit
        self._most_waiting = queue
        self._retry_after = retry_after
        self._beginning = ProcessLock()
        self._forget()

    def _begin_here(self) -> None:
        """Forget, in a process just forked, the computations of its parent: their threads do not exist here."""
        if self._process.is_current():
            return
        with self._beginning:
            if not self._process.is_current():
                for flight in self._flights.values():
                    flight.members.clear()
                self._forget()

    def _forget(self) -> None:
        # Imported on first use: `import watchword` does without it.
        from threading import Lock

        self._lock = Lock()
        self._flights: dict[bytes, _Flight] = {}
        self._wanted: dict[bytes, int] = {}  # what the flights are about, to how many
        self._queue: OrderedDict[_Flight, None] = OrderedDict()
        self._running: set[_Flight] = set()
        self._leaving: deque[tuple[_Member, bool]] = deque()
        self._inherited = getattr(self, "_aside", None)  # kept: the threads of a pool that is collected are waited for
        self._aside = _Aside(self._limit)
        self._process = Process()

    def __repr__(self) -> str:
        # Without the lock: a debugger may ask at any moment.
        return f"HashLimiter(limit={self._limit}, queue={self._most_waiting}, running={len(self._running)}, waiting={len(self._queue)})"

    @property
    def limit(self) -> int:
        """How many hashes are computed at once, at most."""
        return self._limit

    @property
    def running(self) -> int:
        """How many places are taken."""
        with self._changing():
            return len(self._running)

    @property
    def waiting(self) -> int:
        """How many flights wait for a place; the callers who joined one are not counted."""
        with self._changing():
            return len(self._queue)

    def operation(self, key: bytes, work: Callable[[], T], *, about: bytes = b"") -> Operation[T]:
        """Return the operation that does the work within the bounds.

        `run` does it in the calling thread. `arun` does it in a worker thread, never on the event loop; these threads are
        beyond the 40 that the application shares. An awaiting caller may be cancelled at any time. A hash that has begun
        is computed to its end, and keeps its place until then.

        Args:
            key: equal keys mean equal work, and the work that is in flight under a key is not done twice. Make it a keyed
                digest over everything that the work depends on, so that nobody can choose it and it betrays nothing.
            work: computes the hash. It must not wait for another operation of this limiter.
            about: what `admit` knows this work by; empty: the key. Several keys may have it in common.

        Returns:
            The operation. What it raises: `Overloaded` if too many wait, or if no thread can be started; whatever the work raises, each
            caller its own copy, and only the one who computed with the traceback. What is no `Exception` (KeyboardInterrupt) ends one
            caller only: the next one computes instead.
        """
        kept = _Work(work)
        return Operation(partial(self._run, key, kept, about), partial(self._arun, key, kept, about))

    @property
    def is_full(self) -> bool:
        """Whether new work would be refused now. Takes no lock, so that a flood is turned away at the least cost."""
        if len(self._queue) < self._most_waiting or len(self._running) < self._limit:
            return False
        self._begin_here()  # a child of the process in which it was full computes nothing yet
        return len(self._queue) >= self._most_waiting and len(self._running) >= self._limit

    def admit(self, about: bytes) -> None:
        """Refuse work that would be refused, before anything is made for it.

        It may still be refused when its operation is done.

        Args:
            about: of the operation.

        Raises:
            Overloaded: too many wait, and none of them for the same.
        """
        if about not in self._wanted:
            self._check_room()

    def _check_room(self) -> None:
        if self.is_full:
            raise self._overloaded(f"{len(self._running)} password hashes are being computed, and {len(self._queue)} wait")

    def _run(self, key: bytes, work: _Work[T], about: bytes) -> T:
        from threading import Event

        event = Event()
        member = _Member(event.set, about)
        try:
            if not self._enter(key, member):
                self._refuse_on_event_loop()
                event.wait()
            if not member.flight.landed:
                self._compute(member, work)
        except BaseException:
            self._leave(member)
            raise
        result: T = member.result()  # equal keys mean equal work
        return result

    async def _arun(self, key: bytes, work: _Work[T], about: bytes) -> T:
        from anyio import CapacityLimiter, Event
        from anyio.lowlevel import current_token
        from anyio.to_thread import run_sync

        event = Event()
        member = _Member(partial(_caller_of(current_token()), event.set), about)
        try:
            if not self._enter(key, member):
                await event.wait()
            if not member.flight.landed:
                # The bound is kept here: a capacity of one's own keeps out of the threads that the application shares.
                try:
                    await run_sync(self._compute, member, self._aside.work(work), limiter=CapacityLimiter(1))
                except RuntimeError as error:  # the work keeps its own exceptions: the process may have no more threads
                    raise self._overloaded(f"no thread can be started for a password hash: {error}") from None
        except BaseException:
            self._leave(member)
            raise
        result: T = member.result()
        return result

    def _compute(self, member: _Member, work: _Work[T]) -> None:
        # It frees the place itself: asyncio's task.cancel() ends the waiting for a thread, and not the thread.
        if not self._start(member):
            return  # the task was cancelled on the way here
        flight = member.flight
        try:
            try:
                # No local variable holds the work: tools that report exceptions show them.
                flight.value = work.call()
            except Exception as error:  # noqa: BLE001 - every member is told
                # Not raised from here: the future of a worker thread would keep it, with the frames that hold the password,
                # until a garbage collector comes.
                flight.error, member.failure = _copy_of(error), error
            self._land(flight)
        except BaseException:
            self._leave(member, unfinished=True)
            raise

    def _refuse_on_event_loop(self) -> None:
        if _on_event_loop():
            # It would wait for a task that this very loop has yet to run, and so for ever.
            raise self._overloaded("a blocking caller on an event loop cannot wait for its turn: use adecide() or acheck()")

    def _overloaded(self, why: str) -> Overloaded:
        return Overloaded(why, retry_after=self._retry_after)

    # What changes the state. Each holds the lock for a few steps, and calls nothing but what wakes a member.

    def _enter(self, key: bytes, member: _Member) -> bool:
        """Let a member in; return whether it is to compute at once."""
        with self._changing():
            flight = self._flights.get(key)
            if flight is None:
                self._check_room()
                flight = _Flight(key, member.about or key)
            member.flight = flight
            flight.members[member] = None
            if key not in self._flights:
                self._queue[flight] = None
                self._flights[key] = flight
                self._wanted[flight.about] = self._wanted.get(flight.about, 0) + 1
                self._advance()
            member.waits = flight.chosen is not member
            return not member.waits

    def _start(self, member: _Member) -> bool:
        """Note that a member computes; return False if it was not to."""
        with self._changing():
            member.flight.started = member.flight.started or member.flight.chosen is member
            return member.flight.chosen is member

    def _land(self, flight: _Flight) -> None:
        """Note that a flight has its outcome, and tell its members."""
        with self._changing():
            flight.landed = True
            self._tell(flight)
            self._advance()

    def _leave(self, member: _Member, *, unfinished: bool = False) -> None:
        """Take a member out, at whatever stage; a second time changes nothing.

        A garbage collector that finds a forgotten task calls this, in the middle of anything, also where this very thread
        holds the lock: so it never waits for the lock. Whoever holds it takes the member out.
        """
        self._begin_here()
        self._leaving.append((member, unfinished))
        self._tidy()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._begin_here()
        try:
            with self._lock:
                self._catch_up()
                yield
        finally:
            self._tidy()

    def _tidy(self) -> None:
        while self._leaving and self._lock.acquire(blocking=False):
            try:
                self._catch_up()
            finally:
                self._lock.release()

    # What these do they do with the lock held.

    def _catch_up(self) -> None:
        while self._leaving:
            self._take_out(*self._leaving.popleft())
        self._advance()

    def _take_out(self, member: _Member, unfinished: bool) -> None:  # noqa: FBT001 - it comes from a queue
        flight = member.flight
        flight.members.pop(member, None)
        if flight.landed:
            self._tell(flight)
        elif flight.chosen is member and (unfinished or not flight.started):
            flight.started = False
            if not self._choose(flight):
                self._end(flight)
        elif flight.chosen is None and not flight.members:
            self._end(flight)

    def _advance(self) -> None:
        while self._queue and len(self._running) < self._limit:
            flight = next(iter(self._queue))
            self._running.add(flight)
            if self._choose(flight):
                self._queue.pop(flight, None)
            else:
                self._end(flight)

    def _choose(self, flight: _Flight) -> bool:
        """Tell the first member to compute; return False if none is left."""
        while flight.members:
            member = flight.chosen = next(iter(flight.members))
            if not member.waits or _woken(member):
                return True
            del flight.members[member]
        flight.chosen = None
        return False

    def _tell(self, flight: _Flight) -> None:
        for member in flight.members:
            if member is not flight.chosen:
                _woken(member)
        self._end(flight)

    def _end(self, flight: _Flight) -> None:
        flight.members.clear()
        flight.chosen = None
        self._queue.pop(flight, None)
        self._running.discard(flight)
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
            self._wanted[flight.about] -= 1
            if not self._wanted[flight.about]:
                del self._wanted[flight.about]


class _Flight:
    """One computation: who wants its outcome, in order, who of them computes, and the outcome."""

    __slots__ = ("__weakref__", "about", "chosen", "error", "key", "landed", "members", "started", "value")

    def __init__(self, key: bytes, about: bytes) -> None:
        self.key = key
        self.about = about
        self.members: dict[_Member, None] = {}
        self.chosen: _Member | None = None
        self.started = False
        self.landed = False
        self.value: Any = None
        self.error: Exception | None = None

    def result(self) -> Any:  # noqa: ANN401 - of whatever type the work gives
        if self.error is not None:
            raise _copy_of(self.error)
        return self.value


_NO_FLIGHT = _Flight(b"", b"")


class _Member:
    """One caller, how to wake it from any thread, and what its own work raised."""

    __slots__ = ("__weakref__", "about", "failure", "flight", "waits", "wake")

    def __init__(self, wake: Callable[[], object], about: bytes = b"") -> None:
        self.about = about
        self.failure: Exception | None = None
        self.flight = _NO_FLIGHT
        self.waits = False
        self.wake = wake

    def result(self) -> Any:  # noqa: ANN401 - as above
        failure, self.failure = self.failure, None
        if failure is None:
            return self.flight.result()
        try:
            raise failure
        finally:
            del failure  # its traceback leads here


class _Work(Generic[T]):
    """A password is bound to the work: this never prints it."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], T]) -> None:
        self.call = call


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

    def work(self, work: _Work[T]) -> _Work[T]:
        """Return the same work, done in one of them.

        Args:
            work: the work.
        """
        return _Work(partial(self._do, work)) if sys.platform == "linux" else work

    def _do(self, work: _Work[T]) -> T:
        from concurrent.futures import ThreadPoolExecutor

        pool = self._pool
        if pool is None:
            # Two at once may make one each: the one that is not kept ends with its last work.
            self._pool = pool = ThreadPoolExecutor(self._most, "watchword-hash", _give_way)
        try:
            future = pool.submit(work.call)
        except RuntimeError:  # the process ends, or may have no more threads
            return work.call()
        try:
            return future.result()
        finally:
            del future  # an exception that is raised leads to this frame


def _give_way() -> None:
    from threading import get_native_id

    with suppress(OSError):  # not allowed here: then as everybody else
        os.setpriority(os.PRIO_PROCESS, get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICE)


def _cpus() -> int:
    """Return how many CPUs this process may use: containers and `taskset` take some away."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _woken(member: _Member) -> bool:
    """Wake a member; return False if its event loop has ended."""
    try:
        member.wake()
    except RuntimeError:  # trio's RunFinishedError is one
        return False
    return True


def _caller_of(token: object) -> Callable[[Callable[[], object]], object]:
    """Return what calls a function on an event loop from any thread; the token is what `current_token()` gave there."""
    native: Any = getattr(token, "native_token", token)  # before anyio 4.11 the token is the native one itself
    call: Callable[[Callable[[], object]], object] = getattr(native, "run_sync_soon", None) or native.call_soon_threadsafe
    return call


def _on_event_loop() -> bool:
    if "anyio" not in sys.modules:
        return False  # nobody has come from an event loop yet
    from anyio.lowlevel import current_token

    try:
        current_token()
    except RuntimeError:
        return False
    return True


def _copy_of(error: Exception) -> Exception:
    """Return an exception that says the same: without the traceback, cause and context, which lead to another caller's password."""
    # Not copy.copy(): it calls `__init__` with the arguments of the message, which many exceptions do not take.
    kind = type(error)
    builtin = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    twin: Exception = kind(*error.args) if kind is builtin else builtin.__new__(kind, *error.args)
    vars(twin).update({name: list(value) if name == "__notes__" else value for name, value in vars(error).items()})
    return twin


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
