"""Defines requirements about the request itself: `network(...)`, and `where(...)` for a custom predicate."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from watchword.authorization.needs import IDENTITY, HoldScope, Identity, LoginWithin, Need, ReachAcr, UseFactor, Via
from watchword.authorization.requirement import Requirement
from watchword.authorization.value import NO, YES, Unknown, Value, needs
from watchword.errors import ConfigurationError, Unavailable
from watchword.networks import Networks, parse_network
from watchword.reason import Reason
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.hierarchy import ScopeHierarchy
    from watchword.authorization.needs import Alternative

_NEEDS = (Identity, Via, HoldScope, LoginWithin, ReachAcr, UseFactor)


@dataclass(frozen=True, slots=True)
class Network(Requirement):
    """The peer's address lies in one of the networks. An unknown address lies in none."""

    cidrs: tuple[str, ...]
    _networks: Networks = field(repr=False, compare=False)
    reason = Reason.NETWORK_DENIED

    @property
    def empty(self) -> bool:
        """Whether no network is given: an empty allow-list denies every caller (threats S7)."""
        return not self.cidrs

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return YES or NO: credentials do not change the address of the peer."""
        return YES if self._networks.contains(context.request.address) else NO

    def __str__(self) -> str:
        return "network(" + ", ".join(f'"{cidr}"' for cidr in self.cidrs) + ")"


def network(*cidrs: str) -> Requirement:
    """Require that the peer's address lies in one of the networks; else 403, for anonymous callers too.

    Behind a proxy the peer is the proxy. IPv4 addresses mapped into IPv6 count as IPv4.

    Args:
        cidrs: networks such as `"10.0.0.0/8"`, or single addresses. Without one the requirement is never met.

    Raises:
        ConfigurationError: a string is not a network.
    """
    for cidr in cidrs:
        try:
            parse_network(cidr)
        except (ValueError, TypeError) as error:
            raise invalid("network(...)", 'name networks such as "10.0.0.0/8"', cidr, f"{error}.") from None
    return Network(cidrs, Networks(cidrs))


@dataclass(frozen=True, slots=True)
class Where(Requirement):
    """A custom predicate."""

    predicate: Callable[..., Any]
    name: str
    request_only: bool = False
    wanted: bool = True
    _arity: int = field(default=1, repr=False, compare=False)
    _hierarchy: ScopeHierarchy | None = field(default=None, repr=False, compare=False)

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the value for the answer of the predicate; UNKNOWN where it raises `Unavailable`."""
        if self.request_only:
            answer = context.once(self.predicate, None, lambda: self._ask(context.request))
            return answer if isinstance(answer, Unknown) else self._value(answer, NO)
        principal = context.principal
        if principal is None:
            return context.without_identity
        facts = (principal, context.request) if self._arity > 1 else (principal,)
        answer = context.once(self.predicate, principal, lambda: self._ask(*facts))
        if isinstance(answer, Unknown):
            return answer
        if principal.is_authenticated:
            # A need names a missing fact, so the opposite is met. An authenticated caller never lacks an identity.
            cure = self._cure(answer) - {IDENTITY} if isinstance(answer, _NEEDS) else frozenset[Need]()
            return self._value(answer, needs(cure) if cure else NO)
        # The answer depends on the principal, so a login could change it.
        if isinstance(answer, _NEEDS):
            return needs(frozenset({IDENTITY}) | self._cure(answer) if self.wanted else frozenset({IDENTITY}))
        return self._value(answer, needs(frozenset({IDENTITY})))

    def bound_to(self, hierarchy: ScopeHierarchy) -> Requirement:
        """Return the same predicate; a scope that it answers with stands for what it implies as well."""
        return replace(self, _hierarchy=hierarchy)

    def _cure(self, answer: Need) -> Alternative:
        return frozenset({answer}) if self._hierarchy is None or not isinstance(answer, HoldScope) else self._hierarchy.needs(answer.name)

    def reads_request(self) -> bool:
        """Tell whether the predicate is given the request."""
        return self.request_only or self._arity > 1

    def _ask(self, *facts: object) -> bool | Need | Unknown:
        try:
            answer = self.predicate(*facts)
        except Unavailable as error:
            return Unknown(frozenset({error.why}), error.retry_after)
        if isinstance(answer, bool) or (isinstance(answer, _NEEDS) and not self.request_only):
            return answer
        # Only True and False count: an unawaited coroutine is truthy as well.
        getattr(answer, "close", lambda: None)()
        expected = "True or False, because no login could change the request" if self.request_only else "True, False or a need"
        raise TypeError(f"the predicate of {self} must return {expected}, got {type(answer).__name__}.")

    def _value(self, answer: object, unmet: Value) -> Value:
        return YES if (answer is True) is self.wanted else unmet

    def __invert__(self) -> Requirement:
        return replace(self, wanted=not self.wanted)

    def __str__(self) -> str:
        return f'{"" if self.wanted else "~"}where("{self.name}")'


def where(predicate: Callable[..., bool | Need], *, name: str = "", request_only: bool = False) -> Requirement:
    """Require that a predicate returns True.

    Args:
        predicate: called with the principal, or with the principal and the `RequestView` if it takes two; with the view
            alone if `request_only`. It answers True or False, or the need that would help, and raises
            `Unavailable` where it cannot tell. It must be quick and pure: it runs on the event loop, once for each decision and caller.
        name: shown in `explain`; the function's name if not given.
        request_only: the answer does not depend on who it is, so no login could change it.

    Raises:
        ConfigurationError: the predicate is async, or takes another number of arguments.
    """
    if not callable(predicate):
        raise invalid("where(predicate)", "be a function", predicate)
    call = type(predicate).__call__ if not inspect.isroutine(predicate) else predicate
    if inspect.iscoroutinefunction(predicate) or inspect.iscoroutinefunction(call):
        raise invalid("where(predicate)", "be a plain function", predicate, "Fetch the data in a checker and keep it in claims.")
    if type(predicate).__hash__ is None:
        raise ConfigurationError(
            f"where(predicate) must be hashable, and {type(predicate).__name__} defines __eq__ without __hash__. Freeze the dataclass."
        )
    arity = _arity_of(predicate)
    if arity not in ({1} if request_only else {1, 2}):
        takes = "the request" if request_only else "the principal, or the principal and the request"
        raise ConfigurationError(f"where(predicate) must take {takes}, got a function of {arity} positional arguments.")
    return Where(predicate, name or getattr(predicate, "__name__", type(predicate).__name__), request_only, _arity=arity)


def _arity_of(predicate: Callable[..., object]) -> int:
    try:
        parameters = inspect.signature(predicate).parameters.values()
    except (TypeError, ValueError):
        return 1  # a builtin without a signature: the one argument is the principal
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise ConfigurationError(f"where(predicate) gets positional arguments only. Give {parameter.name}=... a default.")
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL}]
    needed = [p for p in positional if p.kind is not p.VAR_POSITIONAL and p.default is p.empty]
    return len(needed) or min(len(positional), 1)  # where none is needed and some are taken, the first one is the principal
