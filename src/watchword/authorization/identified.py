"""Defines requirements on the identity: `public`, `optional`, `authenticated`, `nobody`, and the base of requirements on the principal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchword.authorization.needs import IDENTITY, Need
from watchword.authorization.requirement import Requirement
from watchword.authorization.value import NO, YES, Value, needs

if TYPE_CHECKING:
    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.requirement import FastCheck
    from watchword.principal import Principal


@dataclass(frozen=True, slots=True)
class Constant(Requirement):
    """A requirement with one value for every request: `public` or `nobody`."""

    name: str
    value: Value

    @property
    def opposite(self) -> str:
        """The name of the other constant."""
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
        """Return the value for the principal; pending or unknown while the principal is not known."""
        principal = context.principal
        if principal is None:
            return context.without_identity
        if not principal.is_authenticated:
            return self.for_anonymous()
        return self.for_known(principal, context)

    def reads_request(self) -> bool:
        """Return False: the value depends on the caller, and on the clock."""
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
        """Return the value for a known caller who does not meet the requirement."""
        cure = self.cure()
        return needs(cure) if cure else NO

    def cure(self) -> frozenset[Need]:
        """Return what credentials would have to show beside an identity; empty: credentials cannot help."""
        return frozenset()


class _LoginSuffices(Identified):
    """Met by every authenticated caller: the base of `optional` and `authenticated`."""

    __slots__ = ()

    @property
    def opposite(self) -> str:
        """The name of the opposite. No caller can prove to be anonymous, so `~authenticated` is never met."""
        return "nobody"

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return YES where the caller is assumed to be authenticated."""
        return YES if context.assumed else Identified.evaluate(self, context)

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Return True."""
        return True


class Optional(_LoginSuffices):
    """Met by every caller; credentials that are sent are checked."""

    __slots__ = ()

    def for_anonymous(self) -> Value:
        """Return YES."""
        return YES

    def __str__(self) -> str:
        return "optional"


class Authenticated(_LoginSuffices):
    """Met by every authenticated caller."""

    __slots__ = ()

    def fast_check(self) -> FastCheck | None:
        """Return the test for an authenticated principal."""
        return lambda principal: principal.id != ""

    def __str__(self) -> str:
        return "authenticated"


public: Requirement = Constant("public", YES)
"""Met by every request. Credentials are not looked at, even if they are sent."""

nobody: Requirement = Constant("nobody", NO)
"""Met by no request: 403 for every caller."""

optional: Requirement = Optional()
"""Met by every caller. Credentials that are sent are checked, and false ones are refused."""

authenticated: Requirement = Authenticated()
"""Met by every authenticated caller: the default for a path without a rule."""
