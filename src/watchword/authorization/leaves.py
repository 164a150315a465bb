"""Defines requirements that a principal meets by names: `scope("orders:read")`, `role("admin")`, `permission("...")` and `via("Bearer")`.

Names are compared exactly. A requirement without a name is never met: a list that is empty by mistake must not open a route.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchword.authorization.identified import Identified
from watchword.authorization.needs import IDENTITY, HoldScope, Need, Via
from watchword.authorization.value import NO, Value, needs
from watchword.grammar import is_token
from watchword.reason import Reason
from watchword.validators import check_scope, check_sequence, invalid

if TYPE_CHECKING:
    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.hierarchy import ScopeHierarchy
    from watchword.authorization.requirement import FastCheck, Requirement
    from watchword.principal import Principal


@dataclass(frozen=True, slots=True)
class Named(Identified):
    """The base of requirements that list names."""

    names: tuple[str, ...]
    word = "named"

    def __post_init__(self) -> None:
        check_sequence(f"{self.word}(...)", self.names)

    @property
    def empty(self) -> bool:
        """Whether no name is given: such a requirement denies."""
        return not self.names

    def for_anonymous(self) -> Value:
        """Return the needs that a login could meet; NO where no login could."""
        return NO if self.empty else needs(frozenset({IDENTITY}) | self.cure())

    def __str__(self) -> str:
        return f"{self.word}({', '.join(map(_quoted, self.names))})"


@dataclass(frozen=True, slots=True)
class Scope(Named):
    """Every one of the scopes (RFC 6750 §3.1).

    Args:
        implied: the scopes that these imply by the hierarchy of the guard. A caller who holds these holds them too.
    """

    implied: frozenset[str] = frozenset()
    word = "scope"
    reason = Reason.INSUFFICIENT_SCOPE

    def __post_init__(self) -> None:
        Named.__post_init__(self)
        for name in self.names:
            check_scope(name)

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the principal has all scopes."""
        return bool(self.names) and not context.scopeless and principal.scopes.issuperset(self.names)

    def fast_check(self) -> FastCheck | None:
        """Return one set operation."""
        wanted = frozenset(self.names)
        return (lambda principal: wanted <= principal.scopes) if wanted else None

    def cure(self) -> frozenset[Need]:
        """Return all scopes: a client that asks for the missing one alone would lose the others.

        Those that they imply are among them, so that of two alternatives the one with the narrower scope is contained in the other.
        """
        return frozenset(map(HoldScope, self.implied.union(self.names)))

    def bound_to(self, hierarchy: ScopeHierarchy) -> Requirement:
        """Return the same scopes, with what they imply."""
        return Scope(self.names, hierarchy.implied(self.names))


class Role(Named):
    """Any one of the roles."""

    __slots__ = ()

    word = "role"
    reason = Reason.MISSING_ROLE

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the principal has one of the roles."""
        return not principal.roles.isdisjoint(self.names)

    def fast_check(self) -> FastCheck | None:
        """Return one set operation."""
        names = frozenset(self.names)
        return lambda principal: not names.isdisjoint(principal.roles)


class Permission(Named):
    """Every one of the permissions."""

    __slots__ = ()

    word = "permission"
    reason = Reason.MISSING_PERMISSION

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the principal has all permissions."""
        return bool(self.names) and principal.permissions.issuperset(self.names)

    def fast_check(self) -> FastCheck | None:
        """Return one set operation."""
        wanted = frozenset(self.names)
        return (lambda principal: wanted <= principal.permissions) if wanted else None


class ViaScheme(Named):
    """Identified by one of the schemes."""

    __slots__ = ()

    word = "via"

    def __post_init__(self) -> None:
        Named.__post_init__(self)
        for name in self.names:
            if not is_token(name):
                raise invalid("via(...)", 'name schemes such as "Bearer" (RFC 9110 §11.1)', name)

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the evidence is of one of the schemes."""
        return principal.evidence is not None and principal.evidence.scheme.lower() in self._lower()

    def cure(self) -> frozenset[Need]:
        """Return the schemes."""
        return frozenset({Via(self._lower())}) if self.names else frozenset()

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return the schemes."""
        return self._lower()

    def _lower(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.names)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def scope(*names: str) -> Requirement:
    """Require every one of the scopes, compared exactly (RFC 6750 §3.1).

    Args:
        names: scope tokens (RFC 6749 §3.3). Without a name the requirement is never met.

    Raises:
        ConfigurationError: a name is not a scope token.
    """
    return Scope(names)


def role(*names: str) -> Requirement:
    """Require any one of the roles.

    Args:
        names: the roles. Without a name the requirement is never met.

    Raises:
        ConfigurationError: a name is empty or not a string.
    """
    return Role(names)


def permission(*names: str) -> Requirement:
    """Require every one of the permissions.

    Args:
        names: the permissions. Without a name the requirement is never met.

    Raises:
        ConfigurationError: a name is empty or not a string.
    """
    return Permission(names)


def via(*schemes: str) -> Requirement:
    """Require one of the schemes; credentials of any other count as absent (RFC 9110 §11.4).

    Args:
        schemes: scheme names in any letter case. Without a name the requirement is never met.

    Raises:
        ConfigurationError: a name is not a token.
    """
    return ViaScheme(schemes)
