"""Header trust, duplication and injection (threats H1 to H8): one reading of every field, and nobody's word about who he is."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import argon2
import pytest

from tests.support.drive import ByASGI, ByHand, ByWSGI, Request, asgi_scope, basic, bearer, who, wsgi_environ
from tests.support.each import each
from tests.support.people import ANN, CLOCK, KEYS, Counting, check_password, check_token, orders_guard
from watchword import (
    APIKey,
    Basic,
    Bearer,
    BearerToken,
    ConfigurationError,
    Guard,
    Principal,
    RequestView,
    Scheme,
    network,
    optional,
    public,
)
from watchword.checkers import Tokens, Users
from watchword.grammar import Challenge, parse_challenges
from watchword.guard import IDENTITY_HEADERS
from watchword.networks import parse_address

if TYPE_CHECKING:
    from tests.support.drive import Behind, Through


class DPoP(Scheme[BearerToken]):
    """Stands in for a scheme with a field of its own beside Authorization."""

    name = "DPoP"
    fields = ("authorization", "dpop")

    def extract(self, view: RequestView) -> BearerToken | None:
        """Return the token, if there is a proof."""
        sent = view.authorization
        if sent is None or sent.scheme.lower() != "dpop" or sent.token68 is None or not view.carries("dpop"):
            return None
        return BearerToken(sent.token68)


def everything(**settings: Any) -> Guard:
    """A guard with every kind of field."""
    return Guard(
        Basic(check_password, realm="orders"),
        Bearer(check_token, realm="orders"),
        DPoP(check_token),
        APIKey(KEYS, cookie="key", realm="orders"),
        rules={"/healthz": public, "/": optional},
        **settings,
    )


GOOD = {
    "Authorization": basic("ann", "s3cret")[1],
    "X-API-Key": "ann-key",
    "Host": "api.example",
    "DPoP": "proof",
}


@each("name", GOOD)
@each("second", ["the same", "another"])
def test_H1_a_field_that_comes_twice_is_refused(name: str, second: str, through: Through) -> None:
    """Two copies of a field that counts are 400, equal or not, in either order, listed by the server or joined with a comma."""
    values = [GOOD[name], GOOD[name] if second == "the same" else "other"]
    others = () if name in {"Authorization", "X-API-Key"} else (bearer("ann-token"),)
    driver = through(everything())
    for one, two in (values, values[::-1]):
        answer = driver(Request(target="/me", headers=((name, one), *others, (name, two))))
        joined = driver(Request(target="/me", headers=((name, f"{one},{two}"), *others)))
        spaced = driver(Request(target="/me", headers=((name, f"{one}, {two}"), *others)))
        assert {answer.status, joined.status, spaced.status} == {400}
        assert not answer.called


@pytest.mark.parametrize("name", GOOD)
def test_H1_lists_and_joined_values_are_answered_alike(name: str) -> None:
    """ASGI, which lists, and WSGI, which joins, give one answer to the same two fields."""
    request = Request(target="/me", headers=((name, GOOD[name]), (name, GOOD[name])))
    guard = everything(request_id=lambda: "x")
    asgi, wsgi, hand = ByASGI(guard)(request), ByWSGI(guard)(request), ByHand(guard)(request)
    assert (asgi.status, asgi.headers, asgi.body) == (wsgi.status, wsgi.headers, wsgi.body) == (hand.status, hand.headers, hand.body)


@pytest.mark.parametrize("driver", [ByASGI, ByHand])
def test_H1_two_fields_that_make_one_credential_are_two(driver: Any) -> None:
    """Two lines that joined would read as one set of parameters are two fields still, where the server lists them."""
    fields = (("Authorization", 'Digest a="1"'), ("Authorization", 'b="2"'))
    assert driver(everything())(Request(target="/me", headers=fields)).status == 400


def test_H1_a_table_of_keys_holds_no_comma() -> None:
    """A key that could be mistaken for two is refused where the table is made."""
    with pytest.raises(ConfigurationError, match="comma"):
        Tokens({"a,b": ANN})


# A twin of Accept-Language passes: it chooses the language of a page, and opens nothing.
MATTERS = sorted(name for name in everything().policy.index.names if "-" in name and name != "accept-language")


@each("driver", [ByASGI, ByHand])
@each("name", MATTERS)
def test_H2_an_alias_with_underscores_is_refused(name: str, driver: Any) -> None:
    """Every field that the guard reads or takes out has its twins spelt with underscores refused, in any mixture and letter case.

    A WSGI server that merges the two does so before anybody can see it; gunicorn and waitress drop the twin.
    """
    send = driver(everything())
    for twin in {name.replace("-", "_"), name.replace("-", "_", 1), name.replace("-", "_").upper(), "_".join(name.rsplit("-", 1))}:
        for target in ("/me", "/", "/healthz"):
            answer = send(Request(target=target, headers=((twin, "x"), bearer("ann-token"))))
            assert (answer.status, answer.called) == (400, False)


def test_H2_there_is_something_to_try() -> None:
    """Credential fields, identity headers and what else is read are among the names."""
    assert {"x-api-key", "remote-user", "x-request-id", "access-control-request-method", "sec-fetch-mode"} <= set(MATTERS)


@pytest.mark.parametrize("driver", [ByASGI, ByHand])
def test_H2_other_names_with_underscores_are_ignored(driver: Any) -> None:
    """A name with an underscore that is no alias passes."""
    assert driver(everything())(Request(target="/me", headers=(("x_custom_field", "x"), bearer("ann-token")))).status == 200


def test_H3_identity_headers_of_clients_are_removed(behind: Behind) -> None:
    """From known and anonymous callers alike, in any letter case, and however often they came."""
    driver = behind(everything())
    for name in (pattern.replace("*", "x") for pattern in IDENTITY_HEADERS):
        for spelt in (name, name.upper(), name.title(), name.swapcase()):
            for target, headers in (("/me", (bearer("ann-token"),)), ("/", ()), ("/healthz", ())):
                answer = driver(Request(target=target, headers=((spelt, "root"), *headers, (spelt, "root"))))
                assert answer.seen is not None
                assert not answer.seen.carries(name)


def test_H10_identity_fields_of_clouds_and_meshes_do_not_pass(behind: Behind) -> None:
    """Prefixes of the list stand for any rest; the names that are documented are tried in conformance/test_forwarding.py."""
    driver = behind(everything())
    for prefix in ("X-Amzn-Oidc-", "X-Remote-Extra-", "SSL-Client-", "X-Forwarded-Client-Cert", "X-MS-Client-Principal"):
        for rest in ("", "x", "Identity", "x" * 200, "-"):
            answer = driver(Request(target="/healthz", headers=((prefix + rest, "root"),)))
            assert answer.seen is not None
            assert answer.seen.headers == []


def test_H9_a_dot_is_an_alias_as_an_underscore_is() -> None:
    """Every character that a gateway may read as the hyphen is refused, for credentials and identities alike."""
    send = ByASGI(everything())
    for character in "!#$%&'*+.^_`|~":
        for name in ("X-API-Key", "Remote-User", "X-Remote-Extra-A"):
            answer = send(Request(target="/healthz", headers=((name.replace("-", character), "root"),)))
            assert (answer.status, answer.called) == (400, False)


def test_H9_many_aliases_cost_one_pass() -> None:
    """Thousands of different names under a prefix are listed once each."""
    view = RequestView("GET", "/", [(f"x_remote_extra_{number}", "root") for number in range(20_000)])
    view.scan(everything().policy.index)
    assert len(view.aliases) == 20_000


def test_H3_identity_variables_of_the_environ_are_removed() -> None:
    """REMOTE_USER and AUTH_TYPE from the client are removed for an anonymous caller, and replaced for a known one."""

    def server(request: Request) -> dict[str, Any]:
        return {**wsgi_environ(request), "REMOTE_USER": "root", "AUTH_TYPE": "Basic"}

    driver = ByWSGI(everything(), server=server)
    assert not {"REMOTE_USER", "AUTH_TYPE"} & driver(Request(target="/healthz")).environ.keys()
    environ = driver(Request(target="/me", headers=(bearer("ann-token"),))).environ
    assert (environ["REMOTE_USER"], environ["AUTH_TYPE"]) == ("ann", "Bearer")


INSIDE = {"/inside": network("10.0.0.0/8", "127.0.0.0/8", "fd00::/8")}
CLAIMS = [
    ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-For", "10.0.0.1, 192.0.2.7"),
    ("X-Forwarded-For", "192.0.2.7, 10.0.0.1"),
    ("X-Forwarded-For", "garbage, 10.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("Forwarded", "for=10.0.0.1"),
    ("Forwarded", 'for="[fd00::1]"'),
    ("X-Client-IP", "10.0.0.1"),
    ("X-Cluster-Client-IP", "10.0.0.1"),
    ("CF-Connecting-IP", "10.0.0.1"),
    ("True-Client-IP", "10.0.0.1"),
    ("Fastly-Client-IP", "10.0.0.1"),
    ("X-Remote-Addr", "127.0.0.1"),
    ("X-Forwarded-Uri", "/healthz"),
    ("X-Forwarded-Proto", "https"),
    ("Via", "1.1 inside"),
]


@each("claim", CLAIMS)
def test_H4_a_client_cannot_choose_its_address(claim: tuple[str, str], through: Through) -> None:
    """The peer is whom the server names. Proxies that may be believed are configured in a later release; until then none is."""
    driver = through(Guard(Bearer(check_token), rules=INSIDE, clock=CLOCK))
    assert driver(Request(target="/inside", headers=(claim,))).status == 403
    assert driver(Request(target="/inside", headers=(claim,), client="10.9.9.9")).status == 200
    assert driver(Request(target="/inside", headers=(claim,), client="fd00::9")).status == 200


@each(
    "client", [None, "", "unix:", "unix:/run/x.sock", "localhost", "10.0.0.1:80", "10.0.0", "0x0a000001", "010.0.0.1", "::ffff:c000:0207"]
)
def test_H4_a_malformed_peer_address_is_in_no_network(client: str | None, through: Through) -> None:
    """A local socket, a name or anything else that is no address lies in no network."""
    driver = through(Guard(Bearer(check_token), rules=INSIDE))
    assert driver(Request(target="/inside", client=client)).status == 403


@each("connection", ["X-Forwarded-For", "close, X-Forwarded-For", "Authorization", "X-API-Key", "Remote-User"])
def test_H5_a_field_that_a_proxy_dropped_changes_nothing(connection: str, through: Through) -> None:
    """A field that `Connection` made a proxy drop is not trusted anyway, so its absence identifies no caller."""
    driver = through(Guard(Bearer(check_token), APIKey(KEYS), rules=INSIDE))
    assert driver(Request(target="/inside", headers=(("Connection", connection),))).status == 403
    assert driver(Request(target="/me", headers=(("Connection", connection),))).status == 401


@each("realm", ['a"b', "a\\b", '"', "\\", 'a", Bearer error="x', "a'b;c=d,e", " "])
def test_H6_a_realm_is_one_quoted_string(realm: str, through: Through) -> None:
    """Whatever printable realm is configured reads back as it is, in one challenge per scheme."""
    guard = Guard(Basic(check_password, realm=realm), Bearer(check_token, realm=realm), APIKey(KEYS, realm=realm))
    for headers in ((), (bearer("x"),), (basic("a", "b"),)):
        answer = through(guard)(Request(target="/me", headers=headers))
        assert len(answer.challenges) == 3
        for line in answer.challenges:
            (challenge,) = parse_challenges(line)
            assert (challenge.params or {})["realm"] == realm


@pytest.mark.parametrize("realm", ["\r", "\n", "a\r\nb", "\x00", "\x7f", "é", "\u2028", "\ud800", "\t"], ids=ascii)
def test_H6_an_unsendable_value_is_an_error_at_construction(realm: str) -> None:
    """CR, LF, NUL and characters outside ASCII are refused in realms and in custom challenges."""
    for make in (Basic, Bearer, APIKey):
        with pytest.raises(ConfigurationError, match="realm"):
            make(check_token, realm=realm)
    if realm not in {"\t", "é"}:  # which a quoted-string may hold
        with pytest.raises(ConfigurationError):
            Challenge("Own", {"realm": realm})


@each("hostile", ['"', "\\", "\r\nX: y", "\x00", "\xff", "a" * 5000, "../..", "<script>"])
@each("where", ["Host", "path", "query", "Origin", "user", "token", "scheme", "method"])
def test_H6_nothing_of_the_request_gets_into_a_challenge(where: str, hostile: str, through: Through) -> None:
    """Realm and metadata URL are constants: the challenges are the same whatever stands in Host, path, query or credentials."""
    url = "https://api.example/.well-known/oauth-protected-resource"
    guard = Guard(Basic(check_password, realm="orders"), Bearer(check_token, realm="orders", resource_metadata=url))
    requests = {
        "Host": Request(target="/me", headers=(("Host", hostile),)),
        "path": Request(target=f"/{hostile}"),
        "query": Request(target=f"/me?{hostile}"),
        "Origin": Request(target="/me", headers=(("Origin", hostile),)),
        "user": Request(target="/me", headers=(basic(hostile, hostile),)),
        "token": Request(target="/me", headers=(("Authorization", f"Bearer {hostile}"),)),
        "scheme": Request(target="/me", headers=(("Authorization", f"{hostile} x"),)),
        "method": Request(method=hostile, target="/me"),
    }
    answer = through(guard)(requests[where])
    assert answer.status in {400, 401, 431}
    for line in answer.challenges:
        for challenge in parse_challenges(line):
            params = dict(challenge.params or {})
            assert params.pop("realm") == "orders"
            assert set(params.values()) <= {url, "UTF-8", "invalid_token", "invalid_request", "The access token is not valid"}


@each("host", ["a" * 8192, "user:password@api.example", "[fe80::1%25eth0]", "[::1", "a:99999", "a" * 255 + ".example"])
def test_H7_strange_hosts_are_only_a_host(host: str, through: Through) -> None:
    """A Host with a user name, a zone or of great length changes nothing: nothing is built from it."""
    driver = through(orders_guard())
    clean = driver(Request(target="/me", headers=(("Host", "api.example"),)))
    answer = driver(Request(target="/me", headers=(("Host", host),)))
    assert (answer.status, answer.headers, answer.body) == (clean.status, clean.headers, clean.body)


def test_H7_beyond_the_bound_it_is_431(through: Through) -> None:
    """A Host beyond the bound of a field is refused, the second time as well as the first."""
    driver = through(Guard(Bearer(Tokens({"t": ANN}))))
    for host, status in (("a", 200), ("a" * 8193, 431), ("a", 200), ("a" * 8193, 431)):
        assert driver(Request(target="/me", headers=(bearer("t"), ("Host", host)))).status == status


@pytest.mark.parametrize("url", ["https://u@api.example/x", "https://u:p@api.example/x", "https:///x", "http://api.example/x"])
def test_H7_configured_urls_are_checked(url: str) -> None:
    """A metadata URL with a user name, without a host or without TLS is a mistake."""
    with pytest.raises(ConfigurationError, match="resource_metadata"):
        Bearer(check_token, resource_metadata=url)


def test_H7_zones_take_no_part_in_networks() -> None:
    """The zone of an IPv6 address is dropped from a peer and refused in a rule."""
    address = parse_address("fe80::1%eth0")
    assert str(address) == "fe80::1"
    with pytest.raises(ConfigurationError, match="network"):
        network("fe80::%eth0/10")


def test_H8_identifiers_are_compared_whole(through: Through) -> None:
    """No suffix, prefix or part of a name identifies its owner."""
    hashed = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("x")
    driver = through(Guard(Basic(Users({"a@allowed.com": hashed}), realm="r")))
    for name, status in (
        ("a@allowed.com", 200),
        ("a@x@allowed.com", 401),
        ("x@a@allowed.com", 401),
        ("a@allowed.com.evil", 401),
        ("A@allowed.com", 401),
    ):
        answer = driver(Request(target="/me", headers=(basic(name, "x"),)))
        assert (answer.status, who(answer)) == (status, name if status == 200 else "-")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example@api.example",
        "https://api.example@evil.example",
        "https://api.example/",
        "https://api.example/x",
        "x://y://api.example",
    ],
)
def test_H8_origins_are_compared_whole(origin: str) -> None:
    """An origin with a user name or a path in it is not that of the host; a closing slash alone is forgiven."""
    guard = Guard(APIKey(KEYS, cookie="key"))
    request = Request(kind="websocket", target="/x", headers=(("Cookie", "key=ann-key"), ("Host", "api.example"), ("Origin", origin)))
    assert ByASGI(guard)(request).status == (101 if origin == "https://api.example/" else 403)


def test_no_refusal_repeats_a_header(through: Through) -> None:
    """A value that a client sent in any field is in no field of the answer, save an id of its own that is one."""
    driver = through(orders_guard(cors_expose=True))
    for name in ("Host", "Origin", "Accept", "Cookie", "X-Requested-With", "Sec-Fetch-Mode", "X-Request-Id", "Referer", "Accept-Language"):
        answer = driver(Request(target="/me", headers=((name, "marker-4711"),)))
        assert re.search("marker-4711", repr(answer.headers)) is None


def test_the_scope_of_the_server_is_believed() -> None:
    """What the server states itself counts: the peer and the scheme of the connection."""

    def server(request: Request) -> dict[str, Any]:
        return {**asgi_scope(request), "client": ("10.0.0.1", 1), "scheme": "https"}

    driver = ByASGI(Guard(Bearer(Counting()), rules=INSIDE, require_tls=True), server=server)
    assert driver(Request(target="/inside")).status == 200
    assert isinstance(driver(Request(target="/me", headers=(bearer("t"),))).principal, Principal)
