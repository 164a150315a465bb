"""Defines requirements: frozen, printable data that state what a route demands, and combine with `&`, `|` and `~`.

A requirement is a value: it holds no state, does no I/O and decides nothing. Evaluating it in a context gives one of
four values (`value.py`); the guard maps them to a status. It must be met actively: there is no value by
default, and nothing that one part grants takes away what another part lacks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeAlias, TypeVar

from watchword.authorization.needs import IDENTITY
from watchword.authorization.value import NO, PENDING, YES, Unknown, Value, both, either, needs, opposite
from watchword.errors import ConfigurationError
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.clock import Clock
    from watchword.principal import Principal
    from watchword.request import RequestView

    FastCheck: TypeAlias = Callable[[Principal], bool]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What is known when a requirement is evaluated.

    Args:
        request: the request.
        clock: for requirements that know the time.
        principal: the caller, or `ANONYMOUS` where that is certain; None: the credentials are not checked yet, or could not be.
        unchecked: why the credentials could not be checked; None: they are not checked yet.
        somebody: whether the caller is assumed to be authenticated, as an unspecified principal.
        scopeless: whether the scopes that the caller holds count as missing, to find all that a challenge asks for (decision D63).
    """

    request: RequestView
    clock: Clock
    principal: Principal | None = None
    unchecked: Unknown | None = None
    somebody: bool = False
    scopeless: bool = False

    @property
    def without_identity(self) -> Value:
        """The value of requirements on the principal while it is not known."""
        return PENDING if self.unchecked is None else self.unchecked

    def once(self, question: Callable[..., object], whom: Principal | None, ask: Callable[[], T]) -> T:
        """Return the answer to a question about a caller, asked once for each decision however often the rule is evaluated.

        A refusal evaluates the rule several times: to find the reason, the cure, and whether to hide. All of them must see one answer.

        Args:
            question: what is asked, as a key.
            whom: the caller; None: the question is about the request alone.
            ask: asks it.
        """
        answers: dict[object, tuple[object, T]] | None = getattr(self.request, "answers", None)
        if answers is None:
            return ask()
        key = question, id(whom)
        known = answers.get(key)
        if known is None:
            known = answers[key] = whom, ask()  # the caller is kept too: an id is of one object only as long as that lives
        return known[1]


class Requirement:
    """The base of all requirements. Combine them with `&`, `|` and `~`; not with `and`, `or` and `not`."""

    __slots__ = ()

    parts: tuple[Requirement, ...] = ()
    reason: Reason = Reason.DENIED

    @property
    def opposite(self) -> str:
        """The constant that equals `~` of this requirement, such as `nobody`, so that `~` is refused; empty: `~` is useful."""
        return ""

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return how far the requirement is met.

        Args:
            context: what is known.
        """
        raise TypeError(f"{type(self).__name__} has no evaluate()")

    def fast_check(self) -> FastCheck | None:
        """Return a test of a principal that is True exactly when the requirement is met, if one set operation tells.

        Returns:
            The test; None where the request or the clock matters too.
        """
        return None

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return the schemes, lower case, by which alone the requirement can be met; None: by any."""
        return None

    def reads_request(self) -> bool:
        """Tell whether the value depends on the request itself, such as on the peer's address, and not only on the caller.

        A shared cache stores by method and URI, so it cannot tell such requests apart (RFC 9111 §2). The default is True: a
        custom requirement that does not say is treated as if it did.
        """
        return True

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return why the requirement is not met, given that it is not.

        Args:
            context: the one in which it was evaluated.
        """
        return self.reason

    def hides(self, context: EvaluationContext) -> bool:
        """Tell whether a part that asked to be hidden is among those not met.

        Args:
            context: the one in which it was evaluated.
        """
        return any(part.hides(context) for part in self.parts)

    def hidden(self) -> Requirement:
        """Return the same requirement, answered with the application's own 404 in place of a 403 to a known caller (RFC 9110 §15.5.4)."""
        return Hidden(self)

    def from_any_origin(self) -> Requirement:
        """Return the same requirement, exempt from the cross-site test: Basic and cookies count from pages of any origin (decision D61).

        The exemption is of the whole route, wherever in its requirement it stands.
        """
        return FromAnyOrigin(self)

    def __and__(self, other: Requirement) -> Requirement:
        return AllOf((self, other)) if isinstance(other, Requirement) else NotImplemented

    def __or__(self, other: Requirement) -> Requirement:
        return OneOf((self, other)) if isinstance(other, Requirement) else NotImplemented

    def __invert__(self) -> Requirement:
        return Not(self)

    def __bool__(self) -> NoReturn:
        # `a and b` would silently be b alone: a door left open.
        raise TypeError(f"requirements combine with &, | and ~, not with and, or and not (here: {self})")


@dataclass(frozen=True, slots=True, init=False)
class _Compound(Requirement):
    """Several requirements under one connective, flattened."""

    parts: tuple[Requirement, ...]

    def __init__(self, parts: tuple[Requirement, ...]) -> None:
        flat = tuple(leaf for part in parts for leaf in (part.parts if type(part) is type(self) else (part,)))
        if not flat:
            raise ConfigurationError(f"{type(self).__name__}() must have a part. Name a requirement, or use public or nobody.")
        object.__setattr__(self, "parts", flat)

    def reads_request(self) -> bool:
        """Tell whether any part does."""
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
        """Return a test that asks every part."""
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
        """Return what all parts accept."""
        limits = [limit for limit in (part.accepted_schemes() for part in self.parts) if limit is not None]
        return frozenset.intersection(*limits) if limits else None

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return the reason of the first part that stands in the way most."""
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
        """Return a test that asks until one part is met."""
        tests = [part.fast_check() for part in self.parts]
        known = [test for test in tests if test is not None]
        return (lambda principal: any(test(principal) for test in known)) if len(known) == len(tests) else None

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return what any part accepts."""
        limits = [part.accepted_schemes() for part in self.parts]
        known = [limit for limit in limits if limit is not None]
        return frozenset[str]().union(*known) if len(known) == len(limits) else None

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return the reason of the first part that comes nearest."""
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
            # A list of blocked networks may well be empty; of what a caller holds, an empty list is a mistake.
            if getattr(leaf, "empty", False) and leaf.reason is not Reason.NETWORK_DENIED:
                raise ConfigurationError(f"{self} would admit every caller: {leaf} names nothing. Name what is excluded.")

    @property
    def parts(self) -> tuple[Requirement, ...]:  # type: ignore[override]  # read-only here, which is all that is needed
        """The one part."""
        return (self.part,)

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the opposite value. For an anonymous caller it is not NO where a login could change it."""
        value = opposite(self.part.evaluate(context))
        if value is NO and context.principal is not None and not context.principal.is_authenticated:
            # A predicate may hold for an anonymous caller and not for a known one, so a login could help.
            known = self.part.evaluate(replace(context, principal=None, somebody=True))
            return value if known is YES else needs(frozenset({IDENTITY}))
        return value

    def reads_request(self) -> bool:
        """Tell whether the part does."""
        return self.part.reads_request()

    def fast_check(self) -> FastCheck | None:
        """Return a test that holds for a known caller who does not meet the part."""
        test = self.part.fast_check()
        return None if test is None else lambda principal: principal.is_authenticated and not test(principal)

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return the part's reason where that is about the network, else a plain denial."""
        reason = self.part.denial_reason(context)
        return reason if reason is Reason.NETWORK_DENIED else Reason.DENIED

    def __str__(self) -> str:
        return f"~({self.part})" if isinstance(self.part, _Compound) else f"~{self.part}"


@dataclass(frozen=True, slots=True)
class Marked(Requirement):
    """The base of requirements that are met as their part is, and that say something more about the route."""

    part: Requirement
    word: ClassVar[str] = ""

    @property
    def parts(self) -> tuple[Requirement, ...]:  # type: ignore[override]  # see Not
        """The one part."""
        return (self.part,)

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the value of the part."""
        return self.part.evaluate(context)

    def reads_request(self) -> bool:
        """Tell whether the part does."""
        return self.part.reads_request()

    def fast_check(self) -> FastCheck | None:
        """Return the test of the part."""
        return self.part.fast_check()

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return what the part accepts."""
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
    """A requirement that, unmet by a known caller, looks as if there were nothing there."""

    __slots__ = ()

    word = "hidden"

    def hides(self, context: EvaluationContext) -> bool:
        """Tell whether the part is unmet."""
        return self.part.evaluate(context) is not YES

    def hidden(self) -> Requirement:
        """Return itself: hidden already."""
        return self


class FromAnyOrigin(Marked):
    """A requirement whose route is exempt from the cross-site test."""

    __slots__ = ()

    word = "from_any_origin"

    def from_any_origin(self) -> Requirement:
        """Return itself: exempt already."""
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
