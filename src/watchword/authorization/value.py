"""Defines the four values of a requirement, and combines them.

    NO  <  Needs(cures)  <  Unknown(causes)  <  YES

and PENDING, which stands between NO and YES on the first pass, before the credentials are checked. `&` takes the smaller, `|`
the greater, and two `Needs` combine their cures: a disjunctive normal form, kept minimal. The order is total, so that
it makes no difference in which order the parts of a requirement are written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from watchword.authorization.needs import IDENTITY, Alternative

if TYPE_CHECKING:
    from collections.abc import Iterable

# Alternatives multiply with every `&`, and each refusal pays for them. Rules written by hand have fewer than this. Of a rule
# with more, the first ones are offered: the cures decide about the advice only, never about access.
MOST_ALTERNATIVES = 32


class _Constant:
    """The base of values of which there is one each; a plain class, because `import watchword` pays for every dataclass."""

    __slots__ = ()

    def __repr__(self) -> str:
        return type(self).__name__.upper()

    def __reduce__(self) -> str:
        return repr(self)  # copied and unpickled as the constant itself


class No(_Constant):
    """Not met, and no credential could change that."""

    __slots__ = ()

    rank = 0


@dataclass(frozen=True, slots=True, eq=False)
class Needs:
    """Not met now; credentials exist that could change it.

    Two are equal when they hold the same alternatives; the order, which says what is offered first, is that of the requirement.

    Args:
        cures: alternatives, each a set of needs that together suffice; never empty, none contains another.
    """

    cures: tuple[Alternative, ...]
    rank = 1

    def __eq__(self, other: object) -> bool:
        return frozenset(self.cures) == frozenset(other.cures) if isinstance(other, Needs) else NotImplemented

    def __hash__(self) -> int:
        return hash(frozenset(self.cures))

    @property
    def identity_would_help(self) -> bool:
        """Whether every alternative includes a login, as it does for an anonymous caller."""
        return all(IDENTITY in alternative for alternative in self.cures)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Cannot be told now. Two are equal whatever their causes.

    Args:
        causes: for the operator.
        retry_after: seconds after which a new try makes sense; None: unknown.
    """

    causes: frozenset[str] = field(compare=False)
    retry_after: int | None = field(default=None, compare=False)
    rank = 2


class Pending(_Constant):
    """Depends on the principal, which is not known yet.

    Beside an `Unknown`, which a predicate about the request may answer on the first pass too, either decides nothing.
    """

    __slots__ = ()

    rank = 3


class Yes(_Constant):
    """Met."""

    __slots__ = ()

    rank = 4


Value: TypeAlias = No | Needs | Unknown | Pending | Yes

NO = No()
YES = Yes()
PENDING = Pending()


def needs(*parts: Alternative) -> Needs:
    """Return the value of alternatives, made minimal.

    Args:
        parts: the alternatives, in the order of the requirement.
    """
    return Needs(_minimal(parts))


def both(a: Value, b: Value) -> Value:
    """Return the value of `a & b`: the smaller; two `Needs` give every pair of alternatives united."""
    if isinstance(a, Needs) and isinstance(b, Needs):
        return Needs(_minimal(x | y for x in a.cures for y in b.cures))
    if isinstance(a, Unknown) and isinstance(b, Unknown):
        return _joined(a, b)
    return a if a.rank <= b.rank else b


def either(a: Value, b: Value) -> Value:
    """Return the value of `a | b`: the greater; two `Needs` give all their alternatives."""
    if isinstance(a, Needs) and isinstance(b, Needs):
        return Needs(_minimal(a.cures + b.cures))
    if isinstance(a, Unknown) and isinstance(b, Unknown):
        return _joined(a, b)
    return a if a.rank >= b.rank else b


def opposite(a: Value) -> Value:
    """Return the value of `~a`.

    An anonymous caller may be any principal, so the need stays `Identity`; what a known caller lacks
    now, he lacks: YES.
    """
    if isinstance(a, Needs):
        return Needs((frozenset({IDENTITY}),)) if a.identity_would_help else YES
    if isinstance(a, No):
        return YES
    return NO if isinstance(a, Yes) else a


def _joined(a: Unknown, b: Unknown) -> Unknown:
    waits = [wait for wait in (a.retry_after, b.retry_after) if wait is not None]
    return Unknown(a.causes | b.causes, max(waits, default=None))


def _minimal(cures: Iterable[Alternative]) -> tuple[Alternative, ...]:
    """Drop every alternative that contains another, keeping the order; never hold more than are offered."""
    kept: list[Alternative] = []
    for one in cures:
        if any(other <= one for other in kept):
            continue
        kept = [other for other in kept if not one <= other]
        if len(kept) < MOST_ALTERNATIVES:
            kept.append(one)
    return tuple(kept)
