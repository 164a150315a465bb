"""Checks that status codes mean what they say: 401 for who is not known, 403 for who may not, 4xx for what cannot be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.client import read_problem
from watchword.probe.check import MUST, SHOULD, Check, found, scored
from watchword.probe.locating import redirect_of
from watchword.probe.seen import FORBIDDEN, UNAUTHORIZED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.findings import Finding, Rule, Severity
    from watchword.probe.check import Look
    from watchword.probe.exchange import Exchange
    from watchword.probe.seen import Seen

_WANTS_LOGIN: Final = re.compile(
    rb"not authenticated|not logged in|unauthenticated|unauthori[sz]ed|credentials were not provided|authentication required|"
    rb"missing (?:token|credentials|authorization|api key)|missing authorization header",
    re.IGNORECASE,
)
_OUTAGE: Final = 503  # RFC 9110 §15.6.4: it says nothing about the request
_SERVER_ERRORS: Final = frozenset(range(500, 600)) - {_OUTAGE}
_SUCCESSES: Final = range(200, 300)
_REFUSE: Final = "Answer 401 with a WWW-Authenticate field, so that clients know that credentials would help."


def _refuses_anonymous(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange, view = seen.anonymous, seen.anonymous.view
    if view is None or exchange.status == UNAUTHORIZED or exchange.status in _SUCCESSES:
        return [] if exchange.status == UNAUTHORIZED else "the URL is served without credentials"
    if exchange.status in _SERVER_ERRORS:
        return [found(rule, exchange, "A request without credentials makes the server fail.", _REFUSE, severity=MUST)]
    if redirect_of(view) is not None:
        return [_redirect(seen, rule, exchange)]
    if exchange.status not in {400, FORBIDDEN, 422}:
        return f"the URL answers {exchange.status} without credentials"
    helps = seen.status("presented") in _SUCCESSES or bool(_WANTS_LOGIN.search(view.body))
    if helps or exchange.status != FORBIDDEN:
        cause = "Clients and browsers take it for final, and do not ask for credentials."
        return [found(rule, exchange, "It asks for credentials, and is no 401.", _REFUSE, cause=cause)]
    what = "It says that no credentials would help. A rule about the network or the request may be meant."
    return [found(rule, exchange, what, f"If credentials would help: {_REFUSE}", severity="note")]


def _redirect(seen: Seen, rule: Rule, exchange: Exchange) -> Finding:
    leads = redirect_of(exchange.view) if exchange.view else None
    if leads is not None and leads.host != seen.url.host:
        what = f"It redirects to another host, {seen.quote(leads.host)}, which was not asked."
        return found(rule, exchange, what, "Probe the URL that it leads to.", severity="note")
    what = f"It redirects to {seen.quote(leads)} in place of a 401, to a client that asks for JSON."
    cause = "A program follows the redirect, and takes the page there for the answer."
    return found(rule, exchange, what, "Redirect to a page to log in for browsers alone (Accept: text/html). " + _REFUSE, cause=cause)


def _refuses_made_up(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchanges = [one for one in seen.get("invalid-basic", "invalid-bearer") if _is_read(seen, one)]
    # A well-formed field that is answered 400 or 422 is refused for what is in it.
    exchanges += [one for one in seen.get("presented") if one.status in {400, 422} - {seen.anonymous.status}]
    if not exchanges:
        return "neither Basic nor Bearer is offered"
    return [finding for exchange in exchanges if (finding := _made_up(seen, rule, exchange)) is not None]


def _is_read(seen: Seen, exchange: Exchange) -> bool:
    """Tell whether the server reads the scheme: it offers it, or answers otherwise than without credentials."""
    return exchange.ask.purpose.partition("-")[2] in seen.offered or exchange.status != seen.anonymous.status


def _made_up(seen: Seen, rule: Rule, exchange: Exchange) -> Finding | None:
    if exchange.status in {UNAUTHORIZED, 429, _OUTAGE}:
        return None
    if exchange.status in _SUCCESSES:
        severity: Severity = MUST if seen.is_guarded else "note"
        what = "Made-up credentials are accepted." if seen.is_guarded else "Made-up credentials are ignored, as on a public page."
        return found(rule, exchange, what, "Verify credentials on every request, and refuse false ones.", severity=severity)
    if exchange.status in _SERVER_ERRORS:
        return found(rule, exchange, "Made-up credentials make the server fail.", "Answer 401.", severity=MUST)
    cause = "403 says that the caller is known and may not; 4xx others, that the request itself is wrong. A client does not log in again."
    return found(rule, exchange, "Credentials that are not valid are no 401.", _REFUSE, cause=cause)


def _takes_unknown_schemes_for_none(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = seen.exchanges.get("unknown")
    if exchange is None or exchange.view is None or not seen.is_guarded:
        return "the URL is served without credentials"
    if exchange.status in _SUCCESSES:
        return [found(rule, exchange, "A scheme that does not exist opens the URL.", "Refuse schemes that are not offered.", severity=MUST)]
    if exchange.status in _SERVER_ERRORS:
        remedy = "Treat an unknown scheme like no credentials."
        return [found(rule, exchange, "A scheme that does not exist makes the server fail.", remedy, severity=MUST)]
    if exchange.status not in {seen.anonymous.status, 429, _OUTAGE}:
        what = f"Without credentials it is {seen.anonymous.status}."
        return [found(rule, exchange, what, "Treat an unknown scheme like no credentials, and offer the schemes that are accepted.")]
    return []


def _reads_schemes_in_any_case(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = seen.exchanges.get("case")
    if exchange is None or exchange.view is None:
        return "it needs credentials that are accepted"
    if exchange.status in {400, UNAUTHORIZED, FORBIDDEN}:
        return [found(rule, exchange, "In the usual letter case they are accepted.", "Compare the scheme without regard to case.")]
    return []


def _survives(purpose: str, what: str) -> Look:
    def look(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
        exchange = seen.exchanges.get(purpose)
        if exchange is None or exchange.view is None:
            return "there was no answer"
        # Where made-up credentials open the URL, that has a finding of its own.
        opens = any(one.status in _SUCCESSES for one in seen.get("invalid-basic", "invalid-bearer"))
        if exchange.status in _SUCCESSES and seen.is_guarded and not opens:
            return [found(rule, exchange, f"{what} opens the URL.", "Refuse what cannot be read.", severity=MUST)]
        if exchange.status in _SERVER_ERRORS and seen.anonymous.status not in _SERVER_ERRORS:
            return [found(rule, exchange, f"{what} makes the server fail.", "Answer 400, or 401 as for wrong credentials.")]
        return []

    return look


def _forbids(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    """Look at a 403 for valid credentials: a challenge of Basic there makes browsers ask for a password again and again."""
    exchanges = [exchange for exchange in seen.get("presented") if exchange.status == FORBIDDEN]
    for exchange in exchanges:
        if any(challenge.scheme.lower() in {"basic", "digest"} for challenge in seen.challenges(exchange).found):
            what = "A 403 has a challenge of Basic or Digest."
            return [found(rule, exchange, what, "Challenge on 403 only for more scope, or a stronger login.")]
    return [] if exchanges else "no credentials were refused with 403"


def _repeats_no_credentials(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = seen.exchanges.get("trace")
    if exchange is None or exchange.view is None:
        return "there was no answer"
    sent = next(value for name, value in exchange.ask.fields if name == "Authorization")
    if exchange.status in _SUCCESSES and sent.encode() in exchange.view.body:
        cause = "A script that can make such a request reads credentials that it could not see."
        remedy = "Switch TRACE off: in Apache httpd, TraceEnable Off."
        return [found(rule, exchange, "The content repeats the Authorization field.", remedy, cause=cause)]
    return []


def _passes_preflights(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = seen.exchanges.get("preflight")
    if exchange is None or exchange.view is None or not seen.is_guarded:
        return "the URL is served without credentials"
    if exchange.status == UNAUTHORIZED:
        cause = "A preflight carries no credentials, so scripts of other origins can never call the URL."
        remedy = "If they are meant to: put the CORS layer in front of the login, or let preflights pass it."
        return [found(rule, exchange, "A preflight is challenged.", remedy, cause=cause)]
    return []


def states_reason(seen: Seen, exchange: Exchange) -> str:
    """Return what a refusal says in its content, quoted; empty: nothing that could be read.

    Args:
        seen: the conversation.
        exchange: the refusal.
    """
    if exchange.view is None:
        return ""
    problem = read_problem(exchange.view)
    text = problem.detail or problem.title or problem.reason
    return f" It says: {seen.quote(text)}." if text else ""


CHECKS: Final[tuple[Check, ...]] = (
    scored("R9110-11.4-1", "A request without credentials is refused with 401", SHOULD, "RFC 9110 §11.4", _refuses_anonymous),
    scored("R9110-11.4-2", "Credentials that are not valid are refused with 401", SHOULD, "RFC 9110 §11.4", _refuses_made_up),
    scored("R9110-11.1-2", "An unknown scheme counts as no credentials", "note", "RFC 9110 §11.1, §11.4", _takes_unknown_schemes_for_none),
    scored("R9110-11.1-1", "The scheme is compared without regard to case", MUST, "RFC 9110 §11.1", _reads_schemes_in_any_case),
    scored("R9110-11.4-3", "A 403 does not ask for a password again", SHOULD, "RFC 9110 §15.5.4", _forbids),
    scored(
        "R9110-11.4-4",
        "A malformed field opens nothing, and is no failure",
        MUST,
        "RFC 9110 §11.4",
        _survives("malformed", "A malformed field"),
    ),
    scored("R9110-5.4-1", "A long field is refused with 4xx", MUST, "RFC 9110 §5.4", _survives("long", "A field of 9,000 octets")),
    scored("R9110-9.3.8-1", "TRACE does not repeat credentials", SHOULD, "RFC 9110 §9.3.8", _repeats_no_credentials),
    scored("RFETCH-1", "A preflight is not challenged", "note", "Fetch, CORS-preflight request", _passes_preflights),
)
"""The checks."""

__all__ = ["CHECKS", "states_reason"]
