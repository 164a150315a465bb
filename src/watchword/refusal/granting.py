"""Adds the guard's fields to a response of the application: advice to caches, the fields of the scheme, and those of a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.decision import CacheAdvice

Headers: TypeAlias = "list[tuple[str, str]]"

_FOR_ONE = frozenset({"set-cookie", "dpop-nonce"})
_OF_REFUSAL = frozenset({"www-authenticate", "proxy-authenticate", "cache-control", "retry-after"})  # the application adds none of its own


def grant_headers(cache: CacheAdvice, status: int, headers: Iterable[tuple[str, str]], fields: Iterable[tuple[str, str]] = ()) -> Headers:
    """Return the headers of a granted response: with what it has to say to caches (decision D58), and with the fields of the scheme.

    Args:
        cache: the advice of the decision.
        status: the status of the application's response.
        headers: the headers of the application's response.
        fields: `decision.headers`. A response with a cookie or a nonce of the scheme is for one caller, once: it is not stored.

    Returns:
        All headers: those of the application, merged with the advice, and the fields.
    """
    added = list(fields)
    if added and any(name.lower() in _FOR_ONE for name, _ in added):
        cache = replace(cache, cache_control=None)
        headers = [(name, value) for name, value in headers if name.lower() != "cache-control"]
        added.append(("Cache-Control", "no-store"))
    kept = [*headers, *added]
    names = {name.lower() for name, _ in kept}
    if cache.missing and status == 404:  # noqa: PLR2004 - hidden resources imitate it, and both must not be stored
        return [(name, value) for name, value in kept if name.lower() != "cache-control"] + [("Cache-Control", "no-store")]
    if cache.cache_control is not None and "cache-control" not in names:
        kept.append(("Cache-Control", cache.cache_control))
    if cache.vary:
        kept = _vary(kept, cache.vary)
    return kept


def styled_headers(refusal: Iterable[tuple[str, str]], headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of a refusal whose content the application has replaced.

    An error handler that drops `WWW-Authenticate` would make the 401 invalid (RFC 9110 §11.6.1), and one that drops `Cache-Control` would
    let a cache store it.

    Args:
        refusal: the headers of the refusal.
        headers: the headers of the application's response; those that describe its content stay.
    """
    required = [(name, value) for name, value in refusal if not _is_of_content(name)]
    names = _OF_REFUSAL | {name.lower() for name, _ in required}
    return [(name, value) for name, value in headers if name.lower() not in names] + required


def _is_of_content(name: str) -> bool:
    # On what the application's content depends, the application says.
    return name.lower().startswith("content-") or name.lower() == "vary"


def _vary(headers: Headers, wanted: Sequence[str]) -> Headers:
    """Merge with the application's own `Vary`, keeping `*` (RFC 9110 §12.5.5)."""
    listed = [member.strip() for name, value in headers if name.lower() == "vary" for member in value.split(",") if member.strip()]
    if "*" in listed:
        return headers
    present = {member.lower() for member in listed}
    merged = listed + [name for name in wanted if name.lower() not in present]
    return [(name, value) for name, value in headers if name.lower() != "vary"] + [("Vary", ", ".join(merged))]
