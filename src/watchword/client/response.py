"""Reads a response of any HTTP client into one value: status, fields, a bounded part of the content, and the URL.

httpx, httpx2, requests, aiohttp, urllib and the test clients of frameworks name the same facts in different ways. Everything else in this
package sees the value alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from watchword.errors import ConfigurationError
from watchword.grammar import MAX_FIELDS, MAX_NAME_OCTETS
from watchword.validators import check_whole

BODY_LIMIT: Final = 65_536
"""Octets of content that are read. A problem (RFC 9457) has a few hundred, metadata of a resource (RFC 9728) a few thousand."""

_LONGEST_VALUE: Final = 65_536  # characters of a field. The clients above stop at 64 KiB or before
_PIECE: Final = 8192  # octets read at once

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ResponseView:
    """A response, as far as it is looked at. All of it is untrusted, except for the URL, which the HTTP client states.

    Args:
        status: the status code.
        fields: names and values in the order received; a value has one character per octet (latin-1).
        body: the content without its content coding, at most as many octets as were asked for.
        url: where the response came from, after redirects; empty: unknown.
        cut: what was left out, in words; empty: nothing was.
    """

    status: int
    # Hidden: fields hold cookies, the content may hold a token, and the query of a URL may hold either.
    fields: Pairs = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    url: str = field(default="", repr=False)
    cut: tuple[str, ...] = ()

    def all(self, name: str) -> list[str]:
        """Return the values of all fields of a name, in the order received.

        Args:
            name: in any letter case.
        """
        wanted = name.lower()
        return [value for known, value in self.fields if known.lower() == wanted]

    def one(self, name: str) -> str | None:
        """Return the value of the first field of a name; None: there is no such field.

        Args:
            name: in any letter case.
        """
        return next(iter(self.all(name)), None)


def read_response(response: object, *, body: bytes | None = None, url: str | None = None, limit: int = BODY_LIMIT) -> ResponseView:
    """Read a response of httpx, httpx2, requests, aiohttp or urllib, or any object with `status`, `headers`, `body` and `url`.

    Content that the client has not loaded is read up to the limit, and the stream is left where that was. Content that only an event loop
    can read (aiohttp, and streams of async clients) is given as `body`.

    Args:
        response: the response; a `ResponseView` is returned as it is.
        body: the content, in place of that of the response.
        url: where the response came from, in place of what the response states.
        limit: the greatest content that is kept, in octets; the rest is left out.

    Raises:
        ConfigurationError: the object has no status code or no headers of a usable form, or the limit is no whole number. No response of a
            server raises.
    """
    check_whole("read_response(limit=...)", limit, unit="octets")
    if isinstance(response, ResponseView):
        return response
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    if not isinstance(status, int) or isinstance(status, bool):
        raise ConfigurationError(
            f"the response must have status_code or status, a whole number, got {type(response).__name__}. Give the response itself."
        )
    fields, left = _bounded(_pairs(response))
    content, whole = _content(response, limit) if body is None else (bytes(body[:limit]), len(body) <= limit)
    cut = (*left, *(() if whole else (f"the content was not read, or not beyond {limit} octets",)))
    return ResponseView(int(status), fields, content, str(_attribute(response, "url") or "") if url is None else url, cut)


def _pairs(response: object) -> Iterable[tuple[Any, Any]]:
    """Return the fields, from the place in which repeated ones are not joined."""
    headers = getattr(response, "headers", ())
    for owner, name in ((headers, "raw"), (response, "raw_headers")):  # httpx, aiohttp: octets
        found = getattr(owner, name, None)
        if isinstance(found, (list, tuple)):
            return found
    # requests joins repeated fields in `headers`; urllib3 below it does not.
    below = getattr(getattr(response, "raw", None), "headers", None)
    source = below if hasattr(below, "getlist") else headers
    items = getattr(source, "items", None)
    return items() if callable(items) else source if isinstance(source, Iterable) else ()


def _bounded(pairs: Iterable[tuple[Any, Any]]) -> tuple[Pairs, tuple[str, ...]]:
    kept: list[tuple[str, str]] = []
    left = 0
    for pair in pairs:
        try:
            name, value = pair
        except (TypeError, ValueError):
            message = f"the headers of a response must be a mapping or pairs of names and values, got {type(pair).__name__} among them."
            raise ConfigurationError(f"{message} Give the response itself.") from None
        known, text = _text(name), _text(value)
        if len(kept) == MAX_FIELDS or len(known) > MAX_NAME_OCTETS or len(text) > _LONGEST_VALUE:
            left += 1
        else:
            kept.append((known, text))
    return tuple(kept), (f"{left} header fields were too many or too long",) if left else ()


def _text(value: object) -> str:
    # Only octets have one reading: clients guess at the encoding of what is not ASCII.
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _content(response: object, limit: int) -> tuple[bytes, bool]:
    """Return at most so many octets of the content, and whether that is all of it."""
    # requests loads all of the content where `content` is asked for, so its iterator comes first.
    names = [name for name in ("iter_content", "content", "iter_bytes", "body", "data") if name in dir(response)]
    for name in names:
        found = _attribute(response, name)
        if isinstance(found, (bytes, bytearray)):
            return bytes(found[:limit]), len(found) <= limit
        if name.startswith("iter_") and callable(found):
            try:
                return _first(found(_PIECE), limit)
            except Exception:  # noqa: BLE001, S112 - the connection broke, or only an event loop can read it
                continue
    return b"", not names


def _attribute(response: object, name: str) -> object:
    try:
        return getattr(response, name, None)
    except Exception:  # noqa: BLE001 - httpx raises where the content was not loaded, or the request is not known
        return None


def _first(pieces: Iterable[bytes], limit: int) -> tuple[bytes, bool]:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > limit:
            return bytes(content[:limit]), False
    return bytes(content), True


__all__ = ["BODY_LIMIT", "ResponseView", "read_response"]
