"""Lists facts about schemes by name: one row for each built-in scheme, and for those that browsers implement.

The table is closed (threat C3). A cache key must cover everything that the checker sees, which is known for built-in schemes alone. A
subclass or a custom scheme has no row, so it is never cached. A new built-in scheme adds a row here, and nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from watchword.credentials import APIKeyCredentials, BasicCredentials, BearerToken, Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.reason import Secret

Shown: TypeAlias = Callable[[Any], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One scheme.

    Args:
        kept_by_browsers: whether browsers keep its credentials and send them again by themselves (WHATWG Fetch, HTTP-network-or-cache
            fetch), so that a page of another origin can use them (decision D61).
        of_proxies: whether a proxy may offer it (decision D35).
        secret: the kind of secret in its credentials, for the words of refusals.
        credentials: the class that it extracts. Exactly this class may be cached, no subclass. None: no built-in scheme has this name.
        shown: returns all parts of such credentials that a verdict may depend on, which make the cache key.
        field_alone: the class whose `extract` reads only the header field of the credentials, as `"package.module:Class"`. The field itself
            is then the cache key, on the fast path too. Empty: it reads more.
    """

    kept_by_browsers: bool = False
    of_proxies: bool = False
    secret: Secret = ""
    credentials: type[Credentials] | None = None
    shown: Shown | None = None
    field_alone: str = ""


# Read-only: a row added at run time would be a function of the user that makes cache keys (fast-jwt CVE-2026-35039, threats C3).
KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        # RFC 7617. A page of another origin can post a form, and the browser adds the kept password (threats S12).
        "basic": Known(
            kept_by_browsers=True,
            of_proxies=True,
            secret="password",  # noqa: S106 - the word
            credentials=BasicCredentials,
            shown=lambda basic: (basic.username, basic.password),
            field_alone="watchword.schemes.basic:Basic",
        ),
        # RFC 6750. No document defines it for proxies (decision D35). A page of another origin cannot set the field without a preflight.
        "bearer": Known(
            secret="token",  # noqa: S106 - as above
            credentials=BearerToken,
            shown=lambda bearer: (bearer.token,),
            field_alone="watchword.schemes.bearer:Bearer",
        ),
        # Not registered with IANA (decision D17).
        "apikey": Known(
            secret="token",  # noqa: S106 - as above
            credentials=APIKeyCredentials,
            shown=lambda api_key: (api_key.key,),
            field_alone="watchword.schemes.apikey:APIKey",
        ),
        # Not built in. Browsers implement these three, so a custom scheme of such a name needs the cross-site test.
        # Digest is RFC 7616, Negotiate RFC 4559.
        "digest": Known(kept_by_browsers=True, of_proxies=True),
        "negotiate": Known(kept_by_browsers=True),
        "ntlm": Known(kept_by_browsers=True),
    }
)
"""Scheme name, lower case, to its row."""

OF_CREDENTIALS: Mapping[type[Credentials], Known] = MappingProxyType(
    {row.credentials: row for row in KNOWN.values() if row.credentials is not None}
)
"""Class of credentials to the row of the scheme that extracts it."""

_UNKNOWN = Known()


def known(name: str) -> Known:
    """Return the row of a scheme by its name; an empty row for a custom scheme.

    Args:
        name: in any letter case.
    """
    return KNOWN.get(name.lower(), _UNKNOWN)


def reads_field_alone(scheme: object, name: str) -> bool:
    """Tell whether a scheme extracts its credentials from the header field that brings them, and from nothing else.

    Args:
        scheme: the scheme. Its `extract` must be the built-in function itself: a wrapper, or a method of the instance, may read the host
            as well.
        name: its name.
    """
    home, _, kind = known(name).field_alone.partition(":")
    # A key without a fact that `extract` read would give one caller the identity of another (threats C3).
    if not home or "extract" in vars(scheme):
        return False
    return getattr(type(scheme), "extract", None) is getattr(import_module(home), kind).extract


_ASKING = ("challenge", "challenges", "login_location")


def repeats_challenges(scheme: object, name: str) -> bool:
    """Tell whether a scheme answers equal params with equal challenges, whatever the request, and has no page to log in.

    Args:
        scheme: the scheme. It must be ours, the very class: a subclass may send a nonce, or name a page.
        name: its name.
    """
    home, _, kind = known(name).field_alone.partition(":")
    # A prepared refusal is sent to every caller. A nonce in it would be one nonce for all (RFC 7616 §3.3).
    return bool(home) and type(scheme) is getattr(import_module(home), kind) and vars(scheme).keys().isdisjoint(_ASKING)


__all__ = ["KNOWN", "OF_CREDENTIALS", "Known", "known", "reads_field_alone", "repeats_challenges"]
