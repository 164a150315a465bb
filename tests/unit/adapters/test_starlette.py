"""Tests the requirements of Starlette's views behind the ASGI middleware."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.authentication import requires as starlettes_requires
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse

from tests.support.frameworks import ask_asgi
from tests.support.wire import Request as Asked
from tests.support.wire import bearer
from watchword import AuthEvent, Bearer, ConfigurationError, Guard, Principal, authenticated, optional, public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.starlette import Refused, requires
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket

PEOPLE = {"ann": Principal("ann", roles={"admin"}, scopes={"read"}), "bob": Principal("bob", scopes={"read"})}
TESTS = {"base_url": "http://localhost"}


def made(**settings: Any) -> Guard:
    """Make a guard under which every path but /known is open."""
    return Guard(Bearer(Tokens(PEOPLE)), rules={"/**": public, "/known/**": authenticated, "/maybe": optional}, **settings)


@requires(role("admin"))
async def function(request: Request) -> Response:
    """Say who it is."""
    return JSONResponse(request.user.id)


@requires(role("admin"))
def plain(request: Request) -> Response:
    """Say who it is, and where this runs."""
    return JSONResponse([request.user.id, sorted(request.auth.scopes), threading.current_thread().name])


@requires(role("admin"))
class Page(HTTPEndpoint):
    """A page."""

    async def get(self, request: Request) -> Response:
        """Say who it is."""
        return JSONResponse(request.user.id)


class Methods(HTTPEndpoint):
    """A resource."""

    async def get(self, request: Request) -> Response:
        """Say who it is."""
        return JSONResponse(request.user.id)

    @requires(role("admin"))
    async def post(self, request: Request) -> Response:
        """Say who it is."""
        return JSONResponse(request.user.id)


class Replaced(Page):
    """A page that takes the place of the dispatch of a guarded class."""

    async def dispatch(self) -> None:
        """Serve all methods alike."""
        await JSONResponse(self.scope["user"].id)(self.scope, self.receive, self.send)


class Instance:
    """A view that is an object."""

    async def __call__(self, request: Request) -> Response:
        """Say who it is."""
        return JSONResponse(request.user.id)


@requires(role("admin"))
async def socket(websocket: WebSocket) -> None:
    """Say who it is."""
    await websocket.accept()
    await websocket.send_json(websocket.user.id)
    await websocket.close()


@requires(role("admin"))
class Socket(WebSocketEndpoint):
    """A socket."""

    async def on_connect(self, websocket: WebSocket) -> None:
        """Say who it is."""
        await websocket.accept()
        await websocket.send_json(websocket.user.id)
        await websocket.close()


@requires(role("admin").hidden())
async def secret(request: Request) -> Response:
    """Say who it is."""
    return JSONResponse(request.user.id)


@starlettes_requires("read")
async def scoped(request: Request) -> Response:
    """Say who it is."""
    return JSONResponse(request.user.id)


async def anybody(request: Request) -> Response:
    """Say who it is."""
    return JSONResponse(request.user.id)


ROUTES = [
    Route("/function", function),
    Route("/plain", plain),
    Route("/page", Page),
    Route("/replaced", Replaced),
    Route("/instance", requires(role("admin"))(Instance()), methods=["GET"]),
    Route("/methods", Methods),
    Route("/open", anybody),
    Route("/known/scoped", scoped),
    Route("/known/secret", secret),
    WebSocketRoute("/socket", socket),
    WebSocketRoute("/endpoint", Socket),
    Mount("/mounted", routes=[Route("/function", function)]),
    Mount("/known/mounted", app=Router([Route("/function", function)])),
    Host("api.localhost", app=Router([Route("/hosted", function)])),
]


def client(guard: Guard | None = None) -> TestClient:
    """Make a client of the application, with a guard in front."""
    return TestClient(Starlette(routes=ROUTES, middleware=[Middleware(GuardMiddleware, guard=guard or made())]), **TESTS)  # type: ignore[arg-type]


def sent(name: str) -> dict[str, str]:
    """Return the header fields of a caller."""
    return {"Authorization": f"Bearer {name}"} if name else {}


@pytest.mark.parametrize("path", ["/function", "/plain", "/page", "/replaced", "/instance", "/mounted/function", "/known/mounted/function"])
def test_a_view_is_reached_only_by_callers_who_meet_its_requirement(path: str) -> None:
    """Anonymous callers get 401 with the challenge, others 403, whatever the rule lets pass."""
    asked = client()
    refused = asked.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"
    assert asked.get(path, headers=sent("nobody-known")).status_code == 401
    assert asked.get(path, headers=sent("bob")).status_code == 403
    granted = asked.get(path, headers=sent("ann"))
    assert granted.status_code == 200
    assert "ann" in str(granted.json())


@pytest.mark.parametrize("path", ["/function", "/plain", "/page", "/instance"])
def test_a_router_without_an_application_is_checked(path: str) -> None:
    """Nothing handles exceptions there, so the refusal is the response."""
    asked = TestClient(GuardMiddleware(Router(ROUTES), made()), **TESTS)  # type: ignore[arg-type]
    assert [asked.get(path, headers=sent(name)).status_code for name in ("", "bob", "ann")] == [401, 403, 200]
    for socket in ("/socket", "/endpoint"):
        with pytest.raises(WebSocketDenialResponse) as refused, asked.websocket_connect(socket):
            pass
        assert refused.value.status_code == 401


@pytest.mark.parametrize("path", ["/function", "/page"])
@pytest.mark.parametrize("handled", [401, HTTPException, Refused])
def test_an_exception_handler_changes_the_content_alone(path: str, handled: Any) -> None:
    """Of the status, of HTTPException or of the refusal; status and challenge stay."""

    async def styled(request: Request, error: Exception) -> Response:
        return JSONResponse("styled", 200)

    app = Starlette(routes=ROUTES, middleware=[Middleware(GuardMiddleware, guard=made())], exception_handlers={handled: styled})
    refused = TestClient(app, **TESTS).get(path)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()) == (401, "styled")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_view_that_another_view_calls_stops_both() -> None:
    """What comes after the call does not run, whether it looks at what was returned or not."""
    ran = []

    async def outer(request: Request) -> Response:
        await function(request)
        ran.append(request.user.id)
        return JSONResponse("served")

    app = Starlette(routes=[Route("/outer", outer)], middleware=[Middleware(GuardMiddleware, guard=made(), views=True)])
    asked = TestClient(app, **TESTS)  # type: ignore[arg-type]
    assert [asked.get("/outer", headers=sent(name)).status_code for name in ("", "bob", "ann")] == [401, 403, 200]
    assert ran == ["ann"]


def test_a_host_route_is_checked() -> None:
    """A router that is chosen by its host finds the same exchange."""
    asked = TestClient(client().app, base_url="http://api.localhost")
    assert asked.get("/hosted").status_code == 401
    assert asked.get("/hosted", headers=sent("ann")).json() == "ann"


def test_a_function_without_async_runs_in_a_worker_thread() -> None:
    """It may block, and finds user and scopes all the same."""
    name, scopes, thread = client().get("/plain", headers=sent("ann")).json()
    assert (name, scopes) == ("ann", ["authenticated", "read"])
    assert "worker" in thread.lower()


def test_a_method_of_an_endpoint_demands_something_alone() -> None:
    """The other methods of the class stay as they are."""
    asked = client()
    assert asked.get("/methods").status_code == 200
    assert asked.post("/methods").status_code == 401
    assert asked.post("/methods", headers=sent("ann")).json() == "ann"


@pytest.mark.parametrize("path", ["/socket", "/endpoint"])
def test_a_websocket_is_refused_before_it_is_accepted(path: str) -> None:
    """The denial has the status and the challenge of a refusal."""
    asked = client()
    for name, status in (("", 401), ("bob", 403)):
        with pytest.raises(WebSocketDenialResponse) as refused, asked.websocket_connect(path, headers=sent(name)):
            pass
        assert refused.value.status_code == status
    with asked.websocket_connect(path, headers=sent("ann")) as opened:
        assert opened.receive_json() == "ann"


def test_a_hidden_view_is_the_applications_own_404() -> None:
    """The caller cannot tell it from a path without a view."""
    asked = client()
    hidden, missing = (asked.get(path, headers=sent("bob")) for path in ("/known/secret", "/known/nothing"))
    assert missing.headers["cache-control"] == "no-store"
    assert (hidden.status_code, hidden.text, hidden.headers) == (404, missing.text, missing.headers)
    assert asked.get("/known/secret", headers=sent("ann")).json() == "ann"
    assert asked.get("/known/secret").status_code == 401


def test_starlettes_own_decorator_works() -> None:
    """It looks at the scopes in `request.auth`."""
    asked = client()
    assert asked.get("/known/scoped", headers=sent("bob")).json() == "bob"
    assert asked.get("/open").json() == ""


def test_one_event_for_each_request() -> None:
    """The decision of the view takes the place of the decision of the rule."""
    events: list[AuthEvent] = []
    asked = client(made(on_event=events.append))
    for name in ("", "bob", "ann"):
        asked.get("/function", headers=sent(name))
    assert [event.decision for event in events] == ["challenged", "forbidden", "granted"]


def test_a_marked_view_without_a_guard_is_never_served() -> None:
    """It ends with an error that says what is missing."""
    with pytest.raises(ConfigurationError, match="no guard stands in front"):
        TestClient(Starlette(routes=ROUTES)).get("/function")
    assert TestClient(Starlette(routes=ROUTES), raise_server_exceptions=False).get("/page").status_code == 500


@pytest.mark.parametrize("view", [made, Guard.decide, 7])
def test_a_view_that_cannot_be_checked_is_an_error_at_the_decorator(view: Any) -> None:
    """A function without the request gives nothing to check."""
    with pytest.raises(ConfigurationError, match=r"requires\(...\) needs a"):
        requires(scope("read"))(view)


def test_a_rule_that_refuses_names_the_scope_of_the_view() -> None:
    """Below mounts and hosts too, and for the method that is asked; a router that fails changes nothing."""

    @requires(scope("write"))
    async def writing(request: Request) -> Response:
        return JSONResponse(request.user.id)

    class Some(HTTPEndpoint):
        """A page of which one method demands something."""

        get = anybody

        @requires(scope("write"))
        async def post(self, request: Request) -> Response:
            """Say who it is."""
            return JSONResponse(request.user.id)

    class Failing(Route):
        def matches(self, scope: Any) -> Any:
            raise ValueError("a convertor failed")

    routes = [
        Route("/known/w", writing),
        Route("/known/some", Some),
        Mount("/known/below", routes=[Route("/w", writing)]),
        Host("localhost", app=Router([Route("/known/hosted", writing)])),
        Failing("/known/failing", writing),
    ]
    asked = TestClient(Starlette(routes=routes, middleware=[Middleware(GuardMiddleware, guard=made())]), **TESTS)  # type: ignore[arg-type]
    for method, path, says in (
        ("GET", "/known/w", True),
        ("GET", "/known/below/w", True),
        ("GET", "/known/hosted", True),
        ("POST", "/known/some", True),
        ("GET", "/known/some", False),
        ("GET", "/known/failing", False),
    ):
        for name in ("", "wrong"):
            refused = asked.request(method, path, headers=sent(name))
            assert refused.status_code == 401
            assert ('scope="write"' in refused.headers["WWW-Authenticate"]) is says, (method, path)


def test_a_hidden_view_is_answered_while_the_application_waits_for_the_end() -> None:
    """An application may end only when the server says that the response is complete, as Quart 0.23 does: the 404 does not wait for it."""
    ended: list[str] = []

    class Lingering:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)
            while (await receive())["type"] != "http.disconnect":
                pass
            ended.append(scope["path"])

    @requires(role("admin").hidden())
    async def vault(request: Request) -> Response:
        return JSONResponse("nobody sees this")

    routes = [Route("/vault", vault)]
    guard = Guard(Bearer(Tokens(PEOPLE)), rules={"/**": optional})
    app = Starlette(routes=routes, middleware=[Middleware(GuardMiddleware, guard=guard), Middleware(Lingering)])

    async def asked() -> list[Any]:
        with anyio.fail_after(10):
            return [await ask_asgi(app, Asked(target=path, headers=(bearer("bob"),))) for path in ("/vault", "/absent")]

    hidden, absent = anyio.run(asked)
    assert (hidden.status, hidden.headers, hidden.body) == (404, absent.headers, absent.body)
    assert len(ended) == 3
    assert ended[1:] == ["/vault", "/absent"]  # after the one that does not exist
