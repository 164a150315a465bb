"""Tests the requirements of FastAPI's operations behind the ASGI middleware."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from watchword import APIKey, Bearer, ConfigurationError, Guard, Principal, authenticated, public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.fastapi import CurrentPrincipal, Requires
from watchword.adapters.starlette import requires
from watchword.checkers import Tokens

PEOPLE = Tokens({"ann": Principal("ann", roles={"admin"}, scopes={"read"}), "bob": Principal("bob")})
RULES = {"/**": public, "/known/**": authenticated}
ADMIN = Requires(role("admin"))


def guard() -> Guard:
    """Make a guard of two schemes under which most paths are open."""
    return Guard(Bearer(PEOPLE), APIKey(PEOPLE, header="X-API-Key"), rules=RULES)


def answer() -> str:
    """Answer."""
    return "ann"


def made() -> FastAPI:
    """Make the application without a guard."""
    app = FastAPI()

    @app.get("/parameter")
    async def parameter(who: Annotated[Principal, Requires(scope("read"))]) -> str:
        return who.id

    @app.get("/known/scope")
    async def narrower(who: Annotated[Principal, Requires(scope("read"))]) -> str:
        return who.id

    @app.get("/current")
    async def current(who: CurrentPrincipal) -> str:
        return who.id

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, who: Annotated[Principal, ADMIN]) -> None:
        await websocket.accept()
        await websocket.send_json(who.id)
        await websocket.close()

    app.get("/operation", dependencies=[ADMIN])(answer)
    router, included, inner = APIRouter(dependencies=[ADMIN]), APIRouter(), APIRouter(dependencies=[ADMIN])
    router.get("/own")(answer)
    included.get("/at")(answer)
    inner.get("/inner")(answer)
    included.include_router(inner, prefix="/in")
    app.include_router(router, prefix="/router")
    app.include_router(included, prefix="/included", dependencies=[ADMIN])
    whole = FastAPI(dependencies=[ADMIN])
    whole.get("/any")(answer)
    app.mount("/mounted", whole)
    return app


def client(app: FastAPI) -> TestClient:
    """Make a client of an application, with a guard in front."""
    app.add_middleware(GuardMiddleware, guard=guard())
    return TestClient(app, base_url="http://localhost")


def sent(name: str) -> dict[str, str]:
    """Return the header fields of a caller."""
    return {"Authorization": f"Bearer {name}"} if name else {}


PATHS = ["/parameter", "/operation", "/router/own", "/included/at", "/included/in/inner", "/mounted/any"]


@pytest.mark.parametrize("path", PATHS)
def test_an_operation_is_reached_only_by_callers_who_meet_its_requirement(path: str) -> None:
    """The refusal has all challenges and the problem; a dependency gets the caller."""
    asked = client(made())
    refused = asked.get(path)
    assert refused.status_code == 401
    assert [value.split()[0] for value in refused.headers.get_list("www-authenticate")] == ["Bearer", "ApiKey"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["status"] == 401
    assert asked.get(path, headers=sent("unknown")).status_code == 401
    assert asked.get(path, headers=sent("bob")).status_code == 403
    granted = asked.get(path, headers=sent("ann"))
    assert (granted.status_code, granted.json()) == (200, "ann")


@pytest.mark.parametrize("router", [APIRouter(dependencies=[ADMIN]), APIRouter()])
def test_the_middleware_finds_a_requirement_that_only_a_router_has(router: APIRouter) -> None:
    """The router's own dependencies, and those of its inclusion."""
    router.get("/own")(answer)
    app = FastAPI()
    app.include_router(router, dependencies=[] if router.dependencies else [ADMIN])
    asked = client(app)
    assert [asked.get("/own", headers=sent(name)).status_code for name in ("", "bob", "ann")] == [401, 403, 200]


def test_a_websocket_is_refused_before_it_is_accepted() -> None:
    """The denial has the status of a refusal."""
    asked = client(made())
    for name, status in (("", 401), ("bob", 403)):
        with pytest.raises(WebSocketDenialResponse) as refused, asked.websocket_connect("/socket", headers=sent(name)):
            pass
        assert refused.value.status_code == status
    with asked.websocket_connect("/socket", headers=sent("ann")) as opened:
        assert opened.receive_json() == "ann"


def test_a_handler_of_the_application_changes_the_content_alone() -> None:
    """Status and challenges stay."""
    app = made()

    @app.exception_handler(401)
    async def styled(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse("styled", 200)

    refused = client(app).get("/operation")
    assert (refused.status_code, refused.json()) == (401, "styled")
    assert len(refused.headers.get_list("www-authenticate")) == 2


def test_the_rule_that_refuses_names_the_scope_of_the_operation() -> None:
    """And only that of this operation."""
    assert 'scope="read"' in client(made()).get("/known/scope").headers["www-authenticate"]


def test_the_current_principal_may_be_anonymous() -> None:
    """Under a rule that lets anybody pass."""
    assert client(made()).get("/current").json() == ""


def test_a_test_overrides_the_dependency() -> None:
    """As any other of FastAPI."""
    app = made()
    app.dependency_overrides[ADMIN.dependency] = lambda: Principal("test")
    assert client(app).get("/operation").json() == "ann"


@pytest.mark.parametrize("path", [*PATHS, "/current"])
def test_an_operation_without_a_guard_is_never_served(path: str) -> None:
    """It ends with an error that says what is missing."""
    with pytest.raises(ConfigurationError, match="no guard stands in front"):
        TestClient(made()).get(path)
    assert TestClient(made(), raise_server_exceptions=False).get(path).status_code == 500


@pytest.mark.parametrize("below", [lambda view: view, requires(scope("read"))])
def test_starlettes_decorator_above_the_route_is_an_error(below: Any) -> None:
    """The router has the function without the check; below the route it works."""
    app, right = FastAPI(), FastAPI()

    async def view(request: Request) -> str:
        return str(request.user.id)

    right.get("/view")(requires(role("admin"))(below(view)))
    asked = client(right)
    assert [asked.get("/view", headers=sent(name)).status_code for name in ("", "bob", "ann")] == [401, 403, 200]

    async def other(request: Request) -> str:
        return "served"

    requires(role("admin"))(app.get("/other")(below(other)))
    asked = client(app)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="unchecked"):
            asked.get("/other", headers=sent("ann"))
