"""The compact serialization of a JWS (RFC 7515 §3.1, §7.1)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import base64
import json

import pytest

from tests.support.each import each
from watchword.errors import FieldTooLong, GrammarError
from watchword.grammar import MAX_TOKEN_OCTETS, decode_base64url, encode_base64url
from watchword.grammar.compact_jws import parse_compact_jws

HEADER = b'{"alg":"ES256"}'


def segment(octets: bytes) -> str:
    """Return one segment."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def under(header: bytes) -> str:
    """Return a token with this header."""
    return f"{segment(header)}.{P}.{S}"


H, P, S = segment(HEADER), segment(b"{}"), segment(b"\xff" * 64)


def test_R7515_C_the_example() -> None:
    """The octets of RFC 7515 Appendix C are written and read as printed there."""
    assert encode_base64url(bytes.fromhex("03ecffe0c1")) == b"A-z_4ME"
    assert decode_base64url("A-z_4ME") == bytes.fromhex("03ecffe0c1")


@each("length", range(40))
def test_octets_of_any_length_have_one_spelling(length: int) -> None:
    """Whatever is written is read back, and no other last character stands for the same octets."""
    octets = bytes(range(200, 200 + length))
    text = encode_base64url(octets).decode()
    assert text == segment(octets)
    read = []
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        try:
            read.append(decode_base64url(text[:-1] + last) == octets)
        except GrammarError:
            continue
    assert read.count(True) == (1 if length else 0)


@each(
    "text", ["A", "AA=", "AA==", "A A", "AA\n", "\nAA", "AB", "AAB", "A+z/4ME", "+-", "/_", "AA.", "é", "Ā", "AAAAA", "=", "AA\0", "AA%3D"]
)
def test_R7515_2_1_other_spellings(text: str) -> None:
    """Padding, whitespace, the other alphabet, trailing bits and lengths of no octets are errors."""
    with pytest.raises(GrammarError):
        decode_base64url(text)


def test_the_parts() -> None:
    """Header, payload, signature and what was signed come out as they were sent; payload and signature may be empty."""
    for token in (f"{H}.{P}.{S}", f"{H}.{P}.{S}".encode()):
        parts = parse_compact_jws(token)
        assert (parts.header, parts.payload, parts.signature) == (json.loads(HEADER), b"{}", b"\xff" * 64)
        assert parts.signing_input == f"{H}.{P}".encode()
    assert parse_compact_jws(f"{H}..").payload == b""
    assert parse_compact_jws(f"{H}..").signature == b""
    assert "{}" not in repr(parse_compact_jws(f"{H}.{P}.{S}"))


REFUSED = {
    "nothing": "",
    "one segment": H,
    "two segments": f"{H}.{P}",
    "four segments": f"{H}.{P}.{S}.",
    "five segments, a JWE": f"{H}.{P}.{S}.{S}.{S}",
    "six segments": f"{H}.{P}.{S}.{S}.{S}.{S}",
    "periods": "..",
    "no header": f".{P}.{S}",
    "a period in front": f".{H}.{P}.{S}",
    "padding of the header": f"{H}=.{P}.{S}",
    "padding of the payload": f"{H}.{P}=.{S}",
    "padding of the signature": f"{H}.{P}.{S}==",
    "a line break at the end": f"{H}.{P}.{S}\n",
    "a line break within": f"{H}.{P}.{S[:9]}\n{S[9:]}",
    "a space in front": f" {H}.{P}.{S}",
    "a space within": f"{H}. {P}.{S}",
    "the other alphabet": f"{H}.{P}.{S.replace('_', '/')}",
    "trailing bits": f"{H}.{P}.{S[:-1]}x",
    "a header that is an array": under(b"[]"),
    "a header that is a string": under(b"123"),
    "a header with a mark": under(b"\xef\xbb\xbf" + HEADER),
    "a header in UTF-16": under(HEADER.decode().encode("utf-16")),
    "a header with a repeated member": under(b'{"alg":"ES256","alg":"none"}'),
    "a header with a repeated member that is escaped": under(b'{"alg":"ES256","\\u0061lg":"none"}'),
    "a header with NaN": under(b'{"alg":"ES256","x":NaN}'),
    "a header that is deep": under(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "a header that is no JSON": under(b"alg"),
    "a header with more behind": under(HEADER + b"{}"),
    "the JSON serialization": json.dumps({"payload": P, "signatures": [{"protected": H, "signature": S}]}),
    "the flattened serialization": json.dumps({"payload": P, "protected": H, "signature": S}),
    "other letters": f"{H}.{P}.é",
    "letters beyond an octet": f"{H}.{P}.Ā",
    "half a pair": f"{H}.{P}.\ud800",
    "a NUL": f"{H}.{P}.{S}\0",
}


@each("name", REFUSED)
def test_R7519_1_1_only_the_compact_serialization(name: str) -> None:
    """Everything else is a GrammarError, of a str and of octets."""
    token = REFUSED[name]
    with pytest.raises(GrammarError):
        parse_compact_jws(token)
    with pytest.raises(GrammarError):
        parse_compact_jws(token.encode("utf-8", "surrogatepass"))


def test_the_length_is_tested_before_anything_is_decoded() -> None:
    """A token over the bound is too long, whatever it is; one of exactly the bound is read."""
    token = f"{H}.{P}."
    token += segment(b"\xff" * ((MAX_TOKEN_OCTETS - len(token)) * 3 // 4))
    assert len(parse_compact_jws(token, limit=len(token)).signature) > 12_000
    for long in ("x" * (MAX_TOKEN_OCTETS + 1), "." * 5_000_000, f"{H}.{P}.{'é' * 20_000}"):
        with pytest.raises(FieldTooLong):
            parse_compact_jws(long)
    with pytest.raises(FieldTooLong):
        parse_compact_jws(token, limit=len(token) - 1)
