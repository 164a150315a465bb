"""Mistakes in the order of middlewares are found before the first request, and told in words."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from litestar import Litestar
from litestar.config.cors import CORSConfig
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.proxy_fix import ProxyFix

from watchword import Bearer, Guard, Principal
from watchword.adapters import asgi, wsgi
from watchword.adapters.flask import Watchword
from watchword.adapters.stacking import find_mistakes
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

TWICE, INSIDE = "the same guard stands twice", "the CORS layer stands inside the guard"
CORS = Middleware(CORSMiddleware, allow_origins=["https://app.example"])


def made(**settings: Any) -> Guard:
    """Make a guard."""
    return Guard(Bearer(Tokens({"t": Principal("ann")})), **settings)


async def serve(request: object) -> Response:
    """Answer."""
    return Response("served")


def starlette(*middleware: Middleware) -> Starlette:
    """Make an application with one route."""
    return Starlette(routes=[Route("/", serve)], middleware=middleware)


def twice_by_middleware(guard: Guard) -> object:
    """Put the guard around a middleware around the guard."""
    return CORSMiddleware(asgi.GuardMiddleware(starlette(), guard), allow_origins=["*"])


def twice_by_extension(guard: Guard) -> object:
    """Put the guard around a Flask application that has it."""
    app = Flask(__name__)
    Watchword(app, guard)
    return ProxyFix(app.wsgi_app)


def twice_in_wsgi(guard: Guard) -> object:
    """Put the guard around a WSGI middleware around the guard."""
    return ProxyFix(wsgi.GuardMiddleware(Flask(__name__).wsgi_app, guard))


@pytest.mark.parametrize("app", [twice_by_middleware, twice_by_extension, twice_in_wsgi])
def test_the_same_guard_twice_is_found(app: Callable[[Guard], object]) -> None:
    """Another guard inside is none of these: each has its own rules."""
    guard = made(cors_inside=True)
    assert [mistake[: len(TWICE)] for mistake in find_mistakes(app(guard), guard)] == [TWICE]
    assert not [*find_mistakes(app(made()), guard)]


def test_a_part_that_is_mounted_may_have_the_guard_of_the_whole() -> None:
    """It may be served alone as well."""
    guard = made()
    assert not [*find_mistakes(Starlette(routes=[Mount("/inner", asgi.GuardMiddleware(starlette(), guard))]), guard)]


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(lambda: CORSMiddleware(starlette(), allow_origins=["*"]), id="middleware"),
        pytest.param(lambda: starlette(CORS), id="planned in Starlette"),
        pytest.param(lambda: Litestar([], cors_config=CORSConfig(allow_origins=["*"])), id="Litestar"),
    ],
)
def test_a_cors_layer_inside_the_guard_is_found(app: Callable[[], object]) -> None:
    """Not where the guard is told that it stands there."""
    assert [mistake[: len(INSIDE)] for mistake in find_mistakes(app(), made())] == [INSIDE]
    assert not [*find_mistakes(app(), made(cors_inside=True))]
    assert not [*find_mistakes(starlette(), made())]


def test_a_mistake_is_logged_once_and_refuses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Before the first request over ASGI, when the application has its middlewares; each request is answered as before."""
    caplog.set_level(logging.WARNING, "watchword")
    app = starlette(Middleware(asgi.GuardMiddleware, guard=made()), CORS)
    client = TestClient(app)
    for _ in range(3):
        assert client.get("/", headers={"Authorization": "Bearer t"}).status_code == 200
    assert [record.getMessage()[: len(INSIDE)] for record in caplog.records] == [INSIDE]


def test_a_mistake_over_wsgi_is_logged_at_construction(caplog: pytest.LogCaptureFixture) -> None:
    """WSGI has no start-up."""
    caplog.set_level(logging.WARNING, "watchword")
    guard = made()
    wsgi.GuardMiddleware(wsgi.GuardMiddleware(Flask(__name__).wsgi_app, guard), guard)
    assert [record.getMessage()[: len(TWICE)] for record in caplog.records] == [TWICE]
