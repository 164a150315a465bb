"""Checks the claims that say for whom a token is, and when it counts (RFC 7519 §4.1, RFC 9068 §2.2, §4).

Types are exact: `exp` as text, as true or beyond the year 9999 is no time, and `"orders"` in `aud` is no substring test (threats T5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from watchword.reason import Reason
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from collections.abc import Set as AbstractSet

_LATEST: Final = 253_402_300_799
"""The end of the year 9999, the last that calendars of most languages know. Milliseconds in place of seconds are later."""

_MOST_TEXT: Final = 1024  # octets of an identifier, as in stores; OpenID Connect Core §2 stops at 255 for sub

# RFC 9068 §2.2. `aud` is in neither list: `check_audience` refuses a token without one.
_OF_PROFILE: Final = ("iss", "exp", "sub", "client_id", "iat", "jti")
_OF_ANY: Final = ("iss", "exp", "sub")

_TEXTS: Final = ("sub", "jti", "client_id", "azp", "acr")
_BEGINS: Final = ("nbf", "iat", "auth_time")
_TIMES: Final = ("exp", *_BEGINS)

# What only tokens of another kind hold: ID tokens (OpenID Connect Core §3.1.3.6, §3.3.2.11), log-out tokens and security events (RFC 8417
# §2.2). The others are what Cognito and Keycloak say in a claim in place of `typ` (RFC 8725 §3.11).
_OF_OTHERS: Final = ("at_hash", "c_hash", "s_hash", "events")
_KINDS: Final = {
    "token_use": ("id", "refresh"),
    "typ": ("ID", "Refresh", "Offline", "Logout", "Action", "Registration-Access-Token"),
}


class Times(NamedTuple):
    """When a token counts, with the leeway.

    Args:
        since: from this second on, Unix seconds.
        until: until before this second.
    """

    since: float
    until: float


def required_claims(profile: str, extra: Collection[str]) -> tuple[str, ...]:
    """Return the claims that a token must have. A configuration adds to them, and drops none (threats T5).

    Args:
        profile: `"at+jwt"` or `"any"`.
        extra: the names of more.
    """
    return tuple(dict.fromkeys((*(_OF_PROFILE if profile == "at+jwt" else _OF_ANY), *extra)))


def check_claims(claims: Mapping[str, Any], required: Collection[str]) -> Refused | None:
    """Refuse claims that are missing or of a wrong type, and tokens of another kind. `aud` has a check of its own.

    Args:
        claims: the claims, from an untrusted source.
        required: the names of those that a token must have.
    """
    for name in required:
        if name not in claims:
            return Refused(Reason.INVALID_CLAIM, detail=f"it has no {name}")
    for name in _TEXTS:
        if name in claims and not is_text(claims[name]):
            return Refused(Reason.INVALID_CLAIM, detail=f"its {name} is no text of 1 to {_MOST_TEXT} octets")
    for name in _TIMES:
        if name in claims and not _is_time(claims[name]):
            return Refused(Reason.INVALID_CLAIM, detail=f"its {name} is no number of seconds from 1970 to 9999 (RFC 7519 §2)")
    methods = claims.get("amr", [])
    if not isinstance(methods, list) or not all(map(is_text, methods)):
        return Refused(Reason.INVALID_CLAIM, detail="its amr is no list of texts (RFC 8176 §1)")
    return _check_kind(claims)


def _check_kind(claims: Mapping[str, Any]) -> Refused | None:
    for name in _OF_OTHERS:
        if name in claims:
            return Refused(Reason.WRONG_TOKEN_TYPE, detail=f"it has {name}, which access tokens have not")
    for name, kinds in _KINDS.items():
        if claims.get(name) in kinds:
            return Refused(Reason.WRONG_TOKEN_TYPE, detail=f"its claim {name} says that it is no access token")
    return None


def check_audience(claims: Mapping[str, Any], audiences: AbstractSet[str], instead: str | None) -> Refused | None:
    """Refuse a token that is not for this server (RFC 7519 §4.1.3).

    Args:
        claims: the claims, from an untrusted source.
        audiences: the identifiers of this server.
        instead: the claim that is compared where there is no `aud`; None: such a token is refused.
    """
    name = "aud" if instead is None or "aud" in claims else instead
    if name not in claims:
        return Refused(Reason.WRONG_AUDIENCE, detail=f"it has no {name}")
    value = claims[name]
    if isinstance(value, str):
        value = [value]
    elif not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return Refused(Reason.INVALID_CLAIM, detail=f"its {name} is neither a string nor an array of strings (RFC 7519 §4.1.3)")
    if audiences.isdisjoint(value):
        return Refused(Reason.WRONG_AUDIENCE, detail=f"its {name} names none of JWT(audience=...)")
    return None


def check_times(claims: Mapping[str, Any], now: float, leeway: float) -> Refused | Times:
    """Refuse a token before and after its time, or return the time (decision D39).

    Args:
        claims: the claims, checked as above.
        now: Unix seconds.
        leeway: by how much clocks may differ, seconds.
    """
    until = claims["exp"] + leeway
    if not now < until:
        return Refused(Reason.EXPIRED, detail="exp has passed")
    since = 0.0
    for name in _BEGINS:
        if name in claims:
            since = max(since, claims[name] - leeway)
            # RFC 7519 says nothing about a later iat; a token from the future comes from a clock, or an issuer, that is wrong. A login of
            # the future would be fresh for ever.
            if not since <= now:
                return Refused(Reason.NOT_YET_VALID, detail=f"{name} lies in the future")
    return Times(since, until)


def check_unbound(claims: Mapping[str, Any]) -> Refused | None:
    """Refuse a token that is bound to a key of the client (RFC 7800 §3.1, decision D42).

    As a bearer token it could be stolen and used. A scheme that proves the key (DPoP, mutual TLS) checks `cnf` itself.

    Args:
        claims: the claims, from an untrusted source.
    """
    if "cnf" in claims:
        return Refused(Reason.BOUND_TOKEN, detail="it has cnf, and came as a bearer token")
    return None


def is_text(value: object) -> bool:
    """Tell whether a value is text that can be an identifier: 1 to 1024 octets of UTF-8 without control characters.

    Args:
        value: a value of parsed JSON.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_TEXT or not value.isprintable():
        return False
    return value.isascii() or len(value.encode()) <= _MOST_TEXT


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LATEST
