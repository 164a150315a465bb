"""Defines the built-in requirements: `authenticated`, `role("admin")`, `scope("orders:read")` and the like.

Each row of the table of leaves in the design is one class. Names are compared exactly; a set of no names is never met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchword.authorization.needs import IDENTITY, HoldScope, LoginWithin, Need, ReachAcr, UseFactor, Via
from watchword.authorization.requirement import EvaluationContext, Requirement
from watchword.authorization.value import NO, YES, Value, needs
from watchword.grammar import is_token
from watchword.reason import Reason
from watchword.validators import check_scope, check_sequence, check_whole, invalid, is_scope_token

if TYPE_CHECKING:
    from watchword.authorization.requirement import FastCheck
    from watchword.principal import Principal

_SKEW = 60  # seconds by which the clock of the issuer of auth_time may be ahead: RFC 7519 §4.1.4 allows a few minutes of leeway


@dataclass(frozen=True, slots=True)
class Constant(Requirement):
    """A requirement with one value for every request: `public` or `nobody`."""

    name: str
    value: Value

    @property
    def opposite(self) -> str:
        """The name of the other one."""
        return "nobody" if self.value is YES else "public"

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the constant."""
        return self.value

    def reads_request(self) -> bool:
        """Return False."""
        return False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Identified(Requirement):
    """The base of requirements on the principal. A subclass states which principals meet it; the base is never met."""

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the value for the principal; pending or unknown while it is not known."""
        principal = context.principal
        if principal is None:
            return context.without_identity
        if not principal.is_authenticated:
            return self.for_anonymous()
        return self.for_known(principal, context)

    def reads_request(self) -> bool:
        """Return False: the caller decides, and the clock."""
        return False

    def for_anonymous(self) -> Value:
        """Return the value for an anonymous caller: the needs that a login could meet."""
        return needs(frozenset({IDENTITY}) | self.cure())

    def for_known(self, principal: Principal, context: EvaluationContext) -> Value:
        """Return the value for a known caller."""
        return YES if self.held(principal, context) else self.unmet()

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether a known caller meets the requirement."""
        return False

    def unmet(self) -> Value:
        """Return the value for a known caller who does not meet it."""
        cure = self.cure()
        return needs(cure) if cure else NO

    def cure(self) -> frozenset[Need]:
        """Return what credentials would have to show beside an identity; empty: they cannot help."""
        return frozenset()


class Optional(Identified):
    """Met by every caller; credentials that are sent are checked."""

    __slots__ = ()

    @property
    def opposite(self) -> str:
        """Return the name of the opposite: no caller fails this requirement."""
        return "nobody"

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return YES where the caller is assumed to be authenticated."""
        return YES if context.somebody else Identified.evaluate(self, context)

    def for_anonymous(self) -> Value:
        """Return YES."""
        return YES

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Return True."""
        return True

    def __str__(self) -> str:
        return "optional"


class Authenticated(Identified):
    """Met by every authenticated caller."""

    __slots__ = ()

    @property
    def opposite(self) -> str:
        """No anonymous caller can show that it is one (the algebra's rule for `~`)."""
        return "nobody"

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return YES where the caller is assumed to be authenticated."""
        return YES if context.somebody else Identified.evaluate(self, context)

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Return True."""
        return True

    def fast_check(self) -> FastCheck | None:
        """Return the test for an authenticated principal."""
        return lambda principal: principal.id != ""

    def __str__(self) -> str:
        return "authenticated"


@dataclass(frozen=True, slots=True)
class Named(Identified):
    """The base of what is met by holding names."""

    names: tuple[str, ...]
    word = "named"

    def __post_init__(self) -> None:
        check_sequence(f"{self.word}(...)", self.names)

    @property
    def empty(self) -> bool:
        """Whether no name is given: such a set denies."""
        return not self.names

    def for_anonymous(self) -> Value:
        """Return the needs that a login could meet; NO where none could."""
        return NO if self.empty else needs(frozenset({IDENTITY}) | self.cure())

    def __str__(self) -> str:
        return f"{self.word}({', '.join(map(_quoted, self.names))})"


class Scope(Named):
    """Every one of the scopes (RFC 6750 §3.1)."""

    __slots__ = ()

    word = "scope"
    reason = Reason.INSUFFICIENT_SCOPE

    def __post_init__(self) -> None:
        Named.__post_init__(self)
        for name in self.names:
            check_scope(name)

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether all are held."""
        return bool(self.names) and not context.scopeless and principal.scopes.issuperset(self.names)

    def fast_check(self) -> FastCheck | None:
        """Return the set operation that tells."""
        wanted = frozenset(self.names)
        return (lambda principal: wanted <= principal.scopes) if wanted else None

    def cure(self) -> frozenset[Need]:
        """Return all of them: a client that asks for the missing one alone would lose the others."""
        return frozenset(map(HoldScope, self.names))


class Role(Named):
    """Any one of the roles."""

    __slots__ = ()

    word = "role"
    reason = Reason.MISSING_ROLE

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether one is held."""
        return not principal.roles.isdisjoint(self.names)

    def fast_check(self) -> FastCheck | None:
        """Return the set operation that tells."""
        names = frozenset(self.names)
        return lambda principal: not names.isdisjoint(principal.roles)


class Permission(Named):
    """Every one of the permissions."""

    __slots__ = ()

    word = "permission"
    reason = Reason.MISSING_PERMISSION

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether all are held."""
        return bool(self.names) and principal.permissions.issuperset(self.names)

    def fast_check(self) -> FastCheck | None:
        """Return the set operation that tells."""
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


class Acr(Named):
    """One of the authentication context classes was reached (RFC 9470 §3)."""

    __slots__ = ()

    word = "acr"
    reason = Reason.STEP_UP_REQUIRED

    def __post_init__(self) -> None:
        Named.__post_init__(self)
        for name in self.names:
            if not is_scope_token(name):
                raise invalid("acr(...)", "name values without spaces, which separate them in the challenge (RFC 9470 §3)", name)

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the evidence shows one of them."""
        return principal.evidence is not None and principal.evidence.acr in self.names

    def cure(self) -> frozenset[Need]:
        """Return them in the order given, which is that of preference."""
        return frozenset({ReachAcr(self.names)}) if self.names else frozenset()


class Factor(Named):
    """Every one of the kinds of factor was used."""

    __slots__ = ()

    word = "factor"
    reason = Reason.STEP_UP_REQUIRED

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the evidence shows all of them."""
        return bool(self.names) and principal.evidence is not None and principal.evidence.factors.issuperset(self.names)

    def cure(self) -> frozenset[Need]:
        """Return them."""
        return frozenset(map(UseFactor, self.names))


@dataclass(frozen=True, slots=True)
class Fresh(Identified):
    """A login at most so many seconds ago (RFC 9470 §3)."""

    max_age: int
    reason = Reason.STEP_UP_REQUIRED

    def __post_init__(self) -> None:
        check_whole("fresh(max_age)", self.max_age, unit="seconds (RFC 9470 §3)")

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the evidence shows a login within the time. A missing time, or one that is not a number, does not count."""
        at = None if principal.evidence is None else principal.evidence.auth_time
        if not isinstance(at, (int, float)) or isinstance(at, bool):
            return False
        now = context.clock.now()
        return now - self.max_age <= at <= now + _SKEW  # compared, not subtracted: a token may hold any number, and NaN is within nothing

    def cure(self) -> frozenset[Need]:
        """Return the age."""
        return frozenset({LoginWithin(self.max_age)})

    def __str__(self) -> str:
        return f"fresh({self.max_age})"


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


public: Requirement = Constant("public", YES)
"""Met by every request. Credentials are not looked at, even if they are sent."""

nobody: Requirement = Constant("nobody", NO)
"""Met by no request: 403 for every caller."""

optional: Requirement = Optional()
"""Met by every caller. Credentials that are sent are checked, and false ones are refused."""

authenticated: Requirement = Authenticated()
"""Met by every authenticated caller: the default for a path without a rule."""


def scope(*names: str) -> Requirement:
    """Require every one of the scopes, compared exactly (RFC 6750 §3.1).

    Args:
        names: scope-tokens (RFC 6749 §3.3). None at all: never met.

    Raises:
        ConfigurationError: a name is not a scope token.
    """
    return Scope(names)


def role(*names: str) -> Requirement:
    """Require any one of the roles.

    Args:
        names: the roles. None at all: never met.

    Raises:
        ConfigurationError: a name is empty or no string.
    """
    return Role(names)


def permission(*names: str) -> Requirement:
    """Require every one of the permissions.

    Args:
        names: the permissions. None at all: never met.

    Raises:
        ConfigurationError: a name is empty or no string.
    """
    return Permission(names)


def via(*schemes: str) -> Requirement:
    """Require one of the schemes; credentials of any other count as absent (RFC 9110 §11.4).

    Args:
        schemes: scheme names in any letter case.

    Raises:
        ConfigurationError: a name is not a token.
    """
    return ViaScheme(schemes)


def fresh(max_age: int) -> Requirement:
    """Require a login at most so long ago; an older one is answered 401 `insufficient_user_authentication` (RFC 9470 §3).

    Args:
        max_age: seconds, a whole number, 0 or more.

    Raises:
        ConfigurationError: it is not.
    """
    return Fresh(max_age)


def acr(*values: str) -> Requirement:
    """Require one of the authentication context classes (RFC 9470 §3).

    Args:
        values: in order of preference. None at all: never met.

    Raises:
        ConfigurationError: a value is empty or holds a character that `acr_values` cannot.
    """
    return Acr(values)


def factor(*kinds: str) -> Requirement:
    """Require that every one of the kinds of factor was used.

    Args:
        kinds: such as `"otp"`. None at all: never met.

    Raises:
        ConfigurationError: a kind is empty or no string.
    """
    return Factor(kinds)
