"""The routes of Django, Litestar, aiohttp, Falcon, Pyramid, Bottle and werkzeug's dispatcher."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import bottle
import falcon
import falcon.asgi
import pytest
from aiohttp import web
from django.conf.urls.i18n import i18n_patterns
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from django.urls import include, path, re_path
from django.views import View
from django.views.static import serve
from flask import Flask
from litestar import Controller, Litestar, WebSocket, asgi, get, post, websocket
from litestar.static_files import create_static_files_router
from litestar.types import Receive, Scope, Send  # noqa: TC002 - Litestar reads the annotations of a handler
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.support import django_settings
from tests.support.listing import found, lines, report_of
from watchword import Requirement, public, role
from watchword.adapters import aiohttp as of_aiohttp
from watchword.adapters import django as of_django
from watchword.authorization.marks import ATTRIBUTE
from watchword.routes.listed import Param, shape_of
from watchword.routes.regexes import pieces_of

django_settings.configure()


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Pyramid and WebOb import modules that are on their way out
    from pyramid.config import Configurator


def plain(*_: Any, **__: Any) -> None:
    """A view."""


def marked_with(requirement: Requirement) -> Any:
    """Return a view that demands something, as `requires` of any adapter marks it."""

    def view(*_: Any, **__: Any) -> None: ...

    setattr(view, ATTRIBUTE, requirement)
    return view


def written(app: object, rules: dict[str, Requirement] | None = None) -> list[str]:
    """Return the rows of methods that the framework does not add by itself; of a route with all methods that of `*`."""
    report = report_of(app, rules)
    anything = {row.path for row in report.routes if row.method == "*"}
    return [
        line
        for line, row in zip(lines(report), report.routes, strict=True)
        if not row.automatic and (row.path not in anything or row.method == "*")
    ]


class Page(View):  # type: ignore[misc]  # Django has no types
    def get(self, request: Any) -> None:
        """Anybody who may."""

    @of_django.requires(role("poster"))
    def post(self, request: Any) -> None:
        """Demands something."""


@pytest.mark.parametrize("handler", [WSGIHandler, ASGIHandler])
def test_django(handler: type[Any]) -> None:
    """Patterns with converters and regular expressions, included ones, classes by method, and the prefix of a language."""
    from rest_framework.decorators import api_view  # which asks for the settings
    from rest_framework.routers import SimpleRouter
    from rest_framework.viewsets import ViewSet

    from watchword.adapters.drf import GuardPermission

    class Set(ViewSet):  # type: ignore[misc]  # it has no types
        permission_classes = (GuardPermission(role("p")),)
        list = destroy = plain

    router = SimpleRouter()
    router.register("set", Set, basename="set")
    urls: Any = ModuleType("urls_of_the_listing")
    urls.urlpatterns = [
        path("f/<int:id>/", marked_with(role("a"))),
        path("v", Page.as_view()),
        path("api/", include(router.urls)),
        path("api/login", Set.as_view({"get": "list"}, permission_classes=[GuardPermission])),
        path("api/one", api_view(["PUT"])(marked_with(role("f")))),
        re_path(r"^re/(?P<year>[0-9]{4})/(?P<slug>[\w-]+)/$", plain),
        re_path(r"^static/(?P<path>.*)$", serve),
        *i18n_patterns(path("i", plain)),
    ]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[]):
        assert written(handler(), {"/f/7": role("seven"), "/f/x": role("never"), "/static/s": role("s"), "/api/login": public}) == [
            '* /f/<int:id>/ = authenticated & role("a")',
            '* /f/<int:id>/ at /f/7/ = role("seven") & authenticated & role("a")',
            "GET /v = authenticated",
            'POST /v = authenticated & role("poster")',
            'GET /api/set/ = authenticated & role("p")',
            'DELETE /api/set/(?P<pk>[^/.]+)/ = authenticated & role("p")',
            "GET /api/login = authenticated",
            'PUT /api/one = authenticated & role("f")',
            r"* /re/(?P<year>[0-9]{4})/(?P<slug>[\w-]+)/ = authenticated",
            "static * /static/(?P<path>.*) = authenticated",
            'static * /static/(?P<path>.*) at /static/s = role("s")',
            "* /{language}/i = authenticated",
        ]


@pytest.mark.parametrize(
    ("regex", "segments", "rest", "exact"),
    [
        (r"^a/(?P<id>\d+)/b$", ["a", Param(r"\d+"), "b"], False, True),
        (r"^a\.b/(x|y)$", ["a.b", Param("x|y")], False, True),
        (r"^v(?:[0-9]+)/?$", [Param(r"v(?:[0-9]+)")], False, True),
        (r"^a/(?P<rest>.*)$", ["a"], True, True),
        (r"^a/(?P<rest>[a-z/]+)$", ["a"], True, False),
        (r"^a/b", ["a", Param("b(?:[^/]*)")], True, False),
        (r"^a/[bc]/d$", ["a"], True, False),
        (r"^a/b?c$", ["a"], True, False),
        (r"^a/(b)*$", ["a"], True, False),
        (r"^a/(?!b)c$", ["a"], True, False),
        (r"^a/(b$", ["a"], True, False),
        (r"^a/[(]/(?P<x>[)/(]+)$", ["a"], True, False),
        ("a/b$", [], True, False),
        (r"^a/\d$", ["a"], True, False),
    ],
)
def test_regular_expressions(regex: str, segments: list[Any], *, rest: bool, exact: bool) -> None:
    """What is not understood of an expression stands for all paths, and never shadows a route."""
    shape = shape_of(("/", *pieces_of(regex)))
    assert (list(shape.segments), shape.rest, shape.exact) == (segments, rest, exact)


def test_litestar() -> None:
    """Handlers, controllers, WebSockets, mounted applications, folders of files, and OPTIONS that Litestar answers."""

    @post("/orders/{id:int}")
    async def order() -> None: ...

    @get("/f/{rest:path}", guards=[marked_with(role("a"))])
    async def deep() -> None: ...

    @websocket("/ws")
    async def sockets(socket: WebSocket[Any, Any, Any]) -> None: ...

    @asgi("/raw", is_mount=True, copy_scope=True)
    async def raw(scope: Scope, receive: Receive, send: Send) -> None: ...

    class Things(Controller):
        path = "/c"

        @get()
        async def all(self) -> None: ...

    files = create_static_files_router("/static", ["."])
    app = Litestar([order, deep, sockets, raw, Things, files], openapi_config=None)
    assert written(app, {"/orders/new": role("never")}) == [
        "GET /c = authenticated",
        'GET /f/{rest:path} = authenticated & role("a")',
        "POST /orders/{id:int} = authenticated",
        "mount * /raw/** = authenticated",
        "static GET /static/{file_path:path} = authenticated",
        "static HEAD /static/{file_path:path} = authenticated",
        "websocket GET /ws = authenticated",
    ]
    assert [row.method for row in report_of(app).routes if row.automatic] == ["OPTIONS"] * 4


def test_aiohttp() -> None:
    """Resources, class views, folders of files, and applications that were added under a prefix or for a domain."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    @of_aiohttp.requires(role("a"))
    async def marked(request: web.Request) -> web.Response:
        return web.Response()

    class Thing(web.View):
        async def get(self) -> web.Response:
            return web.Response()

        @of_aiohttp.requires(role("putter"))
        async def put(self) -> web.Response:
            return web.Response()

    app, sub, own = web.Application(), web.Application(), web.Application()
    app.router.add_get("/x", handler)
    app.router.add_post(r"/orders/{id:\d+}", marked)
    app.router.add_view("/v", Thing)
    app.router.add_static("/static", ".")
    app.router.add_route("*", "/any", handler)
    sub.router.add_delete("/s/{name}", handler)
    own.router.add_delete("/d", handler)
    app.add_subapp("/sub", sub)
    app.add_domain("own.example", own)
    assert written(app, {"/orders/new": role("never")}) == [
        "GET /x = authenticated",
        'POST /orders/{id} = authenticated & role("a")',
        "GET /v = authenticated",
        'PUT /v = authenticated & role("putter")',
        "static GET /static/** = authenticated",
        "static HEAD /static/** = authenticated",
        "* /any = authenticated",
        "DELETE /sub/s/{name} = authenticated",
        "DELETE own.example/d = authenticated",
    ]


class Resource:
    def on_get(self, req: Any, resp: Any, **_: Any) -> None:
        """Anybody who may."""

    on_post = marked_with(role("poster"))


class Socket:
    async def on_websocket(self, req: Any, socket: Any) -> None:
        """Anybody who may."""


def test_falcon() -> None:
    """Responders of resources, WebSockets, sinks and folders of files; methods that Falcon refuses are no routes."""
    app = falcon.App()
    app.add_route("/orders/{id:int}", Resource())
    app.add_route("/f/{rest:path}", Resource())
    app.add_sink(plain, r"/sink/(?P<rest>.*)$")
    app.add_static_route("/static", str(Path.cwd()))
    assert written(app, {"/orders/new": role("never")}) == [
        "GET /f/{rest:path} = authenticated",
        'POST /f/{rest:path} = authenticated & role("poster")',
        "GET /orders/{id:int} = authenticated",
        'POST /orders/{id:int} = authenticated & role("poster")',
        "* /sink/(?P<rest>.*)$ = authenticated",
        "static * /static/** = authenticated",
    ]
    assert [row.method for row in report_of(app).routes if row.automatic] == ["OPTIONS"] * 2
    other: Any = falcon.asgi.App()
    other.add_route("/ws", Socket())
    assert written(other) == ["websocket GET /ws = authenticated"]


class Handlers:
    def __init__(self, request: Any) -> None:
        pass

    edit = marked_with(role("editor"))


def test_pyramid() -> None:
    """The views of routes by method, folders of files, and one route for what traversal finds."""
    with Configurator() as config:
        config.add_route("a", "/a/{id}")
        config.add_route("b", r"b/{id:\d+}/*rest", request_method="POST")
        config.add_view(plain, route_name="a", request_method="GET", renderer="string")
        config.add_view(Handlers, attr="edit", route_name="a", request_method="PUT", renderer="string")
        config.add_view(plain, route_name="b", renderer="string")
        config.add_static_view("static", ".")
        app = config.make_wsgi_app()
        assert written(app) == [
            "GET /a/{id} = authenticated",
            'PUT /a/{id} = authenticated & role("editor")',
            r"POST /b/{id:\d+}/*rest = authenticated",
            "static * /static/*subpath = authenticated",
        ]
        config.add_view(plain, name="found", renderer="string")
        assert written(config.make_wsgi_app())[-1] == "mount * /** = authenticated"


def test_bottle() -> None:
    """Rules without parameters come first, HEAD is answered with GET, and mounted applications are listed."""
    app, sub, other = bottle.Bottle(), bottle.Bottle(), bottle.Bottle()
    app.route("/x/<id:int>", callback=plain)
    app.route("/x/new", "POST", callback=marked_with(role("a")))
    app.route("/f/<rest:path>", "ANY", callback=plain)
    app.route("/r/<name:re:[a-z]+>", "PUT", callback=plain)
    for one in (sub, other):
        one.route("/s", "PUT", callback=plain)
    app.mount("/sub/", sub)
    with pytest.warns(DeprecationWarning, match="Falling back to WSGI mount"):
        app.mount("/wsgi", other)
    assert written(app, {"/x/7": role("seven"), "/x/y": role("never")}) == [
        'POST /x/new = authenticated & role("a")',
        "PUT /sub/s = authenticated",
        "PUT /wsgi/s = authenticated",
        "GET /x/<id:int> = authenticated",
        'GET /x/<id:int> at /x/7 = role("seven")',
        "* /f/<rest:path> = authenticated",
        "PUT /r/<name:re:[a-z]+> = authenticated",
    ]


def test_a_dispatcher_of_werkzeug() -> None:
    """Applications side by side are listed with their prefixes."""
    one, two = Flask("one", static_folder=None), Flask("two", static_folder=None)
    for app in (one, two):
        app.add_url_rule("/x", "x", lambda: "", methods=["PUT"])
    both = DispatcherMiddleware(one, {"/two": two, "/raw": lambda *_: []})
    assert written(both) == ["PUT /two/x = authenticated", "mount * /raw/** = authenticated", "PUT /x = authenticated"]


@pytest.mark.parametrize("second", ["PUT", "GET"])
def test_a_router_that_stops_at_a_path_shadows_other_methods(second: str) -> None:
    """In Django the first pattern that matches is the only one, in Pyramid the first route."""
    with Configurator() as config:
        for name, method in (("a", "GET"), ("b", second)):
            config.add_route(name, "/x")
            config.add_view(plain, route_name=name, request_method=method, renderer="string")
        assert any(one.startswith("shadowed") for one in found(report_of(config.make_wsgi_app())))
