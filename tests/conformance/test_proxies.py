"""Behind trusted proxies the guard and the application see one client, by every adapter; fields that nobody vouches for reach neither."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from aiohttp import web
from django.http import HttpRequest, JsonResponse
from django.urls import path as route
from flask import Flask
from flask import request as flask_request
from litestar import Litestar
from litestar import Request as LitestarRequest
from litestar import get as litestar_get
from quart import Quart
from quart import request as quart_request
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.support.by_aiohttp import Wire, exchanged, octets, parsed
from tests.support.drive import ADAPTERS, Answer
from tests.support.frameworks import ask_asgi, ask_wsgi
from tests.support.wire import Request, bearer, wsgi_environ
from watchword import AuthEvent, Bearer, Credentials, Guard, Principal, RequestView, Scheme, TrustedProxies, network
from watchword.adapters.aiohttp import guard_middleware
from watchword.adapters.asgi import GuardMiddleware as ASGIGuard
from watchword.adapters.flask import Watchword as FlaskGuard
from watchword.adapters.litestar import GuardPlugin
from watchword.adapters.quart import Watchword as QuartGuard
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuard
from watchword.checkers import Tokens, nonblocking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.support.drive import Behind
    from watchword.grammar import Challenge
    from watchword.peer import Peer

PROXY, CLIENT, STRANGER = "10.0.0.1", "198.51.100.9", "203.0.113.1"
KEPT = {"x-forwarded-for", "x-forwarded-proto"}
FORGED = (("Forwarded", f"for={STRANGER}"), ("X-Real-IP", STRANGER), ("CF-Connecting-IP", STRANGER), ("X-Forwarded-Prefix", "/admin"))
FORWARDED = (("X-Forwarded-For", f"{STRANGER}, {CLIENT}"), ("X-Forwarded-Proto", "https"))


def guard(**facts: Any) -> Guard:
    """Return a guard whose rule looks at the address of the client."""
    return Guard(
        Bearer(Tokens({"t": Principal("ann")})),
        rules={"/near": network(f"{CLIENT}/32"), "/inside": network("10.0.0.0/8")},
        proxies=TrustedProxies(["10.0.0.0/8"]),
        **facts,
    )


def facts(client: str | None, scheme: str, names: Iterable[str]) -> dict[str, Any]:
    """Return what an application has seen."""
    return {"client": client, "scheme": scheme, "fields": sorted(name for name in map(str.lower, names) if name[:1] in "cfx")}


def by_asgi(decides: Guard) -> Callable[[Request], Answer]:
    """Return what asks an application that tells what it sees."""

    async def show(request: Any) -> JSONResponse:
        return JSONResponse(facts(request.client.host if request.client else None, request.url.scheme, request.headers))

    app = ASGIGuard(Starlette(routes=[Route("/{path:path}", show)]), decides)
    return lambda request: anyio.run(ask_asgi, app, request)


def by_wsgi(decides: Guard) -> Callable[[Request], Answer]:
    """Return what asks an application that tells what it sees."""

    def show(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        names = [name[5:].replace("_", "-") for name in environ if name.startswith("HTTP_")]
        return [json.dumps(facts(environ["REMOTE_ADDR"] or None, environ["wsgi.url_scheme"], names)).encode()]

    app = WSGIGuard(show, decides)
    return lambda request: ask_wsgi(app, request)


def by_flask(decides: Guard) -> Callable[[Request], Answer]:
    """Return what asks an application that tells what it sees."""
    app = Flask(__name__)
    FlaskGuard(app, decides)

    @app.route("/<path:path>")
    def show(path: str) -> dict[str, Any]:
        return facts(flask_request.remote_addr or None, flask_request.scheme, [name for name, _ in flask_request.headers])

    return lambda request: ask_wsgi(app, request)


def by_quart(decides: Guard) -> Callable[[Request], Answer]:
    """Return what asks an application that tells what it sees."""
    app = Quart(__name__)
    QuartGuard(app, decides)

    @app.route("/<path:path>")
    async def show(path: str) -> dict[str, Any]:
        found = quart_request.remote_addr
        return facts(None if found == "<local>" else found, quart_request.scheme, [name for name, _ in quart_request.headers])

    return lambda request: anyio.run(ask_asgi, app, request)


def by_litestar(decides: Guard) -> Callable[[Request], Answer]:
    """Return what asks an application that tells what it sees."""

    @litestar_get("/{path:path}")
    async def show(request: LitestarRequest[Any, Any, Any]) -> dict[str, Any]:
        return facts(request.client.host if request.client else None, request.url.scheme, request.headers)

    app = Litestar([show], plugins=[GuardPlugin(decides)], logging_config=None)
    return lambda request: anyio.run(ask_asgi, app, request)


def by_aiohttp(decides: Guard) -> Callable[[Request], Answer]:
    """Return what asks an application that tells what it sees."""

    async def show(request: web.Request) -> web.Response:
        return web.json_response(facts(request.remote, request.scheme, request.headers))

    async def ask(request: Request) -> Answer:
        app = web.Application(middlewares=[guard_middleware(decides)])
        app.router.add_get("/{path:.*}", show)
        wire = await exchanged(app, octets(request), Wire(request.client))
        return parsed(bytes(wire.written), head=False)

    return lambda request: anyio.run(ask, request)


def show_in_django(request: HttpRequest, path: str) -> JsonResponse:
    """Tell what Django has seen."""
    names = [name for name in request.headers if name.lower() != "cookie"]
    return JsonResponse(facts(request.META["REMOTE_ADDR"] or None, request.scheme or "", names))


def by_django(decides: Guard, *, interface: str) -> Callable[[Request], Answer]:
    """Return the same; the guard stands in the settings."""
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler

    from tests.support.frameworks.django_project import project

    def ask(request: Request) -> Answer:
        with project(decides, {}) as _:
            from django.conf import settings

            settings.ROOT_URLCONF.urlpatterns = [route("<path:path>", show_in_django)]
            return ask_wsgi(WSGIHandler(), request) if interface == "wsgi" else anyio.run(ask_asgi, ASGIHandler(), request)

    return ask


WAYS: dict[str, Callable[[Guard], Callable[[Request], Answer]]] = {
    "asgi": by_asgi,
    "wsgi": by_wsgi,
    "flask": by_flask,
    "quart": by_quart,
    "litestar": by_litestar,
    "aiohttp": by_aiohttp,
    "django_wsgi": lambda decides: by_django(decides, interface="wsgi"),
    "django_asgi": lambda decides: by_django(decides, interface="asgi"),
}


@pytest.mark.parametrize("way", WAYS)
def test_R9700_4_13_1_the_application_sees_the_client(way: str) -> None:
    """Its address and its scheme, and the fields of the proxy alone."""
    ask = WAYS[way](guard())
    answer = ask(Request(target="/near", client=PROXY, headers=(bearer("t"), *FORWARDED, *FORGED)))
    assert (answer.status, json.loads(answer.body)) == (200, facts(CLIENT, "https", KEPT))


@pytest.mark.parametrize("way", WAYS)
def test_R9700_4_13_1_nobody_else_states_anything(way: str) -> None:
    """All such fields of a peer that is not listed are taken out."""
    ask = WAYS[way](guard())
    sent = (bearer("t"), ("X-Forwarded-For", "10.0.0.7"), ("X-Forwarded-Host", "inner"), *FORWARDED[1:], *FORGED)
    answer = ask(Request(target="/elsewhere", client=STRANGER, headers=sent))
    assert (answer.status, json.loads(answer.body)) == (200, facts(STRANGER, "http", ()))
    assert ask(Request(target="/inside", client=STRANGER, headers=sent)).status == 403


@pytest.mark.parametrize("way", WAYS)
def test_a_proxy_that_states_nothing_brings_an_unknown_client(way: str) -> None:
    """It lies in no network, least of all in that of the proxy (threat H5)."""
    ask = WAYS[way](guard())
    answer = ask(Request(target="/elsewhere", client=PROXY, headers=(bearer("t"),)))
    assert (answer.status, json.loads(answer.body)) == (200, facts(None, "http", ()))
    assert ask(Request(target="/inside", client=PROXY, headers=(bearer("t"),))).status == 403


@pytest.mark.parametrize("way", WAYS)
def test_aliases_are_refused(way: str) -> None:
    """A gateway further in may read `X.Forwarded.For` as the field, and WSGI servers read `X_Forwarded_For` so (threat H2)."""
    ask = WAYS[way](guard())
    for name in ("X.Forwarded.For", "X.Real.Ip", "True.Client.IP"):
        answer = ask(Request(target="/elsewhere", client=PROXY, headers=(bearer("t"), *FORWARDED, (name, STRANGER))))
        assert (answer.status, "header_alias" in answer.body.decode()) == (400, True), name


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_the_fast_path_sees_the_client_too(driver: Behind) -> None:
    """Repeated requests by two clients: the events name each, and forged fields never reach the application."""
    events: list[AuthEvent] = []
    decides = guard(on_event=events.append)
    ask = driver(decides)
    for number in range(6):
        client = CLIENT if number % 2 else STRANGER
        answer = ask(Request(target="/x", client=PROXY, headers=(bearer("t"), ("X-Forwarded-For", client), *FORGED)))
        assert answer.seen is not None
        assert [name for name, _ in answer.seen.headers if name[:1] in "cfx"] == ["x-forwarded-for"]
    assert decides.fast_path.in_use
    assert [event.client for event in events] == [STRANGER, CLIENT] * 3
    assert [event.cached for event in events] == [False] + [True] * 5
    answer = ask(Request(target="/x", client=STRANGER, headers=(bearer("t"), ("X-Forwarded-For", CLIENT))))
    assert answer.seen is not None
    assert not answer.seen.carries("x-forwarded-for")
    assert events[-1].client == STRANGER


class Witness(Scheme[Credentials]):
    """A scheme that looks at the facts about the connection, and finds no credentials."""

    name = "Witness"
    credentials = Credentials
    fields = ()

    def __init__(self, seen: list[Peer | None]) -> None:
        super().__init__(nonblocking(lambda credentials: None))
        self._seen = seen

    def extract(self, view: RequestView) -> None:
        """Note them."""
        self._seen.append(view.peer)

    def challenges(self, params: Any = None) -> tuple[Challenge, ...]:
        """Return none."""
        return ()


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_R9440_2_2_1_a_malformed_certificate_is_a_400(driver: Behind) -> None:
    """Wherever it comes from a proxy that is believed; from others it is left out (RFC 9440 §2.2, §4)."""
    decides = Guard(Bearer(Tokens({"t": Principal("ann")})), proxies=TrustedProxies(["10.0.0.0/8"], client_cert=True))
    ask = driver(decides)
    for value, status in (("PEM", 400), (":MAMCAQU=:, :MAMCAQU=:", 400), (":MAMCAQU=:", 200)):
        answer = ask(Request(client=PROXY, headers=(bearer("t"), ("X-Forwarded-For", CLIENT), ("Client-Cert", value))))
        assert answer.status == status, value


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_R9440_2_4_1_nobody_else_states_a_certificate(driver: Behind) -> None:
    """Neither a peer that is not listed, nor a proxy of which none was expected; the application gets none in any case."""
    for asked, client in ((True, STRANGER), (False, PROXY), (True, PROXY)):
        seen: list[Peer | None] = []
        scheme = Witness(seen)
        decides = Guard(scheme, Bearer(Tokens({"t": Principal("ann")})), proxies=TrustedProxies(["10.0.0.0/8"], client_cert=asked))
        fields = (bearer("t"), ("X-Forwarded-For", CLIENT), ("Client-Cert", ":MAMCAQU=:"))
        answer = driver(decides)(Request(client=client, headers=fields))
        assert answer.seen is not None
        assert not answer.seen.carries("client-cert")
        certificates = [peer and peer.certificate for peer in seen]
        assert certificates == [b"0\x03\x02\x01\x05" if asked and client == PROXY else None]


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_sockets_have_the_scheme_of_sockets(driver: Behind) -> None:
    """A handshake that came by TLS to the proxy is one of `wss`."""
    if driver is ADAPTERS["wsgi"]:
        return
    answer = driver(guard())(Request(target="/x", client=PROXY, kind="websocket", headers=(bearer("t"), *FORWARDED)))
    assert answer.seen is not None
    assert (answer.status, answer.seen.scheme) == (101, "wss")


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_two_guards_with_other_proxies_see_one_client(driver: Behind) -> None:
    """The inner one gets the facts of the outer one, and finds no proxy there."""
    outer = guard()
    inner = Guard(
        Bearer(Tokens({"t": Principal("ann")})), rules={"/near": network(f"{CLIENT}/32")}, proxies=TrustedProxies(["192.0.2.0/24"])
    )
    ask = driver(outer, app=driver(inner).middleware)
    assert ask(Request(target="/near", client=PROXY, headers=(bearer("t"), *FORWARDED))).status == 200
    assert ask(Request(target="/near", client="192.0.2.1", headers=(bearer("t"), *FORWARDED))).status == 403


def test_an_environ_that_is_used_again_is_resolved_again() -> None:
    """A server may keep its environ for the next request, which comes from another peer or states something else (threat H4)."""
    seen: list[tuple[str, str | None]] = []

    def show(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append((environ["REMOTE_ADDR"], environ.get("HTTP_X_FORWARDED_FOR")))
        start_response("200 OK", [])
        return []

    app, environ = WSGIGuard(show, guard()), wsgi_environ(Request(target="/x", client=PROXY, headers=(bearer("t"),)))
    for peer, said, client, kept in (
        (PROXY, CLIENT, CLIENT, CLIENT),
        (PROXY, STRANGER, STRANGER, STRANGER),
        (PROXY, None, "", None),
        (STRANGER, CLIENT, STRANGER, None),
        (STRANGER, "10.0.0.7", STRANGER, None),
        (PROXY, PROXY, PROXY, PROXY),
        (PROXY, None, "", None),
    ):
        environ["REMOTE_ADDR"] = peer
        environ.pop("HTTP_X_FORWARDED_FOR", None)
        if said is not None:
            environ["HTTP_X_FORWARDED_FOR"] = said
        b"".join(app(environ, lambda *args: lambda octets: None))
        assert seen.pop() == (client, kept)
