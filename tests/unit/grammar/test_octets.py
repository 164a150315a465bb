"""Tests the conversion of field values to octets."""

from __future__ import annotations

import pytest

from watchword.errors import FieldTooLong, GrammarError
from watchword.grammar.octets import field_octets, lenient_octets, strict_octets

EVERY_OCTET = bytes(range(256))


def test_a_character_stands_for_an_octet() -> None:
    """A `str` of WSGI (PEP 3333) and the `bytes` of ASGI give the same octets."""
    for octets in (field_octets, lambda value, _: strict_octets(value), lambda value, _: lenient_octets(value)):
        assert octets(EVERY_OCTET, 256) == octets(EVERY_OCTET.decode("latin-1"), 256) == EVERY_OCTET


def test_a_character_above_u00ff_is_refused() -> None:
    """A character that stands for no octet is an error at its position."""
    with pytest.raises(GrammarError) as caught:
        strict_octets("Bearer aĀ")
    assert caught.value.position == 8


def test_the_refusal_keeps_no_credential() -> None:
    """The value does not survive in the chain of the exception: a UnicodeEncodeError would carry it."""
    with pytest.raises(GrammarError) as caught:
        strict_octets("Bearer hunter2Ā")
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("value", ["aé", b"a\xe9"], ids=["str", "bytes"])
def test_length_is_bounded(value: str | bytes) -> None:
    """A value as long as the bound passes; one octet more is too long, and says the bound."""
    assert field_octets(value, 2) == b"a\xe9"
    with pytest.raises(FieldTooLong) as caught:
        field_octets(value, 1)
    assert caught.value.limit == 1


def test_length_is_checked_first() -> None:
    """A value that is too long is refused without being encoded."""
    with pytest.raises(FieldTooLong):
        field_octets("Ā" * 11, 10)


def test_the_lenient_reader_replaces_other_characters() -> None:
    """It gives "?" for a character above U+00FF and for a lone surrogate."""
    assert lenient_octets("aĀ\udcff") == b"a??"
