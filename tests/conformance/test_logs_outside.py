"""Middlewares around the guard learn who it was, for their logs, over ASGI and WSGI."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from flask import Flask
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from werkzeug.test import Client

from tests.support.wire import Request as Sent
from tests.support.wire import asgi_scope, wsgi_environ
from watchword import ANONYMOUS, Basic, Bearer, Guard, Principal, optional, public, role
from watchword.adapters import asgi, wsgi
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request

TOKENS = Tokens({"ann": Principal("ann", roles={"admin"}, scopes={"read"}), "bob": Principal("bob"), "zoe": Principal("zoë ж")})
RULES = {"/public": public, "/admin": role("admin"), "/vault": role("root").hidden()}


def guard(**rules: Any) -> Guard:
    """Return a guard that hides something."""
    return Guard(Bearer(TOKENS), rules=RULES | rules)


def quick() -> Guard:
    """Return a guard that hides nothing, so that its adapters take the fast path."""
    return Guard(Bearer(TOKENS), rules={"/public": public, "/admin": role("admin")})


def sent(target: str, who: str = "", **more: Any) -> Sent:
    """Return a request."""
    return Sent(target=target, headers=(("Authorization", f"Bearer {who}"),) if who else (), **more)


async def serve(scope: Any, receive: Any, send: Any) -> None:
    """Answer, and 404 what is not there."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 404 if len(scope["path"]) > 20 else 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def serve_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Answer, and 404 what is not there."""
    start_response("404 Not Found" if len(environ["PATH_INFO"]) > 20 else "200 OK", [])
    return []


# target, who, status, who the log names, whether scopes are granted
CASES = [
    ("/x", "ann", 200, "ann", True),
    ("/x", "", 401, "", False),
    ("/x", "wrong", 401, "", False),
    ("/public", "", 200, "", False),
    ("/public", "ann", 200, "", False),
    ("/admin", "bob", 403, "bob", False),
    ("/admin", "ann", 200, "ann", True),
    ("/x/../y", "ann", 400, "", False),
]


@pytest.mark.anyio
@pytest.mark.parametrize("make", [guard, quick])
@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "before", [{}, {"user": Principal("mallory"), "auth": "mallory's", "watchword.decision": "hers"}], ids=["new", "set"]
)
async def test_a_log_around_the_asgi_middleware_names_the_caller(kind: Any, before: dict[str, Any], make: Callable[[], Guard]) -> None:
    """Also where a known caller is refused. Earlier values of the keys are replaced."""
    app = asgi.GuardMiddleware(serve, make())
    for target, who, status, name, scopes in [*CASES, *CASES]:
        scope = {**asgi_scope(sent(target, who, kind=kind)), **before}
        at_start: list[Any] = []

        async def send(message: Any, scope: Any = scope, at_start: Any = at_start) -> None:
            at_start.append((scope["user"].id, message.get("status", 200)))

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await app(scope, receive, send)
        assert scope["user"].id == name
        assert at_start[0] == (name, status), "servers write their log when the response starts"
        assert (scope["user"] is ANONYMOUS) is (name == "")
        assert bool(scope["auth"].scopes) is scopes
        assert scope["watchword.decision"].granted is (status == 200)
        assert scope.get("watchword.guard") is None, "what is let through is known to nobody outside"


@pytest.mark.parametrize("make", [guard, quick])
@pytest.mark.parametrize("before", [{}, {"REMOTE_USER": "mallory", "AUTH_TYPE": "Basic", "watchword.principal": Principal("mallory")}])
def test_a_log_around_the_wsgi_middleware_names_the_caller(before: dict[str, Any], make: Callable[[], Guard]) -> None:
    """REMOTE_USER is set for a known caller who was refused, and absent for an anonymous one, whatever the value was."""
    app = wsgi.GuardMiddleware(serve_wsgi, make())
    for target, who, status, name, _ in [*CASES, *CASES]:
        environ = {**wsgi_environ(sent(target, who)), **before}
        statuses: list[str] = []
        list(app(environ, lambda line, headers, statuses=statuses: statuses.append(line)))
        assert int(statuses[0][:3]) == status
        assert (environ.get("REMOTE_USER", ""), environ.get("AUTH_TYPE")) == (name, "Bearer" if name else None)
        assert environ["watchword.principal"].id == name
        assert environ["watchword.decision"].granted is (status == 200)
        assert "watchword.guard" not in environ


@pytest.mark.anyio
async def test_a_hidden_resource_is_logged_with_its_caller() -> None:
    """The client gets 404, and the log names the caller."""
    scope, environ = asgi_scope(sent("/vault", "bob")), wsgi_environ(sent("/vault", "bob"))
    statuses: list[Any] = []

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    await asgi.GuardMiddleware(serve, guard())(scope, None, send)  # type: ignore[arg-type]  # nothing is received
    list(wsgi.GuardMiddleware(serve_wsgi, guard())(environ, lambda line, headers: statuses.append(int(line[:3]))))
    assert statuses == [404, None, 404]
    assert (scope["user"].id, environ["REMOTE_USER"]) == ("bob", "bob")
    assert scope["path"] == "/vault"


@pytest.mark.anyio
async def test_a_starlette_middleware_outside_reads_request_user() -> None:
    """As with Starlette's own AuthenticationMiddleware."""
    log: list[str] = []

    async def write(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        log.append(f"{request.user.id} {response.status_code}")
        return response

    middleware = [Middleware(BaseHTTPMiddleware, dispatch=write), Middleware(asgi.GuardMiddleware, guard=guard())]
    app = Starlette(routes=[Route("/admin", lambda request: PlainTextResponse("x"))], middleware=middleware)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for who in ("ann", "bob", "nobody"):
            await client.get("/admin", headers={"Authorization": f"Bearer {who}"})
    assert log == ["ann 200", "bob 403", " 401"]


@pytest.mark.anyio
async def test_of_two_guards_each_tells_the_layers_around_itself() -> None:
    """A layer between them reads the inner guard's word, and a layer outside both the outer one's."""
    inner = asgi.GuardMiddleware(serve, Guard(Basic(lambda credentials: None, realm="inner"), default=optional))
    between: list[str] = []

    async def layer(scope: Any, receive: Any, send: Any) -> None:
        between.append(scope["user"].id)
        await inner(scope, receive, send)
        between.append(scope["user"].id)

    async def send(message: Any) -> None:
        pass

    scope = asgi_scope(sent("/x", "ann"))
    await asgi.GuardMiddleware(layer, guard())(scope, None, send)  # type: ignore[arg-type]  # nothing is received
    assert (scope["user"].id, between) == ("ann", ["ann", ""])


# REMOTE_USER beyond ASCII: what the page says to read


def test_the_principal_is_right_in_flask_and_webob() -> None:
    """REMOTE_USER keeps the form of PEP 3333, which they hand over as it is; the principal is the id itself."""
    app = Flask("f")
    app.get("/x")(lambda: f"{flask_request.environ['watchword.principal'].id}|{flask_request.remote_user}")
    answer = Client(wsgi.GuardMiddleware(app.wsgi_app, guard())).get("/x", headers={"Authorization": "Bearer zoe"}).text
    principal, remote_user = answer.split("|")
    assert principal == "zoë ж"
    assert remote_user.encode("latin-1").decode() == "zoë ж"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports what Python deprecates
        from webob import Request as WebObRequest

    def webob(environ: Any, start_response: Any) -> Iterable[bytes]:
        request = WebObRequest(environ)
        start_response("200 OK", [])
        return [f"{request.environ['watchword.principal'].id}|{request.remote_user}".encode()]

    assert Client(wsgi.GuardMiddleware(webob, guard())).get("/x", headers={"Authorization": "Bearer zoe"}).text == answer
