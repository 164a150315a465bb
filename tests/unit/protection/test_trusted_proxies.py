"""Listed proxies are believed from right to left, and nothing else is."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.support.wire import Request, asgi_scope, wsgi_environ
from watchword import ConfigurationError, RequestView, TrustedProxies
from watchword.peer import Forwarded, Peer

INNER, OUTER, CLIENT = "10.0.0.1", "10.0.0.2", "198.51.100.9"
PROXIES = ["10.0.0.0/8", "2001:db8::/32"]


def resolved(proxies: TrustedProxies, *headers: tuple[str, str], client: str | None = INNER, scheme: str = "http") -> Forwarded | None:
    """Return what is found out about a request."""
    return proxies.resolve(RequestView("GET", "/", list(headers), client=client, scheme=scheme))


def client_of(value: str, *, header: Any = "x-forwarded-for", hops: int | None = None) -> str | None:
    """Return the client that a field names, which came from a listed proxy."""
    said = resolved(TrustedProxies(PROXIES, header, hops), (header, value))
    assert said is not None
    return said.client


LISTS = [
    ("198.51.100.9", CLIENT),
    ("203.0.113.1, 198.51.100.9", CLIENT),  # the first one is the word of the client
    ("203.0.113.1, 198.51.100.9, 10.0.0.2", CLIENT),
    ("10.0.0.7, 198.51.100.9, 10.0.0.2", CLIENT),
    ("198.51.100.9:1234, 10.0.0.2:80", CLIENT),
    ("[2001:db8::1]:443, 10.0.0.2", "2001:db8::1"),  # all of them are proxies: the leftmost was written by one, too
    ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ("::ffff:198.51.100.9, ::ffff:10.0.0.2", CLIENT),
    ("198.51.100.9, unknown", None),
    ("198.51.100.9, garbage, 10.0.0.2", None),
    ("198.51.100.9, fe80::1%eth0", None),
    ("198.51.100.9, :8080", None),
    ("", None),
    (",", None),
]


@pytest.mark.parametrize(("value", "client"), LISTS)
def test_the_client_in_lists(value: str, client: str | None) -> None:
    """In both fields, for what both can state."""
    assert client_of(value) == client
    elements = ", ".join(f'for="{part.strip()}"' for part in value.split(",") if part.strip())
    assert client_of(elements, header="forwarded") == client


def test_a_proxy_that_states_nothing_is_not_the_client() -> None:
    """`Connection: X-Forwarded-For` makes some proxies leave the field out (threat H5)."""
    for header in ("x-forwarded-for", "forwarded"):
        said = resolved(TrustedProxies(PROXIES, header))
        assert said == Forwarded(None, peer=Peer(proxy=INNER))


def test_nobody_else_is_believed() -> None:
    """Nor is a peer without an address, unless Unix sockets are listed."""
    sent = ("X-Forwarded-For", CLIENT)
    for peer in (CLIENT, "10.0.0.1.evil", "", None, "testclient", "x" * 10_000):
        assert resolved(TrustedProxies(PROXIES), sent, client=peer) is None, peer
    for peer in (None, ""):
        said = resolved(TrustedProxies(["unix"]), sent, client=peer)
        assert said == Forwarded(CLIENT, peer=Peer(proxy="unix"))
    assert resolved(TrustedProxies(["unix"]), sent, client="testclient") is None
    assert resolved(TrustedProxies(PROXIES), sent, client="::ffff:10.0.0.1") is not None


def test_hops_bound_the_way() -> None:
    """Where clients may lie in a listed network, only so many elements count."""
    value = "203.0.113.1, 10.0.0.9, 10.0.0.2"
    assert [client_of(value, hops=hops) for hops in (None, 1, 2, 3)] == ["203.0.113.1", "10.0.0.2", "10.0.0.9", "203.0.113.1"]
    assert client_of(", ".join([CLIENT, *["10.0.0.2"] * 31])) == CLIENT
    assert client_of(", ".join([CLIENT, *["10.0.0.2"] * 32])) == "10.0.0.2"


def test_many_hops_and_long_fields_cost_little() -> None:
    """1,000 hops and 64 KiB: what is read is bounded."""
    assert client_of(", ".join([CLIENT, *["10.0.0.2"] * 1000])) == "10.0.0.2"
    assert client_of("a" * 65536) is None
    assert client_of("1.2.3.4," * 8192 + CLIENT) == CLIENT
    assert client_of("for=1.2.3.4," * 8192 + f"for={CLIENT}", header="forwarded") == CLIENT
    assert client_of('"' * 65536, header="forwarded") is None


SCHEMES = [
    ("https", "http", "https"),
    ("HTTPS", "http", "https"),
    ("https", "ws", "wss"),
    ("wss", "http", "https"),
    ("ws", "wss", "ws"),
    ("http", "https", "http"),
    ("gopher", "http", None),
    ("https, http", "http", "https"),  # the proxy that named the client states the scheme of that connection
    ("https, http, http", "http", "http"),
    ("", "http", None),
]


@pytest.mark.parametrize(("value", "scheme", "expected"), SCHEMES)
def test_the_scheme(value: str, scheme: str, expected: str | None) -> None:
    """Of the connection between the client and the outermost proxy; None: as the server states it."""
    fields = ("X-Forwarded-For", f"{CLIENT}, {OUTER}"), ("X-Forwarded-Proto", value)
    said = resolved(TrustedProxies(PROXIES), *fields, scheme=scheme)
    assert said is not None
    assert said.scheme == expected


def test_an_element_states_its_own_scheme_and_host() -> None:
    """Those of the element that names the client, and of no other."""
    field = f"for={CLIENT};proto=https;host=shop.example, for={OUTER};proto=http;host=inner"
    said = resolved(TrustedProxies(PROXIES, "forwarded"), ("Forwarded", field))
    assert said == Forwarded(CLIENT, "https", "shop.example", Peer(proxy=INNER))
    said = resolved(TrustedProxies(PROXIES, "forwarded", host=False), ("Forwarded", field))
    assert said is not None
    assert said.host is None


def test_hosts_that_are_none_are_left_out() -> None:
    """They could end a URL early."""
    for host in ("a/b", "a,b", "a b", "[::1"):
        said = resolved(TrustedProxies(PROXIES, "forwarded"), ("Forwarded", f'for={CLIENT};host="{host}"'))
        assert said is not None
        assert said.host is None


def test_several_fields_are_one_list() -> None:
    """As RFC 9110 §5.3 has it: whichever field a proxy adds to, its word stands at the end."""
    said = resolved(TrustedProxies(PROXIES), ("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", CLIENT))
    assert said is not None
    assert said.client == CLIENT


CERTIFICATE = b"0\x03\x02\x01\x05"


def test_a_certificate() -> None:
    """RFC 9440 §2.2: one byte sequence; anything else makes the request a 400."""
    proxies = TrustedProxies(PROXIES, client_cert=True)
    for value, found in ((f":{b64encode(CERTIFICATE).decode()}:", CERTIFICATE), ("::", None), ("-----BEGIN CERTIFICATE-----", None)):
        said = resolved(proxies, ("X-Forwarded-For", CLIENT), ("Client-Cert", value))
        assert said is not None
        assert said.peer is not None
        assert (said.peer.certificate, said.malformed) == (found, "" if found else "client-cert")
    twice = ("Client-Cert", ":MAMCAQU=:")
    said = resolved(proxies, ("X-Forwarded-For", CLIENT), twice, twice)
    assert said is not None
    assert said.malformed == "client-cert"
    said = resolved(TrustedProxies(PROXIES), ("X-Forwarded-For", CLIENT), twice)
    assert said == Forwarded(CLIENT, peer=Peer(proxy=INNER))
    assert resolved(proxies, twice, client=CLIENT) is None


def test_a_user() -> None:
    """Whom the proxy has authenticated, in UTF-8."""
    proxies = TrustedProxies(PROXIES, user="remote-user")
    for value, user in (("ann", "ann"), ("zoë".encode().decode("latin-1"), "zoë"), ("", None)):
        said = resolved(proxies, ("X-Forwarded-For", CLIENT), ("Remote-User", value))
        assert said is not None
        assert said.peer == Peer(proxy=INNER, user=user)
    for value in ("zo\xeb", "a\x00b", "a" * 1025):
        said = resolved(proxies, ("X-Forwarded-For", CLIENT), ("Remote-User", value))
        assert said is not None
        assert (said.peer, said.malformed) == (Peer(proxy=INNER), "remote-user")
    assert resolved(proxies, ("Remote-User", "ann"), client=CLIENT) is None


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ([], "name at least one proxy"),
        ("10.0.0.1", "not one string"),
        (["*"], "not trust every peer"),
        (["0.0.0.0/0"], "name no network so wide"),
        (["::/0"], "name no network so wide"),
        (["::ffff:0:0/96"], "name no network so wide"),
        (["0.0.0.0/1", "128.0.0.0/1"], "name no network so wide"),
        (["8000::/1"], "name no network so wide"),
        (["10.0.0.1/8"], "host bits"),
        (["proxy.example"], "hold addresses and networks"),
        (["fe80::1%eth0"], "hold addresses and networks"),
        ([10], "non-empty string"),
    ],
)
def test_networks_that_are_refused(networks: Any, message: str) -> None:
    """Trust in everybody is a configuration error (threat O8)."""
    with pytest.raises(ConfigurationError, match=message):
        TrustedProxies(networks)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"header": "x-real-ip"}, {"header": None}, {"hops": 0}, {"hops": 33}, {"hops": True}, {"hops": "1"}, {"host": 1}),
        *({"client_cert": "yes"}, {"user": "Remote-User"}, {"user": "remote_user"}, {"user": ""}, {"user": 7}, {"user": "authorization"}),
    ],
)
def test_arguments_that_are_refused(wrong: dict[str, Any]) -> None:
    """By their names."""
    with pytest.raises(ConfigurationError, match=rf"TrustedProxies\({next(iter(wrong))}=\.\.\.\)"):
        TrustedProxies(PROXIES, **wrong)


@pytest.mark.parametrize("way", [[CLIENT], [CLIENT, OUTER], [CLIENT, "10.0.0.3", OUTER], ["2001:db8:ffff::9", OUTER]])
def test_werkzeug_and_uvicorn_find_the_same_client(way: list[str]) -> None:
    """For honest fields the three agree."""
    fields = (("X-Forwarded-For", ", ".join(way)), ("X-Forwarded-Proto", "https"))
    request = Request(client=INNER, headers=fields)
    said = resolved(TrustedProxies(["10.0.0.0/8"]), *fields)
    assert said is not None
    environ = wsgi_environ(request)
    ProxyFix(lambda environ, start_response: [], x_for=len(way))(environ, lambda *args: lambda octets: None)
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == (said.client, said.scheme)
    scope: Any = asgi_scope(request)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Do nothing."""

    with pytest.raises(StopIteration):
        ProxyHeadersMiddleware(app, trusted_hosts=["10.0.0.0/8"])(scope, None, None).send(None)  # type: ignore[arg-type]
    assert (scope["client"][0], scope["scheme"]) == (said.client, said.scheme)
