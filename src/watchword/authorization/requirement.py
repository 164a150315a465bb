"""Defines the base of requirements, and their connectives `&`, `|` and `~`.

A requirement is frozen, printable data. It holds no state, does no I/O and decides nothing: evaluating it gives one of the values of
`value.py`, which the guard maps to a status. A requirement must be met actively. There is no default value, and what one part grants
does not make up for what another part lacks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeAlias

from watchword.authorization.needs import IDENTITY
from watchword.authorization.value import NO, YES, Value, both, either, needs, opposite
from watchword.errors import ConfigurationError
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.hierarchy import ScopeHierarchy
    from watchword.principal import Principal
    from watchword.request import RequestView

    FastCheck: TypeAlias = Callable[[Principal], bool]


class Requirement:
    """The base of all requirements. Combine them with `&`, `|` and `~`; not with `and`, `or` and `not`."""

    __slots__ = ()

    parts: tuple[Requirement, ...] = ()
    choices: tuple[Requirement, ...] = ()
    """Requirements of which each request must meet one, which the requirement chooses; they are not its parts."""
    reason: Reason = Reason.DENIED
    own_origin: bool = False
    """Whether pages of other origins may not use the route, whatever credentials they send (DNS rebinding)."""
    fields: ClassVar[frozenset[str]] = frozenset()
    """The header fields, lower case, that `read_content` looks at. Their aliases are refused."""

    @property
    def opposite(self) -> str:
        """The constant that `~` of this requirement equals, such as `nobody`, so that `~` is refused; empty: it equals none."""
        return ""

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return how far the requirement is met.

        Args:
            context: what is known.
        """
        raise TypeError(f"{type(self).__name__} must define evaluate().")

    def fast_check(self) -> FastCheck | None:
        """Return a test of a known principal that is True exactly if the requirement is met; None: the request or the clock matters too."""
        return None

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return the schemes, lower case, by one of which a caller must come; None: any scheme will do."""
        return None

    def reads_request(self) -> bool:
        """Tell whether the value depends on the request itself, such as on the peer's address, and not only on the caller.

        A shared cache stores by method and URI, so it cannot tell such requests apart (RFC 9111 §2). The default is True, which is safe for
        a custom requirement.
        """
        return True

    def wants_content(self, view: RequestView) -> int | None:
        """Return how much content the requirement needs to decide, in octets; None: the content of this request stays unread.

        The guard reads the content once the caller is known, and only while the value is `PENDING`: an anonymous caller who may not pass
        in any case is refused before. It keeps the content for the application.

        Args:
            view: the request.
        """
        return None

    def read_content(self, view: RequestView) -> object:
        """Return what the requirement needs of `view.content`. It is kept in `view.parsed` under the class of the requirement.

        Args:
            view: the request, its content read; None where it could not be read as a whole.

        Raises:
            ContentError: it cannot be read in one way only; the answer is 400.
        """
        raise TypeError(f"{type(self).__name__} must define read_content().")

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return why the requirement is not met, where it is not.

        Args:
            context: the context of the evaluation.
        """
        return self.reason

    def hides(self, context: EvaluationContext) -> bool:
        """Tell whether a part that is not met is hidden.

        Args:
            context: the context of the evaluation.
        """
        return any(part.hides(context) for part in self.parts)

    def bound_to(self, hierarchy: ScopeHierarchy) -> Requirement:
        """Return the same requirement, which knows what scopes imply; itself where it asks for no scope.

        A guard binds the requirements of its rules and views once. Callers whose scopes are closed meet both alike; what differs is which
        requirements can be met together, and what an unmet one needs.

        Args:
            hierarchy: of the guard.
        """
        return self

    def hidden(self) -> Requirement:
        """Return the same requirement, with the application's own 404 in place of a 403 for a known caller (RFC 9110 §15.5.4)."""
        return Hidden(self)

    def from_any_origin(self) -> Requirement:
        """Return the same requirement, exempt from the cross-site test: Basic and cookies count from pages of any origin (decision D61).

        The whole route is exempt, wherever in its requirement this stands.
        """
        return FromAnyOrigin(self)

    def __and__(self, other: Requirement) -> Requirement:
        return AllOf((self, other)) if isinstance(other, Requirement) else NotImplemented

    def __or__(self, other: Requirement) -> Requirement:
        return OneOf((self, other)) if isinstance(other, Requirement) else NotImplemented

    def __invert__(self) -> Requirement:
        return Not(self)

    def __bool__(self) -> NoReturn:
        # `a and b` would be b alone, without an error: a route left open.
        raise TypeError(f"the requirement {self} has no truth value. Combine requirements with &, | and ~, not with and, or and not.")


@dataclass(frozen=True, slots=True, init=False)
class _Compound(Requirement):
    """Several requirements under one connective, flattened."""

    parts: tuple[Requirement, ...]

    def __init__(self, parts: tuple[Requirement, ...]) -> None:
        flat = tuple(leaf for part in parts for leaf in (part.parts if type(part) is type(self) else (part,)))
        if not flat:
            raise ConfigurationError(f"{type(self).__name__}() must have a part. Name a requirement, or use public or nobody.")
        object.__setattr__(self, "parts", flat)

    def bound_to(self, hierarchy: ScopeHierarchy) -> Requirement:
        """Return the same of all parts, each bound."""
        return type(self)(tuple(part.bound_to(hierarchy) for part in self.parts))

    def reads_request(self) -> bool:
        """Tell whether any part reads the request."""
        return any(part.reads_request() for part in self.parts)


class AllOf(_Compound):
    """`a & b`: the smaller value of the two."""

    __slots__ = ()

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the smallest value of the parts."""
        value: Value = YES
        for part in self.parts:
            value = both(value, part.evaluate(context))
            if value is NO:
                break
        return value

    def fast_check(self) -> FastCheck | None:
        """Return the tests of all parts as one; None where a part has none."""
        tests = [part.fast_check() for part in self.parts]
        first, *rest = tests
        if first is None or None in rest:
            return None
        known = [test for test in tests if test is not None]
        if len(known) == 2:  # noqa: PLR2004 - the common case, one call less
            left, right = known
            return lambda principal: left(principal) and right(principal)
        return lambda principal: all(test(principal) for test in known)

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return the schemes that all parts accept."""
        limits = [limit for limit in (part.accepted_schemes() for part in self.parts) if limit is not None]
        return frozenset.intersection(*limits) if limits else None

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return the reason of the part with the smallest value; of equal ones, the first."""
        worst = min(self.parts, key=lambda part: part.evaluate(context).rank)
        return worst.denial_reason(context)

    def __str__(self) -> str:
        return " & ".join(f"({part})" if isinstance(part, OneOf) else str(part) for part in self.parts)


class OneOf(_Compound):
    """`a | b`: the greater value of the two."""

    __slots__ = ()

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the greatest value of the parts."""
        value: Value = NO
        for part in self.parts:
            value = either(value, part.evaluate(context))
            if value is YES:
                break
        return value

    def fast_check(self) -> FastCheck | None:
        """Return the tests of the parts as one; None where a part has none."""
        tests = [part.fast_check() for part in self.parts]
        known = [test for test in tests if test is not None]
        return (lambda principal: any(test(principal) for test in known)) if len(known) == len(tests) else None

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return the schemes that any part accepts."""
        limits = [part.accepted_schemes() for part in self.parts]
        known = [limit for limit in limits if limit is not None]
        return frozenset[str]().union(*known) if len(known) == len(limits) else None

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return the reason of the part with the greatest value; of equal ones, the first."""
        nearest = max(self.parts, key=lambda part: part.evaluate(context).rank)
        return nearest.denial_reason(context)

    def __str__(self) -> str:
        return " | ".join(str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not(Requirement):
    """`~a`: met where `a` is not."""

    part: Requirement

    def __post_init__(self) -> None:
        if self.part.opposite:
            raise ConfigurationError(f"~{self.part} is constant. Write {self.part.opposite}.")
        for leaf in leaves(self.part):
            # `~network()` blocks no network, which is a valid block list. `~role()` is a mistake that lets every caller in.
            if getattr(leaf, "empty", False) and leaf.reason is not Reason.NETWORK_DENIED:
                raise ConfigurationError(f"{self} would admit every caller: {leaf} names nothing. Name what is excluded.")

    @property
    def parts(self) -> tuple[Requirement, ...]:  # type: ignore[override]  # a read-only property in place of an attribute
        """The one part."""
        return (self.part,)

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the opposite value; for an anonymous caller, a need to log in where a login could change a NO."""
        value = opposite(self.part.evaluate(context))
        if value is NO and context.principal is not None and not context.principal.is_authenticated:
            # A predicate may be True for anonymous callers and False for known ones: then a login helps, and the answer is 401.
            known = self.part.evaluate(replace(context, principal=None, assumed=True))
            return value if known is YES else needs(frozenset({IDENTITY}))
        return value

    def bound_to(self, hierarchy: ScopeHierarchy) -> Requirement:
        """Return the opposite of the part, bound."""
        return Not(self.part.bound_to(hierarchy))

    def reads_request(self) -> bool:
        """Tell whether the part reads the request."""
        return self.part.reads_request()

    def fast_check(self) -> FastCheck | None:
        """Return the opposite of the part's test. Anonymous callers never pass: they may be any principal."""
        test = self.part.fast_check()
        return None if test is None else lambda principal: principal.is_authenticated and not test(principal)

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return the part's reason where it is `network_denied`; any other would name what the caller holds as missing."""
        reason = self.part.denial_reason(context)
        return reason if reason is Reason.NETWORK_DENIED else Reason.DENIED

    def __str__(self) -> str:
        return f"~({self.part})" if isinstance(self.part, _Compound) else f"~{self.part}"


@dataclass(frozen=True, slots=True)
class Marked(Requirement):
    """The base of requirements that are met exactly if their part is, and that mark the route."""

    part: Requirement
    word: ClassVar[str] = ""

    @property
    def parts(self) -> tuple[Requirement, ...]:  # type: ignore[override]  # see Not
        """The one part."""
        return (self.part,)

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the value of the part."""
        return self.part.evaluate(context)

    def bound_to(self, hierarchy: ScopeHierarchy) -> Requirement:
        """Return the same mark around the part, bound."""
        return type(self)(self.part.bound_to(hierarchy))

    def reads_request(self) -> bool:
        """Tell whether the part reads the request."""
        return self.part.reads_request()

    def fast_check(self) -> FastCheck | None:
        """Return the test of the part."""
        return self.part.fast_check()

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return the schemes that the part accepts."""
        return self.part.accepted_schemes()

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return the reason of the part."""
        return self.part.denial_reason(context)

    def __invert__(self) -> Requirement:
        # `~role("x").hidden()` hides what it demands: Python reads the tilde last.
        return type(self)(~self.part)

    def __str__(self) -> str:
        return f"({self.part}).{self.word}()" if isinstance(self.part, (_Compound, Not)) else f"{self.part}.{self.word}()"


class Hidden(Marked):
    """A requirement that answers a known caller who does not meet it as if the resource did not exist."""

    __slots__ = ()

    word = "hidden"

    def hides(self, context: EvaluationContext) -> bool:
        """Tell whether the part is unmet."""
        return self.part.evaluate(context) is not YES

    def hidden(self) -> Requirement:
        """Return itself."""
        return self


class FromAnyOrigin(Marked):
    """A requirement whose route is exempt from the cross-site test."""

    __slots__ = ()

    word = "from_any_origin"

    def from_any_origin(self) -> Requirement:
        """Return itself."""
        return self


def leaves(requirement: Requirement) -> Iterator[Requirement]:
    """Yield the parts of a requirement that have no parts.

    Args:
        requirement: where to look.
    """
    if not requirement.parts:
        yield requirement
    for part in requirement.parts:
        yield from leaves(part)
