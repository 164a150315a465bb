"""Finds the key set of an issuer by its metadata (RFC 8414 §3, OpenID Connect Discovery 1.0 §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.errors import FieldTooLong, GrammarError, Unavailable
from watchword.fetching import LIMIT, linked_url
from watchword.grammar.strict_json import parse_json_object
from watchword.validators import shown

if TYPE_CHECKING:
    from watchword.fetching import Fetched, Fetcher, Url
    from watchword.operation import Steps

_OK: Final = 200
_RETRY_AFTER: Final = 5


def find_keys_url(fetcher: Fetcher, issuer: str, url: Url) -> Steps[Url]:
    """Return where the keys of an issuer are.

    Args:
        fetcher: fetches.
        issuer: the issuer, as configured: the document must name exactly this one, or another issuer could hand in its keys.
        url: the issuer as a URL.

    Raises:
        Unavailable: neither document is there, or what is there cannot be used.
    """
    failures = []
    for place in _places(url):
        fetched: Fetched = yield fetcher.get(place)
        try:
            return _keys_url(fetched, issuer)
        except Unavailable as error:
            failures.append(error.why)
    raise Unavailable(" ".join(failures), retry_after=_RETRY_AFTER)


def _places(issuer: Url) -> tuple[Url, Url]:
    """Return where the metadata may be: with the path of the issuer behind (RFC 8414 §3.1), and in front (OpenID)."""
    path = issuer.path.removesuffix("/")
    return (
        issuer.beside(f"/.well-known/oauth-authorization-server{path}"),
        issuer.beside(f"{path}/.well-known/openid-configuration"),
    )


def _keys_url(fetched: Fetched, issuer: str) -> Url:
    if fetched.status != _OK or not fetched.is_json:
        raise fetched.failed(f"there is no metadata here (status {fetched.status}, {shown(fetched.media_type)}).")
    try:
        document = parse_json_object(fetched.content, limit=LIMIT)
    except (GrammarError, FieldTooLong) as error:
        raise fetched.failed(f"the metadata cannot be read: {error}.") from None
    named = document.get("issuer")
    if named != issuer:
        raise fetched.failed(f"the metadata is of the issuer {shown(named)}, not of {shown(issuer)}. Configure the issuer as it is there.")
    try:
        return linked_url(document.get("jwks_uri"), fetched.url)
    except ValueError as error:
        raise fetched.failed(f"its jwks_uri must be a URL to fetch: {error}.") from None


__all__ = ["find_keys_url"]
