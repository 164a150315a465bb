"""Parses form bodies and query strings: application/x-www-form-urlencoded (WHATWG URL Standard §5.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from watchword.grammar.limits import MAX_TAKEN_OUT
from watchword.grammar.percent import percent_decode
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable


def parse_form(data: str | bytes) -> list[tuple[bytes, bytes]]:
    """Parse a form body, or a query string without its "?", into pairs of octets.

    The result is octets: the reader of one parameter decides about its encoding. Only empty sequences (`a=1&&b=2`) are dropped: a repeated
    `access_token` must be seen to be refused (RFC 6750 §2.2).

    Args:
        data: the body as received, from an untrusted source; the caller bounds its length. In a `str` a character up to U+00FF
            stands for an octet, one above for its UTF-8. Every pair costs Python code: where only some names are wanted,
            `FormReader` costs a twentieth.

    Returns:
        Names and values in the order sent, "+" read as SP, percent-encoding undone, invalid escapes left as they are. Never
        raises.
    """
    # urllib.parse.parse_qsl drops empty values and hides wrong octets, and older versions split at ";" too (CVE-2021-23336):
    # a proxy that counts parameters in another way sees another token.
    pairs: list[tuple[bytes, bytes]] = []
    for sequence in _form_octets(data).split(b"&"):
        if sequence:
            name, _, value = sequence.partition(b"=")
            pairs.append((form_decode(name), form_decode(value)))
    return pairs


class FormReader:
    """Reads the parameters of some names, without decoding the others.

    A client chooses how many parameters a form or query holds, and how they are spelt: `%61ccess_token` is `access_token`. One
    pattern that knows every spelling walks the data in C, so the cost is about 15 ns per octet, for any octets.

    Args:
        names: the names that are wanted, decoded.

    Raises:
        ConfigurationError: no name is given, or one is empty.
    """

    __slots__ = ("_parameter",)

    def __init__(self, names: Iterable[bytes]) -> None:
        wanted = list(names)
        if not wanted or not all(wanted):
            raise invalid("FormReader(names)", "hold at least one name, and no empty one", wanted)
        # It starts with "&", which the engine finds with memchr; the data is read as if it started with one.
        pair = b"&(?:" + b"|".join(map(_spellings, wanted)) + b")(?:=([^&]*+))?(?![^&])"
        self._parameter = re.compile(pair)

    def find(self, data: bytes, *, most: int = 2) -> list[bytes]:
        """Return the values of the wanted parameters, not decoded: the caller bounds their length first, then calls `form_decode`.

        Args:
            data: the form, or the query without its "?", from an untrusted source; the caller bounds its length.
            most: how many values are returned at most. Two tell that there is more than one.

        Returns:
            The values in the order sent, each the one that `parse_form` decodes; empty where there is no "=". Never raises.
        """
        found: list[bytes] = []
        for match in self._parameter.finditer(b"&" + data):
            found.append(match[1] or b"")
            # Two are enough to refuse the request, and a client chooses how many there are.
            if len(found) >= most:
                break
        return found

    def without(self, data: bytes) -> bytes:
        """Return the form or query without the wanted parameters, in any spelling.

        Args:
            data: as above.

        Returns:
            The other parameters, as they were sent; empty if there are `MAX_TAKEN_OUT` wanted ones.
        """
        data = b"&" + data
        left: list[bytes] = []
        start = 0
        for count, match in enumerate(self._parameter.finditer(data), 1):
            # The rest goes to the application, so it is dropped rather than sent with a credential in it (RFC 9110 §17.16.3).
            if count == MAX_TAKEN_OUT:
                return b""
            left.append(data[start : match.start()])
            start = match.end()
        return b"".join((*left, data[start:]))[1:]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._parameter.pattern!r})"


def form_decode(octets: bytes) -> bytes:
    """Return a name or value of a form, decoded: "+" read as SP, percent-encoding undone, invalid escapes left as they are.

    Args:
        octets: untrusted; the caller bounds its length.
    """
    return percent_decode(octets.replace(b"+", b" "))


def _spellings(name: bytes) -> bytes:
    """Return a pattern of every spelling that `form_decode` decodes to a name."""
    return b"".join(map(_spelling, name))


def _spelling(octet: int) -> bytes:
    escaped = b"%" + b"".join(b"[%c%c]" % (digit, digit - 0x20) if digit > 0x39 else b"%c" % digit for digit in b"%02x" % octet)  # noqa: PLR2004 - "9"; the lower-case letter and its upper case
    # "%" stands for itself unless two hex digits follow, for `percent_decode` leaves invalid escapes. "&", "=" and "+" never do:
    # they are separators and the space, so a name holds them escaped only (URL Standard §5.1).
    plain = {0x20: b"[ +]|", 0x25: b"%(?![0-9A-Fa-f]{2})|", 0x26: b"", 0x2B: b"", 0x3D: b""}.get(octet, re.escape(b"%c" % octet) + b"|")
    return b"(?:" + plain + escaped + b")"


def _form_octets(data: str | bytes) -> bytes:
    if not isinstance(data, str):
        return data
    try:
        return data.encode("latin-1")
    except UnicodeEncodeError:
        # "surrogatepass": a lone surrogate has no UTF-8, and this parser never raises.
        return b"".join(char.encode("latin-1") if char <= "\xff" else char.encode("utf-8", "surrogatepass") for char in data)
