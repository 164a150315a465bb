"""Tests the hash limiter: its bounds, shared computations, and callers that leave at every stage."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
import trio

from tests.support.forks import in_child
from watchword import ConfigurationError, Unavailable
from watchword.errors import Overloaded
from watchword.operation import Operation, Steps, arun, run
from watchword.protection import flight, hash_limiter
from watchword.protection.hash_limiter import HashLimiter, shared_limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from concurrent.futures import Future

KINDS = [("threads",), ("asyncio",), ("trio",), ("threads", "asyncio", "trio", "asyncio")]
everywhere = pytest.mark.parametrize("kinds", KINDS, ids="+".join)


class Stop(BaseException):
    """What ends a caller and is no Exception, as KeyboardInterrupt is."""


class Watched(HashLimiter):
    """A limiter that tells when a caller has come in, or was turned away."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.came = threading.Semaphore(0)
        self.callers = 0
        super().__init__(*args, **kwargs)

    def _enter(self, key: bytes, member: flight.Member) -> bool:
        try:
            return super()._enter(key, member)
        finally:
            self.callers += 1
            self.came.release()

    def wait_for(self, callers: int) -> None:
        """Wait until so many more have come."""
        for _ in range(callers):
            self.came.acquire()


class Hash:
    """Work that counts itself, and waits at a gate."""

    def __init__(self, *, shut: bool = False) -> None:
        self.gate = threading.Event()
        if not shut:
            self.gate.set()
        self.lock = threading.Lock()
        self.begun = threading.Semaphore(0)
        self.done: list[object] = []
        self.order: list[object] = []
        self.now = self.peak = 0

    def __call__(self, name: object = "answer") -> object:
        """Wait at the gate, and return the name."""
        with self.lock:
            self.order.append(name)
            self.now += 1
            self.peak = max(self.peak, self.now)
        self.begun.release()
        self.gate.wait()
        with self.lock:
            self.now -= 1
            self.done.append(name)
        return name


def fail(error: BaseException) -> None:
    """Raise."""
    raise error


def failing(work: Callable[[], object], error: BaseException) -> None:
    """Work, and then raise."""
    work()
    raise error


def outcome(call: Callable[[], object]) -> object:
    """Return what a call returns or raises."""
    try:
        return call()
    except (Exception, Stop) as error:  # noqa: BLE001 - whatever it is
        return error


async def awaited(operation: Operation[Any]) -> Any:
    """Do an operation on the event loop."""
    assert operation.arun is not None
    return await operation.arun()


async def aoutcome(operation: Operation[Any]) -> object:
    """Return what an operation returns or raises on the event loop."""
    try:
        return await awaited(operation)
    except (Exception, Stop) as error:  # noqa: BLE001 - whatever it is
        return error


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until something holds."""
    while not condition():
        await anyio.lowlevel.checkpoint()


def ask_all(kind: str, operations: list[Operation[Any]]) -> list[object]:
    """Do the operations all at once: in a thread each, or on an event loop in this thread."""
    if kind == "threads":
        with ThreadPoolExecutor(len(operations)) as pool:
            return list(pool.map(lambda operation: outcome(operation.run), operations))

    answers: list[object] = [None] * len(operations)

    async def ask(number: int, operation: Operation[Any]) -> None:
        answers[number] = await aoutcome(operation)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number, operation in enumerate(operations):
                group.start_soon(ask, number, operation)

    anyio.run(main, backend=kind)
    return answers


class Crowd:
    """Callers of several kinds at the same time."""

    def __init__(self, kinds: tuple[str, ...], operations: list[Operation[Any]]) -> None:
        self.pool = ThreadPoolExecutor(len(kinds))
        shares = [(kind, operations[start :: len(kinds)]) for start, kind in enumerate(kinds)]
        self.parts: list[Future[list[object]]] = [self.pool.submit(ask_all, kind, share) for kind, share in shares if share]

    def answers(self) -> list[object]:
        """Wait for everyone, and return their answers in any order."""
        found = [answer for part in self.parts for answer in part.result()]
        self.pool.shutdown()
        return found


def place(limiter: HashLimiter, key: bytes = b"a place") -> flight.Member:
    """Take a place, or a place in the queue, without computing anything."""
    member = flight.Member(lambda: None)
    limiter._enter(key, member)
    return member


@contextmanager
def at_rest(limiter: HashLimiter) -> Iterator[None]:
    """Check that nothing is left behind."""
    yield
    assert (limiter.running, limiter.waiting) == (0, 0)
    assert (limiter._flights, limiter._wanted, limiter._leaving) == ({}, {}, deque())
    # and that a place is really free
    assert [limiter.operation(bytes([number]), lambda: 5).run() for number in range(limiter.limit + 1)] == [5] * (limiter.limit + 1)


# The bounds


@everywhere
def test_no_more_than_the_limit_are_computed_at_once(kinds: tuple[str, ...]) -> None:
    """With 500 callers exactly four hashes run at any moment, and never a fifth."""
    limiter, work, fours = HashLimiter(4, queue=500), Hash(), threading.Barrier(4)

    def together(number: int) -> object:
        fours.wait()
        return work(number)

    with at_rest(limiter):
        crowd = Crowd(kinds, [limiter.operation(b"%d" % number, partial(together, number)) for number in range(500)])
        assert sorted(crowd.answers(), key=str) == sorted(range(500), key=str)
        assert len(work.done) == 500
        assert work.peak <= 4


@everywhere
def test_threads_and_event_loops_share_one_limit(kinds: tuple[str, ...]) -> None:
    """With two places taken no other hash begins, whether a thread or an event loop holds them."""
    limiter, work = Watched(2, queue=50), Hash(shut=True)
    with at_rest(limiter):
        crowd = Crowd(kinds, [limiter.operation(b"%d" % number, partial(work, number)) for number in range(40)])
        limiter.wait_for(40)
        work.begun.acquire()
        work.begun.acquire()
        assert (limiter.running, limiter.waiting, len(work.order)) == (2, 38, 2)
        work.gate.set()
        assert len(crowd.answers()) == 40
        assert work.peak == 2


@everywhere
def test_a_full_queue_refuses_at_once_and_recovers(kinds: tuple[str, ...]) -> None:
    """One runs, two wait, and the others are refused without computing anything. Later there is room again."""
    limiter, work = Watched(1, queue=2, retry_after=7), Hash(shut=True)
    with at_rest(limiter):
        crowd = Crowd(kinds, [limiter.operation(b"%d" % number, partial(work, number)) for number in range(20)])
        limiter.wait_for(20)
        assert (limiter.running, limiter.waiting) == (1, 2)
        work.gate.set()
        answers = crowd.answers()
        refused = [answer for answer in answers if isinstance(answer, Overloaded)]
        assert len(refused) == 17
        assert {(error.retry_after, error.why) for error in refused} == {(7, "1 password hashes are being computed, and 2 wait")}
        assert sorted(work.done, key=str) == sorted((answer for answer in answers if not isinstance(answer, Overloaded)), key=str)


def test_a_queue_of_0_refuses_every_waiting_caller() -> None:
    """A caller gets a place or is refused."""
    limiter = HashLimiter(1, queue=0)
    with at_rest(limiter):
        holder = place(limiter)
        with pytest.raises(Overloaded):
            limiter.operation(b"k", partial(fail, AssertionError("computed"))).run()
        limiter._leave(holder)
        assert limiter.operation(b"k", lambda: 1).run() == 1


@everywhere
def test_flights_are_served_in_the_order_of_arrival(kinds: tuple[str, ...]) -> None:
    """The kind of caller makes no difference."""
    limiter = Watched(1, queue=50)
    work = Hash()
    with at_rest(limiter):
        holder = place(limiter)
        limiter.wait_for(1)
        crowds = []
        for number in range(12):
            crowds.append(Crowd((kinds[number % len(kinds)],), [limiter.operation(b"%d" % number, partial(work, number))]))
            limiter.wait_for(1)
        limiter._leave(holder)
        assert [crowd.answers() for crowd in crowds] == [[number] for number in range(12)]
        assert work.order == list(range(12))


def test_a_new_flight_does_not_overtake_the_queue() -> None:
    """A free place belongs to the first waiting flight, before its caller has noticed."""
    limiter = HashLimiter(1)
    with at_rest(limiter):
        holder, first = place(limiter, b"holder"), place(limiter, b"first")
        limiter._leave(holder)
        late = place(limiter, b"late")
        assert (first.flight.chosen, late.flight.chosen) == (first, None)
        limiter._leave(first)
        assert late.flight.chosen is late
        limiter._leave(late)


# Where it is computed


def test_a_blocking_caller_computes_in_its_own_thread() -> None:
    """WSGI servers have threads of their own, so none is started."""
    assert HashLimiter(1).operation(b"k", threading.get_ident).run() == threading.get_ident()


@pytest.mark.anyio
async def test_an_awaiting_caller_never_computes_on_the_event_loop() -> None:
    """A worker thread computes, and it is not one of those that the application shares."""
    shared = anyio.to_thread.current_default_thread_limiter()
    here, limiter, work = threading.get_ident(), HashLimiter(1), Hash(shut=True)
    found: list[object] = []

    async def ask() -> None:
        found.append(await awaited(limiter.operation(b"k", lambda: (work(), threading.get_ident()))))

    with at_rest(limiter):
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await until(lambda: work.now == 1)
            assert shared.borrowed_tokens == 0
            work.gate.set()
        assert isinstance(found[0], tuple)
        assert found[0][1] != here


@pytest.mark.anyio
async def test_run_and_arun_drive_the_operation() -> None:
    """A flow that yields it works in a thread and on a loop."""
    limiter = HashLimiter(1)

    def flow() -> Steps[int]:
        first = yield limiter.operation(b"a", lambda: 1)
        second = yield limiter.operation(b"b", lambda: first + 1)
        return second

    assert await arun(flow()) == 2
    assert await anyio.to_thread.run_sync(lambda: run(flow())) == 2


@pytest.mark.anyio
async def test_a_blocking_caller_on_an_event_loop_never_waits() -> None:
    """It would wait for a task of its own loop. It computes if a place is free, and is refused otherwise."""
    limiter = HashLimiter(1)
    with at_rest(limiter):
        assert limiter.operation(b"k", lambda: 1).run() == 1
        holder = place(limiter)
        for key in (b"k", b"a place"):
            with pytest.raises(Overloaded, match="adecide"):
                limiter.operation(key, lambda: 1).run()
        assert (limiter.running, limiter.waiting) == (1, 0)
        limiter._leave(holder)


# Flights


@everywhere
def test_identical_requests_share_one_computation(kinds: tuple[str, ...]) -> None:
    """100 callers with one key cause one computation, get one answer, and need no place in the queue."""
    limiter, work = Watched(1, queue=0), Hash(shut=True)
    with at_rest(limiter):
        crowd = Crowd(kinds, [limiter.operation(b"k", work) for _ in range(100)])
        limiter.wait_for(100)
        assert (limiter.running, limiter.waiting) == (1, 0)
        work.gate.set()
        assert crowd.answers() == ["answer"] * 100
        assert work.done == ["answer"]


@everywhere
def test_identical_requests_share_one_place_in_the_queue(kinds: tuple[str, ...]) -> None:
    """A waiting flight is joined like a running one."""
    limiter, work = Watched(1, queue=1), Hash()
    with at_rest(limiter):
        holder = place(limiter)
        crowd = Crowd(kinds, [limiter.operation(b"k", work) for _ in range(100)])
        limiter.wait_for(101)
        assert (limiter.running, limiter.waiting) == (1, 1)
        limiter._leave(holder)
        assert crowd.answers() == ["answer"] * 100
        assert work.done == ["answer"]


def test_a_flight_that_has_landed_is_over() -> None:
    """Nothing is cached: the next caller with the same key computes again."""
    limiter, work = HashLimiter(1), Hash()
    with at_rest(limiter):
        assert [limiter.operation(b"k", work).run() for _ in range(3)] == ["answer"] * 3
        assert len(work.done) == 3


def test_an_operation_may_be_done_again() -> None:
    """It is a value, and running it uses nothing up."""
    operation = HashLimiter(1).operation(b"k", lambda: 1)
    assert [operation.run(), operation.run()] == [1, 1]


def test_different_keys_share_nothing() -> None:
    """Each gets its own answer."""
    limiter = HashLimiter(2, queue=10)
    crowd = Crowd(("threads",), [limiter.operation(bytes([number % 5]), partial(int, number % 5)) for number in range(10)])
    assert sorted(crowd.answers(), key=str) == sorted([*range(5), *range(5)])


@pytest.mark.parametrize("backends", [("asyncio", "asyncio"), ("trio", "trio"), ("asyncio", "trio")])
def test_event_loops_in_different_threads_share_a_flight(backends: tuple[str, str]) -> None:
    """One loop computes, and its worker thread wakes the other loop."""
    limiter, work = Watched(1), Hash(shut=True)
    with at_rest(limiter):
        first = Crowd(backends[:1], [limiter.operation(b"k", work)])
        limiter.wait_for(1)
        second = Crowd(backends[1:], [limiter.operation(b"k", partial(fail, AssertionError("computed twice")))])
        limiter.wait_for(1)
        work.gate.set()
        assert (first.answers(), second.answers()) == (["answer"], ["answer"])


def test_the_computing_caller_is_not_woken() -> None:
    """Waking costs a turn of the event loop: only waiting callers are woken, and once."""
    limiter, woken = HashLimiter(1), list[str]()
    with at_rest(limiter):
        first, second, third = (flight.Member(partial(woken.append, name)) for name in ("first", "second", "third"))
        for key, member in ((b"k", first), (b"k", second), (b"next", third)):
            limiter._enter(key, member)
        assert woken == []
        limiter._compute(first, flight.Work(lambda: 1))
        assert woken == ["second", "third"]
        limiter._leave(third)


WITHOUT_LOOP = """
import sys, threading
from watchword.protection.hash_limiter import HashLimiter
limiter, gate = HashLimiter(1), threading.Event()
threads = [threading.Thread(target=limiter.operation(b"%d" % n, gate.wait).run) for n in range(2)]
for thread in threads:
    thread.start()
while not limiter.waiting:
    pass
gate.set()
for thread in threads:
    thread.join()
sys.exit("anyio" in sys.modules or "asyncio" in sys.modules)
"""


def test_threads_alone_load_no_event_loop() -> None:
    """A WSGI server imports no event loop, neither to compute nor to wait."""
    assert subprocess.run([sys.executable, "-c", WITHOUT_LOOP], timeout=30, check=False).returncode == 0


# Exceptions


class Odd(Exception):
    """An exception that cannot be made from its arguments."""

    def __init__(self, name: str, *, code: int) -> None:
        super().__init__(f"{name} failed")
        self.code = code


def noted(error: Exception) -> Exception:
    """Return the exception with a note."""
    error.add_note("a note")
    return error


@everywhere
@pytest.mark.parametrize(
    "make",
    [
        partial(ValueError, "no"),
        partial(Unavailable, "down", retry_after=4),
        partial(Odd, "it", code=3),
        partial(OSError, 2, "gone"),
        lambda: noted(KeyError("k")),
        partial(UnicodeDecodeError, "utf-8", b"x", 0, 1, "odd"),
    ],
)
def test_an_error_reaches_every_member(kinds: tuple[str, ...], make: Callable[[], Exception]) -> None:
    """Each member raises an equal exception of its own, and one computed."""
    error = make()
    limiter, work = Watched(1), Hash(shut=True)
    with at_rest(limiter):
        crowd = Crowd(kinds, [limiter.operation(b"k", partial(failing, work, error)) for _ in range(20)])
        limiter.wait_for(20)
        work.gate.set()
        answers = crowd.answers()
        assert len(work.done) == 1
        assert {(type(answer), str(answer), repr(vars(answer))) for answer in answers} == {(type(error), str(error), repr(vars(error)))}
        assert len({id(answer) for answer in answers}) == 20


def test_a_note_on_one_copy_is_on_no_other() -> None:
    """Adding a note to an exception leaves the others as they are."""
    first = noted(ValueError("x"))
    second = flight.copy_of(first)
    second.add_note("another")
    assert first.__notes__ == ["a note"]


def frames(error: BaseException) -> Iterator[Any]:
    """Yield the frames of an exception and of all that it leads to."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield from frames(other)


@everywhere
def test_no_caller_gets_the_traceback_of_another(kinds: tuple[str, ...]) -> None:
    """Only the caller that computed has the frames of the work and the cause. No frame of this library shows the password."""
    limiter, gate = Watched(1), threading.Event()

    def verify(password: str) -> None:
        gate.wait()
        try:
            fail(OSError("disk"))
        except OSError as error:
            raise ValueError("no") from error

    with at_rest(limiter):
        crowd = Crowd(kinds, [limiter.operation(b"k", partial(verify, "hunter2")) for _ in range(10)])
        limiter.wait_for(10)
        gate.set()
        answers = [answer for answer in crowd.answers() if isinstance(answer, ValueError)]
        assert len(answers) == 10
        inside = [answer for answer in answers if any(frame.f_code is verify.__code__ for frame in frames(answer))]
        assert len(inside) == 1
        assert [answer for answer in answers if answer.__cause__] == inside
        assert [answer for answer in answers if answer.__context__] == inside
        own = (verify.__code__, test_no_caller_gets_the_traceback_of_another.__code__)
        shown = [frame.f_locals for answer in answers for frame in frames(answer) if frame.f_code not in own]
        assert shown
        # the operation itself is the caller's
        assert "hunter2" not in repr(shown)


@everywhere
def test_a_keyboard_interrupt_ends_one_caller_only(kinds: tuple[str, ...]) -> None:
    """The next member computes instead, in the same place."""
    limiter, work = Watched(1), Hash(shut=True)
    first = threading.Event()

    def compute() -> object:
        work()
        if not first.is_set():
            first.set()
            raise Stop
        return "answer"

    with at_rest(limiter):
        crowd = Crowd(kinds, [limiter.operation(b"k", compute) for _ in range(20)])
        limiter.wait_for(20)
        work.gate.set()
        answers = crowd.answers()
        assert Counter(map(type, answers)) == {str: 19, Stop: 1}
        assert len(work.done) == 2


@everywhere
def test_a_flight_ends_with_its_last_member(kinds: tuple[str, ...]) -> None:
    """Each member tries in turn, and then the place is free."""
    limiter, work = Watched(1), Hash(shut=True)
    with at_rest(limiter):
        crowd = Crowd(kinds, [limiter.operation(b"k", partial(failing, work, Stop())) for _ in range(5)])
        limiter.wait_for(5)
        work.gate.set()
        assert [type(answer) for answer in crowd.answers()] == [Stop] * 5
        assert work.peak == 1


# Callers who go away


class Task:
    """A caller on the event loop, and what became of it."""

    def __init__(self, group: anyio.abc.TaskGroup, operation: Operation[Any]) -> None:
        self.scope = anyio.CancelScope()
        self.over = False
        self.answer: object = "cancelled"
        group.start_soon(self._ask, operation)

    async def _ask(self, operation: Operation[Any]) -> None:
        with self.scope:
            self.answer = await aoutcome(operation)
        self.over = True


@pytest.mark.anyio
async def test_a_caller_cancelled_before_it_begins_frees_its_place() -> None:
    """The place was taken, and the thread not yet requested."""
    limiter = HashLimiter(1)
    with at_rest(limiter), anyio.CancelScope() as scope:
        scope.cancel()
        await awaited(limiter.operation(b"k", partial(fail, AssertionError("computed"))))
    assert scope.cancelled_caught


@pytest.mark.anyio
async def test_a_caller_cancelled_in_the_queue_leaves_it() -> None:
    """Its place in the queue is free again, and nothing is computed for it."""
    limiter = Watched(1, queue=1)
    with at_rest(limiter):
        holder = place(limiter)
        async with anyio.create_task_group() as group:
            task = Task(group, limiter.operation(b"k", partial(fail, AssertionError("computed"))))
            await until(lambda: limiter.waiting == 1)
            task.scope.cancel()
            await until(lambda: task.over)
            assert (task.answer, limiter.running, limiter.waiting) == ("cancelled", 1, 0)
            other = Task(group, limiter.operation(b"other", lambda: 1))
            await until(lambda: limiter.waiting == 1)
            limiter._leave(holder)
        assert other.answer == 1


@pytest.mark.anyio
async def test_a_flight_in_the_queue_outlives_its_first_member() -> None:
    """The flight keeps its turn, and the next member computes."""
    limiter, work = Watched(1), Hash()
    with at_rest(limiter):
        holder = place(limiter)
        async with anyio.create_task_group() as group:
            first, second = (Task(group, limiter.operation(b"k", partial(work, number))) for number in (1, 2))
            await until(lambda: limiter.callers == 3)
            later = Task(group, limiter.operation(b"later", partial(work, "later")))
            await until(lambda: limiter.waiting == 2)
            first.scope.cancel()
            await until(lambda: first.over)
            assert limiter.waiting == 2
            limiter._leave(holder)
        assert (first.answer, later.answer) == ("cancelled", "later")
        assert second.answer in {1, 2}
        assert work.order == [second.answer, "later"]


@pytest.mark.anyio
@pytest.mark.parametrize("members", [1, 2])
async def test_a_caller_cancelled_when_chosen_passes_the_work_on(members: int) -> None:
    """The next member computes, or else the next flight gets the place."""
    limiter, work = Watched(1), Hash()
    with at_rest(limiter):
        holder = place(limiter)
        async with anyio.create_task_group() as group:
            tasks = [Task(group, limiter.operation(b"k", work)) for _ in range(members)]
            await until(lambda: limiter.callers == members + 1)
            later = Task(group, limiter.operation(b"later", partial(work, "later")))
            await until(lambda: limiter.waiting == 2)
            chosen_first = next(iter(limiter._flights[b"k"].members))
            limiter._leave(holder)
            assert limiter._flights[b"k"].chosen is chosen_first
            # In the same turn of the loop: which task that is depends on the loop, so it is found by what it waits for.
            for task in tasks[: members - 1] or tasks:
                task.scope.cancel()
        assert later.answer == "later"
        answers = sorted(str(task.answer) for task in tasks)
        assert answers == ["answer", "cancelled"][-members:] if members == 2 else answers == ["cancelled"]


@pytest.mark.anyio
async def test_a_cancelled_member_does_not_disturb_the_others() -> None:
    """The computation goes on."""
    limiter, work = Watched(1), Hash(shut=True)
    with at_rest(limiter):
        async with anyio.create_task_group() as group:
            first = Task(group, limiter.operation(b"k", work))
            await until(lambda: work.now == 1)
            second, third = (Task(group, limiter.operation(b"k", work)) for _ in range(2))
            await until(lambda: limiter.callers == 3)
            second.scope.cancel()
            await until(lambda: second.over)
            work.gate.set()
        assert [task.answer for task in (first, second, third)] == ["answer", "cancelled", "answer"]
        assert len(work.done) == 1


@pytest.mark.anyio
async def test_a_caller_cancelled_while_computing_computes_for_the_others() -> None:
    """A hash cannot be stopped: it keeps its place to its end, and its outcome is used."""
    limiter, work = Watched(1), Hash(shut=True)
    with at_rest(limiter):
        async with anyio.create_task_group() as group:
            first = Task(group, limiter.operation(b"k", work))
            await until(lambda: work.now == 1)
            second = Task(group, limiter.operation(b"k", work))
            await until(lambda: limiter.callers == 2)
            first.scope.cancel()
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
            assert (limiter.running, first.over) == (1, False)
            work.gate.set()
        assert second.answer == "answer"
        assert len(work.done) == 1


@pytest.mark.parametrize("joined", [0, 1])
def test_a_task_that_asyncio_cancels_does_not_free_the_place_of_its_thread(joined: int) -> None:
    """`task.cancel()` ends the task at once and leaves its thread running: the bound counts the thread."""
    limiter, work = Watched(1), Hash(shut=True)

    async def main() -> None:
        task = asyncio.create_task(awaited(limiter.operation(b"k", work)))
        await until(lambda: work.now == 1)
        others = [asyncio.create_task(awaited(limiter.operation(b"k", work))) for _ in range(joined)]
        later = asyncio.create_task(awaited(limiter.operation(b"later", partial(work, "later"))))
        await until(lambda: limiter.callers == 2 + joined)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (limiter.running, limiter.waiting, work.now) == (1, 1, 1)
        # and who comes now still joins it
        others.append(asyncio.create_task(awaited(limiter.operation(b"k", work))))
        await until(lambda: limiter.callers == 3 + joined)
        work.gate.set()
        assert await asyncio.gather(*others, later) == ["answer"] * (joined + 1) + ["later"]
        assert (work.peak, len(work.done)) == (1, 2)

    with at_rest(limiter):
        asyncio.run(main())


def test_a_task_that_asyncio_cancels_at_every_step_leaks_nothing() -> None:
    """After any number of turns of the loop, chosen at once or out of the queue, the place is free again."""
    limiter = Watched(1)

    async def main(turns: int, *, queued: bool) -> None:
        holder = place(limiter) if queued else None
        task = asyncio.create_task(awaited(limiter.operation(b"k", lambda: 1)))
        other = asyncio.create_task(awaited(limiter.operation(b"k", lambda: 1)))
        for turn in range(turns):
            await asyncio.sleep(0)
            if turn == 2 and holder is not None:
                limiter._leave(holder)
        task.cancel()
        if holder is not None:
            limiter._leave(holder)
        assert await other == 1
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: limiter.running == 0)

    for turns in range(12):
        for queued in (False, True):
            with at_rest(limiter):
                asyncio.run(main(turns, queued=queued))


def test_a_worker_that_comes_too_late_does_nothing() -> None:
    """Its task has left, and another caller has the work."""
    limiter = HashLimiter(1)
    with at_rest(limiter):
        member = place(limiter)
        limiter._leave(member)
        limiter._compute(member, flight.Work(partial(fail, AssertionError("computed"))))
        assert not member.flight.landed


@contextmanager
def interrupting() -> Iterator[Callable[[], None]]:
    """Give what interrupts the main thread once, as Ctrl-C does; another thread calls it."""
    armed = threading.Event()
    armed.set()
    main = threading.get_ident()

    def stop(*_: object) -> None:
        if armed.is_set():
            armed.clear()
            raise Stop

    def interrupt() -> None:
        # A signal that comes just before the system call that waits does not end it: so until one has been heard.
        while armed.is_set():
            signal.pthread_kill(main, signal.SIGUSR1)
            os.sched_yield()

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("key", [b"a place", b"another"])
def test_a_thread_that_is_interrupted_while_it_waits_leaves(key: bytes) -> None:
    """Ctrl-C in the queue, and as a member of a running flight."""
    limiter = Watched(1)
    with at_rest(limiter):
        holder = place(limiter)
        limiter.wait_for(1)
        with interrupting() as interrupt:

            def soon() -> None:
                limiter.wait_for(1)
                interrupt()

            helper = threading.Thread(target=soon)
            helper.start()
            with pytest.raises(Stop):
                limiter.operation(key, partial(fail, AssertionError("computed"))).run()
            helper.join()
        assert (limiter.running, limiter.waiting, list(holder.flight.members)) == (1, 0, [holder])
        limiter._leave(holder)


def test_a_thread_interrupted_while_it_computes_passes_the_work_on() -> None:
    """After Ctrl-C in the middle of a hash the other member computes it."""
    limiter, work = Watched(1), Hash(shut=True)
    with at_rest(limiter), interrupting() as interrupt:
        crowds: list[Crowd] = []

        def soon() -> None:
            work.begun.acquire()
            crowds.append(Crowd(("threads",), [limiter.operation(b"k", lambda: "again")]))
            limiter.wait_for(2)
            interrupt()

        helper = threading.Thread(target=soon)
        helper.start()
        with pytest.raises(Stop):
            limiter.operation(b"k", work).run()
        helper.join()
        assert crowds[0].answers() == ["again"]


def test_a_thread_interrupted_while_it_wakes_members_has_woken_them_all() -> None:
    """After Ctrl-C between two members every waiting member gets the outcome."""
    limiter, work, pending = Watched(1), Hash(shut=True), [Stop()]

    def wake() -> None:
        if pending:
            raise pending.pop()

    def join() -> list[object]:
        work.begun.acquire()
        limiter._enter(b"k", flight.Member(wake))
        limiter.came.acquire()
        last = Crowd(("threads",), [limiter.operation(b"k", partial(fail, AssertionError("computed twice")))])
        limiter.wait_for(2)
        work.gate.set()
        return last.answers()

    with at_rest(limiter), ThreadPoolExecutor(1) as pool:
        joined = pool.submit(join)
        with pytest.raises(Stop):
            limiter.operation(b"k", work).run()
        assert joined.result() == ["answer"]


def test_leaving_twice_changes_nothing() -> None:
    """At every stage."""
    limiter = HashLimiter(1)
    with at_rest(limiter):
        limiter._leave(flight.Member(lambda: None))
        holder, waits, joined = place(limiter), place(limiter, b"k"), place(limiter, b"k")
        for member in (waits, waits, holder, holder, waits):
            limiter._leave(member)
        assert (limiter.running, limiter.waiting, joined.flight.chosen) == (1, 0, joined)
        limiter._leave(joined)
        successor = place(limiter, b"k")
        limiter._leave(joined)
        assert limiter._flights == {b"k": successor.flight}
        limiter._leave(successor)


def test_leaving_never_waits_for_the_lock() -> None:
    """The garbage collector may end a forgotten task in the middle of a change, in the same thread."""
    limiter = HashLimiter(1)
    with at_rest(limiter):
        holder, waits = place(limiter), place(limiter, b"k")
        with limiter._changing():
            limiter._leave(holder)
            assert holder.flight.chosen is holder
        assert waits.flight.chosen is waits
        with limiter._lock:
            limiter._leave(waits)


def on_a_closed_loop(limiter: Watched, key: bytes) -> Coroutine[Any, Any, int]:
    """Return the second caller of a limiter, which waits on a loop that is closed."""
    loop = asyncio.new_event_loop()
    coroutine = awaited(limiter.operation(key, lambda: 1))
    task = loop.create_task(coroutine)
    loop.run_until_complete(until(lambda: limiter.callers == 2))
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # the loop is closed on purpose
    loop.close()
    return coroutine


@pytest.mark.parametrize("stage", ["queue", "joined"])
def test_a_forgotten_task_leaves(stage: str) -> None:
    """Tasks on a closed loop are collected, which removes them."""
    limiter = Watched(1)
    with at_rest(limiter):
        holder = place(limiter)
        coroutine = on_a_closed_loop(limiter, b"a place" if stage == "joined" else b"k")
        assert limiter.waiting == (stage == "queue")
        coroutine.close()
        assert (limiter.running, limiter.waiting) == (1, 0)
        limiter._leave(holder)


@pytest.mark.parametrize("others", ["member", "flight"])
def test_a_loop_that_has_ended_is_passed_over(others: str) -> None:
    """A place given to a task of a closed loop goes on to the next member, or else to the next flight."""
    limiter = Watched(1)
    with at_rest(limiter):
        holder = place(limiter)
        coroutine = on_a_closed_loop(limiter, b"k")
        limiter.wait_for(2)
        crowd = Crowd(("threads",), [limiter.operation(b"k" if others == "member" else b"next", lambda: 2)])
        limiter.wait_for(1)
        limiter._leave(holder)
        assert crowd.answers() == [2]
        assert (limiter.running, limiter.waiting) == (0, 0)
        coroutine.close()


def test_a_member_of_an_ended_loop_does_not_block_the_others() -> None:
    """It is skipped, and the others get the outcome."""
    limiter, work = Watched(1), Hash(shut=True)
    with at_rest(limiter):
        first = Crowd(("threads",), [limiter.operation(b"k", work)])
        limiter.wait_for(1)
        limiter._enter(b"k", flight.Member(partial(fail, RuntimeError("Event loop is closed"))))
        limiter.wait_for(1)
        last = Crowd(("threads",), [limiter.operation(b"k", work)])
        limiter.wait_for(1)
        work.gate.set()
        assert (first.answers(), last.answers()) == (["answer"], ["answer"])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_exceptions_of_an_ended_loop_are_caught(backend: str) -> None:
    """Those of both libraries."""

    async def caller() -> Callable[[Callable[[], object]], object]:
        return flight.caller_of(anyio.lowlevel.current_token())

    call = anyio.run(caller, backend=backend)
    assert not flight.woken(flight.Member(partial(call, lambda: None)))


@pytest.mark.anyio
async def test_the_token_of_an_older_anyio_is_understood(anyio_backend: str) -> None:
    """Before 4.11 `current_token()` returns the loop, or trio's token, itself."""
    event = anyio.Event()
    token = asyncio.get_running_loop() if anyio_backend == "asyncio" else trio.lowlevel.current_trio_token()
    flight.caller_of(token)(event.set)
    await event.wait()


# Under random cancellation


class Storm:
    """Random callers of one limiter: who they are and what their work does is drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.limiter = HashLimiter(2, queue=6)
        self.work = Hash()
        self.permits = threading.Semaphore(0)

    def compute(self, key: int, fate: str) -> object:
        """Wait for a permit, then answer, fail or stop."""
        self.permits.acquire()
        answer = self.work(key)
        if fate == "answers":
            return answer
        raise ValueError(key) if fate == "fails" else Stop(key)

    def operation(self, dice: random.Random) -> tuple[int, Operation[Any]]:
        """Return a random key and its operation."""
        key = dice.randrange(8)
        fate = dice.choices(["answers", "fails", "stops"], [8, 1, 1])[0]
        return key, self.limiter.operation(b"%d" % key, partial(self.compute, key, fate))

    def in_thread(self, number: int) -> list[tuple[int, object]]:
        """Ask one after the other; return keys and answers."""
        dice = random.Random(f"{self.seed} {number}")
        return [(key, outcome(operation.run)) for key, operation in (self.operation(dice) for _ in range(30))]

    async def on_loop(self, asked: list[tuple[int, Task]]) -> None:
        """Ask, cancel, permit and let the loop turn in a random order; in the end everything is permitted."""
        dice = random.Random(self.seed)
        async with anyio.create_task_group() as group:
            for act in dice.choices(["ask", "cancel", "permit", "turn"], [6, 2, 3, 6], k=600):
                if act == "ask":
                    key, operation = self.operation(dice)
                    asked.append((key, Task(group, operation)))
                elif act == "cancel" and asked:
                    dice.choice(asked)[1].scope.cancel()
                elif act == "permit":
                    self.permits.release()
                else:
                    await anyio.lowlevel.checkpoint()
            self.permits.release(10_000)

    async def strays(self) -> None:
        """On asyncio: tasks that are cancelled in its own way, after a few turns of the loop."""
        dice = random.Random(self.seed)
        for _ in range(100):
            task = asyncio.create_task(aoutcome(self.operation(dice)[1]))
            for _ in range(dice.randrange(6)):
                await asyncio.sleep(0)
            task.cancel()

    @staticmethod
    def is_right(key: int, answer: object) -> bool:
        """Tell whether a caller may get this answer."""
        return answer == key or isinstance(answer, Overloaded) or (isinstance(answer, (ValueError, Stop)) and answer.args == (key,))


@pytest.mark.sampled(5)
@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(12))
async def test_random_cancellations_lose_no_caller_and_no_place(seed: int, anyio_backend: str) -> None:
    """Tasks and threads are cancelled, stopped and fail at random. The others are answered, and in the end nothing is left."""
    storm = Storm(seed)
    asked: list[tuple[int, Task]] = []
    with at_rest(storm.limiter), ThreadPoolExecutor(4) as pool:
        threads = [pool.submit(storm.in_thread, number) for number in range(4)]
        async with anyio.create_task_group() as group:
            if anyio_backend == "asyncio":
                group.start_soon(storm.strays)
            group.start_soon(storm.on_loop, asked)
        answers = [found for thread in threads for found in await anyio.to_thread.run_sync(thread.result)]
        await until(lambda: storm.limiter.running == 0)
        assert all(task.over for _, task in asked)
        stayed = [(key, task.answer) for key, task in asked if not task.scope.cancel_called]
        assert len(stayed) > 100
        assert [found for found in answers + stayed if not storm.is_right(*found)] == []
        assert Counter(type(answer) for _, answer in answers + stayed)[int] > 50
        assert storm.work.peak <= 2


# Forks


FORKED = """
import os, sys, threading
from watchword.protection.hash_limiter import shared_limiter, HashLimiter
limiter, gate, begun = shared_limiter(), threading.Event(), threading.Semaphore(0)
def work():
    begun.release()
    gate.wait()
    return 1
threads = [threading.Thread(target=limiter.operation(b"%d" % n, work).run) for n in range(limiter.limit)]
for thread in threads:
    thread.start()
    begun.acquire()
waiting = threading.Thread(target=limiter.operation(b"waits", work).run)
waiting.start()
while not limiter.waiting:
    pass
{before}
child = os.fork()
if not child:
    assert (limiter.running, limiter.waiting) == (0, 0), limiter
    assert shared_limiter() is limiter
    assert [limiter.operation(key, lambda: 2).run() for key in (b"0", b"waits", b"k")] == [2, 2, 2]
    os._exit(7)
{after}
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert (limiter.running, limiter.waiting) == (limiter.limit, 1), limiter
gate.set()
for thread in (*threads, waiting):
    thread.join()
assert (limiter.running, limiter.waiting) == (0, 0), limiter
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("limiter._lock.acquire()", "limiter._lock.release()")], ids=["hashing", "in the middle of a change"]
)
def test_a_forked_process_starts_clean(before: str, after: str) -> None:
    """Forked while hashes run and wait and the lock is held: the child has every place, and the parent keeps its own."""
    program = FORKED.format(before=before, after=after)
    # From 3.12 on Python warns of a fork with threads about, which is what this is about.
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns where threads are about: that is the question here
def test_a_fork_in_the_work_leaves_both_processes_in_order() -> None:
    """The computing thread goes on in the child, ends its flight there, and wakes no loop of the parent."""
    limiter, parent, children = HashLimiter(1), os.getpid(), list[int]()
    reading, writing = os.pipe()

    def fork() -> None:
        limiter._enter(b"k", flight.Member(lambda: os.write(writing, b"parent " if os.getpid() == parent else b"child ")))
        children.append(os.fork())

    try:
        limiter.operation(b"k", fork).run()
    finally:
        if os.getpid() != parent:
            # The child ends here, before it could run on into the other tests.
            os.write(writing, b"%d%d " % (limiter.running, limiter.waiting))
            os._exit(0)
    os.waitpid(children[0], 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert sorted(pipe.read().split()) == ["00", "parent"]
    with at_rest(limiter):
        pass


# What is kept


class Answer:
    """What a work returns, and a weak reference finds."""


FLIGHTS = 2000


class Kept:
    """Many flights of one limiter, and weak references to all that they worked on."""

    def __init__(self) -> None:
        self.limiter = HashLimiter(2, queue=FLIGHTS)
        self.seen: list[ref[Any]] = []

    def compute(self, number: int) -> Answer:
        """Answer, or fail every seventh time."""
        answer = Answer()
        self.seen.append(ref(answer))
        if number % 7 == 0:
            raise ValueError(number)
        return answer

    def operation(self, number: int) -> Operation[Answer]:
        """Two numbers share a key."""
        work = partial(self.compute, number)
        self.seen.append(ref(work))
        return self.limiter.operation(b"%d" % (number // 2), work)

    async def ask(self, number: int) -> None:
        """Ask on the event loop."""
        await aoutcome(self.operation(number))

    async def on_loop(self) -> None:
        """Ask on the event loop, many at the same time."""
        for start in range(0, FLIGHTS, 500):
            async with anyio.create_task_group() as group:
                for number in range(start, start + 500):
                    group.start_soon(self.ask, number)

    def in_thread(self) -> None:
        """Ask in this thread."""
        for number in range(FLIGHTS):
            outcome(self.operation(number).run)

    def left(self) -> list[object]:
        """Return what is still there."""
        # The worker threads of a loop that has ended put their last work down when they end.
        for thread in threading.enumerate():
            if thread.name == "AnyIO worker thread":
                thread.join()
        return [thing for thing in (one() for one in self.seen) if thing is not None]


def parts() -> list[object]:
    """Return everything that limiters made for their callers and that is still there."""
    # By type: isinstance() asks an object what it is, and the settings of Django, where another test has loaded them, answer by failing.
    return [thing for thing in gc.get_objects() if type(thing) in {flight.Flight, flight.Member, flight.Work}]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("backend", ["threads", "asyncio", "trio"])
def test_nothing_is_kept_of_2000_flights(backend: str) -> None:
    """No work, outcome or caller stays, also after failures, and without the garbage collector."""
    kept = Kept()
    gc.collect()
    before = parts()
    gc.disable()
    try:
        if backend == "threads":
            kept.in_thread()
        else:
            anyio.run(kept.on_loop, backend=backend)
        assert len(kept.seen) > 1.4 * FLIGHTS
        assert kept.left() == []
        assert [thing for thing in parts() if all(thing is not one for one in before)] == []
    finally:
        gc.enable()
    with at_rest(kept.limiter):
        pass


def test_it_prints_numbers_only() -> None:
    """The repr of limiter and operation does not show the work."""
    limiter = HashLimiter(1, queue=3)
    operation = limiter.operation(b"the key", partial(fail, Stop("hunter2")))
    holder, waits = place(limiter), place(limiter, b"secret")
    assert repr(limiter) == "HashLimiter(limit=1, queue=3, running=1, waiting=1)"
    assert "hunter2" not in f"{operation} {operation.run.args}"  # type: ignore[attr-defined]  # it is a partial
    limiter._leave(holder)
    limiter._leave(waits)


def test_it_prints_in_the_middle_of_a_change() -> None:
    """A debugger or a log may print it while the lock is held."""
    limiter = HashLimiter(1)
    with limiter._lock:
        assert "running=0" in repr(limiter)


# The limiter of the process, and the settings


def test_a_process_has_one_limiter() -> None:
    """Every thread gets the same object, also at the same moment."""
    barrier = threading.Barrier(8)

    def ask(_: int) -> HashLimiter:
        barrier.wait()
        return shared_limiter()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, range(8)))
    assert found == {shared_limiter()}


def test_a_limiter_can_be_collected() -> None:
    """No hook and no cycle of references keeps it."""
    limiter = HashLimiter(1)
    gone = ref(limiter)
    del limiter
    assert gone() is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no thread to a CPU")
def test_on_a_single_cpu_one_hash_is_computed_at_once() -> None:
    """The CPU that is left to others would be the only one."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert HashLimiter().limit == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_by_default_one_cpu_stays_free() -> None:
    """The limit is one less than the CPUs of this process, and 64 may wait."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    assert HashLimiter().limit == max(1, cpus - 1)
    assert repr(HashLimiter(3)) == "HashLimiter(limit=3, queue=64, running=0, waiting=0)"
    holders = [place(limiter := HashLimiter(1, queue=0))]
    with pytest.raises(Overloaded) as refused:
        limiter.operation(b"k", lambda: 1).run()
    assert refused.value.retry_after == 1
    limiter._leave(holders[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 0}, r"^HashLimiter\(limit=\.\.\.\) must be a whole number, 1 or more, got 0\.$"),
        ({"limit": -1}, r"^HashLimiter\(limit=\.\.\.\) must be a whole number, 1 or more, got -1\.$"),
        ({"limit": True}, r"^HashLimiter\(limit=\.\.\.\) must be a whole number, 1 or more, got True\.$"),
        ({"limit": 1.5}, r"^HashLimiter\(limit=\.\.\.\) must be a whole number, 1 or more, got 1.5\.$"),
        ({"queue": -1}, r"^HashLimiter\(queue=\.\.\.\) must be a whole number, 0 or more, got -1\.$"),
        ({"queue": "64"}, r"^HashLimiter\(queue=\.\.\.\) must be a whole number, 0 or more, got '64'\.$"),
        ({"retry_after": -1}, r"^HashLimiter\(retry_after=\.\.\.\) must be a whole number, 0 or more, got -1\.$"),
        ({"retry_after": None}, r"^HashLimiter\(retry_after=\.\.\.\) must be a whole number, 0 or more, got None\.$"),
    ],
)
def test_an_invalid_bound_is_refused(settings: dict[str, Any], message: str) -> None:
    """The constructor raises with the argument and the value."""
    with pytest.raises(ConfigurationError, match=message):
        HashLimiter(**settings)


# Who comes first


def niceness() -> int:
    """Return the nice value of this thread; on other systems than Linux that of the process."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id() if sys.platform == "linux" else 0)


@pytest.mark.anyio
async def test_an_event_loop_runs_before_awaited_hashes() -> None:
    """On Linux an awaited hash has a lower priority, in a thread of its own; the loop keeps its own."""
    limiter = HashLimiter(2)
    mine = niceness()
    theirs = [await awaited(limiter.operation(bytes([number]), niceness)) for number in range(3)]
    assert theirs == [min(19, mine + 10) if sys.platform == "linux" else mine] * 3
    assert niceness() == mine
    assert await anyio.to_thread.run_sync(niceness) == mine
    assert limiter.operation(b"x", niceness).run() == mine


@pytest.mark.anyio
async def test_exceptions_of_a_hash_reach_the_loop() -> None:
    """An Exception, and another BaseException."""
    limiter = HashLimiter(1)

    def fails() -> None:
        raise LookupError("bug")

    def ends() -> None:
        raise SystemExit(3)

    for work, error in ((fails, LookupError), (ends, SystemExit)):
        with pytest.raises(error):
            await awaited(limiter.operation(b"x", work))
    assert (limiter.running, limiter.waiting) == (0, 0)


def test_admit_refuses_before_anything_is_prepared() -> None:
    """Work that joins a flight is admitted, and there is room again when a place is free."""
    limiter = HashLimiter(1, queue=0)
    limiter.admit(b"other")
    holder = place(limiter)
    (running,) = limiter._flights
    limiter.admit(running)
    with pytest.raises(Overloaded, match="1 password hashes are being computed, and 0 wait"):
        limiter.admit(b"other")
    assert (limiter.running, limiter.waiting, list(limiter._flights)) == (1, 0, [running])
    limiter._leave(holder)
    limiter.admit(b"other")
    assert not limiter._wanted


def test_admit_knows_work_by_about() -> None:
    """As long as one of several operations with the same `about` is in flight."""
    limiter = HashLimiter(2, queue=0)
    for key in (b"1", b"2"):
        limiter._enter(key, flight.Member(lambda: None, b"both"))
    first, second = (next(iter(flight.members)) for flight in limiter._flights.values())
    assert limiter.is_full
    limiter.admit(b"both")
    limiter._leave(first)
    other = flight.Member(lambda: None)
    limiter._enter(b"3", other)
    limiter.admit(b"both")
    limiter._leave(second)
    limiter._enter(b"4", flight.Member(lambda: None))
    for about in (b"both", b"1"):
        with pytest.raises(Overloaded):
            limiter.admit(about)
    limiter.admit(b"3")


def test_a_child_of_a_process_whose_queue_was_full_has_room() -> None:
    """The threads that computed in the parent do not exist there."""
    limiter = HashLimiter(1, queue=0)
    place(limiter)
    assert limiter.is_full
    assert in_child(lambda: limiter.admit(b"other")) == 0
    assert limiter.is_full


@pytest.mark.anyio
async def test_a_thread_that_cannot_be_started_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was computed, the place is free again, and the next caller is served (W12)."""
    limiter = HashLimiter(1)
    with monkeypatch.context() as patch:
        patch.setattr("anyio.to_thread.run_sync", fail_to_start)
        with pytest.raises(Overloaded, match="no thread can be started for a password hash: can't start new thread"):
            await limiter.operation(b"k", lambda: 1).arun()  # type: ignore[misc]  # an operation of a limiter has one
    assert (limiter.running, limiter.waiting) == (0, 0)
    assert await limiter.operation(b"k", lambda: 1).arun() == 1  # type: ignore[misc]  # as above


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_work_without_a_thread_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calling thread does it. The pool drops the work with the password, and does later work (W12)."""
    done: list[str] = []
    aside = hash_limiter._LowPriority(1)

    def fail_to_start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail_to_start)
        aside.work(flight.Work(partial(done.append, "first"))).call()
    assert done == ["first"]
    aside.work(flight.Work(partial(done.append, "second"))).call()
    assert done == ["first", "second"]


async def fail_to_start(*_: object, **__: object) -> None:
    """Fail as anyio does where its worker cannot be started: an idle one of another test would hide it."""
    raise RuntimeError("can't start new thread")
