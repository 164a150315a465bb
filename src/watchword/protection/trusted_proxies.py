"""Determines the client behind trusted proxies from `Forwarded` (RFC 7239) or `X-Forwarded-*`, from right to left.

The peer of the connection is believed if it is listed, then the address that it states, and so on: the first address that is not listed is
the client. What stands to the left of it came from the client, and is not read.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

from watchword.errors import GrammarError
from watchword.field_index import canonical_name
from watchword.grammar import MAX_TOKEN_OCTETS, is_token, parse_byte_sequence
from watchword.grammar.forwarded import forwarded_elements, listed_from_right, parse_host, parse_node
from watchword.networks import Networks, parse_address, parse_network
from watchword.peer import Forwarded, Peer
from watchword.validators import check_bool, check_sequence, check_whole, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ipaddress import IPv4Address, IPv6Address

    from watchword.request import RequestView

Header: TypeAlias = Literal["x-forwarded-for", "forwarded"]

UNIX: Final = "unix"
"""Stands for a peer without an address, as those of a Unix socket are."""

FORWARDING_FIELDS: Final = frozenset(
    {
        *("forwarded", "x-forwarded-by", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix"),
        *(
            "x-forwarded-proto",
            "x-forwarded-scheme",
            "x-forwarded-server",
            "x-forwarded-ssl",
            "x-original-forwarded-for",
            "x-original-host",
        ),
        *("x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-envoy-external-address", "x-appengine-user-ip", "x-azure-clientip"),
        *("cf-connecting-ip", "cf-connecting-ipv6", "cf-pseudo-ipv4", "cf-visitor", "true-client-ip", "fastly-client-ip", "fly-client-ip"),
        *("do-connecting-ip", "x-proxyuser-ip", "x-url-scheme", "front-end-https", "x-scheme"),
    }
)
"""Fields by which proxies and clouds state the client, its scheme or the host, lower case."""

_FAMILY: Final[dict[Header, tuple[str, ...]]] = {
    "x-forwarded-for": ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"),
    "forwarded": ("forwarded",),
}
_SCHEMES: Final = {"http": ("http", "ws"), "https": ("https", "wss"), "ws": ("http", "ws"), "wss": ("https", "wss")}
_MOST_HOPS: Final = 32
_SHORTEST: Final = {4: 8, 6: 7}  # bits of the widest networks that an organisation has: 10.0.0.0/8 and fc00::/7
_LONGEST_USER: Final = 1024  # octets
_NO_USER: Final = FORWARDING_FIELDS | {"authorization", "client-cert", "cookie", "host", "proxy-authorization", "x-api-key"}


class TrustedProxies:
    """Believes the forwarding fields of listed peers, and of nobody else. For `Guard(proxies=...)`.

    Where a listed peer states no address, or something else (`unknown`, an obfuscated identifier, garbage), the client is unknown and lies
    in no network. It is never taken for the proxy.

    Args:
        networks: addresses and networks of the proxies, such as `["10.0.0.5", "192.0.2.0/24"]`, and `"unix"` for peers without an address.
        header: which fields the proxies write: `"x-forwarded-for"` with `X-Forwarded-Proto` and `-Host`, or `"forwarded"` (RFC 7239).
        hops: how many proxies there are at most between a client and the server; None: as many as are listed, 32 at most.
        host: whether pages of the service are at the Host that a proxy states, for the cross-site test. The application gets the Host as it
            came.
        client_cert: whether the proxies verify client certificates and hand them over in `Client-Cert` (RFC 9440).
        user: the field in which the proxies name the user whom they have authenticated, such as `"remote-user"`, in UTF-8; None: none.

    Raises:
        ConfigurationError: a network is malformed or so wide that clients lie in it (`0.0.0.0/0`, `*`); an argument is of another kind.

    Trust: each listed proxy must add to these fields or replace them, and pass none of them on as a client sent it. Whoever can connect
    from a listed address chooses its address, scheme, host, certificate and user. So do not list loopback on a machine with a browser.
    """

    __slots__ = (
        "_by_unix",
        "_hops",
        "_host",
        "_reads_certificate",
        "_trusted",
        "_user",
        "drops",
        "fields",
        "header",
        "networks",
    )

    def __init__(
        self,
        networks: Iterable[str],
        header: Header = "x-forwarded-for",
        hops: int | None = None,
        *,
        host: bool = True,
        client_cert: bool = False,
        user: str | None = None,
    ) -> None:
        listed = tuple(check_sequence("TrustedProxies(networks)", networks))
        if not listed:
            raise invalid("TrustedProxies(networks)", "name at least one proxy", listed, 'Write its address, such as ["10.0.0.5"].')
        if header not in get_args(Header):
            raise invalid("TrustedProxies(header=...)", 'be "x-forwarded-for" or "forwarded"', header)
        check_bool("TrustedProxies(host=...)", host)
        check_bool("TrustedProxies(client_cert=...)", client_cert)
        if user is not None and not (isinstance(user, str) and is_token(user) and canonical_name(user) == user and user not in _NO_USER):
            raise invalid("TrustedProxies(user=...)", 'be a field of an identity, in lower case with hyphens, such as "remote-user"', user)
        self.networks: tuple[str, ...] = listed
        self.header: Header = header
        self._trusted = Networks(_checked(network) for network in listed if network != UNIX)
        self._by_unix = UNIX in listed
        self._hops = _MOST_HOPS if hops is None else check_whole("TrustedProxies(hops=...)", hops, least=1, most=_MOST_HOPS, unit="proxies")
        self._host = host
        self._reads_certificate = client_cert
        self._user = user
        identity = (*(("client-cert",) if client_cert else ()), *((user,) if user else ()))
        self.fields: tuple[str, ...] = (*_FAMILY[header], *identity)
        self.drops: frozenset[str] = FORWARDING_FIELDS.difference(_FAMILY[header])

    def resolve(self, view: RequestView) -> Forwarded | None:
        """Return what the proxies state about a request; None: its peer is not listed, so the peer is the client.

        Args:
            view: the request as the server states it.
        """
        peer = parse_address(view.client)
        if not (self._trusted.contains(peer) if peer is not None else self._by_unix and not view.client):
            return None
        # Without a statement the client stays unknown: `Connection: X-Forwarded-For` makes some proxies leave the field out (threat H5).
        said = self._by_list(view) if self.header == "x-forwarded-for" else self._by_element(view)
        kinds = _SCHEMES.get((said.scheme or "").lower())
        certificate, user, malformed = self._identity(view)
        return Forwarded(
            client=None if said.address is None else str(said.address),
            scheme=None if kinds is None else kinds[view.scheme in {"ws", "wss"}],
            host=parse_host(said.host) if self._host and said.host else None,
            peer=Peer(certificate, proxy=view.client or UNIX, user=user),
            malformed=malformed,
        )

    def _by_list(self, view: RequestView) -> _Said:
        """Read X-Forwarded-For and its sisters, which are lists too where several proxies add to them."""
        listed = listed_from_right(view.field("x-forwarded-for") or "", self._hops)
        address, place = self._walk(map(parse_node, listed))
        scheme, host = (
            _at(listed_from_right(view.field(name) or "", _MOST_HOPS), place) for name in ("x-forwarded-proto", "x-forwarded-host")
        )
        return _Said(address, scheme, host)

    def _by_element(self, view: RequestView) -> _Said:
        """Read Forwarded, each element of which is what one proxy states about who connected to it."""
        value = (view.field("forwarded") or "").encode("latin-1", "replace")
        seen: list[dict[str, str]] = []

        def nodes() -> Iterator[IPv4Address | IPv6Address | None]:
            for element in forwarded_elements(value):
                if element is not None:
                    seen.append(element)
                yield None if element is None else parse_node(element.get("for", ""))

        address, _ = self._walk(nodes())
        last = seen[-1] if seen else {}
        return _Said(address, last.get("proto"), last.get("host"))

    def _walk(self, nodes: Iterator[IPv4Address | IPv6Address | None]) -> tuple[IPv4Address | IPv6Address | None, int]:
        """Return the address of the client and its place from the right, from 0; the leftmost one if all of them are proxies."""
        address, place = None, 0
        for place, address in enumerate(islice(nodes, self._hops)):  # noqa: B007 - both are read after the loop
            # What stands to its left was written by this address, and may be made up (threat H4).
            if not self._trusted.contains(address):
                break
        return address, place

    def _identity(self, view: RequestView) -> tuple[bytes | None, str | None, str]:
        """Return the certificate, the user, and the field among those two that cannot be read."""
        certificate: bytes | None = None
        shown = view.field("client-cert") if self._reads_certificate else None
        if shown is not None:
            try:
                certificate = parse_byte_sequence(shown, limit=MAX_TOKEN_OCTETS)
            except GrammarError:
                return None, None, "client-cert"
            if not certificate:
                return None, None, "client-cert"
        name = self._user
        named = view.field(name) if name is not None else None
        if name is None or not named:
            return certificate, None, ""
        try:
            user = named.encode("latin-1").decode()
        except UnicodeError:
            return None, None, name
        # A second field may be the client's, which the proxy has let pass.
        if name in getattr(view, "repeated", ()) or len(named) > _LONGEST_USER or not user.isprintable():
            return None, None, name
        return certificate, user, ""

    def __repr__(self) -> str:
        return f"TrustedProxies({list(self.networks)}, header={self.header!r})"


class _Said(NamedTuple):
    """What the proxies state, unchecked but for the address."""

    address: IPv4Address | IPv6Address | None
    scheme: str | None
    host: str | None


def _at(listed: list[str], place: int) -> str | None:
    """Return the statement of the proxy that named the client. A proxy that does not add to a list has replaced it by one value."""
    if len(listed) == 1:
        return listed[0]
    return listed[place] if place < len(listed) else None


def _checked(network: str) -> str:
    """Return a network that is not too wide to be one of proxies.

    Raises:
        ConfigurationError: it is, or it is malformed.
    """
    argument = "TrustedProxies(networks)"
    fix = 'Write the addresses of your proxies, such as ["10.0.0.5", "192.0.2.0/24"].'
    if network == "*":
        raise invalid(argument, "not trust every peer: any client could choose its address", network, fix)
    try:
        found = parse_network(network)
    except (ValueError, TypeError) as error:
        raise invalid(argument, f"hold addresses and networks ({error})", network, fix) from None
    if found.prefixlen < _SHORTEST[found.version]:
        raise invalid(argument, "name no network so wide that clients lie in it: any of them could choose its address", network, fix)
    return network


__all__ = ["FORWARDING_FIELDS", "UNIX", "TrustedProxies"]
