"""Lists what the guard knows about schemes by name: one row for each built-in scheme, and for those that browsers know.

Closed on purpose (threat C3). What a caller is cached under must cover everything that the checker was given, and only of our own
schemes and credentials is it known what that is. A subclass or a custom scheme has no row, so it is never cached by accident.
A new scheme of ours adds a row here, and nothing elsewhere.
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
        secret: what its credentials hold, for the words of refusals.
        credentials: what it extracts; exactly this class may be cached, no subclass. None: no built-in scheme has this name.
        shown: returns everything of such credentials that a verdict may depend on; the caller is cached under it.
        field_alone: the class whose `extract` looks at nothing but the header field that brings the credentials, where no other part of
            the request brings any, as `"package.module:Class"`: then the field itself is the key, on the fast path too. Empty: it looks
            at more.
    """

    kept_by_browsers: bool = False
    of_proxies: bool = False
    secret: Secret = ""
    credentials: type[Credentials] | None = None
    shown: Shown | None = None
    field_alone: str = ""


KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        "basic": Known(
            kept_by_browsers=True,
            of_proxies=True,
            secret="password",  # noqa: S106 - the word
            credentials=BasicCredentials,
            shown=lambda basic: (basic.username, basic.password),
            field_alone="watchword.schemes.basic:Basic",
        ),
        "bearer": Known(
            secret="token",  # noqa: S106 - as above
            credentials=BearerToken,
            shown=lambda bearer: (bearer.token,),
            field_alone="watchword.schemes.bearer:Bearer",
        ),
        "apikey": Known(
            secret="token",  # noqa: S106 - as above
            credentials=APIKeyCredentials,
            shown=lambda api_key: (api_key.key,),
            field_alone="watchword.schemes.apikey:APIKey",
        ),
        # Not built in. Browsers know these three by themselves, so a custom scheme of such a name needs the cross-site checks.
        "digest": Known(kept_by_browsers=True, of_proxies=True),
        "negotiate": Known(kept_by_browsers=True),
        "ntlm": Known(kept_by_browsers=True),
    }
)
"""Scheme name, lower case, to what is known about it."""

OF_CREDENTIALS: Mapping[type[Credentials], Known] = MappingProxyType(
    {row.credentials: row for row in KNOWN.values() if row.credentials is not None}
)
"""Kind of credentials, exactly, to the scheme that extracts it."""

_UNKNOWN = Known()


def known(name: str) -> Known:
    """Return what is known about a scheme by its name; an empty row for a custom one.

    Args:
        name: in any letter case.
    """
    return KNOWN.get(name.lower(), _UNKNOWN)


def reads_field_alone(scheme: object, name: str) -> bool:
    """Tell whether the header field that brings credentials says everything that a scheme extracts from it.

    Args:
        scheme: the scheme. Its `extract` must be ours, the very function: a wrapper of it, or a method of the instance, may look at the
            host as well.
        name: its name.
    """
    home, _, kind = known(name).field_alone.partition(":")
    # A key that leaves out what `extract` looked at would give one caller the identity of another (threats C3).
    if not home or "extract" in vars(scheme):
        return False
    return getattr(type(scheme), "extract", None) is getattr(import_module(home), kind).extract


__all__ = ["KNOWN", "OF_CREDENTIALS", "Known", "known", "reads_field_alone"]
