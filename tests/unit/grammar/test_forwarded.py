"""Forwarded and X-Forwarded-For are read from the right, where no client writes (RFC 7239)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.grammar import MAX_FIELD_OCTETS
from watchword.grammar.forwarded import forwarded_elements, listed_from_right, parse_host, parse_node
from watchword.grammar.rules import is_token, quote_string

ELEMENTS = [
    # RFC 7239 §4
    (b'for="_gazonk"', [{"for": "_gazonk"}]),
    (b'For="[2001:db8:cafe::17]:4711"', [{"for": "[2001:db8:cafe::17]:4711"}]),
    (b"for=192.0.2.60;proto=http;by=203.0.113.43", [{"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}]),
    (b"for=192.0.2.43, for=198.51.100.17", [{"for": "198.51.100.17"}, {"for": "192.0.2.43"}]),
    # RFC 7239 §7.1
    (b'for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown', [{"for": "unknown"}, {"for": "[2001:db8:cafe::17]"}, {"for": "192.0.2.43"}]),
    (b"for=192.0.2.43 ;; proto=https", [{"for": "192.0.2.43", "proto": "https"}]),
    (b" , for=192.0.2.43,, ", [{"for": "192.0.2.43"}]),
    (b'for=192.0.2.43;host="a,b;c\\"d"', [{"for": "192.0.2.43", "host": 'a,b;c"d'}]),
    (b"", []),
]


@pytest.mark.parametrize(("value", "elements"), ELEMENTS)
def test_elements(value: bytes, elements: list[dict[str, str]]) -> None:
    """The last one first."""
    assert [*forwarded_elements(value)] == elements


@pytest.mark.parametrize(
    "value",
    [b"for", b"for=", b"for = 1", b"for=1 2", b'for="1', b"for=1;for=2", b"for=1;FOR=2", b"for=\xff", b"=1", b"for=1;;;\x00", b'"', b"\\"],
)
def test_malformed_elements(value: bytes) -> None:
    """They end the list, and what stands to their right counts."""
    assert [*forwarded_elements(value)] == [None]
    assert [*forwarded_elements(value + b", for=192.0.2.43")] == [{"for": "192.0.2.43"}, None]


PARAMETERS = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}", fullmatch=True),
    st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), max_size=12),
    min_size=1,
    max_size=3,
)


def written(parameters: dict[str, str]) -> bytes:
    """Return an element as a proxy that follows the RFC writes it."""
    return ";".join(f"{name}={value if is_token(value) else quote_string(value)}" for name, value in parameters.items()).encode()


@given(st.binary(max_size=60), st.lists(PARAMETERS, min_size=1, max_size=3))
def test_what_a_client_sends_changes_no_element_of_a_proxy(sent: bytes, added: list[dict[str, str]]) -> None:
    """Whatever stands to the left: open quotes, backslashes, other elements."""
    field = b", ".join([sent, *map(written, added)])
    few = [one if sum(value.count(",") for value in one.values()) <= 8 else None for one in reversed(added)]
    expected = few[: few.index(None)] if None in few else few
    assert [one for one, _ in zip(forwarded_elements(field), expected, strict=False)] == expected


@given(st.binary(max_size=300))
def test_any_octets_are_read(value: bytes) -> None:
    """Without an exception, and nothing follows a malformed element."""
    found = [*forwarded_elements(value)]
    assert None not in found[:-1]


def test_long_fields_are_read_from_the_end() -> None:
    """The first element of a field that is cut is not one."""
    field = b"for=203.0.113.1, " * 5000
    found = [*forwarded_elements(field + b"for=192.0.2.43")]
    assert found[:2] == [{"for": "192.0.2.43"}, {"for": "203.0.113.1"}]
    assert len(found) <= MAX_FIELD_OCTETS // len(b"for=203.0.113.1, ") + 2
    assert [*forwarded_elements(b"for=" + b"1" * MAX_FIELD_OCTETS)] == [None]
    assert [*forwarded_elements(b"," * MAX_FIELD_OCTETS)] == [None]


def test_lists_are_read_from_the_end() -> None:
    """As many as are asked for; empty ones do not count, and there are not many of them."""
    assert listed_from_right("a, b ,\tc", 2) == ["c", "b"]
    assert listed_from_right("a,,b,", 5) == ["b", "a"]
    assert listed_from_right("", 5) == []
    assert listed_from_right("x," * 5000 + "a", 3) == ["a", "x", "x"]
    assert listed_from_right("a" + "," * 5000, 3) == []
    assert listed_from_right("a" * (MAX_FIELD_OCTETS + 1), 3) == []


NODES = [
    ("192.0.2.43", "192.0.2.43"),
    ("192.0.2.43:47011", "192.0.2.43"),
    ("192.0.2.43:_port", "192.0.2.43"),
    ("[2001:db8::17]", "2001:db8::17"),
    ("[2001:db8::17]:47011", "2001:db8::17"),
    ("2001:db8::17", "2001:db8::17"),
    ("::ffff:192.0.2.43", "192.0.2.43"),
    ("[::ffff:192.0.2.43]:80", "192.0.2.43"),
]


@pytest.mark.parametrize(("text", "address"), NODES)
def test_nodes(text: str, address: str) -> None:
    """The port is left out."""
    assert parse_node(text) == ip_address(address)


@pytest.mark.parametrize(
    "text",
    [
        *("", "unknown", "_hidden", ":80", "192.0.2", "192.0.2.256", "192.0.2.043", "192.0.2.43:", "192.0.2.43:x", "192.0.2.43:123456"),
        *("[192.0.2.43]", "[2001:db8::17", "2001:db8::17]", "fe80::1%eth0", "[fe80::1%25eth0]", "[::1]x", "192.0.2.43 ", "0x7f.0.0.1"),
        *("3221226027", "localhost", "١٩٢.0.2.43", "192.0.2.43\n", "2001:db8::17:47011:1:2:3:4:5:6"),
    ],
)
def test_what_is_no_address(text: str) -> None:
    """It names no client."""
    assert parse_node(text) is None


def test_hosts() -> None:
    """A name or an address, and a port."""
    for host in ("shop.example", "shop.example:8443", "192.0.2.43", "[2001:db8::17]:80"):
        assert parse_host(host) == host
    for host in ("", "a b", "a/b", "a@b", "a,b", "a:b", "a:123456", "[::1", "a\nb", "ä", "a" * 256):
        assert parse_host(host) is None
