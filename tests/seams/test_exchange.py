"""A view reached behind a middleware replaces the decision before anybody is told of it: what framework adapters stand on."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from flask import Flask
from flask import Response as FlaskResponse
from flask import request as flask_request
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.support.core import ask
from tests.support.wire import Request, asgi_scope, bearer, incoming, request_view, wsgi_environ
from watchword import (
    ALWAYS,
    Accepted,
    AuthEvent,
    Basic,
    Bearer,
    Challenged,
    Forbidden,
    Guard,
    Operation,
    Principal,
    RequestView,
    authenticated,
    network,
    optional,
    public,
    role,
    scope,
    where,
)
from watchword.adapters import asgi, wsgi
from watchword.checkers import Tokens, nonblocking
from watchword.guard.exchange import KEY, Exchange
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword import BearerToken, Requirement
    from watchword.refusal import Refusal

PEOPLE = {"ann": Principal("ann", roles={"admin"}, scopes={"read"}), "bob": Principal("bob", scopes={"read"})}
RULES: dict[str, Requirement] = {"/open": public, "/maybe": optional, "/known": authenticated, "/near": network("192.0.2.0/24")}
DEMANDS = [authenticated, role("admin"), scope("read"), network("10.0.0.0/8"), optional, role("admin").hidden()]


def made(**settings: Any) -> Guard:
    """Make a guard."""
    return Guard(Bearer(Tokens(PEOPLE)), rules=RULES, clock=FixedClock(1_000), request_id=lambda: "id", **settings)


class Site:
    """One view with a requirement behind a middleware, whatever the interface.

    Args:
        guard: decides.
        demand: of the view; None: it has none.
    """

    def __init__(self, guard: Guard, demand: Requirement | None = None) -> None:
        self.demand = demand
        self.exchanges: list[Exchange] = []
        self.ran: list[str] = []
        self.before: Callable[[Any], None] = lambda asked: None
        self.style: Callable[[Refusal], tuple[int, list[tuple[str, str]], bytes]] = lambda said: (said.status, said.headers, said.body)
        self.outer: dict[str, Any] = {}


class ByASGI(Site):
    """Behind ASGI."""

    def __init__(self, guard: Guard, demand: Requirement | None = None) -> None:
        super().__init__(guard, demand)
        self.middleware = asgi.GuardMiddleware(self._app, guard, views=True)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        exchange: Exchange = scope[KEY]
        self.exchanges.append(exchange)
        self.before(scope)
        if scope["path"] not in RULES:
            status, headers, body = 404, list[tuple[str, str]](), b"mine"
        elif self.demand is not None and (refused := await exchange.aauthorize(self.demand)) is not None:
            status, headers, body = self.style(refused)
        else:
            self.ran.append(exchange.principal.id)
            status, headers, body = 200, [], b"served"
        fields = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    def __call__(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send a request; nothing here waits."""
        sent: list[Any] = []
        messages = incoming(request)

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        self.outer = asgi_scope(request)
        with pytest.raises(StopIteration):
            self.middleware(self.outer, receive, send).send(None)
        headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        return sent[0]["status"], headers, b"".join(message["body"] for message in sent[1:])


class ByWSGI(Site):
    """Behind WSGI."""

    def __init__(self, guard: Guard, demand: Requirement | None = None) -> None:
        super().__init__(guard, demand)
        self.middleware = wsgi.GuardMiddleware(self._app, guard, views=True)

    def _app(self, environ: Any, start_response: Any) -> list[bytes]:
        exchange: Exchange = environ[KEY]
        self.exchanges.append(exchange)
        self.before(environ)
        if environ["PATH_INFO"] not in RULES:
            start_response("404 Not Found", [])
            return [b"mine"]
        if self.demand is not None and (refused := exchange.authorize(self.demand)) is not None:
            status, headers, body = self.style(refused)
            start_response(f"{status} Said by the application", headers)
            return [body]
        self.ran.append(exchange.principal.id)
        start_response("200 OK", [])
        return [b"served"]

    def __call__(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send a request."""
        started: list[Any] = []
        self.outer = wsgi_environ(request)
        response: Any = self.middleware(self.outer, lambda status, headers, *_: started.append((status, headers)))
        body = b"".join(response)
        if hasattr(response, "close"):
            response.close()
        ((status, headers),) = started
        return int(status[:3]), [(name.lower(), value) for name, value in headers], body


SITES = [ByASGI, ByWSGI]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("status", [200, 302, 403, 500])
def test_an_error_handler_replaces_the_content_of_a_refusal_and_nothing_else(site: Any, status: int) -> None:
    """Status, challenges and advice to caches stay; content, its fields and those of the application go out."""
    served = site(made(), role("admin"))
    own = [
        ("Content-Type", "text/plain"),
        ("Content-Length", "4"),
        ("Cache-Control", "public"),
        ("X-Mine", "1"),
        ("WWW-Authenticate", "Evil"),
    ]
    served.style = lambda _: (status, own, b"mine")
    for who, right in (("", 401), ("bob", 403)):
        request = sent("/known" if who else "/maybe", who)
        got, headers, body = served(request)
        plain = site(made(), role("admin"))(request)
        assert (got, body) == (right, b"mine")
        assert [value for name, value in headers if name == "www-authenticate"] == [v for n, v in plain[1] if n == "www-authenticate"]
        assert [value for name, value in headers if name == "cache-control"] == ["no-store"]
        assert ("x-mine", "1") in headers
        assert [value for name, value in headers if name.startswith("content-")] == ["text/plain", "4"]


def test_a_refused_handshake_cannot_be_accepted() -> None:
    """A view that goes on although it was refused gets an error, and the server closes the connection."""
    sent_: list[Any] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        await scope[KEY].aauthorize(role("admin"))
        await send({"type": "websocket.accept"})

    async def send(message: Any) -> None:
        sent_.append(message)

    scope_ = {**asgi_scope(sent("/known", "bob")), "type": "websocket", "scheme": "ws"}
    with pytest.raises(RuntimeError, match="must not be accepted"):
        asgi.GuardMiddleware(app, made(), views=True)(scope_, None, send).send(None)  # type: ignore[arg-type]  # nothing is received
    assert sent_ == []


def sent(path: str, who: str = "") -> Request:
    """A request."""
    return Request(target=path, headers=(bearer(who),) if who else ())


def told(site: ByASGI | ByWSGI) -> tuple[object, ...]:
    """Return what the middlewares around the guard see afterwards."""
    outer = site.outer
    decision = outer["watchword.decision"]
    auth = outer["auth"].scopes if "auth" in outer else None
    return repr(decision), decision.headers, outer.get("user"), auth, outer.get("watchword.principal"), outer.get("REMOTE_USER")


@pytest.mark.parametrize("site", SITES)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(RULES)), st.sampled_from(["ann", "bob", "eve", ""])), min_size=1, max_size=8),
    st.sampled_from(DEMANDS),
)
def test_a_view_is_answered_as_if_its_requirement_stood_in_the_rule(
    site: type[ByASGI | ByWSGI], requests: list[tuple[str, str]], demand: Requirement
) -> None:
    """For any sequence of requests, on the fast path and on the full one: the same answers and events."""
    fast: list[AuthEvent] = []
    full: list[AuthEvent] = []
    sites = site(made(on_event=fast.append), demand), site(made(on_event=full.append, remember=0), demand), site(made(), demand)
    for path, who in requests:
        answers = [one(sent(path, who)) for one in sites]
        assert answers[0] == answers[1] == answers[2]
        assert told(sites[0]) == told(sites[1]) == told(sites[2])
        bare = made()
        first, view = bare.decide(request_view(sent(path, who))), request_view(sent(path, who))
        decision = bare.decide(view, demand) if first.granted else first
        status = 200 if decision.granted else bare.refuse(decision, view).status
        assert answers[0][0] == status
        if status == 404:
            assert answers[0][2] == b"mine"
    assert len(fast) == len(full) == len(requests)
    assert [replace(event, duration=0.0, cached=False) for event in fast] == [replace(event, duration=0.0, cached=False) for event in full]


@pytest.mark.parametrize("site", SITES)
def test_nobody_is_told_before_the_response_starts(site: type[ByASGI | ByWSGI], caplog: pytest.LogCaptureFixture) -> None:
    """And then of the decision that stands, once: the event and the line in the log are those of the view."""
    events: list[AuthEvent] = []
    there = site(made(on_event=events.append), role("admin"))
    there.before = lambda asked: events.append(None)  # type: ignore[arg-type]  # a mark
    with caplog.at_level(logging.INFO, "watchword"):
        assert there(sent("/open", "bob"))[0] == 403
    assert [None if event is None else (event.decision, event.requirement, event.principal) for event in events] == [
        None,
        ("forbidden", 'role("admin")', "bob"),
    ]
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize("site", SITES)
def test_a_404_that_is_imitated_is_told_of_once(site: type[ByASGI | ByWSGI], caplog: pytest.LogCaptureFixture) -> None:
    """Whether the rule hides or the view: the application is asked a second time, and nobody is told of that."""
    for hidden in (role("admin").hidden(), None):
        events: list[AuthEvent] = []
        guard = Guard(Bearer(Tokens(PEOPLE)), rules={"/known": role("admin").hidden()} if hidden is None else {}, on_event=events.append)
        caplog.clear()
        with caplog.at_level(logging.INFO, "watchword"):
            status, _, body = site(guard, hidden)(sent("/known", "bob"))
        assert (status, body, [event.decision for event in events], len(caplog.records)) == (404, b"mine", ["hidden"], 1)


@pytest.mark.parametrize("site", SITES)
def test_a_handler_that_fails_is_told_of_all_the_same(site: type[ByASGI | ByWSGI]) -> None:
    """At its end, because no response was started."""
    events: list[AuthEvent] = []
    there = site(made(on_event=events.append))

    def broken(asked: Any) -> None:
        raise ZeroDivisionError

    there.before = broken
    with pytest.raises(ZeroDivisionError):
        there(sent("/known", "ann"))
    assert [event.principal for event in events] == ["ann"]


class Session(Bearer):
    """A scheme whose checker sends a cookie with each answer."""

    def __init__(self) -> None:
        self.done: list[str] = []

        @nonblocking
        def check(credentials: BearerToken) -> Accepted:
            work = Operation(lambda: self.done.append(credentials.token))
            return Accepted(PEOPLE[credentials.token], lease=ALWAYS, headers=(("Set-Cookie", "s=1"),), after_response=work)

        super().__init__(check)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("who", ["ann", "bob"])
def test_fields_of_the_decision_that_stands_reach_the_response(site: type[ByASGI | ByWSGI], who: str) -> None:
    """Nobody looked at the credentials before the view asked: cookies and advice to caches are the view's, and its work is done once."""
    scheme = Session()
    there = site(Guard(scheme, default=public, rules=RULES), role("admin"))
    status, headers, _ = there(sent("/open", who))
    assert status == (200 if who == "ann" else 403)
    assert [value for name, value in headers if name == "set-cookie"] == ["s=1"]
    assert [value for name, value in headers if name == "cache-control"] == ["no-store"]


@pytest.mark.parametrize("site", SITES)
def test_middlewares_around_the_guard_see_who_it_was(site: type[ByASGI | ByWSGI]) -> None:
    """As the view found out, for their logs."""
    there = site(made(), role("admin"))
    there(sent("/open", "ann"))
    assert there.outer["watchword.decision"].principal.id == "ann"


@pytest.mark.parametrize("site", SITES)
def test_what_the_application_changes_decides_nothing(site: type[ByASGI | ByWSGI]) -> None:
    """A layer inside that rewrites the address, or the fields, does not change what a view is decided by, on the fast path neither."""

    def rewrite(asked: Any) -> None:
        if "headers" in asked:
            asked["headers"][:] = [(b"authorization", b"Bearer ann")]
            asked["client"] = ("10.0.0.1", 1)
        else:
            asked.update(HTTP_AUTHORIZATION="Bearer ann", REMOTE_ADDR="10.0.0.1")

    for demand in (role("admin"), network("10.0.0.0/8")):
        there = site(made(), demand)
        there.before = rewrite
        for path in ("/known", "/known", "/known", "/open"):
            assert there(sent(path, "bob"))[0] == 403


@pytest.mark.parametrize("site", SITES)
def test_on_the_fast_path_a_view_of_the_request_is_made_for_whom_asks_alone(site: type[ByASGI | ByWSGI]) -> None:
    """Where nobody listens, and no requirement is reached."""
    there = site(made())
    for _ in range(3):
        assert there(sent("/known", "ann"))[0] == 200
    assert not isinstance(there.exchanges[-1]._view, RequestView)
    assert there.exchanges[-1].view.path == "/known"


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("demand", [role("admin"), scope("read"), authenticated])
def test_on_the_fast_path_a_requirement_of_the_caller_alone_needs_no_view_of_the_request(
    site: type[ByASGI | ByWSGI], demand: Requirement
) -> None:
    """It is looked up with the caller: the request is not parsed again."""
    there = site(made(), demand)
    for _ in range(3):
        assert there(sent("/known", "ann"))[0] == 200
    assert not isinstance(there.exchanges[-1]._view, RequestView)


@pytest.mark.parametrize("site", SITES)
def test_a_token_that_is_revoked_during_the_request_opens_no_view(site: type[ByASGI | ByWSGI]) -> None:
    """The fast path asks again whether the caller is good, when the view is reached."""
    good = ["is good"]

    class WhileGood:
        def is_current(self) -> bool:
            return bool(good)

    @nonblocking
    def check(_: BearerToken) -> Accepted | None:
        return Accepted(PEOPLE["ann"], lease=WhileGood()) if good else None

    there = site(Guard(Bearer(check), rules=RULES), scope("read"))
    for _ in range(3):
        assert there(sent("/known", "ann"))[0] == 200
    assert not isinstance(there.exchanges[-1]._view, RequestView)  # the fast path
    there.before = lambda _: good.clear()
    assert there(sent("/known", "ann"))[0] == 401


@given(
    st.sampled_from(sorted(RULES)),
    st.sampled_from(["ann", "bob", ""]),
    st.sampled_from([200, 204, 304, 401, 404, 500]),
    st.sampled_from([[("Cache-Control", "no-cache")], []]),
    st.booleans(),
)
def test_a_response_that_is_left_alone_is_one_that_would_not_be_changed(
    path: str,
    who: str,
    status: int,
    headers: list[tuple[str, str]],
    views: bool,  # noqa: FBT001 - the setting
) -> None:
    """So that an adapter may pass it on as it is."""
    exchange = Exchange(made(), request_view(sent(path, who)), views=views)
    exchange.decide()
    if exchange.leaves(status):
        assert exchange.response_start(status, headers) == (status, headers)


@pytest.mark.parametrize("path", ["/open", "/known"])
def test_without_views_there_is_no_exchange(path: str) -> None:
    """And nothing stands between the application and the server."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((KEY in scope, send))

    async def nowhere(message: Any) -> None:
        raise AssertionError

    middleware = asgi.GuardMiddleware(app, Guard(Bearer(Tokens(PEOPLE)), rules=RULES))
    with pytest.raises(StopIteration):
        middleware(asgi_scope(sent(path, "ann")), nowhere, nowhere).send(None)  # type: ignore[arg-type]
    assert seen == [(False, nowhere)]


def test_another_guard_inside_makes_an_exchange_of_its_own() -> None:
    """And the same guard twice decides again where views inside need what the outer middleware did not make."""
    guard, other = made(), made()
    seen: list[Guard] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(environ[KEY].guard)
        start_response("200 OK", [])
        return []

    for outer, inner, views in ((guard, guard, False), (guard, guard, True), (other, guard, True)):
        layers = wsgi.GuardMiddleware(wsgi.GuardMiddleware(app, inner, views=True), outer, views=views)
        list(layers(wsgi_environ(sent("/known", "ann")), lambda *_: None))
    assert seen == [guard, guard, guard]


def test_a_socket_is_told_of_when_its_handshake_is_answered_and_when_it_lapses() -> None:
    """A view that asks again on an open socket, and is refused, is told of then; a grant is not."""
    events: list[AuthEvent] = []
    exchange = made(on_event=events.append).exchange(ask("/known", bearer("bob"), kind="websocket"), views=True)
    exchange.decide()
    assert events == []
    assert exchange.response_start(101, []) == (101, [])
    assert exchange.authorize(scope("read")) is None
    assert exchange.authorize(role("admin")) is not None
    assert exchange.authorize(role("admin")) is not None
    exchange.finish()
    assert [event.decision for event in events] == ["granted", "forbidden"]


@pytest.mark.anyio
async def test_the_answer_of_a_handshake_carries_the_fields_of_the_decision_that_stands() -> None:
    """It ends what the request left to do, and is told of before the socket is used."""
    scheme, events = Session(), list[AuthEvent]()
    sent_: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert await scope[KEY].aauthorize(role("admin")) is None
        assert (events, scheme.done) == ([], [])
        await send({"type": "websocket.accept"})
        assert ([event.principal for event in events], scheme.done) == (["ann"], ["ann"])
        await send({"type": "websocket.close"})

    async def send(message: Any) -> None:
        sent_.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    middleware = asgi.GuardMiddleware(app, Guard(scheme, default=public, on_event=events.append), views=True)
    await middleware(asgi_scope(replace(sent("/open", "ann"), kind="websocket")), receive, send)
    assert (b"set-cookie", b"s=1") in sent_[0]["headers"]
    assert (len(events), scheme.done) == (1, ["ann"])


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.anyio
async def test_what_is_left_to_do_is_done_once(asynchronous: bool) -> None:  # noqa: FBT001 - the setting
    """Also where a view goes on from a decision whose work is done."""
    scheme = Session()
    exchange = Guard(scheme).exchange(ask("/x", bearer("ann")), views=True)
    for _ in range(2):
        if asynchronous:
            await exchange.adecide() if not scheme.done else await exchange.aauthorize(authenticated)
            await exchange.afinish()
        else:
            exchange.decide() if not scheme.done else exchange.authorize(authenticated)
            exchange.finish()
    assert scheme.done == ["ann"]


class Once(Bearer):
    """A scheme whose checker waits, and counts."""

    def __init__(self, check: Any) -> None:
        self.asked: list[str] = []
        self.done: list[str] = []
        super().__init__(check)

    def verdict(self, credentials: BearerToken) -> Accepted:
        """Note that it was asked, and what is left to do."""
        self.asked.append(credentials.token)
        work = Operation(lambda: self.done.append(credentials.token))
        return Accepted(PEOPLE[credentials.token], after_response=work, headers=(("DPoP-Nonce", f"n{len(self.asked)}"),))


@pytest.mark.anyio
async def test_tasks_of_one_request_verify_its_credentials_once() -> None:
    """As fields of a query that are resolved side by side: each gets its answer, and no work of the checker is lost or done twice."""

    async def check(credentials: BearerToken) -> Accepted:
        await anyio.sleep(0.01)
        return scheme.verdict(credentials)

    scheme, events = Once(check), list[AuthEvent]()
    exchange = Guard(scheme, default=public, on_event=events.append).exchange(ask("/", bearer("ann")), views=True)
    await exchange.adecide()
    answers: list[object] = []

    async def view(demand: Requirement) -> None:
        answers.append(await exchange.aauthorize(demand))

    async with anyio.create_task_group() as tasks:
        for demand in (role("admin"), scope("read"), authenticated) * 4:
            tasks.start_soon(view, demand)
    assert (answers, scheme.asked) == ([None] * 12, ["ann"])
    assert exchange.response_start(200, [])[1][0] == ("DPoP-Nonce", "n1")
    await exchange.afinish()
    assert (scheme.done, [event.principal for event in events]) == (["ann"], ["ann"])


@pytest.mark.anyio
async def test_a_view_that_is_refused_is_not_overruled_by_one_that_still_waits() -> None:
    """A refusal stands, whatever is granted beside it later."""
    waits, goes = anyio.Event(), anyio.Event()

    async def check(credentials: BearerToken) -> Accepted:
        waits.set()
        await goes.wait()
        return scheme.verdict(credentials)

    scheme = Once(check)
    exchange = Guard(scheme, default=public).exchange(ask("/", bearer("ann")), views=True)
    await exchange.adecide()
    answers: dict[str, object] = {}

    async def view(name: str, demand: Requirement) -> None:
        answers[name] = await exchange.aauthorize(demand)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(view, "admin", role("admin"))
        await waits.wait()
        tasks.start_soon(view, "near", network("10.0.0.0/8"))
        tasks.start_soon(view, "late", authenticated)
        await anyio.wait_all_tasks_blocked()
        goes.set()
    assert (answers["admin"], scheme.asked) == (None, ["ann"])
    assert answers["near"] is not None
    assert not exchange.decision.granted


def test_threads_of_one_request_verify_its_credentials_once() -> None:
    """The same, where the views run in threads."""
    several = Barrier(4, timeout=30)

    def check(credentials: BearerToken) -> Accepted:
        Event().wait(0.02)
        return scheme.verdict(credentials)

    scheme = Once(check)
    exchange = Guard(scheme, default=public).exchange(ask("/", bearer("ann")), views=True)
    exchange.decide()

    def view(demand: Requirement) -> object:
        several.wait()
        return exchange.authorize(demand)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(view, (role("admin"), scope("read"), authenticated, optional)))
    exchange.finish()
    assert (answers, scheme.asked, scheme.done) == ([None] * 4, ["ann"], ["ann"])


def test_a_decision_that_refuses_stands() -> None:
    """Whatever a view asks then."""
    exchange = made().exchange(ask("/known"), views=True)
    exchange.decide()
    assert exchange.authorize(optional) is not None
    assert isinstance(exchange.decision, Challenged)


def test_nothing_is_decided_before_it_is_asked() -> None:
    """An adapter that forgets to decide lets nobody in."""
    exchange = made().exchange(ask("/open"))
    with pytest.raises(RuntimeError, match="decide"):
        exchange.authorize(optional)


# In frameworks


def starlette(guard: Guard, demand: Requirement) -> Any:
    """A view in Starlette with a decorator of six lines."""

    async def page(request: Any) -> Response:
        refused = await request.scope[KEY].aauthorize(demand)
        if refused is None:
            return Response(request.scope[KEY].principal.id)
        response = Response(refused.body, refused.status)
        response.raw_headers = [(name.encode(), value.encode()) for name, value in refused.headers]
        return response

    async def missing(request: Any, error: Exception) -> Response:
        return Response("mine", 404)

    app = Starlette(routes=[Route("/page", page)], exception_handlers={404: missing})
    return TestClient(asgi.GuardMiddleware(app, guard, views=True))


def flask(guard: Guard, demand: Requirement) -> Any:
    """The same in Flask."""
    app = Flask("site")

    @app.get("/page")
    def page() -> Any:
        refused = flask_request.environ[KEY].authorize(demand)
        if refused is None:
            return flask_request.environ[KEY].principal.id
        return FlaskResponse(refused.body, refused.status, refused.headers)

    @app.errorhandler(404)
    def missing(error: Exception) -> Any:
        return "mine", 404

    app.wsgi_app = wsgi.GuardMiddleware(app.wsgi_app, guard, views=True)  # type: ignore[method-assign]
    return app.test_client()


@pytest.mark.parametrize("framework", [starlette, flask])
@pytest.mark.parametrize("default", [public, authenticated])
def test_a_decorator_is_a_few_lines_in_a_framework(framework: Any, default: Requirement) -> None:
    """Challenges line by line, and the application's own 404 for what a view hides."""
    guard = Guard(Basic(lambda c: None, realm="x"), Bearer(Tokens(PEOPLE)), default=default)
    client = framework(guard, role("admin"))
    assert client.get("/page", headers={"Authorization": "Bearer ann"}).text == "ann"
    assert client.get("/page", headers={"Authorization": "Bearer bob"}).status_code == 403
    refused = client.get("/page")
    assert refused.status_code == 401
    assert "Basic realm" in str(refused.headers)
    assert "Bearer" in str(refused.headers)
    hidden = framework(guard, role("admin").hidden()).get("/page", headers={"Authorization": "Bearer bob"})
    assert (hidden.status_code, hidden.text) == (404, "mine")


def test_what_a_view_sends_in_its_place_is_a_whole_refusal() -> None:
    """Which any framework can render."""
    exchange = made().exchange(ask("/open", bearer("bob")), views=True)
    exchange.decide()
    refused = exchange.authorize(role("admin"))
    assert refused is not None
    assert (refused.status, bool(refused.body)) == (403, True)
    assert isinstance(exchange.decision, Forbidden)


def test_the_same_requirement_is_evaluated_once_for_a_view() -> None:
    """A hook asks, and the decorator of the view asks again. Another requirement, and an open socket, are evaluated."""
    asked: list[str] = []

    def counted(who: Principal) -> bool:
        asked.append(who.id)
        return True

    demand = where(counted, name="counted")
    exchange = made().exchange(ask("/known", bearer("bob")), views=True)
    exchange.decide()
    assert exchange.authorize(demand) is None
    assert exchange.authorize(demand) is None
    assert asked == ["bob"]
    assert exchange.authorize(role("admin")) is not None
    assert exchange.authorize(demand) is not None
    asked.clear()
    socket = made().exchange(ask("/known", bearer("bob"), kind="websocket"), views=True)
    socket.decide()
    assert socket.authorize(demand) is None
    socket.response_start(101, [])
    assert socket.authorize(demand) is None
    assert asked == ["bob", "bob"]
