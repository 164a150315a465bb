"""Hiding: to a known caller who may not, a hidden resource is exactly what is missing (RFC 9110 §15.5.4, §15.5.5; D12)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from tests.support.drive import ByASGI, ByHand, ByWSGI, Reply, Request, bearer
from tests.support.people import check_token
from watchword import Accepted, Bearer, Guard, Principal, network, optional, public, role
from watchword.adapters import asgi
from watchword.checkers import nonblocking

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request as StarletteRequest

    from tests.support.drive import Answer, Behind, Driver
    from watchword import BearerToken

RULES = {
    "/hidden": role("admin").hidden(),
    "/hidden/**": role("admin").hidden(),
    "/section/hidden": role("admin").hidden(),
    "/public/**": public,
    "/": optional,
}
ADMIN, OTHER = bearer("ann-token"), bearer("bob-token")


def guard(**settings: Any) -> Guard:
    """A guard that hides some routes."""
    return Guard(Bearer(check_token, realm="orders"), rules=RULES, **settings)


class Site:
    """An application with hidden routes, in one framework, that counts how often a hidden handler ran."""

    def __init__(self) -> None:
        self.ran = 0


class StarletteSite(Site):
    """In Starlette, with a page of its own for what is missing."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()

        async def hidden(request: StarletteRequest) -> PlainTextResponse:
            self.ran += 1
            return PlainTextResponse("secret")

        async def missing(request: StarletteRequest, error: Exception) -> HTMLResponse:
            return HTMLResponse("<h1>Nothing here</h1>", 404, {"Cache-Control": "max-age=60", "X-Own": "1"})

        async def socket(socket: Any) -> None:
            self.ran += 1
            await socket.accept()

        routes = [
            Route("/hidden", hidden, methods=["GET", "POST"]),
            Route("/hidden/{name}", hidden),
            WebSocketRoute("/hidden/socket", socket),
            Mount("/section", routes=[Route("/hidden", hidden)]),
        ]
        self.app = Starlette(routes=routes, exception_handlers={404: missing})
        self.send = ByASGI(guard(**settings), app=self.app)


class FlaskSite(Site):
    """In Flask, with its usual page for what is missing."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.app = Flask("site")

        def hidden(name: str = "") -> str:
            self.ran += 1
            return "secret"

        self.app.add_url_rule("/hidden", "hidden", hidden, methods=["GET", "POST"])
        self.app.add_url_rule("/hidden/<name>", "hidden_name", hidden)
        self.app.add_url_rule("/section/hidden", "section", hidden)
        self.send = ByWSGI(guard(**settings), app=self.app.wsgi_app)


SITES: dict[str, Callable[[], Any]] = {"starlette": StarletteSite, "flask": FlaskSite}


def whole(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that a client sees."""
    return answer.status, answer.headers, answer.body


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("target", ["/hidden", "/hidden/x", "/section/hidden", "/hidden/no-such-thing/at/all", "/hidden?a=b"])
def test_R9110_15_5_5_1_hidden_is_like_missing(site: str, target: str) -> None:
    """Status, fields and body of a hidden resource are those of a missing one, and its handler never runs."""
    there = SITES[site]()
    hidden = there.send(Request(target=target, headers=(OTHER,)))
    missing = there.send(Request(target="/nothing", headers=(OTHER,)))
    assert whole(hidden) == whole(missing)
    assert (hidden.status, hidden.all("cache-control"), there.ran) == (404, ["no-store"], 0)
    assert hidden.body != b""
    assert re.search(rb"hidden|[0-9a-f]{16}", hidden.body) is None


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
def test_R9110_15_5_5_1_whatever_the_method(site: str, method: str) -> None:
    """The same holds for every method: no 405 gives the resource away."""
    there = SITES[site]()
    hidden = there.send(Request(method=method, target="/hidden", headers=(OTHER,)))
    missing = there.send(Request(method=method, target="/nothing", headers=(OTHER,)))
    assert (whole(hidden), hidden.status, there.ran) == (whole(missing), 404, 0)


@pytest.mark.parametrize("site", SITES)
def test_R9110_15_5_5_1_an_authorized_caller_is_served(site: str) -> None:
    """A caller with the role gets the hidden resource."""
    there = SITES[site]()
    answer = there.send(Request(target="/hidden", headers=(ADMIN,)))
    assert (answer.status, answer.body, there.ran) == (200, b"secret", 1)


@pytest.mark.parametrize("site", SITES)
def test_R9110_15_5_5_1_anonymous_callers_get_401_everywhere(site: str) -> None:
    """Hidden and missing resources answer alike."""
    there = SITES[site]()
    hidden, missing = (there.send(Request(target=target, headers=(("X-Request-Id", "x"),))) for target in ("/hidden", "/nothing"))
    assert (whole(hidden), hidden.status) == (whole(missing), 401)


@pytest.mark.parametrize("site", SITES)
def test_R9110_15_5_5_1_public_and_optional_404s_are_not_stored(site: str) -> None:
    """Every 404 of an application with hidden routes is no-store, also for anonymous callers, to whom a cache could serve it."""
    there = SITES[site]()
    assert there.send(Request(target="/public/nothing")).all("cache-control") == ["no-store"]
    optional_ = Guard(Bearer(check_token), rules={"/hidden": role("admin").hidden()}, default=optional)
    driver = (ByASGI if site == "starlette" else ByWSGI)(optional_, app=there.app if site == "starlette" else there.app.wsgi_app)
    assert driver(Request(target="/nothing")).all("cache-control") == ["no-store"]


def test_R9110_15_5_4_2_a_404_in_place_of_a_403(behind: Behind) -> None:
    """For a known caller without access a hidden resource is 404 without a challenge."""
    answer = behind(guard(), Reply(404))(Request(target="/hidden", headers=(OTHER,)))
    assert (answer.status, answer.challenges) == (404, [])


@pytest.mark.parametrize("status", [200, 204, 301, 401, 403, 405, 500])
def test_an_application_without_a_404_cannot_be_imitated(status: int, behind: Behind) -> None:
    """Where the application answers every path, the guard's own plain 404 is sent, and nothing of what the application said."""
    answer = behind(guard(), Reply(status, (("X-Secret", "1"), ("Content-Type", "text/plain")), b"secret"))(
        Request(target="/hidden", headers=(OTHER,))
    )
    assert (answer.status, answer.one("content-type"), answer.body) == (404, "text/plain; charset=utf-8", b"Not Found")
    assert (answer.one("x-secret"), answer.one("cache-control")) == (None, "no-store")


@pytest.mark.parametrize("status", [400, 429])
def test_what_an_application_answers_for_every_path_is_no_sign(status: int, behind: Behind) -> None:
    """A layer within that refuses a false Host, or that counts requests, answers for what is hidden as for what is missing."""
    driver = behind(Guard(Bearer(check_token), rules={"/hidden": role("admin").hidden()}), Reply(status, (("X-Own", "1"),), b"own"))
    hidden, missing = (driver(Request(target=target, headers=(OTHER,))) for target in ("/hidden", "/nothing"))
    assert (hidden.status, hidden.body, sorted(hidden.headers)) == (status, missing.body, sorted(missing.headers))


def test_a_custom_server_sends_a_plain_404() -> None:
    """Without an application to imitate the refusal is a short text, without a reason or a reference in it."""
    answer = ByHand(guard())(Request(target="/hidden", headers=(OTHER, ("Accept", "application/json"))))
    assert (answer.status, answer.body, answer.one("cache-control")) == (404, b"Not Found", "no-store")


def test_the_application_is_asked_for_a_random_path(behind: Behind) -> None:
    """The path lies below the mount, and is another one each time."""
    driver = behind(guard(), Reply(404))
    asked = [driver(Request(target="/app/hidden", headers=(OTHER,), mount="/app")).seen for _ in range(5)]
    paths = {one.path for one in asked if one is not None}
    assert len(paths) == 5
    assert all(re.fullmatch(r"/[0-9a-f]{32}", path) for path in paths)


def test_no_form_of_the_hidden_path_reaches_the_application(behind: Behind) -> None:
    """An application that routes by the undecoded target does not get the hidden path or query either."""
    shown: list[str] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        shown.append(repr([scope["path"], scope["raw_path"]]))
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        shown.append(repr([environ["PATH_INFO"], environ["REQUEST_URI"]]))
        start_response("404 Not Found", [])
        return []

    driver = behind(guard(), app=asgi if behind is ByASGI else wsgi)
    assert driver(Request(target="/section/hidden", headers=(OTHER,))).status == 404
    assert len(shown) == 1
    assert "hidden" not in shown[0]


def test_a_streamed_404_is_imitated(behind: Behind) -> None:
    """A 404 in parts comes through in parts; an application that streams is imitated as well."""

    async def stream(request: StarletteRequest) -> StreamingResponse:
        async def parts() -> Any:
            yield b"Nothing "
            yield b"here"

        return StreamingResponse(parts(), 404)

    def iterate(environ: Any, start_response: Any) -> Any:
        write = start_response("404 NOT FOUND", [("Content-Type", "text/plain")])
        write(b"Noth")
        yield b"ing "
        yield b"here"

    app = Starlette(routes=[Route("/{path:path}", stream)]) if behind is ByASGI else iterate
    answer = behind(guard(), app=app)(Request(target="/hidden", headers=(OTHER,)))
    assert (answer.status, answer.body, answer.one("cache-control")) == (404, b"Nothing here", "no-store")


def test_the_iterable_of_the_404_is_closed() -> None:
    """It is closed once, used or not."""
    closed: list[int] = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(1)

    for status in ("404 Not Found", "200 OK"):

        def app(environ: Any, start_response: Any, status: str = status) -> Body:
            start_response(status, [])
            return Body([b"x"])

        ByWSGI(guard(), app=app)(Request(target="/hidden", headers=(OTHER,)))
    assert closed == [1, 1]


def test_a_websocket_is_refused_with_404() -> None:
    """A hidden websocket is refused with 404 before it is accepted, and its handler never runs."""
    there = StarletteSite()
    answer = there.send(Request(kind="websocket", target="/hidden/socket", headers=(OTHER,)))
    assert (answer.status, answer.challenges, there.ran) == (404, [], 0)


def test_what_is_not_hidden_stays_403(behind: Behind) -> None:
    """Hiding one requirement hides no other: the part that is not met says how it wants to look."""
    rules = {"/a": role("root").hidden() | role("x"), "/b": role("root").hidden() & role("admin"), "/c": role("admin").hidden() & role("x")}
    driver = behind(Guard(Bearer(check_token), rules=rules), Reply(404))
    assert [driver(Request(target=target, headers=(ADMIN,))).status for target in ("/a", "/b", "/c")] == [404, 404, 403]


def test_a_hidden_network_rule_hides_from_known_callers(behind: Behind) -> None:
    """Where a hidden rule fails for every caller, known ones get 404, false credentials 401, and anonymous ones 403."""
    driver = behind(Guard(Bearer(check_token), rules={"/x": network("10.0.0.0/8").hidden()}), Reply(404))
    statuses = [driver(Request(target="/x", headers=headers)).status for headers in ((), (OTHER,), (bearer("x"),))]
    assert statuses == [403, 404, 401]


PREFLIGHT = (("Origin", "https://app.example"), ("X-Request-Id", "x"))


def preflight(target: str, asked: str = "GET", *headers: tuple[str, str]) -> Request:
    """A genuine CORS preflight."""
    return Request(method="OPTIONS", target=target, headers=(*PREFLIGHT, ("Access-Control-Request-Method", asked), *headers))


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("settings", [{}, {"cors_inside": True}], ids=["refused", "inside"])
@pytest.mark.parametrize("headers", [(), (OTHER,)], ids=["anonymous", "other"])
def test_D12_a_preflight_does_not_tell_what_is_hidden(site: str, settings: dict[str, Any], headers: tuple[tuple[str, str], ...]) -> None:
    """Without a CORS layer the answer for a hidden path is the one for a missing path, whatever method is announced."""
    there = SITES[site](**settings)
    for asked in ("GET", "POST", "DELETE"):
        for target in ("/hidden", "/hidden/x", "/section/hidden"):
            hidden, missing = (there.send(preflight(path, asked, *headers)) for path in (target, "/nothing"))
            assert (whole(hidden), hidden.status) == (whole(missing), 404 if headers else 401), target
    assert there.ran == 0


def test_D12_a_cors_layer_inside_answers_alike_for_what_is_hidden() -> None:
    """With `cors_inside` the CORS layer answers for a random path, so that hidden, guarded and missing resources look the same."""
    there = StarletteSite()
    layer = CORSMiddleware(there.app, allow_origins=["https://app.example"], allow_headers=["Authorization"])
    send = ByASGI(guard(cors_inside=True), app=layer)
    for headers in ((), (OTHER,)):
        hidden, missing = (send(preflight(target, "GET", *headers)) for target in ("/hidden", "/public/nothing"))
        assert (hidden.status, hidden.one("access-control-allow-origin"), hidden.body) == (200, "https://app.example", b"")
        assert hidden.all("access-control-allow-methods") == missing.all("access-control-allow-methods")
        assert hidden.seen is not None
        assert re.fullmatch(r"/[0-9a-f]{32}", hidden.seen.path)
    assert there.ran == 0


# After routing


@pytest.mark.anyio
@pytest.mark.parametrize("framework", ["litestar", "starlette"])
async def test_a_guard_behind_the_router_never_calls_a_hidden_handler(framework: str) -> None:
    """A middleware of Litestar, or of a route of Starlette, cannot ask for another path: it answers by itself."""
    ran: list[str] = []
    app: Any
    if framework == "litestar":
        from litestar import Litestar, get
        from litestar.middleware import DefineMiddleware

        @get("/hidden", sync_to_thread=False)
        def hidden() -> str:
            ran.append("litestar")
            return "gold"

        guarded: Any = asgi.GuardMiddleware
        app = Litestar([hidden], openapi_config=None, logging_config=None, middleware=[DefineMiddleware(guarded, guard=guard())])
    else:

        async def handler(request: Any) -> PlainTextResponse:
            ran.append("starlette")
            return PlainTextResponse("gold")

        app = Starlette(routes=[Route("/hidden", handler, middleware=[Middleware(asgi.GuardMiddleware, guard=guard())])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answers = [await client.get("/hidden", headers=[who]) for who in (OTHER, ADMIN)]
    assert [answer.status_code for answer in answers] == [404, 200]
    assert ran == [framework]


@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
def test_fields_of_the_scheme_do_not_tell_what_is_hidden(make: Callable[..., Driver]) -> None:
    """D12: a session that is renewed, or a new nonce, goes out with the 404 for what is hidden as with that for what is missing."""

    @nonblocking
    def check(token: BearerToken) -> Accepted:
        return Accepted(Principal("bob"), headers=(("Set-Cookie", "s=2"), ("DPoP-Nonce", "n")))

    reply = Reply(404, headers=(("Content-Type", "text/plain"), ("Cache-Control", "max-age=60")), body=b"mine")
    driver = make(Guard(Bearer(check), rules=RULES), reply)
    hidden, missing = (driver(Request(target=target, headers=(OTHER,))) for target in ("/hidden/7", "/missing"))
    assert (hidden.status, hidden.headers, hidden.body) == (missing.status, missing.headers, missing.body)
    assert (hidden.one("set-cookie"), hidden.one("dpop-nonce"), hidden.all("cache-control")) == ("s=2", "n", ["no-store"])
