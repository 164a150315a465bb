"""Recognises the form of a checker, and gives all forms one interface.

A checker is a function, an async function, a generator function, or an object with `check` (plain or async) or `flow`.
The guard adapts it once, at construction.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

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
    """Mark a plain function as fast enough for the event loop: it does no I/O and hashes no password.

    Unmarked functions run in a worker thread under ASGI.

    Args:
        check: the function, which is returned.
    """
    setattr(check, _MARK, True)
    return check


class FlowChecker(Generic[C]):
    """The base of checkers that yield operations, for synchronous and asynchronous programs alike.

    A subclass has `flow(credentials)`, a generator that yields `Operation`s and returns a verdict. `check` and `acheck` drive it.
    """

    def flow(self, credentials: C) -> Steps[Verdict]:
        """Check credentials in steps.

        Args:
            credentials: the credentials; untrusted.

        Returns:
            A generator of operations that returns a verdict.
        """
        raise TypeError(f"{type(self).__name__} has no flow()")

    def check(self, credentials: C) -> Verdict:
        """Check credentials; this may block.

        Args:
            credentials: the credentials; untrusted.

        Raises:
            Unavailable: no answer is possible now.
        """
        return run(self.flow(credentials))

    async def acheck(self, credentials: C) -> Verdict:
        """Check credentials without blocking the event loop; asyncio and trio.

        Args:
            credentials: the credentials; untrusted.

        Raises:
            Unavailable: no answer is possible now.
        """
        return await arun(self.flow(credentials))


class Admission(Protocol):
    """The bound of the work that a checker lets wait; the first step of the checker asks it too."""

    @property
    def is_full(self) -> bool:
        """Whether new work would be refused now. Cheap: it is asked for every unknown caller."""
        ...

    def admit(self, name: str, password: str) -> None:
        """Refuse work that would be refused.

        Args:
            name: the name in canonical form; untrusted.
            password: the password; untrusted.

        Raises:
            Overloaded: too much waits, and none of it for the same credentials.
        """
        ...


class AdaptedChecker:
    """A checker of any form, with the interface that the guard uses.

    Args:
        name: its name in messages and in `explain`.
        direct: answers at once, also on the event loop; None: it takes steps.
        flow: the steps; unused if there is `direct`.
        admission: tells whether new credentials would be refused because too much work waits; None: there is no such bound.
        needs_loop: whether it can only be awaited.
    """

    __slots__ = ("admission", "direct", "flow", "name", "needs_loop")

    def __init__(
        self,
        name: str,
        *,
        direct: Callable[[Any], object] | None = None,
        flow: Callable[[Any], Steps[object]] | None = None,
        admission: Admission | None = None,
        needs_loop: bool = False,
    ) -> None:
        self.name: str = name
        self.direct: Callable[[Any], object] | None = direct
        self.flow: Callable[[Any], Steps[object]] | None = flow
        self.admission: Admission | None = admission
        self.needs_loop: bool = needs_loop

    def verdict(self, answer: object) -> Verdict:
        """Return the verdict for an answer: a verdict, a principal, or None, which refuses.

        Args:
            answer: the answer of the checker.

        Raises:
            TypeError: it is another value: a bug in the checker, and not a refusal. A truthy value never grants access.
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
            raise TypeError(f"the checker {self.name} returned a coroutine. Define it with `async def`, so that it is awaited.")
        raise TypeError(f"the checker {self.name} must return a Principal, a Verdict or None, got {type(answer).__name__}.")


def adapt(checker: object) -> AdaptedChecker:
    """Give a checker of any form the interface that the guard uses.

    Args:
        checker: a checker of one of the forms above.

    Raises:
        ConfigurationError: it has another form.
    """
    name = _name_of(checker)
    adapted = getattr(checker, "adapted", None)
    if isinstance(adapted, AdaptedChecker):
        return adapted  # `AnyOf`, whose parts may have any form
    if inspect.isclass(checker):
        raise ConfigurationError(f"a checker must be an object, got the class {name}. Call it: {name}(...).")
    flow = getattr(checker, "flow", None)
    if callable(flow):
        if inspect.iscoroutinefunction(flow) or inspect.isasyncgenfunction(flow):
            raise ConfigurationError(
                f"the flow() of {name} must be a generator that yields operations, got an async function. Name the method check()."
            )
        _check_call(flow, name)
        # `needs_loop`: for what it asks there is an async client alone.
        needs_loop = getattr(checker, "needs_loop", False) is True
        return AdaptedChecker(name, flow=flow, admission=getattr(checker, "admission", None), needs_loop=needs_loop)
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
        return  # a builtin without a signature
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
