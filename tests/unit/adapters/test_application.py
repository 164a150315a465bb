"""Which applications a guard can stand in front of, and what it finds out about them."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import falcon
import falcon.asgi
import pytest
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar
from quart import Quart
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from watchword import Bearer, ConfigurationError, Guard, Principal, public, role
from watchword.adapters import asgi, wsgi
from watchword.adapters.application import own_mount, takes_mount_off
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

GUARD = Guard(Bearer(Tokens({"bob": Principal("bob")})), rules={"/public/**": public, "/admin/**": role("admin")})


async def over_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer."""
    await PlainTextResponse("served")(scope, receive, send)


def awaitable(scope: Any, receive: Any, send: Any) -> Any:
    """Return what is awaited."""
    return over_asgi(scope, receive, send)


def over_wsgi(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Answer."""
    start_response("200 OK", [])
    yield b"served"


async def generates(scope: Any, receive: Any, send: Any) -> AsyncIterator[None]:
    """Be no application: nothing awaits it."""
    yield


class Endpoint(HTTPEndpoint):
    """An ASGI application that is a class."""


class Response:
    """A WSGI application that is a class, as in PEP 3333."""

    def __init__(self, environ: Any, start_response: Any) -> None:
        self.start_response = start_response

    def __iter__(self) -> Iterator[bytes]:
        self.start_response("200 OK", [])
        yield b"served"


def fastapi(root_path: str = "") -> FastAPI:
    """Return an application that says where it is mounted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it deprecates root_path
        return FastAPI(root_path=root_path, openapi_url=None)


FALCON: Any = falcon.asgi.App()
ASGI: dict[str, Any] = {
    "function": over_asgi,
    "awaitable": awaitable,
    "partial": partial(over_asgi),
    "Starlette": Starlette(),
    "FastAPI": FastAPI(),
    "Litestar": Litestar([], logging_config=None),
    "Quart": Quart("q"),
    "Quart.asgi_app": Quart("q").asgi_app,
    "Falcon": FALCON,
    "middleware": CORSMiddleware(over_asgi),
    "endpoint": Endpoint,
    "guard": asgi.GuardMiddleware(over_asgi, GUARD),
}
WSGI: dict[str, Any] = {
    "generator": over_wsgi,
    "partial": partial(over_wsgi),
    "Flask": Flask("f"),
    "Flask.wsgi_app": Flask("f").wsgi_app,
    "Falcon": falcon.App(),
    "dispatcher": DispatcherMiddleware(over_wsgi, {}),
    "class": Response,
    "guard": wsgi.GuardMiddleware(over_wsgi, GUARD),
}


@pytest.mark.parametrize("name", ASGI)
def test_an_asgi_application_is_one(name: str) -> None:
    """In every form that servers take; the WSGI middleware says which one to use."""
    assert asgi.GuardMiddleware(ASGI[name], GUARD).app is ASGI[name]
    hint = "" if name in {"awaitable", "endpoint"} else " It is an ASGI application: use watchword.adapters.asgi"
    with pytest.raises(ConfigurationError, match=rf"called with \(environ, start_response\), got .*\.{hint}"):
        wsgi.GuardMiddleware(ASGI[name], GUARD)


@pytest.mark.parametrize("name", WSGI)
def test_a_wsgi_application_is_one(name: str) -> None:
    """In every form that servers take; the ASGI middleware says which one to use."""
    assert wsgi.GuardMiddleware(WSGI[name], GUARD).app is WSGI[name]
    with pytest.raises(
        ConfigurationError, match=r"awaited with \(scope, receive, send\), got .*\. It is a WSGI application: use watchword"
    ):
        asgi.GuardMiddleware(WSGI[name], GUARD)


MISTAKES: list[Any] = [
    None,
    5,
    "module:app",
    {},
    object(),
    GUARD,
    Flask,
    Starlette,
    FastAPI,
    generates,
    lambda: None,
    lambda scope: None,
    len,
]


@pytest.mark.parametrize("adapter", [asgi, wsgi], ids=["asgi", "wsgi"])
@pytest.mark.parametrize("app", MISTAKES, ids=range(len(MISTAKES)))
def test_anything_else_is_a_mistake(app: Any, adapter: Any) -> None:
    """It is found when the middleware is made, not on the first request."""
    with pytest.raises(ConfigurationError, match=r"^GuardMiddleware\(app, guard\) takes an application"):
        adapter.GuardMiddleware(app, GUARD)


@pytest.mark.parametrize(("adapter", "app"), [(asgi, over_asgi), (wsgi, over_wsgi)], ids=["asgi", "wsgi"])
def test_swapped_arguments_are_a_mistake(adapter: Any, app: Any) -> None:
    """The message says that they are swapped; anything else in the place of the guard is named."""
    with pytest.raises(ConfigurationError, match="the arguments are swapped"):
        adapter.GuardMiddleware(GUARD, app)
    with pytest.raises(ConfigurationError, match=r"must be a Guard, .* got None"):
        adapter.GuardMiddleware(app, None)


# Routers


@pytest.mark.parametrize(
    ("app", "known"),
    [
        (Starlette(), True),
        (FastAPI(), True),
        (CORSMiddleware(CORSMiddleware(FastAPI())), True),
        (Router(), True),
        (Litestar([], logging_config=None), True),
        (Quart("q").asgi_app, True),
        (Starlette(routes=[Mount("/", StaticFiles(directory="/"))]), True),
        (Starlette(routes=[Mount("/sub", FALCON)]), True),
        (Starlette(routes=[Mount("/", FALCON)]), False),
        (Starlette(routes=[Mount("/", routes=[Mount("/", FALCON)])]), False),
        (Starlette(routes=[Mount("/", over_asgi)]), None),
        (FALCON, False),
        (CORSMiddleware(FALCON), False),
        (over_asgi, None),
        (CORSMiddleware(over_asgi), None),
    ],
)
def test_known_routers_are_found_through_middlewares(app: object, known: bool | None) -> None:  # noqa: FBT001 - what is looked for
    """The router counts, with what is mounted at its root."""
    assert takes_mount_off(app) is known


@pytest.mark.parametrize("app", [Starlette(), fastapi(), over_asgi, Starlette(routes=[Mount("/api", fastapi("/api"))])])
def test_most_applications_set_no_mount(app: object) -> None:
    """The server's is believed then."""
    assert own_mount(app) is None


def secret() -> str:
    """Serve."""
    return "SECRET"


@pytest.mark.parametrize("wrap", [lambda app: app, CORSMiddleware], ids=["bare", "in a middleware"])
def test_the_mount_that_fastapi_sets_is_pinned(wrap: Any) -> None:
    """Its router answers with the prefix and without, and the guard decides by the same rule."""
    app = fastapi("/api")
    app.get("/admin/users")(secret)
    app.get("/public/x")(lambda: "public")
    client = TestClient(asgi.GuardMiddleware(wrap(app), GUARD))
    for path in ("/admin/users", "/api/admin/users"):
        assert [client.get(path, headers=who).status_code for who in ({}, {"Authorization": "Bearer bob"})] == [401, 403]
    assert [client.get(path).status_code for path in ("/public/x", "/api/public/x", "/public/api/x")] == [200, 200, 400]


def test_a_mount_that_fastapi_is_given_later_is_found() -> None:
    """It is looked for before the first connection again."""
    app = fastapi()
    app.get("/admin/users")(secret)
    guarded = asgi.GuardMiddleware(
        app, Guard(Bearer(Tokens({"bob": Principal("bob")})), rules={"/admin/**": role("admin")}, default=public)
    )
    app.root_path = "/api"
    assert TestClient(guarded).get("/api/admin/users").status_code == 401


def test_two_mounts_that_contradict_are_a_mistake() -> None:
    """The message names both."""
    with pytest.raises(ConfigurationError, match=r"mount='/v2'.* sets the mount '/api' by itself .* Make both the same"):
        asgi.GuardMiddleware(fastapi("/api"), GUARD, mount="/v2")
    with pytest.raises(ConfigurationError, match="sets the mount '/api' by itself"):
        asgi.GuardMiddleware(fastapi("/api"), GUARD, mount="")
    assert TestClient(asgi.GuardMiddleware(fastapi("/api"), GUARD, mount="/api")).get("/api/public/x").status_code == 404


@pytest.mark.parametrize("routes", [[Mount("/", fastapi("/api"))], [Mount("/{tenant}", fastapi("/api"))]], ids=["root", "name"])
def test_a_mounted_part_that_sets_another_mount_is_refused(routes: list[Mount]) -> None:
    """Its router would take another path than the guard: an error before the first request, which says what to leave out."""
    client = TestClient(asgi.GuardMiddleware(Starlette(routes=routes), GUARD))
    with pytest.raises(ConfigurationError, match=r"FastAPI\(root_path='/api'\) is mounted at .*Leave root_path out"):
        client.get("/api/public/x")


def test_a_mounted_part_that_repeats_its_mount_is_served() -> None:
    """Both say the same."""
    part = fastapi("/public")
    part.get("/x")(lambda: "served")
    assert TestClient(asgi.GuardMiddleware(Starlette(routes=[Mount("/public", part)]), GUARD)).get("/public/x").text == '"served"'


class Asked(Router):
    """A router that counts how often its routes are looked at."""

    looked = 0

    @property
    def routes(self) -> list[Any]:
        """Return them."""
        Asked.looked += 1
        return self._routes

    @routes.setter
    def routes(self, routes: list[Any]) -> None:
        self._routes = routes


def test_routers_in_one_another_are_inspected_in_a_few_steps() -> None:
    """`Router.app` is a method of the router itself: a walk that follows it again and again takes minutes for five routers."""
    app: Any = Asked([Route("/x", Endpoint)])
    for _ in range(3):
        app = Asked([Mount("/m", app)])
    Asked.looked = 0
    guarded = asgi.GuardMiddleware(app, GUARD)
    assert TestClient(guarded).get("/m/m/m/x").status_code == 401
    assert 0 < Asked.looked < 100


def test_an_application_that_hides_what_it_sets_is_refused_on_its_first_request() -> None:
    """No handler runs; the message says where to put the prefix."""
    inner, ran = fastapi("/api"), []
    inner.get("/admin/users")(lambda: ran.append(1))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    client = TestClient(asgi.GuardMiddleware(app, GUARD))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"sets root_path to '/api'.* write GuardMiddleware\(app, guard, mount='/api'\)"):
            client.get("/api/admin/users", headers={"Authorization": "Bearer bob"})
        with pytest.raises(ConfigurationError):
            client.get("/public/x")
    assert ran == []
    assert TestClient(asgi.GuardMiddleware(app, GUARD, mount="/api")).get("/api/admin/users").status_code == 401


# What is pinned


@pytest.mark.parametrize("stated", ["", "/api", "/elsewhere", "/public"])
def test_the_application_sees_the_mount_that_is_pinned(stated: str) -> None:
    """Whatever the server states, for http and websocket; the path stays whole, as the ASGI specification has it."""
    seen: list[tuple[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["root_path"], scope["path"]))
        if scope["type"] == "http":
            await PlainTextResponse("")(scope, receive, send)
        else:
            await send({"type": "websocket.accept"})

    client = TestClient(asgi.GuardMiddleware(app, GUARD, mount="/api"), root_path=stated)
    assert client.get("/api/public/x").status_code == 200
    assert client.get("/public/x").status_code == 200
    with client.websocket_connect("/api/public/x"):
        pass
    assert seen == [("/api", "/api/public/x"), ("/api", "/public/x"), ("/api", "/api/public/x")]
    assert client.get("/api/admin/x").status_code == 401


def test_a_pinned_mount_is_that_of_the_router() -> None:
    """Starlette routes by what was pinned."""
    routes = [Route("/public/{rest:path}", lambda request: PlainTextResponse(request.path_params["rest"]))]
    client = TestClient(asgi.GuardMiddleware(Starlette(routes=routes), GUARD, mount="/api"), root_path="/api/public")
    assert client.get("/api/public/public/x").text == "public/x"


@pytest.mark.parametrize(
    ("script_name", "path_info"),
    [("", "/api/public/x"), ("/api", "/public/x"), ("/api/", "/public/x"), ("/api/public", "/x"), ("/api/public/x", "")],
)
def test_over_wsgi_what_is_pinned_is_split_off_again(script_name: str, path_info: str) -> None:
    """However the server has split it."""
    seen: list[tuple[str, str]] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.append((environ["SCRIPT_NAME"], environ["PATH_INFO"]))
        start_response("200 OK", [])
        return []

    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": script_name, "PATH_INFO": path_info}
    lines: list[str] = []
    list(wsgi.GuardMiddleware(app, GUARD, mount="/api")(environ, lambda status, headers: lines.append(status)))
    assert (lines, seen) == (["200 OK"], [("/api", "/public/x")])


def test_over_wsgi_a_mount_beyond_ascii_is_one_too() -> None:
    """It is written as text, and compared as the octets that servers hand over."""
    app = wsgi.GuardMiddleware(over_wsgi, GUARD, mount="/ä")
    for path, expected in (("/ä/public/x", "200 OK"), ("/ä/admin/x", "401 Unauthorized"), ("/public/ä/x", "400 Bad Request")):
        lines: list[str] = []
        environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": path.encode().decode("latin-1")}
        list(app(environ, lambda status, headers, lines=lines: lines.append(status)))
        assert lines == [expected]
