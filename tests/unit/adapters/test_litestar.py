"""Tests the Litestar plugin, and the requirements of Litestar's handlers."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from litestar import Controller, Litestar, MediaType, Request, Response, Router, WebSocket, asgi, get, post, websocket
from litestar.config.allowed_hosts import AllowedHostsConfig
from litestar.config.cors import CORSConfig
from litestar.config.csrf import CSRFConfig
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException, NotAuthorizedException, NotFoundException
from litestar.handlers import WebsocketListener, websocket_listener, websocket_stream
from litestar.middleware import DefineMiddleware
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.openapi import OpenAPIConfig
from litestar.static_files import create_static_files_router
from litestar.testing import AsyncTestClient, TestClient, create_test_client

from tests.support.wire import Request as Sent
from tests.support.wire import asgi_scope, incoming
from tests.unit.adapters.test_flask import PEOPLE, RULES, made, sent
from watchword import AuthEvent, Basic, Bearer, ConfigurationError, Guard, Principal, optional, public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.litestar import GuardPlugin, requires
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

ADMIN = requires(role("admin"))


@get("/inner", sync_to_thread=False)
@ADMIN
def inner(request: Request[Principal, Any, Any]) -> str:
    """Say who it is."""
    return request.user.id


@ADMIN
@get("/outer")
async def outer(request: Request[Principal, Any, Any]) -> str:
    """Say who it is."""
    return request.user.id


@get("/thread", sync_to_thread=True)
@ADMIN
def in_a_thread(request: Request[Principal, Any, Any]) -> str:
    """Say who it is."""
    return request.user.id


@get("/guards", guards=[ADMIN])
async def guards(request: Request[Principal, Any, Any]) -> str:
    """Say who it is."""
    return request.user.id


@ADMIN
class Whole(Controller):
    """A guarded controller."""

    path = "/whole"

    @get()
    async def read(self, request: Request[Principal, Any, Any]) -> str:
        """Say who it is."""
        return request.user.id


class Part(Whole):
    """A controller that inherits the requirement, and has guards of its own."""

    path = "/part"
    guards = [lambda *_: None]  # noqa: RUF012 - as Litestar documents it


class Page(Controller):
    """A controller with one guarded method."""

    path = "/page"

    @get()
    async def read(self, request: Request[Principal, Any, Any]) -> str:
        """Say who it is."""
        return request.user.id

    @post(status_code=200)
    @ADMIN
    async def write(self, request: Request[Principal, Any, Any]) -> str:
        """Say who it is."""
        return request.user.id


@get("/")
async def anybody(request: Request[Principal, Any, Any]) -> str:
    """Say who it is."""
    return request.user.id


def of_everybody(path: str, **settings: Any) -> Any:
    """Make a handler of a function of its own: a mark is on the function, wherever it is served."""

    async def view(request: Request[Principal, Any, Any]) -> str:
        return request.user.id

    return get(path, **settings)(view)


@ADMIN
@asgi("/mount", is_mount=True, copy_scope=True)
async def mounted(scope: Any, receive: Any, send: Any) -> None:
    """Say who it is."""
    await Response(scope["user"].id, media_type=MediaType.TEXT).to_asgi_response(app=None, request=Request(scope))(scope, receive, send)


@get(["/known/secret", "/secret"], guards=[requires(role("admin").hidden())])
async def secret(request: Request[Principal, Any, Any]) -> str:
    """Say who it is."""
    return request.user.id


@get(["/known/hidden", "/known/{rest:path}", "/open"])
async def known(request: Request[Principal, Any, Any]) -> str:
    """Say who it is."""
    return f"{request.user.id} {request.path_params.get('rest')} {sorted(request.auth.scopes)}"


@get("/static")
async def of_nobody() -> str:
    """Answer the same to all."""
    return "static"


@get("/scoped/rule", guards=[requires(scope("write"))])
async def scoped() -> None:
    """Answer nothing."""


@websocket("/socket/function")
@ADMIN
async def socket(socket: WebSocket[Principal, Any, Any]) -> None:
    """Say who it is."""
    await socket.accept()
    await socket.send_text(socket.user.id)
    await socket.close()


@ADMIN
@websocket("/known/socket")
async def known_socket(socket: WebSocket[Principal, Any, Any]) -> None:
    """Say who it is."""
    await socket.accept()
    await socket.send_text(socket.user.id)
    await socket.close()


@websocket_listener("/socket/listener")
@ADMIN
async def listener(data: str, socket: WebSocket[Principal, Any, Any]) -> str:
    """Say who it is."""
    return socket.user.id


@websocket_stream("/socket/stream")
@ADMIN
async def stream(socket: WebSocket[Principal, Any, Any]) -> AsyncGenerator[str, None]:
    """Say who it is."""
    yield socket.user.id


@ADMIN
class Listener(WebsocketListener):
    """A guarded listener."""

    path = "/socket/class"

    async def on_receive(self, data: str, socket: WebSocket[Principal, Any, Any]) -> str:
        """Say who it is."""
        return socket.user.id


ROUTERS = [Router("/router", route_handlers=[anybody], guards=[ADMIN]), ADMIN(Router("/marked", route_handlers=[anybody]))]
SOCKETS = [socket, known_socket, listener, stream, Listener]
HANDLERS: list[Any] = [inner, outer, in_a_thread, guards, Whole, Part, Page, mounted, secret, known, scoped, *ROUTERS, *SOCKETS]
GUARDED = ["/inner", "/outer", "/thread", "/guards", "/whole", "/part", "/mount", "/mount/x", "/router", "/marked"]


def extended(guard: Guard | None = None, *, handlers: Any = HANDLERS, **settings: Any) -> Litestar:
    """Make an application with the plugin."""
    return Litestar(handlers, plugins=[GuardPlugin(guard or made())], debug=False, logging_config=None, **settings)


def bare() -> Litestar:
    """Make an application without a guard."""
    return Litestar(HANDLERS, debug=False, logging_config=None)


async def asked(app: Any, request: Sent) -> list[Any]:
    """Return what the application sends for a request. A socket sends one message, and ends after one answer."""
    answers: list[Any] = []
    messages = [*incoming(request), *([{"type": "websocket.receive", "text": "x"}] if request.kind == "websocket" else [])]

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": f"{request.kind}.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        answers.append(message)

    await app(asgi_scope(request), receive, send)
    return answers


def ask(app: Any, method: str, path: str, name: str = "", headers: Any = (), **facts: Any) -> tuple[int, list[tuple[str, str]], str]:
    """Return status, header fields and text of a response."""
    request = Sent(method=method, target=path, headers=(*sent(name).items(), *headers), **facts)
    start, *parts = asyncio.run(asked(app, request))
    fields = [(key.decode().lower(), value.decode()) for key, value in start["headers"]]
    return start["status"], fields, b"".join(part.get("body", b"") for part in parts).decode()


def call(app: Any, path: str, name: str = "", *, denial: bool = True) -> list[Any]:
    """Return what a socket sends."""
    return asyncio.run(asked(app, Sent(target=path, headers=tuple(sent(name).items()), kind="websocket", denial=denial)))


def challenges(fields: list[tuple[str, str]]) -> list[str]:
    """Return the challenges of a response."""
    return [value for name, value in fields if name == "www-authenticate"]


APP = extended()


@pytest.mark.parametrize("path", GUARDED)
def test_a_handler_is_reached_only_by_callers_who_meet_its_requirement(path: str) -> None:
    """Whatever is marked, and wherever the mark stands."""
    status, fields, _ = ask(APP, "GET", path)
    assert (status, dict(fields)["content-type"], challenges(fields)) == (401, "application/problem+json", ['Bearer realm="api"'])
    assert [ask(APP, "GET", path, name)[0] for name in ("wrong", "bob")] == [401, 403]
    assert ask(APP, "GET", path, "ann")[::2] == (200, "ann")


@pytest.mark.parametrize("path", ["/socket/function", "/known/socket", "/socket/listener", "/socket/stream", "/socket/class"])
def test_a_socket_is_refused_before_it_is_accepted(path: str) -> None:
    """With the challenges where the server can send them, and by a close that says "policy violation" where it cannot."""
    app = extended(Guard(Basic(lambda _: None, realm="office"), Bearer(Tokens(PEOPLE)), rules=RULES))
    assert [message["text"] for message in call(app, path, "ann") if message["type"] == "websocket.send"] == ["ann"]
    for name, status in (("", 401), ("wrong", 401), ("bob", 403)):
        start, body = call(app, path, name)
        assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
        assert [key for key, _ in start["headers"]].count(b"www-authenticate") == (2 if status == 401 else 0)
        assert b"problem" in dict(start["headers"])[b"content-type"]
        assert body["body"]
        assert call(app, path, name, denial=False) == [{"type": "websocket.close", "code": 1008, "reason": ""}]


def test_a_method_of_a_controller_demands_something_alone() -> None:
    """The other methods stay as they are."""
    assert [ask(APP, method, "/page", name)[0] for method, name in (("GET", ""), ("POST", ""), ("POST", "ann"))] == [200, 401, 200]


def test_the_rule_of_the_path_holds_for_what_is_not_there_as_well() -> None:
    """An anonymous caller learns nothing of which paths and methods exist."""
    app = extended(Guard(Bearer(Tokens(PEOPLE)), rules={"/outside": public}))
    assert {ask(app, method, path)[0] for method in ("GET", "PATCH", "OPTIONS") for path in ("/inner", "/nothing", "/schema")} == {401}
    assert [ask(app, "GET", path, "ann")[0] for path in ("/nothing", "/outside", "/known/secret/")] == [404, 404, 200]


@pytest.mark.parametrize("path", ["/known/secret", "/known/hidden"])
def test_hidden_handlers_and_rules_give_the_applications_own_404(path: str) -> None:
    """No exception handler and no middleware of the route answers, and the caller cannot tell it from a missing path."""

    def mine(*_: Any) -> Response[str]:
        return Response("of the route", status_code=404)

    def own(request: Any, _: Any) -> Response[str]:
        return Response(f"nothing here for {request.scope.get('route_handler')}", status_code=404)

    session = CookieBackendConfig(secret=b"x" * 16).middleware
    settings: dict[str, Any] = {"middleware": [session], "exception_handlers": {404: mine, NotFoundException: mine}}
    one = get("/known/secret", **settings)(secret.fn)
    one.guards = [requires(role("admin").hidden())]
    app = extended(handlers=[one, get("/known/hidden", **settings)(outer.fn)], exception_handlers={404: own})
    missing = ask(app, "GET", "/known/nothing", "bob")
    assert (missing[0], ask(app, "GET", path, "bob")) == (404, missing)
    assert "of the route" not in missing[2]
    assert ask(app, "GET", path, "ann")[0] == 200


@pytest.mark.parametrize("path", ["/inner", "/guards", "/known/a", "/nowhere"])
@pytest.mark.parametrize(("status", "known"), [(200, 401), (302, NotAuthorizedException), (401, HTTPException), (500, Exception)])
def test_an_exception_handler_styles_the_content_and_changes_nothing_else(path: str, status: int, known: Any) -> None:
    """The status, the challenge and no-store stay, whatever the handler says and what it is registered for."""
    headers = {"Location": "/login", "WWW-Authenticate": "Evil", "Cache-Control": "public"}

    def styled(_request: Any, error: Any) -> Response[str]:
        return Response(f"styled {type(error).__name__}", status_code=status, headers=headers)

    app = extended(Guard(Bearer(Tokens(PEOPLE)), rules={**RULES, "/nowhere": scope("read")}), exception_handlers={known: styled})
    answered, fields, text = ask(app, "GET", path)
    assert (answered, text, dict(fields)["cache-control"]) == (401, "styled NotAuthorizedException", "no-store")
    assert [one[:6] for one in challenges(fields)] == ["Bearer"]


@pytest.mark.parametrize("path", ["/inner", "/guards", "/known/a"])
def test_an_exception_handler_that_fails_opens_nothing(path: str) -> None:
    """An exception in place of the refusal does not bring another status."""

    def failing(*_: Any) -> Response[str]:
        raise NotFoundException

    answered, fields, text = ask(extended(exception_handlers={401: failing}), "GET", path)
    assert (answered, challenges(fields)) == (401, ['Bearer realm="api"'])
    assert "missing_credentials" in text


def test_every_challenge_is_in_the_response() -> None:
    """Two schemes give two fields."""
    app = extended(Guard(Basic(lambda _: None, realm="office"), Bearer(Tokens(PEOPLE)), rules=RULES))
    assert [len(challenges(ask(app, "GET", path)[1])) for path in ("/inner", "/known/a")] == [2, 2]


def test_a_page_in_place_of_a_refusal_is_not_cached_for_others() -> None:
    """The cache of responses stands inside the guard, and keeps what has status 200 there."""
    guarded = of_everybody("/cached", cache=60, guards=[ADMIN])
    app = extended(handlers=[guarded], exception_handlers={401: lambda *_: Response("log in", status_code=200)})
    assert ask(app, "GET", "/cached")[::2] == (401, "log in")
    assert [ask(app, "GET", "/cached", "ann")[::2] for _ in range(2)] == [(200, "ann")] * 2
    assert ask(app, "GET", "/cached", "bob")[0] == 403


def test_the_cors_layer_stands_outside(caplog: pytest.LogCaptureFixture) -> None:
    """Scripts of another origin can read a 401, and preflights pass without any handler."""
    app = extended(cors_config=CORSConfig(allow_origins=["https://app.example"]))
    origin = ("Origin", "https://app.example")
    for path in ("/inner", "/known/a"):
        assert dict(ask(app, "GET", path, headers=[origin])[1])["access-control-allow-origin"] == "https://app.example"
    assert ask(app, "OPTIONS", "/known/a", headers=[origin, ("Access-Control-Request-Method", "GET")])[0] == 204
    assert ask(app, "OPTIONS", "/known/a")[0] == 401
    assert "CORS" not in caplog.text


def test_the_application_runs_nothing_for_a_caller_who_is_refused() -> None:
    """No hook, no dependency and no guard of its own, and the content is not read."""
    ran: list[str] = []

    async def hook(request: Any) -> None:
        ran.append("hook")

    async def own(connection: Any, _: Any) -> None:
        ran.append(connection.user.id)

    async def dependency() -> None:
        ran.append("dependency")

    @post("/take", dependencies={"note": Provide(dependency)}, guards=[ADMIN], status_code=200)
    async def take(request: Request[Any, Any, Any], note: NamedDependency[None]) -> int:
        return len(await request.body())

    app = extended(handlers=[take, inner, known], before_request=hook, guards=[own])
    for name in ("", "bob"):
        ask(app, "POST", "/take", name, body=b"x" * 9)
        ask(app, "GET", "/inner", name)
    ask(app, "GET", "/known/a")
    assert ran == []
    assert ask(app, "POST", "/take", "ann", body=b"x" * 9)[2] == "9"
    assert ran == ["ann", "hook", "dependency"]


def test_the_scopes_of_the_handler_are_in_the_challenge_of_the_rule() -> None:
    """The client asks for a token once (decision D63), wherever the application is mounted."""
    guard = Guard(Bearer(Tokens(PEOPLE)), rules={"/scoped/**": scope("read"), "/**": optional})
    app = extended(guard)
    for path, mount in (("/scoped/rule", ""), ("/api/scoped/rule/", "/api")):
        assert challenges(ask(app, "GET", path, mount=mount)[1]) == ['Bearer realm="api", scope="read write"']
    pinned = Litestar(HANDLERS, plugins=[GuardPlugin(guard, mount="/api")], openapi_config=None)
    for path, mount in (("/api/scoped/rule", ""), ("/api/scoped/rule", "/api")):
        assert challenges(ask(pinned, "GET", path, mount=mount)[1]) == ['Bearer realm="api", scope="read write"']


@pytest.mark.parametrize("cors", [None, CORSConfig(allow_origins=["https://app.example"])], ids=["plain", "cors"])
def test_what_proxies_say_about_users_and_tokens_are_taken_out(cors: Any) -> None:
    """The handler does not see what a client sends in their place, also where the CORS layer has read the fields before the guard."""

    @get("/seen")
    async def seen(request: Request[Any, Any, Any]) -> str:
        names = ("X-Remote-User", "Authorization", "Accept")
        return f"{[request.headers.get(name) for name in names]} {dict(request.query_params)} {request.url.query} {request.user.id}"

    guard = Guard(Bearer(Tokens(PEOPLE), query=True), rules={"/**": optional}, strip_credentials=True)
    app = extended(guard, handlers=[seen], cors_config=cors)
    fields = [("X-Remote-User", "root"), ("Origin", "https://app.example"), ("Accept", "*/*")]
    assert ask(app, "GET", "/seen?access_token=ann&a=1", headers=fields)[2] == "[None, None, '*/*'] {'a': '1'} a=1 ann"
    assert ask(app, "GET", "/seen?a=1", "ann", headers=fields)[2] == "[None, None, '*/*'] {'a': '1'} a=1 ann"
    guarded: Any = GuardMiddleware
    within = Litestar([seen], middleware=[DefineMiddleware(guarded, guard=guard)], cors_config=cors, logging_config=None)
    assert ask(within, "GET", "/seen?access_token=ann&a=1", headers=fields)[2] == "[None, None, '*/*'] {'a': '1'} a=1 ann"


@pytest.mark.parametrize("path", GUARDED)
def test_a_marked_handler_without_a_guard_is_never_served(path: str) -> None:
    """It ends with 500, and the log says what is missing. Behind the middleware alone, guards of Litestar are checked."""
    assert ask(bare(), "GET", path, "ann")[0] == 500
    wrapped = GuardMiddleware(bare(), made())  # type: ignore[arg-type]
    function = path in {"/inner", "/thread"}
    assert [ask(wrapped, "GET", path, name)[0] for name in ("", "bob", "ann")] == ([500] * 3 if function else [401, 403, 200])


@pytest.mark.parametrize("path", ["/socket/function", "/socket/listener", "/socket/stream", "/socket/class"])
def test_a_marked_socket_without_a_guard_says_nothing(path: str) -> None:
    """It may be accepted, where Litestar accepts before it calls the function."""
    assert not [message for message in call(bare(), path, "ann") if message["type"] == "websocket.send"]


def test_what_cannot_be_checked_is_an_error_at_construction() -> None:
    """Each error names the place."""
    with pytest.raises(ConfigurationError, match="Guard"):
        GuardPlugin("guard")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="already"):
        Litestar([anybody], plugins=[GuardPlugin(made()), GuardPlugin(made())])
    with pytest.raises(ConfigurationError, match="public"):
        requires(public)
    for wrong in (type("Resource", (), {}), "view"):
        with pytest.raises(ConfigurationError, match="needs a function"):
            ADMIN(wrong)
    late = of_everybody("/late")
    app = Litestar([late])
    for one in (late, app):
        with pytest.raises(ConfigurationError, match="too late"):
            ADMIN(one)


def test_an_application_that_had_no_route_is_never_served_without_the_guard() -> None:
    """A route that is added later finds the guard, or ends with 500."""
    app = extended(handlers=[], openapi_config=None)
    app.register(of_nobody)
    assert ask(app, "GET", "/static")[0] == 500
    app = extended(handlers=[inner])
    app.register(known)
    assert [ask(app, "GET", path, name)[0] for path, name in (("/known/a", ""), ("/known/a", "bob"), ("/open", ""))] == [401, 200, 200]


def test_a_request_is_authenticated_and_told_of_once() -> None:
    """The decision of the handler takes the place of the decision of the rule; the checks ask the same exchange."""
    counted: list[Any] = []
    events: list[AuthEvent] = []

    def check(credentials: Any) -> Principal | None:
        counted.append(credentials)
        return PEOPLE.get(credentials.token)

    twice = get("/twice", guards=[ADMIN])(ADMIN(of_everybody("/").fn))
    app = extended(Guard(Bearer(check), rules=RULES, remember=0, on_event=events.append), handlers=[twice, known, socket])
    for name, path in (
        ("", "/twice"),
        ("bob", "/twice"),
        ("ann", "/twice"),
        ("", "/known/a"),
        ("ann", "/known/a"),
        ("bob", "/known/hidden"),
    ):
        ask(app, "GET", path, name)
    call(app, "/socket/function", "ann")
    call(app, "/socket/function")
    assert [event.decision for event in events] == [
        *["challenged", "forbidden", "granted", "challenged", "granted", "hidden", "granted", "challenged"]
    ]
    assert len(counted) == 5


def test_the_layers_around_the_router_see_what_it_has_chosen() -> None:
    """As without the plugin: hooks find the handler, and logs outside the caller and the path that was asked for."""
    seen: list[Any] = []

    async def before_send(message: Any, scope: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append(("route_handler" in scope, scope["user"].id, scope["path"]))

    app = extended(before_send=[before_send])
    asked_for = [("/inner", "ann"), ("/known/secret", "bob"), ("/known/hidden", "bob"), ("/inner", "bob"), ("/known/a", "")]
    for path, name in asked_for:
        ask(app, "GET", path, name)
    assert seen == [(at in {"/inner", "/known/secret"}, name, at) for at, name in asked_for]
    outside: dict[str, Any] = {}

    async def logging(scope: Any, receive: Any, send: Any) -> None:
        await extended()(scope, receive, send)
        outside.update(scope)

    assert ask(logging, "GET", "/known/a", headers=[("Authorization", "Bearer")])[0] == 400
    assert outside["watchword.decision"].reason == "malformed_credentials"


@pytest.mark.parametrize(("mount", "stated"), [(None, "/api"), ("/api", "")])
def test_a_mounted_application_is_decided_about_by_the_path_that_it_routes(mount: str | None, stated: str) -> None:
    """Whether the server states the mount or the plugin pins it."""
    app = Litestar(HANDLERS, plugins=[GuardPlugin(made(), mount=mount)], logging_config=None)
    assert [ask(app, "GET", "/api/known/a", name, mount=stated)[0] for name in ("", "bob")] == [401, 200]


def test_static_files_and_the_path_of_the_application_are_guarded(tmp_path: Path) -> None:
    """By the rule of the whole path."""
    (tmp_path / "page.txt").write_text("page", encoding="utf-8")
    static = create_static_files_router("/files", [tmp_path])
    app = extended(Guard(Bearer(Tokens(PEOPLE)), rules={"/app/open/**": public}), handlers=[static, of_everybody("/open/x")], path="/app")
    assert [ask(app, "GET", "/app/files/page.txt", name)[::2] for name in ("", "bob")][1] == (200, "page")
    assert [ask(app, "GET", path)[0] for path in ("/app/files/page.txt", "/app/files/x", "/app/open/x", "/open/x")] == [401, 401, 200, 401]


def test_the_clients_of_tests_work() -> None:
    """With and without the lifespan, in both kinds of client."""
    with create_test_client([inner, known], plugins=[GuardPlugin(made())], logging_config=None) as client:
        assert [client.get("/inner", headers=sent(name)).status_code for name in ("", "bob", "ann")] == [401, 403, 200]
        assert client.get("/known/a", headers=sent("bob")).text == "bob /a ['authenticated', 'read']"
    assert TestClient(APP).get("/inner").status_code == 401

    async def awaited() -> int:
        async with AsyncTestClient(extended(handlers=[inner])) as client:
            return (await client.get("/inner", headers=sent("ann"))).status_code

    assert asyncio.run(awaited()) == 200


def test_the_document_says_what_rules_and_handlers_demand() -> None:
    """By method; what a rule hides is left out, and a configuration that several applications share stays as it is."""
    config = OpenAPIConfig(title="orders", version="1")
    app = extended(openapi_config=config)
    document: Any = app.openapi_schema.to_schema()
    paths = document["paths"]
    assert document["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
    security = {path: paths[path]["get"]["security"] for path in ("/inner", "/whole", "/open", "/known/{rest}", "/scoped/rule")}
    assert security == {
        "/inner": [{"Bearer": ["admin"]}],
        "/whole": [{"Bearer": ["admin"]}],
        "/open": [],
        "/known/{rest}": [{"Bearer": []}],
        "/scoped/rule": [{"Bearer": ["write"]}],
    }
    assert [paths["/page"][method]["security"] for method in ("get", "post")] == [[], [{"Bearer": ["admin"]}]]
    assert {"401", "403"} <= paths["/inner"]["get"]["responses"].keys()
    assert not {"/known/hidden", "/known/secret"} & paths.keys()
    plain: Any = Litestar([anybody], openapi_config=config).openapi_schema.to_schema()
    assert "securitySchemes" not in plain.get("components", {})


def test_a_function_runs_for_nobody_whom_the_plugin_has_not_checked() -> None:
    """A handler of an application that is mounted without the plugin, and one that is called by hand."""
    within = Litestar([get("/")(ADMIN(of_everybody("/").fn))], logging_config=None, debug=False)
    app = extended(handlers=[asgi("/within", is_mount=True, copy_scope=True)(partial(_serve, within)), inner])
    assert [ask(app, "GET", "/within", name)[0] for name in ("ann", "bob")] == [500, 500]
    with pytest.raises(ConfigurationError, match="Add GuardPlugin"):
        inner.fn(None)


async def _serve(app: Litestar, scope: Any, receive: Any, send: Any) -> None:
    await app(scope, receive, send)


@pytest.mark.parametrize("made_late", [False, True])
@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({"csrf_config": CSRFConfig(secret="x" * 32)}, "a", 404),
        ({"allowed_hosts": AllowedHostsConfig(allowed_hosts=["other"])}, "a", 404),
        ({"csrf_config": CSRFConfig(secret="x" * 32)}, "a/b", 400),
    ],
    ids=["csrf", "hosts", "host"],
)
def test_the_middlewares_of_a_route_tell_of_no_hidden_handler(settings: dict[str, Any], host: str, status: int, *, made_late: bool) -> None:
    """They run for handlers that are there, and answer 403 or 400. The router answers 400 for every path."""

    @post("/hidden", guards=[requires(role("admin").hidden())])
    async def hidden(request: Request[Principal, Any, Any]) -> str:
        return request.user.id

    events: list[AuthEvent] = []
    plugin = GuardPlugin(Guard(Bearer(Tokens(PEOPLE), realm="r"), on_event=events.append))
    app = Litestar([anybody] if made_late else [anybody, hidden], plugins=[plugin], **settings)
    if made_late:
        app.register(hidden)
    with TestClient(app) as client:
        there, missing = (client.post(f"/{name}", headers={"Authorization": "Bearer bob", "Host": host}) for name in ("hidden", "missing"))
        assert (there.status_code, there.content, there.headers) == (status, missing.content, missing.headers)
        assert client.post("/hidden").status_code == 401
        assert client.post("/hidden", headers={"Authorization": "Bearer ann"}).status_code in {400, 403}
    assert [event.reason for event in events] == ["missing_role", None, "missing_credentials", None]
