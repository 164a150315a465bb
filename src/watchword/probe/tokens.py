"""Explains why a token of the user is refused: its times, its audience, its issuer, its scopes and its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.findings.escaping import printable
from watchword.grammar import is_token68
from watchword.probe.check import Check, found, reason
from watchword.probe.decoding import decode
from watchword.probe.metadata import read_document
from watchword.probe.seen import UNAUTHORIZED
from watchword.probe.times import date_of, span
from watchword.url import came_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.findings import Finding, Rule
    from watchword.probe.decoding import Decoded
    from watchword.probe.exchange import Exchange
    from watchword.probe.seen import Seen

_NO_TOKEN: Final = "no token was given"  # noqa: S105 - words
_NO_JWT: Final = "the token is no JWT"
_LONGEST: Final = 200
_LEEWAY: Final = 300  # seconds: RFC 7519 §4.1.4: "no more than a few minutes"


def _presented(seen: Seen) -> tuple[Exchange, Decoded] | str:
    presented, exchange = seen.target.presented, _exchange(seen)
    if presented is None or presented.scheme != "Bearer" or exchange is None:
        return _NO_TOKEN
    decoded = decode(presented.secret)
    return _NO_JWT if decoded is None else (exchange, decoded)


def _exchange(seen: Seen) -> Exchange | None:
    return next(iter(seen.get("presented")), None)


def _is_in_time(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    given = _presented(seen)
    if isinstance(given, str):
        return given
    exchange, decoded = given
    # The clock of the server decides. Without its Date, that of this machine is the best guess.
    now = date_of(exchange.view) or exchange.at
    expires, begins = decoded.time("exp"), decoded.time("nbf")
    accepted = exchange.status < 400  # noqa: PLR2004 - RFC 9110 §15.5
    if accepted and (expires is None or now < expires + _LEEWAY):
        return []
    if accepted and expires is not None:
        what = f"The token expired {span(now - expires)} ago, and is accepted."
        return [found(rule, exchange, what, "Verify exp, with a leeway of a few minutes at most.")]
    if expires is not None and now >= expires:
        what = f"The token expired {span(now - expires)} ago, by the clock of the server."
        return [found(rule, exchange, what, "Get a new token, by the refresh token or a login.")]
    if begins is not None and now < begins:
        what = f"The token is valid in {span(begins - now)}, by the clock of the server."
        return [found(rule, exchange, what, "Wait, or correct the clocks of the issuer and the server.")]
    return []


def _is_for_this_url(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    given = _presented(seen)
    if isinstance(given, str):
        return given
    exchange, decoded = given
    if exchange.status != UNAUTHORIZED or not decoded.audience:
        return "the token was not refused, or names no audience"
    document = read_document(seen.view("metadata")) or {}
    resource = document.get("resource")
    wanted = resource if isinstance(resource, str) else None
    names = ", ".join(f'"{_short(one)}"' for one in decoded.audience[:5])
    if wanted is not None and wanted not in decoded.audience:
        what = f"The token is for {names}, and the resource is {seen.quote(wanted)}."
        return [found(rule, exchange, what, "Request a token with resource or audience set to the resource, as it is spelled there.")]
    urls = [url for url in map(came_from, decoded.audience) if url is not None]
    if wanted is None and urls and all(url.origin != seen.url.origin for url in urls):
        what = f"The token is for {names}, and the URL that was asked is on {seen.url.origin}."
        remedy = "Ask under the name for which the token was issued, or request one for this name."
        return [found(rule, exchange, what, remedy, severity="warning")]
    return []


def _is_of_an_issuer(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    given = _presented(seen)
    if isinstance(given, str):
        return given
    exchange, decoded = given
    servers = (read_document(seen.view("metadata")) or {}).get("authorization_servers")
    issuer = decoded.claims.get("iss")
    if not isinstance(servers, list) or not isinstance(issuer, str):
        return "the metadata names no authorization servers, or the token no issuer"
    if issuer in servers:
        return []
    what = f'The token is of "{_short(issuer)}", which is not among the authorization servers: {seen.quote(servers)}.'
    return [found(rule, exchange, what, "Request a token of one of them. A slash at the end makes another issuer.")]


def _has_the_scopes(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    presented, exchange = seen.target.presented, _exchange(seen)
    if presented is None or exchange is None or presented.scheme != "Bearer":
        return _NO_TOKEN
    demanded = next((one.params["scope"] for one in seen.challenges(exchange).found if "scope" in one.params), "")
    if exchange.status < 400 or not demanded:  # noqa: PLR2004 - RFC 9110 §15.5
        return "the refusal names no scope"
    decoded = decode(presented.secret)
    held = None if decoded is None else decoded.scopes
    missing = [one for one in demanded.split() if held is None or one not in held]
    if not missing:
        return []
    holds = "" if held is None else f" The token has {seen.quote(' '.join(sorted(held)))}."
    return [found(rule, exchange, f"The scope {seen.quote(' '.join(missing))} is demanded.{holds}", "Request a token with that scope.")]


def _has_the_form(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    presented, exchange = seen.target.presented, _exchange(seen)
    if presented is None or exchange is None or presented.scheme != "Bearer":
        return _NO_TOKEN
    if exchange.status < 400:  # noqa: PLR2004 - RFC 9110 §15.5
        return []
    return [found(rule, exchange, what, remedy) for what, remedy in _faults(presented.secret)]


def _faults(token: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the form of a token, and the remedy; nothing of the token."""
    if token.lower().startswith("bearer "):
        yield 'The token begins with "Bearer ", so the scheme is sent twice.', "Give the token without its scheme."
    elif token[:1] in {'"', "'"}:
        yield "The token begins with a quotation mark.", "Give the token without quotation marks."
    elif token.lstrip().startswith("{"):
        yield "The token is a JSON document.", "Give the member access_token of it."
    elif not is_token68(token):
        yield "The token has characters that RFC 6750 §2.1 does not have, such as spaces.", "Copy it whole, in one line."
    decoded = decode(token)
    if decoded is None:
        return
    if decoded.is_id_token:
        yield "The token looks like an ID Token, which is for the client and no API.", "Send the access token."
    if str(decoded.header.get("alg", "")).lower() == "none":
        yield "The token is not signed (alg none).", "Get a token that the issuer signs."
    if decoded.is_bound:
        yield "The token is bound to a key (cnf), and was sent as a plain bearer token.", "Send it with its DPoP proof or certificate."


def _short(text: str) -> str:
    return printable(text[:_LONGEST])


CHECKS: Final[tuple[Check, ...]] = (
    reason("token-form", "The token has the form of a bearer token", "error", _has_the_form, "RFC 6750 §2.1"),
    reason("token-time", "The token is valid now", "error", _is_in_time, "RFC 7519 §4.1.4"),
    reason("token-audience", "The token is for this URL", "error", _is_for_this_url, "RFC 7519 §4.1.3"),
    reason("token-issuer", "The token is of an authorization server of the resource", "error", _is_of_an_issuer, "RFC 9728 §2"),
    reason("token-scope", "The token has the scopes that are demanded", "error", _has_the_scopes, "RFC 6750 §3.1"),
)
"""The checks."""

__all__ = ["CHECKS"]
