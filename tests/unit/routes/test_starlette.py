"""The routes of Starlette and FastAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon
import pytest
from fastapi import APIRouter, FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from tests.support.listing import guard_of, lines, report_of
from watchword import public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.fastapi import Requires
from watchword.adapters.starlette import requires
from watchword.routes.applications import views_in

if TYPE_CHECKING:
    from pathlib import Path


async def plain(request: Any) -> None:
    """A view."""


@requires(role("a"))
async def marked(request: Any) -> None:
    """A view that demands something."""


class Page(HTTPEndpoint):
    async def get(self, request: Any) -> None:
        """Anybody who may."""

    @requires(role("poster"))
    async def post(self, request: Any) -> None:
        """Demands something."""


async def raw(scope: Any, receive: Any, send: Any) -> None:
    """An application of which nothing is known."""


class Bridge:
    """Serves a WSGI application by ASGI, and keeps it where all of them do."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve."""


def test_functions_and_classes() -> None:
    """Functions have HEAD with GET, classes the methods that they define, and each method what is marked on it."""
    app = Router([Route("/f", plain), Route("/m", marked, methods=["POST"]), Route("/c", Page)])
    assert lines(report_of(app)) == [
        "GET /f = authenticated",
        "(HEAD) /f = authenticated",
        'POST /m = authenticated & role("a")',
        "GET /c = authenticated",
        'POST /c = authenticated & role("poster")',
        "(HEAD) /c = authenticated",
    ]


def test_websockets_mounts_hosts_and_files() -> None:
    """A handshake is a GET, mounted routes have the whole path, and an application that is not known takes every method."""
    app = Starlette(
        routes=[
            WebSocketRoute("/ws", marked),
            Mount("/sub", routes=[Route("/x", plain), Mount("/{tenant}", Router([Route("/y", marked)]))]),
            Host("api.example", Router([Route("/h", plain)])),
            Mount("/files", StaticFiles(directory=".")),
        ]
    )
    assert [line for line in lines(report_of(app)) if "HEAD" not in line] == [
        'websocket GET /ws = authenticated & role("a")',
        "GET /sub/x = authenticated",
        'GET /sub/{tenant}/y = authenticated & role("a")',
        "GET api.example/h = authenticated",
        "static GET /files/{path:path} = authenticated",
    ]
    report = report_of(Router([Mount("/raw", raw)]), {"POST /raw/**": role("a"), "BREW /raw/x": role("b")})
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW", "*"]
    assert [row.method for row in report.routes if not row.at] == methods
    assert [line for line in lines(report) if "POST" in line or "BREW" in line] == [
        'mount POST /raw/** = role("a")',
        'mount BREW /raw/** = authenticated & role("a")',
        'mount BREW /raw/** at /raw/x = role("b")',
    ]


def test_an_application_of_another_framework_is_listed_where_it_is_mounted() -> None:
    """The routes of a Flask application below a mount have the prefix of the mount."""
    flask = Flask("x", static_folder=None)
    flask.add_url_rule("/users", view_func=lambda: "")
    app = Starlette(routes=[Mount("/old", Bridge(flask))])
    assert lines(report_of(app, {"/old/users": role("a")}))[0] == 'GET /old/users = role("a")'


def test_fastapi() -> None:
    """Dependencies of operations and of included routers count, and so do the pages that FastAPI adds."""
    api = FastAPI(docs_url=None, redoc_url=None)
    router = APIRouter(prefix="/r", dependencies=[Requires(role("a"))])
    router.add_api_route("/{id}", plain, methods=["POST"], dependencies=[Requires(scope("w"))])
    router.add_api_websocket_route("/ws", lambda websocket: None)
    api.include_router(router)
    sub = FastAPI(openapi_url=None)
    sub.add_api_route("/x", lambda: None, dependencies=[Requires(role("s"))])
    api.mount("/sub", sub)
    assert lines(report_of(api, {"/openapi.json": public})) == [
        "GET /openapi.json = public",
        "(HEAD) /openapi.json = public",
        'POST /r/{id} = authenticated & role("a") & scope("w")',
        'websocket GET /r/ws = authenticated & role("a")',
        'GET /sub/x = authenticated & role("s")',
    ]


def test_the_frontend_of_fastapi(tmp_path: Path) -> None:
    """A folder that is tried after all routes is listed last, with the dependencies of its router."""
    (tmp_path / "index.html").write_text("")
    api, router = FastAPI(openapi_url=None), APIRouter(prefix="/r", dependencies=[Requires(role("a"))])
    router.frontend("/site", directory=tmp_path)
    api.frontend("/", directory=tmp_path)
    api.include_router(router)
    assert [line for line in lines(report_of(api)) if "GET" in line] == [
        'static GET /r/site/** = authenticated & role("a")',
        "static GET /** = authenticated",
    ]


def test_middlewares_are_looked_through() -> None:
    """The guard itself and other middlewares around the application make no difference."""
    inner = Starlette(routes=[Route("/f", plain, methods=["POST"])])
    report = report_of(inner)
    assert report.routes == report_of(GuardMiddleware(Bridge(inner), guard_of())).routes


def test_an_application_that_contains_itself_ends() -> None:
    """A router that is mounted in itself is listed once."""
    router = Router([Route("/f", plain, methods=["POST"])])
    router.routes += [Mount("/again", router), Mount("/wrapped", Bridge(router))]
    assert len(report_of(router).routes) == 1 + 8 + 8


def test_only_routers_that_may_have_marks_are_asked_before_the_first_request() -> None:
    """A mounted application of another framework cannot keep its neighbours from starting."""

    class Broken(falcon.App):
        @property
        def _router(self) -> Any:  # type: ignore[override]  # read-only
            raise RuntimeError("not yet")

    app = Router([Route("/m", marked), Mount("/old", Bridge(Broken.__new__(Broken)))])
    assert marked in views_in(app)
    with pytest.raises(RuntimeError, match="not yet"):
        report_of(app)
