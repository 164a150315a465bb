"""Recognises the forms of checkers, and drives each of them.

A checker is a function, an async function, a generator function, or an object with `check` (plain or async) or `flow`.
The guard adapts it once, at construction, and finds out there what it is; nothing is guessed while a request is served.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from watchword.errors import ConfigurationError
from watchword.operation import Operation, Steps, arun, only_awaited, run
from watchword.principal import Principal
from watchword.verdict import Accepted, Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

C = TypeVar("C")
F = TypeVar("F", bound="Callable[..., object]")

_MARK = "__watchword_nonblocking__"


def nonblocking(check: F) -> F:
    """Mark a plain function as quick enough for the event loop: it does no I/O and hashes no password.

    Unmarked functions run in a worker thread under ASGI.

    Args:
        check: the function.

    Returns:
        The same function.
    """
    setattr(check, _MARK, True)
    return check


class FlowChecker(Generic[C]):
    """The base of checkers that ask for operations: written once, driven by both worlds.

    A subclass has `flow(credentials)`, a generator that yields `Operation`s and returns a verdict. With `check` and
    `acheck` it is usable in any program.
    """

    def flow(self, credentials: C) -> Steps[Verdict]:
        """Check credentials in steps.

        Args:
            credentials: what was shown; untrusted.

        Returns:
            A generator of operations that ends in a verdict.
        """
        raise TypeError(f"{type(self).__name__} has no flow()")

    def check(self, credentials: C) -> Verdict:
        """Check credentials here and now; this may block.

        Args:
            credentials: what was shown; untrusted.

        Raises:
            Unavailable: the answer cannot be had now.
        """
        return run(self.flow(credentials))

    async def acheck(self, credentials: C) -> Verdict:
        """Check credentials without blocking the event loop; asyncio and trio.

        Args:
            credentials: what was shown; untrusted.

        Raises:
            Unavailable: the answer cannot be had now.
        """
        return await arun(self.flow(credentials))


class AdaptedChecker:
    """A checker of any form, in the one form that the guard drives.

    Args:
        name: for messages and `explain`.
        direct: answers at once, on the event loop too; None: it takes steps.
        flow: the steps; unused where there is `direct`.
        needs_loop: whether it can only be awaited.
    """

    __slots__ = ("direct", "flow", "name", "needs_loop")

    def __init__(
        self,
        name: str,
        *,
        direct: Callable[[Any], object] | None = None,
        flow: Callable[[Any], Steps[object]] | None = None,
        needs_loop: bool = False,
    ) -> None:
        self.name: str = name
        self.direct: Callable[[Any], object] | None = direct
        self.flow: Callable[[Any], Steps[object]] | None = flow
        self.needs_loop: bool = needs_loop

    def verdict(self, answer: object) -> Verdict:
        """Read an answer: a verdict, a principal, or None, which refuses.

        Args:
            answer: what the checker returned.

        Raises:
            TypeError: it is not one of these. That is a bug in the checker, not a refusal: a truthy value never grants access.
        """
        if isinstance(answer, (Accepted, Refused)):
            return answer
        if isinstance(answer, Principal):
            return Accepted(answer)
        if answer is None:
            return Refused()
        close = getattr(answer, "close", None)
        if inspect.iscoroutine(answer) and close is not None:
            close()
            raise TypeError(f"the checker {self.name} returned a coroutine; write it with `async def`, so that it is awaited")
        raise TypeError(f"the checker {self.name} answers a Principal, a Verdict or None, not {type(answer).__name__}")


def adapt(checker: object) -> AdaptedChecker:
    """Find out what a checker is.

    Args:
        checker: any of the forms above.

    Returns:
        The same checker in one form.

    Raises:
        ConfigurationError: it is none of them.
    """
    name = _name_of(checker)
    adapted = getattr(checker, "adapted", None)
    if isinstance(adapted, AdaptedChecker):
        return adapted  # made of others, which may be of any form
    if inspect.isclass(checker):
        raise ConfigurationError(f"a checker must be an object, got the class {name}. Call it: {name}(...).")
    flow = getattr(checker, "flow", None)
    if callable(flow):
        if inspect.iscoroutinefunction(flow) or inspect.isasyncgenfunction(flow):
            raise ConfigurationError(
                f"the flow() of {name} must be a generator that yields operations, got an async function. Name the method check()."
            )
        _check_call(flow, name)
        return AdaptedChecker(name, flow=flow)
    method = getattr(checker, "check", None)
    check = method if callable(method) else checker
    if not callable(check):
        raise ConfigurationError(f"a checker must be a function, or an object with check() or flow(), got {name}.")
    _check_call(check, name)
    bare = _bare(check)
    if inspect.isasyncgenfunction(bare):
        raise ConfigurationError(f"a checker must return one verdict, got the async generator {name}. Use `return`, not `yield`.")
    if inspect.isgeneratorfunction(bare):
        return AdaptedChecker(name, flow=check)
    if inspect.iscoroutinefunction(bare):
        return AdaptedChecker(name, flow=partial(_awaited, check), needs_loop=True)
    if getattr(bare, _MARK, False) or getattr(checker, _MARK, False):
        return AdaptedChecker(name, direct=check)
    return AdaptedChecker(name, flow=partial(_blocking, check))


def _check_call(check: Callable[..., object], name: str) -> None:
    try:
        signature = inspect.signature(check)
    except (TypeError, ValueError):
        return  # a builtin that does not tell
    try:
        signature.bind(None)
    except TypeError as error:
        raise ConfigurationError(f"the checker {name} must accept one argument, the credentials: {error}.") from None


def _bare(check: Callable[..., object]) -> object:
    """Return the function behind a partial, a bound method or a callable object."""
    while isinstance(check, partial):
        check = check.func
    if inspect.isroutine(check):
        return check
    return getattr(type(check), "__call__", check)  # noqa: B004 - the function is wanted, not the question


def _awaited(check: Callable[[Any], Any], credentials: object) -> Steps[object]:
    return (yield Operation(only_awaited, partial(check, credentials)))


def _blocking(check: Callable[[Any], Any], credentials: object) -> Steps[object]:
    return (yield Operation(partial(check, credentials)))


def _name_of(checker: object) -> str:
    return getattr(checker, "__qualname__", None) or type(checker).__name__
