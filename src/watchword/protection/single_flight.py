"""Does equal work once for all callers at the same time, with one bound for threads and event loops.

A *flight* is one computation, its *members* are its callers, and a *place* is the right to compute. A flight holds a place from the moment
one of its members is chosen to compute. Flights wait for places in the order of their arrival; joining a flight needs no place. No
background thread and no clock are involved: the caller that frees a place gives it to the first waiting flight.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from contextlib import contextmanager
from functools import partial
from math import inf
from typing import TYPE_CHECKING, ClassVar, TypeVar

from watchword.errors import Overloaded
from watchword.locking import ProcessLock
from watchword.operation import Operation, in_thread
from watchword.process import Process
from watchword.protection.flight import Flight, Member, Work, caller_of, copy_of, woken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from watchword.operation import Thread

T = TypeVar("T")


class SingleFlight:
    """Does equal work once for all callers at the same time, such as fetching a key set.

    Callers are threads, and tasks of asyncio and trio on any number of event loops, all at the same time.

    Args:
        limit: the maximum of computations at once; infinity: one for each key.
        queue: the maximum of flights that wait for a place. Beyond it new work is refused at once, and nothing is computed.
        retry_after: whole seconds, for the `Retry-After` of that refusal.
    """

    _one: ClassVar[str] = "an operation"
    _many: ClassVar[str] = "operations are under way"

    def __init__(self, limit: float = inf, *, queue: int = 0, retry_after: int = 1) -> None:
        self._limit = limit
        self._most_waiting = queue
        self._retry_after = retry_after
        self._beginning = ProcessLock()
        self._forget()

    def _begin_here(self) -> None:
        """Drop, in a process just forked, the computations of its parent: their threads do not exist here."""
        # A child has the state and none of the threads, and a server that forks in C runs no hooks (uWSGI, threats W11).
        if self._process.is_current():
            return
        with self._beginning:
            if not self._process.is_current():
                for flight in self._flights.values():
                    # A member refers to its flight and the flight to it. Cleared, they are freed without the garbage collector.
                    flight.members.clear()
                self._forget()

    def _forget(self) -> None:
        # Imported on first use: `import watchword` does without it.
        from threading import Lock

        # A new lock: a thread of the parent may have held the old one, and does not exist here to release it.
        self._lock = Lock()
        self._flights: dict[bytes, Flight] = {}
        self._wanted: dict[bytes, int] = {}  # `about` of the flights, to their number
        # First come, first served: in the reverse order a flood of new keys would keep an old one waiting for ever.
        self._queue: OrderedDict[Flight, None] = OrderedDict()
        self._running: set[Flight] = set()
        self._leaving: deque[tuple[Member, bool]] = deque()
        self._process = Process()

    def __repr__(self) -> str:
        # Without the lock: a debugger may print this at any moment.
        state = f"running={len(self._running)}, waiting={len(self._queue)}"
        return f"{type(self).__name__}(limit={self._limit}, queue={self._most_waiting}, {state})"

    @property
    def running(self) -> int:
        """The number of places in use."""
        with self._changing():
            return len(self._running)

    @property
    def waiting(self) -> int:
        """The number of flights that wait for a place. Callers that joined one do not count."""
        with self._changing():
            return len(self._queue)

    def operation(
        self,
        key: bytes,
        work: Callable[[], T],
        *,
        awaited: Callable[[], Awaitable[T]] | None = None,
        thread: Thread | None = None,
        about: bytes = b"",
    ) -> Operation[T]:
        """Return the operation that does the work within the bounds.

        `run` works in the calling thread. `arun` works in a worker thread, never on the event loop, or awaits `awaited`. An awaiting caller
        may be cancelled at any time. Work in a thread runs to its end and keeps its place until then. Awaited work ends with its caller,
        and the next caller starts again.

        Args:
            key: equal keys mean equal work, and work in flight under a key is not done twice. Use a keyed digest of everything that the
                work depends on, so that clients cannot choose the key and it reveals nothing.
            work: computes the outcome. It must not wait for another operation of this object.
            awaited: does the same for callers on an event loop; None: `work` in a worker thread.
            thread: calls `work` in a thread that the caller chooses, as one that has the connections of a framework; None: a worker thread.
            about: the name of this work for `admit`; empty: the key. Several keys may share it.

        Returns:
            The operation. It raises `Overloaded` if too many wait or no thread can be started, and the exception of the work: a copy for
            each caller, with the traceback only for the caller that computed. An exception that is no `Exception` (KeyboardInterrupt)
            ends one caller only, and the next one computes instead.
        """
        kept = Work(work, awaited, thread)
        return Operation(partial(self._run, key, kept, about), partial(self._arun, key, kept, about))

    @property
    def is_full(self) -> bool:
        """Whether new work would be refused now. Takes no lock, so that refusing a flood is cheap."""
        if len(self._queue) < self._most_waiting or len(self._running) < self._limit:
            return False
        self._begin_here()  # a child of a process in which it was full has computed nothing yet
        return len(self._queue) >= self._most_waiting and len(self._running) >= self._limit

    def is_under_way(self, key: bytes) -> bool:
        """Tell whether work under this key is done now, or waits for a place. Takes no lock.

        Args:
            key: of the operation.
        """
        if key not in self._flights:
            return False
        self._begin_here()
        return key in self._flights

    def admit(self, about: bytes) -> None:
        """Refuse work that would be refused, before anything is prepared for it. Its operation may still be refused.

        Args:
            about: of the operation.

        Raises:
            Overloaded: too many wait, and none of them for the same work.
        """
        # Without the lock, as `is_full`. `_enter` decides under it, so a stale answer costs one needless preparation or refusal.
        if about not in self._wanted:
            self._check_room()

    def _check_room(self) -> None:
        if self.is_full:
            raise self._overloaded(f"{len(self._running)} {self._many}, and {len(self._queue)} wait")

    def _run(self, key: bytes, work: Work[T], about: bytes) -> T:
        from threading import Event

        event = Event()
        member = Member(event.set, about)
        try:
            # A joined caller sleeps until the outcome is there, or until it is chosen because the computing caller left.
            if not self._enter(key, member):
                self._refuse_on_event_loop()
                event.wait()
            # Woken without an outcome: this caller was chosen, and computes.
            if not member.flight.landed:
                self._compute(member, work)
        except BaseException:
            # Cancelled or interrupted: a member left behind would be chosen one day, and its flight would never end.
            self._leave(member)
            raise
        result: T = member.result()  # equal keys mean equal work
        return result

    async def _arun(self, key: bytes, work: Work[T], about: bytes) -> T:
        from anyio import Event
        from anyio.lowlevel import current_token

        event = Event()
        # An event of anyio is not safe to set from another thread, so its own loop sets it.
        member = Member(partial(caller_of(current_token()), event.set), about)
        try:
            if not self._enter(key, member):
                await event.wait()
            if not member.flight.landed:
                # Awaited work shares the loop, and blocking work must not: a hash would hold up every other request (threats W4).
                if work.awaited is not None:
                    await self._await(member, work.awaited)
                else:
                    try:
                        if work.thread is not None:
                            await work.thread(partial(self._compute, member, work))
                        else:
                            await self._in_thread(member, work)
                    except RuntimeError as error:  # not of the work, which keeps its own exceptions
                        raise self._overloaded(f"no thread can be started for {self._one}: {error}") from None
        except BaseException:
            self._leave(member)
            raise
        result: T = member.result()
        return result

    async def _in_thread(self, member: Member, work: Work[T]) -> None:
        await in_thread(partial(self._compute, member, work))

    async def _await(self, member: Member, awaited: Callable[[], Awaitable[object]]) -> None:
        if not self._start(member):
            return
        flight = member.flight
        try:
            try:
                # Cancellation is no `Exception`: it ends this caller alone, and the next member starts again.
                flight.value = await awaited()
            except Exception as error:  # noqa: BLE001 - every member gets it
                flight.error, member.failure = copy_of(error), error
            self._land(flight)
        except BaseException:
            self._leave(member, unfinished=True)
            raise

    def _compute(self, member: Member, work: Work[T]) -> None:
        # Runs to its end and frees the place itself: asyncio's task.cancel() ends the wait for a thread, not the thread.
        if not self._start(member):
            return  # the task was cancelled before this thread began
        flight = member.flight
        try:
            try:
                # No local variable holds the bound work: tools that report exceptions show local variables.
                flight.value = work.call()
            except Exception as error:  # noqa: BLE001 - every member gets it
                # Not raised here: the future of a worker thread would keep it, with frames that hold the password, until the garbage
                # collector runs.
                flight.error, member.failure = copy_of(error), error
            self._land(flight)
        except BaseException:
            self._leave(member, unfinished=True)
            raise

    def _refuse_on_event_loop(self) -> None:
        if _on_event_loop():
            # It would wait for a task of this same loop, and so for ever.
            raise self._overloaded("a blocking caller on an event loop cannot wait for its turn: use adecide() or acheck()")

    def _overloaded(self, why: str) -> Overloaded:
        return Overloaded(why, retry_after=self._retry_after)

    # The methods below change the state. Each holds the lock for a few steps, and calls nothing but `wake`.

    def _enter(self, key: bytes, member: Member) -> bool:
        """Add a member. Return whether it has to compute at once."""
        with self._changing():
            flight = self._flights.get(key)
            if flight is None:
                # Joining a flight costs nothing, so only a new one needs room.
                self._check_room()
                flight = Flight(key, member.about or key)
            member.flight = flight
            flight.members[member] = None
            if key not in self._flights:
                self._queue[flight] = None
                self._flights[key] = flight
                self._wanted[flight.about] = self._wanted.get(flight.about, 0) + 1
                self._advance()
            member.waits = flight.chosen is not member
            return not member.waits

    def _start(self, member: Member) -> bool:
        """Record that a member computes. Return False if it was not chosen."""
        with self._changing():
            # Between the choice and this line the caller may have been cancelled, and another one chosen.
            member.flight.started = member.flight.started or member.flight.chosen is member
            return member.flight.chosen is member

    def _land(self, flight: Flight) -> None:
        """Record that a flight has its outcome, and wake its members."""
        with self._changing():
            flight.landed = True
            self._wake(flight)
            self._advance()

    def _leave(self, member: Member, *, unfinished: bool = False) -> None:
        """Remove a member, at any stage. A second call changes nothing.

        The garbage collector calls this for a forgotten task, at any moment, also while this thread holds the lock. So it never waits
        for the lock: the holder removes the member.
        """
        self._begin_here()
        # deque.append() is atomic, so no lock is needed here.
        self._leaving.append((member, unfinished))
        self._try_remove_leaving()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._begin_here()
        try:
            with self._lock:
                self._remove_leaving()
                yield
        finally:
            self._try_remove_leaving()

    def _try_remove_leaving(self) -> None:
        # Again after the release: a member may have been appended between the last look and the release.
        while self._leaving and self._lock.acquire(blocking=False):
            try:
                self._remove_leaving()
            finally:
                self._lock.release()

    # The methods below need the lock.

    def _remove_leaving(self) -> None:
        while self._leaving:
            self._remove(*self._leaving.popleft())
        self._advance()

    def _remove(self, member: Member, unfinished: bool) -> None:  # noqa: FBT001 - it comes from a queue
        flight = member.flight
        flight.members.pop(member, None)
        if flight.landed:
            self._wake(flight)
        # A thread that has started cannot be stopped, so it keeps its place: otherwise cancelled requests would exceed the bound.
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

    def _choose(self, flight: Flight) -> bool:
        """Choose the first member to compute. Return False if none is left."""
        while flight.members:
            member = flight.chosen = next(iter(flight.members))
            # The event loop of a member may have ended since it began to wait. The next member computes then.
            if not member.waits or woken(member):
                return True
            del flight.members[member]
        flight.chosen = None
        return False

    def _wake(self, flight: Flight) -> None:
        for member in flight.members:
            if member is not flight.chosen:
                woken(member)
        self._end(flight)

    def _end(self, flight: Flight) -> None:
        flight.members.clear()
        flight.chosen = None
        self._queue.pop(flight, None)
        self._running.discard(flight)
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
            self._wanted[flight.about] -= 1
            if not self._wanted[flight.about]:
                del self._wanted[flight.about]


def _on_event_loop() -> bool:
    if "anyio" not in sys.modules:
        return False  # no event loop has used it yet
    from anyio.lowlevel import current_token

    try:
        current_token()
    except RuntimeError:
        return False
    return True
