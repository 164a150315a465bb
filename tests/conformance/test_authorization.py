"""Who may, and who decides: one decision before anything else runs (RFC 9110 §11.4, §13, §15, §17; RFC 6750 §3.1; RFC 9470; RFC 9700)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import logging
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import argon2
import pytest

from tests.support.core import verifications
from tests.support.drive import ByASGI, ByHand, ByWSGI, Request, basic, bearer, request_view, who
from tests.support.each import each
from tests.support.people import ANN, CLOCK, KEYS, NOW, Counting, check_password, check_token, orders_guard
from watchword import (
    APIKey,
    APIKeyCredentials,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    Guard,
    Principal,
    Unavailable,
    authenticated,
    fresh,
    network,
    optional,
    role,
    scope,
    via,
    where,
)
from watchword.checkers import Tokens, Users
from watchword.checkers.adapt import nonblocking
from watchword.principal import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Behind, Through

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def me(*headers: tuple[str, str], method: str = "GET", target: str = "/me") -> Request:
    """A request with these fields."""
    return Request(method=method, target=target, headers=headers)


@each(
    "headers",
    [
        (("If-None-Match", "*"),),
        (("If-Match", '"x"'),),
        (("If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT"),),
        (("Range", "bytes=0-3"),),
        (("Range", "bytes=0-3"), ("If-Range", '"x"')),
    ],
)
@each("method", ["GET", "PUT"])
def test_R9110_13_2_1_1_preconditions_come_after(method: str, headers: tuple[tuple[str, str], ...], through: Through) -> None:
    """A conditional or a range request that is refused is refused like any other."""
    driver = through(orders_guard())
    answer, plain = driver(me(*headers, method=method)), driver(me(method=method))
    assert (answer.status, answer.headers, answer.body) == (401, plain.headers, plain.body)
    assert answer.one("content-range") is None


def test_R9110_11_4_3_valid_and_not_adequate_is_403(through: Through) -> None:
    """Somebody who is known and may not gets 403, without a challenge that would ask again."""
    answer = through(orders_guard())(me(basic("bob", "hunter2"), target="/admin"))
    assert (answer.status, answer.challenges, answer.called) == (403, [], False)


def by_cookie(**settings: Any) -> Guard:
    """A guard with a cookie beside the explicit schemes."""
    return Guard(
        Basic(check_password, realm="orders"),
        Bearer(check_token, realm="orders"),
        APIKey(KEYS, cookie="key", realm="orders"),
        **settings,
    )


COOKIE = ("Cookie", "a=b; key=ann-key")


def test_R9110_11_4_5_there_is_no_fallback(through: Through) -> None:
    """If explicit credentials fail, the request is refused, whatever else it carries (decision D18)."""
    driver = through(by_cookie(rules={"/": optional, "/me": authenticated}))
    assert who(driver(me(COOKIE))) == "ann"
    for target in ("/", "/me"):
        assert driver(me(COOKIE, bearer("x"), target=target)).status == 401
        assert driver(me(COOKIE, basic("bob", "x"), target=target)).status == 401
        assert driver(me(COOKIE, ("X-API-Key", "x"), target=target)).status == 400
        assert driver(me(COOKIE, bearer("outage"), target=target)).status == 503
        assert driver(me(("Cookie", "key=x"), target=target)).status == 401


def test_D18_explicit_beats_ambient(through: Through) -> None:
    """Credentials that were sent on purpose count in place of a cookie that a browser adds by itself."""
    driver = through(by_cookie())
    assert who(driver(me(COOKIE, bearer("bob-token")))) == "bob"
    assert who(driver(me(COOKIE, basic("bob", "hunter2")))) == "bob"


def test_D18_a_scheme_that_the_route_does_not_take_does_not_speak(through: Through) -> None:
    """Of two kinds at once the one that the route does not accept counts as absent."""
    driver = through(by_cookie(rules={"/me": via("Bearer")}))
    assert who(driver(me(COOKIE, bearer("bob-token")))) == "bob"
    assert driver(me(COOKIE)).status == 401


@pytest.mark.parametrize(
    "sent", [basic("ann", "s3cret"), basic("ann", "x"), basic("outage", "x"), ("Authorization", "Basic _-8=")], ids=str
)
def test_D4_credentials_of_other_schemes_are_ignored(sent: tuple[str, str], through: Through) -> None:
    """Where the route takes another scheme, they count as absent, whether valid, invalid or malformed, and no checker is asked."""
    asked: list[str] = []
    guard = Guard(Basic(counting(asked), realm="orders"), Bearer(check_token), APIKey(KEYS), rules={"/me": via("Bearer")})
    answer = through(guard)(me(sent))
    assert (answer.status, answer.challenges, asked) == (401, ['Bearer realm="api"'], [])
    assert b"missing_credentials" in answer.body
    assert who(through(guard)(me(bearer("bob-token"), ("X-API-Key", "ann-key")))) == "bob"


def test_R9110_11_5_2_protection_spaces_are_separate(through: Through) -> None:
    """Credentials of one realm open nothing in another."""
    here, there = (through(Guard(Bearer(Tokens({token: ANN}), realm=token))) for token in ("here", "there"))
    assert here(me(bearer("here"))).status == 200
    answer = there(me(bearer("here")))
    assert (answer.status, answer.challenges[0].split(",")[0]) == (401, 'Bearer realm="there"')


def test_R9110_11_7_2_1_an_origin_ignores_proxy_authorization(behind: Behind) -> None:
    """Credentials for a proxy identify no caller here, and change nothing of the origin's."""
    answer = behind(orders_guard())(me(("Proxy-Authorization", basic("ann", "s3cret")[1])))
    assert (answer.status, answer.called) == (401, False)


def test_R9110_11_7_2_1_a_proxy_consumes_them(behind: Behind) -> None:
    """In proxy mode Proxy-Authorization is evaluated and goes no further; Authorization is for the origin, and passes."""
    driver = behind(Guard(Basic(check_password, realm="proxy"), proxy=True))
    proxied, own = ("Proxy-Authorization", basic("ann", "s3cret")[1]), bearer("for-the-origin")
    answer = driver(me(proxied, own))
    assert answer.seen is not None
    assert who(answer) == "ann"
    assert (answer.seen.carries("proxy-authorization"), answer.seen.carries("authorization")) == (False, True)
    assert driver(me(basic("ann", "s3cret"))).status == 407
    assert driver(me(proxied, proxied)).status == 400


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "PATCH"])
def test_R9110_15_5_2_1_a_refused_request_is_not_applied(method: str, behind: Behind) -> None:
    """The application does not run for what is refused."""
    answer = behind(orders_guard())(me(method=method))
    assert (answer.status, answer.called) == (401, False)


def test_R9110_15_5_4_1_a_403_needs_no_challenge(through: Through) -> None:
    """A refusal that no credentials could change is 403 without a challenge."""
    driver = through(orders_guard())
    for headers in ((), (basic("ann", "s3cret"),), (basic("ann", "x"),), (bearer("outage"),)):
        answer = driver(me(*headers, target="/inside"))
        assert (answer.status, answer.challenges) == (403, [])
        assert b"10.0.0.0" not in answer.body


@each("wait", [None, 30, 0])
@each("rule", [authenticated, optional, role("x"), scope("x"), role("x").hidden(), ~role("x"), role("x") | scope("y")])
def test_R9110_15_6_4_1_an_outage_is_503(rule: Any, wait: int | None, through: Through) -> None:
    """Where a checker cannot tell there is 503 with Retry-After: never access, and no word that the token was bad (decision D13)."""

    @nonblocking
    def check(credentials: BearerToken) -> Principal:
        raise Unavailable("down", retry_after=wait)

    answer = through(Guard(Bearer(check), default=rule))(me(bearer("t")))
    assert (answer.status, answer.called, answer.challenges) == (503, False, [])
    assert answer.one("retry-after") == str(5 if wait is None else wait)


def test_R9110_15_6_4_1_an_outage_does_not_hide_what_is_decided(through: Through) -> None:
    """What does not depend on identity is decided without it: met in an alternative, or not met at all."""
    rules = {"/a": role("x") | network("192.0.2.0/24"), "/b": role("x") & network("10.0.0.0/8"), "/c": role("x") | network("10.0.0.0/8")}
    driver = through(Guard(Basic(check_password, realm="orders"), rules=rules))
    assert [driver(me(basic("outage", "x"), target=target)).status for target in ("/a", "/b", "/c")] == [200, 403, 503]


@each("error", [RuntimeError("bug"), TypeError("bug"), ValueError("bug"), KeyError("bug"), ConnectionError("bug")])
def test_R9110_15_6_4_1_a_bug_is_no_refusal(error: Exception, through: Through) -> None:
    """Any exception of a checker but Unavailable propagates, and the application does not run: the server's 500."""

    @nonblocking
    def check(credentials: BearerToken) -> Principal:
        raise error

    with pytest.raises(type(error), match="bug"):
        through(Guard(Bearer(check), default=optional))(me(bearer("t")))


@each("answer", [True, 1, "ann", b"ann", {"id": "ann"}])
def test_a_truthy_answer_of_a_checker_is_a_bug(answer: object, through: Through) -> None:
    """A checker that returns something true but no principal grants nothing."""

    @nonblocking
    def check(credentials: BearerToken) -> Any:
        return answer

    with pytest.raises(TypeError, match="must return a Principal"):
        through(Guard(Bearer(check), default=optional))(me(bearer("t")))


def test_R9110_16_4_2_1_requests_of_a_connection_are_independent(through: Through) -> None:
    """Credentials of the first request do not count for the second."""
    driver = through(orders_guard())
    statuses = [driver(me(*headers)).status for headers in ((bearer("ann-token"),), (), (bearer("ann-token"),), (bearer("x"),), ())]
    assert statuses == [200, 401, 200, 401, 401]


MARK = "Marker-4711"


def secrets() -> list[Request]:
    """Requests that carry a marker in every place where a secret may stand, on every path to a refusal."""
    places = [
        (basic("ann", MARK),),
        (basic(MARK, "x"),),
        (("Authorization", "Basic " + b64encode(MARK.encode()).decode()),),
        (("Authorization", f"Basic {MARK}"),),
        (("Authorization", MARK),),
        (("Authorization", f"{MARK} x y"),),
        (bearer(MARK),),
        (bearer(MARK), bearer(MARK)),
        (("Authorization", f"Bearer {MARK} {MARK}"),),
        (("Authorization", f'Bearer x="{MARK}'),),
        (("Authorization", f"ApiKey {MARK}"),),
        (("X-API-Key", MARK),),
        (("X-API-Key", f"{MARK},{MARK}"),),
        (("X-API-Key", f"{MARK}\x00"),),
        (("Cookie", f"key={MARK}"),),
        (("X_API_Key", MARK),),
        (bearer(MARK * 2000),),
    ]
    targets = ["/", "/me", "/admin", "/orders", "/inside", "/hidden", "/fresh", "/a//b", f"/me?access_token={MARK}"]
    return [me(*headers, ("Accept", accept), target=target) for headers in places for target in targets for accept in ("text/html", "*/*")]


@nonblocking
def fails_with_the_secret(credentials: Any) -> Principal | None:
    """Refuse what is not to be found, and be unavailable on some days."""
    if isinstance(credentials, APIKeyCredentials):
        raise Unavailable("the store is down")
    return None


def test_R9110_17_9_1_credentials_are_never_repeated(through: Through, caplog: pytest.LogCaptureFixture) -> None:
    """On no way to a refusal does a credential show in the log, a header, a body or an explanation, in whatever spelling."""
    guard = Guard(
        Basic(fails_with_the_secret, realm="orders"),
        Bearer(fails_with_the_secret, query=True, realm="orders"),
        APIKey(fails_with_the_secret, cookie="key", realm="orders"),
        rules={"/": optional, "/inside": network("10.0.0.0/8"), "/hidden": role("x").hidden(), "/admin": role("x"), "/fresh": fresh(1)},
    )
    spellings = [MARK, quote(MARK), *(b64encode(b"x" * shift + MARK.encode())[4:-4].decode() for shift in range(3))]
    driver = through(guard)
    statuses: set[int] = set()
    with caplog.at_level(logging.DEBUG):
        for request in secrets():
            answer = driver(request)
            statuses.add(answer.status)
            written = repr(answer.headers) + answer.body.decode() + repr(answer.seen and answer.seen.decision)
            view = request_view(request)
            written += str(guard.explain(view)) + repr(view) + repr(guard.decide(view)) + repr(guard)
            assert not any(spelling in written for spelling in spellings), request
    logged = "".join(f"{record.getMessage()}{vars(record)}" for record in caplog.records)
    assert not any(spelling in logged for spelling in spellings)
    assert {400, 401, 403, 431, 503} <= statuses


def test_R9110_17_9_1_refusals_are_logged_with_their_id(behind: Behind, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the reason that the client is not told, under the id that the client was told."""
    with caplog.at_level(logging.INFO, "watchword"):
        answer = behind(orders_guard(request_id=lambda: "id-17"))(me(bearer("revoked")))
    assert b'"id-17"' in answer.body
    assert b"revoked" not in answer.body
    (record,) = caplog.records
    assert "revoked" in record.getMessage()
    assert "id-17" in record.getMessage()


def counting(count: list[str]) -> Callable[[BasicCredentials], Principal | None]:
    """A checker that counts."""

    @nonblocking
    def check(credentials: BasicCredentials) -> Principal | None:
        count.append("asked")
        return check_password(credentials)

    return check


def test_R9110_17_16_1_1_over_plain_http_nothing_is_looked_at(through: Through) -> None:
    """With require_tls a protected route over plain http is 403, and no checker is asked (decision D20: off by default)."""
    asked: list[str] = []
    driver = through(Guard(Basic(counting(asked), realm="orders"), require_tls=True))
    for headers in ((), (basic("ann", "s3cret"),), (basic("ann", "x"),)):
        assert driver(me(*headers)).status == 403
    assert asked == []
    assert driver(Request(target="/me", headers=(basic("ann", "s3cret"),), scheme="https")).status == 200
    assert driver(Request(target="/me", headers=(basic("ann", "s3cret"),), client="127.0.0.1")).status == 200
    assert driver(Request(target="/me", headers=(basic("ann", "s3cret"),), client="::1")).status == 200
    assert asked == ["asked"] * 3
    assert through(Guard(Basic(check_password, realm="orders")))(me(basic("ann", "s3cret"))).status == 200


@pytest.mark.parametrize("driver", [ByASGI, ByHand])
def test_R9110_17_16_1_1_a_websocket_over_ws_is_plain_too(driver: Any) -> None:
    """require_tls holds for the handshake of a websocket: `ws` is plain, `wss` is not."""
    send = driver(Guard(Basic(check_password, realm="orders"), require_tls=True))
    for scheme, status in (("http", 403), ("https", 101)):
        assert send(Request(target="/me", headers=(basic("ann", "s3cret"),), scheme=scheme, kind="websocket")).status == status


@pytest.mark.parametrize("driver", [ByWSGI, ByHand])
@pytest.mark.parametrize("password", ["s3cret", "wrong", "", "x" * 2000, "\u00e4", "s3cret\u0301"], ids=lambda text: ascii(text[:7]))
def test_R9110_T_1_unknown_users_cost_as_much(password: str, driver: Any) -> None:
    """One password verification for a known, an unknown and an odd name, with equal parameters; counted, not timed."""
    send = driver(Guard(Basic(Users({"ann": CHEAP.hash("s3cret"), "bob": CHEAP.hash("hunter2")}), realm="orders")))
    costs = set()
    for name in ("ann", "nobody", "", "Ann", "a" * 500):
        with verifications() as seen:
            answer = send(me(basic(name, password)))
        costs.add(tuple(seen))
        assert (len(seen), answer.status) == (1, 200 if name == "ann" and password == "s3cret" else 401)
    assert len(costs) == 1


def test_R6750_3_1_4_insufficient_scope_is_403(through: Through) -> None:
    """A token without the scope is 403, and its challenge names the scope needed."""
    answer = through(orders_guard())(me(bearer("ann-token"), method="POST", target="/orders"))
    assert (answer.status, answer.challenges) == (403, ['Bearer realm="orders", error="insufficient_scope", scope="orders:write"'])


@each(
    ("held", "needed", "status"),
    [
        (["Read"], ["read"], 403),
        (["reader"], ["read"], 403),
        (["read:all"], ["read"], 403),
        (["b", "a"], ["a", "b"], 200),
        (["a", "b", "c"], ["b"], 200),
        (["a"], ["a", "b"], 403),
        ([], ["a"], 403),
    ],
)
def test_R6750_3_1_5_scopes_are_compared_exactly(held: list[str], needed: list[str], status: int, through: Through) -> None:
    """Scopes are equal or they are not, in any order."""
    guard = Guard(Bearer(Tokens({"t": Principal("ann", scopes=held)})), default=scope(*needed))
    assert through(guard)(me(bearer("t"))).status == status


def test_R9700_2_3_2_every_request_is_checked(through: Through) -> None:
    """The same token may do one thing and not another, in whatever order it is tried."""
    rules = {"GET /x": scope("read"), "DELETE /x": scope("delete")}
    driver = through(Guard(Bearer(Tokens({"t": Principal("ann", scopes=["read"])})), rules=rules))
    statuses = [driver(me(bearer("t"), method=method, target="/x")).status for method in ("GET", "DELETE", "GET", "DELETE")]
    assert statuses == [200, 403, 200, 403]


FORWARDED = [
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Scheme", "https"),
    ("X-Forwarded-Ssl", "on"),
    ("X-Url-Scheme", "https"),
    ("Front-End-Https", "on"),
    ("Forwarded", "for=10.1.2.3;proto=https;host=inside"),
    ("X-Forwarded-For", "10.1.2.3"),
    ("X-Real-IP", "10.1.2.3"),
    ("X-Client-IP", "10.1.2.3"),
    ("True-Client-IP", "10.1.2.3"),
    ("CF-Connecting-IP", "10.1.2.3"),
    ("X-Forwarded-Host", "inside"),
    ("X-Forwarded-Uri", "/healthz"),
    ("X-Forwarded-Prefix", "/healthz"),
    ("X-Original-URL", "/healthz"),
    ("X-Rewrite-URL", "/healthz"),
    ("X-Original-Method", "OPTIONS"),
    ("Client-Cert", ":QQ==:"),
    ("X-SSL-Client-Verify", "SUCCESS"),
    ("X-Forwarded-Client-Cert", "Subject=ann"),
]


@each("field", FORWARDED)
def test_R9700_4_13_1_no_field_changes_the_facts_of_the_connection(field: tuple[str, str], through: Through) -> None:
    """Address, scheme, path and certificate are as the server states them. Trusted proxies come in a later release."""
    driver = through(orders_guard(require_tls=True))
    assert driver(me(field, basic("ann", "s3cret"))).status == 403
    assert driver(Request(target="/inside", headers=(field,), scheme="https")).status == 403
    assert driver(Request(target="/me", headers=(field,), scheme="https")).status == 401


@each("name", ["Client-Cert", "Client-Cert-Chain", "X-Forwarded-Client-Cert", "X-SSL-Client-Cert", "X-SSL-Client-S-DN"])
def test_R9440_2_4_1_a_certificate_in_a_header_identifies_no_caller(name: str, through: Through) -> None:
    """A client certificate in a header is ignored, until a proxy that may send it can be configured."""
    driver = through(orders_guard())
    assert driver(me((name, ":QQ==:"))).status == 401
    assert who(driver(me((name, ":QQ==:"), bearer("bob-token")))) == "bob"


def test_R9700_4_15_1_people_and_programs_are_told_apart(through: Through) -> None:
    """A program whose id is that of a person is another principal, and a rule can ask for a person."""
    tokens = Tokens({"person": Principal("7"), "program": Principal("7", kind="client")})
    driver = through(Guard(Bearer(tokens), default=where(lambda principal: principal.kind == "user", name="person")))
    assert [driver(me(bearer(token))).status for token in ("person", "program")] == [200, 403]
    assert Principal("7") != Principal("7", kind="client")


def test_R9470_3_1_too_weak_is_401(through: Through) -> None:
    """A login too old or too weak is 401 `insufficient_user_authentication`, although the credentials are good (decision D11)."""
    answer = through(orders_guard())(me(bearer("eve-token"), target="/acr"))
    assert answer.status == 401
    assert answer.challenges[1] == 'Bearer realm="orders", error="insufficient_user_authentication", acr_values="mfa otp"'


@each(
    ("evidence", "status"),
    [
        (Evidence(auth_time=NOW - 301), 401),
        (Evidence(auth_time=NOW - 300), 200),
        (Evidence(auth_time=NOW - 299), 200),
        (Evidence(), 401),
        (None, 401),
        (Evidence(auth_time=str(NOW)), 401),  # type: ignore[arg-type]  # what a careless checker may copy from a claim
        (Evidence(auth_time=True), 401),
        (Evidence(auth_time=float("nan")), 401),
        (Evidence(auth_time=float("inf")), 401),
        (Evidence(auth_time=NOW + 3600), 401),
    ],
)
def test_R9470_6_1_fresh_needs_a_stated_login_time(evidence: Evidence | None, status: int, through: Through) -> None:
    """The time of the login comes from the checker. Where it is missing or not a number, `fresh` is not met."""
    guard = Guard(Bearer(Tokens({"t": Principal("ann", evidence=evidence)})), clock=CLOCK, default=fresh(300))
    assert through(guard)(me(bearer("t"))).status == status


def test_D19_a_request_that_cannot_pass_costs_no_verification(through: Through) -> None:
    """No password is hashed for a request that is malformed, or that is refused for every caller."""
    checker = Counting()
    driver = through(Guard(Basic(checker, realm="orders"), rules={"/inside": network("10.0.0.0/8")}))
    good = basic("ann", "s3cret")
    requests = [
        me(good, target="/inside"),
        me(good, target="//inside"),
        me(good, good),
    ]
    assert [driver(request).status for request in requests] == [403, 400, 400]
    assert checker.asked == []


def test_a_checker_is_asked_once(through: Through) -> None:
    """One request, one question, whatever the rule is made of."""
    checker = Counting()
    rule = (role("x") | role("admin")) & ~role("banned") & authenticated
    assert through(Guard(Basic(checker, realm="orders"), default=rule))(me(basic("ann", "s3cret"))).status == 200
    assert len(checker.asked) == 1


def test_expired_evidence_is_refused_on_every_route(through: Through) -> None:
    """Evidence that has run out is 401, on an optional route as well; from that very second on."""
    tokens = Tokens({f"t{left}": Principal("ann", evidence=Evidence(expires_at=NOW + left)) for left in (0, 1)})
    driver = through(Guard(Bearer(tokens, realm="orders"), clock=CLOCK, rules={"/": optional}))
    for target in ("/", "/me"):
        for token, status in (("t1", 200), ("t0", 401)):
            answer = driver(me(bearer(token), target=target))
            assert (answer.status, "expired" in "".join(answer.challenges)) == (status, status == 401)


def test_WSGI_and_ASGI_hand_over_the_same_principal() -> None:
    """Who it is does not depend on the interface."""
    request = me(basic("ann", "s3cret"))
    guard = orders_guard()
    asgi, wsgi = ByASGI(guard)(request), ByWSGI(guard)(request)
    assert asgi.principal == wsgi.principal
    assert asgi.principal is not None
    assert asgi.principal.evidence == Evidence("Basic")
