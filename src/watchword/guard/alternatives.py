"""States what a caller lacks, the alternatives of a requirement, as parameters of challenges and as the schemes that can help."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from watchword.authorization.needs import Alternative, HoldScope, LoginWithin, Need, ReachAcr, Via
from watchword.authorization.value import Needs
from watchword.schemes.base import ChallengeParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.rules import Route
    from watchword.guard.policy import Entry, Policy
    from watchword.principal import Principal
    from watchword.reason import Reason


def with_all_scopes(route: Route, context: EvaluationContext, principal: Principal, least: Alternative) -> Alternative:
    """Return an alternative with the scopes that the caller holds already (decision D63).

    A client that reads only the missing scope requests a token with that scope alone, and then lacks the first one.

    Args:
        route: the rule.
        context: what is known.
        principal: the caller.
        least: the alternative that the challenge states.
    """
    if not principal.scopes:
        return least
    value = route.requirement.evaluate(replace(context, scopeless=True))
    held = frozenset(map(HoldScope, principal.scopes))
    cures = value.cures if isinstance(value, Needs) else ()
    # A part that is not met needs all of its scopes, also those that are held. So what is lacking is compared, and not the whole.
    whole = next((one for one in cures if one - held == least - held), None)
    # There may be none: without scopes a requirement such as ~scope("x") is met, and an alternative that contains another one is dropped.
    # The one that it contains needs no more than what is held and asked for anywhere.
    return least | held.intersection(frozenset[Need]().union(*cures)) if whole is None else whole


def able(policy: Policy, cures: Sequence[Alternative]) -> Sequence[Entry]:
    """Return the schemes that can supply some alternative; all schemes where any will do."""
    # A predicate may return `Via` of a scheme that the guard lacks. Then all schemes are offered, because a 401 needs a challenge.
    accepted = _schemes_of(cures)
    return [entry for entry in policy.entries if accepted is None or entry.key in accepted] or policy.entries


def _schemes_of(cures: Sequence[Alternative]) -> frozenset[str] | None:
    """Return the schemes that can supply some alternative; None: any."""
    accepted: frozenset[str] = frozenset()
    for alternative in cures:
        limits = [need.schemes for need in alternative if isinstance(need, Via)]
        if not limits:
            return None
        accepted |= frozenset.intersection(*limits)
    return accepted or None


def agreed(policy: Policy, cures: Sequence[Alternative]) -> ChallengeParams:
    """Return the parameters that all alternatives share."""
    # A challenge cannot say "or": a parameter of one alternative would tell the client to meet it although another would do.
    first, *others = [said(policy, one) for one in cures]
    return ChallengeParams(
        scope=first.scope if all(one.scope == first.scope for one in others) else (),
        max_age=first.max_age if all(one.max_age == first.max_age for one in others) else None,
        acr_values=first.acr_values if all(one.acr_values == first.acr_values for one in others) else (),
    )


def said(policy: Policy, alternative: Alternative, reason: Reason | None = None) -> ChallengeParams:
    """Return one alternative as parameters of a challenge."""
    told = stated(policy, alternative)
    return ChallengeParams(reason, scope=_scopes(told), max_age=_max_age(told), acr_values=_acr_values(told))


def stated(policy: Policy, alternative: Alternative) -> Alternative:
    """Return an alternative as it is told: without the scopes that others of it imply."""
    return alternative if policy.scopes is None else policy.scopes.without_implied(alternative)


def _scopes(alternative: Alternative) -> tuple[str, ...]:
    # A client asks for `offline_access` by itself if it wants refresh tokens; a resource does not (OpenID Connect Core §11).
    return tuple(sorted(need.name for need in alternative if isinstance(need, HoldScope) and need.name != "offline_access"))


def _max_age(alternative: Alternative) -> int | None:
    return min((need.max_age for need in alternative if isinstance(need, LoginWithin)), default=None)


def _acr_values(alternative: Alternative) -> tuple[str, ...]:
    found = [need.values for need in alternative if isinstance(need, ReachAcr)]
    # Several lists must be met at once: only values in all of them do. The longest list keeps its order of preference (RFC 9470 §3).
    return tuple(value for value in max(found, key=len, default=()) if all(value in one for one in found))


__all__ = ["able", "agreed", "said", "stated", "with_all_scopes"]
