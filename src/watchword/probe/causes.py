"""Explains why the credentials of the user do not help: another scheme, a redirect, a proxy, a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.probe.check import Check, found, reason
from watchword.probe.locating import redirect_of
from watchword.probe.seen import FORBIDDEN, UNAUTHORIZED
from watchword.probe.statuses import states_reason
from watchword.probe.times import date_of, span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.findings import Finding, Rule, Severity
    from watchword.probe.exchange import Exchange
    from watchword.probe.seen import Seen

_SKEW: Final = 60  # seconds: the usual leeway of verifiers of tokens
_NO_CREDENTIALS: Final = "no credentials were given"
_THROTTLED: Final = 429
_FAILS: Final = 500
_REFUSED: Final = frozenset({400, UNAUTHORIZED, FORBIDDEN, 407, 422, _THROTTLED})
# What is known to drop the field Authorization, by the Server field of the response.
_DROPS: Final = {
    "apache": "Apache httpd hides the field from WSGI and CGI applications: set WSGIPassAuthorization On, or CGIPassAuth On.",
    "iis": "IIS takes the field for its own authentication: switch on anonymous authentication alone for the application.",
}


def _are_accepted(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchanges = seen.get("presented")
    if not exchanges:
        return _NO_CREDENTIALS
    return [_refused(seen, rule, exchange) for exchange in exchanges if exchange.status in _REFUSED or exchange.status >= _FAILS]


def _refused(seen: Seen, rule: Rule, exchange: Exchange) -> Finding:
    said = next((one.params for one in seen.challenges(exchange).found if "error" in one.params), {})
    words = f" The challenge says {seen.quote(said['error'])}." if said else ""
    if "error_description" in said:
        words = f"{words[:-1]}: {seen.quote(said['error_description'])}."
    content = states_reason(seen, exchange)
    if exchange.status == FORBIDDEN:
        what = "The credentials are not enough for this URL." + words + content
        cause = "The server knows the caller, or refuses every caller by a rule about the network or the request."
        return found(rule, exchange, what, "Ask the operator for the role or scope that the URL needs.", cause=cause)
    if exchange.status == _THROTTLED:
        wait = (exchange.view.one("retry-after") or "") if exchange.view else ""
        remedy = f"Wait as long as Retry-After says: {seen.quote(wait)}." if wait else "Wait some minutes, and try once."
        return found(rule, exchange, "There were too many attempts." + content, remedy)
    if exchange.status >= _FAILS:
        return found(rule, exchange, "The server fails." + content, "Ask the operator for its log.")
    what = "The credentials are refused." + words + content
    remedy = "See the other findings. If there are none, check that the credentials are of this server, and are not revoked."
    return found(rule, exchange, what, remedy)


def _are_of_an_offered_scheme(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    presented, exchange = seen.target.presented, next(iter(seen.get("presented")), None)
    if presented is None or exchange is None:
        return _NO_CREDENTIALS
    offered = seen.offered
    if presented.is_key or exchange.status not in _REFUSED or not offered or presented.scheme.lower() in offered:
        return [] if offered else "the server offers no scheme"
    names = ", ".join(challenge.scheme for challenge in offered.values())
    return [found(rule, exchange, f"{presented.scheme} is not offered, but {seen.quote(names)}.", "Send credentials of an offered scheme.")]


def _stay_on_redirects(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = seen.exchanges.get("redirect")
    if exchange is None or exchange.view is None:
        return "the URL does not redirect"
    leads = redirect_of(exchange.view)
    if leads is None or leads.origin == exchange.ask.url.origin:
        remedy = f"Use {leads} at once. A POST becomes a GET at 301 and 302." if leads is not None else "Use the URL that it leads to."
        return [found(rule, exchange, f"It redirects to {seen.quote(leads)}.", remedy, severity="note")]
    cause = "Clients drop Authorization where a redirect leads to another scheme, host or port, and are refused there."
    what = f"It redirects to another origin, {seen.quote(leads.origin)}."
    severity: Severity | None = "note" if seen.target.presented is None else None
    return [found(rule, exchange, what, "Use the URL that it leads to, from the start.", cause=cause, severity=severity)]


def _arrive(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    presented, exchange = seen.target.presented, next(iter(seen.get("presented")), None)
    if presented is None or exchange is None or exchange.view is None or presented.is_key:
        return _NO_CREDENTIALS
    if exchange.status != UNAUTHORIZED or seen.anonymous.status != UNAUTHORIZED:
        return "the credentials were not refused with 401"
    if presented.scheme != "Bearer" or "bearer" not in seen.offered:
        return "only Bearer tells refused credentials from missing ones"
    if any("error" in one.params for one in seen.challenges(exchange).found):
        return []
    what = "The server answers as if no token had been sent: the challenge has no error."
    server = (exchange.view.one("server") or "").lower()
    known = next((words for name, words in _DROPS.items() if name in server), "")
    cause = "It does not say why it refuses (RFC 6750 §3.1), or a proxy in front of it drops the field Authorization."
    remedy = known or "Log the field Authorization where the application reads it, and pass it on in each proxy."
    return [found(rule, exchange, what, remedy, cause=cause)]


def _clocks_agree(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = next((one for one in seen.get() if date_of(one.view) is not None), None)
    date = None if exchange is None else date_of(exchange.view)
    if exchange is None or date is None:
        return "no response has a Date"
    apart = exchange.at - date
    if abs(apart) <= _SKEW:
        return []
    what = f"The clock of the server is {span(abs(apart))} {'behind' if apart > 0 else 'ahead of'} the clock of this machine."
    cause = "Tokens count as expired, or as not yet valid, where clocks differ by more than the leeway."
    return [found(rule, exchange, what, "Synchronize both clocks, by NTP.", cause=cause)]


def _token_stays_out_of_urls(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    names = {part.partition("=")[0].lower() for part in seen.target.url.query.lstrip("?").split("&")}
    secret = sorted(names & {"access_token", "api_key", "apikey", "token", "key"})
    if not secret:
        return []
    cause = "URLs stand in logs, in histories and in Referer fields."
    what = f"The query of the URL has {', '.join(secret)}."
    return [found(rule, seen.anonymous, what, "Send credentials in a header field.", cause=cause)]


CHECKS: Final[tuple[Check, ...]] = (
    reason("credentials-accepted", "The credentials are accepted", "error", _are_accepted),
    reason("scheme-offered", "The credentials are of a scheme that is offered", "error", _are_of_an_offered_scheme, "RFC 9110 §11.6.1"),
    reason("credentials-arrive", "The server sees the credentials", "warning", _arrive, "RFC 6750 §3.1"),
    reason("redirects", "No redirect drops the credentials", "warning", _stay_on_redirects, "RFC 9110 §15.4"),
    reason("clocks", "The clocks of server and client agree", "warning", _clocks_agree, "RFC 9110 §6.6.1"),
    reason("query-credentials", "The URL holds no credentials", "warning", _token_stays_out_of_urls, "RFC 9700 §4.3.2"),
)
"""The checks."""

__all__ = ["CHECKS"]
