"""Parses byte sequences of Structured Fields (RFC 9651), the one item that credential fields use."""

from __future__ import annotations

from watchword.errors import GrammarError
from watchword.grammar.abnf import OWS
from watchword.grammar.canonical_base64 import decode_base64
from watchword.grammar.limits import MAX_FIELD_OCTETS
from watchword.grammar.octets import field_octets
from watchword.grammar.rules import skip_ows

_COLON = b":"


# RFC 9651, Section 3.3.5 (RFC 8941 calls it sf-binary)
#   sf-binary = ":" *(base64) ":"
#   base64    = ALPHA / DIGIT / "+" / "/" / "="
def parse_byte_sequence(value: str | bytes, *, limit: int = MAX_FIELD_OCTETS) -> bytes:
    """Parse a field value that is one byte sequence without parameters, such as Client-Cert (RFC 9440 §2.2).

    RFC 9651 lets a recipient accept base64 without padding or with trailing bits; this one does not, so that a certificate has one
    spelling. A list, two joined field lines or PEM text do not fit.

    Args:
        value: the field value. The caller decides who may send such a field (a trusted proxy).
        limit: the longest value to be read, in octets.

    Returns:
        The octets between the colons.

    Raises:
        FieldTooLong: `value` is longer than `limit`.
        GrammarError: `value` is not one byte sequence.
    """
    data = field_octets(value, limit).rstrip(OWS)
    start = skip_ows(data, 0)
    if data[start : start + 1] != _COLON:
        raise GrammarError('a byte sequence, which starts with ":"', start)
    start += 1
    if start == len(data) or data[-1:] != _COLON:
        raise GrammarError('a byte sequence, which ends with ":"', len(data))
    try:
        # Stricter than RFC 9651 §4.2.7, which lets padding be missing: one certificate, one spelling.
        return decode_base64(data[start:-1])
    except GrammarError as error:
        raise GrammarError(error.expected, start + error.position) from None
