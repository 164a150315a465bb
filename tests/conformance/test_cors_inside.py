"""`Guard(cors_inside=True)`: a CORS layer inside the guard answers preflights, and learns and tells nothing else (D57)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from litestar import Litestar, route
from litestar.middleware import DefineMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support.drive import ByASGI, ByHand, ByWSGI, Reply, Request, basic, bearer, request_view, who
from tests.support.each import each
from tests.support.people import KEYS, check_password, check_token, orders_guard
from watchword import ANONYMOUS, APIKey, Basic, Bearer, ConfigurationError, Guard, public, role
from watchword.adapters import asgi, wsgi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.drive import Behind

PREFLIGHT = (("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT"))
ALLOW = ("Access-Control-Allow-Origin", "https://app.example")
CORS = Reply(200, (ALLOW, ("Access-Control-Allow-Methods", "PUT"), ("Vary", "Origin"), ("Content-Type", "text/plain")), b"OK")


def preflight(target: str = "/me", *headers: tuple[str, str], **more: Any) -> Request:
    """A genuine preflight."""
    return Request(method="OPTIONS", target=target, headers=(*PREFLIGHT, *headers), **more)


@each(
    ("target", "moved"),
    [
        ("/me", r"/[0-9a-f]{32}"),
        ("/orders/7", r"/orders/[0-9a-f]{32}"),
        ("/orders/", r"/orders/[0-9a-f]{32}"),
        ("/a/b/c?x=1&access_token=ann-token", r"/a/b/[0-9a-f]{32}"),
        ("/caf%C3%A9/x", r"/café/[0-9a-f]{32}"),
    ],
)
@each("mount", ["", "/api"])
def test_D57_the_application_is_asked_beside_the_path(target: str, moved: str, mount: str, behind: Behind) -> None:
    """The last segment is random, another one each time, below the mount; the query stays out."""
    driver = behind(Guard(Bearer(check_token, query=True), cors_inside=True, default=role("root")), CORS)
    seen = [driver(preflight(mount + target, mount=mount)).seen for _ in range(2)]
    paths = [one.path for one in seen if one is not None]
    assert len(set(paths)) == 2
    assert all(re.fullmatch(moved, path) for path in paths)
    assert [one.query for one in seen if one is not None] == ["", ""]


def test_RFETCH_1_the_answer_is_the_layers_without_its_content(behind: Behind) -> None:
    """Status and CORS fields go out; content, cookies, entity tags and all else that a handler may say do not."""
    said = (*CORS.headers, ("Set-Cookie", "a=b"), ("ETag", '"x"'), ("X-Secret", "s"), ("Content-Length", "2"), ("Location", "/x"))
    answer = behind(orders_guard(cors_inside=True), Reply(200, said, b"OK"))(preflight())
    assert (answer.status, answer.body) == (200, b"")
    expected = [(name.lower(), value) for name, value in CORS.headers[:3]]
    assert answer.headers == [*expected, ("content-length", "0")]
    answer = behind(orders_guard(cors_inside=True), Reply(204, (ALLOW,), b""))(preflight())
    assert (answer.status, answer.headers) == (204, [("access-control-allow-origin", "https://app.example")])


@each("status", [200, 201, 301, 304, 400, 401, 403, 404, 405, 500])
@each("fields", [(), (ALLOW,)])
def test_D57_else_the_refusal_stands(status: int, fields: tuple[tuple[str, str], ...], behind: Behind) -> None:
    """Only 2xx with Access-Control-Allow-Origin counts; everything else is the refusal that any OPTIONS gets."""
    answer = behind(orders_guard(cors_inside=True), Reply(status, (*fields, ("X-App", "1")), b"SECRET"))(preflight())
    refused = behind(orders_guard())(preflight())
    if fields and status < 300:
        assert (answer.status, answer.body) == (status, b"")
    else:
        assert (answer.status, answer.headers, answer.body) == (401, refused.headers, refused.body)


SENT = [
    bearer("ann-token"),
    basic("ann", "wrong"),
    ("Cookie", "session=1; key=ann-key"),
    ("X-API-Key", "ann-key"),
    ("Proxy-Authorization", "Basic YTpi"),
    ("Remote-User", "root"),
    ("X-Forwarded-User", "root"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Original-URL", "/admin"),
    ("X-Amzn-Oidc-Data", "x"),
    ("X-Session", "1"),
    ("Content-Type", "application/x-www-form-urlencoded"),
]


@each("field", SENT)
def test_D57_it_learns_nothing_that_identifies_the_client(field: tuple[str, str], behind: Behind) -> None:
    """Of the fields only those of CORS, of the connection and of proxies get through, and no content; the caller is anonymous."""
    guard = Guard(
        Basic(check_password, realm="x"), Bearer(check_token), APIKey(KEYS, cookie="key"),
        default=role("root"), cors_inside=True,
    )  # fmt: skip
    answer = behind(guard, CORS)(
        preflight("/x", field, ("User-Agent", "u"), ("Access-Control-Request-Headers", "authorization"), body=b"a=b")
    )
    assert answer.seen is not None
    assert {name for name, _ in answer.seen.headers} <= {
        "origin", "access-control-request-method", "access-control-request-headers", "host", "user-agent",
    }  # fmt: skip
    assert (answer.seen.body, answer.seen.principal, who(answer)) == (b"", ANONYMOUS, "")
    assert answer.seen.decision.granted
    assert not {"REMOTE_USER", "AUTH_TYPE", "HTTP_AUTHORIZATION", "CONTENT_LENGTH", "CONTENT_TYPE"} & answer.environ.keys()


def test_D57_what_is_granted_goes_where_it_was_sent(behind: Behind) -> None:
    """Only a refusal is replaced: a public route, and a caller who may, are served as ever."""
    driver = behind(Guard(Bearer(check_token), rules={"/open": public}, cors_inside=True), CORS)
    for request, name in ((preflight("/open"), ""), (preflight("/x", bearer("ann-token")), "ann")):
        answer = driver(request)
        assert answer.seen is not None
        assert (answer.seen.path, who(answer), answer.body) == (request.target, name, b"OK")


@pytest.mark.parametrize(
    "request_",
    [
        preflight("//x"),
        preflight("/x", bearer("a"), bearer("b")),
        preflight("/x", bearer("outage")),
        Request(method="OPTIONS", target="/x", headers=PREFLIGHT[:1]),
        Request(method="GET", target="/x", headers=PREFLIGHT),
        Request(method="HEAD", target="/x", headers=PREFLIGHT),
        Request(method="POST", target="/x", headers=(*PREFLIGHT, ("X-HTTP-Method-Override", "OPTIONS"))),
    ],
    ids=["ambiguous", "twice", "outage", "no method", "GET", "HEAD", "POST"],
)
def test_D57_nothing_else_reaches_the_application(request_: Request, behind: Behind) -> None:
    """What is malformed, cannot be told now, or is no preflight, is refused as ever."""
    answer = behind(Guard(Bearer(check_token), cors_inside=True), CORS)(request_)
    assert (answer.status in {400, 401, 503}, answer.called) == (True, False)


def test_D57_nor_does_a_preflight_in_the_clear(behind: Behind) -> None:
    """Where `require_tls` refuses, an answer would make the browser send credentials over plain http."""
    driver = behind(Guard(Bearer(check_token), require_tls=True, cors_inside=True), CORS)
    answer = driver(preflight("/x", client="192.0.2.1"))
    assert (answer.status, answer.called) == (403, False)
    assert driver(preflight("/x", client="192.0.2.1", scheme="https")).status == 200


def test_D57_a_handshake_is_no_preflight() -> None:
    """WebSocket handshakes with its fields are refused."""
    answer = ByASGI(orders_guard(cors_inside=True))(Request(kind="websocket", target="/me", headers=PREFLIGHT))
    assert (answer.status, answer.called) == (401, False)


def test_D57_the_bare_guard_refuses() -> None:
    """A server of one's own has no application that the guard could ask."""
    assert ByHand(orders_guard(cors_inside=True))(preflight()).status == 401


def test_D57_a_guard_inside_decides_about_the_moved_path(behind: Behind) -> None:
    """The marker of the outer guard does not cover the path that the application is asked for, even where both are the same guard."""
    for inner, status in ((orders_guard(), 401), (orders_guard(cors_inside=True), 200)):
        module: Any = asgi if behind is ByASGI else wsgi
        end: Any = (asgi_layer if behind is ByASGI else wsgi_layer)({"status": 200, "fields": [ALLOW]})
        assert behind(orders_guard(cors_inside=True), app=module.GuardMiddleware(end, inner))(preflight()).status == status
        assert behind(inner, app=module.GuardMiddleware(end, inner))(preflight()).status == status


@pytest.mark.parametrize("framework", ["litestar", "starlette"])
def test_D57_behind_a_router_the_application_is_not_asked(framework: str) -> None:
    """A middleware of Litestar, or of a route of Starlette, cannot ask for another path: the real handler would run."""
    ran: list[str] = []
    app: Any
    guarded: Any = asgi.GuardMiddleware
    if framework == "litestar":

        @route("/me", http_method=["OPTIONS", "GET"], sync_to_thread=False)
        def handler() -> str:
            ran.append("litestar")
            return "gold"

        app = Litestar(
            [handler],
            openapi_config=None,
            logging_config=None,
            middleware=[DefineMiddleware(guarded, guard=orders_guard(cors_inside=True))],
        )
    else:

        async def view(request: Any) -> PlainTextResponse:
            ran.append("starlette")
            return PlainTextResponse("gold")

        app = Starlette(
            routes=[Route("/me", view, methods=["GET", "OPTIONS"], middleware=[Middleware(guarded, guard=orders_guard(cors_inside=True))])]
        )
    answer = ByASGI(Guard(Bearer(check_token), default=public), app=app)(preflight())
    assert (answer.status, ran) == (401, [])


def asgi_layer(say: dict[str, Any]) -> Any:
    """An ASGI application that answers so."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if say.get("early"):
            await send({"type": "http.response.body", "body": b"SECRET", "more_body": True})
        if say.get("raises"):
            raise LookupError("a bug")
        if "status" in say:
            headers = [(name.encode(), value.encode()) for name, value in say["fields"]]
            await send({"type": "http.response.start", "status": say["status"], "headers": headers})
            for _ in range(say.get("parts", 0)):
                await send({"type": "http.response.body", "body": b"SECRET", "more_body": True})
            await send({"type": "http.response.body", "body": b"SECRET"})
        if say.get("waits"):
            while (await receive())["type"] != "http.disconnect":
                pass
        if say.get("raises later"):
            raise LookupError("a bug")

    return app


def wsgi_layer(say: dict[str, Any]) -> Any:  # noqa: C901 - one application for every fault
    """A WSGI application that does the same."""

    class Result:
        def __init__(self, parts: Iterable[bytes]) -> None:
            self._parts = parts

        def __iter__(self) -> Any:
            return iter(self._parts)

        def close(self) -> None:
            say["closed"] = say.get("closed", 0) + 1
            if say.get("raises later"):
                raise LookupError("a bug")

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        def parts() -> Iterable[bytes]:
            if say.get("early"):
                yield from [b""] * 3
            if say.get("raises"):
                raise LookupError("a bug")
            if "status" in say:
                start_response(f"{say['status']} Whatever", list(say["fields"]))(b"SECRET")
            for _ in range(say.get("parts", 1)):
                yield b"SECRET"
            yield from environ["wsgi.input"]

        return Result(parts())

    return app


@pytest.mark.parametrize(
    ("say", "status"),
    [
        ({}, 401),
        ({"raises": True}, 401),
        ({"status": 200, "fields": [ALLOW], "parts": 10**9}, 200),
        ({"status": 200, "fields": [], "parts": 10**9}, 401),
        ({"parts": 10**9}, 401),
        ({"status": 200, "fields": [ALLOW], "early": True}, 200),
        ({"status": 404, "fields": [ALLOW], "early": True}, 401),
        ({"status": 200, "fields": [ALLOW], "waits": True}, 200),
        ({"status": 200, "fields": [ALLOW], "raises later": True}, 200),
        ({"status": 200, "fields": [], "raises later": True}, 401),
        ({"status": 200, "fields": [("access-control-allow-origin", "*")]}, 200),
    ],
    ids=["silent", "raises", "endless", "endless without", "never started", "early", "early 404", "waits", "later", "later without", "any"],
)
def test_D57_whatever_the_application_does(say: dict[str, Any], status: int, behind: Behind, caplog: pytest.LogCaptureFixture) -> None:
    """One answer goes out, without content: an application that fails, is silent, or never ends, causes neither a 500 nor a hang."""
    said = dict(say)
    app = (asgi_layer if behind is ByASGI else wsgi_layer)(said)
    with caplog.at_level(logging.ERROR, "watchword"):
        answer = behind(orders_guard(cors_inside=True), app=app)(preflight())
    assert answer.status == status
    assert b"SECRET" not in answer.body
    assert len(answer.messages) in {0, 2}
    if behind is ByWSGI:
        assert said["closed"] == 1
        assert bool(caplog.messages) is bool(say.get("raises") or (say.get("raises later")))
    else:
        assert bool(caplog.messages) is bool(say.get("raises") or say.get("raises later"))


def test_D57_a_mistake_in_the_configuration_is_raised(behind: Behind) -> None:
    """It is for the developer, so it does not end as a refusal."""

    def raises(*_: Any) -> Any:
        raise ConfigurationError("mend it")

    async def araises(*_: Any) -> None:
        raises()

    with pytest.raises(ConfigurationError, match="mend it"):
        behind(orders_guard(cors_inside=True), app=araises if behind is ByASGI else raises)(preflight())


def test_D57_the_environ_of_outer_middlewares_is_not_touched() -> None:
    """Their logs show the path that was asked for."""
    environ: dict[str, Any] = {}
    layer = wsgi.GuardMiddleware(wsgi_layer({"status": 200, "fields": [ALLOW]}), orders_guard(cors_inside=True))

    def outer(given: dict[str, Any], start_response: Any) -> Any:
        environ.update(given)
        result = layer(given, start_response)
        environ.update(given)
        return result

    answer = ByWSGI(Guard(Bearer(check_token), default=public), app=outer)(preflight("/orders/7", ("X-Api-Key", "ann-key")))
    assert (answer.status, environ["PATH_INFO"], environ["HTTP_X_API_KEY"]) == (200, "/orders/7", "ann-key")


@pytest.mark.parametrize("inside", [False, True])
def test_D57_a_refused_preflight_warns_once_with_the_remedy(inside: bool, behind: Behind, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001
    """Per guard, not per request; other refusals do not warn, and what the client sent is escaped and cut."""
    driver = behind(orders_guard(cors_inside=inside), Reply(404))
    with caplog.at_level(logging.WARNING, "watchword"):
        driver(Request(method="OPTIONS", target="/me"))
        driver(preflight("//me"))
        assert caplog.messages == []
        evil = Request(method="OPTIONS", target="/me", headers=(("Origin", "x\x1b[31m" + "y" * 4000), PREFLIGHT[1]))
        for request in (evil, preflight(), preflight("/admin")):
            driver(request)
    (message,) = caplog.messages
    assert ("its CORS layer" if inside else "cors_inside=True") in message
    assert "outside the guard" in message
    assert "\x1b" not in message
    assert len(message) < 1000


@pytest.mark.parametrize("wrong", ["yes", 1, None, ["https://app.example"]])
def test_cors_inside_is_a_switch(wrong: Any) -> None:
    """Origins belong into the CORS layer; a list here is a mistake, found at construction."""
    with pytest.raises(ConfigurationError, match=r"Guard\(cors_inside=\.\.\.\) must be True or False"):
        orders_guard(cors_inside=wrong)


@pytest.mark.parametrize("origin", ["https://app.example", "https://evil.example", "null"])
def test_D57_the_layer_decides_about_origins(origin: str) -> None:
    """An origin that the CORS layer refuses gets the guard's refusal."""
    layer = CORSMiddleware(asgi_layer({}), allow_origins=["https://app.example"], allow_methods=["PUT"])
    answer = ByASGI(orders_guard(cors_inside=True), app=layer)(
        Request(method="OPTIONS", target="/me", headers=(("Origin", origin), PREFLIGHT[1]))
    )
    assert answer.status == (200 if origin == "https://app.example" else 401)


@pytest.mark.parametrize("inside", [False, True])
def test_explain_says_what_becomes_of_a_preflight(inside: bool) -> None:  # noqa: FBT001 - the setting
    """It names the remedy, or what the adapters do."""
    guard = orders_guard(cors_inside=inside)
    text = str(guard.explain(request_view(preflight("/admin"))))
    assert "CORS preflight: it carries no credentials, so the rule refuses it." in text
    assert ("asks the application" if inside else "cors_inside=True") in text
