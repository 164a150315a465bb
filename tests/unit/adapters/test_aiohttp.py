"""Tests the middleware for aiohttp, and the requirements of its handlers, through aiohttp's own parser, router and writer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial, wraps
from typing import Any

import pytest
from aiohttp import web

from tests.support.by_aiohttp import Wire, exchanged, octets, parsed, run, send
from tests.support.wire import Request, bearer
from watchword import (
    Accepted,
    AuthEvent,
    Basic,
    Bearer,
    ConfigurationError,
    Guard,
    Operation,
    Principal,
    Requirement,
    authenticated,
    network,
    optional,
    public,
    role,
    scope,
)
from watchword.adapters.aiohttp import PRINCIPAL, guard_middleware, principal_of, requires
from watchword.checkers import Tokens
from watchword.checkers.adapt import nonblocking

PEOPLE = {"ann": Principal("ann", roles={"admin"}, scopes={"read"}), "bob": Principal("bob", scopes={"read"})}
RULES = {"/**": public, "/known/**": authenticated, "/maybe/**": optional, "/known/hidden": role("admin").hidden()}
HANDSHAKE = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)


def made(rules: dict[str, Requirement] = RULES, **settings: Any) -> Guard:
    """Make a guard under which every path but /known is open."""
    return Guard(Bearer(Tokens(PEOPLE)), rules=rules, **settings)


def bare(view: Any) -> Any:
    """Decorate a handler without `functools.wraps`: its mark is lost."""

    async def called(*args: Any) -> Any:
        return await view(*args)

    return called


def copying(view: Any) -> Any:
    """Decorate a handler with `functools.wraps`."""

    @wraps(view)
    async def called(*args: Any) -> Any:
        return await view(*args)

    return called


async def tell(request: web.Request) -> web.Response:
    """Say who it is."""
    assert principal_of(request) is request[PRINCIPAL]
    return web.Response(text=principal_of(request).id)


def telling() -> Any:
    """Return a handler of its own: `requires` marks the function itself."""

    async def told(request: web.Request) -> web.Response:
        return await tell(request)

    return told


async def chat(request: web.Request) -> web.WebSocketResponse:
    """Open a WebSocket, and close it."""
    socket = web.WebSocketResponse(protocols=["chat"])
    await socket.prepare(request)
    await socket.close()
    return socket


async def flow(request: web.Request) -> web.StreamResponse:
    """Send a response in parts."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"part")
    return response


class Page(web.View):
    """A view with one guarded method."""

    async def get(self) -> web.Response:
        """Say who it is."""
        return await tell(self.request)

    @requires(role("admin"))
    async def post(self) -> web.Response:
        """Say who it is."""
        return await tell(self.request)


@requires(role("admin"))
class Whole(web.View):
    """A guarded view."""

    async def get(self) -> web.Response:
        """Say who it is."""
        return await tell(self.request)


class Part(Whole):
    """A view that inherits the requirement, and replaces the method that serves it."""

    async def get(self) -> web.Response:
        """Say who it is."""
        return await tell(self.request)


class Shop:
    """An object whose methods are handlers."""

    @requires(role("admin"))
    async def goods(self, request: web.Request) -> web.Response:
        """Say who it is."""
        return await tell(request)


async def calling(request: web.Request) -> web.StreamResponse:
    """Serve by a guarded view, which no route shows."""
    return await Whole(request)


HANDLERS: dict[str, Any] = {
    "/inner": requires(role("admin"))(telling()),
    "/between": requires(role("admin"))(copying(telling())),
    "/around": copying(requires(role("admin"))(telling())),
    "/bare": bare(requires(role("admin"))(telling())),
    "/partial": partial(requires(role("admin"))(telling())),
    "/twice": requires(role("admin"))(requires(scope("read"))(telling())),
    "/method": Shop().goods,
    "/whole": Whole,
    "/part": Part,
    "/calling": calling,
}


def views(*before: Any, after: tuple[Any, ...] = (), guard: Guard | None = None) -> web.Application:
    """Make an application with handlers that are guarded in every way.

    Args:
        before: middlewares in front of the guard.
        after: those behind it.
        guard: of the application.
    """
    app = web.Application(middlewares=[*before, guard_middleware(guard or made()), *after])
    for path, handler in HANDLERS.items():
        app.router.add_get(path, handler, allow_head=False)
    app.router.add_view("/page", Page)
    app.router.add_get("/known/secret", requires(role("admin").hidden())(telling()))
    app.router.add_get("/known/lost", bare(requires(role("admin").hidden())(telling())))
    for path in ("/known/hidden", "/known/a", "/maybe/a", "/open"):
        app.router.add_get(path, tell)
    app.router.add_get("/maybe/flow", flow)
    app.router.add_get("/chat", requires(role("admin"))(bare(chat)))
    app.router.add_get("/maybe/chat", chat)
    return app


@pytest.fixture(scope="module")
def app() -> web.Application:
    """An application for the tests that change nothing in it."""
    return views()


@pytest.mark.parametrize("path", HANDLERS)
def test_a_handler_is_reached_only_by_callers_who_meet_its_requirement(app: web.Application, path: str) -> None:
    """Whatever the order and the kind of decorators."""
    refused = send(app, path)
    assert (refused.status, refused.one("content-type")) == (401, "application/problem+json")
    assert refused.challenges[0].startswith("Bearer")
    assert send(app, path, "wrong").status == 401
    assert send(app, path, "bob").status == 403
    granted = send(app, path, "ann")
    assert (granted.status, granted.body) == (200, b"ann")


def test_a_method_of_a_view_demands_something_alone(app: web.Application) -> None:
    """The other methods stay as they are, and methods that it does not have are its own 405."""
    assert send(app, "/page").status == 200
    assert [send(app, "/page", name, method="POST").status for name in ("", "bob", "ann")] == [401, 403, 200]
    assert [send(app, "/page", "ann", method=method).status for method in ("HEAD", "OPTIONS", "PUT", "PROPFIND")] == [405] * 4


def test_the_rule_of_the_path_holds_for_what_is_not_there_as_well(app: web.Application) -> None:
    """An anonymous caller learns nothing of which paths and methods exist."""
    assert [send(app, path).status for path in ("/known/a", "/known", "/known/nothing", "/nothing")] == [401, 401, 401, 404]
    assert [send(app, "/known/a", name, method="DELETE").status for name in ("", "bob")] == [401, 405]


def test_a_rule_that_refuses_names_the_scopes_of_the_handler(app: web.Application) -> None:
    """So that the client asks for a token that serves (decision D63)."""
    guard = made({"/known/**": authenticated})
    app = web.Application(middlewares=[guard_middleware(guard)])
    app.router.add_get("/known/orders", requires(scope("write"))(telling()))
    assert send(app, "/known/orders").challenges == ['Bearer realm="api", scope="write"']


@pytest.mark.parametrize("path", [*HANDLERS, "/chat"])
def test_a_marked_handler_without_a_guard_is_never_served(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """It ends with 500, and the log says what is missing."""
    app = web.Application()
    app.router.add_get(path, HANDLERS.get(path) or requires(role("admin"))(bare(chat)))
    assert send(app, path, "ann", *HANDSHAKE).status == 500
    assert "no guard stands in front of it" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: requires(public)(telling()), "must demand something"),
        (lambda: requires("admin")(telling()), "role"),  # type: ignore[arg-type]
        (lambda: requires(role("admin"))(Shop), "subclass of web.View"),
        (lambda: guard_middleware(Bearer(Tokens(PEOPLE))), "Guard"),  # type: ignore[arg-type]
        (lambda: guard_middleware(made(), mount="api"), "'/api'"),
    ],
)
def test_wrong_arguments_are_found_at_construction(wrong: Any, words: str) -> None:
    """The error names the fix."""
    with pytest.raises(ConfigurationError, match=words):
        wrong()


def test_a_handler_that_is_called_without_its_request_is_a_mistake() -> None:
    """It does not run."""
    with pytest.raises(ConfigurationError, match="called without a request"):
        run(requires(role("admin"))(telling())())


def test_a_request_is_authenticated_once_and_reported_once() -> None:
    """Where the handler is shown by the router, where it is not, and where it fails."""
    asked: list[str] = []
    events: list[AuthEvent] = []

    @nonblocking
    def check(credentials: Any) -> Principal | None:
        asked.append(credentials.token)
        return PEOPLE.get(credentials.token)

    app = views(guard=Guard(Bearer(check), rules=RULES, on_event=events.append, remember=0))
    app.router.add_get("/broken", requires(role("admin"))(lambda request: 1 / 0 if request else None))  # type: ignore[arg-type]
    for path, name in (("/inner", "ann"), ("/bare", "ann"), ("/bare", "bob"), ("/calling", ""), ("/known/lost", "bob"), ("/broken", "ann")):
        send(app, path, name)
    assert asked == ["ann", "ann", "bob", "bob", "ann"]
    assert [event.decision for event in events] == ["granted", "granted", "forbidden", "challenged", "hidden", "granted"]


@web.middleware
async def styling(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn each error into a page."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.Response(status=error.status, text=f"styled {error.status}", headers={"X-Styled": "yes"})


@pytest.mark.parametrize("path", ["/known/secret", "/known/hidden", "/known/lost"])
@pytest.mark.parametrize("around", [{}, {"before": styling}, {"after": styling}], ids=["bare", "styled outside", "styled inside"])
def test_what_is_hidden_gives_the_applications_own_404(path: str, around: dict[str, Any]) -> None:
    """The caller cannot tell it from a missing path, whichever middlewares style it."""
    app = views(*([around["before"]] if "before" in around else []), after=(around["after"],) if "after" in around else ())
    missing, found = send(app, "/known/nothing", "bob"), send(app, path, "bob")
    assert (found.status, undated(found), found.body) == (404, undated(missing), missing.body)
    assert found.one("cache-control") == "no-store"
    assert (b"styled" in found.body) == bool(around)
    assert send(app, path, "ann").body == b"ann"
    assert send(app, path).status == 401


def undated(answer: Any) -> list[tuple[str, str]]:
    """The fields of an answer but for the time, which may go on between two answers."""
    return [(name, value) for name, value in answer.headers if name != "date"]


def test_the_404_of_a_sub_application_hides_what_is_in_it() -> None:
    """With the middlewares of both applications, and the right `request.app` in each."""
    seen: list[bool] = []

    def within(where: web.Application) -> Any:
        @web.middleware
        async def look(request: web.Request, handler: Any) -> web.StreamResponse:
            seen.append(request.app is where)
            return await handler(request)

        return look

    @web.middleware
    async def within_api(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return web.json_response({"error": "of the API"}, status=404)

    inner, outer = web.Application(), web.Application(middlewares=[styling])
    inner.middlewares.extend([within(inner), within_api])
    outer.middlewares.extend([guard_middleware(made({"/**": authenticated})), within(outer)])
    inner.router.add_get("/secret", requires(role("admin").hidden())(telling()))
    outer.add_subapp("/api", inner)
    missing, found = send(outer, "/api/nothing", "bob"), send(outer, "/api/secret", "bob")
    assert (found.status, found.headers, found.body) == (404, missing.headers, missing.body)
    assert seen == [True] * 4


def test_an_application_that_answers_every_path_hides_by_a_plain_404() -> None:
    """Also where its handler sends the answer by itself, of which nothing reaches the client."""

    async def swallowing(request: web.Request) -> Any:
        try:
            return await flow(request)
        except Exception:  # noqa: BLE001 - as careless handlers do
            return web.Response(text="swallowed")

    for handler in (tell, flow, chat, swallowing, requires(scope("read"))(bare(flow))):
        app = web.Application(middlewares=[guard_middleware(made())])
        app.router.add_get("/known/hidden", tell)
        app.router.add_get("/{path:.*}", handler)
        found = send(app, "/known/hidden", "bob", *HANDSHAKE)
        assert (found.status, found.one("transfer-encoding")) == (404, None)
        assert len(found.body) == int(found.one("content-length") or 0) > 0


@pytest.mark.parametrize("path", ["/inner", "/known/a", "/bare", "/maybe/a"])
@pytest.mark.parametrize("status", [401, 200, 204, 302, 304, 404, 500])
def test_a_middleware_in_front_styles_the_content_and_changes_nothing_else(path: str, status: int) -> None:
    """The status, the challenges and no-store stay, and the response has the length that it says."""

    @web.middleware
    async def replacing(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPUnauthorized:
            return web.Response(status=status, headers={"WWW-Authenticate": "Evil", "Location": "/"}, text="styled")

    refused = send(views(replacing), path, "wrong" if path == "/maybe/a" else "")
    assert (refused.status, refused.one("cache-control"), refused.one("www-authenticate") or "") == (401, "no-store", refused.challenges[0])
    assert refused.challenges[0].startswith('Bearer realm="api"')
    assert refused.body == (b"" if status in {204, 304} else b"styled")
    assert refused.one("content-length") == str(len(refused.body))


def test_a_middleware_behind_cannot_serve_a_refused_view(app: web.Application) -> None:
    """What it makes of the refusal of a view goes out as the content of the refusal."""

    @web.middleware
    async def careless(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            return web.Response(text="whatever")

    refused = send(views(after=(careless,)), "/bare")
    assert (refused.status, refused.body, len(refused.challenges)) == (401, b"whatever", 1)


def test_every_challenge_is_a_field_of_its_own() -> None:
    """And a middleware in front finds the refusal as the exception of its status."""
    seen: list[type] = []

    @web.middleware
    async def looking(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            seen.append(type(error))
            raise

    guard = Guard(Basic(lambda credentials: None, realm="office"), Bearer(Tokens(PEOPLE)), rules=RULES)
    app = views(looking, guard=guard)
    assert len(send(app, "/inner").challenges) == 2
    assert [send(app, "/inner", "", ("Authorization", value)).status for value in ("Bearer bob", "Bearer", "Basic " + "x" * 9000)] == [
        403,
        400,
        431,
    ]
    assert seen == [web.HTTPUnauthorized, web.HTTPForbidden, web.HTTPBadRequest, web.HTTPRequestHeaderFieldsTooLarge]


@pytest.mark.parametrize("path", ["/maybe/a", "/maybe/flow"])
def test_responses_say_what_caches_must_know(app: web.Application, path: str) -> None:
    """Streams too, which start before the middleware sees them (decision D58)."""
    assert send(app, path).one("vary") == "Authorization"
    assert send(app, path, "bob").one("vary") == send(app, "/maybe/a", "bob").one("vary")


def test_a_handshake_is_refused_before_it_is_answered(app: web.Application) -> None:
    """With the challenge of HTTP; and what is granted opens."""
    refused = send(app, "/chat", "", *HANDSHAKE)
    assert (refused.status, len(refused.challenges)) == (401, 1)
    opened = send(app, "/chat", "ann", *HANDSHAKE)
    assert (opened.status, opened.one("cache-control"), opened.one("vary")) == (101, None, None)
    assert send(app, "/maybe/chat", "", *HANDSHAKE).one("vary") is None


def test_a_handler_that_swallows_its_refusal_opens_no_socket() -> None:
    """It ends with 500."""
    app = views()

    async def careless(request: web.Request) -> web.StreamResponse:
        with suppress(web.HTTPException):
            await requires(role("admin"))(telling())(request)
        return await chat(request)

    app.router.add_get("/careless", careless)
    assert send(app, "/careless", "", *HANDSHAKE).status == 500
    assert send(app, "/careless", "ann", *HANDSHAKE).status == 101


def test_a_token_among_the_subprotocols_is_answered_by_its_marker() -> None:
    """Which browsers need; the token is not sent back, and the application does not see it."""
    seen: list[str] = []

    async def looking(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Sec-WebSocket-Protocol", ""))
        return await chat(request)

    app = web.Application(middlewares=[guard_middleware(Guard(Bearer(Tokens(PEOPLE), subprotocol="bearer"), strip_credentials=True))])
    app.router.add_get("/", looking)
    for offered, chosen in (("bearer, ann", "bearer"), ("bearer, ann, chat", "chat")):
        opened = send(app, "/", "", *HANDSHAKE, ("Sec-WebSocket-Protocol", offered))
        assert (opened.status, opened.all("sec-websocket-protocol")) == (101, [chosen])
    assert "ann" not in "".join(seen)


async def echo(request: web.Request) -> web.Response:
    """Answer with what the handler sees."""
    names = ("Authorization", "X-Remote-User", "X-Other", "Content-Length")
    seen = {name: request.headers.getall(name, []) for name in names}
    raw = sorted(name.decode().lower() for name, _ in request.raw_headers)
    form = dict(await request.post())
    return web.json_response({"seen": seen, "raw": raw, "query": request.query_string, "path": request.raw_path, "form": form})


def test_what_the_handler_must_not_see_is_taken_out() -> None:
    """Identity fields always, whatever octets are beside them; credentials where the guard is told so, in any place."""
    app = web.Application(middlewares=[guard_middleware(Guard(Bearer(Tokens(PEOPLE), query=True, form=True), strip_credentials=True))])
    app.router.add_route("*", "/{path:.*}", echo)
    by_field = send(app, "/a%20b?x=%41", "ann", ("X-Remote-User", "root"), ("X-Other", "\xff"), ("X-Other", "b"))
    assert b'"Authorization": [], "X-Remote-User": [], "X-Other": ["\\udcff", "b"]' in by_field.body
    assert b'"raw": ["host", "x-other", "x-other"], "query": "x=A", "path": "/a%20b?x=%41"' in by_field.body
    by_query = send(app, "/?a=1&access_token=ann&b=2")
    assert b'"query": "a=1&b=2", "path": "/?a=1&b=2"' in by_query.body
    typed = ("Content-Type", "application/x-www-form-urlencoded")
    by_form = send(app, "/", "", typed, method="POST", body=b"a=1&access_token=ann")
    assert b'"Content-Length": ["3"]' in by_form.body
    assert b'"form": {"a": "1"}' in by_form.body


@pytest.mark.parametrize("strip", [False, True])
def test_a_middleware_in_front_may_have_read_the_content(*, strip: bool) -> None:
    """The guard finds the token in it, and the handler reads it again."""

    @web.middleware
    async def reading(request: web.Request, handler: Any) -> web.StreamResponse:
        await request.read()
        return await handler(request)

    for before in ([], [reading]):
        guard = Guard(Bearer(Tokens(PEOPLE), form=True), strip_credentials=strip)
        app = web.Application(middlewares=[*before, guard_middleware(guard)])
        app.router.add_post("/", echo)
        typed = ("Content-Type", "application/x-www-form-urlencoded")
        answer = send(app, "/", "", typed, ("X-Remote-User", "root"), method="POST", body=b"access_token=ann&a=1")
        assert b'"form": ' + (b'{"a": "1"}' if strip else b'{"access_token": "ann", "a": "1"}') in answer.body
        assert send(app, "/", "", typed, method="POST", body=b"access_token=wrong").status == 401
        assert send(app, "/", "", typed, method="POST", body=b"access_token=" + b"a" * 2_000_000).status == 413


def test_a_refused_request_leaves_the_connection_in_order(app: web.Application) -> None:
    """Its content is read and dropped, and the next request on the connection is answered for itself."""
    first = octets(Request(method="POST", target="/inner", body=b"GET /inner HTTP/1.1\r\n\r\n"))
    chunked = Request(method="POST", target="/known/a", body=(b"abc", b"GET /inner HTTP/1.1\r\n\r\n"))
    last = octets(Request(target="/inner", headers=(bearer("ann"), ("Connection", "close"))))
    written = bytes(run(exchanged(app, first + octets(chunked) + last)).written)
    assert [part[:3] for part in written.split(b"HTTP/1.1 ")[1:]] == [b"405", b"401", b"200"]
    assert written.endswith(b"ann")


def test_a_guard_that_meets_a_request_twice_decides_once() -> None:
    """In the application and in a sub-application. Another target is another request."""
    events: list[AuthEvent] = []
    guard = made(on_event=events.append)

    @web.middleware
    async def moving(request: web.Request, handler: Any) -> web.StreamResponse:
        to = request.query.get("to")
        return await handler(request.clone(rel_url=to) if to else request)

    inner = web.Application(middlewares=[moving, guard_middleware(guard)])
    inner.router.add_get("/a", tell)
    outer = web.Application(middlewares=[guard_middleware(guard)])
    outer.add_subapp("/inner", inner)
    assert (send(outer, "/inner/a", "bob").body, len(events)) == (b"", 1)
    assert (send(outer, "/inner/a?to=/known/x").status, len(events)) == (401, 3)


def test_a_guard_with_another_mount_decides_again() -> None:
    """The rule of the path below the mount must be met too (threat P16)."""
    guard = made({"/**": authenticated, "/admin": role("admin")})
    inner = web.Application(middlewares=[guard_middleware(guard, mount="/api")])
    inner.router.add_get("/admin", tell)
    outer = web.Application(middlewares=[guard_middleware(guard)])
    outer.add_subapp("/api", inner)
    assert [send(outer, "/api/admin", name).status for name in ("", "bob", "ann")] == [401, 403, 200]


def test_a_middleware_in_front_may_send_its_page_by_itself_and_ask_again() -> None:
    """The status and the challenge stay; a second call decides nothing again; no socket opens in place of a refusal."""
    events: list[AuthEvent] = []

    @web.middleware
    async def sending(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            await handler(request)
            return await handler(request)
        except web.HTTPUnauthorized:
            return await (chat if request.headers.get("Upgrade") else flow)(request)

    app = views(sending, guard=made(on_event=events.append))
    assert (send(app, "/known/a", "bob").status, len(events)) == (200, 1)
    sent = send(app, "/known/a")
    assert (sent.status, sent.body, sent.challenges) == (401, b"part", ['Bearer realm="api"'])
    assert send(app, "/known/a", "", *HANDSHAKE).status in {401, 500}


def test_nested_applications_may_have_guards_of_their_own() -> None:
    """Both rules must be met, the handler asks the inner guard, and each answer has the fields of both."""
    people = {"zoe": Principal("zoe", roles={"admin"})}
    outside = Guard(Basic(lambda credentials: Principal("staff") if credentials.password == "x" else None, realm="outside"))
    inside = Guard(Bearer(Tokens(people), query=True, realm="inside"), rules={"/a": role("admin"), "/open": public})
    inner = web.Application(middlewares=[guard_middleware(inside, mount="/inner")])
    inner.router.add_get("/a", requires(role("admin"))(telling()))
    inner.router.add_get("/open", tell)
    outer = web.Application(middlewares=[guard_middleware(outside)])
    outer.add_subapp("/inner", inner)
    staff = ("Authorization", "Basic eDp4")
    assert send(outer, "/inner/a?access_token=zoe").challenges == ['Basic realm="outside", charset="UTF-8"']
    assert send(outer, "/inner/open").status == 401
    assert send(outer, "/inner/open", "", staff).status == 200
    refused = send(outer, "/inner/a", "", staff)
    assert (refused.status, refused.challenges) == (401, ['Bearer realm="inside"'])
    granted = send(outer, "/inner/a?access_token=zoe", "", ("Authorization", "Basic eDp4"))
    assert (granted.status, granted.body, granted.one("cache-control")) == (200, b"zoe", "no-store")


def test_a_sub_application_at_two_places_has_the_rules_of_the_real_path() -> None:
    """Aiohttp moves its routes to one of them; the guard reads the path that was routed."""
    inner = web.Application()
    inner.router.add_get("/x", tell)
    outer = web.Application(middlewares=[guard_middleware(made({"/**": public, "/b/**": authenticated}))])
    outer.add_subapp("/a", inner)
    outer.add_subapp("/b", inner)
    assert [send(outer, path).status for path in ("/a/x", "/b/x", "/b/a/x", "/a/b/x")] == [404, 401, 401, 404]
    assert send(outer, "/b/a/x", "bob").body == b"bob"


def test_a_domain_chooses_the_application_and_the_path_the_rule() -> None:
    """No `Host` changes the rule, and the requirement is that of the handler that was chosen."""
    inner = web.Application()
    inner.router.add_get("/open", requires(role("admin"))(telling()))
    inner.router.add_get("/known/a", tell)
    outer = views()
    outer.add_domain("inner.example", inner)
    for host, statuses in (("inner.example", [401, 401]), ("evil/x?", [200, 401]), ("a@inner.example", [200, 401])):
        assert [send(outer, path, "", ("Host", host)).status for path in ("/open", "/known/a")] == statuses


def test_the_method_of_the_route_decides() -> None:
    """Not one that a middleware in front takes from a field, which the router has not seen."""

    @web.middleware
    async def overriding(request: web.Request, handler: Any) -> web.StreamResponse:
        return await handler(request.clone(method=request.headers.get("X-HTTP-Method-Override", request.method)))

    app = web.Application(middlewares=[overriding, guard_middleware(made({"GET /x": public, "POST /x": role("admin")}))])
    app.router.add_post("/x", tell)
    assert send(app, "/x", "", ("X-HTTP-Method-Override", "GET"), method="POST").status == 401


def test_a_middleware_of_its_own_may_call_the_guard() -> None:
    """The guard decides as ever; what hides then is not styled by middlewares whose place is unknown."""
    inner = guard_middleware(made())

    @web.middleware
    async def own(request: web.Request, handler: Any) -> web.StreamResponse:
        return await inner(request, handler)

    app = web.Application(middlewares=[own, styling])
    app.router.add_get("/known/secret", requires(role("admin").hidden())(telling()))
    assert [send(app, "/known/secret", name).status for name in ("", "bob", "ann")] == [401, 404, 200]


def test_a_preflight_is_answered_by_a_cors_layer_inside_and_by_no_handler() -> None:
    """Where the guard is told so; its answer has no content. A layer that fails is refused, and logged."""
    reached: list[str] = []

    @web.middleware
    async def cors(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method == "OPTIONS":
            assert "Authorization" not in request.headers
            if request.headers["Origin"] == "https://b.example":
                raise ValueError("as layers fail")
            return web.Response(text="content", headers={"Access-Control-Allow-Origin": "https://a.example", "Set-Cookie": "a=b"})
        return await handler(request)

    async def handler(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    app = web.Application(middlewares=[guard_middleware(made(cors_inside=True)), cors])
    app.router.add_route("*", "/known/a", handler)
    asks = ("Access-Control-Request-Method", "GET")
    answer = send(app, "/known/a", "", ("Origin", "https://a.example"), asks, method="OPTIONS")
    assert (answer.status, answer.one("access-control-allow-origin"), answer.one("set-cookie"), answer.body) == (
        200,
        "https://a.example",
        None,
        b"",
    )
    assert send(app, "/known/a", "", ("Origin", "https://b.example"), asks, method="OPTIONS").status == 401
    assert send(app, "/known/a", "", ("Origin", "https://a.example"), method="OPTIONS").status == 401
    assert reached == []


def test_what_is_left_to_do_comes_after_the_response() -> None:
    """Also after a stream, a handshake, an error, and a refusal; the client does not wait for it."""
    done: list[str] = []

    @nonblocking
    def check(credentials: Any) -> Accepted:
        return Accepted(PEOPLE["bob"], after_response=Operation(lambda: done.append(credentials.token)))

    async def broken(request: web.Request) -> web.Response:
        assert done == []
        raise ValueError("broken")

    app = views(guard=Guard(Bearer(check), rules={"/**": optional}))
    app.router.add_get("/broken", broken)

    async def asked(path: str) -> None:
        wire = Wire()
        await exchanged(app, octets(Request(target=path, headers=(bearer(path), *HANDSHAKE))), wire)
        for _ in range(2000):  # a worker thread runs it
            if done:
                return
            await asyncio.sleep(0.001)

    for path in ("/maybe/a", "/maybe/flow", "/maybe/chat", "/broken", "/inner", "/bare"):
        run(asked(path))
        assert done == [path]
        done.clear()


def test_a_client_that_leaves_ends_the_exchange() -> None:
    """The event of a request whose handler is cancelled is emitted, once."""
    events: list[AuthEvent] = []

    async def leave() -> None:
        begun = asyncio.Event()

        async def waiting(request: web.Request) -> web.Response:
            begun.set()
            await asyncio.Event().wait()
            return web.Response()

        app = web.Application(middlewares=[guard_middleware(made(on_event=events.append))], handler_args={"handler_cancellation": True})
        app.router.add_get("/known/a", waiting)
        app.freeze()
        protocol = app._make_handler(loop=asyncio.get_running_loop(), access_log=None)()
        protocol.connection_made(Wire())
        protocol.data_received(octets(Request(target="/known/a", headers=(bearer("bob"),))))
        await begun.wait()
        task = protocol._task_handler
        protocol.connection_lost(None)
        assert task is not None
        with pytest.raises(asyncio.CancelledError):
            await task

    run(leave())
    assert [(event.decision, event.principal) for event in events] == [("granted", "bob")]


@pytest.mark.parametrize(
    "spelling", ["/known%2fa", "//known/a", "/x/../known/a", "/known;x/a", "/%6bnown/a", "/known/%61", "/KNOWN/a", "/known/a/"]
)
def test_no_spelling_separates_the_rule_from_the_handler(app: web.Application, spelling: str) -> None:
    """What reaches the handler has met its rule."""
    assert send(app, spelling).status in {400, 401, 404}
    assert send(app, spelling, "bob").body in {b"bob", b"404: Not Found"} or send(app, spelling, "bob").status == 400


@pytest.mark.parametrize(
    "target", ["*", "http://evil/known/a", "http://evil", "x:1", "/\xff", "/%ff", "/known/a#b", "/known/a?b#c", "/?\x80"]
)
def test_odd_targets_are_read_as_the_router_reads_them(app: web.Application, target: str) -> None:
    """Or refused; none of them is an error of the server."""
    for method in ("GET", "OPTIONS", "CONNECT", "HEAD"):
        answer = send(app, target, method=method)
        assert answer.status in {400, 401, 404, 405}, (target, method, answer.status)
        if "known" in target:
            assert answer.status in {400, 401}


def test_head_and_options_are_decided_as_everything_else(app: web.Application) -> None:
    """HEAD has the fields of GET and no content (RFC 9110 §9.3.2)."""
    got, head = send(app, "/known/a"), send(app, "/known/a", method="HEAD")
    assert (head.status, head.body, head.challenges) == (401, b"", got.challenges)
    assert head.one("content-length") == got.one("content-length")
    assert send(app, "/known/a", method="OPTIONS").status == 401


def test_a_peer_without_an_address_has_none() -> None:
    """As on a Unix socket; and what a middleware in front says of a proxy counts."""
    app = web.Application(middlewares=[guard_middleware(made({"/**": network("192.0.2.0/24")}))])
    app.router.add_get("/", tell)
    for client, status in (("192.0.2.7", 200), ("198.51.100.7", 403), (None, 403), ("", 403)):
        assert parsed(bytes(run(exchanged(app, octets(Request(target="/")), Wire(client))).written)).status == status
