"""Lists the ways to meet a requirement, in disjunctive normal form: by which schemes, with which scopes and roles.

It is for documents, such as OpenAPI, that are written before any request comes. It decides nothing. What only a request tells, such as the
address of the peer, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchword.authorization.facts import Network, Where
from watchword.authorization.identified import Constant, Optional
from watchword.authorization.leaves import Role, Scope, ViaScheme
from watchword.authorization.requirement import AllOf, Marked, Not, OneOf
from watchword.authorization.value import MOST_ALTERNATIVES, YES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.authorization.requirement import Requirement


@dataclass(frozen=True, slots=True)
class Way:
    """One way to meet a requirement.

    Args:
        schemes: names of schemes, lower case, one of which must identify the caller; empty: an anonymous caller meets it.
        scopes: the scopes that the caller must hold, in the order of the requirement, without those that others of them imply.
        roles: the roles that the caller must hold, in the order of the requirement.
        implied: the scopes that these scopes imply.
    """

    schemes: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    implied: frozenset[str] = frozenset()

    def contains(self, other: Way) -> bool:
        """Tell whether the other way suffices wherever this one does, so that this one need not be named."""
        if not (self.schemes and other.schemes):
            return False  # that anonymous callers may come says nothing about known ones
        return self.schemes <= other.schemes and self.implied.union(self.scopes) >= {*other.scopes} and {*other.roles} <= {*self.roles}


_ANYONE = Way()


def ways(requirement: Requirement, schemes: frozenset[str]) -> tuple[Way, ...]:
    """Return the ways to meet a requirement; empty: no caller meets it.

    Args:
        requirement: the requirement.
        schemes: the schemes, lower case, of the guard.

    Returns:
        At most 32 ways, in the order of the requirement. Where an anonymous caller may meet it, one of them has no scheme.
    """
    return _ways(requirement, schemes, wanted=True)


def _ways(requirement: Requirement, schemes: frozenset[str], *, wanted: bool) -> tuple[Way, ...]:
    if isinstance(requirement, Not):
        return _ways(requirement.part, schemes, wanted=not wanted)
    if isinstance(requirement, Marked):
        return _ways(requirement.part, schemes, wanted=wanted)
    if not isinstance(requirement, (AllOf, OneOf)):
        return _of_leaf(requirement, schemes, wanted=wanted)
    found: tuple[Way, ...] = ()
    for number, part in enumerate(requirement.parts):
        more = _ways(part, schemes, wanted=wanted)
        # De Morgan: under `~` one connective is the other.
        both = isinstance(requirement, AllOf) is wanted
        found = more if not number else _all(found, more) if both else _minimal((*found, *more))
    return found


def _of_leaf(leaf: Requirement, schemes: frozenset[str], *, wanted: bool) -> tuple[Way, ...]:
    if isinstance(leaf, Constant):
        return (_ANYONE,) if (leaf.value is YES) is wanted else ()
    if wanted and getattr(leaf, "empty", False):
        return ()
    if isinstance(leaf, Network) or (isinstance(leaf, Where) and leaf.request_only):
        return (_ANYONE,)
    if isinstance(leaf, Optional):
        return (Way(schemes), _ANYONE)
    named = leaf.accepted_schemes() if wanted or isinstance(leaf, ViaScheme) else None
    accepted = schemes if named is None else schemes & named if wanted else schemes - named
    if not accepted:
        return ()
    if wanted and isinstance(leaf, Role):
        return tuple(Way(accepted, roles=(name,)) for name in dict.fromkeys(leaf.names))
    if wanted and isinstance(leaf, Scope):
        return (Way(accepted, _largest(leaf.names, leaf.implied), implied=leaf.implied),)
    return (Way(accepted),)


def _all(ones: Iterable[Way], others: tuple[Way, ...]) -> tuple[Way, ...]:
    """Return every pair of ways united."""
    return _minimal(way for one in ones for other in others if (way := _united(one, other)) is not None)


def _united(one: Way, other: Way) -> Way | None:
    """Return the way that is both; None: no scheme takes both."""
    if not (one.schemes and other.schemes):
        return one if one.schemes else other
    schemes = one.schemes & other.schemes
    if not schemes:
        return None
    implied = one.implied | other.implied
    return Way(schemes, _largest(one.scopes + other.scopes, implied), tuple(dict.fromkeys(one.roles + other.roles)), implied)


def _largest(names: tuple[str, ...], implied: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(names) if name not in implied)


def _minimal(found: Iterable[Way]) -> tuple[Way, ...]:
    """Drop each way that names more than another, and bound their number while they are made: they multiply with every `&`."""
    kept: list[Way] = []
    for way in found:
        if way in kept or any(way.contains(other) for other in kept):
            continue
        kept = [other for other in kept if not other.contains(way)]
        if len(kept) < MOST_ALTERNATIVES:
            kept.append(way)
    return tuple(kept)


__all__ = ["Way", "ways"]
