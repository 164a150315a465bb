"""Describes I/O and hashing as values, and runs them with or without an event loop.

A decision is a generator that yields an `Operation` wherever something must be hashed, queried or fetched, and is sent
the result. `run` drives it for WSGI and scripts, `arun` for ASGI: one brain, so both give the same answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, TypeVar

from watchword.clock import pause
from watchword.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from anyio import Lock as TaskLock
    from anyio.lowlevel import RunVar

T = TypeVar("T")

_RETRY_AFTER = 1  # seconds: threads end as fast as requests do
_MOST_THREADS = 40  # for each event loop: as many as anyio lends


@dataclass(frozen=True)  # not slots=True: `Operation[int](...)` would be a TypeError on Python 3.11
class Operation(Generic[T]):
    """One piece of blocking or awaited work, as a value.

    Args:
        run: does it and returns the result; a synchronous driver calls this.
        arun: the same, awaited; None: an asynchronous driver calls `run` in a worker thread, never on the event loop.
    """

    # Hidden: the functions are often bound to a password.
    run: Callable[[], T] = field(repr=False)
    arun: Callable[[], Awaitable[T]] | None = field(default=None, repr=False)


Steps: TypeAlias = Generator[Operation[Any], Any, T]
"""A computation that asks for operations and ends in a `T`."""

Thread: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Calls a function in a thread, for a caller on an event loop, and returns the result."""


def only_awaited() -> NoReturn:
    """Stand in for `run` where there is only `arun`.

    Raises:
        ConfigurationError: always; adapters find such work when they are constructed.
    """
    raise ConfigurationError("an async checker needs an event loop. Use adecide() or the ASGI adapter, or give a plain function.")


def pausing(seconds: float) -> Operation[None]:
    """Return the operation that does nothing for a time. An event loop goes on meanwhile.

    Args:
        seconds: how long.
    """
    return Operation(partial(pause, seconds), partial(_pause_awaited, seconds))


async def _pause_awaited(seconds: float) -> None:
    from anyio import sleep

    await sleep(seconds)


def in_steps(steps: Callable[[], Steps[T]]) -> Operation[T]:
    """Return the operation that does steps: one after the other, each awaited where that is possible.

    Args:
        steps: begins them.
    """
    return Operation(lambda: run(steps()), lambda: arun(steps()))


def in_order(first: Operation[Any] | None, second: Operation[Any]) -> Operation[Any]:
    """Return the operation that does two, the second one also where the first fails.

    Args:
        first: the first operation; None: nothing.
        second: the second operation.
    """
    if first is None:
        return second
    one = first  # for the functions below, which mypy reads later

    def both() -> Steps[None]:
        try:
            yield one
        finally:
            yield second

    return in_steps(both)


def run(steps: Steps[T]) -> T:
    """Drive the steps to their end, running each operation in this thread.

    Args:
        steps: a fresh generator.

    Returns:
        What the generator returns.

    Raises:
        BaseException: an exception of an operation that the generator does not catch.
    """
    try:
        operation = next(steps)
        while True:
            try:
                result = operation.run()
            except Exception as error:  # noqa: BLE001 - the generator decides what to do about it
                operation = steps.throw(error)
            else:
                operation = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        steps.close()


async def arun(steps: Steps[T], thread: Thread | None = None) -> T:
    """Drive the steps to their end without blocking the event loop; asyncio and trio.

    Args:
        steps: a fresh generator.
        thread: does blocking work in a thread, where a framework has one for each request, with its connections; None: a worker thread.

    Returns:
        What the generator returns.

    Raises:
        BaseException: an exception of an operation that the generator does not catch, cancellation included.
    """
    blocking = in_thread if thread is None else thread
    try:
        operation = next(steps)
        while True:
            try:
                result = await (blocking(operation.run) if operation.arun is None else operation.arun())
            except Exception as error:  # noqa: BLE001 - the generator decides what to do about it
                operation = steps.throw(error)
            else:
                operation = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        steps.close()


def task_lock() -> TaskLock:
    """Return a lock between the tasks of one event loop."""
    from anyio import Lock as TaskLock

    return TaskLock()


async def in_thread(work: Callable[[], T], *, abandon: bool = False) -> T:
    """Do work in a worker thread, of which each event loop has 40 beside those that it lends to the application.

    Args:
        work: may block.
        abandon: whether a caller who is cancelled leaves at once, and the work goes on without.

    Raises:
        Unavailable: the process may have no more threads; nothing was done.
        BaseException: an exception of the work.
    """
    # Imported on first use: half of what `import watchword` would cost, and WSGI never needs it.
    from anyio import CapacityLimiter
    from anyio.to_thread import run_sync

    threads = _threads()
    try:
        limiter = threads.get()
    except LookupError:
        limiter = CapacityLimiter(_MOST_THREADS)
        threads.set(limiter)
    begun = False

    def begin() -> T:
        nonlocal begun
        begun = True
        return work()

    try:
        return await run_sync(begin, abandon_on_cancel=abandon, limiter=limiter)
    except RuntimeError as error:  # "can't start new thread" has no class of its own
        if begun:
            raise
        raise Unavailable(f"no thread can be started: {error}", retry_after=_RETRY_AFTER) from None


async def ends_within(patience: float, steps: Steps[object]) -> bool:
    """Drive steps, and stop where they take too long.

    Args:
        patience: seconds.
        steps: a fresh generator.

    Returns:
        Whether they came to their end.
    """
    from anyio import move_on_after

    with move_on_after(patience):
        await arun(steps)
        return True
    return False


async def begin_in_thread(work: Callable[[], object], patience: float) -> None:
    """Begin work in a worker thread, and wait for its end only so long; it goes on without.

    Args:
        work: may block.
        patience: seconds.

    Raises:
        Unavailable: the process may have no more threads; nothing was done.
        BaseException: an exception of the work within that time.
    """
    from anyio import move_on_after

    with move_on_after(patience):
        await in_thread(work, abandon=True)


@cache
def _threads() -> RunVar[CapacityLimiter]:
    """Return where each event loop keeps the capacity of its own.

    The threads that anyio lends by default are shared with the application: a store that does not answer would take them all, and public
    routes that read a file would wait with it (threats O3).
    """
    from anyio.lowlevel import RunVar

    return RunVar("watchword_threads")
