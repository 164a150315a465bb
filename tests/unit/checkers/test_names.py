"""One form of each name."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from watchword import ConfigurationError
from watchword.checkers.names import canonical, user_name


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("ann", "ann"),
        ("Ann", "Ann"),
        (" ann ", " ann "),
        ("", ""),
        ("cafe\u0301", "caf\u00e9"),
        ("caf\u00e9", "caf\u00e9"),
        ("\u212b", "\u00c5"),  # the Angstrom sign, and the letter
        ("\u1e9b\u0323", "\u1e9b\u0323"),
        ("\ufb01", "\ufb01"),  # a ligature is not taken apart: NFC and not NFKC
        ("\uff21", "\uff21"),  # neither is a wide letter made a plain one
        ("\ud800", "\ud800"),
    ],
)
def test_the_form_is_nfc_with_its_case(name: str, form: str) -> None:
    """Canonical equivalents are one name; compatible ones, and letters of another case, are others (RFC 7617 §2.1)."""
    assert canonical(name) == form


@given(st.text())
def test_the_form_is_its_own_form(name: str) -> None:
    """Twice is once, and every canonical equivalent has the same."""
    form = canonical(name)
    assert canonical(form) == form == normalize("NFC", name)
    assert canonical(normalize("NFD", name)) == form


@pytest.mark.parametrize("name", ["ann", " ", "Ann Example", "a@b.example", "DOMAIN\\ann", "\x80", "\u00a0", "\U0001f511", "x" * 1024])
def test_what_basic_can_send_is_a_user_name(name: str) -> None:
    """Everything but colons and controls: what else is odd is for the operator to say."""
    assert user_name(name) == name


def test_a_user_name_is_canonical() -> None:
    """As it will be looked up."""
    assert user_name("cafe\u0301") == "caf\u00e9"


@each(
    ("name", "message"),
    [
        ("", "a user name must be a non-empty string, got ''"),
        (None, "a user name must be a non-empty string, got None"),
        (7, "a user name must be a non-empty string, got 7"),
        (b"ann", "a user name must be a non-empty string, got b'ann'"),
        ("ann:s3cret", "the user name that begins with 'ann' cannot be sent in Basic .* Remove the colon"),
        (":s3cret", "the user name that begins with '' cannot be sent"),
        *((f"a{chr(code)}", "Remove the control character") for code in (*range(32), 127)),
        ("a\ud800", "Remove the lone surrogate"),
        ("\udfffa", "Remove the lone surrogate"),
    ],
)
def test_what_basic_cannot_send_is_a_mistake(name: object, message: str) -> None:
    """The message says what is wrong, and shows nothing from a colon on, which may be a password."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        user_name(name)  # type: ignore[arg-type]  # the mistake itself
    assert "s3cret" not in str(caught.value)
