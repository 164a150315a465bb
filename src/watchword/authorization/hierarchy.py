"""Defines which scopes imply others: a caller who was issued `orders:admin` holds `orders:read` as well.

No RFC relates one scope to another: their meaning is left to the authorization server (RFC 6749 §3.3). So nothing is derived from the
names of scopes, and only what the table says is implied. The scopes of a caller are closed once, when a checker accepts the caller. From
then on a requirement is one set operation, as without a hierarchy.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from watchword.authorization.needs import HoldScope
from watchword.errors import ConfigurationError
from watchword.validators import check_scope, check_sequence, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.authorization.needs import Alternative

_ARGUMENT = "Guard(scope_implies=...)"
_NOTHING: frozenset[str] = frozenset()


class ScopeHierarchy:
    """What each scope implies, transitively.

    Args:
        table: a scope to the scopes that it implies.

    Raises:
        ConfigurationError: the table is no such mapping, a scope is no scope token (RFC 6749 §3.3), the list of a scope is empty, or
            scopes imply each other.
    """

    __slots__ = ("_implied", "table")

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        if not isinstance(table, Mapping):
            raise invalid(_ARGUMENT, "be a mapping of scopes to lists of scopes", table, 'Write {"orders:admin": ["orders:read"]}.')
        self.table: dict[str, tuple[str, ...]] = {name: _row(name, implied) for name, implied in table.items()}
        self._implied: dict[str, frozenset[str]] = {}
        for name in _in_order(self.table):
            direct = self.table.get(name)
            if direct is not None:
                self._implied[name] = frozenset(direct).union(*(self._implied.get(one, _NOTHING) for one in direct))

    def implied(self, names: Iterable[str]) -> frozenset[str]:
        """Return all scopes that some scope of these implies; one of these themselves is among them only if another one implies it.

        Args:
            names: scopes.
        """
        return _NOTHING.union(*(self._implied[name] for name in names if name in self._implied))

    def closure(self, names: frozenset[str]) -> frozenset[str]:
        """Return scopes with all that they imply.

        Args:
            names: the scopes.
        """
        more = self.implied(names)
        return names if more <= names else names | more

    def needs(self, name: str) -> Alternative:
        """Return a scope and all that it implies, as needs.

        An alternative with the closed set contains one with a narrower scope, so that minimal alternatives never ask for a scope beside a
        narrower one that suffices.

        Args:
            name: the scope.
        """
        return frozenset(map(HoldScope, self.closure(frozenset({name}))))

    def largest(self, names: Iterable[str]) -> list[str]:
        """Return the scopes that no other one of them implies: who holds these holds all of them.

        Args:
            names: the scopes.
        """
        kept = list(names)
        implied = self.implied(kept)
        return [name for name in kept if name not in implied]

    def without_implied(self, alternative: Alternative) -> Alternative:
        """Return an alternative without the scopes that others of it imply.

        Args:
            alternative: needs that suffice together.
        """
        implied = self.implied(need.name for need in alternative if isinstance(need, HoldScope))
        return frozenset(need for need in alternative if not (isinstance(need, HoldScope) and need.name in implied))

    def __repr__(self) -> str:
        return f"ScopeHierarchy({self.table!r})"


def _row(name: object, implied: object) -> tuple[str, ...]:
    if not isinstance(name, str):
        raise invalid(_ARGUMENT, "have scopes as keys", name)
    check_scope(name, f"a key of {_ARGUMENT}")
    names = check_sequence(f"{_ARGUMENT}[{name!r}]", implied, '["orders:read"]')
    if not names:
        raise ConfigurationError(f"{_ARGUMENT}[{name!r}] must name a scope, got none. Name what it implies, or remove {name!r}.")
    return tuple(check_scope(one, f"{_ARGUMENT}[{name!r}]") for one in names)


def _in_order(table: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return all scopes, each behind those that it implies."""
    try:
        return list(TopologicalSorter(table).static_order())
    except CycleError as error:
        # Two scopes that imply each other are one scope by two names: then nothing says which of them a challenge names.
        circle = " -> ".join(reversed(error.args[1]))
        raise ConfigurationError(f"{_ARGUMENT} must have no cycle, got {circle}. Remove one of these implications.") from None


__all__ = ["ScopeHierarchy"]
