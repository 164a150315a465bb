"""The Bearer scheme and its transports, from the request to the checker (RFC 6750, RFC 9700; D36)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import gc
import io
import pickle
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import ByASGI, ByWSGI, Request, asgi_scope, bearer, request_view, who, wsgi_environ
from tests.support.each import each
from tests.support.people import ANN, ASK_BEARER, BAD_REQUEST, INVALID, Counting, check_token, orders_guard
from watchword import Bearer, BearerToken, Guard, optional, public
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from tests.support.drive import Behind, Through

FORM = ("Content-Type", "application/x-www-form-urlencoded")


def bearer_guard(checker: Any = check_token, **settings: Any) -> Guard:
    """A guard with Bearer alone."""
    return Guard(Bearer(checker, realm="orders", **settings), rules={"/healthz": public})


def post(body: bytes | tuple[bytes, ...], *headers: tuple[str, str], method: str = "POST", target: str = "/me") -> Request:
    """A form."""
    return Request(method=method, target=target, headers=headers or (FORM,), body=body)


def test_R6750_2_1_two_transports_at_once_are_a_bad_request(through: Through) -> None:
    """A token in the field and in the form, or in the query, is 400 `invalid_request`, equal or not."""
    driver = through(bearer_guard(form=True, query=True))
    twice = [
        post(b"access_token=ann-token", FORM, bearer("ann-token")),
        post(b"access_token=bob-token", FORM, bearer("ann-token")),
        Request(target="/me?access_token=ann-token", headers=(bearer("ann-token"),)),
        post(b"access_token=ann-token", target="/me?access_token=ann-token"),
    ]
    for request in twice:
        answer = driver(request)
        assert (answer.status, answer.challenges, answer.called) == (400, [BAD_REQUEST], False)


def test_R6750_2_1_1_the_field_is_the_one_transport_by_default(through: Through) -> None:
    """Without asking for more, a token in a form or in the query is as good as none: 401 without an error."""
    driver = through(bearer_guard())
    assert driver(Request(target="/me", headers=(bearer("ann-token"),))).status == 200
    for request in (post(b"access_token=ann-token"), Request(target="/me?access_token=ann-token")):
        answer = driver(request)
        assert (answer.status, answer.challenges) == (401, [ASK_BEARER])


@each("value", ["Bearer a b", "Bearer a,b", 'Bearer "t"', "Bearer té", "Bearer", "Bearer t%20", "Bearer a=b="])
def test_R6750_2_1_2_a_token_is_one_token68(value: str, through: Through) -> None:
    """Anything else in the field is 400 `invalid_request`, and no checker is asked."""
    checker = Counting()
    answer = through(bearer_guard(checker))(Request(target="/me", headers=(("Authorization", value),)))
    assert (answer.status, answer.challenges, checker.asked) == (400, [BAD_REQUEST], [])


def test_R6750_2_1_2_a_token68_reaches_the_checker_as_sent(through: Through) -> None:
    """Every character of the alphabet, and padding, is part of the token."""
    checker = Counting()
    through(bearer_guard(checker))(Request(target="/me", headers=(bearer("~+/-._A9=="),)))
    assert checker.asked == [BearerToken("~+/-._A9==")]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_R6750_2_2_1_a_form_may_carry_the_token(method: str, through: Through) -> None:
    """A url-encoded form of a method other than GET may carry it, whatever stands around it."""
    driver = through(bearer_guard(form=True))
    for body in (b"access_token=ann-token", b"a=b&access_token=ann-token&c=d", b"access_token=ann%2Dtoken"):
        for kind in (FORM[1], FORM[1].upper(), FORM[1] + "; charset=utf-8"):
            answer = driver(post(body, ("Content-Type", kind), method=method))
            assert (answer.status, who(answer)) == (200, "ann")


@each(
    ("request_", "why"),
    [
        (post(b"access_token=ann-token", method="GET"), "GET"),
        (post(b"access_token=ann-token", method="HEAD"), "HEAD"),
        (post(b"access_token=ann-token", ("Content-Type", "multipart/form-data; boundary=x")), "multipart"),
        (post(b'{"access_token": "ann-token"}', ("Content-Type", "application/json")), "JSON"),
        (post(b"access_token=ann-token", ("Content-Type", "text/plain")), "text"),
        (post(b"access_token=ann-token", ("X-Other", "no content type")), "no type"),
        (post("access_token=ann-token&a=é".encode()), "not ASCII"),
        (post(b""), "empty"),
    ],
)
def test_R6750_2_2_1_other_content_carries_none(request_: Request, why: str, through: Through) -> None:
    """Content of another type, of GET, or with octets beyond ASCII carries no token."""
    answer = through(bearer_guard(form=True))(request_)
    assert (answer.status, answer.challenges) == (401, [ASK_BEARER])


@each("body", [b"access_token=", b"access_token", b"access_token=a+b", b"access_token=%00", b"access_token=a%0D%0A"])
def test_R6750_2_2_1_a_token_in_a_form_is_a_b64token_too(body: bytes, through: Through) -> None:
    """What could not stand in the field is no token in a form either: 400."""
    checker = Counting()
    answer = through(bearer_guard(checker, form=True))(post(body))
    assert (answer.status, answer.challenges, checker.asked) == (400, [BAD_REQUEST], [])


BODIES: list[bytes | tuple[bytes, ...]] = [
    b"access_token=ann-token",
    b"x=" + b"y" * 5000 + b"&access_token=ann-token",
    (b"access_", b"token=ann", b"-token&x=1"),
    (b"", b"access_token=ann-token", b"", b"&x=1", b""),
    tuple(bytes((octet,)) for octet in b"access_token=ann-token&z=1"),
]


@pytest.mark.parametrize("body", BODIES, ids=["short", "long", "chunked", "empty chunks", "single octets"])
def test_R6750_2_2_2_the_application_gets_the_whole_content(body: bytes | tuple[bytes, ...], behind: Behind) -> None:
    """What the guard read ahead is there for the application, octet for octet, chunked or not."""
    request = post(body)
    answer = behind(bearer_guard(form=True))(request)
    assert (answer.status, who(answer)) == (200, "ann")
    assert answer.seen is not None
    assert answer.seen.body == request.content


@pytest.mark.parametrize("body", [b"x=" + b"y" * 100, (b"x=" + b"y" * 50, b"y" * 50, b"z")], ids=["announced", "chunked"])
def test_R6750_2_2_2_content_without_a_token_is_whole_too(body: bytes | tuple[bytes, ...], behind: Behind) -> None:
    """With the token in the field, a form is read and handed on just the same; so is one over plain public routes."""
    driver = behind(bearer_guard(form=True))
    for request in (post(body, FORM, bearer("ann-token")), post(body, target="/healthz")):
        answer = driver(request)
        assert answer.seen is not None
        assert answer.seen.body == request.content


@each("size", [99, 100, 101, 200, 100_000])
@each("chunk", [None, 10, 1000])
def test_R6750_2_2_2_content_has_a_bound(size: int, chunk: int | None, through: Through) -> None:
    """A form beyond the limit is 413, and no checker is asked; up to the limit it is read."""
    whole = (b"access_token=ann-token&x=" + b"y" * size)[:size]
    body: Any = whole if chunk is None else tuple(whole[at : at + chunk] for at in range(0, size, chunk))
    answer = through(bearer_guard(form=True, form_limit=100))(post(body))
    assert answer.status == (413 if size > 100 else 200)
    assert answer.challenges == []


def test_R6750_2_2_2_no_more_is_read_than_the_limit() -> None:
    """Of an endless form at most one message, or one octet, beyond the limit is read."""
    guard = bearer_guard(form=True, form_limit=100)
    chunks = tuple(b"x" * 10 for _ in range(1000))
    assert ByASGI(guard)(post(chunks)).received == 11
    stream = io.BytesIO(b"x" * 10_000)

    def server(request: Request) -> dict[str, Any]:
        return {**wsgi_environ(request), "wsgi.input": stream, "CONTENT_LENGTH": "10000"}

    assert ByWSGI(guard, server=server)(post(b"")).status == 413
    assert stream.tell() == 101


def test_R6750_2_2_2_a_token_in_a_form_has_the_bound_of_a_field(through: Through) -> None:
    """A token in a form may be as long as one in the field; a longer one is 413, and no checker is asked."""
    checker = Counting()
    driver = through(bearer_guard(checker, form=True))
    for length, status in ((16_384, 200), (16_385, 413)):
        answer = driver(post(b"access_token=" + b"a" * length))
        assert (answer.status, answer.challenges) == (status, [])
    assert len(checker.asked) == 1


def test_R6750_2_2_2_a_read_form_is_kept_in_one_buffer() -> None:
    """However many messages a form came in, empty ones too, the guard keeps one buffer, bounded by the limit."""
    parts = tuple(b"" if at % 2 else b"x" for at in range(2000))
    received: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        received.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    driver = ByASGI(Guard(Bearer(check_token, form=True), default=optional), app=app, loop=False)
    assert driver(post(parts)).status == 200
    assert received == [{"type": "http.request", "body": b"x" * 1000, "more_body": False}]


@pytest.mark.parametrize(
    "length", ["", "-1", "abc", "1e3", "\u0661", "9" * 400, "9" * 5000], ids=lambda length: ascii(length[:5]) + str(len(length))
)
def test_R6750_2_2_2_a_length_that_is_none_reads_nothing(length: str) -> None:
    """A Content-Length that is no number, or more than what comes, is no reason to wait or to fail, and half a form holds no token."""

    def server(request: Request) -> dict[str, Any]:
        return {**wsgi_environ(request), "CONTENT_LENGTH": length}

    driver = ByWSGI(bearer_guard(form=True), server=server)
    assert driver(post(b"access_token=ann-token")).status == 401
    seen = driver(post(b"a=b", FORM, bearer("ann-token"))).seen
    assert seen is not None
    assert seen.body == b"a=b"


def test_R6750_2_2_2_an_interrupted_form_carries_no_token() -> None:
    """If a client disconnects while its form is read, no token is taken, and the application learns of the disconnect."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"access_token=ann-token", "more_body": True},
        {"type": "http.disconnect"},
    ]
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([scope["user"], await receive(), await receive()])

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    guard = Guard(Bearer(check_token, form=True), default=optional)
    with pytest.raises(StopIteration):
        GuardMiddleware(app, guard)(asgi_scope(post((b"x",))), receive, send).send(None)
    assert [who.is_authenticated for who in seen[:1]] == [False]
    assert [message["type"] for message in seen[1:]] == ["http.request", "http.disconnect"]


def test_R6750_2_3_1_the_query_is_ignored_unless_asked_for(through: Through) -> None:
    """A token in the query counts with query=True alone; without it, the parameter is like any other (decision D36)."""
    for target in ("/me?access_token=ann-token", "/me?a=b&access_token=ann-token", "/me?access%5Ftoken=ann-token"):
        request = Request(target=target)
        answer = through(bearer_guard())(request)
        assert (answer.status, answer.challenges) == (401, [ASK_BEARER])
        answer = through(bearer_guard(query=True))(request)
        assert (answer.status, who(answer)) == (200, "ann")


@pytest.mark.parametrize(
    "parameters", ["access_token=a&access_token=a", "access_token=ann-token&access_token=", "access_token=a&access%5Ftoken=b"]
)
def test_R6750_2_2_a_repeated_parameter_is_a_bad_request(parameters: str, through: Through) -> None:
    """The parameter twice is 400, in the form and in the query, in whatever spelling."""
    driver = through(bearer_guard(form=True, query=True))
    for request in (post(parameters.encode()), Request(target=f"/me?{parameters}")):
        answer = driver(request)
        assert (answer.status, answer.challenges) == (400, [BAD_REQUEST])


def test_R6750_3_1_2_a_bad_request_is_400(through: Through) -> None:
    """Two transports, a repeated parameter and a malformed field all say `invalid_request` with 400."""
    driver = through(bearer_guard(form=True, query=True))
    for request in (
        Request(target="/me", headers=(("Authorization", "Bearer a b"),)),
        Request(target="/me?access_token=a&access_token=a"),
        Request(target="/me?access_token=a", headers=(bearer("a"),)),
    ):
        answer = driver(request)
        assert (answer.status, answer.challenges) == (400, [BAD_REQUEST])


@each("reason", ["expired", "revoked", "unknown_identity", "not_yet_valid", "bad_signature", "wrong_issuer", "wrong_audience"])
def test_R6750_3_1_3_an_invalid_token_is_401(reason: str, through: Through) -> None:
    """Every reason gives 401 `invalid_token`; which check failed is not told, beyond that the token has expired."""
    answer = through(bearer_guard())(Request(target="/me", headers=(bearer(reason),)))
    assert answer.status == 401
    expired = reason == "expired"
    assert ("expired" in answer.challenges[0], answer.challenges == [INVALID]) == (expired, not expired)


def test_R9700_2_3_1_a_token_for_another_audience_is_refused_every_time(through: Through) -> None:
    """A token whose audience is another service is 401 on the first request and on every later one."""
    driver = through(bearer_guard())
    request = Request(target="/me", headers=(bearer("wrong_audience"),))
    assert [driver(request).status for _ in range(5)] == [401] * 5


def test_R9700_4_9_3_1_tokens_are_not_kept() -> None:
    """After requests of every kind nothing in guard and checker holds the token: tables and memories hold digests."""
    token = "raw-token-4711"
    checker = Tokens({token: ANN})
    guard = Guard(Bearer(checker, realm="orders"))
    driver = ByASGI(guard)
    for _ in range(10):
        assert driver(Request(target="/me", headers=(bearer(token),))).status == 200
        driver(Request(target="/me", headers=(bearer(token + "x"),)))
    kept = reachable(guard)
    assert "orders" in kept
    assert not any((token if isinstance(one, str) else token.encode()) in one for one in kept)
    assert token not in repr(checker)
    assert token in reachable({"a careless checker": {token: ANN}})


def reachable(start: object) -> list[Any]:
    """Every str and bytes that an object leads to, by whatever way, short of classes, modules and the globals of functions."""
    seen: dict[int, object] = {}
    todo: list[Any] = [start]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, (type, ModuleType)):
            continue
        seen[id(one)] = one
        todo += [one.__closure__, one.__defaults__] if isinstance(one, FunctionType) else gc.get_referents(one)
        todo += one if isinstance(one, dict) else ()  # str keys are no business of the garbage collector's
    return [one for one in seen.values() if isinstance(one, (str, bytes))]


def test_credentials_say_where_they_came_from(through: Through) -> None:
    """A checker is told the carrier, which caching depends on; two tokens are equal whatever carried them."""
    checker = Counting()
    driver = through(bearer_guard(checker, form=True, query=True))
    for request in (Request(target="/me", headers=(bearer("t"),)), post(b"access_token=t"), Request(target="/me?access_token=t")):
        assert driver(request).status == 200
    assert [token.carrier for token in checker.asked] == ["authorization", "form", "query"]
    assert len(set(checker.asked)) == 1


def test_a_view_may_carry_content() -> None:
    """A custom server passes the content with the view. Without it, a form carries no token."""
    guard = bearer_guard(form=True)
    with_content = request_view(post(b"access_token=ann-token"))
    assert guard.decide(with_content).granted
    without = request_view(post(b"access_token=ann-token"))
    without.content = None
    assert not guard.decide(without).granted
    assert pickle.loads(pickle.dumps(guard.decide(without))).reason == "missing_credentials"  # noqa: S301 - our own


def test_the_orders_guard_reads_no_form(behind: Behind) -> None:
    """A guard that reads no form leaves the content untouched."""
    answer = behind(orders_guard())(post(b"access_token=x", FORM, bearer("ann-token")))
    assert answer.seen is not None
    assert (answer.seen.body, answer.received) == (b"access_token=x", 0)
