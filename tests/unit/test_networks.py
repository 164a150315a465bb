"""Tests sets of networks, and the parsing of networks and addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from watchword.networks import Networks, parse_address, parse_network

v4 = st.ip_addresses(v=4)
v6 = st.ip_addresses(v=6)


@st.composite
def near_networks(draw: st.DrawFn) -> tuple[list[IPv4Network | IPv6Network], IPv4Address | IPv6Address]:
    """Return networks, and an address that is in one of them as often as not."""
    address = draw(v4 | v6)
    found: list[IPv4Network | IPv6Network] = []
    for base in draw(st.lists(st.just(address) | v4 | v6, max_size=5)):
        length = draw(st.integers(0, base.max_prefixlen))
        network = ip_network((base, length), strict=False)
        if network.version == 4 or network.prefixlen < 96 or network.network_address.ipv4_mapped is None:
            found.append(network)
    return found, address


@given(near_networks())
def test_an_address_is_held_if_one_of_the_networks_has_it(given: tuple[list[IPv4Network | IPv6Network], IPv4Address | IPv6Address]) -> None:
    """As `ipaddress` has it, for any set of networks of both versions."""
    networks, address = given
    expected = any(address in network for network in networks if network.version == address.version)
    assert Networks(map(str, networks)).contains(address) is expected


@each(
    ("cidrs", "address", "held"),
    [
        (["10.0.0.0/8"], "10.0.0.0", True),
        (["10.0.0.0/8"], "10.255.255.255", True),
        (["10.0.0.0/8"], "9.255.255.255", False),
        (["10.0.0.0/8"], "11.0.0.0", False),
        (["10.0.0.1"], "10.0.0.1", True),
        (["10.0.0.1"], "10.0.0.2", False),
        (["0.0.0.0/0"], "203.0.113.7", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "203.0.113.7", False),
        (["::/0"], "2001:db8::1", True),
        (["2001:db8::/32"], "2001:db8:ffff::", True),
        (["2001:db8::/32"], "2001:db9::", False),
        (["::ffff:10.0.0.0/104"], "10.1.2.3", True),
        (["::ffff:10.0.0.0/104"], "11.1.2.3", False),
        (["::ffff:0:0/96"], "203.0.113.7", True),
        (["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"], "192.0.2.7", True),
        ([], "10.0.0.1", False),
    ],
)
def test_an_address_in_a_set_of_networks(cidrs: list[str], address: str, held: bool) -> None:  # noqa: FBT001 - what the table says
    """The edges of a network, single addresses, all addresses, mapped ones, and the empty set."""
    assert Networks(cidrs).contains(ip_address(address)) is held


def test_an_unknown_address_lies_in_no_network() -> None:
    """Not even in 0.0.0.0/0 (S7)."""
    assert Networks(["0.0.0.0/0", "::/0"]).contains(None) is False


def test_many_networks_cost_one_lookup_for_each_length() -> None:
    """A thousand of one length are one set."""
    networks = Networks(f"10.{number // 256}.{number % 256}.0/24" for number in range(1000))
    assert list(networks._prefixes) == [4]
    assert {length: len(starts) for length, starts in networks._prefixes[4].items()} == {24: 1000}
    assert networks.contains(ip_address("10.3.231.9"))
    assert not networks.contains(ip_address("10.3.232.9"))


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " ",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0",
        "10.0.0.0/8 ",
        "010.0.0.1",
        "::/129",
        "fe80::1%eth0",
        "fe80::%1/64",
        "example.com",
        "a/b/c",
        "10/8",
    ],
)
def test_malformed_networks_are_refused(wrong: str) -> None:
    """Host bits, wrong lengths, zones, names, and obsolete notations."""
    with pytest.raises(ValueError, match=r"."):
        parse_network(wrong)
    with pytest.raises(ValueError, match=r"."):
        Networks(["10.0.0.0/8", wrong])


@pytest.mark.parametrize("wrong", [None, 7, 167772160, b"\x0a\0\0\1", ip_network("10.0.0.0/8"), ("10.0.0.0", 8)])
def test_a_network_must_be_text(wrong: object) -> None:
    """A number would be read as an address."""
    with pytest.raises(TypeError, match="A network is a string"):
        parse_network(wrong)  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.parametrize(
    ("cidr", "network"),
    [
        ("10.0.0.0/8", IPv4Network("10.0.0.0/8")),
        ("10.0.0.1", IPv4Network("10.0.0.1/32")),
        ("2001:db8::/32", IPv6Network("2001:db8::/32")),
        ("::ffff:10.0.0.0/104", IPv4Network("10.0.0.0/8")),
        ("::ffff:10.0.0.1", IPv4Network("10.0.0.1/32")),
        ("::ffff:0:0/96", IPv4Network("0.0.0.0/0")),
        ("::/0", IPv6Network("::/0")),
        ("::fffe:0:0/95", IPv6Network("::fffe:0:0/95")),
    ],
)
def test_mapped_networks_are_the_ipv4_networks_that_they_are(cidr: str, network: IPv4Network | IPv6Network) -> None:
    """From `::ffff:0:0/96` on (RFC 4291 §2.5.5.2); wider ones hold more than mapped addresses."""
    assert parse_network(cidr) == network


@each(
    ("client", "address"),
    [
        ("192.0.2.7", IPv4Address("192.0.2.7")),
        ("2001:db8::1", IPv6Address("2001:db8::1")),
        ("::ffff:192.0.2.7", IPv4Address("192.0.2.7")),
        ("::FFFF:c000:207", IPv4Address("192.0.2.7")),
        ("fe80::1%eth0", IPv6Address("fe80::1")),
        ("::1", IPv6Address("::1")),
        (None, None),
        ("", None),
        ("unix:", None),
        ("localhost", None),
        ("192.0.2.7:80", None),
        ("[::1]", None),
        ("192.0.2.07", None),
        ("192.0.2.256", None),
        ("%eth0", None),
        ("１92.0.2.7", None),  # noqa: RUF001 - a full-width digit
    ],
)
def test_an_address_is_read_strictly_and_unwrapped(client: str | None, address: object) -> None:
    """IPv4 mapped into IPv6 is IPv4, a zone is dropped, and any other text is None."""
    assert parse_address(client) == address
