"""application/x-www-form-urlencoded (URL Standard §5.1)."""

from __future__ import annotations

import pytest

from tests.support.each import each
from watchword.errors import ConfigurationError
from watchword.grammar import FormReader, parse_form


@each(
    ("data", "pairs"),
    [
        (b"", []),
        (b"a=1", [(b"a", b"1")]),
        (b"a=1&b=2", [(b"a", b"1"), (b"b", b"2")]),
        (b"&a=1&&b=2&", [(b"a", b"1"), (b"b", b"2")]),
        (b"access_token=a&access_token=a", [(b"access_token", b"a")] * 2),
        (b"a", [(b"a", b"")]),
        (b"a=", [(b"a", b"")]),
        (b"=", [(b"", b"")]),
        (b"=a", [(b"", b"a")]),
        (b"a=b=c", [(b"a", b"b=c")]),
        (b"a+b=c+d", [(b"a b", b"c d")]),
        (b"%61%3D=%26%2B", [(b"a=", b"&+")]),
        (b"a=%e2%82%AC", [(b"a", b"\xe2\x82\xac")]),
        (b"a=%", [(b"a", b"%")]),
        (b"a=%2", [(b"a", b"%2")]),
        (b"a=%zz%4G%+1", [(b"a", b"%zz%4G% 1")]),
        (b"a=%%41", [(b"a", b"%A")]),
        (b"a=%2541", [(b"a", b"%41")]),
        (b"a=%00", [(b"a", b"\0")]),
        (b"a;b=1", [(b"a;b", b"1")]),
        (b"a=\xff\r\n", [(b"a", b"\xff\r\n")]),
    ],
)
def test_a_form_is_read_as_the_standard_says(data: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    """Names and values come as octets in order, "+" and percent-encoding undone, an invalid escape left as it is."""
    assert parse_form(data) == parse_form(data.decode("latin-1")) == pairs


def test_a_character_above_u00ff_stands_for_its_utf8() -> None:
    """In a `str` a character up to U+00FF is an octet and any other its UTF-8, lone surrogates included."""
    assert parse_form("a=éÿĀ€") == [(b"a", b"\xe9\xff\xc4\x80\xe2\x82\xac")]
    assert parse_form("\udcff=1") == [(b"\xed\xb3\xbf", b"1")]


@pytest.mark.parametrize(
    ("data", "values", "left"),
    [
        (b"", [], b""),
        (b"a=1&key=x&b=2", [b"x"], b"a=1&b=2"),
        (b"key=x", [b"x"], b""),
        (b"key", [b""], b""),
        (b"key=", [b""], b""),
        (b"key=a=b%3D", [b"a=b%3D"], b""),
        (b"%6bey=x&k%65y=y&%6B%65%79=z", [b"x", b"y", b"z"], b""),
        (b"keys=x&ke=y&a=key&=key&xkey=1&key%00=1", [], b"keys=x&ke=y&a=key&=key&xkey=1&key%00=1"),
        (b"&&key=x&&a=1&", [b"x"], b"&&&a=1&"),
        (b"%2526key=x", [], b"%2526key=x"),
        (b"a=%26key=x", [], b"a=%26key=x"),
        (b"100%=1&100%25=2", [], b"100%=1&100%25=2"),
    ],
)
def test_one_parameter_is_read_and_removed(data: bytes, values: list[bytes], left: bytes) -> None:
    """A reader finds a name in any spelling, returns the values as sent, and removes exactly these parameters."""
    reader = FormReader([b"key"])
    assert reader.find(data, most=9) == values
    assert reader.without(data) == left


@pytest.mark.parametrize("name", [b"100%", b"a b", b"a+b", b"a=b", b"a&b", b"\xc3\xa9", b"%41", b"a.b[0]"])
def test_any_name_can_be_read(name: bytes) -> None:
    """A name that holds what separates, or what is an escape, is found as `parse_form` reads it."""
    escaped = b"".join(b"%%%02X" % octet for octet in name)
    for data in (name + b"=1", escaped + b"=1", name.replace(b" ", b"+") + b"=1"):
        assert len(FormReader([name]).find(data)) == sum(found == name for found, _ in parse_form(data)), data


def test_no_more_values_are_returned_than_are_wanted() -> None:
    """Two values show that the parameter is repeated, so a thousand copies cost no more."""
    assert FormReader([b"a"]).find(b"a=1&" * 1000) == [b"1", b"1"]
    assert FormReader([b"a", b"b"]).find(b"b=1&a=2&", most=1) == [b"1"]


@pytest.mark.parametrize("names", [[], [b""], [b"a", b""]])
def test_a_reader_of_forms_needs_names(names: list[bytes]) -> None:
    """A reader without a name, or with an empty one, is a configuration error."""
    with pytest.raises(ConfigurationError):
        FormReader(names)


def test_a_form_with_too_many_copies_is_dropped() -> None:
    """Removing thousands of copies one by one would cost too much, and leaving one would forward it."""
    reader = FormReader([b"k"])
    assert reader.without(b"k=1&a=2&" * 999) == b"a=2&" * 999
    assert [reader.without(b"k=1&a=2&" * copies) for copies in (1000, 1001, 3000)] == [b""] * 3
