"""The language that a client likes best."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from watchword.grammar.languages import MAX_LANGUAGE_OCTETS, MAX_LANGUAGES, preferred_language

OFFERED = ("en", "de", "fr", "zh-hant")


@each(
    ("accept", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-CH-1996", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("da, en-gb;q=0.8, fr;q=0.7", "en"),
        ("de;q=0.5, fr", "fr"),
        ("de;q=0.5, fr;q=0.5", "de"),
        ("de; q=0.001 ,fr;q=0", "de"),
        ("de;q=0", "en"),
        ("de-AT, de;q=0", "en"),
        ("de;q=0, de-AT, fr;q=0.1", "fr"),
        ("*", "en"),
        ("*, de", "en"),
        ("*;q=0.1, de", "de"),
        ("*;q=0.9, de;q=0.1", "en"),
        ("zh-Hant-TW", "zh-hant"),
        ("zh-Hant-TW-x-private1", "zh-hant"),
        ("zh", "en"),
        ("ru, nl, x", "en"),
        # malformed members are skipped, and the rest counts
        ("de;q=2, fr;q=0.1", "fr"),
        ("de_DE, fr;q=0.1", "fr"),
        ("-, , ;, =, fr;q=0.1", "fr"),
        ("dededeede, fr;q=0.1", "fr"),
        ("d\xe9, fr;q=0.1", "fr"),
        ("d*, fr;q=0.1", "fr"),
        (b"fr", "fr"),
    ],
)
def test_the_language_is_looked_up_by_weight(accept: Any, language: str) -> None:
    """Each range, by its weight, then without its last parts (RFC 4647 section 3.4); the default where none leads to a language."""
    assert preferred_language(accept, OFFERED) == language


def test_what_is_too_long_is_not_read() -> None:
    """A field of the bound is read, one more octet or range is not."""
    assert preferred_language("de" + " " * (MAX_LANGUAGE_OCTETS - 2), OFFERED) == "de"
    assert preferred_language("de" + " " * (MAX_LANGUAGE_OCTETS - 1), OFFERED) == "en"
    assert preferred_language("x," * (MAX_LANGUAGES - 1) + "de", OFFERED) == "de"
    assert preferred_language("x," * MAX_LANGUAGES + "de", OFFERED) == "en"
    assert preferred_language("de," * 100_000, OFFERED) == "en"


@given(st.text(st.characters(max_codepoint=255)) | st.text("ed-*;q=0.1,\t frx") | st.binary())
def test_whatever_is_sent_one_of_them_is_chosen(accept: str | bytes) -> None:
    """It never raises."""
    assert preferred_language(accept, OFFERED) in OFFERED
