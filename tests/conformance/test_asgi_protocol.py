"""The ASGI middleware as a good citizen between server and application, on asyncio and on trio (ASGI 3.0)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.support.drive import ByASGI, Reply, Request, asgi_scope, bearer, who
from tests.support.people import ANN, check_token, orders_guard
from watchword import Basic, Bearer, BearerToken, Guard, Principal, Unavailable, public
from watchword.adapters.asgi import GuardMiddleware

pytestmark = pytest.mark.anyio

GOOD = Request(target="/me", headers=(bearer("ann-token"),))


class Recorder:
    """An application that keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Keep, and answer nothing."""
        self.calls.append((scope, receive, send))


async def nothing() -> dict[str, Any]:
    """Receive what must not be asked for."""
    raise AssertionError("receive was awaited")


async def nowhere(message: Any) -> None:
    """Send what must not be sent."""
    raise AssertionError(message)


async def test_the_lifespan_passes() -> None:
    """The lifespan reaches the application with the very same scope, receive and send."""
    app = Recorder()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    await GuardMiddleware(app, orders_guard())(scope, nothing, nowhere)
    (call,) = app.calls
    assert call[0] is scope
    assert call[1:] == (nothing, nowhere)


@pytest.mark.parametrize("kind", ["webtransport", "http.whatever", "", "HTTP", "Lifespan"])
async def test_any_other_kind_is_refused(kind: str) -> None:
    """A kind of connection that the guard does not know reaches no application: it is an error."""
    app = Recorder()
    with pytest.raises(ValueError, match="http and websocket"):
        await GuardMiddleware(app, orders_guard())({"type": kind, "path": "/healthz", "headers": []}, nothing, nowhere)
    assert app.calls == []


async def test_receive_and_send_are_the_servers_own() -> None:
    """Where there is nothing to add, the application talks to the server directly."""
    app = Recorder()
    await GuardMiddleware(app, orders_guard(rules={}))(asgi_scope(GOOD), nothing, nowhere)
    assert app.calls[0][1:] == (nothing, nowhere)


async def test_a_refusal_is_one_start_and_one_body() -> None:
    """A refusal is a complete response of two messages; a second one is never started."""
    answer = await ByASGI(orders_guard()).awaited(Request(target="/me"))
    assert [message["type"] for message in answer.messages] == ["http.response.start", "http.response.body"]
    assert not answer.messages[-1].get("more_body", False)


async def test_names_of_fields_are_in_lower_case() -> None:
    """All fields that the guard sends or adds are in lower case, as HTTP/2 wants them."""
    key = Request(target="/me", headers=(("X-API-Key", "ann-key"),))
    for request in (Request(target="/me"), Request(target="/"), key):
        answer = await ByASGI(orders_guard()).awaited(request)
        raw = answer.messages[0]["headers"]
        assert all(name == name.lower() for name, _ in raw)
        assert all(isinstance(name, bytes) and isinstance(value, bytes) for name, value in raw)


@pytest.mark.parametrize("missing", ["client", "root_path", "raw_path", "scheme", "query_string", "extensions", "server"])
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_what_a_server_may_leave_out_may_be_missing(missing: str, kind: Any) -> None:
    """Every key that ASGI declares optional may be absent, or None where it says so."""

    def without(request: Request) -> dict[str, Any]:
        scope = asgi_scope(request)
        scope.pop(missing, None)
        return scope

    def with_none(request: Request) -> dict[str, Any]:
        nothing_known = dict.fromkeys(("client", "raw_path", "extensions", "query_string", "root_path", "scheme", "subprotocols"))
        return {**asgi_scope(request), **nothing_known}

    for server in (without, with_none):
        app = Recorder()
        guard = orders_guard()
        await GuardMiddleware(app, guard)(server(Request(kind=kind, target="/me", headers=(bearer("ann-token"),))), nothing, nowhere)
        assert [scope["user"] for scope, _, _ in app.calls] == [ANN.with_evidence(app.calls[0][0]["user"].evidence)]


@pytest.mark.parametrize("headers", [{}, {"headers": None}, {"headers": ()}])
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_a_request_without_a_header_section_is_anonymous(headers: dict[str, Any], kind: Any) -> None:
    """And no exception, which a server would make a 500."""

    def server(request: Request) -> dict[str, Any]:
        scope = asgi_scope(request)
        del scope["headers"]
        return scope | headers

    driver = ByASGI(orders_guard(rules={"/open": public}), server=server)
    assert [(await driver.awaited(Request(kind=kind, target=target))).called for target in ("/open", "/me")] == [True, False]


async def test_headers_may_be_any_iterable_that_can_be_read_again() -> None:
    """A tuple of tuples, or of lists, is read like a list of tuples."""
    for make in (tuple, list):
        for pair in (tuple, list):

            def server(request: Request, make: Any = make, pair: Any = pair) -> dict[str, Any]:
                return {**asgi_scope(request), "headers": make(pair(field) for field in asgi_scope(request)["headers"])}

            assert who(await ByASGI(orders_guard(), server=server).awaited(GOOD)) == "ann"


async def test_an_error_of_the_application_passes() -> None:
    """What the application raises reaches the server."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("theirs")

    with pytest.raises(LookupError, match="theirs"):
        await ByASGI(orders_guard(), app=app).awaited(GOOD)


async def test_cancellation_passes() -> None:
    """A request that is cancelled while a checker waits is cancelled, and nothing is answered."""
    waiting = anyio.Event()

    async def check(credentials: BearerToken) -> Principal:
        waiting.set()
        await anyio.sleep_forever()
        raise AssertionError

    app = Recorder()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(GuardMiddleware(app, Guard(Bearer(check))), asgi_scope(GOOD), nothing, nowhere)
        await waiting.wait()
        tasks.cancel_scope.cancel()
    assert app.calls == []


async def test_requests_are_decided_side_by_side() -> None:
    """One request that waits for its checker keeps no other from being decided."""
    release = anyio.Event()

    async def check(credentials: BearerToken) -> Principal:
        if credentials.token == "slow":
            await release.wait()
        return Principal(credentials.token)

    guard = Guard(Bearer(check))
    names: list[str] = []

    async def one(token: str) -> None:
        names.append(who(await ByASGI(guard).awaited(Request(target="/me", headers=(bearer(token),)))))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one, "slow")
        await anyio.wait_all_tasks_blocked()
        for number in range(10):
            await one(f"fast{number}")
        release.set()
    assert names == [*(f"fast{number}" for number in range(10)), "slow"]


async def test_an_outage_of_an_async_checker_is_503() -> None:
    """An async checker says Unavailable like any other."""

    async def check(credentials: BearerToken) -> Principal:
        raise Unavailable("down", retry_after=9)

    answer = await ByASGI(Guard(Bearer(check))).awaited(GOOD)
    assert (answer.status, answer.one("retry-after")) == (503, "9")


async def test_streams_pass_message_by_message() -> None:
    """What the application streams is passed on as it comes, also where the guard adds caching advice to the start."""
    sent: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"a", b"b"):
            before = len(sent)
            await send({"type": "http.response.body", "body": part, "more_body": True})
            assert len(sent) == before + 1
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await GuardMiddleware(app, orders_guard())(asgi_scope(Request(target="/")), nothing, send)
    assert sent == ["http.response.start", *["http.response.body"] * 3]


async def test_other_messages_pass_untouched() -> None:
    """Trailers, early hints and pushes of the application are none of the guard's business."""
    others: list[dict[str, Any]] = [
        {"type": "http.response.debug", "info": {}},
        {"type": "http.response.start", "status": 200, "headers": [], "trailers": True},
        {"type": "http.response.body", "body": b""},
        {"type": "http.response.trailers", "headers": [(b"x", b"y")]},
    ]
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in others:
            await send(message)

    async def send(message: Any) -> None:
        sent.append(message)

    await GuardMiddleware(app, orders_guard())(asgi_scope(Request(target="/")), nothing, send)
    assert [message["type"] for message in sent] == [message["type"] for message in others]
    assert (sent[0], sent[2], sent[3]) == (others[0], others[2], others[3])
    assert sent[1] == {**others[1], "headers": [(b"vary", b"Authorization, X-API-Key")]}


async def test_a_guard_inside_itself_decides_once() -> None:
    """The same guard twice around one application decides once, and the inner one does not decide again (threats S3)."""
    asked: list[str] = []

    async def check(credentials: BearerToken) -> Principal:
        asked.append(credentials.token)
        return ANN

    guard = Guard(Bearer(check))
    app = Recorder()
    await GuardMiddleware(GuardMiddleware(app, guard), guard)(asgi_scope(GOOD), nothing, nowhere)
    assert (asked, len(app.calls)) == (["ann-token"], 1)


async def test_an_inner_guard_decides_for_itself() -> None:
    """What an outer guard let in is nobody's for an inner one that is another."""
    inner = orders_guard(rules={})
    outer = Guard(Basic(check_token, realm="outer"), default=public)
    driver = ByASGI(outer, app=GuardMiddleware(Recorder(), inner))
    answer = await driver.awaited(Request(target="/me"))
    assert answer.status == 401


async def test_the_reply_of_the_recorder_is_what_is_sent() -> None:
    """The driver of these tests shows what the application sent."""
    answer = await ByASGI(orders_guard(), Reply(418, (("X-Own", "1"),), b"tea")).awaited(GOOD)
    assert (answer.status, answer.headers, answer.body) == (418, [("x-own", "1")], b"tea")
