"""Threats N1 to N15 in aiohttp, which is neither ASGI nor WSGI, and the status table: the answers are those of the other adapters.

The order of decorators (N11) is tested in tests/unit/adapters/test_aiohttp.py.
"""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.support.by_aiohttp import ByAiohttp
from tests.support.drive import ByWSGI, Request, basic, bearer, who
from tests.support.each import noting
from tests.support.people import ASK_ALL, RULES, Counting, check_password, check_token, orders_guard
from tests.support.status_table import ROWS
from watchword import (
    ANONYMOUS,
    APIKey,
    Basic,
    Bearer,
    ConfigurationError,
    Guard,
    Reason,
    RequestView,
    Throttled,
    optional,
    public,
    role,
    scope,
)
from watchword.adapters.aiohttp_responses import refused

if TYPE_CHECKING:
    from watchword import Requirement

# aiohttp's parser refuses these by itself, or reads a line break as the end of a field.
BY_THE_PARSER = {"NUL", "CR LF", "two hosts"}


def me(*headers: tuple[str, str], method: str = "GET", target: str = "/me") -> Request:
    """A request with these fields."""
    return Request(method=method, target=target, headers=headers)


def test_the_status_table_holds() -> None:
    """Status, challenges, reason, principal and what caches are told."""
    driver, other = ByAiohttp(orders_guard()), ByWSGI(orders_guard())
    for row in ROWS:
        if row.name in BY_THE_PARSER:
            continue
        with noting(row.name):
            answer, expected = driver(row.request), other(row.request)
            assert (answer.status, answer.challenges) == (row.status, list(row.challenges))
            assert [answer.all(name) for name in ("vary", "cache-control", "retry-after")] == [
                expected.all(name) for name in ("vary", "cache-control", "retry-after")
            ]
            if row.status == 200:
                assert who(answer) == row.who
            elif answer.one("content-type") == "application/problem+json":
                assert json.loads(answer.body)["reason"] == row.reason


def test_N1_no_checker_is_called_without_credentials() -> None:
    """A checker is asked about credentials that came, and never about empty ones that did not."""
    checker = Counting()
    driver = ByAiohttp(Guard(Basic(checker, realm="r"), Bearer(checker, form=True, query=True), APIKey(checker, query="k"), rules=RULES))
    for headers in ((), (("Authorization", "Negotiate YII="),), (("Cookie", "k="),), (("Authorization", "Basic"),)):
        for method in ("GET", "POST", "OPTIONS"):
            for target in ("/", "/me", "/admin", "/hidden", "/healthz"):
                driver(me(*headers, method=method, target=target))
    assert checker.asked == []


def test_N2_optional_switches_nothing_off() -> None:
    """Beside a requirement, `optional` and `public` admit no further caller."""
    narrow: list[Requirement] = [role("admin"), scope("orders:read")]
    for wider in (optional, public):
        for narrower in narrow:
            both, alone = (ByAiohttp(Guard(Bearer(check_token), default=rule)) for rule in (wider & narrower, narrower))
            for headers in ((), (bearer("bob-token"),), (bearer("ann-token"),), (bearer("x"),)):
                assert (both(me(*headers)).status == 200) <= (alone(me(*headers)).status == 200)


@pytest.mark.parametrize("value", ["Bearer YW5uOnMzY3JldA==", "Basic ann-token", "Token ann-token", "ann-token", "ann:s3cret"])
def test_N3_credentials_are_read_under_their_name_alone(value: str) -> None:
    """And not without one."""
    answer = ByAiohttp(Guard(Basic(check_password, realm="r"), Bearer(check_token)))(me(("Authorization", value)))
    assert (answer.status in {400, 401}, answer.called) == (True, False)


def test_N4_no_octet_is_an_exception() -> None:
    """Every octet that may stand in a field gives a value or a refusal."""
    driver = ByAiohttp(Guard(Basic(check_password, realm="r"), Bearer(check_token), APIKey(Counting(), cookie="key"), xhr_no_prompt=True))
    for octet in [chr(number) for number in (0, 1, 9, 10, 13, 31, 127, 128, 160, 195, 237, 255)]:
        for name, value in {"Authorization": "Bearer x", "X-API-Key": "x,y", "Host": "h", "Origin": "o", "Accept": "text/html"}.items():
            for spoilt in (octet + value, value[:1] + octet + value[1:], value + octet):
                answer = driver(me((name, spoilt)))
                assert (answer.status in {400, 401}, answer.called) == (True, False)
    for octets in (b"\xff", b"\xc3\x28", b"\xed\xa0\x80"):
        assert driver(me(("Authorization", "Basic " + b64encode(octets + b":" + octets).decode()))).status == 401


def test_N5_passwords_beyond_ascii_fail_alike() -> None:
    """A password beyond ASCII is 401 for a known and for an unknown user."""
    driver = ByAiohttp(orders_guard())
    known, unknown = driver(me(basic("ann", "пароль"))), driver(me(basic("nobody", "пароль")))
    assert (known.status, known.challenges, known.body) == (401, unknown.challenges, unknown.body)


def test_N6_no_method_and_no_preflight_is_exempt() -> None:
    """HEAD, OPTIONS, TRACE and preflights without credentials reach no handler."""
    driver = ByAiohttp(orders_guard())
    asks = (("Origin", "https://a"), ("Access-Control-Request-Method", "PUT"))
    for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "QUERY"):
        for target in ("/me", "/admin", "/hidden", "/elsewhere"):
            for headers in ((), asks):
                answer = driver(me(*headers, method=method, target=target))
                assert (answer.status in {401, 400}, answer.called) == (True, False)


def test_N7_handshakes_are_guarded() -> None:
    """What http refuses is refused to a handshake too, and never accepted first."""
    driver = ByAiohttp(orders_guard())
    shake = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "A" * 22 + "=="))
    for row in ROWS:
        if row.status in {401, 403} and row.request.method == "GET" and row.name not in BY_THE_PARSER:
            with noting(row.name):
                asked = Request(target=row.request.target, headers=(*row.request.headers, *shake), client=row.request.client)
                answer = driver(asked)
                assert (answer.status, answer.called) == (row.status, False)


@pytest.mark.parametrize("target", ["/login-secret", "/login.html", "/login/x", "/files/login", "/x/login", "/LOGIN", "/log", "/login%20"])
def test_N8_a_rule_opens_no_neighbour(target: str) -> None:
    """A rule is its path, whole and anchored."""
    answer = ByAiohttp(Guard(Bearer(check_token), rules={"/login": public}))(me(target=target))
    assert (answer.status, answer.called) == (401, False)


@pytest.mark.parametrize("name", ["Remote-User", "X-Forwarded-User", "X-Remote-User", "X-WebAuth-User"])
def test_N9_remote_user_of_a_client_is_not_trusted(name: str) -> None:
    """A client that names a user in a header stays anonymous, and the handler does not see the field."""
    driver = ByAiohttp(orders_guard())
    assert driver(me((name, "ann"))).status == 401
    answer = driver(me((name, "ann"), target="/"))
    assert answer.seen is not None
    assert (answer.principal, answer.seen.carries(name.lower())) == (ANONYMOUS, False)


def test_N10_and_N13_mistakes_are_found_where_the_guard_is_made() -> None:
    """No middleware stands for a guard without a scheme; a realm has no line break, and its quote is escaped."""
    with pytest.raises(ConfigurationError):
        Guard()
    with pytest.raises(ConfigurationError):
        Bearer(check_token, realm="a\r\nb")
    answer = ByAiohttp(Guard(Basic(check_password, realm='a"b')))(me())
    assert answer.challenges == ['Basic realm="a\\"b", charset="UTF-8"']


@pytest.mark.parametrize("target", ["/", "/me", "/admin", "/hidden"])
def test_N12_an_outage_is_never_anonymous(target: str) -> None:
    """503 on optional routes as well, with the time to wait."""
    answer = ByAiohttp(orders_guard())(me(basic("outage", "x"), target=target))
    assert (answer.status, answer.one("retry-after"), answer.called) == (503, "7", False)


def test_N14_a_lock_out_is_429() -> None:
    """As the exception of aiohttp for it, with Retry-After and without a challenge."""
    guard = orders_guard()
    error = refused(guard.refuse(Throttled(reason=Reason.THROTTLED, retry_after=30), RequestView("GET", "/me")))
    assert isinstance(error, web.HTTPTooManyRequests)
    assert (error.status, error.headers["Retry-After"], "WWW-Authenticate" in error.headers) == (429, "30", False)


def test_N15_a_missing_scope_is_403() -> None:
    """A good token without the scope is 403 `insufficient_scope`, and nothing is asked for again but by Bearer."""
    answer = ByAiohttp(orders_guard())(me(bearer("bob-token"), target="/orders"))
    assert (answer.status, answer.challenges) == (403, ['Bearer realm="orders", error="insufficient_scope", scope="orders:read"'])
    assert ByAiohttp(orders_guard())(me()).challenges == ASK_ALL
