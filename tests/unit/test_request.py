"""Tests the view of a request: fields, credentials, target, address and preflights."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from tests.support.each import each
from watchword import GrammarError, RequestView
from watchword.field_index import FieldIndex
from watchword.grammar import Authorization

NAMES = ("authorization", "cookie", "host", "x-api-key")


def scanned(*headers: tuple[str, str] | tuple[bytes, bytes]) -> RequestView:
    """Return the view of a request with these header fields, scanned for the names that matter."""
    view = RequestView("GET", "/", list(headers))  # type: ignore[arg-type]  # str and bytes are mixed by no caller here
    view.scan(FieldIndex(NAMES))
    return view


# Reading header fields


@pytest.mark.parametrize(
    "header",
    [("Authorization", "Bearer t"), ("AUTHORIZATION", "Bearer t"), (b"authorization", b"Bearer t"), (b"Authorization", b"Bearer t")],
    ids=["title", "upper", "octets", "octets-title"],
)
def test_a_field_is_read_in_any_letter_case_and_kind(header: tuple[str, str] | tuple[bytes, bytes]) -> None:
    """WSGI gives text, ASGI octets, a server of one's own either: the view reads them alike, scanned or not."""
    view = RequestView("GET", "/", [header])  # type: ignore[arg-type]  # one kind at a time
    assert view.field("authorization") == "Bearer t"
    assert view.carries("authorization")
    view.scan(FieldIndex(NAMES))
    assert view.field("authorization") == "Bearer t"
    assert view.carries("authorization")
    assert view.authorization == Authorization("Bearer", "t")


def test_a_field_that_is_not_there_is_none() -> None:
    """Absent is not empty."""
    assert scanned(("Accept", "*/*")).field("authorization") is None
    assert not scanned(("Accept", "*/*")).carries("authorization")
    assert scanned().authorization is None
    assert scanned(("X-API-Key", "")).field("x-api-key") == ""
    assert scanned(("X-API-Key", "")).carries("x-api-key")


def test_a_field_beside_the_index_is_read_from_the_header_section() -> None:
    """Predicates and schemes of one's own may read any field, repeated ones joined."""
    view = scanned(("X-Tenant", "a"), ("Host", "h"), ("x-tenant", "b"))
    assert view.field("x-tenant") == "a,b"
    assert view.carries("x-tenant")
    assert not view.carries("x-other")
    assert RequestView("GET", "/", [(b"X-Tenant", b"\xe4")]).field("x-tenant") == "ä"


def test_repeated_fields_are_joined_and_noted() -> None:
    """With a comma, as WSGI servers do, so that both worlds see the same value; and the doubling is known."""
    for headers in ([("Host", "a"), ("host", "b"), ("HOST", "c")], [(b"Host", b"a"), (b"host", b"b"), (b"HOST", b"c")]):
        view = scanned(*headers)
        assert view.field("host") == "a,b,c"
        assert view.repeated == ("host",)


def test_repeated_cookies_are_joined_with_a_semicolon() -> None:
    """A cookie string may come in several fields (RFC 9113 §8.2.3), and reads as one."""
    assert scanned((b"cookie", b"a=1"), (b"cookie", b"b=2")).field("cookie") == "a=1; b=2"


def test_values_of_both_kinds_are_joined_as_text() -> None:
    """A server that mixes octets and text is read all the same."""
    assert scanned(("host", "a"), (b"Host", b"b\xe4")).field("host") == "a,bä"


def test_aliases_are_noted_and_not_read() -> None:
    """The value of an alias is not that of the field (H2)."""
    view = scanned(("X_API_KEY", "stolen"), ("x-api_key", "stolen"))
    assert view.aliases == ("x-api-key",)
    assert view.field("x-api-key") is None
    assert not view.carries("x-api-key")


def test_header_fields_are_read_once_per_guard() -> None:
    """The header section may be an iterator; scanning again with the same index does nothing."""
    read = []

    def headers() -> object:
        read.append(1)
        yield "Host", "h"

    view = RequestView("GET", "/", headers())  # type: ignore[arg-type]  # an iterator of pairs, made without annotations
    index = FieldIndex(NAMES)
    view.scan(index)
    found = view.fields
    view.scan(index)
    assert view.fields is found
    assert view.field("host") == "h"
    view.scan(FieldIndex(("host",)))
    assert view.field("host") == "h"
    assert read == [1]


def test_an_adapter_may_set_the_fields_that_it_has_at_hand() -> None:
    """WSGI looks its variables up, and goes through nothing."""
    view = RequestView("GET", "/", [("Host", "from the header section")])
    view.take(FieldIndex(NAMES), {"host": "taken"})
    assert view.field("host") == "taken"
    assert (view.repeated, view.aliases) == ((), ())


# The credentials field


def test_the_credentials_field_is_parsed_once() -> None:
    """Every scheme of a guard reads the same value."""
    view = scanned(("Authorization", "Digest a=1"))
    assert view.authorization is view.authorization
    assert view.authorization == Authorization("Digest", params={"a": "1"})


def test_a_credentials_field_that_breaks_the_grammar_is_an_error_each_time() -> None:
    """It never reads as absent the second time."""
    view = scanned(("Authorization", "Basic"))
    for _ in range(2):
        with pytest.raises(GrammarError):
            _ = view.authorization


def test_a_view_reads_its_credentials_without_a_guard() -> None:
    """A scheme is usable alone: `Basic(...).extract(view)`."""
    assert RequestView("GET", "/", [("authorization", "Bearer t")]).authorization == Authorization("Bearer", "t")
    assert RequestView("GET", "/").authorization is None


def test_a_proxy_reads_its_own_field() -> None:
    """Proxy-Authorization replaces Authorization (RFC 9110 §11.7.2)."""
    view = scanned(("Authorization", "Bearer origin"))
    view.use_authorization(Authorization("Basic", "proxy"))
    assert view.authorization == Authorization("Basic", "proxy")
    view.use_authorization(None)
    assert view.authorization is None


# The target


@each(
    ("target", "path", "query"),
    [
        ("/orders/7?x=1", "/orders/7", b"x=1"),
        ("/", "/", b""),
        ("/a?b?c", "/a", b"b?c"),
        ("/%E2%82%AC/x", "/€/x", b""),
        ("/a%2Fb", "/a/b", b""),
        ("/100%25", "/100%", b""),
        ("http://host/a?b", "/a", b"b"),
        ("HTTPS://host", "/", b""),
        ("http://host?x", "/", b"x"),
        ("*", "*", b""),
        ("", "", b""),
        ("/%ff", "/\udcff", b""),
        ("/%", "/%", b""),
        ("/ä", "/ä", b""),
        ("/\ud800", "/\udced\udca0\udc80", b""),
    ],
)
def test_a_target_is_taken_apart_and_decoded_once(target: str, path: str, query: bytes) -> None:
    """Path and query, of an absolute form too; any text at all, for clients send anything."""
    view = RequestView("GET", target)
    assert (view.path, view.query) == (path, query)
    assert view.raw_path == target.partition("?")[0].encode("utf-8", "surrogatepass")


def test_a_given_path_is_used() -> None:
    """It is the path that the router sees; the firewall compares it with the raw target."""
    view = RequestView("GET", "/a%20b", path="/routed")
    assert (view.path, view.raw_path) == ("/routed", b"/a%20b")


def test_a_view_of_a_server_is_the_same_view() -> None:
    """What an adapter hands over piece by piece equals what is taken apart here."""
    made = RequestView("GET", "/app/a%20b?x=1", [("Host", "h")], "192.0.2.7", "https", mount="/app")
    given = RequestView.of_server(
        method="GET",
        path="/a b",
        raw_path=b"/app/a%20b",
        query=b"x=1",
        mount="/app",
        headers=[("Host", "h")],
        client="192.0.2.7",
        scheme="https",
    )
    names = "method path raw_path query mount headers client scheme kind content form reader target"
    for name in names.split():
        assert getattr(made, name) == getattr(given, name), name


@pytest.mark.parametrize(
    ("view", "target"),
    [
        (RequestView("GET", "/a%20b?x=%41"), "/a%20b?x=%41"),
        (RequestView("GET", "/app/x", mount="/app"), "/app/x"),
        (RequestView("GET", "/?"), "/"),
    ],
    ids=["query", "mount", "empty query"],
)
def test_the_target_is_kept_as_it_came(view: RequestView, target: str) -> None:
    """Undecoded, mount and query included."""
    assert view.target == target


@pytest.mark.parametrize(
    ("path", "target"), [("/a b/ä", "/app/a%20b/%C3%A4?q=1"), ("/\udcff", "/app/%FF?q=1"), ("/\ud800", "/app/%ED%A0%80?q=1")]
)
def test_an_unknown_target_is_built_from_the_path(path: str, target: str) -> None:
    """For any path, by percent-encoding."""
    view = RequestView.of_server(method="GET", path=path, raw_path=None, query=b"q=1", mount="/app", headers=(), client=None, scheme="http")
    assert view.target == target


# The peer


@pytest.mark.parametrize(
    ("client", "address"),
    [("192.0.2.7", IPv4Address("192.0.2.7")), ("::ffff:192.0.2.7", IPv4Address("192.0.2.7")), ("unix:", None), (None, None)],
)
def test_the_address_of_the_client_is_parsed_once(client: str | None, address: object) -> None:
    """A network rule evaluates it several times."""
    view = RequestView("GET", "/", client=client)
    assert view.address == address
    assert view.address is view.address


# Preflights


PREFLIGHT = (("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT"))


def test_a_genuine_preflight_is_recognised() -> None:
    """OPTIONS with Origin and Access-Control-Request-Method (WHATWG Fetch)."""
    assert RequestView("OPTIONS", "/", PREFLIGHT).is_preflight


@pytest.mark.parametrize(
    "view",
    [
        RequestView("OPTIONS", "/", PREFLIGHT[:1]),
        RequestView("OPTIONS", "/", PREFLIGHT[1:]),
        RequestView("OPTIONS", "/"),
        RequestView("GET", "/", PREFLIGHT),
        RequestView("options", "/", PREFLIGHT),
        RequestView("OPTIONS", "/", PREFLIGHT, kind="websocket"),
    ],
    ids=["no method", "no origin", "neither", "GET", "lower case", "websocket"],
)
def test_other_options_requests_are_no_preflights(view: RequestView) -> None:
    """They are decided like every other request (P13)."""
    assert not view.is_preflight


# Printing


def test_the_repr_hides_query_and_headers() -> None:
    """Tokens travel in both."""
    view = RequestView("GET", "/x?access_token=s3cret", [("Authorization", "Bearer s3cret")], "192.0.2.7", "https", content=b"s3cret")
    view.scan(FieldIndex(NAMES))
    assert repr(view) == "RequestView('GET', '/x', client='192.0.2.7', scheme='https', kind='http')"
