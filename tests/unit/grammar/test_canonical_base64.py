"""Strict base64 (RFC 4648 §3.3, §3.5, §4)."""

from __future__ import annotations

import base64

import pytest

from tests.support.each import each
from watchword.errors import GrammarError
from watchword.grammar import decode_base64

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@pytest.mark.parametrize(
    ("text", "octets"),
    [("", b""), ("Zg==", b"f"), ("Zm8=", b"fo"), ("Zm9v", b"foo"), ("Zm9vYg==", b"foob"), ("Zm9vYmE=", b"fooba"), ("Zm9vYmFy", b"foobar")],
)
def test_the_vectors_of_rfc_4648_decode(text: str, octets: bytes) -> None:
    """The test vectors of RFC 4648 §10 decode, from `str` and from `bytes`."""
    assert decode_base64(text) == decode_base64(text.encode()) == octets


@each(
    ("text", "position"),
    [
        ("Zg", 2),
        ("Zg=", 2),
        ("Z", 1),
        ("Zg===", 2),
        ("Zg==Zg==", 2),
        ("Zh==", 2),
        ("Zm9=", 3),
        ("=", 0),
        ("====", 0),
        ("Zm9v=", 4),
        ("Z-8=", 1),
        ("Z_8=", 1),
        ("Zm9v\n", 4),
        ("Zm 9v", 2),
        ("Zm9v!", 4),
        (" Zm9v", 0),
        ("Zé8=", 1),
        ("ZĀ8=", 1),
    ],
)
def test_only_one_spelling_decodes(text: str, position: int) -> None:
    """Missing or excess padding, trailing bits, the URL alphabet, whitespace and foreign characters are errors with a position."""
    with pytest.raises(GrammarError) as caught:
        decode_base64(text)
    assert caught.value.position == position


@pytest.mark.parametrize("octets", [b"\0", b"\0\0", b"\xff\xfe"])
def test_every_other_spelling_of_the_last_group_is_refused(octets: bytes) -> None:
    """Of all four-character groups that a lenient decoder takes for the same octets exactly one is accepted."""
    padding = "=" * (3 - len(octets))
    accepted = []
    stem = base64.b64encode(octets).decode().rstrip("=")[:-1]
    for last in ALPHABET:
        spelling = stem + last + padding
        if base64.b64decode(spelling) != octets:
            continue
        try:
            decode_base64(spelling)
        except GrammarError:
            continue
        accepted.append(spelling)
    assert accepted == [base64.b64encode(octets).decode()]


def test_the_error_keeps_no_credential() -> None:
    """A refused value may be a secret: neither the error nor its chain holds it."""
    with pytest.raises(GrammarError) as caught:
        decode_base64("aHVudGVyMg")
    assert caught.value.__context__ is None
    assert "aHVu" not in repr(caught.value)
