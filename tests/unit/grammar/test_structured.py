"""A byte sequence of Structured Fields (RFC 9651 §3.3.5, RFC 9440 §2.2)."""

from __future__ import annotations

import pytest

from watchword.errors import FieldTooLong, GrammarError
from watchword.grammar import MAX_FIELD_OCTETS, parse_byte_sequence


@pytest.mark.parametrize(("value", "octets"), [(":Zm9v:", b"foo"), (" \t:Zg==:\t", b"f"), ("::", b"")])
def test_a_byte_sequence_is_read(value: str, octets: bytes) -> None:
    """Base64 between colons is the octets it stands for."""
    assert parse_byte_sequence(value) == parse_byte_sequence(value.encode()) == octets


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("", 0),
        (":", 1),
        ("Zm9v", 0),
        (":Zm9v", 5),
        ("Zm9v:", 0),
        ('"Zm9v"', 0),
        (":Zm9v:, :Zm9v:", 5),
        (":Zm9v:,:Zm9v:", 5),
        (":Zm9v:;a=1", 10),
        ("  :Z!9v:", 4),
        (":Zg:", 3),
        (": Zm9v:", 1),
        ("-----BEGIN CERTIFICATE-----", 0),
        (":ZmĀ9v:", 3),
    ],
)
def test_anything_else_is_refused(value: str, position: int) -> None:
    """A list, parameters, PEM text and base64 with another spelling are errors at their position in the field value."""
    with pytest.raises(GrammarError) as caught:
        parse_byte_sequence(value)
    assert caught.value.position == position


def test_a_long_value_is_refused_unread() -> None:
    """The limit bounds the whole value and can be set."""
    value = ":" + "Zm9v" * (MAX_FIELD_OCTETS // 4) + ":"
    with pytest.raises(FieldTooLong):
        parse_byte_sequence(value)
    assert parse_byte_sequence(value, limit=len(value))[:3] == b"foo"
