"""Operations and the two drivers, which are driven here by hand and on both event loops."""

from __future__ import annotations

import threading
from dataclasses import FrozenInstanceError
from functools import partial
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

from watchword import Basic, ConfigurationError, Guard, Operation, Reason, RequestView, Unavailable
from watchword.decision import Failed
from watchword.operation import Steps, arun, in_thread, only_awaited, run


def twice(number: int) -> Steps[int]:
    """Ask for a number and for it doubled."""
    first = yield Operation(lambda: number)
    second = yield Operation(lambda: 2 * first)
    return first + second


def failing(error: BaseException) -> None:
    """Raise."""
    raise error


class Watched:
    """Steps that ask for what they are given, and note what happens to them."""

    def __init__(self, *operations: Operation[Any]) -> None:
        self.operations = operations
        self.events: list[object] = []

    def __call__(self) -> Steps[list[object]]:
        """Ask for one operation after the other; go on after an error."""
        try:
            for operation in self.operations:
                try:
                    self.events.append((yield operation))
                except ValueError as error:
                    self.events.append(error)
        except GeneratorExit:
            self.events.append("closed")
            raise
        finally:
            self.events.append("cleaned up")
        return self.events


async def awaited(value: object) -> object:
    """Return the value, after the event loop had a turn."""
    await anyio.lowlevel.checkpoint()
    return value


def test_a_generator_is_driven_by_hand() -> None:
    """It yields operations, is sent results, and returns the answer."""
    steps = twice(3)
    first = next(steps)
    assert first.run() == 3
    second = steps.send(3)
    assert second.run() == 6
    with pytest.raises(StopIteration) as end:
        steps.send(6)
    assert end.value.value == 9


def test_run_returns_the_result_of_the_steps() -> None:
    """The synchronous driver runs each operation in this thread."""
    assert run(twice(3)) == 9


@pytest.mark.anyio
async def test_arun_gives_the_same() -> None:
    """The asynchronous driver gives the same answer."""
    assert await arun(twice(3)) == 9


def test_run_drives_steps_without_an_operation() -> None:
    """A generator that never yields is driven to its end too."""
    assert run(Watched()()) == ["cleaned up"]


@pytest.mark.anyio
async def test_arun_ends_steps_that_ask_for_nothing() -> None:
    """So is it by the asynchronous driver."""
    assert await arun(Watched()()) == ["cleaned up"]


def test_run_stays_in_this_thread() -> None:
    """WSGI servers have their own threads: run() starts none."""
    assert run(Watched(Operation(threading.get_ident))()) == [threading.get_ident(), "cleaned up"]


@pytest.mark.anyio
async def test_arun_takes_blocking_work_off_the_event_loop() -> None:
    """Without `arun` an operation runs in a worker thread; with it, it is awaited on the event loop."""
    here = threading.get_ident()

    async def where() -> int:
        return threading.get_ident()

    worker, loop, _ = await arun(Watched(Operation(threading.get_ident), Operation(only_awaited, where))())
    assert worker != here
    assert loop == here


@pytest.mark.anyio
async def test_arun_uses_none_of_the_threads_that_the_application_shares() -> None:
    """A store that does not answer would take them all, and public routes that read a file would wait with it (O3)."""

    def lent() -> float:
        limiter = anyio.from_thread.run_sync(anyio.to_thread.current_default_thread_limiter)
        return limiter.borrowed_tokens

    assert await arun(Watched(Operation(lent))()) == [0, "cleaned up"]


def test_run_calls_run_alone_and_never_arun() -> None:
    """Without an event loop the awaitable form is not even made."""
    assert run(Watched(Operation(lambda: 1, lambda: failing(AssertionError("made"))))()) == [1, "cleaned up"]  # type: ignore[arg-type,return-value]


@pytest.mark.anyio
async def test_arun_calls_arun_alone_where_there_is_one() -> None:
    """With an event loop the blocking form is not called."""
    assert await arun(Watched(Operation(partial(failing, AssertionError("called")), partial(awaited, 1)))()) == [1, "cleaned up"]


def test_an_error_is_thrown_into_the_steps_by_run() -> None:
    """The generator decides what to do about an error, and goes on if it likes."""
    error = ValueError("no")
    assert run(Watched(Operation(partial(failing, error)), Operation(lambda: 2))()) == [error, 2, "cleaned up"]


@pytest.mark.anyio
async def test_an_error_is_thrown_into_the_steps_by_arun() -> None:
    """From a worker thread and from an awaitable alike, also one that fails before it is awaited."""
    errors = [ValueError("thread"), ValueError("awaited"), ValueError("made")]

    async def fails() -> None:
        raise errors[1]

    def cannot_be_made() -> Any:
        raise errors[2]

    watched = Watched(Operation(partial(failing, errors[0])), Operation(only_awaited, fails), Operation(only_awaited, cannot_be_made))
    assert await arun(watched()) == [*errors, "cleaned up"]


def test_an_error_that_the_steps_do_not_catch_propagates_from_run() -> None:
    """A bug stays a bug, and the generator is at its end."""
    watched = Watched(Operation(partial(failing, KeyError("bug"))))
    with pytest.raises(KeyError, match="bug"):
        run(watched())
    assert watched.events == ["cleaned up"]


@pytest.mark.anyio
async def test_an_error_that_the_steps_do_not_catch_propagates_from_arun() -> None:
    """From a worker thread as well."""
    watched = Watched(Operation(partial(failing, KeyError("bug"))))
    with pytest.raises(KeyError, match="bug"):
        await arun(watched())
    assert watched.events == ["cleaned up"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_run_closes_the_steps_when_the_program_is_ended(error: type[BaseException]) -> None:
    """What is no Exception is not for the generator to handle: it is closed, and cleans up."""
    watched = Watched(Operation(partial(failing, error())), Operation(lambda: 1))
    with pytest.raises(error):
        run(watched())
    assert watched.events == ["closed", "cleaned up"]


@pytest.mark.anyio
async def test_arun_closes_the_steps_when_it_is_cancelled() -> None:
    """A client that goes away cancels the request: the generator is closed at once, and no operation follows."""
    watched = Watched(Operation(only_awaited, anyio.sleep_forever), Operation(lambda: 1))
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(arun, watched())
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    assert watched.events == ["closed", "cleaned up"]


@pytest.mark.anyio
async def test_cancellation_is_not_thrown_into_the_steps_as_an_error() -> None:
    """Steps that catch every Exception do not swallow a cancellation."""

    def stubborn() -> Steps[str]:
        try:
            yield Operation(only_awaited, anyio.sleep_forever)
        except Exception:  # noqa: BLE001 - the point
            return "swallowed"
        return "ended"

    answers: list[str] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        answers.append(await arun(stubborn()))
    assert answers == []
    assert scope.cancelled_caught


def test_a_stop_iteration_from_an_operation_is_a_bug_and_no_answer_to_run() -> None:
    """`next()` on an empty iterator in a checker must not end the decision with None."""
    with pytest.raises(RuntimeError, match="StopIteration"):
        run(Watched(Operation(lambda: next(iter(()))))())


@pytest.mark.anyio
@pytest.mark.parametrize("form", ["thread", "awaited"])
async def test_a_stop_iteration_from_an_operation_is_a_bug_and_no_answer_to_arun(form: str) -> None:
    """Nor does it hang a worker thread, which cannot hand a StopIteration to a future."""

    async def fails() -> None:
        next(iter(()))

    operation = Operation[Any](lambda: next(iter(()))) if form == "thread" else Operation[Any](only_awaited, fails)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await arun(Watched(operation)())


def test_work_that_can_only_be_awaited_says_so() -> None:
    """Driven without an event loop it is a mistake of the set-up, and the message says how to mend it."""

    def steps() -> Steps[object]:
        return (yield Operation(only_awaited, partial(awaited, 1)))

    with pytest.raises(ConfigurationError, match=r"event loop. Use adecide\(\) or the ASGI adapter, or give a plain function"):
        run(steps())


def test_the_repr_of_an_operation_hides_its_functions() -> None:
    """They are often bound to a password."""
    operation = Operation(partial("s3cret".startswith, "s3cret"), partial(awaited, "s3cret"))
    assert "s3cret" not in repr(operation)


def test_an_operation_may_name_the_type_of_its_result() -> None:
    """`Operation[int](...)`, as a type checker may want it, is the same as `Operation(...)`, and as immutable."""
    operation = Operation[int](lambda: 1)
    assert operation.run() == 1
    with pytest.raises(FrozenInstanceError):
        operation.arun = None  # type: ignore[misc]  # the mistake itself


@pytest.mark.anyio
async def test_where_no_thread_can_be_started_it_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps are told so, and nothing was done (W12); what the work itself raises stays what it is."""
    done: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr("anyio.to_thread.run_sync", fail_to_start)
        with pytest.raises(Unavailable, match=r"^no thread can be started: can't start new thread$") as refused:
            await in_thread(lambda: done.append(1))
        guard = Guard(Basic(lambda _: done.append(2), realm="r"))
        decision = await guard.adecide(RequestView("GET", "/", [("Authorization", "Basic YTpi")]))
    assert (type(decision), decision.reason, refused.value.retry_after, done) == (Failed, Reason.UNAVAILABLE, 1, [])
    with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
        await in_thread(partial(failing, RuntimeError("can't start new thread")))


async def fail_to_start(*_: object, **__: object) -> None:
    """Fail as anyio does where its worker cannot be started: an idle one of another test would hide it."""
    raise RuntimeError("can't start new thread")
