"""Checks what each scheme demands of its challenges: Basic (RFC 7617), Bearer (RFC 6750, RFC 9470) and Digest (RFC 7616)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.probe.check import MUST, SHOULD, Check, found, scored
from watchword.probe.seen import FORBIDDEN, UNAUTHORIZED
from watchword.probe.spelling import params_of
from watchword.validators import is_scope_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.findings import Finding, Rule
    from watchword.grammar import Challenge
    from watchword.probe.check import Look
    from watchword.probe.exchange import Exchange
    from watchword.probe.seen import Seen

# RFC 6750 §3: %x20-21 / %x23-5B / %x5D-7E
_DESCRIPTION: Final = frozenset(map(chr, range(0x20, 0x7F))) - {'"', "\\"}
_STATUSES: Final = {
    "invalid_request": 400,
    "invalid_token": UNAUTHORIZED,
    "insufficient_scope": FORBIDDEN,
    "insufficient_user_authentication": UNAUTHORIZED,
}
_ERRORS: Final = ("error", "error_description", "error_uri")


def _of(scheme: str, look: Callable[[Seen, Challenge], tuple[str, str] | None]) -> Look:
    """Return a look at each challenge of a scheme, by a function that returns what is wrong and the remedy."""

    def every(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
        challenges = [(exchange, one) for exchange, one in seen.challenged() if one.scheme.lower() == scheme]
        if not challenges:
            return f"{scheme.capitalize()} is not offered"
        wrong = ((exchange, look(seen, challenge)) for exchange, challenge in challenges)
        first = next(((exchange, fault) for exchange, fault in wrong if fault is not None), None)
        return [] if first is None else [found(rule, first[0], *first[1])]

    return every


def _has_realm(_: Seen, challenge: Challenge) -> tuple[str, str] | None:
    if "realm" in challenge.params:
        return None
    return "The Basic challenge has no realm.", 'Send Basic realm="...": browsers show it, and keep passwords by it.'


def _has_charset(seen: Seen, challenge: Challenge) -> tuple[str, str] | None:
    charset = challenge.params.get("charset", "UTF-8")
    if charset.lower() == "utf-8":
        return None
    return f"The charset is {seen.quote(charset)}.", 'Only charset="UTF-8" is defined. Leave it out, or send that.'


def _has_parameters(_: Seen, challenge: Challenge) -> tuple[str, str] | None:
    if challenge.params:
        return None
    return "The Bearer challenge has no parameter.", 'Send at least a realm: Bearer realm="...".'


def _names_scopes(seen: Seen, challenge: Challenge) -> tuple[str, str] | None:
    scope = challenge.params.get("scope")
    if scope is None or all(is_scope_token(one) for one in scope.split(" ")):
        return None
    return f"The scope is {seen.quote(scope)}.", "Send scope tokens of printable ASCII, separated by single spaces."


def _describes_errors(seen: Seen, challenge: Challenge) -> tuple[str, str] | None:
    for name in ("error", "error_description"):
        if not _DESCRIPTION.issuperset(challenge.params.get(name, "")):
            return f"The parameter {name} is {seen.quote(challenge.params[name])}.", "Send printable ASCII without quotes and backslashes."
    return None


def _gives_no_error(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchanges = [exchange for exchange in seen.get("anonymous", "head", "unknown") if _bearer(seen, exchange) is not None]
    for exchange in exchanges:
        challenge = _bearer(seen, exchange)
        if challenge is not None and any(name in challenge.params for name in _ERRORS):
            what = f"No token was sent, and the Bearer challenge has an error: {seen.quote(challenge.params.get('error', ''))}."
            return [found(rule, exchange, what, "Leave the error out until a token was sent and refused.")]
    return [] if exchanges else "Bearer is not offered"


def _gives_error(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = next((one for one in seen.get("invalid-bearer") if one.status == UNAUTHORIZED), None)
    if exchange is None or "bearer" not in seen.offered:
        return "no made-up token was refused with 401, or Bearer is not offered"
    challenge = _bearer(seen, exchange)
    if challenge is not None and challenge.params.get("error") == "invalid_token":
        return []
    what = 'The challenge does not say error="invalid_token".' if challenge is not None else "It has no Bearer challenge."
    cause = "Clients cannot tell a refused token from a missing one, and do not refresh it."
    return [found(rule, exchange, what, 'Send Bearer error="invalid_token" when a token was sent and refused.', cause=cause)]


def _fits_status(error: str) -> Look:
    def look(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
        exchanges = [one for one in seen.get() if (challenge := _bearer(seen, one)) is not None and challenge.params.get("error") == error]
        for exchange in exchanges:
            if exchange.status != _STATUSES[error]:
                what = f"The challenge says {error}."
                return [found(rule, exchange, what, f"Send {error} with status {_STATUSES[error]}.")]
        return [] if exchanges else f"no challenge says {error}"

    return look


def _bearer(seen: Seen, exchange: Exchange) -> Challenge | None:
    return next((one for one in seen.challenges(exchange).found if one.scheme.lower() == "bearer"), None)


def _lists_qop(_: Seen, challenge: Challenge) -> tuple[str, str] | None:
    if challenge.params.get("qop"):
        return None
    return "The Digest challenge has no qop.", 'Send qop="auth": without it there is no protection against chosen nonces.'


def _is_not_of_md5_alone(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    offered = [(exchange, one) for exchange, one in seen.challenged() if one.scheme.lower() == "digest"]
    if not offered:
        return "Digest is not offered"
    algorithms = {one.params.get("algorithm", "MD5").upper().removesuffix("-SESS") for _, one in offered}
    if algorithms == {"MD5"}:
        return [found(rule, offered[0][0], "Digest is offered with MD5 alone.", "Offer SHA-256 first.")]
    return []


def _digest_spelling(names: frozenset[str], *, quoted: bool) -> Look:
    def look(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
        params = [
            (exchange, param)
            for exchange in seen.get()
            for param in (params_of(exchange.view) if exchange.view else ())
            if param.scheme == "digest"
        ]
        for exchange, param in params:
            if param.name in names and param.is_quoted is not quoted:
                form = "is not quoted" if quoted else "is quoted"
                return [found(rule, exchange, f"The parameter {param.name} {form}.", "Some clients read the other form alone.")]
        return [] if params else "Digest is not offered"

    return look


CHECKS: Final[tuple[Check, ...]] = (
    scored("R7617-2-1", "A Basic challenge has a realm", MUST, "RFC 7617 §2", _of("basic", _has_realm)),
    scored("R7617-2.1-1", "The charset of Basic is UTF-8", MUST, "RFC 7617 §2.1", _of("basic", _has_charset)),
    scored("R6750-3-2", "A Bearer challenge has a parameter", MUST, "RFC 6750 §3", _of("bearer", _has_parameters)),
    scored("R6750-3-4", "Scopes are separated by single spaces", MUST, "RFC 6750 §3", _of("bearer", _names_scopes)),
    scored("R6750-3-5", "Errors are printable ASCII", MUST, "RFC 6750 §3", _of("bearer", _describes_errors)),
    scored("R6750-3.1-1", "Without a token there is no error", SHOULD, "RFC 6750 §3.1", _gives_no_error),
    scored("R6750-3-6", "A token that is refused has an error", SHOULD, "RFC 6750 §3", _gives_error),
    scored("R6750-3.1-2", "invalid_request goes with 400", SHOULD, "RFC 6750 §3.1", _fits_status("invalid_request")),
    scored("R6750-3.1-3", "invalid_token goes with 401", SHOULD, "RFC 6750 §3.1", _fits_status("invalid_token")),
    scored("R6750-3.1-4", "insufficient_scope goes with 403", SHOULD, "RFC 6750 §3.1", _fits_status("insufficient_scope")),
    scored("R9470-3-1", "A login that is too weak is 401", SHOULD, "RFC 9470 §3", _fits_status("insufficient_user_authentication")),
    scored("R7616-3.3-1", "A Digest challenge lists qop", MUST, "RFC 7616 §3.3", _of("digest", _lists_qop)),
    scored(
        *("R7616-3.3-3", "Digest quotes realm, domain, nonce, opaque and qop", MUST, "RFC 7616 §3.3"),
        _digest_spelling(frozenset({"realm", "domain", "nonce", "opaque", "qop"}), quoted=True),
    ),
    scored(
        *("R7616-3.3-4", "Digest does not quote stale and algorithm", MUST, "RFC 7616 §3.3"),
        _digest_spelling(frozenset({"stale", "algorithm"}), quoted=False),
    ),
    scored("R7616-3.7-3", "Digest is offered with SHA-256", SHOULD, "RFC 7616 §3.7", _is_not_of_md5_alone),
)
"""The checks."""

__all__ = ["CHECKS"]
