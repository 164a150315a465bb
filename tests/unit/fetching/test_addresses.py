from __future__ import annotations

import pytest

from tests.support.each import each
from watchword import ConfigurationError, Unavailable
from watchword.fetching import configured_url
from watchword.fetching.addresses import Reach, resolve_by_system

URL = configured_url("x", "https://id.example.com/")
HERE = configured_url("x", "http://localhost:8080/")

PUBLIC = ["93.184.216.34", "1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:2800:220:1::1", "::ffff:1.1.1.1", "64:ff9b::101:101", "2a00::1"]
CLOSED = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # the metadata of Alibaba's cloud
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # of Azure
    "169.254.169.254",  # of nearly all others
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # of Oracle's
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "::a00:1",
    "fc00::1",
    "fd00:ec2::254",  # of Amazon's, by IPv6
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "100::1",
    "not an address",
    "",
]


@each("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    """Addresses of the internet need no permission."""
    assert Reach("x", ()).choose(URL, [address]) == [address]


@each("address", CLOSED)
def test_other_addresses_are_refused(address: str) -> None:
    """Neither this machine, nor its network, nor the metadata of a cloud is connected to, however the address is written."""
    for answer in ([address], ["1.1.1.1", address], [address, "1.1.1.1"]):
        with pytest.raises(Unavailable, match="not public"):
            Reach("x", ["10.9.0.0/16"]).choose(URL, answer)


def test_allowed_networks_are_reached() -> None:
    """What the operator allows is reached, and nothing beside it."""
    reach = Reach("x", ["10.0.0.0/8", "fd00::/8", "127.0.0.2"])
    assert reach.choose(URL, ["10.1.2.3", "::ffff:10.9.9.9", "fd00::1", "127.0.0.2"]) == [
        "10.1.2.3",
        "::ffff:10.9.9.9",
        "fd00::1",
        "127.0.0.2",
    ]
    for address in ("11.0.0.1", "192.168.0.1", "127.0.0.1"):
        if address == "11.0.0.1":
            assert reach.choose(URL, [address])
        else:
            with pytest.raises(Unavailable, match=r'allow=\["'):
                reach.choose(URL, [address])


def test_http_is_for_this_machine() -> None:
    """A URL that names this machine reaches it, and leads nowhere else by http, whatever the name resolves to."""
    assert Reach("x", ()).choose(HERE, ["::1", "127.0.0.1"]) == ["::1", "127.0.0.1"]
    for address in ("1.1.1.1", "10.0.0.1", "nonsense"):
        with pytest.raises(Unavailable, match="Use https"):
            Reach("x", ["10.0.0.0/8"]).choose(HERE, ["127.0.0.1", address])


def test_few_addresses_are_tried() -> None:
    """A name with many addresses costs few attempts; each of them is checked all the same."""
    many = [f"1.1.1.{number}" for number in range(40)]
    assert Reach("x", ()).choose(URL, [*many, "1.1.1.0"]) == many[:4]
    with pytest.raises(Unavailable, match=r"10\.0\.0\.1"):
        Reach("x", ()).choose(URL, [*many, "10.0.0.1"])
    with pytest.raises(Unavailable, match="no address"):
        Reach("x", ()).choose(URL, [])


@each("allow", ["10.0.0.0/8", ["10.0.0.1/8"], ["nonsense"], [7], None, ["fe80::1%eth0"]])
def test_what_is_allowed_must_be_networks(allow: object) -> None:
    """A mistake in the networks is found when they are given."""
    with pytest.raises(ConfigurationError, match=r"Fetcher\(allow=...\) must be"):
        Reach("Fetcher(allow=...)", allow)  # type: ignore[arg-type]


def test_the_system_resolves() -> None:
    """Addresses come from the resolver of the system."""
    assert set(resolve_by_system("localhost", 80)) <= {"127.0.0.1", "::1"}
