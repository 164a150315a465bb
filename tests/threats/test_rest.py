"""Caches, dispatch and empty lists and requests of other origins (threats C4, S3, S4, S6, S7, S12)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.support.drive import ByASGI, ByHand, ByWSGI, Reply, Request, asgi_scope, basic, bearer, who, wsgi_environ
from tests.support.each import each
from tests.support.people import ANN, ASK_ALL, KEYS, Counting, check_token, orders_guard
from watchword import (
    ANONYMOUS,
    Accepted,
    APIKey,
    Basic,
    Bearer,
    BearerToken,
    ConfigurationError,
    Guard,
    Principal,
    acr,
    factor,
    network,
    nobody,
    optional,
    permission,
    public,
    role,
    scope,
    via,
)
from watchword.adapters.asgi import GuardMiddleware as ASGIGuardMiddleware
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuardMiddleware
from watchword.checkers import Tokens
from watchword.checkers.adapt import nonblocking

if TYPE_CHECKING:
    from starlette.requests import Request as StarletteRequest

    from tests.support.drive import Behind, Through


def me(*headers: tuple[str, str], method: str = "GET", target: str = "/me") -> Request:
    """A request with these fields."""
    return Request(method=method, target=target, headers=headers)


ANN_KEY, BOB_KEY = ("Cookie", "key=ann-key"), ("Cookie", "key=bob-key")


@pytest.mark.parametrize("carrier", ["cookie", "header", "token"])
def test_C4_ambiguous_credentials_are_never_cached(carrier: str, behind: Behind) -> None:
    """After a caller was cached, two credentials at once are still refused, and no caller is taken for another."""
    ann, bob = {
        "cookie": (ANN_KEY, BOB_KEY),
        "header": (("X-API-Key", "ann-key"), ("X-API-Key", "bob-key")),
        "token": (bearer("ann-key"), bearer("bob-key")),
    }[carrier]
    guard = Guard(Bearer(KEYS), APIKey(KEYS, cookie="key"), rules={"/": optional})
    driver = behind(guard)
    twice = me(("Cookie", "key=ann-key; key=bob-key")) if carrier == "cookie" else me(ann, bob)
    for _ in range(3):
        assert who(driver(me(ann))) == "ann"
        assert driver(twice).status == 400
        assert (driver(me()).status, who(driver(me(target="/")))) == (401, "")
        assert who(driver(me(bob))) == "bob"
        assert driver(twice).status == 400
        assert who(driver(me(ann, target="/"))) == "ann"
        assert who(driver(me(target="/"))) == ""


def test_C4_two_carriers_are_never_cached_as_one(behind: Behind) -> None:
    """A cached token beside another kind of credentials is two credentials, as it was the first time."""
    driver = behind(Guard(Bearer(Tokens({"t": ANN})), APIKey(KEYS)))
    for _ in range(3):
        assert driver(me(bearer("t"))).status == 200
        assert driver(me(bearer("t"), ("X-API-Key", "bob-key"))).status == 400
        assert driver(me(bearer("t"), ("X_API_Key", "bob-key"))).status == (400 if behind is ByASGI else 200)
        assert driver(me(bearer("t"), bearer("t"))).status == 400
        assert driver(me(bearer("t"), ("Host", "a"))).status == 200
        assert driver(me(bearer("t"), ("Host", "a"), ("Host", "b"))).status == 400
        assert driver(me(bearer("t"), ("Host", "a,b"))).status == 400


def test_C4_anonymous_callers_are_never_cached(behind: Behind) -> None:
    """An anonymous request leaves no entry: the next caller is checked."""
    checker = Counting()
    driver = behind(Guard(Bearer(checker), default=optional))
    for count in range(1, 4):
        assert who(driver(me())) == ""
        assert who(driver(me(bearer("t")))) == "ann"
        assert len(checker.asked) == count


# S3: every way into an application is guarded, and each request is decided once


def starlette_site(ran: list[str]) -> Starlette:
    """An application with a mounted one, an error handler and a redirect."""

    async def page(request: StarletteRequest) -> PlainTextResponse:
        ran.append(request.url.path)
        if request.url.path.endswith("/fails"):
            raise LookupError
        return PlainTextResponse(str(request.user.display_name))

    async def failed(request: StarletteRequest, error: Exception) -> Response:
        ran.append("failed")
        return PlainTextResponse("failed", 500)

    inner = Router([Route("/page", page), Route("/fails", page)])
    routes = [Route("/page", page), Route("/fails", page), Mount("/sub", inner), Mount("/deep", routes=[Mount("/er", inner)])]
    return Starlette(routes=routes, exception_handlers={LookupError: failed})


PLACES = ["/page", "/sub/page", "/deep/er/page", "/sub/fails", "/fails"]


@pytest.mark.anyio
@pytest.mark.parametrize("target", PLACES)
async def test_S3_mounted_applications_are_guarded(target: str) -> None:
    """What is mounted below a guarded application is reached through the guard alone, in Starlette."""
    ran: list[str] = []
    driver = ByASGI(orders_guard(), app=starlette_site(ran))
    assert ((await driver.awaited(me(target=target))).status, ran) == (401, [])
    answer = await driver.awaited(me(bearer("ann-token"), target=target))
    assert (answer.status, len(ran)) == ((500, 2) if target.endswith("fails") else (200, 1))


@pytest.mark.anyio
@pytest.mark.parametrize("target", PLACES)
async def test_S3_an_error_is_not_decided_again(target: str) -> None:
    """With the same guard around the application and around what is mounted, one request is decided once, errors included."""
    asked: list[str] = []

    async def check(credentials: BearerToken) -> Principal:
        asked.append(credentials.token)
        return ANN

    guard = Guard(Bearer(check))
    app = starlette_site([])
    app.user_middleware.append(Middleware(ASGIGuardMiddleware, guard=guard))
    answer = await ByASGI(guard, app=app).awaited(me(bearer("t"), target=target))
    assert (answer.status in {200, 500}, asked) == (True, ["t"])
    assert len([message for message in answer.messages if message["type"] == "http.response.start"]) == 1


@pytest.mark.parametrize("target", ["/page", "/sub/page", "/fails", "/sub/fails", "/missing"])
def test_S3_mounted_wsgi_applications_are_guarded(target: str) -> None:
    """What is mounted below a guarded application is reached through the guard alone, in Flask and Werkzeug's dispatcher."""
    ran: list[str] = []
    app = Flask("site")

    def page() -> str:
        ran.append("page")
        return "page"

    def fails() -> str:
        ran.append("fails")
        raise LookupError

    def failed(error: Exception) -> tuple[str, int]:
        return "failed", 500

    app.add_url_rule("/page", "page", page)
    app.add_url_rule("/fails", "fails", fails)
    app.register_error_handler(LookupError, failed)
    driver = ByWSGI(orders_guard(), app=DispatcherMiddleware(app.wsgi_app, {"/sub": app.wsgi_app}))
    assert (driver(me(target=target)).status, ran) == (401, [])
    assert driver(me(bearer("ann-token"), target=target)).status in {200, 404, 500}


def test_S3_a_request_that_is_rewritten_is_decided_again() -> None:
    """A layer between that sends a request elsewhere does not carry the decision along: the same guard decides about the new place."""
    rules = {"/open": public, "/closed": role("root")}

    def rewriting(app: Any) -> Any:
        async def asgi(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "path": "/closed", "raw_path": b"/closed"}, receive, send)

        return asgi

    def rewriting_wsgi(app: Any) -> Any:
        def wsgi(environ: Any, start_response: Any) -> Any:
            return app({**environ, "PATH_INFO": "/closed", "REQUEST_URI": "/closed"}, start_response)

        return wsgi

    guard = Guard(Bearer(check_token), rules=rules)
    reached: list[Any] = []

    async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope)

    def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
        reached.append(environ)
        return []

    outer = ByASGI(guard, app=rewriting(ASGIGuardMiddleware(asgi_app, guard)), loop=False)
    assert outer(me(target="/open")).status == 401
    assert ByWSGI(guard, app=rewriting_wsgi(WSGIGuardMiddleware(wsgi_app, guard)))(me(target="/open")).status == 401
    assert reached == []


@pytest.mark.parametrize("forged", [(0, "GET", "/me"), True, "granted", ("x",), None])
def test_S3_the_mark_of_a_decision_cannot_be_forged(forged: Any) -> None:
    """Only the guard itself is a proof that the guard has decided; no header is, and nothing that compares equal by accident."""

    def server(request: Request) -> dict[str, Any]:
        return {**asgi_scope(request), "watchword.guard": forged}

    def wsgi_server(request: Request) -> dict[str, Any]:
        return {**wsgi_environ(request), "watchword.guard": forged, "HTTP_WATCHWORD.GUARD": "x", "HTTP_WATCHWORD_GUARD": "x"}

    assert ByASGI(orders_guard(), server=server)(me()).status == 401
    assert ByWSGI(orders_guard(), server=wsgi_server)(me()).status == 401


def test_S4_a_principal_is_authenticated_or_anonymous() -> None:
    """A verdict cannot accept None or ANONYMOUS, a principal has an id, and ANONYMOUS is the only principal without one."""
    for nobody_ in (None, ANONYMOUS, "ann", 0):
        with pytest.raises(TypeError, match="Principal"):
            Accepted(nobody_)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="non-empty"):
        Principal("")
    with pytest.raises(TypeError, match="string"):
        Principal(None)  # type: ignore[arg-type]
    assert (ANONYMOUS.is_authenticated, ANONYMOUS.id) == (False, "")


def test_S4_a_checker_that_answers_nothing_refuses(through: Through) -> None:
    """None from a checker, as from a function that forgets to return, is a refusal; on an optional route as well."""

    @nonblocking
    def check(credentials: BearerToken) -> None:
        """Say nothing."""

    driver = through(Guard(Bearer(check), rules={"/": optional}))
    assert [driver(me(bearer("t"), target=target)).status for target in ("/", "/me")] == [401, 401]


def test_S4_a_checker_that_returns_an_anonymous_principal_is_a_bug(through: Through) -> None:
    """Accepting with ANONYMOUS is an error, and grants nothing."""

    @nonblocking
    def check(credentials: BearerToken) -> Principal:
        return ANONYMOUS

    with pytest.raises(TypeError, match="must be an authenticated Principal"):
        through(Guard(Bearer(check), default=optional))(me(bearer("t")))


@pytest.mark.parametrize("target", ["/healthz", "/", "/me", "/inside"])
def test_S4_the_application_always_gets_a_principal(target: str, behind: Behind) -> None:
    """An anonymous caller is ANONYMOUS, and not None."""
    headers = (bearer("ann-token"),) if target == "/me" else ()
    answer = behind(orders_guard())(Request(target=target, headers=headers, client="10.0.0.1"))
    assert answer.seen is not None
    assert isinstance(answer.seen.principal, Principal)
    assert (answer.seen.principal is ANONYMOUS) == (target != "/me")


# S6: the guard's fields survive whatever the application does


@each("method", ["GET", "HEAD", "POST", "OPTIONS", "JEFF"])
@each("more", [(), (("If-None-Match", "*"),), (("Range", "bytes=0-1"),), (("Expect", "100-continue"),)])
def test_S6_challenges_survive(method: str, more: tuple[tuple[str, str], ...], through: Through) -> None:
    """A 401 has its challenges and is not stored, whatever the method and whatever is asked of it."""
    answer = through(orders_guard())(me(*more, method=method))
    assert (answer.status, answer.challenges, answer.one("cache-control")) == (401, ASK_ALL, "no-store")


@pytest.mark.parametrize("status", [200, 204, 206, 301, 304, 404, 500])
def test_S6_advice_survives_every_status(status: int, behind: Behind) -> None:
    """What caches are told is told with every status of the application, 304 and errors included."""
    guard = Guard(Bearer(check_token), APIKey(KEYS), rules={"/": optional})
    driver = behind(guard, Reply(status, (), b""))
    assert driver(me(target="/")).all("vary") == ["Authorization, X-API-Key"]
    assert driver(me(("X-API-Key", "ann-key"))).all("cache-control") == ["private"]


@pytest.mark.anyio
async def test_S6_advice_survives_streams_and_errors() -> None:
    """A streamed response, and the page of an error that a handler makes, carry it too."""

    async def stream(request: StarletteRequest) -> StreamingResponse:
        async def parts() -> Any:
            yield b"a"
            yield b"b"

        return StreamingResponse(parts())

    async def fails(request: StarletteRequest) -> Response:
        raise LookupError

    async def failed(request: StarletteRequest, error: Exception) -> Response:
        return PlainTextResponse("failed", 500)

    app = Starlette(routes=[Route("/stream", stream), Route("/fails", fails)], exception_handlers={LookupError: failed})
    driver = ByASGI(Guard(Bearer(check_token), default=optional), app=app)
    for target, status in (("/stream", 200), ("/fails", 500), ("/missing", 404)):
        answer = await driver.awaited(me(target=target))
        assert (answer.status, answer.one("vary")) == (status, "Authorization")


def test_S6_a_challenge_survives_an_application_that_would_fail(behind: Behind) -> None:
    """Whatever the application would do, a refused request has its complete answer without it."""

    def app(*_arguments: Any) -> Any:
        raise AssertionError("the application was called")

    answer = behind(orders_guard(), app=app)(me(basic("ann", "x")))
    assert (answer.status, answer.challenges) == (401, ASK_ALL)


# S7: empty lists deny

EMPTY = {"network": network(), "role": role(), "scope": scope(), "permission": permission(), "via": via(), "acr": acr(), "factor": factor()}


@each("name", EMPTY)
def test_S7_an_empty_list_denies(name: str, through: Through) -> None:
    """A requirement that names nothing is never met: 403 for every caller."""
    driver = through(Guard(Bearer(check_token), rules={"/x": EMPTY[name]}, default=public))
    for headers in ((), (bearer("ann-token"),), (bearer("zoe-token"),)):
        for client in ("192.0.2.7", "127.0.0.1", None):
            answer = driver(Request(target="/x", headers=headers, client=client))
            assert (answer.status, answer.called) == (403, False)


@pytest.mark.parametrize("name", sorted(set(EMPTY) - {"network"}))
def test_S7_the_opposite_of_an_empty_list_is_an_error(name: str) -> None:
    """`~role()` would admit every caller: it fails where it is written."""
    with pytest.raises(ConfigurationError, match="names nothing"):
        ~EMPTY[name]


def test_S7_an_empty_list_in_a_combination_admits_no_further_caller(through: Through) -> None:
    """Beside `&` an empty list denies; beside `|` it adds no caller."""
    driver = through(Guard(Bearer(check_token), rules={"/and": role("admin") & network(), "/or": role("admin") | network()}))
    assert [driver(me(bearer("ann-token"), target=target)).status for target in ("/and", "/or")] == [403, 200]
    assert [driver(me(bearer("bob-token"), target=target)).status for target in ("/and", "/or")] == [403, 403]
    assert driver(me(target="/or")).status == 401


def test_S7_an_empty_table_of_rules_grants_nothing(through: Through) -> None:
    """Without rules every path needs a login; `default=nobody` closes all of them."""
    assert through(Guard(Bearer(check_token), rules={}))(me()).status == 401
    assert through(Guard(Bearer(check_token), default=nobody))(me(bearer("ann-token"))).status == 403


def test_S7_empty_lists_of_origins_and_names_close() -> None:
    """Without origins a foreign one is refused to a cookie; without identity headers none is taken out, and none is believed."""
    guard = Guard(APIKey(KEYS, cookie="key"), origins=[], identity_headers=[])
    foreign = (("Cookie", "key=ann-key"), ("Host", "a"), ("Origin", "https://b"))
    assert ByASGI(guard)(Request(kind="websocket", target="/x", headers=foreign)).status == 403
    assert ByHand(guard)(me(("Remote-User", "ann"))).status == 401


@pytest.mark.parametrize("field", [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Origin", "https://evil.example")])
def test_S12_no_foreign_page_acts_by_credentials_that_browsers_add(field: tuple[str, str], through: Through) -> None:
    """A form post or handshake of another origin is 403 to Basic and cookies, and the checker is not asked; the whole is in conformance."""
    passwords, keys = Counting(), Counting()
    driver = through(Guard(Basic(passwords, realm="a"), APIKey(keys, cookie="key")))
    for shown in (basic("ann", "x"), ("Cookie", "key=x")):
        for request in (Request(method="POST"), Request(headers=(("Upgrade", "websocket"),))):
            answer = driver(replace(request, headers=(*request.headers, ("Host", "a.example"), shown, field)))
            assert (answer.status, answer.called) == (403, False)
    assert passwords.asked == keys.asked == []
