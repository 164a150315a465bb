"""Applications with handlers that answer every method, and the CORS layers of frameworks, inside a guard and outside.

Run as a program, `python -m tests.support.cors`, for Django, whose settings hold for a whole process: it prints what went wrong.
"""

from __future__ import annotations

import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tests.support.drive import Answer, ByASGI, ByWSGI, Request
from watchword import Bearer, Guard, Principal, public, role
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = "https://app.example"
PREFLIGHT = (("Origin", ORIGIN), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "authorization"))
SECRET = "SECRET"


def make_guard(**settings: Any) -> Guard:
    """Return a guard with one guarded part."""
    tokens = Tokens({"1507c3e3741a493046f48cbb9c41815a": Principal("ann", roles={"admin"})})
    return Guard(Bearer(tokens), rules={"/public/**": public, "/api/admin/**": role("admin")}, **settings)


def preflight(guard: Guard, app: Any, by: Any, *, target: str = "/api/admin/report", origin: str = ORIGIN) -> Answer:
    """Send a preflight for the guarded handler."""
    driver: Callable[[Request], Answer] = by(guard, app=app)
    return driver(Request(method="OPTIONS", target=target, headers=(("Origin", origin), *PREFLIGHT[1:])))


# Handlers: each appends to `ran` whatever the method is.


def in_plain_asgi(ran: list[str]) -> Any:
    """A plain ASGI callable that serves one path."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found = scope["path"] == "/api/admin/report"
        if found:
            ran.append(scope["method"])
        await send({"type": "http.response.start", "status": 200 if found else 404, "headers": []})
        await send({"type": "http.response.body", "body": SECRET.encode() if found else b""})

    return app


def in_plain_wsgi(ran: list[str]) -> Any:
    """A plain WSGI callable that serves one path."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        found = environ["PATH_INFO"] == "/api/admin/report"
        if found:
            ran.append(environ["REQUEST_METHOD"])
        start_response("200 OK" if found else "404 Not Found", [])
        return [SECRET.encode()] if found else []

    return app


def in_pyramid(ran: list[str]) -> Any:
    """Pyramid, whose views answer every method."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports what Python deprecates
        from pyramid.config import Configurator
        from pyramid.response import Response

    config = Configurator()
    config.add_route("report", "/api/admin/report")

    def view(request: Any) -> Any:
        ran.append(request.method)
        return Response(SECRET)

    config.add_view(view, route_name="report")
    return config.make_wsgi_app()


def in_flask(ran: list[str]) -> Any:
    """Flask, with a view that is asked for OPTIONS as well."""
    from flask import Flask, request

    app = Flask("cors")

    def view() -> str:
        ran.append(request.method)
        return SECRET

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    app.add_url_rule("/api/admin/report", "report", view, methods=methods, provide_automatic_options=False)
    return app.wsgi_app


def in_starlette(ran: list[str]) -> Any:
    """Starlette, with a route for every method."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def view(request: Any) -> PlainTextResponse:
        ran.append(request.method)
        return PlainTextResponse(SECRET)

    return Starlette(routes=[Route("/api/admin/report", view, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])])


def in_litestar(ran: list[str]) -> Any:
    """Litestar, with a handler for OPTIONS."""
    from litestar import Litestar, route

    @route("/api/admin/report", http_method=["GET", "POST", "OPTIONS"], sync_to_thread=False, status_code=200)
    def view() -> str:
        ran.append("litestar")
        return SECRET

    return Litestar([view], openapi_config=None, logging_config=None)


HANDLERS: dict[str, tuple[Any, Callable[[list[str]], Any]]] = {
    "plain asgi": (ByASGI, in_plain_asgi),
    "plain wsgi": (ByWSGI, in_plain_wsgi),
    "pyramid": (ByWSGI, in_pyramid),
    "flask": (ByWSGI, in_flask),
    "starlette": (ByASGI, in_starlette),
    "litestar": (ByASGI, in_litestar),
}

# Fields that the package reads, that frameworks and gateways read, and that nothing reads.
FIELDS = [
    *PREFLIGHT,
    ("Access-Control-Request-Private-Network", "true"),
    ("X-HTTP-Method-Override", "GET"),
    ("X-HTTP-Method", "GET"),
    ("X-Method-Override", "GET"),
    ("X-Original-URL", "/public/x"),
    ("X-Rewrite-URL", "/public/x"),
    ("X-Forwarded-Uri", "/public/x"),
    ("X-Forwarded-Method", "OPTIONS"),
    ("X-Forwarded-Prefix", "/public"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Middleware-Subrequest", "middleware"),
    ("Remote-User", "ann"),
    ("X-Forwarded-User", "ann"),
    ("X-Watchword-Guard", "off"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Site", "same-origin"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Upgrade", "websocket"),
    ("Expect", "100-continue"),
    ("Accept", "text/html"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Cookie", "session=1"),
    ("X-Request-Id", "1"),
    ("X-Anything", "1"),
]
METHODS = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "QUERY", "JEFF", "options"]


def opened(by: Any, app: Any, ran: list[str], **settings: Any) -> list[str]:
    """Return each method with each field beside the fields of a preflight that ran a guarded handler, or was not refused."""
    driver = by(make_guard(**settings), app=app)
    wrong = []
    for method in METHODS:
        for name, value in FIELDS:
            fields = ((name, value), *(field for field in PREFLIGHT if field[0] != name))
            answer = driver(Request(method=method, target="/api/admin/report", headers=fields))
            if ran or answer.status not in {400, 401} or SECRET.encode() in answer.body:
                wrong.append(f"{method} with {name}: {answer.status}, ran {ran}")
                ran.clear()
    return wrong


def _django(ran: list[str]) -> None:
    import django
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import path

    def view(request: Any) -> HttpResponse:
        ran.append(request.method)
        return HttpResponse(SECRET)

    urls = ModuleType("cors_urls")
    urls.urlpatterns = [path("api/admin/report", view), path("other/report", view)]  # type: ignore[attr-defined]  # what Django looks for
    sys.modules["cors_urls"] = urls
    settings.configure(
        SECRET_KEY="x",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="cors_urls",
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware"],
        INSTALLED_APPS=["corsheaders"],
        CORS_ALLOWED_ORIGINS=[ORIGIN],
        CORS_URLS_REGEX=r"^/api/.*$",
        LOGGING_CONFIG=None,
    )
    django.setup()


def check_django() -> list[str]:
    """Return what went wrong with django-cors-headers inside, over ASGI and WSGI, and with views without it."""
    ran: list[str] = []
    _django(ran)
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application

    wrong = []
    for by, make in ((ByASGI, get_asgi_application), (ByWSGI, get_wsgi_application)):
        # As a middleware of Django's it cannot stand outside; without the setting the refusal stands.
        expected = {
            (False, "/api/admin/report", ORIGIN): 401,
            (True, "/api/admin/report", ORIGIN): 200,
            (True, "/api/admin/none", ORIGIN): 200,
            (True, "/other/report", ORIGIN): 401,
        }
        for (inside, target, origin), status in expected.items():
            answer = preflight(make_guard(cors_inside=inside), make(), by, target=target, origin=origin)
            allowed = answer.one("access-control-allow-origin")
            if (answer.status, allowed == ORIGIN) != (status, status == 200) or ran:
                wrong.append(f"{by.__name__} {inside} {target} {origin}: {answer.status}, {allowed}, ran {ran}")
        settings.MIDDLEWARE = []
        wrong += opened(by, make(), ran) + opened(by, make(), ran, cors_inside=True)
        settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware"]
    return wrong


if __name__ == "__main__":
    sys.exit("\n".join(check_django()) or 0)
