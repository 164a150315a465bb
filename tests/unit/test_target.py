"""Tests the path of a request target: absolute form and percent-decoding."""

from __future__ import annotations

import pytest

from watchword.target import decode_path, origin_form


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/x", b"/x"),
        (b"http://h/x", b"/x"),
        (b"https://h:443/x/y", b"/x/y"),
        (b"HtTp://h/x", b"/x"),
        (b"http://h", b"/"),
        (b"http://", b"/"),
        (b"http:///x", b"/x"),
        (b"httpx://h/x", b"httpx://h/x"),
        (b"ftp://h/x", b"ftp://h/x"),
        (b"h:443", b"h:443"),
        (b"*", b"*"),
        (b"", b""),
    ],
)
def test_the_path_of_an_absolute_form_follows_its_authority(raw: bytes, path: bytes) -> None:
    """Only http and https have an absolute form here (RFC 9112 §3.2.2)."""
    assert origin_form(raw) == path


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/a+b", "/a+b"),
        (b"/%2B", "/+"),
        (b"/%2520", "/%20"),
        (b"/%c3%a4", "/ä"),
        (b"/\xc3\xa4", "/ä"),
        (b"/%e4", "/\udce4"),
        (b"/\xe4", "/\udce4"),
        (b"/%zz%4", "/%zz%4"),
        (b"/%00", "/\0"),
    ],
)
def test_a_path_is_decoded_once_and_never_raises(raw: bytes, path: str) -> None:
    """Octets that are no UTF-8 stay recognisable as such."""
    assert decode_path(raw) == path
