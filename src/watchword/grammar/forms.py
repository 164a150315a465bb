"""Form bodies and query strings: application/x-www-form-urlencoded, parsed as the WHATWG URL Standard §5.1 says."""

from __future__ import annotations

import re
from typing import Final

# URL Standard, Section 1.3: a percent-encoded byte is "%" and two ASCII hex digits; any other "%" stands for itself.
_PERCENT_ENCODED: Final = re.compile(rb"%([0-9A-Fa-f]{2})")


def parse_form(data: str | bytes) -> list[tuple[bytes, bytes]]:
    """Parse a form body, or a query string without its "?", into pairs of octets.

    Octets and no text, because what is wrong with the encoding is for the reader of one parameter to say. Nothing is dropped but
    empty sequences (`a=1&&b=2`): a repeated `access_token` must be seen to be refused (RFC 6750 §2.2).

    Args:
        data: the body as received, from an untrusted source; the caller bounds its length. In a `str` a character up to U+00FF
            stands for an octet, one above for its UTF-8.

    Returns:
        Names and values in the order sent, "+" read as SP, percent-encoding undone, invalid escapes left as they are. Never
        raises.
    """
    pairs: list[tuple[bytes, bytes]] = []
    for sequence in _form_octets(data).split(b"&"):
        if sequence:
            name, _, value = sequence.partition(b"=")
            pairs.append((_decode(name), _decode(value)))
    return pairs


def _decode(octets: bytes) -> bytes:
    octets = octets.replace(b"+", b" ")
    if b"%" not in octets:
        return octets
    return _PERCENT_ENCODED.sub(lambda escape: bytes.fromhex(escape[1].decode("ascii")), octets)


def _form_octets(data: str | bytes) -> bytes:
    if not isinstance(data, str):
        return data
    try:
        return data.encode("latin-1")
    except UnicodeEncodeError:
        # "surrogatepass": a lone surrogate has no UTF-8, and this parser never raises.
        return b"".join(char.encode("latin-1") if char <= "\xff" else char.encode("utf-8", "surrogatepass") for char in data)
