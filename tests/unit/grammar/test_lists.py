"""Comma-separated lists (RFC 9110 §5.6.1)."""

from __future__ import annotations

import pytest

from watchword.errors import GrammarError
from watchword.grammar import MAX_EMPTY_ELEMENTS
from watchword.grammar.lists import parse_list, split_outside_quotes
from watchword.grammar.rules import parse_token


def members(data: bytes, pos: int = 0) -> list[str]:
    """Return a list of tokens, the simplest elements there are."""
    found: list[str] = []

    def consume(data: bytes, pos: int) -> int:
        token, pos = parse_token(data, pos)
        found.append(token)
        return pos

    parse_list(data, pos, consume)
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b",", []),
        (b" , \t,", []),
        (b"a", ["a"]),
        (b"a,b", ["a", "b"]),
        (b"a \t,\t b", ["a", "b"]),
        (b",a", ["a"]),
        (b" ,a,", ["a"]),
        (b"a,, ,b,,", ["a", "b"]),
    ],
)
def test_empty_elements_are_skipped(data: bytes, expected: list[str]) -> None:
    """Elements come in order, without the empty ones and the whitespace around commas."""
    assert members(data) == expected


def test_a_list_starts_at_the_given_position() -> None:
    """Octets before the position are not read."""
    assert members(b"Digest a,b", 7) == ["a", "b"]


@pytest.mark.parametrize(
    ("before", "between", "after"), [(MAX_EMPTY_ELEMENTS, 0, 0), (0, MAX_EMPTY_ELEMENTS, 0), (0, 0, MAX_EMPTY_ELEMENTS), (10, 12, 10)]
)
def test_empty_elements_are_bounded(before: int, between: int, after: int) -> None:
    """Before, between and after the others, up to 32 elements of one list may be empty, and not one more."""
    fitting = b"," * before + b"a," + b"," * between + b"b" + b"," * after
    assert members(fitting) == ["a", "b"]
    for one_more in (b"," + fitting, fitting.replace(b"a,", b"a,,"), fitting + b","):
        with pytest.raises(GrammarError) as caught:
            members(one_more)
        assert "32 empty" in caught.value.expected


@pytest.mark.parametrize(("data", "position"), [(b"a b", 1), (b"a\tb", 1), (b'a"b"', 1), (b"a;b", 1), (b"a, b c", 4)])
def test_elements_are_separated_by_commas(data: bytes, position: int) -> None:
    """Anything else after an element is an error."""
    with pytest.raises(GrammarError) as caught:
        members(data)
    assert (caught.value.expected, caught.value.position) == ("a comma", position)


def test_whitespace_before_the_first_element_is_an_error() -> None:
    """OWS is part of the separator, so it may not stand before the first element (RFC 9110 §5.6.1.2)."""
    with pytest.raises(GrammarError):
        members(b"\ta")


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", [b""]),
        (b"a,b", [b"a", b"b"]),
        (b'a="x,y",b', [b'a="x,y"', b"b"]),
        (b'"\\",",b', [b'"\\","', b"b"]),
        (b'"\\\\",b', [b'"\\\\"', b"b"]),
        (b'a,"b,c', [b"a", b'"b,c']),
        (b'a,"b\\', [b"a", b'"b\\']),
        (b'a\\,b,"', [b"a\\", b"b", b'"']),
        (b'";",a;b', [b'";"', b"a;b"]),
        (b",,", [b"", b"", b""]),
        (b'"\n,",b', [b'"\n,"', b"b"]),
        (b'"\\\n,",b', [b'"\\\n,"', b"b"]),
    ],
)
def test_quoted_strings_are_not_split(data: bytes, parts: list[bytes]) -> None:
    """Only separators outside quoted-strings split; one that is not closed reaches to the end; nothing is lost."""
    assert split_outside_quotes(data, b",") == parts
    assert b",".join(parts) == data


def test_the_other_separator_splits_nothing() -> None:
    """Only the given separator splits a list."""
    assert split_outside_quotes(b'a,b;"c;d",e;f', b";") == [b"a,b", b'"c;d",e', b"f"]
