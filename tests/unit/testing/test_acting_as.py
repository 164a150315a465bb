"""A test acts as a caller, through every client, and nothing but a test does."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from contextvars import Context
from itertools import product
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias
from urllib.error import HTTPError
from urllib.request import urlopen
from wsgiref.simple_server import WSGIRequestHandler, make_server

import anyio
import httpx
import litestar
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient as AiohttpClient
from aiohttp.test_utils import TestServer
from django.http import HttpResponse
from django.test import AsyncClient, RequestFactory, override_settings
from django.test import Client as DjangoClient
from django.urls import path as url
from fastapi import FastAPI
from flask import Flask
from litestar.testing import TestClient as LitestarClient
from quart import Quart
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from werkzeug.test import Client

from tests.support import django_settings, people
from tests.support.core import Recorder
from tests.support.each import each, noting
from tests.support.people import EVE, NOW, ZOE, orders_guard
from tests.support.people import RULES as RULES_OF_PEOPLE
from watchword import (
    ANONYMOUS,
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    ConfigurationError,
    Evidence,
    Granted,
    Guard,
    Principal,
    RequestView,
    authenticated,
    fresh,
    network,
    optional,
    public,
    role,
    scope,
    via,
)
from watchword.adapters import aiohttp, asgi, django, fastapi, flask, quart, starlette, wsgi
from watchword.adapters import litestar as of_litestar
from watchword.checkers import Tokens, nonblocking
from watchword.guard.deciding import Deciding
from watchword.testing import FixedClock, acting_as, basic_auth, bearer
from watchword.testing.standing_in import _BLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword import AuthEvent, Verdict

    Get: TypeAlias = Callable[[str], tuple[int, str]]

ANN = Principal("ann", scopes={"orders:read"})
BOB = Principal("bob", roles={"admin"})
TOKENS = Tokens({"ann-token": ANN, "bob-token": BOB})
RULES = {"/healthz": public, "/": optional, "/orders": scope("orders:read"), "/admin": role("admin")}


@pytest.fixture
def guard() -> Guard:
    """Return a guard that knows ann and bob by their tokens."""
    return Guard(Bearer(TOKENS), rules=RULES)


def ask(guard: Guard, path: str = "/me", *headers: tuple[str, str], **facts: Any) -> str:
    """Return the caller whom the guard lets pass, or the reason why it refuses."""
    decision = guard.decide(RequestView("GET", path, headers, **facts))
    return decision.principal.id if isinstance(decision, Granted) else str(decision.reason)


@contextmanager
def by_starlette(guard: Guard) -> Iterator[Get]:
    """The client of Starlette: the application runs in an event loop of another thread."""

    async def view(request: Any) -> PlainTextResponse:
        return PlainTextResponse(request.user.id)

    @starlette.requires(role("auditor"))
    async def report(request: Any) -> PlainTextResponse:
        return PlainTextResponse(request.user.id)

    app = Starlette(routes=[Route("/report", report), *(Route(path, view) for path in ("/orders", "/admin", "/me"))])
    app.add_middleware(asgi.GuardMiddleware, guard=guard)
    with TestClient(app) as client:
        yield lambda path: (client.get(path).status_code, client.get(path).text)


@contextmanager
def by_fastapi(guard: Guard) -> Iterator[Get]:
    """The same client, without a block of its own, and dependencies."""
    app = FastAPI()

    def view(who: fastapi.CurrentPrincipal) -> str:
        return who.id

    def report(who: Annotated[Principal, fastapi.Requires(role("auditor"))]) -> str:
        return who.id

    for path in ("/orders", "/admin", "/me"):
        app.get(path)(view)
    app.get("/report")(report)
    app.add_middleware(asgi.GuardMiddleware, guard=guard)
    client = TestClient(app)
    yield lambda path: (client.get(path).status_code, client.get(path).text.strip('"'))


@contextmanager
def by_httpx(guard: Guard, backend: str) -> Iterator[Get]:
    """The async client of httpx, in a loop of this thread."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(scope["user"].id)(scope, receive, send)

    async def get(path: str) -> tuple[int, str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi.GuardMiddleware(app, guard)), base_url="http://test") as client:
            answer = await client.get(path)
            return answer.status_code, answer.text

    yield lambda path: anyio.run(get, path, backend=backend)


def flask_app(guard: Guard) -> Flask:
    """Return an application of Flask with the extension."""
    app = Flask(__name__)
    flask.Watchword(app, guard)

    def view() -> str:
        return flask.current_principal.id

    for path in ("/orders", "/admin", "/me"):
        app.add_url_rule(path, path, view)
    app.add_url_rule("/report", "report", flask.requires(role("auditor"))(lambda: view()))  # noqa: PLW0108 - a function of its own
    return app


@contextmanager
def by_flask(guard: Guard) -> Iterator[Get]:
    """The client of Flask."""
    client = flask_app(guard).test_client()
    yield lambda path: (client.get(path).status_code, client.get(path).text)


@contextmanager
def by_werkzeug(guard: Guard) -> Iterator[Get]:
    """The client of werkzeug, and the middleware."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["watchword.principal"].id.encode()]

    client = Client(wsgi.GuardMiddleware(app, guard))
    yield lambda path: (client.get(path).status_code, client.get(path).text)


@contextmanager
def by_httpx_wsgi(guard: Guard) -> Iterator[Get]:
    """The sync client of httpx."""
    with httpx.Client(transport=httpx.WSGITransport(flask_app(guard)), base_url="http://test") as client:
        yield lambda path: (client.get(path).status_code, client.get(path).text)


@contextmanager
def by_quart(guard: Guard) -> Iterator[Get]:
    """The client of Quart, whose application runs in tasks of the same loop."""
    app = Quart(__name__)
    quart.Watchword(app, guard)

    async def view() -> str:
        return quart.current_principal.id

    for path in ("/orders", "/admin", "/me"):
        app.add_url_rule(path, path, view)

    @app.get("/report")
    @quart.requires(role("auditor"))
    async def report() -> str:
        return await view()

    async def get(path: str) -> tuple[int, str]:
        answer = await app.test_client().get(path)
        return answer.status_code, await answer.get_data(as_text=True)

    yield lambda path: asyncio.run(get(path))


@contextmanager
def by_litestar(guard: Guard) -> Iterator[Get]:
    """The client of Litestar, behind the middleware."""

    @litestar.get(["/orders", "/admin", "/me"])
    async def view(request: litestar.Request[Any, Any, Any]) -> str:
        return str(request.user.id)

    app = asgi.GuardMiddleware(litestar.Litestar([view]), guard)  # type: ignore[arg-type]
    with LitestarClient(app) as client:  # type: ignore[type-var]
        yield lambda path: (client.get(path).status_code, client.get(path).text)


@contextmanager
def by_litestar_plugin(guard: Guard) -> Iterator[Get]:
    """The client of Litestar, whose application has the plugin."""

    @litestar.get(["/orders", "/admin", "/me"])
    async def view(request: litestar.Request[Any, Any, Any]) -> str:
        return str(request.user.id)

    @litestar.get("/report")
    @of_litestar.requires(role("auditor"))
    async def report(request: litestar.Request[Any, Any, Any]) -> str:
        return str(request.user.id)

    app = litestar.Litestar([view, report], plugins=[of_litestar.GuardPlugin(guard)], openapi_config=None, logging_config=None)
    with LitestarClient(app) as client:
        yield lambda path: (client.get(path).status_code, client.get(path).text)


@contextmanager
def by_drf(guard: Guard) -> Iterator[Get]:
    """The client of Django REST framework."""
    django_settings.configure()
    from rest_framework.response import Response
    from rest_framework.test import APIClient
    from rest_framework.views import APIView

    from watchword.adapters.drf import GuardAuthentication, GuardPermission

    class View(APIView):  # type: ignore[misc]  # it has no types
        authentication_classes = (GuardAuthentication,)
        permission_classes = (GuardPermission,)

        def get(self, request: Any) -> Response:
            return Response(request.auth.id)

    class Report(View):
        permission_classes = (GuardPermission(role("auditor")),)  # type: ignore[assignment]

    def get(path: str) -> tuple[int, str]:
        answer = APIClient().get(path)
        return answer.status_code, answer.content.decode().strip('"')

    urls = [*(url(path, View.as_view()) for path in ("orders", "admin", "me")), url("report", Report.as_view())]
    with django_settings.project(urls, guard):
        yield get


@contextmanager
def by_django(guard: Guard, *, waits: bool) -> Iterator[Get]:
    """The clients of Django."""
    django_settings.configure()

    def view(request: Any) -> HttpResponse:
        return HttpResponse(request.principal.id)

    urls: Any = ModuleType("urls")
    urls.urlpatterns = [url(path, view) for path in ("orders", "admin", "me")]
    urls.urlpatterns += [url("report", django.requires(role("auditor"))(lambda request: view(request)))]  # noqa: PLW0108 - as above

    def get(path: str) -> tuple[int, str]:
        answer = asyncio.run(AsyncClient().get(path)) if waits else DjangoClient().get(path)
        return answer.status_code, answer.content.decode()

    middleware = ["watchword.adapters.django.GuardMiddleware"]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=middleware, WATCHWORD={"GUARD": guard}, ALLOWED_HOSTS=["*"]):
        yield get


CLIENTS: dict[str, Callable[[Guard], Any]] = {
    "Starlette": by_starlette,
    "FastAPI": by_fastapi,
    "httpx, asyncio": lambda guard: by_httpx(guard, "asyncio"),
    "httpx, trio": lambda guard: by_httpx(guard, "trio"),
    "Flask": by_flask,
    "werkzeug": by_werkzeug,
    "httpx, WSGI": by_httpx_wsgi,
    "Quart": by_quart,
    "Litestar": by_litestar,
    "Litestar, plugin": by_litestar_plugin,
    "Django": lambda guard: by_django(guard, waits=False),
    "Django, asyncio": lambda guard: by_django(guard, waits=True),
    "Django REST framework": by_drf,
}
WITH_VIEWS = {*CLIENTS} - {"httpx, asyncio", "httpx, trio", "werkzeug", "Litestar"}


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_acts_and_rules_decide(client: str, guard: Guard) -> None:
    """The application sees the caller; a rule and a view refuse whom they would refuse; after the block the caller is gone."""
    with CLIENTS[client](guard) as get:
        assert get("/me")[0] == 401
        with acting_as(ANN, guard):
            assert get("/me") == get("/orders") == (200, "ann")
            assert get("/admin")[0] == 403
            if client in WITH_VIEWS:
                assert get("/report")[0] == 403
            with acting_as(BOB, guard):
                assert get("/admin") == (200, "bob")
                assert get("/orders")[0] == 403
            assert get("/me") == (200, "ann")
        assert get("/me")[0] == 401


def test_a_websocket_acts_as_long_as_the_block(guard: Guard) -> None:
    """The handshake is decided in the block. What a socket asks after its end is refused."""
    seen = []

    async def echo(websocket: Any) -> None:
        await websocket.accept()
        await websocket.receive_text()
        seen.append(await starlette.refusal_of(websocket.scope, authenticated))
        await websocket.close()

    app = asgi.GuardMiddleware(Starlette(routes=[WebSocketRoute("/me", echo)]), guard, views=True)
    client = TestClient(app)
    with acting_as(ANN, guard), client.websocket_connect("/me") as socket:
        socket.send_text("within")
    with acting_as(ANN, guard):
        opened = client.websocket_connect("/me")
        opened.__enter__()
    opened.send_text("after")
    opened.__exit__(None, None, None)
    assert [refusal is None for refusal in seen] == [True, False]
    with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/me"):
        pass


def test_a_flask_context_acts_without_a_request(guard: Guard) -> None:
    """`current_principal` is the caller in `test_request_context`."""
    app = flask_app(guard)
    with acting_as(ANN, guard), app.test_request_context("/me"):
        assert flask.current_principal.id == "ann"
    with app.test_request_context("/me"):
        assert flask.current_principal.id == ""


def test_a_django_request_without_a_client_acts(guard: Guard) -> None:
    """The middleware around a view, for a request of `RequestFactory`."""
    with by_django(guard, waits=False):
        middleware = django.GuardMiddleware(lambda request: HttpResponse(request.principal.id))
        with acting_as(ANN, guard):
            assert middleware(RequestFactory().get("/me")).content == b"ann"
            assert middleware(RequestFactory().get("/admin")).status_code == 403
        assert middleware(RequestFactory().get("/me")).status_code == 401


# What is evaluated as ever.


@each(
    ("principal", "requirement", "facts", "expected"),
    [
        (ANN, via("Bearer"), {}, "ann"),
        (ANN, via("Basic"), {}, "missing_credentials"),
        (Principal("ann", evidence=Evidence("basic")), via("Basic"), {}, "ann"),
        (ANN, fresh(60), {}, "step_up_required"),
        (Principal("ann", evidence=Evidence(auth_time=NOW - 59)), fresh(60), {}, "ann"),
        (ANN, network("10.0.0.0/8") & authenticated, {"client": "192.0.2.7"}, "network_denied"),
        (ANN, network("10.0.0.0/8") & authenticated, {"client": "10.0.0.7"}, "ann"),
        (Principal("ann", evidence=Evidence(networks=("10.0.0.0/8",))), authenticated, {"client": "192.0.2.7"}, "network_denied"),
        (Principal("ann", evidence=Evidence(expires_at=NOW)), authenticated, {}, "expired"),
        (Principal("ann", evidence=Evidence(expires_at=NOW + 1)), authenticated, {}, "ann"),
        (ANN, public, {}, ""),
        (ANN, optional, {}, "ann"),
        (ANONYMOUS, optional, {}, ""),
        (ANONYMOUS, authenticated, {}, "missing_credentials"),
        (ANN, role("root").hidden(), {}, "missing_role"),
    ],
)
def test_only_the_credentials_are_replaced(principal: Principal, requirement: Any, facts: dict[str, Any], expected: str) -> None:
    """Schemes, the age and the end of a login, networks and every rule decide by the evidence that the test gives."""
    guard = Guard(Bearer(TOKENS), Basic(Recorder(None), realm="x"), default=requirement, clock=FixedClock(NOW), order=["Bearer"])
    with acting_as(principal, guard):
        assert ask(guard, "/x", **facts) == expected


@pytest.mark.parametrize(
    ("scheme", "headers", "expected"),
    [
        ("Basic", {}, 200),
        ("Basic", {"Origin": "https://evil.example", "Host": "here"}, 403),
        ("Basic", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("Basic", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("Bearer", {"Origin": "https://evil.example", "Host": "here"}, 200),
        ("ApiKey", {}, 403),
        ("ApiKey", {"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_the_cross_site_test_decides(scheme: str, headers: dict[str, str], expected: int) -> None:
    """As for credentials that a browser sends by itself, where the scheme has such: Basic, and cookies, which fail without a field."""
    guard = Guard(Basic(Recorder(None), realm="x"), Bearer(TOKENS), APIKey(TOKENS, cookie="key"))
    view = RequestView("POST", "/", headers)
    with acting_as(Principal("ann", evidence=Evidence(scheme)), guard):
        decision = guard.decide(view)
    assert (200 if decision.granted else guard.refuse(decision, view).status) == expected


@pytest.mark.parametrize("who", [EVE, ZOE, people.ANN, people.BOB], ids=lambda who: who.id)
def test_the_decision_is_that_of_real_credentials(who: Principal) -> None:
    """By every rule, from every place: the same kind, reason, challenges, principal and advice to caches as for a token of the caller."""
    real = orders_guard(order=["Bearer"], rules={**RULES_OF_PEOPLE, "/both": (via("Basic") & role("root")).hidden()})
    with acting_as(who, real):
        for path in (*(path.rpartition(" ")[2] for path in RULES_OF_PEOPLE), "/both", "/unknown"):
            for method, client, site in product(("GET", "POST", "OPTIONS"), ("10.0.0.7", "192.0.2.7"), ("cross-site", "same-origin")):
                acted = real.decide(RequestView(method, path, [("Sec-Fetch-Site", site)], client))
                shown = RequestView(method, path, [("Sec-Fetch-Site", site), *bearer(f"{who.id}-token").items()], client)
                with noting(method, path, client, site):
                    assert said(acted) == said(Context().run(real.decide, shown))


def said(decision: Any) -> tuple[object, ...]:
    """Return all that a decision says, but for how long it counts."""
    facts = ("reason", "rule", "detail", "principal", "scheme", "challenges", "disclosed", "cache", "headers")
    return type(decision), *(getattr(decision, name, None) for name in facts)


def test_shown_credentials_are_not_looked_at(guard: Guard) -> None:
    """Neither others' nor malformed ones; two fields of them are refused before, as ever."""
    with_cookies = Guard(APIKey(TOKENS, cookie="key"))
    with acting_as(ANN, guard), acting_as(ANN, with_cookies):
        for shown in ("Bearer bob-token", "Bearer wrong", "Bearer", "\xff"):
            assert ask(guard, "/me", ("Authorization", shown)) == "ann"
            assert ask(with_cookies, "/me", ("Authorization", shown), ("Cookie", "key=bob-token")) == "ann"
        assert ask(guard, "/me", ("Authorization", "Bearer a"), ("Authorization", "Bearer b")) == "ambiguous_credentials"


def test_neither_checker_nor_throttle_is_asked() -> None:
    """Both would fail the test."""

    class Forbidden:
        def blocked(self, attempt: object) -> None:
            raise NotImplementedError

        reserve = check = blocked

    guard = Guard(Basic(Forbidden(), realm="x"), throttle=Forbidden())  # type: ignore[arg-type]
    with acting_as(ANN, guard):
        assert ask(guard, "/me", *basic_auth("ann", "x").items()) == "ann"


def test_require_tls_refuses_before_the_caller_counts() -> None:
    """403 over plain http, as in production."""
    guard = Guard(Bearer(TOKENS), require_tls=True)
    with acting_as(ANN, guard):
        assert ask(guard, client="192.0.2.7") == "insecure_transport"
        assert ask(guard, client="192.0.2.7", scheme="https") == "ann"


def test_a_login_form_is_verified_as_ever() -> None:
    """`guard.verify` asks the checker: the block is about requests."""
    guard = Guard(Basic(nonblocking(lambda shown: BOB if shown.password == "right" else None), realm="x"))
    form = RequestView("POST", "/login", [("Sec-Fetch-Site", "same-origin")])
    with acting_as(ANN, guard):
        assert guard.verify(BasicCredentials("bob", "right"), form).principal == BOB.with_evidence(Evidence("Basic"))
        assert not guard.verify(BasicCredentials("bob", "wrong"), form).granted


def test_a_view_that_is_reached_later_has_the_caller(guard: Guard) -> None:
    """`authorize` goes on from the decision, under a public rule too."""
    with acting_as(BOB, guard):
        for path in ("/healthz", "/me"):
            view = RequestView("GET", path)
            decision = guard.decide(view)
            assert guard.authorize(decision, view, role("admin")).principal.id == "bob"
            assert guard.authorize(decision, view, role("root")).reason == "missing_role"


def test_events_and_explanations_name_the_caller() -> None:
    """A sink sees the decisions of a test as any others."""
    events: list[AuthEvent] = []
    guard = Guard(Bearer(TOKENS), rules=RULES, on_event=events.append)
    with acting_as(ANN, guard):
        ask(guard, "/admin")
        assert "decision: granted, as ann" in str(guard.explain(RequestView("GET", "/me")))
    assert [(event.decision, event.principal, event.scheme) for event in events] == [("forbidden", "ann", "Bearer")]


# What a block leaves behind, and what it does not touch.


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_the_cache_and_the_fast_path_are_as_before(interface: str) -> None:
    """A cached caller is neither used in a block nor forgotten by it, and the caller of the block is not cached."""
    asked: list[BearerToken] = []

    @nonblocking
    def check(shown: BearerToken) -> Verdict:
        asked.append(shown)
        return TOKENS.check(shown)

    guard = Guard(Bearer(check), rules=RULES)

    def view(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["watchword.principal"].id.encode()]

    async def aview(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(scope["user"].id)(scope, receive, send)

    client: Any = Client(wsgi.GuardMiddleware(view, guard)) if interface == "wsgi" else TestClient(asgi.GuardMiddleware(aview, guard))

    def get(headers: dict[str, str] | None = None) -> str:
        return str(client.get("/me", headers=headers).text)

    for _ in range(3):
        assert get(bearer("ann-token")) == "ann"
        assert "missing_credentials" in get()
    state = (guard.fast_path.is_open, guard.fast_path.refuses, guard.fast_path.in_use)
    facts, count, deciding = dict(guard.fast_path._facts), len(asked), guard._deciding
    assert state == (True, True, True)
    assert facts
    block = acting_as(BOB, guard)
    with block:
        assert get(bearer("ann-token")) == get() == "bob"
        # Somebody else logs in meanwhile, outside of the block.
        assert Context().run(get, bearer("bob-token")) == "bob"
        assert "missing_credentials" in Context().run(get)
        assert get(bearer("ann-token")) == get() == "bob"
        with acting_as(ANONYMOUS, guard):
            assert "missing_credentials" in get(bearer("ann-token"))
    assert guard._deciding is deciding
    assert (guard.fast_path.is_open, guard.fast_path.refuses, guard.fast_path.in_use) == state
    assert facts.items() <= dict(guard.fast_path._facts).items()
    assert len(guard.fast_path._facts) == len(facts) + 1
    assert get(bearer("ann-token")) == "ann"
    assert "missing_credentials" in get()
    assert len(asked) == count + 1
    assert block not in _BLOCKS.get()


def test_a_block_ends_where_it_fails(guard: Guard) -> None:
    """An exception of the test ends it; the block can be entered again, and not twice at once."""
    block = acting_as(ANN, guard)
    for _ in range(2):
        with suppress(ZeroDivisionError), block as principal:
            assert (principal.id, ask(guard)) == ("ann", "ann")
            with pytest.raises(RuntimeError, match="is entered already"):
                block.__enter__()
            assert ask(guard) == "ann"
            raise ZeroDivisionError
        assert ask(guard) == "missing_credentials"
    assert type(guard._deciding) is Deciding


def test_blocks_may_end_in_any_order_and_in_another_context(guard: Guard) -> None:
    """As fixtures do. Then each one acts until its own end."""
    outer, inner = acting_as(ANN, guard), acting_as(BOB, guard)
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert ask(guard) == "bob"

    async def end() -> None:
        inner.__exit__(None, None, None)

    asyncio.run(end())
    assert ask(guard) == "missing_credentials"
    assert type(guard._deciding) is Deciding
    with acting_as(ANN, guard):
        assert inner not in _BLOCKS.get()


def test_another_guard_does_not_act(guard: Guard) -> None:
    """The block names its guard."""
    other = Guard(Bearer(TOKENS))
    with acting_as(ANN, guard), acting_as(BOB, other):
        assert (ask(guard), ask(other)) == ("ann", "bob")
    with acting_as(ANN, guard):
        assert ask(other) == "missing_credentials"


def test_threads_do_not_see_the_callers_of_each_other(guard: Guard) -> None:
    """Three tests at once with one guard: ann, bob, and one that acts as no caller."""
    seen: dict[str, set[str]] = {}
    all_here = threading.Barrier(3)

    def run(name: str) -> None:
        def decide() -> None:
            all_here.wait()
            seen[name] = {ask(guard) for _ in range(20)}
            all_here.wait()

        if name == "nobody":
            decide()
        else:
            with acting_as(Principal(name), guard):
                decide()

    threads = [threading.Thread(target=run, args=(name,)) for name in ("ann", "bob", "nobody")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"ann": {"ann"}, "bob": {"bob"}, "nobody": {"missing_credentials"}}
    assert type(guard._deciding) is Deciding


def test_tasks_do_not_see_the_callers_of_each_other(guard: Guard) -> None:
    """The same in one event loop; and a task that was started in a block does not act after its end."""
    outlived: list[str] = []

    async def run(name: str, ready: asyncio.Barrier) -> str:
        with acting_as(Principal(name), guard):
            await ready.wait()
            found = ask(guard)
            await ready.wait()
            return found

    async def later(ended: asyncio.Event) -> None:
        await ended.wait()
        outlived.append(ask(guard))

    async def all_at_once() -> None:
        ready, ended = asyncio.Barrier(3), asyncio.Event()
        running = [asyncio.create_task(run(name, ready)) for name in ("ann", "bob")]
        await ready.wait()
        assert ask(guard) == "missing_credentials"
        await ready.wait()
        assert await asyncio.gather(*running) == ["ann", "bob"]
        with acting_as(ANN, guard):
            started = asyncio.create_task(later(ended))
            await asyncio.sleep(0)
        ended.set()
        await started

    asyncio.run(all_at_once())
    assert outlived == ["missing_credentials"]


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


def test_a_live_server_acts_only_everywhere(guard: Guard) -> None:
    """A server that was started in another thread is outside of the block, unless the block acts everywhere."""
    with make_server("127.0.0.1", 0, flask_app(guard), handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def get() -> str:
            with urlopen(f"http://127.0.0.1:{server.server_port}/me") as answer:
                return str(answer.read().decode())

        try:
            with acting_as(ANN, guard), pytest.raises(HTTPError, match="401") as refused:
                get()
            refused.value.close()
            with acting_as(ANN, guard, everywhere=True):
                assert get() == "ann"
                with acting_as(BOB, guard, everywhere=True):
                    assert get() == "bob"
                assert get() == "ann"
            with pytest.raises(HTTPError, match="401") as refused:
                get()
            refused.value.close()
        finally:
            server.shutdown()
            thread.join()


def test_the_test_server_of_aiohttp_acts_everywhere(guard: Guard) -> None:
    """It decides in tasks that began before the block, in the same event loop; the requirement of a handler decides as well."""

    async def view(request: web.Request) -> web.Response:
        return web.Response(text=aiohttp.principal_of(request).id)

    app = web.Application(middlewares=[aiohttp.guard_middleware(guard)])
    app.router.add_get("/me", view)

    @aiohttp.requires(role("auditor"))
    async def report(request: web.Request) -> web.Response:
        return await view(request)

    app.router.add_get("/report", report)

    async def ask_all() -> list[int]:
        found = []
        async with AiohttpClient(TestServer(app)) as client:
            for everywhere in (False, True):
                with acting_as(ANN, guard, everywhere=everywhere):
                    found += [(await client.get(path)).status for path in ("/me", "/report")]
            return [*found, (await client.get("/me")).status]

    assert asyncio.run(ask_all()) == [401, 401, 200, 403, 401]


def test_two_tests_cannot_act_everywhere_at_once(guard: Guard) -> None:
    """The second one fails in words. A block of its own thread goes before one that acts everywhere."""
    with acting_as(ANN, guard, everywhere=True):
        failed: list[str] = []

        def other() -> None:
            try:
                with acting_as(BOB, guard, everywhere=True):
                    pass
            except RuntimeError as error:
                failed.append(str(error))
            with acting_as(BOB, guard):
                failed.append(ask(guard))
            failed.append(ask(guard))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert "is in force in another thread or task. Give each test a guard" in failed[0]
        assert failed[1:] == ["bob", "ann"]
    assert type(guard._deciding) is Deciding


def test_it_says_that_it_is_on(guard: Guard, caplog: pytest.LogCaptureFixture) -> None:
    """A warning in the log, once for each block."""
    with caplog.at_level("WARNING", logger="watchword"), acting_as(ANN, guard):
        ask(guard)
    line = "acting_as: ann: requests to {!r} are taken for this caller's until the block ends, and no credentials are checked"
    assert [record.getMessage() for record in caplog.records] == [line.format(guard)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda guard: (guard, ANN), "the arguments are swapped. Put the principal first"),
        (lambda guard: ("ann", guard), r"must be a Principal, such as Principal\(\"ann\", roles=\{\"admin\"\}\), got 'ann'"),
        (lambda guard: (ANN, None), "must be a Guard, such as the one that the application uses, got None"),
        (
            lambda guard: (Principal("ann", evidence=Evidence("Digest")), guard),
            "evidence.scheme must be a scheme of the guard, \"Bearer\", got 'Digest'",
        ),
    ],
)
def test_wrong_arguments_are_named(arguments: Any, message: str, guard: Guard) -> None:
    """At the call, before the test acts."""
    with pytest.raises(ConfigurationError, match=message):
        acting_as(*arguments(guard))
    with pytest.raises(ConfigurationError, match=r"everywhere=\.\.\.\) must be True or False, got 'no'"):
        acting_as(ANN, guard, everywhere="no")  # type: ignore[arg-type]
