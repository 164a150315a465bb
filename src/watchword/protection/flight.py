"""Defines the parts of a single flight: a computation, its callers, and the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from watchword.operation import Thread

T = TypeVar("T")


class Flight:
    """One computation: its callers in order, the caller that computes, and the outcome."""

    __slots__ = ("__weakref__", "about", "chosen", "error", "key", "landed", "members", "started", "value")

    def __init__(self, key: bytes, about: bytes) -> None:
        self.key: bytes = key
        self.about: bytes = about
        # A dict for its order: the first member is the next to compute.
        self.members: dict[Member, None] = {}
        self.chosen: Member | None = None
        self.started: bool = False
        self.landed: bool = False
        self.value: Any = None
        self.error: Exception | None = None

    def result(self) -> Any:  # noqa: ANN401 - of the type of the work
        """Return the outcome, or raise a copy of the exception."""
        if self.error is not None:
            # A copy for each: raising one object in several threads mixes their tracebacks.
            raise copy_of(self.error)
        return self.value


NO_FLIGHT = Flight(b"", b"")


class Member:
    """One caller: how to wake it from any thread, and the exception of its own work."""

    __slots__ = ("__weakref__", "about", "failure", "flight", "waits", "wake")

    def __init__(self, wake: Callable[[], object], about: bytes = b"") -> None:
        self.about: bytes = about
        self.failure: Exception | None = None
        self.flight: Flight = NO_FLIGHT
        self.waits: bool = False
        self.wake: Callable[[], object] = wake

    def result(self) -> Any:  # noqa: ANN401 - as above
        """Return the outcome of the flight. The member whose own work failed gets the exception itself, once."""
        # Dropped here, because its traceback leads to the frame of the work, and that to the password.
        failure, self.failure = self.failure, None
        if failure is None:
            return self.flight.result()
        try:
            raise failure
        finally:
            del failure  # its traceback leads here


class Work(Generic[T]):
    """The work of a caller. Its repr never shows the work, which may hold a password."""

    __slots__ = ("awaited", "call", "thread")

    def __init__(self, call: Callable[[], T], awaited: Callable[[], Awaitable[T]] | None = None, thread: Thread | None = None) -> None:
        self.call: Callable[[], T] = call
        self.awaited: Callable[[], Awaitable[T]] | None = awaited
        self.thread: Thread | None = thread


def woken(member: Member) -> bool:
    """Wake a member; return False if its event loop has ended."""
    try:
        member.wake()
    except RuntimeError:  # trio's RunFinishedError is one
        return False
    return True


def caller_of(token: object) -> Callable[[Callable[[], object]], object]:
    """Return the function that calls another one on an event loop from any thread. The token is of `current_token()` there."""
    native: Any = getattr(token, "native_token", token)  # before anyio 4.11 the token is the native one itself
    call: Callable[[Callable[[], object]], object] = getattr(native, "run_sync_soon", None) or native.call_soon_threadsafe
    return call


def copy_of(error: Exception) -> Exception:
    """Return an equal exception without traceback, cause and context, which lead to the password of another caller."""
    # Not copy.copy(): it calls `__init__` with the arguments of the message, which many exceptions do not take.
    kind = type(error)
    # `__new__` of the builtin base sets `args` without the class's `__init__`.
    builtin = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    copied: Exception = kind(*error.args) if kind is builtin else builtin.__new__(kind, *error.args)
    vars(copied).update({name: list(value) if name == "__notes__" else value for name, value in vars(error).items()})
    return copied
