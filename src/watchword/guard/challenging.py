"""Turns the value of a requirement into a decision, and builds the challenges. No other module tells 401, 403 and 503 apart.

The answer is 401 if and only if some credential could change it. The challenge is computed from the cures of the requirement, so it always
names what the policy lacks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from watchword.authorization.context import EvaluationContext
from watchword.authorization.needs import STEP_UP, Via
from watchword.authorization.value import Needs, No, Pending, Unknown, Yes
from watchword.decision import NOBODY, Challenged, Failed, Forbidden, Granted, Hidden
from watchword.grammar import Challenge
from watchword.guard.alternatives import able, agreed, said, stated, with_all_scopes
from watchword.guard.browsers import is_script, login_location
from watchword.principal import ANONYMOUS
from watchword.reason import Reason
from watchword.schemes.base import NO_PARAMS, ChallengeParams

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from watchword.authorization.rules import Route
    from watchword.authorization.value import Value
    from watchword.decision import Caller, Decision, Headers
    from watchword.guard.policy import Entry, Policy
    from watchword.principal import Principal
    from watchword.request import RequestView

EVIDENCE_ENDED = "their evidence has expired"  # the checker accepted the evidence, and its time has ended since
RETRY_AFTER = 5  # seconds, where the failure names no time. RFC 9110 §10.2.3 sets none; clients of a short outage should come back soon


class Asking:
    """The demand of a rule on anonymous callers, computed once where it is the same for every request.

    Its answers are kept beside it, by the reason. Nothing that a client wrote is in them.

    Args:
        entries: the schemes that could help, in the order of the policy.
        params: the content of their challenges.
        needed: whether an anonymous caller who shows nothing is asked at all.
    """

    __slots__ = ("decision", "entries", "needed", "params", "refused")

    def __init__(self, entries: Sequence[Entry], params: ChallengeParams, *, needed: bool) -> None:
        self.entries: Sequence[Entry] = entries
        self.params: ChallengeParams = params
        self.needed: bool = needed
        self.decision: Challenged | None = None
        self.refused: dict[tuple[str, Reason, Reason], Challenged | Forbidden] = {}


def asking(policy: Policy, route: Route, request: RequestView) -> Asking:
    """Return the demand of a rule on anonymous callers.

    Args:
        policy: the configuration.
        route: the rule.
        request: the request, on which it may depend.
    """
    known = policy.asking.get(route)
    if known is None:
        value = route.requirement.evaluate(EvaluationContext(request, policy.clock, ANONYMOUS))
        # Without cures the rule needs no login. False credentials are refused there too, with the challenges of all schemes.
        cures = value.cures if isinstance(value, Needs) else ()
        known = Asking(able(policy, cures), agreed(policy, cures) if cures else NO_PARAMS, needed=bool(cures))
        # A fast check means that the value depends on the caller alone, so the answer holds for every request of the route.
        if route.fast_check is not None:
            policy.asking.keep(route, known)
    return known


def ask_anonymous(policy: Policy, route: Route, request: RequestView, asked: Asking) -> Challenged | Forbidden:
    """Return the decision for an anonymous caller whom a login could help: 401, or 403 where no scheme has a challenge.

    Args:
        policy: the configuration.
        route: the rule.
        request: the request.
        asked: what the rule asks of anonymous callers.
    """
    if policy.repeats_challenges and asked.decision is not None:
        return asked.decision
    offered = offer(policy, asked.entries, request, {}, asked.params)
    # A 401 must carry a challenge (RFC 9110 §11.6.1), and a client certificate has none (decision D16).
    if not offered:
        return Forbidden(reason=Reason.MISSING_CREDENTIALS, rule=route.text, route=route, caller=NOBODY)
    decision, location = asked.decision, login_location(asked.entries, request)
    # One decision serves all anonymous callers of a rule: a flood of them should cost little. Schemes may still change their challenges.
    if decision is None or decision.challenges != offered or decision.location != location:
        decision = Challenged(
            reason=Reason.MISSING_CREDENTIALS,
            rule=route.text,
            route=route,
            caller=NOBODY,
            challenges=offered,
            proxy=policy.proxy,
            location=location,
        )
        asked.decision = decision
    return decision


def settle(  # noqa: PLR0917 - the facts of one request, in the order in which they come about
    policy: Policy, route: Route, context: EvaluationContext, value: Value, entry: Entry | None, granted: Granted
) -> Decision:
    """Turn the value of a requirement into the decision.

    Args:
        policy: the configuration.
        route: the rule.
        context: what is known.
        value: the value of the rule's requirement in it.
        entry: the scheme by which the caller came; None: the caller is anonymous, or could not be identified.
        granted: the decision where the requirement is met.

    Returns:
        The decision.
    """
    match value:
        case Yes():
            return granted
        case Unknown():
            return failed(route, "; ".join(sorted(value.causes)), value.retry_after, granted.caller, context.principal or ANONYMOUS)
        case No():
            return _forbid(route, context, route.requirement.denial_reason(context), granted.caller, ())
        case Needs():
            return _cure(policy, route, context, value, entry, granted.caller)
        case Pending():
            if not route.content_readers:
                raise TypeError("a requirement was pending although the caller is known")  # pragma: no cover - the algebra rules it out
            from watchword.guard.content import awaiting  # few rules depend on content

            return awaiting(route, granted.caller)
        case _:  # pragma: no cover - the set is closed
            assert_never(value)


def failed(  # noqa: PLR0917 - as above
    route: Route,
    detail: str,
    retry_after: int | None,
    caller: Caller | None,
    principal: Principal = ANONYMOUS,
    reason: Reason = Reason.UNAVAILABLE,
) -> Failed:
    """Return the decision for an outage: never 401, which would make a client drop good credentials; never 403; never access.

    Args:
        route: the rule.
        detail: why, for the operator.
        retry_after: seconds after which a new try makes sense; None: unknown.
        caller: the caller; None: the credentials were not read.
        principal: the principal; anonymous where the checker could not tell.
        reason: the reason code.
    """
    return Failed(
        reason=reason,
        rule=route.text,
        route=route,
        detail=detail,
        principal=principal,
        scheme=_scheme(caller),
        caller=caller,
        retry_after=RETRY_AFTER if retry_after is None else retry_after,
    )


def refuse_credentials(  # noqa: PLR0917 - as above
    policy: Policy,
    route: Route,
    request: RequestView,
    entry: Entry,
    reason: Reason,
    detail: str = "",
    *,
    disclose: bool = False,
    headers: Headers = (),
) -> Challenged | Forbidden:
    """Return the decision for credentials that are not true: 401 on every route, without a fallback; 403 where no scheme has a challenge.

    Args:
        policy: the configuration.
        route: the rule.
        request: the request; its caller is not identified.
        entry: the scheme of the credentials.
        reason: why, for the operator.
        detail: more about why, without secrets.
        disclose: whether the client sees the reason, because it has proven its secret (decision D14).
        headers: response fields of the verdict.
    """
    # Every other reason would tell an attacker which accounts exist, or which check a forged token has passed.
    open_ = disclose or reason in entry.scheme.discloses or reason is Reason.MALFORMED_CREDENTIALS
    disclosed = reason if open_ else Reason.INVALID_CREDENTIALS
    asked, key = asking(policy, route, request), (entry.key, reason, disclosed)
    decision = asked.refused.get(key)
    if decision is None:
        decision = _refused(policy, route, request, entry, reason, disclosed, asked)
        if policy.repeats_challenges:
            asked.refused[key] = decision
    # A wrong password has a detail, an unknown name has none: without the same work here the time would tell which names exist (W2).
    made_anew = detail or headers or (reason is Reason.UNKNOWN_IDENTITY and entry.names_accounts)
    return replace(decision, detail=detail, headers=headers) if made_anew else decision


def _refused(  # noqa: PLR0917 - as above
    policy: Policy, route: Route, request: RequestView, entry: Entry, reason: Reason, disclosed: Reason, asked: Asking
) -> Challenged | Forbidden:
    # A client whose token has ended asks for a new one with the scope of the rule (decision D63). Demands on the login are left out:
    # RFC 9470 §3 defines them for `insufficient_user_authentication`, and the client has not logged in yet.
    params = replace(asked.params, reason=disclosed, max_age=None, acr_values=())
    offered = offer(policy, asked.entries, request, {entry.key: params}, asked.params)
    if not offered:
        return Forbidden(reason=reason, rule=route.text, route=route, scheme=entry.scheme.name, disclosed=disclosed)
    return Challenged(
        reason=reason,
        rule=route.text,
        route=route,
        scheme=entry.scheme.name,
        challenges=offered,
        disclosed=disclosed,
        proxy=policy.proxy,
        location=login_location(asked.entries, request),
    )


def bad_request_challenges(policy: Policy, claimed: Iterable[str], reason: Reason) -> tuple[Challenge, ...]:
    """Return the challenges of a 400: none unless every claimed scheme has an error code for it (decision D1).

    Args:
        policy: the configuration.
        claimed: the scheme names, lower case, that the credentials claim.
        reason: what is wrong with the request.
    """
    # `Basic` cannot say `invalid_request`, and a plain challenge would make a browser ask for the password again.
    names = set(claimed)
    speaking = [entry for entry in policy.entries if entry.scheme.explains_errors]
    if not names or not names <= {entry.key for entry in speaking}:
        return ()
    params = ChallengeParams(reason, bad_request=True)
    return tuple(one for entry in speaking if entry.key in names for one in entry.scheme.challenges(params))


def offer(
    policy: Policy, entries: Sequence[Entry], request: RequestView, own: Mapping[str, ChallengeParams], params: ChallengeParams = NO_PARAMS
) -> tuple[Challenge, ...]:
    """Return the challenges of schemes (RFC 9110 §11.6.1); none where no scheme has one.

    Args:
        policy: the configuration.
        entries: the schemes that could help, in the order of the policy (decision D22).
        request: the request, for browsers that are not to prompt (decision D24).
        own: the content of the challenge, for schemes that differ from the others.
        params: the content of the other challenges.
    """
    # A browser opens its dialog for a script too, in front of the page of the application (decision D24).
    quiet = policy.xhr_no_prompt and is_script(request)
    if quiet and not all(entry.scheme.prompts for entry in entries):
        entries = [entry for entry in entries if not entry.scheme.prompts]
        quiet = False
    challenges = [one for entry in entries for one in entry.scheme.challenges(own.get(entry.key, params))]
    # A 401 needs a challenge (RFC 9110 §11.6.1). No browser opens a dialog for an unknown scheme such as `xBasic`.
    return tuple(Challenge(f"x{one.scheme}", one.params, one.token68) for one in challenges) if quiet else tuple(challenges)


def _cure(  # noqa: PLR0917 - as above
    policy: Policy, route: Route, context: EvaluationContext, value: Needs, entry: Entry | None, caller: Caller | None
) -> Decision:
    if entry is None:
        return ask_anonymous(policy, route, context.request, asking(policy, route, context.request))
    principal = context.principal or ANONYMOUS
    # The challenge states the alternative with the fewest needs; min() keeps the order of the rule among equals.
    least = min(value.cures, key=lambda one: len(stated(policy, one)))
    whole = with_all_scopes(route, context, principal, least)
    # RFC 9470 §3: 401, because a new login changes the answer. `scope` may stand beside `acr_values` and `max_age`.
    if any(isinstance(need, STEP_UP) for need in least):
        params_of = {entry.key: said(policy, whole, Reason.STEP_UP_REQUIRED)}
        offered = offer(policy, able(policy, (least,)), context.request, params_of, said(policy, whole))
        return _challenge_known(policy, route, principal, caller, Reason.STEP_UP_REQUIRED, offered)
    # Another scheme could help, and credentials of a scheme that the route does not accept count as absent (RFC 9110 §11.4).
    if any(isinstance(need, Via) for need in least):
        offered = offer(policy, able(policy, (least,)), context.request, {}, said(policy, whole))
        return _challenge_known(policy, route, principal, caller, Reason.MISSING_CREDENTIALS, offered)
    # RFC 6750 §3.1: `insufficient_scope` is 403 with a challenge. A proxy has no such status: Proxy-Authenticate goes with 407 alone.
    speaks = entry.scheme.explains_errors and not policy.proxy
    challenges = entry.scheme.challenges(said(policy, whole, Reason.INSUFFICIENT_SCOPE)) if speaks else ()
    return _forbid(route, context, Reason.INSUFFICIENT_SCOPE, caller, challenges)


def _challenge_known(  # noqa: PLR0917 - as above
    policy: Policy, route: Route, principal: Principal, caller: Caller | None, reason: Reason, offered: tuple[Challenge, ...]
) -> Challenged | Forbidden:
    if not offered:
        return Forbidden(reason=reason, rule=route.text, route=route, principal=principal, scheme=_scheme(caller), caller=caller)
    return Challenged(
        reason=reason,
        rule=route.text,
        route=route,
        principal=principal,
        scheme=_scheme(caller),
        caller=caller,
        challenges=offered,
        proxy=policy.proxy,
    )


def _forbid(
    route: Route, context: EvaluationContext, reason: Reason, caller: Caller | None, challenges: tuple[Challenge, ...]
) -> Forbidden | Hidden:
    principal = context.principal or ANONYMOUS
    # RFC 9110 §15.5.4 allows 404 in place of 403. An anonymous caller still gets 401, or the honest owner could not log in (D12).
    if route.hides and principal.is_authenticated and route.requirement.hides(context):
        return Hidden(reason=reason, rule=route.text, route=route, principal=principal, scheme=_scheme(caller), caller=caller)
    return Forbidden(
        reason=reason, rule=route.text, route=route, principal=principal, scheme=_scheme(caller), caller=caller, challenges=challenges
    )


def _scheme(caller: Caller | None) -> str:
    return "" if caller is None else caller.scheme


__all__ = ["RETRY_AFTER", "Asking", "ask_anonymous", "asking", "bad_request_challenges", "failed", "refuse_credentials", "settle"]
