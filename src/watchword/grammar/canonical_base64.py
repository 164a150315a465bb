"""Decodes canonical Base64 and base64url (RFC 4648 §4, §5), and rejects every other spelling of the same octets.

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
_URL_ALPHABET: Final = ALPHA + DIGIT + b"-_"
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_PADDING: Final = (b"", b"", b"==", b"=")
# The last characters of a last group of 1 (no octets have that length), 2 and 3 characters: 4 or 2 bits of theirs are not used.
_LAST: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")


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


def decode_base64url(value: str | bytes) -> bytes:
    """Decode base64url without padding that has exactly one spelling (RFC 4648 §5, RFC 7515 §2).

    For the segments of a token and the members of a key.

    Args:
        value: the text as received, from an untrusted source; the caller bounds its length.

    Returns:
        The octets.

    Raises:
        GrammarError: padding, whitespace, a character outside the URL alphabet, a length that no octets have, or trailing bits that are
            not zero. The position is that of the first octet outside the alphabet.
    """
    data = strict_octets(value)
    rest = len(data) & 3
    # The alphabet, and zeros in the bits that no octet uses: three groups of last characters have them. Without these two tests the decoder
    # drops foreign characters, and `AA`, `AB` and `AC` are one octet.
    if data.translate(None, _URL_ALPHABET) or (rest and data[-1] not in _LAST[rest]):
        raise GrammarError("canonical base64url without padding", len(data) - len(data.lstrip(_URL_ALPHABET)))
    return a2b_base64(data.translate(_FROM_URL) + _PADDING[rest])


def encode_base64url(octets: bytes) -> bytes:
    """Encode octets as base64url without padding (RFC 7515 §2)."""
    return b2a_base64(octets, newline=False).rstrip(b"=").translate(_TO_URL)
