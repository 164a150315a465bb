"""Servers, routers and mounts at random, and which handlers ran: what guard and router mean by a path below a mount must be the same.

Servers are imitated as they were read: what each makes of a target, of its option for a mount, and of a client's field. Routers are the
frameworks' own. Run as a program, `python -m tests.support.mounts SEED TRIES ROUTER...`: Django's settings hold for a whole process.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO, StringIO
from random import Random
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from watchword import Bearer, ConfigurationError, Guard, Principal, public, role
from watchword.adapters import asgi, wsgi
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Wrap: TypeAlias = "Callable[[Any], Any]"

# What each handler's own rule demands: 0 nothing, 1 a login, 2 a role. A rule is compared with the handler's pattern.
HANDLERS = {
    "root": ("/", 0),
    "public": ("/public/<rest>", 0),
    "private": ("/private/<name>", 1),
    "deep public": ("/api/public/<rest>", 1),
    "deep admin": ("/api/admin/<rest>", 1),
    "user": ("/users/<name>", 2),
    "admin": ("/admin/<rest>", 2),
    "admin itself": ("/admin", 2),
}
RULES = {"/": public, "/public/**": public, "/admin/**": role("admin"), "/users/{name}": role("admin")}
CALLERS = {"": 0, "Bearer bob-token-0123456789": 1, "Bearer ann-token-0123456789": 2}
PRINCIPALS = {"bob-token-0123456789": Principal("bob"), "ann-token-0123456789": Principal("ann", roles={"admin"})}

MOUNTS = ["", "/api", "/admin", "/public", "/private", "/users", "/a/b", "/public/x", "/api/public", "/api/", "api", "zz", "/", "/ä", "/x"]
PINS: list[str | None] = [None, None, None, "", "/api", "/admin", "/public", "/private", "/public/x", "/a/b"]
WORDS = ["admin", "public", "private", "users", "api", "apix", "x", "zz", "a", "b", "ä", "secret", "ann", "admi", "n"]


def make_guard() -> Guard:
    """Return a guard with these rules."""
    return Guard(Bearer(Tokens(PRINCIPALS)), rules=RULES)


@dataclass(frozen=True, slots=True)
class Case:
    """One request to one application.

    Args:
        server: a key of `ASGI_SERVERS` or `WSGI_SERVERS`.
        router: a key of `ASGI_ROUTERS` or `WSGI_ROUTERS`.
        mount: of the server's option, or of the application.
        pin: `GuardMiddleware(mount=...)`.
        path: as asked for, decoded.
        field: the mount that a client's field asks for.
        caller: the Authorization field.
    """

    server: str
    router: str
    mount: str
    pin: str | None
    path: str
    field: str
    caller: str


TARGETS = ["/admin/secret", "/admin", "/users/ann", "/private/x", "/api/public/x", "/api/admin/x", "/public/x", "/"]
BEFORE = ["", "", "", "/public", "/public/x", "/users", "/private", "/x"]


def random_path(rng: Random, mount: str) -> str:
    """Make up a path: what a handler serves below a mount, in whole segments or glued to it, or any words."""
    if rng.random() < 0.7:
        target = rng.choice(TARGETS)
        path = rng.choice(BEFORE) + rng.choice([mount, mount, f"/{mount.strip('/')}", ""]) + rng.choice([target, target, target[1:]])
    else:
        words = [rng.choice([*WORDS, mount.strip("/")]) for _ in range(rng.randrange(5))]
        path = "".join(rng.choice(["/", "/", "/", ""]) + word for word in words)
    path += "/" if rng.random() < 0.1 and path[-1:] != "/" else ""
    return path if path[:1] == "/" else f"/{path}"


def random_case(rng: Random, router: str) -> Case:
    """Make up a case for a router."""
    mount, field, pin = rng.choice(MOUNTS), rng.choice(MOUNTS), rng.choice(PINS)
    server = rng.choice(WSGI_SERVERS if router in OVER_WSGI else ASGI_SERVERS)
    if router == "plain behind daphne":
        server, pin = "daphne", rng.choice([None, ""])
    path = random_path(rng, rng.choice([mount, field, pin or ""]))
    return Case(server, router, mount, pin, path, field, rng.choice([*CALLERS]))


# Servers: what they hand over of a path; None: they answer by themselves.


def asgi_path(case: Case) -> tuple[str, bytes | None, str]:
    """Return path, raw path and root path as an ASGI server states them."""
    path, mount = case.path, case.mount
    raw = quote(path).encode()
    if case.server == "uvicorn":
        return mount + path, quote(mount).encode() + raw, mount
    if case.server == "daphne":
        return path, raw, case.field
    if case.server == "untold":
        return path, None, mount
    if case.server == "behind a stripping proxy" and path.startswith(f"{mount}/"):
        path = path[len(mount) :]
        raw = quote(path).encode()
    return path, raw, mount


ASGI_SERVERS = ["uvicorn", "hypercorn", "daphne", "untold", "behind a stripping proxy"]


def wsgi_path(case: Case) -> tuple[str, str, bool] | None:
    """Return SCRIPT_NAME, PATH_INFO and whether the target is told, as a WSGI server or a layer in front of the guard states them."""
    path, mount = case.path, case.mount
    below = path == mount or path.startswith(mount if mount.endswith("/") else f"{mount}/")
    match case.server:
        case "gunicorn":
            return (mount, path[len(mount) :], True) if path.startswith(mount) else None
        case "gunicorn, by a field":
            return (case.field, path[len(case.field) :], True) if path.startswith(case.field) else None
        case "waitress":
            mount = "/" + mount.strip("/") if mount.strip("/") else ""
            return mount, path[len(mount) :] if path == mount or path.startswith(f"{mount}/") else path, True
        case "granian":
            return mount, path[len(mount) :] or "/", False
        case "mod_wsgi":
            return (mount.rstrip("/"), path[len(mount.rstrip("/")) :], True) if below else None
        case "mod_wsgi, untold":
            return (mount.rstrip("/"), path[len(mount.rstrip("/")) :], False) if below else None
        case "stated, not taken off":
            return mount, path, True
        case _:  # ProxyFix(x_prefix=1): the proxy has taken it off
            return case.field, path, True


WSGI_SERVERS = [
    "gunicorn",
    "gunicorn, by a field",
    "waitress",
    "granian",
    "mod_wsgi",
    "mod_wsgi, untold",
    "stated, not taken off",
    "ProxyFix",
]


# Routers. Each is given what wraps an application in the guard, and a list to which handlers write their names.


def _segments(style: str) -> Iterator[tuple[str, str]]:
    """Yield names and patterns in the style of a router: with its words for a rest and for a name."""
    rest, name = style.split()
    for handler, (pattern, _) in HANDLERS.items():
        yield handler, pattern.replace("<rest>", rest).replace("<name>", name)


def _starlette_routes(ran: list[str], **options: Any) -> list[Any]:
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def handler(name: str) -> Any:
        async def handle(request: Any) -> PlainTextResponse:
            ran.append(name)
            return PlainTextResponse(name)

        return handle

    return [Route(pattern, handler(name), **options) for name, pattern in _segments("{rest:path} {name}")]


def in_starlette(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Starlette, guarded outside."""
    from starlette.applications import Starlette

    return wrap(Starlette(routes=_starlette_routes(ran)))


def as_starlette_middleware(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Starlette, guarded by a middleware of its own."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    return Starlette(routes=_starlette_routes(ran), middleware=[Middleware(wrap)])


def at_starlette_routes(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Starlette, guarded by a middleware of each route, which runs after routing."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    return Starlette(routes=_starlette_routes(ran, middleware=[Middleware(wrap)]))


def below_a_starlette_mount(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Starlette within Starlette, guarded inside."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    inner = wrap(Starlette(routes=_starlette_routes(ran)))
    return Starlette(routes=[Mount("/public", inner), Mount("/a/b", inner), Mount("/{tenant}", inner), Mount("/", inner)])


def around_falcon_in_starlette(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Falcon mounted at the root of Starlette, guarded outside."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return wrap(Starlette(routes=[Mount("/", in_falcon(lambda app: app, ran, mount))]))


def in_fastapi(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """FastAPI, guarded outside."""
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None)
    app.router.routes.extend(_starlette_routes(ran))
    return wrap(app)


def in_fastapi_with_root_path(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """FastAPI with a mount of its own, guarded outside."""
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None, root_path=mount)
    app.router.routes.extend(_starlette_routes(ran))
    return wrap(app)


def _litestar_handlers(ran: list[str]) -> list[Any]:
    from litestar import get

    def make(name: str, pattern: str) -> Any:
        if "{rest" in pattern:

            @get(pattern, sync_to_thread=False, name=name)
            def with_rest(rest: str) -> str:
                ran.append(name)
                return name

            return with_rest
        if "{name" in pattern:

            @get(pattern, sync_to_thread=False, name=name)
            def with_name(name_: str) -> str:
                ran.append(name)
                return name

            return with_name

        @get(pattern, sync_to_thread=False, name=name)
        def plain() -> str:
            ran.append(name)
            return name

        return plain

    return [make(name, pattern) for name, pattern in _segments("{rest:path} {name_:str}")]


def in_litestar(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Litestar, guarded outside."""
    from litestar import Litestar

    return wrap(Litestar(_litestar_handlers(ran), openapi_config=None, logging_config=None))


def as_litestar_middleware(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Litestar, guarded by a middleware of its own, which runs after routing."""
    from litestar import Litestar
    from litestar.middleware import DefineMiddleware

    return Litestar(_litestar_handlers(ran), openapi_config=None, logging_config=None, middleware=[DefineMiddleware(wrap)])


def _flask_like(app: Any, ran: list[str], *, awaited: bool) -> Any:
    for name, pattern in _segments("<path:rest> <string:name_>"):

        def view(name: str = name, **_values: str) -> str:
            ran.append(name)
            return name

        async def waiting(name: str = name, **_values: str) -> str:
            ran.append(name)
            return name

        app.add_url_rule(pattern, name.replace(" ", "-"), waiting if awaited else view)
    return app


def in_quart(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Quart, guarded inside its own ASGI application."""
    from quart import Quart

    app = _flask_like(Quart("q"), ran, awaited=True)
    app.asgi_app = wrap(app.asgi_app)
    return app


def in_falcon(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Falcon over ASGI, which routes by the whole path."""
    import falcon.asgi

    class Resource:
        def __init__(self, name: str) -> None:
            self.name = name

        async def on_get(self, request: Any, response: Any, **_values: str) -> None:
            ran.append(self.name)

    app = falcon.asgi.App()
    for name, pattern in _segments("{rest:path} {name}"):
        app.add_route(pattern, Resource(name))
    return wrap(app)


def plain_handler(path: str) -> str | None:
    """Return the handler for a path, as somebody would write it by hand; those for which a rule is written alone."""
    if path == "/":
        return "root"
    first, _, rest = path[1:].partition("/")
    if first == "users" and rest and "/" not in rest:
        return "user"
    return first if first in {"admin", "public"} else None


def plain(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """An application that routes by the whole path, by hand."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        name = plain_handler(scope["path"])
        if name is not None:
            ran.append(name)
        await send({"type": "http.response.start", "status": 200 if name else 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return wrap(app)


def plain_behind_daphne(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """An application that serves every path by hand, most of them under the default rule."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ran.append(plain_handler(scope["path"]) or "private")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return wrap(app)


def flask_in_uvicorns_bridge(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Flask over ASGI, by uvicorn's bridge."""
    from uvicorn.middleware.wsgi import _WSGIMiddleware

    return wrap(_WSGIMiddleware(in_flask(lambda app: app, ran, mount)))


def flask_in_asgirefs_bridge(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Flask over ASGI, by asgiref's bridge."""
    from asgiref.wsgi import WsgiToAsgi

    bridge: Any = WsgiToAsgi
    return wrap(bridge(in_flask(lambda app: app, ran, mount)))


ASGI_ROUTERS: dict[str, Callable[[Wrap, list[str], str], Any]] = {
    "starlette": in_starlette,
    "starlette middleware": as_starlette_middleware,
    "starlette routes": at_starlette_routes,
    "starlette mount": below_a_starlette_mount,
    "falcon in starlette": around_falcon_in_starlette,
    "fastapi": in_fastapi,
    "fastapi root_path": in_fastapi_with_root_path,
    "litestar": in_litestar,
    "litestar middleware": as_litestar_middleware,
    "quart": in_quart,
    "falcon": in_falcon,
    "plain": plain,
    "plain behind daphne": plain_behind_daphne,
}
# They hand work to threads, and take a hundred times as long.
BRIDGES: dict[str, Callable[[Wrap, list[str], str], Any]] = {
    "uvicorn's bridge": flask_in_uvicorns_bridge,
    "asgiref's bridge": flask_in_asgirefs_bridge,
}


def in_flask(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Flask."""
    from flask import Flask

    app = _flask_like(Flask("f"), ran, awaited=False)
    return wrap(app.wsgi_app)


def in_a_dispatcher(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Flask behind Werkzeug's dispatcher, guarded inside."""
    from werkzeug.exceptions import NotFound
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    inner = in_flask(wrap, ran, mount)
    return DispatcherMiddleware(NotFound(), {"/public": inner, "/a/b": inner, "/api": inner})


def in_falcon_wsgi(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Falcon over WSGI."""
    import falcon

    class Resource:
        def __init__(self, name: str) -> None:
            self.name = name

        def on_get(self, request: Any, response: Any, **_values: str) -> None:
            ran.append(self.name)

    app = falcon.App()
    for name, pattern in _segments("{rest:path} {name}"):
        app.add_route(pattern, Resource(name))
    return wrap(app)


def in_pyramid(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Pyramid, with routes; and with traversal where no route matches."""
    from pyramid.config import Configurator
    from pyramid.response import Response

    with Configurator() as config:
        for name, pattern in _segments("*rest {name}"):

            def view(request: Any, name: str = name) -> Response:
                ran.append(name)
                return Response(name)

            config.add_route(name, pattern)
            config.add_view(view, route_name=name)
    return wrap(config.make_wsgi_app())


class Branch(dict[str, "Branch"]):
    """A resource of Pyramid's traversal, which holds one of every name."""

    def __init__(self, first: str = "") -> None:
        super().__init__()
        self.first = first

    def __getitem__(self, name: str) -> Branch:
        return Branch(self.first or name)


def in_traversal(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Pyramid's traversal, whose root a client moves by X-Vhm-Root."""
    from pyramid.config import Configurator
    from pyramid.response import Response

    def view(context: Branch, request: Any) -> Response:
        ran.append({"": "root", "admin": "admin", "public": "public"}.get(context.first, "private"))
        return Response("x")

    with Configurator(root_factory=lambda request: Branch()) as config:
        config.add_view(view)
    return wrap(config.make_wsgi_app())


def plain_wsgi(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """An application that routes by PATH_INFO, by hand."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        name = plain_handler(environ["PATH_INFO"] or "/")
        if name is not None:
            ran.append(name)
        start_response("200 OK" if name else "404 Not Found", [])
        return []

    return wrap(app)


WSGI_ROUTERS: dict[str, Callable[[Wrap, list[str], str], Any]] = {
    "flask": in_flask,
    "dispatcher": in_a_dispatcher,
    "falcon wsgi": in_falcon_wsgi,
    "pyramid": in_pyramid,
    "traversal": in_traversal,
    "plain wsgi": plain_wsgi,
}


# Django, in a process of its own.


def _django(ran: list[str]) -> None:
    from django.conf import settings

    if settings.configured:
        return
    import django
    from django.http import HttpResponse
    from django.urls import re_path

    urls = ModuleType("mounts_urls")
    patterns = []
    for name, pattern in _segments("(.+) ([^/]+)"):

        def view(request: Any, *_values: str, name: str = name) -> HttpResponse:
            ran.append(name)
            return HttpResponse(name)

        patterns.append(re_path(f"^{pattern[1:]}$", view))
    urls.urlpatterns = patterns  # type: ignore[attr-defined]  # what Django looks for
    sys.modules["mounts_urls"] = urls
    settings.configure(
        SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="mounts_urls", MIDDLEWARE=[], INSTALLED_APPS=[], LOGGING_CONFIG=None
    )
    django.setup()


def in_django(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Django over ASGI."""
    return in_django_with_script_name(wrap, ran, "")


def in_django_with_script_name(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Django over ASGI, with FORCE_SCRIPT_NAME."""
    _django(ran)
    from django.conf import settings
    from django.core.asgi import get_asgi_application

    settings.FORCE_SCRIPT_NAME = mount or None
    return wrap(get_asgi_application())


def in_django_wsgi(wrap: Wrap, ran: list[str], mount: str) -> Any:
    """Django over WSGI, with FORCE_SCRIPT_NAME."""
    _django(ran)
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    settings.FORCE_SCRIPT_NAME = mount or None
    return wrap(get_wsgi_application())


DJANGO_ROUTERS: dict[str, Callable[[Wrap, list[str], str], Any]] = {
    "django": in_django,
    "django script_name": in_django_with_script_name,
    "django wsgi": in_django_wsgi,
}
EVERY = ASGI_ROUTERS | BRIDGES | WSGI_ROUTERS | DJANGO_ROUTERS
OVER_WSGI = {*WSGI_ROUTERS, "django wsgi"}


class Fuzz:
    """Runs cases, and keeps the applications that were made for them.

    Args:
        seed: of the cases.
        routers: keys of `EVERY`.
    """

    def __init__(self, seed: object, routers: list[str]) -> None:
        self._rng = Random(str(seed))
        self._routers = routers
        self._guard = make_guard()
        self._ran: list[str] = []
        self._apps: dict[tuple[str, str, str | None], Any] = {}
        self.served = 0  # requests that reached a handler

    async def run(self, tries: int) -> list[str]:
        """Return what went wrong, a line each."""
        wrong: list[str] = []
        for _ in range(tries):
            case = random_case(self._rng, self._rng.choice(self._routers))
            self._ran.clear()
            await self.serve(case)
            self.served += bool(self._ran)
            wrong += [f"{name} ran for {case}" for name in self._ran if HANDLERS[name][1] > CALLERS[case.caller]]
        return wrong

    async def serve(self, case: Case) -> None:
        """Send one request."""
        # These set a mount by themselves, some for the whole process, so they are made anew each time.
        own = case.router in {"fastapi root_path", *DJANGO_ROUTERS}
        key = case.router, case.mount if own else "", case.pin
        if own or key not in self._apps:
            make = asgi.GuardMiddleware if case.router not in OVER_WSGI else wsgi.GuardMiddleware
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # frameworks deprecate what is asked here
                    self._apps[key] = EVERY[case.router](lambda app: make(app, self._guard, mount=case.pin), self._ran, case.mount)
            except ConfigurationError:
                assert own
                assert case.pin not in {None, case.mount}
                return
        await (_by_wsgi if case.router in OVER_WSGI else _by_asgi)(self._apps[key], case)


@contextmanager
def _daphne_loaded(case: Case) -> Iterator[None]:
    """Have a module of daphne's name, as its process has."""
    if case.server != "daphne":
        yield
        return
    sys.modules["daphne.server"] = ModuleType("daphne.server")
    try:
        yield
    finally:
        del sys.modules["daphne.server"]


async def _by_asgi(app: Any, case: Case) -> None:
    path, raw, root = asgi_path(case)
    headers = [(b"host", b"localhost")] + ([(b"authorization", case.caller.encode())] if case.caller else [])
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "root_path": root,
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "extensions": {},
    }
    if raw is not None:
        scope["raw_path"] = raw
    messages = [{"type": "http.request", "body": b"", "more_body": False}]
    over = asyncio.Event()

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            over.set()

    with _daphne_loaded(case):
        await app(scope, receive, send)


async def _by_wsgi(app: Any, case: Case) -> None:
    handed = wsgi_path(case)
    if handed is None:
        return
    script_name, path_info, told = handed
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": script_name.encode().decode("latin-1"),
        "PATH_INFO": path_info.encode().decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if told:
        environ["REQUEST_URI"] = quote(case.path)
    if case.caller:
        environ["HTTP_AUTHORIZATION"] = case.caller
    if case.router == "traversal" and case.field:
        environ["HTTP_X_VHM_ROOT"] = case.field.encode().decode("latin-1")
    response = app(environ, lambda *_: lambda _: None)
    for _ in response:
        pass
    close = getattr(response, "close", None)
    if close is not None:
        close()


def main(seed: str, tries: str, *routers: str) -> None:
    """Run the fuzz, and print what went wrong."""
    fuzz = Fuzz(seed, [*routers])
    wrong = asyncio.run(fuzz.run(int(tries)))
    for line in wrong[:5]:
        print(line)  # noqa: T201 - the test that started this reads it
    print(f"{fuzz.served} served, {len(wrong)} wrong")  # noqa: T201 - as above


if __name__ == "__main__":
    main(*sys.argv[1:])
