"""Tests the check of routes before the first request: an error for strict guards, a warning in development."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from django.urls import path
from flask import Flask
from litestar import Litestar, get
from quart import Quart
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient
from werkzeug.test import Client

from tests.support import django_settings
from tests.support.listing import guard_of
from watchword import ConfigurationError, RequestView, Requirement, public, role, via
from watchword.adapters import asgi, wsgi
from watchword.adapters.aiohttp import guard_middleware
from watchword.adapters.flask import Watchword
from watchword.adapters.flask import requires as of_flask_views
from watchword.adapters.litestar import GuardPlugin
from watchword.adapters.litestar import requires as of_litestar_views
from watchword.adapters.quart import Watchword as OfQuart
from watchword.adapters.starlette import requires as of_starlette_views
from watchword.adapters.starting import is_in_development

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword import Guard

django_settings.configure()

TYPO: dict[str, Requirement] = {"/admn/**": role("admin"), "/favicon.ico": public, "/x": public}
WORDS = r"/admn/\*\*: the rule matches no route: .* \(role\(\"admin\"\)\)\. Correct the pattern, or remove the rule\."


async def view(request: Any) -> Any:
    """A view."""


def of_starlette(guard: Guard, *, debug: bool = False) -> None:
    """Start an application of Starlette with the guard among its middlewares, as a server does."""
    app = Starlette(debug, [Route("/x", view)], middleware=[Middleware(asgi.GuardMiddleware, guard=guard)])
    with TestClient(app):
        pass


def of_starlette_around(guard: Guard, *, debug: bool = False) -> None:
    """Start the same with the guard around it."""
    with TestClient(asgi.GuardMiddleware(Starlette(debug, [Route("/x", view)]), guard)):
        pass


def of_flask(guard: Guard, *, debug: bool = False) -> None:
    """Ask an application of Flask with the extension for the first time."""
    app = Flask("x")
    app.testing, app.debug = True, debug
    Watchword(app, guard)
    app.add_url_rule("/x", view_func=lambda: "")
    for _ in range(2):
        app.test_client().get("/x")


def of_flask_around(guard: Guard, *, debug: bool = False) -> None:
    """Ask the same with the middleware around it."""
    app = Flask("x")
    app.debug = debug
    app.wsgi_app = wsgi.GuardMiddleware(app.wsgi_app, guard)  # type: ignore[method-assign]
    app.add_url_rule("/x", view_func=lambda: "")
    for _ in range(2):
        Client(app).get("/x")


def of_quart(guard: Guard, *, debug: bool = False) -> None:
    """Ask an application of Quart with the extension for the first time."""
    app = Quart("x")
    app.testing, app.debug = True, debug
    OfQuart(app, guard)
    app.add_url_rule("/x", view_func=lambda: "")
    asyncio.run(app.test_client().get("/x"))


def of_django(guard: Guard, *, debug: bool = False) -> None:
    """Make the handler of Django with the middleware."""
    urls: Any = ModuleType("urls_of_the_start")
    urls.urlpatterns = [path("x", view)]
    middleware = ["watchword.adapters.django.GuardMiddleware"]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=middleware, DEBUG=debug, WATCHWORD={"GUARD": guard}):
        WSGIHandler()


async def answer(request: web.Request) -> web.Response:
    """Answer."""
    return web.Response()


def of_aiohttp(guard: Guard, *, debug: bool = False) -> None:
    """Ask an application of aiohttp for the first time, in the debug mode of asyncio or not."""

    async def asked() -> None:
        app = web.Application(middlewares=[guard_middleware(guard)])
        app.router.add_get("/x", answer)
        app.freeze()
        for _ in range(2):
            with suppress(web.HTTPException):
                await app._handle(make_mocked_request("GET", "/x", app=app))

    asyncio.run(asked(), debug=debug)


@get("/x")
async def answered() -> None:
    """Answer."""


def of_litestar(guard: Guard, *, debug: bool = False) -> None:
    """Start an application of Litestar with the plugin, as a server does, and ask it."""
    start_litestar(Litestar([answered], plugins=[GuardPlugin(guard)], debug=debug, openapi_config=None, logging_config=None))


def start_litestar(app: Litestar) -> None:
    """Start an application of Litestar, as a server does, and ask it. Raise what kept it from starting."""
    try:
        with TestClient(app) as client:  # type: ignore[arg-type]  # Starlette's types
            for _ in range(2):
                client.get("/x")
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


STARTS = [of_starlette, of_starlette_around, of_flask, of_flask_around, of_quart, of_django, of_aiohttp, of_litestar]


def test_a_demand_that_no_caller_of_the_guard_can_meet() -> None:
    """The error names the view and the fix: at start-up in Starlette and Litestar, and with the first request of any path in Flask."""
    words = r"marked demands via\(\"Digest\"\), which no caller of this guard can meet. Add the scheme to the guard."

    @of_starlette_views(via("Digest"))
    async def marked(request: Any) -> Any:
        """A view."""

    app = Starlette(routes=[Route("/x", marked)], middleware=[Middleware(asgi.GuardMiddleware, guard=guard_of())])
    with pytest.raises(ConfigurationError, match=words), TestClient(app):
        pass
    flask = Flask("x")
    Watchword(flask, guard_of({"/open": public}))
    flask.add_url_rule("/x", view_func=of_flask_views(via("Digest"))(lambda: "in"))
    flask.add_url_rule("/open", "open", lambda: "open")
    assert [flask.test_client().get(path).status_code for path in ("/open", "/x", "/open")] == [500] * 3

    @get("/x")
    @of_litestar_views(via("Digest"))
    async def handler() -> None:
        """A handler."""

    with pytest.raises(ConfigurationError, match=words.replace("marked", "handler")):
        start_litestar(Litestar([handler], plugins=[GuardPlugin(guard_of())], logging_config=None))


def test_a_view_that_is_reached_without_a_check_at_the_start() -> None:
    """A requirement that the guard sees for the first time in a request is an error there, and grants nothing."""
    with pytest.raises(ConfigurationError, match=r'a view demands via\("Digest"\)'):
        guard_of().decide(RequestView("GET", "/x"), via("Digest"))


@pytest.mark.parametrize("start", STARTS)
def test_a_strict_guard_refuses_rules_that_match_no_route(start: Callable[..., None]) -> None:
    """The application does not start, or answers no request; rules that open a path are no danger."""
    with pytest.raises(ConfigurationError, match=WORDS):
        start(guard_of(TYPO, strict_routes=True))
    start(guard_of({"/x": role("a"), "/favicon.ico": public}, strict_routes=True))


@pytest.mark.parametrize("start", STARTS)
def test_in_development_mistakes_are_logged_once(start: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    """The framework says whether it is in development; a guard may forbid the check."""
    start(guard_of(TYPO), debug=False)
    start(guard_of(TYPO, strict_routes=False), debug=True)
    assert "matches no route" not in caplog.text
    start(guard_of(TYPO), debug=True)
    assert caplog.text.count("/admn/**: the rule matches no route") == 1
    assert "favicon" not in caplog.text


async def unknown(scope: Any, receive: Any, send: Any) -> None:
    """An application of which nothing is known."""


@pytest.mark.parametrize("count", [1, 2])
def test_a_guard_that_stands_twice_in_aiohttp_is_logged_once(count: int, caplog: pytest.LogCaptureFixture) -> None:
    """Another guard beside it is none, and neither is the same guard of a sub-application."""
    guard = guard_of({"/x": public})

    async def asked() -> None:
        app, inner = (web.Application(middlewares=[guard_middleware(one) for one in guards]) for guards in ([guard] * count, [guard]))
        app.router.add_get("/x", answer)
        app.add_subapp("/inner", inner)
        app.freeze()
        for _ in range(2):
            await app._handle(make_mocked_request("GET", "/x", app=app))

    asyncio.run(asked())
    assert caplog.text.count("the same guard stands twice") == count - 1


def test_routes_that_are_not_known() -> None:
    """A strict guard in front of an application whose routes it cannot read is an error; otherwise nothing is said."""
    with (
        pytest.raises(ConfigurationError, match=r"the routes of .*\.unknown are not known"),
        TestClient(asgi.GuardMiddleware(unknown, guard_of(strict_routes=True))),
    ):
        pass
    assert not is_in_development(unknown)


def test_a_mount_of_aiohttp_that_cannot_be_checked() -> None:
    """The paths of a sub-application begin with its prefix, which the rules leave out: a strict guard says so."""
    with pytest.raises(ConfigurationError, match=r"strict_routes=True\) cannot be checked with guard_middleware\(mount='/api'\)"):
        guard_middleware(guard_of(strict_routes=True), mount="/api")


@pytest.mark.parametrize("value", [1, "yes"])
def test_the_argument_is_checked(value: Any) -> None:
    """True, False or None."""
    with pytest.raises(ConfigurationError, match=r"strict_routes"):
        guard_of(strict_routes=value)
