"""Parses addresses and networks, and looks addresses up in sets of networks with one lookup per prefix length (RFC 4632, RFC 4291 §2.3)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

NEAR = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1", "fc00::/7")
"""Networks of proxies of one's own: loopback, private (RFC 1918, RFC 4193), link-local (RFC 3927), and that of clouds (RFC 6598)."""

_LONGEST_ADDRESS = 64  # characters; an IPv6 address has 45 and its zone 16 at most. Some servers take it from a field of the client

_Starts: TypeAlias = dict[int, set[int]]


class Networks:
    """A set of networks. IPv4 addresses mapped into IPv6 count as IPv4.

    Args:
        cidrs: networks such as `"10.0.0.0/8"`, or single addresses; empty: no address lies in it.

    Raises:
        ValueError: a string is not a network, has host bits set, or names a zone.
        TypeError: an element is not a string.
    """

    __slots__ = ("_prefixes",)

    def __init__(self, cidrs: Iterable[str]) -> None:
        self._prefixes: dict[int, _Starts] = {}
        for cidr in cidrs:
            found = parse_network(cidr)
            start = int(found.network_address) >> (found.max_prefixlen - found.prefixlen)
            self._prefixes.setdefault(found.version, {}).setdefault(found.prefixlen, set()).add(start)

    def contains(self, address: IPv4Address | IPv6Address | None) -> bool:
        """Tell whether an address lies in one of the networks; an unknown address lies in none.

        Args:
            address: the address, unwrapped if it was mapped.
        """
        if address is None:
            return False
        number, bits = int(address), address.max_prefixlen
        starts = self._prefixes.get(address.version, {})
        return any(number >> (bits - length) in found for length, found in starts.items())


# Bounded: each API key may have networks of its own, and a store may hold a million keys.
@lru_cache(maxsize=1024)
def networks_of(cidrs: tuple[str, ...]) -> Networks:
    """Return the networks that evidence names, closed by default: evidence with a malformed one counts from no network.

    Args:
        cidrs: of the evidence; from a checker.
    """
    try:
        return Networks(cidrs)
    except (ValueError, TypeError):
        return Networks(())


def parse_network(cidr: str) -> IPv4Network | IPv6Network:
    """Parse a network; one of mapped IPv4 addresses becomes the IPv4 network.

    Args:
        cidr: such as `"10.0.0.0/8"`.

    Raises:
        ValueError: it is not a network, has host bits set, or names a zone.
        TypeError: it is not a string.
    """
    from ipaddress import IPv6Network, ip_network  # on first use: few guards need it

    if not isinstance(cidr, str):
        raise TypeError("A network is a string")  # a number would be taken for an address
    if "%" in cidr:
        raise ValueError("Zones are not compared, so more would match than the text says")
    found = ip_network(cidr)
    if isinstance(found, IPv6Network) and found.prefixlen >= 96 and found.network_address.ipv4_mapped is not None:  # noqa: PLR2004 - ::ffff:0:0/96
        return ip_network((found.network_address.ipv4_mapped, found.prefixlen - 96))
    return found


def network_of(address: IPv4Address | IPv6Address | None, ipv4: int = 24, ipv6: int = 48) -> str:
    """Return the network of an address, such as `"192.0.2.0/24"`; empty: the address is unknown.

    Args:
        address: the address, unwrapped if it was mapped.
        ipv4: how many bits of an IPv4 address are kept.
        ipv6: how many bits of an IPv6 address are kept; a site has 48 (RFC 6177 §2).
    """
    if address is None:
        return ""
    bits = ipv4 if address.version == 4 else ipv6  # noqa: PLR2004 - the version
    # By hand: `ipaddress.ip_network` takes ten times as long, and this is done for each refusal that is logged.
    rest = address.max_prefixlen - bits
    return f"{type(address)(int(address) >> rest << rest)}/{bits}"


def parse_address(client: str | None) -> IPv4Address | IPv6Address | None:
    """Parse the address of a peer.

    Args:
        client: the address as the server states it; an IPv6 zone is dropped.

    Returns:
        The address, an IPv4 one unwrapped from `::ffff:a.b.c.d`; None: the text is not an address.
    """
    if not client or len(client) > _LONGEST_ADDRESS:
        return None
    from ipaddress import IPv6Address, ip_address  # on first use: only network rules ask

    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
