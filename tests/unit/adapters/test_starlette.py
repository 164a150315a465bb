"""The ASGI adapter inside Starlette, whose own tools find what they look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from tests.support.core import ANN, Recorder
from watchword import ANONYMOUS, Bearer, Guard, Principal, authenticated, optional, public
from watchword.adapters.asgi import Auth, GuardMiddleware
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

TOKENS = Tokens({"ann": Principal("ann", scopes={"orders:read"}), "bob": Principal("bob", scopes={"authenticated:not", "a"})})
TOKEN = {"Authorization": "Bearer ann"}


async def call(app: Any, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> httpx.Response:
    """Send a request to an application."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.request(method, path, headers=headers)


async def me(request: Request) -> JSONResponse:
    """Say who it is."""
    return JSONResponse(
        [request.user.id, request.user.is_authenticated, request.user.display_name, request.user.identity, request.auth.scopes]
    )


@requires("authenticated")
async def somebody(request: Request) -> PlainTextResponse:
    """Serve anybody who is somebody."""
    return PlainTextResponse("somebody")


@requires(["authenticated", "orders:read"])
async def reader(request: Request) -> PlainTextResponse:
    """Serve who may read."""
    return PlainTextResponse("reader")


async def stream(request: Request) -> StreamingResponse:
    """Stream."""

    async def parts() -> AsyncIterator[bytes]:
        for part in (b"a", b"b", b"c"):
            yield part

    return StreamingResponse(parts(), headers={"X-Own": "1"})


async def broken(request: Request) -> PlainTextResponse:
    """Fail."""
    raise LookupError("a bug of the application")


ROUTES = [
    Route("/me", me),
    Route("/somebody", somebody),
    Route("/reader", reader),
    Route("/stream", stream),
    Route("/broken", broken),
]


def starlette(guard: Guard, **settings: Any) -> Starlette:
    """Return an application behind a guard."""
    return Starlette(routes=ROUTES, middleware=[Middleware(GuardMiddleware, guard=guard)], **settings)


@pytest.mark.anyio
async def test_the_request_knows_who_it_is() -> None:
    """`request.user` is the principal, and `request.auth.scopes` its scopes."""
    app = starlette(Guard(Bearer(TOKENS), default=optional))
    assert (await call(app, "/me", TOKEN)).json() == ["ann", True, "ann", "ann", ["authenticated", "orders:read"]]
    assert (await call(app, "/me")).json() == ["", False, "", "", []]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("token", "somebody_", "reader_"), [(None, 403, 403), ("ann", 200, 200), ("bob", 200, 403)], ids=["nobody", "ann", "bob"]
)
async def test_starlettes_own_requires_works(token: str | None, somebody_: int, reader_: int) -> None:
    """`@requires` reads the scopes, `"authenticated"` among them; the rule of the guard stands beside it."""
    app = starlette(Guard(Bearer(TOKENS), default=optional))
    headers = None if token is None else {"Authorization": f"Bearer {token}"}
    assert (await call(app, "/somebody", headers)).status_code == somebody_
    assert (await call(app, "/reader", headers)).status_code == reader_


def test_nobody_has_scopes() -> None:
    """An anonymous caller is not `authenticated`; whoever is somebody is, and his own scopes follow in order."""
    assert Auth(ANONYMOUS).scopes == []
    assert Auth(Principal("ann", scopes={"b", "a"})).scopes == ["authenticated", "a", "b"]
    assert repr(Auth(ANN)) == "Auth(['authenticated', 'orders:read'])"


@pytest.mark.anyio
async def test_a_stream_arrives_as_it_was_sent() -> None:
    """Body and headers of the application are its own."""
    response = await call(starlette(Guard(Bearer(TOKENS))), "/stream", TOKEN)
    assert (response.status_code, response.content, response.headers["x-own"]) == (200, b"abc", "1")
    assert "cache-control" not in response.headers


@pytest.mark.anyio
async def test_a_bug_of_the_application_is_its_own() -> None:
    """The guard neither hides it nor answers in its place."""
    with pytest.raises(LookupError, match="a bug of the application"):
        await call(starlette(Guard(Bearer(TOKENS))), "/broken", TOKEN)


# Once per request


@pytest.mark.anyio
async def test_the_same_guard_twice_asks_once() -> None:
    """Outside the application and in its middleware: one decision (S3)."""
    checker = Recorder(ANN)
    guard = Guard(Bearer(checker))
    response = await call(GuardMiddleware(starlette(guard), guard), "/me", TOKEN)
    assert response.json()[0] == "ann"
    assert len(checker.asked) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("change", [{"path": "/stream", "raw_path": b"/stream"}, {"method": "POST"}], ids=["path", "method"])
async def test_a_request_that_was_rewritten_is_decided_again(change: dict[str, Any]) -> None:
    """What was let through was another request (S3)."""
    checker = Recorder(ANN)
    guard = Guard(Bearer(checker))
    inner = GuardMiddleware(starlette(Guard(Bearer(TOKENS), default=public)), guard)

    async def rewriting(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, **change}, receive, send)

    await call(GuardMiddleware(rewriting, guard), "/me", TOKEN)
    assert len(checker.asked) == 2


@pytest.mark.anyio
async def test_a_rewritten_path_meets_its_own_rule() -> None:
    """Rewriting from an open path to a closed one opens nothing."""
    guard = Guard(Bearer(TOKENS), rules={"/open": public})
    inner = GuardMiddleware(starlette(Guard(Bearer(TOKENS), default=public)), guard)

    async def rewriting(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, "path": "/me", "raw_path": b"/me"}, receive, send)

    assert (await call(GuardMiddleware(rewriting, guard), "/open")).status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize("mark", [True, 1, (), ("GET", "/me"), "watchword.guard"], ids=repr)
async def test_no_other_mark_opens_the_door(mark: object) -> None:
    """A mark that somebody else left in the scope is no decision (P9)."""
    inner = GuardMiddleware(starlette(Guard(Bearer(TOKENS), default=public)), Guard(Bearer(TOKENS)))

    async def marking(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, "watchword.guard": mark, "user": ANN}, receive, send)

    assert (await call(marking, "/me")).status_code == 401


# Mounted applications


@pytest.mark.anyio
async def test_rules_are_compared_below_the_mount() -> None:
    """A guarded application is the same wherever it is mounted, also two mounts deep (P6)."""
    guard = Guard(Bearer(TOKENS), rules={"/me": optional})
    guarded = starlette(guard)
    for mounted in (
        Starlette(routes=[Mount("/api", guarded)]),
        Starlette(routes=[Mount("/v1", Starlette(routes=[Mount("/api", guarded)]))]),
        Starlette(routes=[Mount("/{tenant}", guarded)]),
    ):
        prefix = "/v1/api" if mounted.routes[0].path == "/v1" else "/api"  # type: ignore[attr-defined]  # all are mounts
        assert (await call(mounted, f"{prefix}/me")).status_code == 200
        assert (await call(mounted, f"{prefix}/somebody")).status_code == 401
        assert (await call(mounted, f"{prefix}/somebody", TOKEN)).text == "somebody"


@pytest.mark.anyio
async def test_a_guard_outside_sees_the_whole_path() -> None:
    """Its rules name the mount; another guard inside has rules of its own, and both must let pass."""
    inner = starlette(Guard(Bearer(TOKENS), rules={"/me": authenticated}))
    outer = GuardMiddleware(Starlette(routes=[Mount("/api", inner)]), Guard(Bearer(TOKENS), rules={"/api/me": optional}))
    assert (await call(outer, "/api/me")).status_code == 401
    assert (await call(outer, "/api/me", TOKEN)).status_code == 200
    assert (await call(outer, "/me")).status_code == 401
