"""Compares requirements: whether one implies another, and which callers can meet one.

A requirement is a statement about a caller and a request. The module tries every kind of caller and request that the requirements tell
apart: each name held or not, each scheme and class of login, an address in each network. A predicate of `where` may give any answer; two
predicates with the same function and name give the same. Where more than 16,384 kinds would have to be tried, the answer is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from watchword.authorization.facts import Network, Where
from watchword.authorization.identified import Authenticated, Constant, Optional, nobody, public
from watchword.authorization.leaves import Named, Permission, Role, Scope, ViaScheme
from watchword.authorization.requirement import AllOf, Marked, Not, OneOf, Requirement, leaves
from watchword.authorization.step_up import Acr, Factor, Fresh
from watchword.errors import ConfigurationError
from watchword.networks import parse_network

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from ipaddress import IPv4Address, IPv6Address

    Address: TypeAlias = IPv4Address | IPv6Address | None

Atom: TypeAlias = tuple[str, Any]

MOST_WORLDS: Final = 1 << 14
_MOST_OF_RULES: Final = 1 << 11  # of eleven names; a table of rules is checked when a program starts

# The values of a requirement, in their order (`value.py`). PENDING stands for what an unspecified caller may or may not meet.
_NO, _NEEDS, _PENDING, _YES = range(4)

_HELD: Final = (Scope, Permission, Role, Factor)
_CONSTANTS: Final = (Constant, Optional, Authenticated)
_SCHEME: Final = ("scheme", None)
_CLASS: Final = ("acr", None)
_AGE: Final = ("age", None)
_ADDRESS: Final = ("address", None)
_ELSEWHERE: Final = ""  # a scheme or a class of login that no requirement names


@dataclass(frozen=True, slots=True)
class _World:
    """One kind of caller, and of request.

    Args:
        facts: the value of each atom.
        known: whether the caller is authenticated; None: unspecified, as in the first pass of a decision.
    """

    facts: dict[Atom, Any]
    known: bool | None


def implies(one: Requirement, other: Requirement, schemes: frozenset[str] | None = None) -> bool | None:
    """Tell whether every request that meets a requirement meets another one.

    Args:
        one: a requirement.
        other: the other one.
        schemes: the schemes by which callers may come, lower case; None: any.

    Returns:
        None where the requirements are too long to tell.
    """
    if one == other or set(_conjuncts(other)) <= {*_conjuncts(one), public}:
        return True
    return _all(lambda world: _value(one, world) != _YES or _value(other, world) == _YES, (one, other), schemes)


@lru_cache(maxsize=1024)
def is_open(requirement: Requirement) -> bool | None:
    """Tell whether every anonymous caller meets a requirement, whatever the request; None where it is too long to tell.

    Args:
        requirement: the requirement.
    """
    return _all(lambda world: _value(requirement, world) == _YES, (requirement,), None, known=(False,))


@lru_cache(maxsize=1024)
def admits_anonymous(requirement: Requirement) -> bool | None:
    """Tell whether some anonymous caller meets a requirement; None where it is too long to tell.

    Args:
        requirement: the requirement.
    """
    refused = _all(lambda world: _value(requirement, world) != _YES, (requirement,), None, known=(False,))
    return None if refused is None else not refused


@lru_cache(maxsize=1024)
def can_be_met(requirement: Requirement, schemes: frozenset[str] | None = None, most: int = MOST_WORLDS) -> bool | None:
    """Tell whether some caller meets a requirement.

    Args:
        requirement: the requirement. Unlike for `check_satisfiable`, `nobody` and an empty list are no exceptions.
        schemes: the schemes by which callers may come, lower case; None: any.
        most: how many kinds of callers and requests are tried.

    Returns:
        None where the requirement is too long to tell.
    """
    refused = _all(lambda world: _value(requirement, world) != _YES, (requirement,), schemes, most=most)
    return None if refused is None else not refused


def check_satisfiable(requirement: Requirement, rule: str) -> None:
    """Check that some caller can meet a requirement. `nobody` and empty lists pass: they deny on purpose.

    Args:
        requirement: the requirement.
        rule: the pattern of its rule, for the message.

    Raises:
        ConfigurationError: no caller can meet it.
    """
    if not is_satisfiable(requirement):
        raise ConfigurationError(f"the requirement of {rule!r} can never be met: {requirement}. Write nobody to refuse every caller.")


def is_satisfiable(requirement: Requirement, schemes: frozenset[str] | None = None) -> bool:
    """Tell whether some caller can meet a requirement; True where it denies on purpose, or is too long to tell.

    Args:
        requirement: the requirement.
        schemes: the schemes, lower case, of the guard; None: any.
    """
    denies = any(leaf == nobody or getattr(leaf, "empty", False) for leaf in leaves(requirement))
    return denies or can_be_met(requirement, schemes, _MOST_OF_RULES) is not False


def _conjuncts(requirement: Requirement) -> tuple[Requirement, ...]:
    return requirement.parts if isinstance(requirement, AllOf) else (requirement,)


def _all(
    test: Callable[[_World], bool],
    requirements: tuple[Requirement, ...],
    schemes: frozenset[str] | None,
    known: Sequence[bool] = (True, False),
    most: int = MOST_WORLDS,
) -> bool | None:
    domains = _domains([leaf for one in requirements for leaf in leaves(one)], schemes)
    if prod(map(len, domains.values())) > most:
        return None
    worlds = (dict(zip(domains, facts, strict=True)) for facts in product(*domains.values()))
    return all(test(_World(facts, caller)) for facts in worlds for caller in known)


def _domains(found: list[Requirement], schemes: frozenset[str] | None) -> dict[Atom, tuple[Any, ...]]:
    """Return the values that each atom may have."""
    domains: dict[Atom, tuple[Any, ...]] = {}
    for leaf in found:
        if isinstance(leaf, _HELD):
            domains |= {(leaf.word, name): (True, False) for name in leaf.names}
        elif isinstance(leaf, Where) and leaf.request_only:
            domains[_atom(leaf)] = (True, False)
        elif _is_custom(leaf):
            # Its value for a known caller, and for an anonymous one.
            domains[_atom(leaf)] = tuple(product((_NO, _YES), (_NO, _NEEDS, _YES)))
    # A login is by one scheme, of one class and at one time, and a request comes from one address.
    via = {name for leaf in found if isinstance(leaf, ViaScheme) for name in leaf.accepted_schemes() or ()}
    classes = {name for leaf in found if isinstance(leaf, Acr) for name in leaf.names}
    ages = {leaf.max_age for leaf in found if isinstance(leaf, Fresh)}
    networks = {cidr for leaf in found if isinstance(leaf, Network) for cidr in leaf.cidrs}
    domains[_SCHEME] = tuple(sorted({*via, _ELSEWHERE} if schemes is None else schemes)) if via else (_ELSEWHERE,)
    domains[_CLASS] = (_ELSEWHERE, *sorted(classes))
    domains[_AGE] = (*sorted(ages), max(ages, default=0) + 1)
    domains[_ADDRESS] = tuple(dict.fromkeys(_addresses(networks)))
    return domains


def _addresses(cidrs: Collection[str]) -> Iterator[Address]:
    """Yield an address for each set of networks that some address is in; None, an unknown address, is in none."""
    yield None
    if not cidrs:
        return
    from ipaddress import ip_address  # few rules name a network

    for network in map(parse_network, cidrs):
        yield network[0]
        # Networks contain one another or have nothing in common, so each of their differences begins at one of these.
        last = network[-1]
        if int(last) < 2**last.max_prefixlen - 1:
            yield ip_address(int(last) + 1) if last.version == 4 else type(last)(int(last) + 1)  # noqa: PLR2004 - IPv4


def _atom(leaf: Requirement) -> Atom:
    return ("where", (leaf.predicate, leaf.name, leaf.request_only)) if isinstance(leaf, Where) else ("custom", leaf)


def _value(requirement: Requirement, world: _World) -> int:
    """Return the value of a requirement, as `evaluate` does."""
    if isinstance(requirement, AllOf):
        return min(_value(part, world) for part in requirement.parts)
    if isinstance(requirement, OneOf):
        return max(_value(part, world) for part in requirement.parts)
    if isinstance(requirement, Marked):
        return _value(requirement.part, world)
    if isinstance(requirement, Not):
        return _opposite(requirement, world)
    if isinstance(requirement, _CONSTANTS):
        return _constant(requirement, world)
    if getattr(requirement, "empty", False):
        return _NO
    if isinstance(requirement, Network):
        return _YES if requirement._networks.contains(world.facts[_ADDRESS]) else _NO  # noqa: SLF001 - as `evaluate` asks
    if isinstance(requirement, Where) and requirement.request_only:
        return _YES if world.facts[_atom(requirement)] is requirement.wanted else _NO
    return _PENDING if world.known is None else _of_caller(requirement, world)


def _constant(requirement: Requirement, world: _World) -> int:
    if isinstance(requirement, Authenticated):
        return _NEEDS if world.known is False else _YES
    return _NO if requirement == nobody else _YES


def _of_caller(leaf: Requirement, world: _World) -> int:
    """Return the value of a requirement on the caller, who is known or anonymous and not unspecified."""
    unmet = _NO if world.known else _NEEDS
    if isinstance(leaf, (Named, Fresh)) and not _is_custom(leaf):
        return _YES if world.known and _is_held(leaf, world.facts) else unmet
    of_known, of_anonymous = world.facts[_atom(leaf)]
    answer: int = of_known if world.known else of_anonymous
    if isinstance(leaf, Where):
        return _YES if answer == (_YES if leaf.wanted else _NO) else unmet
    return answer


def _is_held(leaf: Named | Fresh, facts: Mapping[Atom, Any]) -> bool:
    if isinstance(leaf, Fresh):
        return bool(facts[_AGE] <= leaf.max_age)
    if isinstance(leaf, ViaScheme):
        return facts[_SCHEME] in (leaf.accepted_schemes() or ())
    if isinstance(leaf, Acr):
        return facts[_CLASS] in leaf.names
    held = [facts[leaf.word, name] for name in leaf.names]
    if isinstance(leaf, Scope):
        # In this way each set of names stands for one that is closed: that of the scopes which are held with all that they imply.
        held += [facts.get((leaf.word, name), True) for name in leaf.implied]
    return any(held) if isinstance(leaf, Role) else all(held)


def _is_custom(leaf: Requirement) -> bool:
    return not isinstance(leaf, (*_HELD, *_CONSTANTS, ViaScheme, Acr, Fresh, Network))


def _opposite(requirement: Not, world: _World) -> int:
    value = _value(requirement.part, world)
    opposite = {_NO: _YES, _YES: _NO}.get(value, value)
    if opposite == _NO and world.known is False:
        # As in `Not.evaluate`: a login helps, unless an unspecified caller would be refused as well.
        return _NO if _value(requirement.part, _World(world.facts, None)) == _YES else _NEEDS
    return opposite


__all__ = ["MOST_WORLDS", "admits_anonymous", "can_be_met", "check_satisfiable", "implies", "is_open", "is_satisfiable"]
