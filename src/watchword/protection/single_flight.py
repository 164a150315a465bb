"""Does equal work once for all who want it at the same time: one bound for threads and event loops.

A *flight* is one computation, its *members* are the callers who want its outcome, a *place* is the right to compute. A
flight holds a place from the moment on at which one of its members is chosen to compute. Flights wait for places in the
order in which they came; who joins a flight does not wait for another one. There is no thread in the background and no
clock: whoever frees a place gives it to the first flight that waits.
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

T = TypeVar("T")


class SingleFlight:
    """Does equal work once, for all callers who want it at the same time, such as to fetch a key set.

    Callers are threads and tasks of asyncio and trio, on as many event loops as there are, all at the same time.

    Args:
        limit: how many computations there are at once; infinity: as many as there are different keys.
        queue: how many may wait for a place. Beyond it a new one is refused at once, and nothing is computed for it.
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
        self._flights: dict[bytes, Flight] = {}
        self._wanted: dict[bytes, int] = {}  # what the flights are about, to how many
        self._queue: OrderedDict[Flight, None] = OrderedDict()
        self._running: set[Flight] = set()
        self._leaving: deque[tuple[Member, bool]] = deque()
        self._process = Process()

    def __repr__(self) -> str:
        # Without the lock: a debugger may ask at any moment.
        state = f"running={len(self._running)}, waiting={len(self._queue)}"
        return f"{type(self).__name__}(limit={self._limit}, queue={self._most_waiting}, {state})"

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

    def operation(
        self, key: bytes, work: Callable[[], T], *, awaited: Callable[[], Awaitable[T]] | None = None, about: bytes = b""
    ) -> Operation[T]:
        """Return the operation that does the work within the bounds.

        `run` does it in the calling thread. `arun` does it in a worker thread, never on the event loop, or awaits it. An awaiting caller
        may be cancelled at any time. Work in a thread that has begun is done to its end, and keeps its place until then; work that
        is awaited ends with its caller, and the next one begins anew.

        Args:
            key: equal keys mean equal work, and the work that is in flight under a key is not done twice. Make it a keyed
                digest over everything that the work depends on, so that nobody can choose it and it betrays nothing.
            work: computes the outcome. It must not wait for another operation of this object.
            awaited: does the same for callers on an event loop; None: `work` in a worker thread.
            about: what `admit` knows this work by; empty: the key. Several keys may have it in common.

        Returns:
            The operation. What it raises: `Overloaded` if too many wait, or if no thread can be started; whatever the work raises, each
            caller its own copy, and only the one who computed with the traceback. What is no `Exception` (KeyboardInterrupt) ends one
            caller only: the next one computes instead.
        """
        kept = Work(work, awaited)
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
            raise self._overloaded(f"{len(self._running)} {self._many}, and {len(self._queue)} wait")

    def _run(self, key: bytes, work: Work[T], about: bytes) -> T:
        from threading import Event

        event = Event()
        member = Member(event.set, about)
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

    async def _arun(self, key: bytes, work: Work[T], about: bytes) -> T:
        from anyio import Event
        from anyio.lowlevel import current_token

        event = Event()
        member = Member(partial(caller_of(current_token()), event.set), about)
        try:
            if not self._enter(key, member):
                await event.wait()
            if not member.flight.landed:
                if work.awaited is not None:
                    await self._await(member, work.awaited)
                else:
                    try:
                        await self._in_thread(member, work)
                    except RuntimeError as error:  # the work keeps its own exceptions: the process may have no more threads
                        raise self._overloaded(f"no thread can be started for {self._one}: {error}") from None
        except BaseException:
            self._leave(member)
            raise
        result: T = member.result()
        return result

    async def _in_thread(self, member: Member, work: Work[T]) -> None:
        """Compute in a worker thread."""
        await in_thread(partial(self._compute, member, work))

    async def _await(self, member: Member, awaited: Callable[[], Awaitable[object]]) -> None:
        if not self._start(member):
            return
        flight = member.flight
        try:
            try:
                flight.value = await awaited()
            except Exception as error:  # noqa: BLE001 - every member is told
                flight.error, member.failure = copy_of(error), error
            self._land(flight)
        except BaseException:
            self._leave(member, unfinished=True)
            raise

    def _compute(self, member: Member, work: Work[T]) -> None:
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
                flight.error, member.failure = copy_of(error), error
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

    def _enter(self, key: bytes, member: Member) -> bool:
        """Let a member in; return whether it is to compute at once."""
        with self._changing():
            flight = self._flights.get(key)
            if flight is None:
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
        """Note that a member computes; return False if it was not to."""
        with self._changing():
            member.flight.started = member.flight.started or member.flight.chosen is member
            return member.flight.chosen is member

    def _land(self, flight: Flight) -> None:
        """Note that a flight has its outcome, and tell its members."""
        with self._changing():
            flight.landed = True
            self._tell(flight)
            self._advance()

    def _leave(self, member: Member, *, unfinished: bool = False) -> None:
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

    def _take_out(self, member: Member, unfinished: bool) -> None:  # noqa: FBT001 - it comes from a queue
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

    def _choose(self, flight: Flight) -> bool:
        """Tell the first member to compute; return False if none is left."""
        while flight.members:
            member = flight.chosen = next(iter(flight.members))
            if not member.waits or woken(member):
                return True
            del flight.members[member]
        flight.chosen = None
        return False

    def _tell(self, flight: Flight) -> None:
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
        return False  # nobody has come from an event loop yet
    from anyio.lowlevel import current_token

    try:
        current_token()
    except RuntimeError:
        return False
    return True
