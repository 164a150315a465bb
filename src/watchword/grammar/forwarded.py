"""Reads Forwarded (RFC 7239) and X-Forwarded-For from the right: each proxy adds to the end, and what a client made up stands before that.

A reader from the left would have to trust the part of the client: one quotation mark in it swallows what the proxy adds. From the right an
element is the shortest text behind a comma that fits the grammar. The end of a quoted-string never fits: each quotation mark inside it
stands behind a backslash, and no value begins with a backslash.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from watchword.grammar.abnf import QUOTED_PAIR, QUOTED_STRING, TCHAR
from watchword.grammar.limits import MAX_EMPTY_ELEMENTS, MAX_FIELD_OCTETS

if TYPE_CHECKING:
    from collections.abc import Iterator

# RFC 7239, Section 4
#   Forwarded         = 1#forwarded-element
#   forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
#   forwarded-pair    = token "=" value
#   value             = token / quoted-string
# OWS around the semicolon is no part of it, but proxies write it.
_TOKEN: Final = b"[" + re.escape(TCHAR) + b"]++"
_PAIR: Final = b"(" + _TOKEN + b")=(" + _TOKEN + b"|" + QUOTED_STRING.pattern + b")"
_ELEMENT: Final = re.compile(rb"(?:[ \t;]*+" + _PAIR + rb"(?=[ \t]*+(?:;|\Z)))*+[ \t;]*+")
_PAIRS: Final = re.compile(_PAIR)
_MOST_COMMAS: Final = 8  # in the quoted-strings of one element; each costs another match
_LONGEST_ELEMENT: Final = 1024  # octets

# RFC 7239, Section 6
#   node      = nodename [ ":" node-port ]
#   nodename  = IPv4address / "[" IPv6address "]" / "unknown" / obfnode
#   node-port = port / obfport
#   obfport   = "_" 1*(ALPHA / DIGIT / "." / "_" / "-")
# X-Forwarded-For also has IPv6 addresses without brackets. No zone: it means something to the proxy alone (RFC 4007 §11.2).
_NODE: Final = re.compile(r"(?:([0-9.]{7,15})|\[([0-9A-Fa-f:.]{2,45})\])(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]{1,64}))?|([0-9A-Fa-f:.]{2,45})")

# RFC 3986, Section 3.2.2, as far as a Host has it: a name, an IPv4 address, or an IPv6 address in brackets; and a port.
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+;=%-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def forwarded_elements(value: bytes) -> Iterator[dict[str, str] | None]:
    """Read the elements of a Forwarded field, the last one first; empty ones are left out (RFC 9110 §5.6.1.2).

    Args:
        value: the field value; several fields are joined with a comma. Its last `MAX_FIELD_OCTETS` are read.

    Yields:
        The parameters of an element, names in lower case; None, and nothing more: the rest breaks the grammar, or a parameter comes twice.
    """
    data = value[-MAX_FIELD_OCTETS:]
    # The first element of a cut field may be the end of a longer one.
    cut, end, empty = len(value) > len(data), len(data), 0
    while end >= 0:
        start, commas = end, 0
        while True:
            start = data.rfind(b",", 0, start) + 1
            begins = start or not cut
            if begins and _ELEMENT.fullmatch(data, start, end):
                break
            start, commas = start - 1, commas + 1
            if start < 0 or commas > _MOST_COMMAS or end - start > _LONGEST_ELEMENT:
                yield None
                return
        pairs = [(name.lower().decode(), _text(text)) for name, text, _ in _PAIRS.findall(data, start, end)]
        element = dict(pairs)
        if len(element) != len(pairs):
            yield None
            return
        empty += not pairs
        if empty > MAX_EMPTY_ELEMENTS:
            yield None
            return
        if pairs:
            yield element
        end = start - 1


def listed_from_right(value: str, most: int) -> list[str]:
    """Return the elements of a list without quoted-strings, such as X-Forwarded-For, the last one first; empty ones are left out.

    Args:
        value: the field value; its last `MAX_FIELD_OCTETS` are read.
        most: how many are read.
    """
    text = value[-MAX_FIELD_OCTETS:]
    parts = text.rsplit(",", most + MAX_EMPTY_ELEMENTS)
    if len(value) > len(text) or len(parts) > most + MAX_EMPTY_ELEMENTS:
        parts = parts[1:]  # the rest of the list, or the end of an element
    found = [part.strip(" \t") for part in reversed(parts)]
    return [part for part in found if part][:most]


def parse_node(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address of a node (RFC 7239 §6), an IPv4 address mapped into IPv6 unwrapped.

    Args:
        text: of the `for` parameter, without quotes, or an element of X-Forwarded-For.

    Returns:
        The address; None: `unknown`, an obfuscated identifier, or malformed.
    """
    match = _NODE.fullmatch(text)
    if match is None:
        return None
    ipv4, bracketed, bare = match.groups()
    try:
        if ipv4:
            return IPv4Address(ipv4)
        address = IPv6Address(bracketed or bare)
    except ValueError:
        return None
    return address.ipv4_mapped or address


def parse_host(text: str) -> str | None:
    """Return a Host (RFC 9110 §7.2); None: it is malformed."""
    return text if _HOST.fullmatch(text) else None


def _text(value: bytes) -> str:
    """Return a token, or the content of a quoted-string."""
    return (QUOTED_PAIR.sub(rb"\1", value[1:-1]) if value[:1] == b'"' else value).decode("latin-1")
