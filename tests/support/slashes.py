"""The routers of frameworks, each with the same handlers, to find out which one runs for a path with a closing slash."""

from __future__ import annotations

import re
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Ran: TypeAlias = list[str]
Make: TypeAlias = "Callable[[Sequence[str], Ran], Any]"

# Handlers as rules name them; each framework spells them in its own way.
HANDLERS = [
    "/",
    "/{page}",
    "/{page}/",
    "/orders",
    "/orders/",
    "/orders/{id}",
    "/orders/{id}/",
    "/orders/**",
    "/orders/{id}/items",
    "/orders/{id}/items/",
    "/orders/{id}/items/{item}",
    "/orders/{id}/items/**",
    "/**",
]


def _spelt(handler: str, name: str, rest: str) -> str:
    """Return a pattern with `{name}` and `**` as a framework writes them."""
    return re.sub(r"\{(\w+)\}", name, handler).replace("**", rest)


def _paths(handlers: Sequence[str]) -> list[tuple[str, str]]:
    """Return the paths of handlers, each with its handler: `**` of no segment is a path of its own, unless another handler has that."""
    paths = [(handler, handler) for handler in handlers]
    bases = [(handler.removesuffix("/**") or "/", handler) for handler in handlers if handler.endswith("/**")]
    return paths + [(base, handler) for base, handler in bases if not {base, f"{base}/"} & set(handlers)]


def _refuse_same(handlers: Sequence[str]) -> None:
    """Refuse handlers that differ in a closing slash alone, for a router to which they are the same."""
    if len({handler.rstrip("/") for handler in handlers}) < len(handlers):
        raise ValueError("the router takes two handlers for one")


def in_starlette(handlers: Sequence[str], ran: Ran) -> Any:
    """Starlette, which redirects to the other form where that is the only one."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def view(handler: str) -> Any:
        async def run(request: Any) -> PlainTextResponse:
            ran.append(handler)
            return PlainTextResponse("ran")

        return run

    return Starlette(routes=[Route(_spelt(path, r"{\1}", "{rest:path}"), view(handler)) for path, handler in _paths(handlers)])


def in_litestar(handlers: Sequence[str], ran: Ran) -> Any:
    """Litestar, whose paths have no closing slash."""
    from litestar import Litestar, get

    def view(path: str, handler: str) -> Any:
        async def run() -> str:
            ran.append(handler)
            return "ran"

        return get(_spelt(path, r"{\1:str}", "{rest:path}"), name=path)(run)

    _refuse_same(handlers)
    return Litestar([view(path, handler) for path, handler in _paths(handlers)], openapi_config=None)


def in_quart(handlers: Sequence[str], ran: Ran) -> Any:
    """Quart, with its usual strictness."""
    from quart import Quart

    app = Quart(__name__, static_folder=None)

    def view(handler: str) -> Any:
        async def run(**values: str) -> str:
            ran.append(handler)
            return "ran"

        return run

    for number, (path, handler) in enumerate(_paths(handlers)):
        app.add_url_rule(_spelt(path, r"<\1>", "<path:rest>"), str(number), view(handler), methods=["GET"])
    return app


def _in_flask(handlers: Sequence[str], ran: Ran, *, strict: bool, merge: bool) -> Any:
    from flask import Flask

    app = Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = strict
    app.url_map.merge_slashes = merge

    def view(handler: str) -> Any:
        def run(**values: str) -> str:
            ran.append(handler)
            return "ran"

        return run

    for number, (path, handler) in enumerate(_paths(handlers)):
        app.add_url_rule(_spelt(path, r"<\1>", "<path:rest>"), str(number), view(handler), methods=["GET"])
    return app.wsgi_app


def in_flask(handlers: Sequence[str], ran: Ran) -> Any:
    """Flask, with its usual strictness."""
    return _in_flask(handlers, ran, strict=True, merge=True)


def in_lax_flask(handlers: Sequence[str], ran: Ran) -> Any:
    """Flask that takes no notice of a closing slash."""
    return _in_flask(handlers, ran, strict=False, merge=False)


def _falcon_resource(handler: str, ran: Ran) -> Any:
    class Resource:
        def on_get(self, request: Any, response: Any, **values: str) -> None:
            ran.append(handler)
            response.text = "ran"

    return Resource()


def _in_falcon(handlers: Sequence[str], ran: Ran, *, strip: bool) -> Any:
    import falcon

    _refuse_same(handlers)
    app = falcon.App()
    app.req_options.strip_url_path_trailing_slash = strip
    for path, handler in _paths(handlers):
        app.add_route(_spelt(path, r"{\1}", "{rest:path}"), _falcon_resource(handler, ran))
    return app


def in_falcon(handlers: Sequence[str], ran: Ran) -> Any:
    """Falcon, for which a last segment may be empty."""
    return _in_falcon(handlers, ran, strip=False)


def in_stripping_falcon(handlers: Sequence[str], ran: Ran) -> Any:
    """Falcon that takes closing slashes off."""
    return _in_falcon(handlers, ran, strip=True)


def in_pyramid(handlers: Sequence[str], ran: Ran) -> Any:
    """Pyramid, whose `*rest` may be empty."""
    from pyramid.config import Configurator
    from pyramid.response import Response

    def view(handler: str) -> Any:
        def run(request: Any) -> Response:
            ran.append(handler)
            return Response("ran")

        return run

    with Configurator() as config:
        for number, (path, handler) in enumerate(_paths(handlers)):
            config.add_route(str(number), _spelt(path, r"{\1}", "*rest"))
            config.add_view(view(handler), route_name=str(number))
        return config.make_wsgi_app()


def in_django(handlers: Sequence[str], ran: Ran) -> Any:
    """The resolver of Django, in a WSGI application of its own: Django's settings hold for a whole process."""
    from django.urls import URLPattern, URLResolver
    from django.urls.exceptions import Resolver404
    from django.urls.resolvers import RegexPattern, RoutePattern

    def pattern(handler: str) -> Any:
        if handler.endswith("**"):
            return RegexPattern("^" + _spelt(handler[1:], r"(?P<\1>[^/]+)", "(?P<rest>.*)") + "$")
        return RoutePattern(_spelt(handler[1:], r"<str:\1>", ""), is_endpoint=True)

    def view(handler: str) -> Any:
        return lambda **values: ran.append(handler)

    resolver = URLResolver(RegexPattern("^/"), [URLPattern(pattern(path), view(handler)) for path, handler in _paths(handlers)])

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        try:
            match = resolver.resolve(environ["PATH_INFO"])
        except Resolver404:
            start_response("404 Not Found", [])
            return []
        match.func(**match.kwargs)
        start_response("200 OK", [])
        return [b"ran"]

    return app


ASGI: dict[str, Make] = {make.__name__: make for make in (in_starlette, in_litestar, in_quart)}
WSGI: dict[str, Make] = {make.__name__: make for make in (in_flask, in_lax_flask, in_falcon, in_stripping_falcon, in_pyramid, in_django)}


def get_by_wsgi(app: Any, path: str, token: str) -> int:
    """Send a GET by WSGI, and return its status."""
    statuses: list[int] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    result = app(environ, lambda status, headers, exc_info=None: statuses.append(int(status[:3])))
    for _ in result:
        pass
    close = getattr(result, "close", None)
    if close is not None:
        close()
    return statuses[-1]


def get_by_asgi(app: Any, requests: Sequence[tuple[str, str]]) -> list[int]:
    """Send GETs by ASGI, each a path and a token, in one event loop, and return their statuses."""
    statuses: list[int] = []

    async def send_all() -> None:
        for path, token in requests:
            messages = [{"type": "http.request", "body": b"", "more_body": False}]

            async def receive(messages: list[Any] = messages) -> Any:
                if messages:
                    return messages.pop()
                await anyio.sleep_forever()
                return None

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            scope = {
                "type": "http",
                "asgi": {"version": "3.0", "spec_version": "2.4"},
                "http_version": "1.1",
                "method": "GET",
                "scheme": "http",
                "path": path,
                "raw_path": path.encode(),
                "query_string": b"",
                "root_path": "",
                "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())],
                "client": ("127.0.0.1", 50000),
                "server": ("127.0.0.1", 80),
            }
            await app(scope, receive, send)

    anyio.run(send_all)
    return statuses
