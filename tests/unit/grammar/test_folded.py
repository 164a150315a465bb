"""Spellings that some directory takes for one name have one form, at a bounded cost."""

from __future__ import annotations

import sys
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.grammar.composed import folded


@given(st.text(max_size=40))
def test_what_others_do_to_names_makes_no_difference(name: str) -> None:
    """Case, each normal form, space around it; and once more is the same."""
    form = folded(name)
    for form_of in ("NFC", "NFD", "NFKC", "NFKD"):
        assert folded(normalize(form_of, name)) == form
    assert folded(f" {name}\t") == form
    assert folded(name.casefold()) == form
    assert folded(form) == form


@pytest.mark.long
def test_every_character_has_a_form_that_is_its_own() -> None:
    """All of Unicode, beside a letter."""
    for code in range(sys.maxunicode + 1):
        form = folded(f"a{chr(code)}b")
        assert folded(form) == form, hex(code)


def test_other_names_are_other_names() -> None:
    """Letters and digits stay."""
    assert len({folded(name) for name in ("ann", "amn", "an", "ann1", "\u0430nn", "\u0e01\u0e34", "\u0e01\u0e35")}) == 7


@pytest.mark.parametrize("part", ["\u0301", "a\u0301", "\ufdfa", "\u0f73", "\u1e9b\u0323", "\u0130", " "])
def test_the_cost_is_bounded(part: str) -> None:
    """Marks in a row are sorted by Python in quadratic time (UAX #15 §13)."""
    assert len(folded(part * 100_000)) <= 256
