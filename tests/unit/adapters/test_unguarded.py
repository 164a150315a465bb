"""A marked view that is served without a guard in front is an error, whatever it is marked on, in every framework: never an open door."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from aiohttp import web
from django.http import HttpResponse
from django.test import RequestFactory
from django.views import View as DjangoView
from fastapi import FastAPI
from flask import Flask
from flask.views import MethodView
from flask.views import View as FlaskView
from litestar import Controller, Litestar, WebSocket, get, websocket
from litestar.handlers import WebsocketListener, websocket_stream
from litestar.testing import TestClient as LitestarClient
from quart import Quart
from quart.views import MethodView as QuartMethodView
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from tests.support import django_settings
from tests.support.by_aiohttp import send
from tests.support.each import each
from watchword import ConfigurationError, Principal, role
from watchword.adapters import aiohttp, django, fastapi, flask, litestar, quart, starlette

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

RAN: list[object] = []
ADMIN = role("admin")


def ran(*given: object) -> str:
    """Note that a view runs."""
    RAN.append(given)
    return "open"


@pytest.fixture(autouse=True)
def _nothing_ran() -> Iterator[None]:
    RAN.clear()
    yield
    assert RAN == []


def fresh() -> Any:
    """Return a view of its own: `requires` marks the function itself."""

    def page() -> str:
        return ran()

    return page


def kinds_of_starlette() -> dict[str, Callable[[], Any]]:  # noqa: C901 - a table
    """Return routes, made by functions: some cannot be made."""
    marked = starlette.requires(ADMIN)

    async def awaited(request: Any) -> Any:
        return PlainTextResponse(ran())

    def plain(request: Any) -> Any:
        return PlainTextResponse(ran())

    async def socket(websocket: Any) -> None:
        ran()

    class Bound:
        @marked
        async def page(self, request: Any) -> Any:
            return PlainTextResponse(ran())

        async def other(self, request: Any) -> Any:
            return PlainTextResponse(ran())

        async def __call__(self, request: Any) -> Any:
            return PlainTextResponse(ran())

    class Page(HTTPEndpoint):
        async def get(self, request: Any) -> Any:
            return PlainTextResponse(ran())

    class Part(HTTPEndpoint):
        @marked
        async def get(self, request: Any) -> Any:
            return PlainTextResponse(ran())

    class Chat(WebSocketEndpoint):
        async def on_connect(self, websocket: Any) -> None:
            ran()

    def late(route: Route | WebSocketRoute) -> Route | WebSocketRoute:
        marked(route.endpoint)
        return route

    return {
        "function": lambda: Route("/", marked(awaited)),
        "without async": lambda: Route("/", marked(plain)),
        "partial of a marked one": lambda: Route("/", partial(marked(awaited))),
        "marked partial": lambda: Route("/", marked(partial(awaited))),
        "bound method": lambda: Route("/", Bound().page),
        "marked bound method": lambda: Route("/", marked(Bound().other)),
        "object": lambda: Route("/", marked(Bound())),
        "class": lambda: Route("/", marked(Page)),
        "class in a route": lambda: late(Route("/", Page)),
        "method of a class": lambda: Route("/", Part),
        "socket": lambda: WebSocketRoute("/", marked(socket)),
        "class of sockets": lambda: WebSocketRoute("/", marked(Chat)),
        "made below": lambda: late(Route("/", awaited)),
        "socket made below": lambda: late(WebSocketRoute("/", socket)),
    }


@each("kind", kinds_of_starlette())
def test_starlette(kind: str) -> None:
    """It ends with 500, or is an error where it is marked."""
    if kind.endswith("made below"):
        with pytest.raises(ConfigurationError, match="unchecked"):
            kinds_of_starlette()[kind]()
        return
    route = kinds_of_starlette()[kind]()
    client = TestClient(Starlette(routes=[route]), raise_server_exceptions=False)
    if isinstance(route, Route):
        assert client.get("/").status_code == 500
    else:
        with pytest.raises(ConfigurationError), client.websocket_connect("/"):
            pass


def asked(who: Annotated[Principal, fastapi.Requires(ADMIN)]) -> str:
    """Ask for the caller."""
    return ran(who)


def test_fastapi() -> None:
    """A dependency ends with 500, as a parameter and as one of the route."""
    app = FastAPI()
    app.get("/a", dependencies=[fastapi.Requires(ADMIN)])(ran)
    app.get("/b")(asked)
    client = TestClient(app, raise_server_exceptions=False)
    assert [client.get(path).status_code for path in ("/a", "/b")] == [500, 500]


def kinds_of_aiohttp() -> dict[str, Callable[[web.RouteTableDef], Any]]:
    """Return what adds a route to a table."""
    marked = aiohttp.requires(ADMIN)

    async def page(request: Any) -> Any:
        return web.Response(text=ran())

    class Bound:
        @marked
        async def page(self, request: Any) -> Any:
            return web.Response(text=ran())

        async def other(self, request: Any) -> Any:
            return web.Response(text=ran())

    class Page(web.View):
        async def get(self) -> Any:
            return web.Response(text=ran())

    class Part(web.View):
        @marked
        async def get(self) -> Any:
            return web.Response(text=ran())

    return {
        "function": lambda table: table.get("/")(marked(page)),
        "partial of a marked one": lambda table: table.get("/")(partial(marked(page))),
        "marked partial": lambda table: table.get("/")(marked(partial(page))),
        "bound method": lambda table: table.get("/")(Bound().page),
        "marked bound method": lambda table: table.get("/")(marked(Bound().other)),
        "class": lambda table: table.view("/")(marked(Page)),
        "class in a route": lambda table: marked(table.view("/")(Page)),
        "method of a class": lambda table: table.view("/")(Part),
        "made below": lambda table: marked(table.get("/")(page)),
    }


@each("kind", kinds_of_aiohttp())
def test_aiohttp(kind: str) -> None:
    """It ends with 500, or is an error where it is marked."""
    table, app = web.RouteTableDef(), web.Application()
    if kind == "made below":
        with pytest.raises(ConfigurationError, match="unchecked"):
            kinds_of_aiohttp()[kind](table)
        return
    kinds_of_aiohttp()[kind](table)
    app.add_routes(table)
    assert send(app, "/", "ann").status == 500


def kinds_of_pallets(marked: Any, base: type, method_view: type) -> dict[str, Callable[[Any], Any]]:
    """Return what adds a route to an application of Flask or Quart."""

    class Whole(base):  # type: ignore[misc]
        def dispatch_request(self) -> str:
            return ran()

    class Other(Whole):
        pass

    class Part(method_view):  # type: ignore[misc]
        @marked
        def get(self) -> str:
            return ran()

        def other(self) -> str:
            return ran()

    def generated() -> Iterator[str]:
        yield ran()

    async def awaited() -> str:
        return ran()

    def add(view: Any) -> Callable[[Any], Any]:
        return lambda app: app.add_url_rule("/", "page", view_func=view)

    return {
        "function": add(marked(fresh())),
        "awaited": add(marked(awaited)),
        "generator": add(marked(generated)),
        "partial of a marked one": add(partial(marked(fresh()))),
        "marked partial": add(marked(partial(ran))),
        "marked bound method": add(marked(Part().other)),
        "method of a class": add(Part.as_view("page")),
        "class": add(marked(Whole).as_view("page")),
        "view of a class": add(marked(Other.as_view("page"))),
        "made below": lambda app: marked(app.get("/")(fresh())),
    }


def test_flask() -> None:
    """It ends with 500, also where the route was made below."""
    for kind, add in kinds_of_pallets(flask.requires(ADMIN), FlaskView, MethodView).items():
        app = Flask(__name__)
        add(app)
        assert app.test_client().get("/").status_code == 500, kind


def test_quart() -> None:
    """It ends with 500, also where the route was made below, and for an asynchronous generator."""

    async def pieces() -> AsyncGenerator[str, None]:
        yield ran()

    kinds = kinds_of_pallets(quart.requires(ADMIN), QuartMethodView, QuartMethodView)
    kinds.pop("class"), kinds.pop("view of a class")  # of a class with `dispatch_request`, as in the tests of the adapter
    kinds["generator, awaited"] = lambda app: app.add_url_rule("/", "page", view_func=quart.requires(ADMIN)(pieces))
    for kind, add in kinds.items():
        app = Quart(__name__)
        add(app)
        assert asyncio.run(app.test_client().get("/")).status_code == 500, kind


def kinds_of_litestar() -> dict[str, Callable[[], Any]]:
    """Return handlers, made by functions: some cannot be made."""
    marked = litestar.requires(ADMIN)

    async def awaited() -> str:
        return ran()

    def plain() -> str:
        return ran()

    async def pieces() -> AsyncGenerator[str, None]:
        yield ran()

    async def talk(socket: WebSocket[Any, Any, Any]) -> None:
        ran()

    class Page(Controller):
        @get("/")
        async def page(self) -> str:
            return ran()

    class Part(Controller):
        @get("/")
        @marked
        async def page(self) -> str:
            return ran()

    class Chat(WebsocketListener):
        path = "/"

        async def on_receive(self, data: str) -> str:
            return ran()

    return {
        "function": lambda: get("/")(marked(awaited)),
        "above": lambda: marked(get("/")(awaited)),
        "without async": lambda: get("/", sync_to_thread=False)(marked(plain)),
        "class": lambda: marked(Page),
        "method of a class": lambda: Part,
        "socket": lambda: marked(websocket("/")(talk)),
        "stream": lambda: marked(websocket_stream("/")(pieces)),
        "stream below": lambda: websocket_stream("/")(marked(pieces)),
        "listener": lambda: marked(Chat),
    }


@each("kind", kinds_of_litestar())
def test_litestar(kind: str) -> None:
    """It ends with 500, or without a socket."""
    app = Litestar([kinds_of_litestar()[kind]()], openapi_config=None)
    with LitestarClient(app, raise_server_exceptions=False) as client:
        if kind in {"socket", "stream", "stream below", "listener"}:
            with pytest.raises(BaseException), client.websocket_connect("/") as socket:  # noqa: B017, PT011, PT012 - whatever closes it
                socket.send_text("who?")
                socket.receive_text()
        else:
            assert client.get("/").status_code == 500


def test_django() -> None:
    """The call is an error, whatever is called."""
    django_settings.configure()
    marked = django.requires(ADMIN)

    def plain(request: Any) -> Any:
        return HttpResponse(ran())

    async def awaited(request: Any) -> Any:
        return HttpResponse(ran())

    class Page(DjangoView):  # type: ignore[misc]
        def get(self, request: Any) -> Any:
            return HttpResponse(ran())

        @marked
        def post(self, request: Any) -> Any:
            return HttpResponse(ran())

    class Whole(Page):
        pass

    asked, posted = RequestFactory().get("/"), RequestFactory().post("/")
    for view in (marked(plain), partial(marked(plain)), marked(partial(plain)), marked(Page.as_view()), marked(Whole).as_view()):
        with pytest.raises(ConfigurationError, match="no guard stands in front"):
            view(asked)
    with pytest.raises(ConfigurationError, match="no guard stands in front"):
        Page.as_view()(posted)
    with pytest.raises(ConfigurationError, match="no guard stands in front"):
        asyncio.run(marked(awaited)(asked))
