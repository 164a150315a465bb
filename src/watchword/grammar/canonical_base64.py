"""Decodes canonical Base64 (RFC 4648 §4), and rejects every other spelling of the same octets.

Python's decoders drop foreign characters, or accept trailing bits that are not zero, so many texts decode to one secret. Encoding the
result again reveals such a text.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from typing import Final

from watchword.errors import GrammarError
from watchword.grammar.abnf import ALPHA, DIGIT
from watchword.grammar.octets import strict_octets

_ALPHABET: Final = ALPHA + DIGIT + b"+/"


def decode_base64(value: str | bytes) -> bytes:
    """Decode base64 that has exactly one spelling (RFC 4648 §3.3, §3.5, §4).

    For values that must not have two spellings: the user-pass of Basic (RFC 7617 §2), a cache key, a digest.

    Args:
        value: the text as received, from an untrusted source; the caller bounds its length.

    Returns:
        The octets.

    Raises:
        GrammarError: a character outside the standard alphabet, padding that is missing or too long, or trailing bits that are
            not zero. The position is that of the first octet outside the alphabet, padding included.
    """
    data = strict_octets(value)
    try:
        decoded = a2b_base64(data)
    except Error:
        decoded = None
    # The re-encoding must be equal: `YQ==`, `YR==` and `Y Q==` decode to one secret, which would be three keys of a cache.
    if decoded is None or b2a_base64(decoded, newline=False) != data:
        raise GrammarError("canonical base64", len(data) - len(data.lstrip(_ALPHABET)))
    return decoded
