"""The Cookie field (RFC 6265bis §4.2.1)."""

from __future__ import annotations

import pytest

from tests.support.each import each
from watchword.errors import ConfigurationError
from watchword.grammar import CookieReader, parse_cookies


@each(
    ("value", "pairs"),
    [
        ("", []),
        ("a=1", [("a", "1")]),
        ("a=1; b=2", [("a", "1"), ("b", "2")]),
        ("a=1;b=2;", [("a", "1"), ("b", "2")]),
        (" \ta=1 \t;\tb=2 ", [("a", "1"), ("b", "2")]),
        ("a=", [("a", "")]),
        ("a=b=c==", [("a", "b=c==")]),
        ("a=1; a=2; A=3", [("a", "1"), ("a", "2"), ("A", "3")]),
        ('a="1"', [("a", '"1"')]),
        ('a="1; b=2"', [("a", '"1'), ("b", '2"')]),
        ("a=1, b=2", [("a", "1, b=2")]),
        ('a={"b": [1]}', [("a", '{"b": [1]}')]),
        ("a=x\ty", [("a", "x\ty")]),
        ("a=\xe9", [("a", "\xe9")]),
        ("$Version=1; $Path=/; a=1", [("$Version", "1"), ("$Path", "/"), ("a", "1")]),
    ],
)
def test_every_pair_is_read_in_order(value: str, pairs: list[tuple[str, str]]) -> None:
    """Each pair comes as it was sent, duplicates and quotes included; a quote protects no semicolon."""
    assert parse_cookies(value) == parse_cookies(value.encode("latin-1")) == pairs


@each(
    "pair",
    [
        "",
        "a",
        "=",
        "=1",
        "=__Host-session=x",
        "a b=1",
        "a =1",
        "a,=1",
        '"a"=1',
        "é=1",
        "\xa0s=1",
        "\x85s=1",
        "s\xa0=1",
        "a=\0",
        "a=1\r\nX: y",
        "a=\x7f",
        "\x0bs=1",
    ],
)
def test_a_malformed_pair_is_skipped_alone(pair: str) -> None:
    """A pair without a token for a name, or with a control character, costs no other pair."""
    value = f"s=1; {pair}; t=2"
    assert parse_cookies(value) == parse_cookies(value.encode("latin-1")) == [("s", "1"), ("t", "2")]


@pytest.mark.parametrize("name", ["\u2000__Host-s", "__Host-s\u3000", "\N{LATIN SMALL LETTER LONG S}", "s\udcff"])
def test_a_character_that_is_no_octet_is_skipped(name: str) -> None:
    """A pair with a character above U+00FF, in its name or its value, cannot have come over HTTP and is skipped."""
    assert parse_cookies(f"{name}=1; t=2") == [("t", "2")]
    assert parse_cookies(f"s={name}; t=2") == [("t", "2")]


def test_R6265_4_2_2_1_two_cookies_of_one_name_are_both_seen() -> None:  # noqa: N802 - the id of the rule
    """Two cookies of one name are both returned, with any other pairs beside them."""
    pairs = parse_cookies("__Host-session=a; broken; =; __Host-session=b")
    assert pairs == [("__Host-session", "a"), ("__Host-session", "b")]


@pytest.mark.parametrize(
    ("value", "values", "left"),
    [
        ("", [], ""),
        ("a=1; key=x; b=2", ["x"], "a=1; b=2"),
        ("key=x; a=1", ["x"], "a=1"),
        ("a=1; key=x", ["x"], "a=1"),
        ("key=x;key=y", ["x", "y"], ""),
        ("key= x =y \t; a=1", [" x =y"], "a=1"),
        ("key=; key= \t; key", [], ""),
        ("key =x", [], ""),
        ("a=1;key=a\x01;b=2", [], "a=1; b=2"),
        ("xkey=1; keys=2; a=key=3; KEY=4; \xa0key=5", [], "xkey=1; keys=2; a=key=3; KEY=4; \xa0key=5"),
        ('a="; key=x; "', ["x"], 'a="; "'),
    ],
)
def test_one_cookie_is_read_and_removed(value: str, values: list[str], left: str) -> None:
    """A reader finds the same cookies as `parse_cookies`, ignores one without a value, and removes malformed ones of its name too."""
    reader = CookieReader(["key"])
    for form in (value, value.encode("latin-1")):
        assert reader.find(form, most=9) == [one.encode("latin-1") for one in values]
        assert reader.without(form) == left.encode("latin-1")


def test_no_more_cookies_are_returned_than_are_wanted() -> None:
    """Two cookies show that the name is ambiguous, so a thousand copies cost no more."""
    assert CookieReader(["a"]).find("a=1; " * 1000) == [b"1", b"1"]
    assert CookieReader(["a", "b.c"]).find("bxc=0; b.c=1; a=2", most=1) == [b"1"]


@pytest.mark.parametrize("names", [[], [""], ["a b"], [b"a"]])
def test_a_reader_of_cookies_needs_names(names: list[str]) -> None:
    """A reader without a name, or with one that is no token, is a configuration error."""
    with pytest.raises(ConfigurationError):
        CookieReader(names)


def test_a_field_with_too_many_copies_is_dropped() -> None:
    """Removing thousands of copies one by one would cost too much, and leaving one would forward it."""
    reader = CookieReader(["k"])
    assert reader.without("k=1; a=2; " * 999).count(b"a=2") == 999
    assert [reader.without("k=1; a=2; " * copies) for copies in (1000, 1001, 3000)] == [b""] * 3
