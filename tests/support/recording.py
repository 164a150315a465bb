"""One request through a framework that has an adapter of its own, to a view for every path that records what it sees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import litestar
from fastapi import FastAPI, Request
from flask import Flask
from flask import request as of_flask
from quart import Quart
from quart import request as of_quart
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support.drive import Reply, Seen
from tests.support.frameworks import ask_asgi, ask_wsgi
from watchword.adapters import asgi, fastapi, flask, quart
from watchword.adapters.litestar import GuardPlugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.support.drive import Answer
    from tests.support.wire import Request as Sent
    from watchword import Guard, Principal

    Record = Callable[[Principal, Any, Iterable[tuple[str, str]]], None]

METHODS = ["GET", "POST", "OPTIONS"]


def starlette_app(guard: Guard, record: Record) -> Any:
    """Starlette, behind the middleware."""

    def view(request: Any) -> PlainTextResponse:
        record(request.user, request.scope, request.headers.items())
        return PlainTextResponse()

    return Starlette(routes=[Route("/{path:path}", view, methods=METHODS)], middleware=[Middleware(asgi.GuardMiddleware, guard=guard)])


def fastapi_app(guard: Guard, record: Record) -> Any:
    """FastAPI, by `install`."""
    app = FastAPI(openapi_url=None)
    fastapi.install(app, guard)

    @app.api_route("/{path:path}", methods=METHODS)
    def view(request: Request, who: fastapi.CurrentPrincipal) -> None:
        record(who, request.scope, request.headers.items())

    return app


def flask_app(guard: Guard, record: Record) -> Any:
    """Flask, with the extension."""
    app = Flask(__name__, static_folder=None)
    flask.Watchword(app, guard)

    def view(path: str = "") -> str:
        record(flask.current_principal, of_flask.environ, of_flask.headers.items())
        return path

    for rule in ("/", "/<path:path>"):
        app.add_url_rule(rule, rule, view, methods=METHODS, provide_automatic_options=False)
    return app


def quart_app(guard: Guard, record: Record) -> Any:
    """Quart, with the extension."""
    app = Quart(__name__, static_folder=None)
    quart.Watchword(app, guard)

    async def view(path: str = "") -> str:
        record(quart.current_principal, of_quart.scope, of_quart.headers.items())
        return path

    for rule in ("/", "/<path:path>"):
        app.add_url_rule(rule, rule, view, methods=METHODS, provide_automatic_options=False)
    return app


def litestar_app(guard: Guard, record: Record) -> Any:
    """Litestar, with the plugin."""

    @litestar.route(["/", "/{path:path}"], http_method=METHODS, sync_to_thread=False, status_code=200)  # type: ignore[arg-type]
    def view(request: litestar.Request[Any, Any, Any]) -> None:
        record(request.user, request.scope, request.headers.items())

    return litestar.Litestar([view], plugins=[GuardPlugin(guard)], openapi_config=None, logging_config=None)


class ByFramework:
    """Through one of these; a subclass says through which.

    Args:
        guard: decides.
        reply: taken for the sake of the other drivers; the view answers 200 with little.
    """

    make: Callable[[Guard, Record], Any]

    def __init__(self, guard: Guard, reply: Reply | None = None) -> None:
        self.app = type(self).make(guard, self._record)
        self._seen: Seen | None = None
        self._environ: dict[str, Any] = {}

    def __call__(self, request: Sent) -> Answer:
        """Send a request."""
        self._seen, self._environ = None, {}
        answer = ask_wsgi(self.app, request) if isinstance(self.app, Flask) else anyio.run(ask_asgi, self.app, request)
        return replace(answer, seen=self._seen, environ=self._environ)

    def _record(self, principal: Principal, request: Any, headers: Iterable[tuple[str, str]]) -> None:
        known: Any = getattr(principal, "_get_current_object", lambda: principal)()  # of Flask and Quart, which hand out a proxy
        self._seen = Seen(known, request["watchword.decision"], headers=[(name.lower(), value) for name, value in headers])
        self._environ = dict(request)


def drivers() -> dict[str, type[ByFramework]]:
    """Return a driver for each framework."""
    makers = {"starlette": starlette_app, "fastapi": fastapi_app, "flask": flask_app, "quart": quart_app, "litestar": litestar_app}
    return {name: type(name, (ByFramework,), {"make": staticmethod(make)}) for name, make in makers.items()}
