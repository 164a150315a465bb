"""Tests the composition of untrusted text to Normalization Form C."""

from __future__ import annotations

import sys
from unicodedata import combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.core import ask
from tests.support.wire import basic
from watchword import Basic, BasicCredentials
from watchword.checkers.names import canonical
from watchword.grammar.composed import MOST_MARKS, composed
from watchword.testing import FixedClock

BELOW, ABOVE, TIBETAN = "\u0316", "\u0301", "\u0f73"


@given(st.text(st.sampled_from(["a", "\u00e9", "\u1100", "\u1161", BELOW, ABOVE, TIBETAN, "\u0344", "\u212b"]), max_size=MOST_MARKS))
def test_usual_text_is_composed(text: str) -> None:
    """Text with up to thirty marks in a row is brought into Normalization Form C."""
    assert composed(text) == normalize("NFC", text)


@given(st.text(st.sampled_from(["a", "\u00e9", BELOW, ABOVE, TIBETAN, "\u0344"]), max_size=3 * MOST_MARKS))
def test_composing_is_idempotent(text: str) -> None:
    """Any composed text stays the same, so both sides of a comparison are equal."""
    assert composed(composed(text)) == composed(text)


@pytest.mark.parametrize("marks", [ABOVE + BELOW, ABOVE * 16 + BELOW * 16, TIBETAN, "\u0344"])
def test_a_row_of_many_marks_is_unchanged(marks: str) -> None:
    """Sorting the marks would take quadratic time: 50 ms for one header field."""
    text = "a" + marks * (MOST_MARKS + 1)
    assert normalize("NFC", text) != text
    assert composed(text) == text
    assert canonical(text) == text


def test_every_character_that_decomposes_into_marks_counts() -> None:
    """Checked for all characters in the Unicode of this Python: none makes a row longer than it looks."""
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        apart = normalize("NFD", character)
        if combining(apart[0]):
            text = "a" + (character + BELOW) * MOST_MARKS
            assert composed(text) == text, hex(number)


def test_basic_leaves_such_a_text_unchanged() -> None:
    """The scheme composes with the same function, so such a name or password is the same at both ends."""
    odd = "a" + (ABOVE + BELOW) * MOST_MARKS
    credentials = Basic(FixedClock, realm="x").extract(ask("/", basic(odd, f"e{ABOVE}{odd}")))
    assert credentials == BasicCredentials(odd, f"e{ABOVE}{odd}")
    assert Basic(FixedClock, realm="x").extract(ask("/", basic(f"e{ABOVE}", f"e{BELOW}{ABOVE}"))) == BasicCredentials("é", f"é{BELOW}")
