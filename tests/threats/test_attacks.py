"""Attacks that once got through, or nearly: what a hostile reader found after everything else held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.support.drive import ByASGI, ByWSGI, Reply, Request, bearer
from tests.support.people import check_token
from watchword import Bearer, Guard, RequestView, authenticated, public, role
from watchword.adapters.asgi import GuardMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request as StarletteRequest

    from tests.support.drive import Behind

BOB = bearer("bob-token")


def hiding() -> Guard:
    """A guard that hides `/x`."""
    return Guard(Bearer(check_token, realm="orders"), rules={"/x": role("root").hidden()})


class CatchAll:
    """An application with a handler for every name, in two frameworks; it notes what ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def by_asgi(self, guard: Guard) -> ByASGI:
        """In Starlette, mounted at `/shop` too."""

        async def page(request: StarletteRequest) -> PlainTextResponse:
            self.ran.append(request.method)
            return PlainTextResponse("made", 201)

        async def missing(request: StarletteRequest) -> PlainTextResponse:
            self.ran.append("missing")
            return PlainTextResponse("no such item", 404)

        return ByASGI(
            guard,
            app=Starlette(
                routes=[
                    Route("/items/{name}", missing, methods=["GET", "POST"]),
                    Mount(
                        "/shop", app=Starlette(exception_handlers={404: lambda _request, _error: PlainTextResponse("no such shop", 404)})
                    ),
                    Route("/{name}", page, methods=["GET", "POST"]),
                ]
            ),
        )

    def by_wsgi(self, guard: Guard) -> ByWSGI:
        """In Flask."""
        app = Flask("site")

        @app.route("/<name>", methods=["GET", "POST"])
        def page(name: str) -> tuple[str, int]:
            self.ran.append(request.method)
            return "made", 201

        @app.route("/items/<name>", methods=["GET", "POST"])
        def missing(name: str) -> tuple[str, int]:
            self.ran.append("missing")
            return "no such item", 404

        @app.route("/shop/<path:name>")
        def shop(name: str) -> tuple[str, int]:
            return "no such shop", 404

        return ByWSGI(guard, app=app.wsgi_app)

    def behind(self, behind: Behind, guard: Guard) -> ByASGI | ByWSGI:
        """Behind the adapter of a fixture."""
        return self.by_asgi(guard) if behind is ByASGI else self.by_wsgi(guard)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_imitating_a_404_runs_no_forbidden_handler(method: str, behind: Behind) -> None:
    """A handler for every name, forbidden by its own rule, does not run when the guard asks for the application's 404."""
    rules = {"/secret": role("root").hidden(), "/{name}": role("writer")}
    site = CatchAll()
    answer = site.behind(behind, Guard(Bearer(check_token), rules=rules))(Request(method=method, target="/secret", headers=(BOB,)))
    assert (answer.status, answer.body, site.ran) == (404, b"Not Found", [])


def test_asking_for_what_is_hidden_by_default_runs_nothing(behind: Behind) -> None:
    """Where everything is hidden from a caller, nothing of the application runs for him, and every path looks alike."""
    site = CatchAll()
    driver = site.behind(behind, Guard(Bearer(check_token), rules={"/healthz": public}, default=role("root").hidden()))
    first, second = (driver(Request(target=target, headers=(BOB,))) for target in ("/a", "/b/c/d"))
    assert (first.status, first.headers, first.body, site.ran) == (404, second.headers, second.body, [])


@pytest.mark.parametrize(
    ("hidden", "other"),
    [("/items/7", "/items/8"), ("/shop/till", "/shop/nothing"), ("/shop/till/", "/shop/nothing/"), ("/shop/café", "/shop/nothing")],
)
def test_what_is_hidden_looks_like_its_missing_neighbour(hidden: str, other: str, behind: Behind) -> None:
    """A part of an application with a 404 of its own answers for what is hidden in it, so that no other 404 gives it away."""
    site = CatchAll()
    rules = {"/items/7": role("root").hidden(), "/shop/till": role("root").hidden(), "/shop/café": role("root").hidden()}
    driver = site.behind(behind, Guard(Bearer(check_token), rules=rules))
    there, nothing = (driver(Request(target=target.replace("é", "%C3%A9"), headers=(BOB,))) for target in (hidden, other))
    assert (there.status, there.headers, there.body) == (404, nothing.headers, nothing.body)
    assert there.body.startswith(b"no such")


def test_a_subtree_that_is_hidden_looks_like_nothing_below_its_own_parent(behind: Behind) -> None:
    """Of a hidden subtree what its pattern names last is replaced: the parent answers, and the path below does not matter."""
    driver = behind(Guard(Bearer(check_token), rules={"/a/b/**": role("root").hidden()}), Reply(404))
    asked = driver(Request(target="/a/b/c/d", headers=(BOB,))).seen
    assert asked is not None
    assert asked.path.startswith("/a/")
    assert asked.path.count("/") == 2
    assert len(asked.path) == len("/a/") + 32


def test_an_endless_page_does_not_hold_up_a_404(behind: Behind) -> None:
    """An application that streams a page without end for every path holds up neither the refusal nor the memory."""
    sent: list[str] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        sent.append("start")
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            sent.append("part")

    def wsgi(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        while True:
            sent.append("part")
            yield b"x"

    driver = behind(hiding(), app=asgi if behind is ByASGI else wsgi)
    answer = driver(Request(target="/x", headers=(BOB,)))
    assert (answer.status, answer.body, len(sent) <= 4) == (404, b"Not Found", True)


async def _nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _answered_before(guard: Guard) -> list[str]:
    order: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        order.append("the application went on")

    async def send(message: Any) -> None:
        order.append(f"{message['type']} {message.get('status', '')}".strip())

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": [(b"authorization", BOB[1].encode())],
    }
    await GuardMiddleware(app, guard)(scope, _nothing, send)
    return order


@pytest.mark.anyio
async def test_a_404_is_sent_as_soon_as_it_is_known() -> None:
    """Over ASGI the guard's own 404 goes out before the application ends, which may be never."""
    order = await _answered_before(hiding())
    assert order == ["http.response.start 404", "http.response.body", "the application went on"]


def test_ten_thousand_copies_cost_what_ten_thousand_fields_cost() -> None:
    """Repeated fields are joined once and noted once: no copy of one makes the next dearer."""
    joined: list[int] = []

    class Counted(bytes):
        def __add__(self, other: Any) -> bytes:
            joined.append(1)
            return bytes(self) + other

    guard = hiding()
    headers = [(b"accept", Counted(b"a"))] * 10_000 + [(b"remote_user", b"x")] * 10_000
    view = RequestView("GET", "/x", headers)
    view.scan(guard.policy.index)
    assert joined == []
    assert (view.repeated, view.aliases, len(view.fields["accept"])) == (("accept",), ("remote-user",), 19_999)


@pytest.mark.anyio
@pytest.mark.parametrize("root", ["/api/", "/api//"])
@pytest.mark.parametrize("path", ["/api/items", "/api//items", "/api/"])
@pytest.mark.parametrize("told", [True, False])
async def test_a_mount_with_a_closing_slash_opens_no_neighbour(root: str, path: str, told: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Starlette takes such a mount for none and serves `/api/items`; no rule for `/items` decides about it."""
    ran: list[str] = []

    async def handler(request: StarletteRequest) -> PlainTextResponse:
        ran.append(request.url.path)
        return PlainTextResponse("secret")

    app = Starlette(routes=[Route("/api/items", handler), Route("/items", handler)])
    guard = Guard(Bearer(check_token), rules={"/items": public, "/": public, "/api/**": authenticated})
    sent: list[int] = []

    async def send(message: Any) -> None:
        sent.append(message.get("status", 0))

    scope = {"type": "http", "method": "GET", "path": path, "root_path": root, "query_string": b"", "headers": []}
    await GuardMiddleware(app, guard)(scope | ({"raw_path": path.encode()} if told else {}), _nothing, send)
    assert (sent[0], ran) == (400, [])
