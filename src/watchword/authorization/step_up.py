"""Defines requirements on the login of the caller: `fresh(300)`, `acr("...")` and `factor("otp")` (RFC 9470)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchword.authorization.identified import Identified
from watchword.authorization.leaves import Named
from watchword.authorization.needs import LoginWithin, Need, ReachAcr, UseFactor
from watchword.reason import Reason
from watchword.validators import check_whole, invalid, is_scope_token

if TYPE_CHECKING:
    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.requirement import Requirement
    from watchword.principal import Principal

_SKEW = 60  # seconds by which the clock of the issuer of auth_time may be ahead: RFC 7519 §4.1.4 allows a few minutes of leeway


class Acr(Named):
    """The login reached one of the authentication context classes (RFC 9470 §3)."""

    __slots__ = ()

    word = "acr"
    reason = Reason.STEP_UP_REQUIRED

    def __post_init__(self) -> None:
        Named.__post_init__(self)
        for name in self.names:
            # The challenge lists them in one parameter: a space would make two values of one, a quote would end the string.
            if not is_scope_token(name):
                raise invalid("acr(...)", "name values without spaces, quotes and backslashes (RFC 9470 §3)", name)

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the evidence shows one of the classes."""
        return principal.evidence is not None and principal.evidence.acr in self.names

    def cure(self) -> frozenset[Need]:
        """Return the classes in the order given, which is that of preference."""
        return frozenset({ReachAcr(self.names)}) if self.names else frozenset()


class Factor(Named):
    """The login used every one of the kinds of factor."""

    __slots__ = ()

    word = "factor"
    reason = Reason.STEP_UP_REQUIRED

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the evidence shows all kinds."""
        return bool(self.names) and principal.evidence is not None and principal.evidence.factors.issuperset(self.names)

    def cure(self) -> frozenset[Need]:
        """Return the kinds."""
        return frozenset(map(UseFactor, self.names))


@dataclass(frozen=True, slots=True)
class Fresh(Identified):
    """The login is at most so many seconds ago (RFC 9470 §3)."""

    max_age: int
    reason = Reason.STEP_UP_REQUIRED

    def __post_init__(self) -> None:
        check_whole("fresh(max_age=...)", self.max_age, unit="seconds (RFC 9470 §3)")

    def held(self, principal: Principal, context: EvaluationContext) -> bool:
        """Tell whether the evidence shows a login within the time. A missing time, or one that is not a number, does not count."""
        at = None if principal.evidence is None else principal.evidence.auth_time
        if not isinstance(at, (int, float)) or isinstance(at, bool):
            return False
        now = context.clock.now()
        # Compared, not subtracted: a token may hold any number, and a difference with NaN or with a huge int misleads or raises.
        return now - self.max_age <= at <= now + _SKEW

    def cure(self) -> frozenset[Need]:
        """Return the age."""
        return frozenset({LoginWithin(self.max_age)})

    def __str__(self) -> str:
        return f"fresh({self.max_age})"


def fresh(max_age: int) -> Requirement:
    """Require a login at most so long ago; an older one is answered 401 `insufficient_user_authentication` (RFC 9470 §3).

    Args:
        max_age: seconds, a whole number, 0 or more.

    Raises:
        ConfigurationError: `max_age` is not such a number.
    """
    return Fresh(max_age)


def acr(*values: str) -> Requirement:
    """Require one of the authentication context classes (RFC 9470 §3).

    Args:
        values: in order of preference. Without a value the requirement is never met.

    Raises:
        ConfigurationError: a value is empty or holds a character that `acr_values` cannot.
    """
    return Acr(values)


def factor(*kinds: str) -> Requirement:
    """Require every one of the kinds of factor.

    Args:
        kinds: such as `"otp"`. Without a kind the requirement is never met.

    Raises:
        ConfigurationError: a kind is empty or not a string.
    """
    return Factor(kinds)
