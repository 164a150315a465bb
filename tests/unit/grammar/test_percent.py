"""Percent-encoding (RFC 3986 §2.1)."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.grammar import has_stray_percent, percent_decode

pieces = st.lists(st.sampled_from([b"%", b"%4", b"%41", b"%zz", b"=", b"=41", b"==", b"=\r\n", b"\n", b"_", b"a", b"\xff", b"%0A", b"%3d"]))


@given(st.one_of(pieces.map(b"".join), st.binary()))
def test_percent_decoding_equals_the_standard_library(data: bytes) -> None:
    """`percent_decode` answers as `urllib.parse.unquote_to_bytes` does, for any octets."""
    assert percent_decode(data) == unquote_to_bytes(data)


@pytest.mark.parametrize(
    ("data", "stray"), [(b"", False), (b"%41%fF", False), (b"%", True), (b"%4", True), (b"%%41", True), (b"%4g", True)]
)
def test_a_stray_percent_sign_is_seen(data: bytes, stray: bool) -> None:  # noqa: FBT001 - a column of the table
    """A percent sign without two hexadecimal digits behind it is no escape."""
    assert has_stray_percent(data) is stray
