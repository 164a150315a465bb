"""Tests Starlette's authentication backends as schemes of a guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    BaseUser,
    SimpleUser,
    UnauthenticatedUser,
    requires,
)
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse

from watchword import ConfigurationError, Guard, RequestView, Unavailable, authenticated, optional, public, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.starlette import Backend
from watchword.adapters.starlette import requires as ours
from watchword.adapters.wsgi import GuardMiddleware as ByWSGI

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.websockets import WebSocket

TOKENS = {"Bearer t1": (["authenticated", "read"], "ann"), "Bearer t2": (["authenticated"], "bob")}


class Tokens(AuthenticationBackend):
    """Knows two tokens, and counts its calls."""

    calls = 0

    async def authenticate(self, conn: HTTPConnection) -> Any:
        """Find the token."""
        self.calls += 1
        sent = conn.headers.get("authorization", "")
        if sent == "Bearer stop":
            raise AuthenticationError(f"bad token {sent}")
        if sent not in TOKENS:
            return None
        scopes, name = TOKENS[sent]
        return AuthCredentials(scopes), SimpleUser(name)


class Sessions(AuthenticationBackend):
    """Knows who is in the session."""

    async def authenticate(self, conn: HTTPConnection) -> Any:
        """Find the name."""
        name = conn.session.get("name")
        return None if name is None else (AuthCredentials(["authenticated"]), SimpleUser(name))


class Answering(AuthenticationBackend):
    """Answers always the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def authenticate(self, conn: HTTPConnection) -> Any:
        """Return it, or raise it."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def who(request: Request) -> Response:
    """Say who it is."""
    return JSONResponse([request.user.id, type(request.user.claims.get("user")).__name__, sorted(request.auth.scopes)])


@requires("read")
async def read(request: Request) -> Response:
    """Say who it is."""
    return JSONResponse(request.user.display_name)


@ours(scope("read"))
async def marked(request: Request) -> Response:
    """Say who it is."""
    return JSONResponse(request.user.display_name)


async def enter(request: Request) -> Response:
    """Put a name into the session."""
    request.session.update(request.query_params)
    return JSONResponse("entered")


async def socket(websocket: WebSocket) -> None:
    """Say who it is."""
    await websocket.accept()
    await websocket.send_json(websocket.user.id)
    await websocket.close()


ROUTES = [
    Route("/who", who, methods=["GET", "POST"]),
    Route("/maybe", who, methods=["GET", "POST"]),
    Route("/read", read),
    Route("/open/marked", marked),
    Route("/enter", enter),
    WebSocketRoute("/socket", socket),
]
RULES = {"/maybe": optional, "/open/**": public, "/enter": public}


def client(backend: AuthenticationBackend, scheme: str = "Bearer", **settings: Any) -> TestClient:
    """Make a client of an application with a backend."""
    guard = Guard(Backend(backend, scheme=scheme, **settings), rules=RULES)
    middleware = [Middleware(SessionMiddleware, secret_key="s"), Middleware(GuardMiddleware, guard=guard)]
    return TestClient(Starlette(routes=ROUTES, middleware=middleware), base_url="http://localhost", raise_server_exceptions=False)


def sent(value: str) -> dict[str, str]:
    """Return the header fields of a caller."""
    return {"Authorization": value}


ANN = sent("Bearer t1")


def test_the_user_and_the_scopes_of_a_backend_are_the_principals() -> None:
    """`request.user` names the user of the backend, and Starlette's own `@requires` works."""
    asked = client(Tokens())
    assert asked.get("/who", headers=ANN).json() == ["ann", "SimpleUser", ["authenticated", "read"]]
    assert asked.get("/read", headers=ANN).json() == "ann"
    assert asked.get("/read", headers=sent("Bearer t2")).status_code == 403
    assert asked.get("/open/marked", headers=ANN).json() == "ann"
    assert asked.get("/open/marked", headers=sent("Bearer t2")).headers["www-authenticate"].endswith('scope="read"')


@pytest.mark.parametrize("path", ["/who", "/maybe", "/open/marked"])
@pytest.mark.parametrize("value", ["Bearer stop", "Bearer t3"])
def test_an_error_of_a_backend_and_none_for_a_token_refuse(path: str, value: str, caplog: pytest.LogCaptureFixture) -> None:
    """D18: a client sends its token on purpose, so that it is refused on optional routes too. What the client sent is logged nowhere."""
    with caplog.at_level("DEBUG", "watchword"):
        refused = client(Tokens()).get(path, headers=sent(value))
    assert (refused.status_code, refused.headers["cache-control"]) == (401, "no-store")
    assert refused.headers["www-authenticate"].startswith('Bearer realm="api", error="invalid_token"')
    assert "stop" not in refused.text + caplog.text


def test_a_backend_is_called_only_where_credentials_are_shown() -> None:
    """N1: not where nothing is shown, nor for another scheme, nor on public routes; and once for each request that shows some."""
    backend = Tokens()
    asked = client(backend)
    assert [asked.get(path, headers=headers).status_code for path, headers in [("/who", {}), ("/maybe", {}), ("/enter", ANN)]] == [
        401,
        200,
        200,
    ]
    assert asked.get("/who", headers=sent("Basic YTpi")).headers["www-authenticate"] == 'Bearer realm="api"'
    assert backend.calls == 0
    assert client(backend, header="X-Key", cookie="key").get("/who", headers=sent("Basic YTpi")).status_code == 401
    assert backend.calls == 0
    for _ in range(3):
        asked.get("/open/marked", headers=ANN)
    assert backend.calls == 3


def test_a_session_without_a_login_is_anonymous() -> None:
    """A browser sends its cookie with every request; the backend finds the session that a middleware has put into the scope."""
    asked = client(Sessions(), "Cookie", cookie="session")
    assert asked.get("/enter?page=1").status_code == 200
    assert asked.cookies.get("session")
    assert asked.get("/maybe").json() == ["", "NoneType", []]
    refused = asked.get("/who")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Cookie realm="api"')
    asked.get("/enter?name=ann")
    assert asked.get("/who").json() == ["ann", "SimpleUser", ["authenticated"]]
    assert asked.get("/maybe").json()[0] == "ann"


def test_caches_know_of_the_cookie() -> None:
    """D58: the answer to an anonymous caller is not that to a caller with a login."""
    asked = client(Sessions(), "Cookie", cookie="session")
    asked.get("/enter?page=1")
    assert "Cookie" in asked.get("/maybe").headers["vary"]
    asked.get("/enter?name=ann")
    assert asked.get("/maybe").headers["cache-control"] == "private"


def test_a_page_of_another_origin_cannot_use_a_cookie() -> None:
    """D61: what a browser sends by itself counts from the own origin alone."""
    asked = client(Sessions(), "Cookie", cookie="session")
    asked.get("/enter?name=ann")
    assert asked.post("/who", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert asked.post("/who", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert (
        client(Answering((AuthCredentials(), SimpleUser("ann"))), "basic")
        .post("/who", headers={**sent("Basic YTpi"), "Origin": "https://evil.example"})
        .status_code
        == 403
    )


def test_a_websocket_is_refused_before_it_is_accepted() -> None:
    """With the status and the challenge of a refusal, where the server can send them."""
    asked = client(Tokens())
    for headers in ({}, sent("Bearer stop")):
        with pytest.raises(WebSocketDenialResponse) as refused, asked.websocket_connect("/socket", headers=headers):
            pass
        assert (refused.value.status_code, refused.value.headers["www-authenticate"][:6]) == (401, "Bearer")
    with asked.websocket_connect("/socket", headers=ANN) as opened:
        assert opened.receive_json() == "ann"


@pytest.mark.parametrize("headers", [{**ANN, "X-Key": "t1"}, {"Cookie": "key=a; key=b"}])
def test_credentials_in_two_places_are_refused(headers: dict[str, str]) -> None:
    """H1: the backend would take one of them."""
    assert client(Tokens(), header="X-Key", cookie="key").get("/who", headers=headers).status_code == 400


def test_credentials_are_taken_from_a_field_of_their_own() -> None:
    """The carrier is that field, which makes the response private."""
    answer = client(Answering((AuthCredentials(), SimpleUser("ann"))), "Key", header="X-Key").get("/who", headers={"X-Key": "t1"})
    assert (answer.json()[0], answer.headers["cache-control"]) == ("ann", "private")


class Named(BaseUser):
    """A user without an identity."""

    is_authenticated = True
    display_name = "ann"


class Method(SimpleUser):
    """A user whose `is_authenticated` is a method that answers no."""

    def is_authenticated(self) -> bool:  # type: ignore[override]
        """Answer."""
        return False


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((AuthCredentials(), Named()), 200),
        ((AuthCredentials(["all"]), UnauthenticatedUser()), 401),
        ((AuthCredentials(), Method("ann")), 401),
        ((AuthCredentials(), SimpleUser("")), 401),
        ((AuthCredentials(), SimpleUser(7)), 200),  # type: ignore[arg-type]
        ((AuthCredentials(), SimpleUser(1.5)), 500),  # type: ignore[arg-type]
        ((AuthCredentials(["two words"]), SimpleUser("ann")), 500),
        (True, 500),
        (SimpleUser("ann"), 500),
        (KeyError("bug"), 500),
        (Unavailable("down"), 503),
    ],
    ids=range(11),
)
def test_what_a_backend_answers_grants_only_to_a_user_who_is_authenticated(answer: object, status: int) -> None:
    """Everything else refuses or fails."""
    assert client(Answering(answer)).get("/who", headers=ANN).status_code == status


def test_a_refusal_counts_as_absent_for_cookies_alone() -> None:
    """`Refused(absent=True)` opens no way around D18: a field that a client sets is refused on an optional route."""
    for headers, status in (({"Cookie": "key=a"}, 200), ({"X-Key": "a"}, 401), (ANN, 401)):
        assert client(Answering(None), header="X-Key", cookie="key").get("/maybe", headers=headers).status_code == status
    assert client(Answering(AuthenticationError()), cookie="key").get("/maybe", headers={"Cookie": "key=a"}).status_code == 401


@pytest.mark.parametrize(
    "settings",
    [{"scheme": ""}, {"scheme": "a b"}, {"scheme": "x\r\ny"}, {"realm": 'b\n"'}, {"header": "a b"}, {"cookie": "a;b"}, {"header": "host"}],
)
def test_what_cannot_be_sent_is_an_error(settings: dict[str, str]) -> None:
    """At construction."""
    with pytest.raises(ConfigurationError):
        Guard(Backend(Tokens(), **{"scheme": "Bearer", **settings}))


def test_what_is_no_backend_is_an_error() -> None:
    """The class of one too."""
    for backend in (Tokens, object(), None):
        with pytest.raises(ConfigurationError, match="be an AuthenticationBackend"):
            Backend(backend, scheme="Bearer")  # type: ignore[arg-type]


def test_a_backend_needs_asgi() -> None:
    """It is awaited: the WSGI middleware refuses it at construction. A request without a scope is an error, and no access."""
    guard = Guard(Backend(Tokens(), scheme="Bearer"), default=authenticated)
    with pytest.raises(ConfigurationError, match=r"WSGI has no event loop, and Backend\.authenticate can only be awaited"):
        ByWSGI(lambda environ, start_response: [], guard)
    with pytest.raises(ConfigurationError, match="reads the ASGI scope"):
        guard.decide(RequestView("GET", "/", headers=ANN))


def test_no_credentials_are_printed() -> None:
    """The scope holds them."""
    scheme = Backend(Tokens(), scheme="Bearer")
    view = RequestView("GET", "/", headers=sent("Bearer s3cret"))
    view.connection = {"headers": [(b"authorization", b"Bearer s3cret")]}
    assert "s3cret" not in repr(scheme.extract(view)) + repr(scheme)
