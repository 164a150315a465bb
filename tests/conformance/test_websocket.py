"""WebSockets: the handshake is a request like any other, and refused before it is accepted (RFC 6455 §4.2.2, §10; D56, threats N7)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from typing import Any

import pytest

from tests.support.drive import Answer, ByASGI, Request, asgi_scope, basic, bearer, who
from tests.support.each import each
from tests.support.people import ASK_ALL, KEYS, check_password, check_token, orders_guard
from tests.support.status_table import ROWS
from watchword import APIKey, Basic, Bearer, Guard, optional
from watchword.adapters.asgi import GuardMiddleware


def handshake(*headers: tuple[str, str], target: str = "/me", denial: bool = True, **more: Any) -> Request:
    """A handshake with these fields."""
    return Request(kind="websocket", target=target, headers=headers, denial=denial, **more)


def kinds(answer: Answer) -> list[str]:
    """The types of the messages sent."""
    return [message["type"] for message in answer.messages]


REFUSED = [row for row in ROWS if row.status != 200 and row.request.method == "GET"]


@each("row", REFUSED)
def test_R6455_4_2_2_1_a_handshake_is_refused_in_http(row: Any) -> None:
    """With the denial response a handshake is refused with the status and the challenges of the table, and never accepted."""
    request = row.request
    http = ByASGI(orders_guard())(request)
    answer = ByASGI(orders_guard())(handshake(*request.headers, target=request.target, client=request.client))
    assert kinds(answer) == ["websocket.http.response.start", "websocket.http.response.body"]
    assert (answer.status, answer.challenges, answer.received, answer.called) == (row.status, list(row.challenges), 1, False)
    if row.status != 404:
        assert (answer.headers, answer.body) == (http.headers, http.body)


@each("row", REFUSED)
def test_R6455_4_2_2_2_without_the_extension_it_is_closed(row: Any) -> None:
    """Without it there is exactly one close, after connect was received: servers make 403 of that."""
    request = row.request
    answer = ByASGI(orders_guard())(handshake(*request.headers, target=request.target, client=request.client, denial=False))
    assert kinds(answer) == ["websocket.close"]
    assert (answer.received, answer.called) == (1, False)


@pytest.mark.parametrize("extensions", [None, {}, {"other": {}}])
def test_R6455_4_2_2_2_no_extension_in_whatever_way(extensions: Any) -> None:
    """A scope without extensions, with none, or with others has no denial response."""

    def server(request: Request) -> dict[str, Any]:
        return {**asgi_scope(request), "extensions": extensions}

    assert kinds(ByASGI(orders_guard(), server=server)(handshake())) == ["websocket.close"]


def test_R6455_4_2_2_2_a_client_that_is_gone_gets_nothing() -> None:
    """If the first message is not a connect, nothing is sent."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError(scope)

    with pytest.raises(StopIteration):
        GuardMiddleware(app, orders_guard())(asgi_scope(handshake()), receive, send).send(None)
    assert sent == []


ORIGIN = {
    "own": ("https://api.example", True),
    "own, another case": ("HTTPS://API.Example", True),
    "listed": ("https://app.example", True),
    "listed, with a slash": ("https://app.example/", True),
    "foreign": ("https://evil.example", False),
    "foreign, looks like": ("https://api.example.evil.example", False),
    "foreign, ends like": ("https://evil-api.example", False),
    "another port": ("https://api.example:8443", False),
    "null": ("null", False),
    "empty": ("", False),
    "no scheme": ("api.example", False),
    "own, the default port": ("https://api.example:443", True),
    "own, the default port of http": ("https://api.example:80", False),
    "in the clear": ("http://api.example", False),
    "in the clear, the port of https": ("http://api.example:443", False),
    "another scheme": ("chrome-extension://api.example", False),
    "a scheme of sockets": ("wss://api.example", False),
    "listed, the default port": ("https://app.example:443", True),
    "listed, in the clear": ("http://app.example", False),
}


@each("case", ORIGIN)
def test_R6455_10_2_1_a_cookie_needs_its_own_origin(case: str) -> None:
    """A handshake by cookie from a foreign origin is 403; from the host itself, or one that is listed, it passes."""
    origin, passes = ORIGIN[case]
    guard = Guard(APIKey(KEYS, cookie="key"), origins=["https://app.example/"])
    fields = (("Cookie", "key=ann-key"), ("Host", "api.example"), ("Origin", origin))
    assert ByASGI(guard)(handshake(*fields, scheme="https")).status == (101 if passes else 403)


@each(
    ("scheme", "host", "origin", "own"),
    [
        ("http", "api.example", "http://api.example", True),
        ("http", "api.example", "https://api.example", True),
        ("http", "api.example:80", "http://api.example", True),
        ("http", "api.example:443", "https://api.example", True),
        ("http", "api.example:80", "https://api.example", False),
        ("http", "api.example:443", "http://api.example", False),
        ("http", "api.example:8443", "https://api.example:8443", True),
        ("http", "localhost:8000", "http://localhost:8000", True),
        ("http", "localhost:8000", "http://localhost:3000", False),
        ("http", "[::1]:80", "http://[::1]", True),
        ("https", "api.example:443", "https://api.example", True),
        ("https", "api.example:8443", "https://api.example:8443", True),
        ("https", "api.example:8443", "http://api.example:8443", False),
        ("https", "api.example:80", "http://api.example", False),
        ("https", ":443", "https://", False),
        ("http", ":80", "http://", False),
        ("http", ":80", "http://:80", False),
    ],
)
def test_R6455_10_2_1_an_origin_is_scheme_host_and_port(scheme: str, host: str, origin: str, own: bool) -> None:  # noqa: FBT001 - a row
    """Default ports may be written or not. A server that says wss has no pages in the clear; one that says ws may stand behind TLS."""
    fields = (("Cookie", "key=ann-key"), ("Host", host), ("Origin", origin))
    assert ByASGI(Guard(APIKey(KEYS, cookie="key")))(handshake(*fields, scheme=scheme)).status == (101 if own else 403)


def test_R6455_10_2_1_a_cookie_without_origin_is_refused() -> None:
    """Browsers send Origin with every handshake: a cookie without it needs `Sec-Fetch-Site`, and Basic, which programs send, does not."""
    cookie = ("Cookie", "key=ann-key"), ("Host", "api.example")
    guard = Guard(APIKey(KEYS, cookie="key"), Basic(check_password, realm="a"))
    assert ByASGI(guard)(handshake(*cookie)).status == 403
    for site, status in (("same-origin", 101), ("none", 101), ("same-site", 403), ("cross-site", 403)):
        assert ByASGI(guard)(handshake(*cookie, ("Sec-Fetch-Site", site))).status == status
    answer = ByASGI(guard)(handshake(basic("ann", "s3cret"), ("Host", "api.example")))
    assert (answer.status, who(answer)) == (101, "ann")


@each("host", [None, "", "other.example"])
@each("origin", ["https://api.example", "null", "", "https://", "://"])
def test_R6455_10_2_1_without_the_host_no_origin_is_its_own(host: str | None, origin: str) -> None:
    """A handshake without Host, or with another, is from no page of this service; an empty origin is not that of an empty host."""
    fields = [("Cookie", "key=ann-key"), ("Origin", origin)] + ([] if host is None else [("Host", host)])
    assert ByASGI(Guard(APIKey(KEYS, cookie="key")))(handshake(*fields)).status == 403


def test_R6455_10_2_1_explicit_credentials_need_no_origin() -> None:
    """What no browser adds by itself counts from any origin; the origin matters before a cookie is looked up."""
    driver = ByASGI(Guard(APIKey(KEYS, cookie="key"), Bearer(check_token)))
    foreign = (("Host", "api.example"), ("Origin", "https://evil.example"))
    assert driver(handshake(bearer("ann-token"), *foreign)).status == 101
    assert driver(handshake(("X-API-Key", "ann-key"), *foreign)).status == 101
    assert driver(handshake(("Cookie", "key=x"), *foreign)).status == 403


@pytest.mark.parametrize(
    "headers",
    [(basic("ann", "s3cret"),), (bearer("ann-token"),), (("X-API-Key", "ann-key"),), (("Authorization", "ApiKey ann-key"),)],
    ids=["Basic", "Bearer", "key", "key in Authorization"],
)
def test_R6455_10_5_1_every_carrier_works_on_the_handshake(headers: tuple[tuple[str, str], ...]) -> None:
    """The principal is in the scope before the application accepts; what it receives first is the connect."""
    answer = ByASGI(orders_guard())(handshake(*headers))
    assert (answer.status, who(answer), kinds(answer), answer.received) == (101, "ann", ["websocket.accept"], 0)


def test_R6455_10_5_1_rules_see_a_handshake_as_get() -> None:
    """A rule for GET speaks of the handshake."""
    driver = ByASGI(orders_guard())
    assert driver(handshake(bearer("bob-token"), target="/orders")).status == 403
    assert driver(handshake(bearer("ann-token"), target="/orders")).status == 101


def test_R6455_T_1_no_token_is_taken_from_anywhere_else() -> None:
    """Neither the subprotocols nor the query carry a token, unless the query was asked for; nothing of either is repeated."""
    driver = ByASGI(orders_guard())
    for request in (handshake(("Sec-WebSocket-Protocol", "bearer, ann-token")), handshake(target="/me?access_token=ann-token")):
        answer = driver(request)
        assert (answer.status, answer.challenges) == (401, ASK_ALL)
        assert b"ann-token" not in answer.body + repr(answer.headers).encode()
    by_query = ByASGI(Guard(Bearer(check_token, query=True)))
    assert by_query(handshake(target="/me?access_token=ann-token")).status == 101


def test_an_optional_handshake_is_accepted_anonymously() -> None:
    """An optional route accepts an anonymous caller, and refuses a false token."""
    driver = ByASGI(Guard(Bearer(check_token), default=optional))
    assert (driver(handshake()).status, who(driver(handshake()))) == (101, "")
    assert driver(handshake(bearer("x"))).status == 401


def test_messages_of_the_application_are_not_changed() -> None:
    """The messages of an accepted WebSocket pass as they are."""
    answer = ByASGI(Guard(APIKey(KEYS)))(handshake(("X-API-Key", "ann-key")))
    assert answer.messages == [{"type": "websocket.accept"}]
