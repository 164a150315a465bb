"""Ambient credentials count for unsafe methods and handshakes only from the service's own pages (decision D61, threats S12).

The table is `protocols.md` §4 and the one in `docs/security.md`. It is tried through every adapter, with a checker that counts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import argon2_hash
from tests.support.drive import ByASGI, Request, basic, bearer
from tests.support.each import each
from tests.support.people import ANN, KEYS, NOW, Counting, check_token
from watchword import (
    APIKey,
    Basic,
    Bearer,
    Credentials,
    Guard,
    Principal,
    Reason,
    RequestView,
    Scheme,
    authenticated,
    network,
    optional,
    public,
    role,
    scope,
)
from watchword.authorization.requirement import FromAnyOrigin
from watchword.checkers import Users
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from tests.support.drive import Answer, Through

Fields = tuple[tuple[str, str], ...]

HOST = ("Host", "api.example")
BASIC: Fields = (basic("ann", "x"),)
COOKIE: Fields = (("Cookie", "key=ann-key"),)
LISTED = "https://app.example"


def guarded(**settings: Any) -> tuple[Guard, Counting]:
    """A guard with Basic and a key in a cookie, and the checker of its passwords."""
    passwords = Counting()
    settings = {"origins": [LISTED, "capacitor://localhost"], **settings}
    guard = Guard(Basic(passwords, realm="a"), Bearer(check_token), APIKey(KEYS, cookie="key"), request_id=lambda: "id", **settings)
    return guard, passwords


def origin(value: str) -> tuple[str, str]:
    """The Origin field."""
    return "Origin", value


def site(value: str) -> tuple[str, str]:
    """The Sec-Fetch-Site field."""
    return "Sec-Fetch-Site", value


# Name to: fields beside the credentials, whether a cookie counts, whether Basic counts; the server states http.
TABLE: dict[str, tuple[Fields, bool, bool]] = {
    # 1: a listed origin, whatever else is sent
    "listed": ((HOST, origin(LISTED), site("cross-site")), True, True),
    "listed, without Sec-Fetch-Site": ((HOST, origin(LISTED)), True, True),
    "listed, the default port and capitals": ((HOST, origin("HTTPS://App.Example:443"), site("cross-site")), True, True),
    "listed, of an app": ((HOST, origin("capacitor://localhost"), site("cross-site")), True, True),
    "nearly listed: http": ((HOST, origin("http://app.example"), site("cross-site")), False, False),
    "nearly listed: a port": ((HOST, origin("https://app.example:444"), site("cross-site")), False, False),
    "listed, twice": ((HOST, origin(LISTED), origin(LISTED), site("cross-site")), False, False),
    # 2: without Sec-Fetch-Site the origin is that of the host
    "own": ((HOST, origin("http://api.example")), True, True),
    "own, behind TLS": ((HOST, origin("https://api.example")), True, True),
    "own, in capitals": (((HOST[0], "API.example"), origin("http://Api.Example")), True, True),
    "own, a port": (((HOST[0], "api.example:8000"), origin("http://api.example:8000")), True, True),
    "own, the default port of http": (((HOST[0], "api.example:80"), origin("http://api.example")), True, True),
    "own, the default port of https": (((HOST[0], "api.example:443"), origin("https://api.example")), True, True),
    "own, with the default port in Origin": ((HOST, origin("http://api.example:80")), True, True),
    "own, an empty port": (((HOST[0], "api.example:"), origin("http://api.example")), True, True),
    "own, IPv6": (((HOST[0], "[::1]:8000"), origin("http://[::1]:8000")), True, True),
    "own, IPv6 without a port": (((HOST[0], "[::1]"), origin("http://[::1]")), True, True),
    "own, a trailing dot in both": (((HOST[0], "api.example."), origin("http://api.example.")), True, True),
    "a trailing dot in one": ((HOST, origin("http://api.example.")), False, False),
    "another port": ((HOST, origin("http://api.example:8000")), False, False),
    "another IPv6 port": (((HOST[0], "[::1]:8000"), origin("http://[::1]:8001")), False, False),
    "a sibling": ((HOST, origin("https://app2.api.example")), False, False),
    "a prefix": ((HOST, origin("https://api.example.evil.example")), False, False),
    "null": ((HOST, origin("null")), False, False),
    "an empty Origin": ((HOST, origin("")), False, False),
    "garbage": ((HOST, origin("http://api.example http://evil.example")), False, False),
    "a user name": ((HOST, origin("http://evil@api.example")), False, False),
    "Origin twice": ((HOST, origin("http://api.example"), origin("http://api.example")), False, False),
    "a huge Origin": ((HOST, origin("http://" + "a" * 9000)), False, False),
    "a huge Origin and Host": (((HOST[0], "a" * 8000), origin("http://" + "a" * 8000)), False, False),
    "no Host": ((origin("http://api.example"),), False, False),
    "an empty Host": (((HOST[0], ""), origin("http://")), False, False),
    "a Host of a port": (((HOST[0], ":80"), origin("http://:80")), False, False),
    "a Host that is none": (((HOST[0], "a b"), origin("http://a b")), False, False),
    "the origin of a file": ((HOST, origin("file://")), False, False),
    # 3: else Sec-Fetch-Site decides
    "same-origin": ((HOST, site("same-origin")), True, True),
    "same-origin, with Origin": ((HOST, site("same-origin"), origin("https://api.example")), True, True),
    "same-origin, behind a proxy that changes Host": (
        ((HOST[0], "127.0.0.1"), site("same-origin"), origin("https://api.example")),
        True,
        True,
    ),
    "typed into the address bar": ((HOST, site("none")), True, True),
    "same-site": ((HOST, site("same-site"), origin("https://api.example")), False, False),
    "cross-site": ((HOST, site("cross-site"), origin("https://evil.example")), False, False),
    "cross-site, without Origin": ((HOST, site("cross-site")), False, False),
    "cross-site, with the own origin": ((HOST, site("cross-site"), origin("http://api.example")), False, False),
    "Sec-Fetch-Site in capitals": ((HOST, site("Same-Origin")), False, False),
    "an empty Sec-Fetch-Site": ((HOST, site("")), False, False),
    "Sec-Fetch-Site twice": ((HOST, site("same-origin"), site("same-origin")), False, False),
    "Sec-Fetch-Site twice, one of them bad": ((HOST, site("same-origin"), site("cross-site")), False, False),
    "Sec-Fetch-Site of several": ((HOST, site("same-origin, none")), False, False),
    "a huge Sec-Fetch-Site": ((HOST, site("same-origin" * 900)), False, False),
    "an unheard-of value": ((HOST, site("same-party")), False, False),
    # 4: neither
    "neither": ((HOST,), False, True),
    "neither, and no Host": ((), False, True),
    "Referer is not asked": ((HOST, ("Referer", "https://evil.example/")), False, True),
}


def post(*fields: tuple[str, str], method: str = "POST", **more: Any) -> Request:
    """A request with a method that may change something."""
    return Request(method=method, target="/x", headers=fields, **more)


def is_cross_site(answer: Answer) -> bool:
    """Whether it was refused for this reason, and never reached the application."""
    return answer.status == 403 and b"cross_site" in answer.body and not answer.called and not answer.challenges


@each("case", TABLE)
def test_the_table_of_origins(case: str, through: Through) -> None:
    """Cookies and Basic count exactly where the table says; what is refused is refused before anything is verified."""
    fields, cookie, password = TABLE[case]
    guard, checker = guarded()
    driver = through(guard)
    assert (not is_cross_site(driver(post(*COOKIE, *fields)))) is cookie
    answer = driver(post(*BASIC, *fields))
    assert (answer.status, len(checker.asked)) == ((200, 1) if password else (403, 0))
    assert driver(post(bearer("ann-token"), *fields)).status == 200
    assert driver(post(("X-API-Key", "ann-key"), *fields)).status == 200


# Host and Origin of a handshake decide, whatever Sec-Fetch-Site says: not every browser computes it for ws as for http.
HANDSHAKES: dict[str, tuple[Fields, bool, bool]] = {
    name: row for name, row in TABLE.items() if not any(field[0] == "Sec-Fetch-Site" for field in row[0]) or row[0][1] == origin(LISTED)
} | {
    "own, said to be cross-site": ((HOST, origin("http://api.example"), site("cross-site")), True, True),
    "foreign, said to be same-origin": ((HOST, origin("http://evil.example"), site("same-origin")), False, False),
    "null, said to be same-origin": ((HOST, origin("null"), site("same-origin")), False, False),
    "no Origin, same-origin": ((HOST, site("same-origin")), True, True),
    "no Origin, cross-site": ((HOST, site("cross-site")), False, False),
}


@each("case", HANDSHAKES)
def test_the_table_of_handshakes(case: str, through: Through) -> None:
    """A handshake is asked for its origin, whether the server hands it over as a websocket or, as WSGI servers do, as GET with Upgrade."""
    fields, cookie, password = HANDSHAKES[case]
    guard, checker = guarded()
    upgrade = Request(target="/x", headers=(("Upgrade", "WebSocket"), ("Connection", "Upgrade")))
    requests = [upgrade] if through is not ByASGI else [upgrade, Request(kind="websocket", target="/x")]
    for request in requests:
        checker.asked.clear()
        sent = [Request(kind=request.kind, target="/x", headers=(*request.headers, *shown, *fields)) for shown in (COOKIE, BASIC)]
        by_cookie, by_password = map(through(guard), sent)
        granted = 101 if request.kind == "websocket" else 200
        assert (by_cookie.status, by_password.status) == (granted if cookie else 403, granted if password else 403)
        assert bool(checker.asked) is password


FOREIGN: Fields = (HOST, site("cross-site"), origin("https://evil.example"))


LONG = "a" * 600


@pytest.mark.parametrize(
    "fields",
    [
        (("Host", f"{LONG}.example"), origin(f"https://{LONG}.example")),
        (HOST, origin("https://api.example"), site("same-origin" + " " * 600)),
        (HOST, origin(f"https://api.example{' ' * 600}")),
    ],
    ids=["host", "site", "origin"],
)
def test_an_overlong_origin_field_counts_as_cross_site(fields: Fields, through: Through) -> None:
    """Beyond 512 octets the value of a field is not read."""
    assert is_cross_site(through(guarded()[0])(post(*BASIC, *fields)))


@each("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "post", "get", "head", "options", "JEFF", "CONNECT"])
def test_every_method_but_three_is_asked(method: str, through: Through) -> None:
    """Any method but GET, HEAD and OPTIONS, spelt exactly so, may change something."""
    guard, checker = guarded()
    assert is_cross_site(through(guard)(post(*BASIC, *FOREIGN, method=method)))
    assert checker.asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_are_not_asked(method: str, through: Through) -> None:
    """A link on a foreign page works."""
    driver = through(guarded()[0])
    assert driver(post(*BASIC, *FOREIGN, method=method)).status == 200
    assert driver(post(*COOKIE, *FOREIGN, method=method)).status == 200
    assert driver(post(*BASIC, *FOREIGN, ("Upgrade", "h2c"), method=method)).status == 200


def test_a_server_that_states_https_has_no_pages_in_the_clear(through: Through) -> None:
    """Where TLS ends here, http is another origin (decision 16)."""
    driver = through(guarded()[0])
    for sent, status in (("https://api.example", 200), ("http://api.example", 403), ("https://api.example:80", 403)):
        assert driver(post(*BASIC, HOST, origin(sent), scheme="https")).status == status


def test_the_fast_path_does_not_skip_it(through: Through) -> None:
    """Callers who were let in before, by the very field, are asked again at every unsafe request; explicit ones are not."""
    guard, checker = guarded(clock=FixedClock(NOW))
    driver = through(guard)
    for _ in range(3):
        for method in ("GET", "POST"):
            assert driver(post(*BASIC, HOST, method=method)).status == 200
    asked = len(checker.asked)
    for _ in range(3):
        assert is_cross_site(driver(post(*BASIC, *FOREIGN)))
        assert is_cross_site(driver(post(*BASIC, HOST, origin("null"))))
        assert is_cross_site(driver(post(*BASIC, *FOREIGN, ("Upgrade", "websocket"), method="GET")))
        if through is ByASGI:
            assert driver(Request(kind="websocket", target="/x", headers=(*BASIC, *FOREIGN))).status == 403
        assert driver(post(bearer("ann-token"), *FOREIGN)).status == 200
    assert len(checker.asked) == asked


def test_the_fast_path_refuses_other_sites(through: Through) -> None:
    """With Basic alone, and a table that never changes, callers take the fast path. A form of another site does not."""
    guard = Guard(Basic(Users({"ann": argon2_hash("x")}), realm="a"))
    driver = through(guard)
    for _ in range(3):
        assert driver(post(*BASIC, HOST)).status == 200
    assert guard.fast_path.in_use
    for fields in ((HOST, origin("https://evil.example")), (HOST, origin("null")), (HOST, site("cross-site")), (HOST, site("same-site"))):
        for method in ("POST", "DELETE", "QUERY"):
            assert is_cross_site(driver(post(*BASIC, *fields, method=method)))


EXEMPT = {
    "alone": authenticated.from_any_origin(),
    "under &": role("admin").from_any_origin() & scope("orders:read"),
    "around &": (role("admin") & scope("orders:read")).from_any_origin(),
    "under |": scope("no").from_any_origin() | role("admin"),
    "under ~": ~role("no").from_any_origin(),
    "around hidden": role("admin").hidden().from_any_origin(),
    "inside hidden": role("admin").from_any_origin().hidden(),
    "twice": authenticated.from_any_origin().from_any_origin(),
}


@each("name", EXEMPT)
def test_one_route_may_be_exempt(name: str, through: Through) -> None:
    """`from_any_origin()` exempts its route and no other, wherever in the requirement it stands."""
    guard, _ = guarded(rules={"/x": EXEMPT[name]})
    driver = through(guard)
    assert driver(post(*BASIC, *FOREIGN)).status == 200
    assert driver(post(*COOKIE, HOST)).status == 200
    assert is_cross_site(driver(Request(method="POST", target="/y", headers=(*BASIC, *FOREIGN))))


def test_a_verb_that_needs_the_rule_of_get_too_is_exempt_only_if_both_are() -> None:
    """A route that is made of two rules is exempt if both rules say so: no rule exempts what another one guards."""
    for get, other, exempt in (
        (authenticated.from_any_origin(), role("admin"), False),
        (authenticated, role("admin").from_any_origin(), False),
        (authenticated.from_any_origin(), role("admin").from_any_origin(), True),
    ):
        guard, _ = guarded(rules={"GET /x": get}, default=other)
        assert guard.decide(RequestView("JEFF", "/x", [*BASIC, *FOREIGN])).granted is exempt


def test_an_exempt_requirement_is_data() -> None:
    """It prints as it is written, compares, hashes, and is met as its part is."""
    exempt = (role("a") & scope("b")).from_any_origin()
    assert str(exempt) == '(role("a") & scope("b")).from_any_origin()'
    assert str(role("a").from_any_origin() | public) == 'role("a").from_any_origin() | public'
    assert exempt == (role("a") & scope("b")).from_any_origin() != role("a") & scope("b")
    assert len({exempt, (role("a") & scope("b")).from_any_origin()}) == 1
    assert str(~role("a").from_any_origin()) == '(~role("a")).from_any_origin()'
    assert isinstance(exempt.from_any_origin(), FromAnyOrigin)
    assert exempt.from_any_origin() is exempt
    assert role("a").from_any_origin() != role("a").hidden()


def test_routes_without_credentials_are_not_tested(through: Through) -> None:
    """Public routes, and rules of networks alone, answer as ever. An optional route is tested, because it identifies."""
    driver = through(guarded(rules={"/p": public, "/n": network("192.0.2.0/24"), "/o": optional})[0])
    for target, status in (("/p", 200), ("/n", 200), ("/o", 403)):
        assert driver(Request(method="POST", target=target, headers=(*BASIC, *FOREIGN))).status == status
    assert driver(Request(method="POST", target="/o", headers=FOREIGN)).status == 200


def test_a_proxy_is_not_asked(through: Through) -> None:
    """All that a browser sends through a proxy comes from pages of other hosts, and carries the credentials for the proxy."""
    guard = Guard(Basic(Counting(), realm="a"), proxy=True)
    assert through(guard)(post(("Proxy-Authorization", BASIC[0][1]), *FOREIGN)).status == 200


class Sealed(Credentials):
    """Credentials of one's own, which say nothing about where they came from."""


class Session(Scheme[Credentials]):
    """A scheme of one's own that reads a cookie, and its own Authorization scheme."""

    name = "Session"
    fields = ("authorization", "cookie")
    cookies = ("sid",)

    def extract(self, view: RequestView) -> Credentials | None:
        """Return credentials for either."""
        sent = view.authorization
        return Sealed() if (sent is not None and sent.scheme == "Session") or "sid=" in (view.field("cookie") or "") else None


class Negotiate(Scheme[Credentials]):
    """A scheme that browsers answer by themselves, although it does not say so."""

    name = "Negotiate"

    def extract(self, view: RequestView) -> Credentials | None:
        """Return credentials, if there are any."""
        sent = view.authorization
        return None if sent is None or sent.scheme.lower() != "negotiate" else Sealed()


def let_in(_: Credentials) -> Principal:
    """Accept."""
    return ANN


def test_custom_schemes_are_ambient_where_browsers_send_them(through: Through) -> None:
    """Cookies, and what browsers negotiate, are ambient without being declared. A custom Authorization scheme is explicit."""
    session = through(Guard(Session(let_in)))
    assert is_cross_site(session(post(("Cookie", "sid=1"), *FOREIGN)))
    assert is_cross_site(session(post(("Cookie", "sid=1"), HOST)))
    assert session(post(("Cookie", "sid=1"), HOST, site("same-origin"))).status == 200
    assert session(post(("Authorization", "Session abc"), *FOREIGN)).status == 200
    assert is_cross_site(through(Guard(Negotiate(let_in)))(post(("Authorization", "Negotiate abc"), *FOREIGN)))


def test_the_body_says_what_a_program_with_a_cookie_sends(through: Through) -> None:
    """Test clients and scripts with a cookie jar learn the one field that they have to send."""
    answer = through(guarded()[0])(post(*COOKIE, HOST))
    assert b"send `Sec-Fetch-Site: same-origin`" in answer.body


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            (HOST, origin("https://evil.example")),
            ["Origin 'https://evil.example'", "Host 'api.example'", "origins=['https://evil.example']"],
        ),
        (FOREIGN, ["Sec-Fetch-Site 'cross-site'", "Origin 'https://evil.example'", "origins=['https://evil.example']"]),
        ((HOST, origin("null")), ["Origin 'null'", "requirement.from_any_origin()"]),
        ((site("cross-site"),), ["Sec-Fetch-Site 'cross-site'", "Origin (not sent)"]),
        ((HOST, origin("http://x\x1b[31m'\"\xe9" + "y" * 5000)), ["Origin 'http://x\\x1b[31m"]),
    ],
)
def test_the_log_says_what_decided_and_what_to_configure(fields: Fields, words: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """One line holds both values and the setting, escaped and bounded, and no credential."""
    caplog.set_level(logging.INFO, "watchword")
    guard, _ = guarded()
    view = RequestView("POST", "/x", [*BASIC, *fields])
    decision = guard.decide(view)
    guard.refuse(decision, view)
    (line,) = [record.getMessage() for record in caplog.records]
    assert decision.reason is Reason.CROSS_SITE
    for word in words:
        assert word in line
    assert line.isprintable()
    assert len(line) < 700
    assert BASIC[0][1] not in line
    explained = str(guard.explain(view))
    assert words[0] in explained
    assert "not checked" in explained


def test_configured_origins_print_as_they_are_logged() -> None:
    """What the log says to configure is taken by the configuration, and then the request passes."""
    guard, _ = guarded(origins=["https://evil.example"])
    assert guard.decide(RequestView("POST", "/x", [*BASIC, *FOREIGN])).granted
