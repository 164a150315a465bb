"""Resolves names, and says which addresses may be connected to (threats T3).

A name is resolved once for each connection, every address is checked, and the connection goes to a checked address. A name that leads
elsewhere at the next look (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.errors import ConfigurationError, Unavailable
from watchword.networks import Networks, parse_address
from watchword.validators import check_sequence

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from watchword.url import Url

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""Takes the name of a host and a port, and returns addresses. It may block."""

_MOST_ADDRESSES: Final = 4
_RETRY_AFTER: Final = 5

# Not `is_global` of the standard library, whose tables differ between the patch releases of Python. The registries of IANA for special
# addresses, as of 2026: RFC 6890, RFC 8190, RFC 9637. Azure's 168.63.129.16 answers with secrets and looks public.
_NOT_PUBLIC_4: Final = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
    *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    "168.63.129.16/32",
)
_PUBLIC_6: Final = ("2000::/3",)  # RFC 4291 §2.4: nothing else is assigned for global unicast
_NOT_PUBLIC_6: Final = ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # of them, Teredo and 6to4 hold an IPv4 address
_NAT64: Final = IPv6Address("64:ff9b::")  # RFC 6052 §2.1


class Reach:
    """The addresses that may be connected to: public ones, and those of networks that the operator allowed.

    Args:
        argument: where the networks were given.
        allow: the networks, such as `["10.0.0.0/8"]`.

    Raises:
        ConfigurationError: a string is not a network.
    """

    def __init__(self, argument: str, allow: Iterable[str]) -> None:
        cidrs = check_sequence(argument, allow, example='["10.0.0.0/8"]')
        try:
            self._allowed = Networks(cidrs)
        except ValueError as error:
            raise ConfigurationError(f'{argument} must be networks, such as ["10.0.0.0/8"]: {error}.') from None

    def choose(self, url: Url, addresses: Sequence[str]) -> list[str]:
        """Return the addresses to connect to.

        Args:
            url: what is fetched.
            addresses: the addresses that its host resolves to; untrusted.

        Raises:
            Unavailable: there is none, or one of them may not be connected to. All count: a name of this network and of another is
                either a mistake or an attack.
        """
        for address in addresses:
            self._check(url, address)
        if not addresses:
            raise Unavailable(f"{url}: the name {url.host} has no address. Check the name.", retry_after=_RETRY_AFTER)
        return list(dict.fromkeys(addresses))[:_MOST_ADDRESSES]

    def _check(self, url: Url, text: str) -> None:
        address = _unwrapped(text)
        loopback = address is not None and address.is_loopback
        if url.scheme == "http" and not loopback:
            raise Unavailable(f"{url}: {url.host} is not this machine but {text}. Use https.", retry_after=_RETRY_AFTER)
        if address is None or not (self._allowed.contains(address) or (loopback and url.local) or _is_public(address)):
            remedy = f'If it is meant, allow it: Fetcher(allow=["{text.partition("%")[0]}"]).'
            raise Unavailable(f"{url}: {url.host} has the address {text}, which is not public. {remedy}", retry_after=_RETRY_AFTER)


def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the operating system resolves it.

    Args:
        host: the name.
        port: the port.
    """
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _unwrapped(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, an IPv4 one out of IPv6 where a gateway translates (RFC 6052)."""
    address = parse_address(text)
    if isinstance(address, IPv6Address) and int(address) >> 32 == int(_NAT64) >> 32:
        return parse_address(str(IPv6Address(int(address) & 0xFFFFFFFF | 0xFFFF << 32)))
    return address


@cache
def _networks() -> tuple[Networks, Networks]:
    return Networks([*_NOT_PUBLIC_4, *_NOT_PUBLIC_6]), Networks(_PUBLIC_6)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    closed, opened = _networks()
    return not closed.contains(address) and (address.version == 4 or opened.contains(address))  # noqa: PLR2004 - IPv4


__all__ = ["Reach", "Resolver", "resolve_by_system"]
