"""Splits the compact serialization of a JWS (RFC 7515 §3.1, §7.1) into its parts, and verifies nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from watchword.errors import FieldTooLong, GrammarError
from watchword.grammar.canonical_base64 import decode_base64url
from watchword.grammar.limits import MAX_TOKEN_OCTETS
from watchword.grammar.octets import field_octets
from watchword.grammar.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONE: Final[Mapping[bytes, Mapping[str, Any]]] = MappingProxyType({})
_SEGMENTS: Final = 3
_OF_JWE: Final = 5


@dataclass(slots=True, eq=False)
class CompactJWS:
    """The parts of a JWS. None of them is verified.

    Args:
        header: the protected header, an object of distinct members.
        payload: the octets of the payload.
        signature: the octets of the signature; may be empty.
        signing_input: what is signed: the first two segments as they came, with the period between (RFC 7515 §5.2).
    """

    header: Mapping[str, Any]
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    # As received, never encoded again: a signature covers the octets that were sent (RFC 7515 §5.2).
    signing_input: bytes = field(repr=False)


class Segments(NamedTuple):
    """The segments of a JWS, as they came.

    Args:
        header: the first segment.
        payload: the second one.
        signature: the third one.
        signing_input: the first two, with the period between.
    """

    header: bytes
    payload: bytes
    signature: bytes
    signing_input: bytes


# RFC 7515, Section 7.1
#   BASE64URL(UTF8(JWS Protected Header)) "." BASE64URL(JWS Payload) "." BASE64URL(JWS Signature)
def parse_compact_jws(token: str | bytes, *, limit: int = MAX_TOKEN_OCTETS, known: Mapping[bytes, Mapping[str, Any]] = _NONE) -> CompactJWS:
    """Parse a JWS in its compact serialization.

    A JWS has one spelling here: the JSON serialization, a detached payload that is not sent, JWE and base64 of other alphabets do not fit.

    Args:
        token: the token as received, from an untrusted source.
        limit: the longest token to be read, in octets. It is tested before anything is decoded (threats T7).
        known: headers that were parsed before, by their segment. All tokens of one key have one header.

    Returns:
        The parts, decoded.

    Raises:
        FieldTooLong: `token` is longer than `limit`.
        GrammarError: there are not three segments, one is not canonical base64url, or the header is not a JSON object. The position counts
            octets of the token.
    """
    segments = split_compact_jws(token, limit=limit)
    # The octets are the key, so a header that was parsed before is the same header, and its JSON need not be read again.
    header = known.get(segments.header)
    return CompactJWS(
        header=_header(_segment(segments.header, 0), limit) if header is None else header,
        payload=_segment(segments.payload, len(segments.header) + 1),
        signature=_segment(segments.signature, len(segments.signing_input) + 1),
        signing_input=segments.signing_input,
    )


def split_compact_jws(token: str | bytes, *, limit: int = MAX_TOKEN_OCTETS) -> Segments:
    """Split a token into three segments, and decode none.

    Args:
        token: as above.
        limit: as above.

    Raises:
        FieldTooLong: `token` is longer than `limit`.
        GrammarError: there are not three segments.
    """
    # The bound first: base64 and JSON of a long token cost more than the count of its octets (python-jose CVE-2024-33664, threats T7).
    data = field_octets(token, limit)
    periods = data.count(b".")
    # Counted before it is split: a token of 16,384 periods would become a list of as many parts.
    if periods != _SEGMENTS - 1:
        what = "a JWS of three segments, and no JWE of five" if periods == _OF_JWE - 1 else "three segments, separated by periods"
        raise GrammarError(what, 0)
    header, payload, signature = data.split(b".")
    return Segments(header, payload, signature, data[: len(header) + 1 + len(payload)])


def _segment(text: bytes, start: int) -> bytes:
    try:
        # One spelling: with trailing bits ignored, one token would have several, and each would be a key of a cache (RFC 7515 §2).
        return decode_base64url(text)
    except GrammarError as error:
        raise GrammarError(error.expected, start + error.position) from None


def _header(octets: bytes, limit: int) -> dict[str, Any]:
    try:
        # Repeated members are refused (RFC 7515 §4): readers that keep the first and the last would see two algorithms.
        return parse_json_object(octets, limit=limit)
    except FieldTooLong:  # pragma: no cover - three quarters of a token that fits
        raise
    except GrammarError as error:
        raise GrammarError(f"a header with {error.expected}", 0) from None
