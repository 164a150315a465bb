"""Defines the four values of a requirement, and combines them.

    NO  <  Needs(cures)  <  Unknown(causes)  <  YES

and PENDING, which is above Unknown and below YES on the first pass, before the credentials are checked. `&` takes the smaller, `|`
the greater, and two `Needs` combine their cures: a disjunctive normal form, kept minimal. The order is total, so the order of the
parts of a requirement does not change its value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from watchword.authorization.needs import IDENTITY, Alternative

if TYPE_CHECKING:
    from collections.abc import Iterable

# Alternatives multiply with every `&`, and each refusal computes them. Rules written by hand have fewer than this. Of a longer list
# the first ones are offered: cures change the advice of a challenge, never access.
MOST_ALTERNATIVES = 32


class _Constant:
    """The base of values with one instance. Not a dataclass: each one costs time at import."""

    __slots__ = ()

    def __repr__(self) -> str:
        return type(self).__name__.upper()

    def __reduce__(self) -> str:
        return repr(self)  # copied and unpickled as the constant itself


class No(_Constant):
    """Not met, and no credential could change the value."""

    __slots__ = ()

    rank = 0


@dataclass(frozen=True, slots=True, eq=False)
class Needs:
    """Not met, and some credential could change the value.

    Two are equal if they hold the same alternatives, in any order. The order says which alternative is offered first.

    Args:
        cures: alternatives, each a set of needs that together suffice. Never empty; no alternative contains another.
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
    """The value cannot be told now. Two are equal, also with different causes.

    Args:
        causes: for the operator.
        retry_after: seconds after which the client may try again; None: unknown.
    """

    causes: frozenset[str] = field(compare=False)
    retry_after: int | None = field(default=None, compare=False)
    rank = 2


class Pending(_Constant):
    """The value depends on the principal, which is not known yet.

    A predicate about the request may give `Unknown` on the first pass. Neither value decides, so their order makes no difference.
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

    An anonymous caller may be any principal, so the need stays `Identity`. A known caller who lacks a fact meets `~`: YES.
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
    """Drop every alternative that contains another, in order, and bound their number while they are made."""
    kept: list[Alternative] = []
    for one in cures:
        if any(other <= one for other in kept):
            continue
        kept = [other for other in kept if not one <= other]
        if len(kept) < MOST_ALTERNATIVES:
            kept.append(one)
    return tuple(kept)
