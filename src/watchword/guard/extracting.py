"""Extracts the credentials that count from a request, and refuses those that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from watchword.decision import Malformed
from watchword.errors import FieldTooLong, GrammarError
from watchword.grammar import MAX_CHALLENGES, claimed_schemes
from watchword.guard.challenging import bad_request_challenges, refuse_credentials
from watchword.reason import Reason
from watchword.schemes.base import CredentialsError

if TYPE_CHECKING:
    from watchword.authorization.rules import Route
    from watchword.credentials import Credentials
    from watchword.decision import Refusing
    from watchword.grammar import Challenge
    from watchword.guard.policy import Entry, Policy
    from watchword.request import RequestView

Found: TypeAlias = "tuple[Entry, Credentials]"


def extract(policy: Policy, view: RequestView, route: Route) -> Found | Refusing | None:
    """Return the credentials that count, by precedence (decision D18). Those of schemes that the route does not accept are absent.

    Args:
        policy: the configuration.
        view: the request, its Authorization field parsed; untrusted.
        route: the rule.

    Returns:
        The credentials with their scheme, or the refusal of what cannot be read; None: there are no credentials.
    """
    explicit: list[Found] = []
    ambient: list[Found] = []
    sent = view.authorization
    named = None if sent is None else policy.by_name.get(sent.scheme.lower())
    for entry in policy.others if named is None else (named, *policy.others):
        # Not even read: a broken token of a scheme that the route does not accept must not refuse the request (RFC 9110 §11.4).
        if route.accepted is not None and entry.key not in route.accepted:
            continue
        try:
            credentials = entry.scheme.extract(view)
            carrier = None if credentials is None else entry.scheme.carrier_of(credentials, view)
        except CredentialsError as error:
            return _faulty(policy, view, route, entry, error)
        except FieldTooLong as error:
            return malformed(policy, view, route, Reason.OVERSIZED_CREDENTIALS, str(error))
        except GrammarError as error:
            return malformed(policy, view, route, Reason.MALFORMED_CREDENTIALS, str(error))
        if credentials is not None:
            (ambient if carrier == "cookie" else explicit).append((entry, credentials))
    # A browser adds cookies to every request, so an explicit token decides beside one (decision D18).
    found = explicit or ambient
    # To pick one would be a guess: a proxy in front may have checked the other one (threats H1).
    if len(found) > 1:
        detail = "credentials of several schemes at once"
        return Malformed(reason=Reason.AMBIGUOUS_CREDENTIALS, rule=route.text, route=route, detail=detail)
    return found[0] if found else None


def malformed(policy: Policy, view: RequestView, route: Route, reason: Reason, detail: str) -> Malformed:
    """Return the decision for a request that cannot be read in one way: 400, 413 or 431.

    Args:
        policy: the configuration.
        view: the request.
        route: the rule.
        reason: what is wrong.
        detail: more about it, without secrets.
    """
    challenges: tuple[Challenge, ...] = ()
    sent = view.fields.get("proxy-authorization" if policy.proxy else "authorization")
    # Only a bad credentials field can claim a scheme; elsewhere a challenge would answer a question that the client did not ask.
    if sent is not None and reason in {Reason.AMBIGUOUS_CREDENTIALS, Reason.MALFORMED_CREDENTIALS}:
        challenges = bad_request_challenges(policy, claimed_schemes(sent, most=MAX_CHALLENGES), reason)
    return Malformed(reason=reason, rule=route.text, route=route, detail=detail, challenges=challenges)


def _faulty(policy: Policy, view: RequestView, route: Route, entry: Entry, error: CredentialsError) -> Refusing:
    """Refuse credentials that follow the grammar but not their scheme: 400 or 401 (decision D2)."""
    detail = f"{entry.scheme.name}: expected {error.expected}"
    if error.bad_request:
        # 413 and 431 have no error code in RFC 6750 §3.1.
        oversized = error.reason in {Reason.OVERSIZED_CREDENTIALS, Reason.OVERSIZED_CONTENT}
        challenges = () if oversized else bad_request_challenges(policy, {entry.key}, error.reason)
        return Malformed(reason=error.reason, rule=route.text, route=route, detail=detail, scheme=entry.scheme.name, challenges=challenges)
    return refuse_credentials(policy, route, view, entry, error.reason, detail)


__all__ = ["Found", "extract", "malformed"]
