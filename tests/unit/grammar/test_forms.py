"""application/x-www-form-urlencoded (URL Standard §5.1)."""

from __future__ import annotations

import pytest

from watchword.grammar import parse_form


@pytest.mark.parametrize(
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
