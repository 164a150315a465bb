"""Tests the requirements of FastAPI's operations behind the ASGI middleware."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.exception_handlers import http_exception_handler
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from fastapi.testclient import TestClient
from openapi_spec_validator import validate
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.testclient import WebSocketDenialResponse

from watchword import APIKey, Bearer, ConfigurationError, Guard, Principal, Requirement, authenticated, public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.fastapi import CurrentPrincipal, Requires, install
from watchword.adapters.starlette import requires
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from starlette.responses import Response

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


def wrapped(view: Any) -> Any:
    """Wrap a view, as decorators do."""

    @wraps(view)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await view(*args, **kwargs)

    return wrapper


def routed(view: Any) -> Any:
    """Make a route of Starlette, and hand on the view."""
    view.route = Route("/view", view)
    return view


@pytest.mark.parametrize("outer", [lambda view: view, wrapped, requires(scope("read"))])
@pytest.mark.parametrize(
    "inner",
    [FastAPI().get("/view"), APIRouter().post("/view"), APIRouter().websocket("/view"), routed],
    ids=["get", "post", "websocket", "route"],
)
def test_starlettes_decorator_above_the_route_is_an_error(outer: Any, inner: Any) -> None:
    """The router has the function without the check, whether there is a guard or not."""

    async def view(request: Request) -> str:
        return "served"

    with pytest.raises(ConfigurationError, match=r"the route of .*view\(\), which would run unchecked. Put @requires\(...\) below it"):
        requires(role("admin"))(outer(inner(view)))


def test_starlettes_decorator_below_the_route_works() -> None:
    """So does another decorator between, without which no object is searched."""
    app = FastAPI()

    async def view(request: Request) -> str:
        return str(request.user.id)

    app.get("/view")(requires(role("admin"))(wrapped(view)))
    asked = client(app)
    assert [asked.get("/view", headers=sent(name)).status_code for name in ("", "bob", "ann")] == [401, 403, 200]


def test_a_function_that_is_routed_past_its_decorator_stops_the_start() -> None:
    """Its mark tells that it should be checked."""
    app = FastAPI()

    async def view(request: Request) -> str:
        return "served"

    requires(role("admin"))(view)
    app.get("/view")(view)
    asked = client(app)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="unchecked"):
            asked.get("/view", headers=sent("ann"))


def test_starlettes_decorator_on_a_dependency_works() -> None:
    """The operation does not run for a caller who is refused: the refusal is raised, not returned to it."""
    app, ran = FastAPI(), []

    @requires(role("admin"))
    async def checked(request: Request) -> None:
        """Do nothing."""

    @requires(role("admin"))
    async def checked_socket(websocket: WebSocket) -> None:
        """Do nothing."""

    @app.post("/view", dependencies=[Depends(checked)])
    async def view() -> None:
        ran.append("view")

    @app.websocket("/socket", dependencies=[Depends(checked_socket)])
    async def socket(websocket: WebSocket) -> None:
        ran.append("socket")
        await websocket.close()

    asked = client(app)
    assert [asked.post("/view", headers=sent(name)).status_code for name in ("", "bob")] == [401, 403]
    with pytest.raises(WebSocketDenialResponse), asked.websocket_connect("/socket"):
        pass
    assert ran == []
    assert asked.post("/view", headers=sent("ann")).status_code == 200


def test_a_handler_that_calls_fastapis_own_sends_what_that_says() -> None:
    """With the length of its content, not with that of the refusal."""
    app = made()

    @app.exception_handler(HTTPException)
    async def as_usual(request: Request, error: HTTPException) -> Response:
        return await http_exception_handler(request, error)

    refused = client(app).get("/operation")
    assert (refused.status_code, refused.json()) == (401, {"detail": "Unauthorized"})
    assert refused.headers["content-length"] == str(len(refused.content))
    assert len(refused.headers.get_list("www-authenticate")) == 2


def test_a_handler_cannot_accept_a_socket_that_is_refused() -> None:
    """The handshake fails."""
    app = made()

    @app.exception_handler(HTTPException)
    async def accept(socket: WebSocket, error: HTTPException) -> None:
        await socket.accept()

    with pytest.raises(RuntimeError, match="must not be accepted"), client(app).websocket_connect("/socket"):
        pass


def test_another_guard_further_out_does_not_decide_about_an_operation() -> None:
    """Its callers are not those of the inner guard, which did not see the operation."""
    inner, app = FastAPI(), FastAPI()
    inner.add_middleware(GuardMiddleware, guard=Guard(Bearer(Tokens({"eve": Principal("eve")})), rules=RULES))
    install(app, guard())
    app.mount("/inner", inner)
    asked = TestClient(app, raise_server_exceptions=False)
    for fast in range(3):
        assert asked.get("/inner/view", headers=sent("ann") if fast else {}).status_code == 404
    inner.get("/view", dependencies=[ADMIN])(answer)
    assert asked.get("/inner/view", headers=sent("ann")).status_code == 500


@pytest.mark.parametrize("annotation", [Principal, Annotated[Principal, Requires], Principal | None])
def test_a_caller_who_states_who_it_is_is_an_error(annotation: Any) -> None:
    """`Principal` alone would be read from the content of the request."""

    def view(who: Any) -> None:
        """Do nothing."""

    view.__annotations__["who"] = annotation
    with pytest.raises(ConfigurationError, match=r"Use CurrentPrincipal or Annotated\[Principal, Requires"):
        FastAPI().post("/view")(view)


def test_an_annotation_that_fastapi_cannot_read_stops_the_start() -> None:
    """It would take the dependency for a parameter of the query. Names within a function are such, in a module like this one."""
    app, local = installed(FastAPI()), ADMIN

    @app.get("/view")
    async def view(who: Annotated[Principal, local]) -> None:
        """Do nothing."""

    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"'Annotated\[Principal, local\]', the annotation of who in .*view\(\)"):
            TestClient(app).get("/view?who=ann")


def installed(app: FastAPI, **rules: Requirement) -> FastAPI:
    """Install a guard in an application."""
    install(app, Guard(Bearer(PEOPLE), rules={**RULES, **{f"/{path}": requirement for path, requirement in rules.items()}}))
    return app


def shown(app: FastAPI, path: str = "/openapi.json") -> dict[str, Any]:
    """Return the security of each operation by GET in the document of an application."""
    answer = TestClient(app).get(path)
    assert answer.status_code == 200, answer.text
    return {path: item["get"]["security"] for path, item in answer.json()["paths"].items()}


def bearer(*names: str) -> list[dict[str, list[str]]]:
    """Return the security of an operation."""
    return [{"Bearer": [*names]}]


def test_the_document_shows_rules_and_dependencies_as_one() -> None:
    """Those of operations, routers, inclusions and mounted applications; what is hidden is left out."""
    app = installed(made(), **{"router/own": scope("rule"), "operation": role("admin").hidden()})
    app.get("/secret", dependencies=[Requires(role("admin").hidden()), Requires(authenticated)])(answer)
    assert shown(app) == {
        "/parameter": bearer("read"),
        "/known/scope": bearer("read"),
        "/current": [],
        "/router/own": bearer("rule", "admin"),
        "/included/at": bearer("admin"),
        "/included/in/inner": bearer("admin"),
    }
    assert shown(app, "/mounted/openapi.json") == {"/any": bearer("admin")}


@pytest.mark.parametrize("version", ["3.1.0", "3.0.3"])
def test_the_document_is_valid(version: str) -> None:
    """By the schema of its version of OpenAPI."""
    app = made()
    app.openapi_version = version
    install(app, guard())
    validate(app.openapi())


def test_an_installed_guard_checks_operations_of_any_time() -> None:
    """Also one that is added after the first request, which the document then shows."""
    app = installed(FastAPI())
    asked = TestClient(app)
    assert asked.get("/late").status_code == 404
    assert shown(app) == {}
    app.get("/late", dependencies=[ADMIN])(answer)
    assert [asked.get("/late", headers=sent(name)).status_code for name in ("", "bob", "ann")] == [401, 403, 200]
    assert shown(app) == {"/late": bearer("admin")}


def test_a_path_below_a_mount_has_the_rule_of_the_whole_path() -> None:
    """Mounts in mounts, with parameters, and applications that are mounted after `install`."""
    app, middle, inner = FastAPI(), FastAPI(), FastAPI()
    install(app, Guard(Bearer(PEOPLE), rules={"/**": public, "/{tenant}/inner/one": scope("whole"), "/one": scope("other")}))
    inner.get("/one")(answer)
    middle.mount("/inner", inner)
    app.mount("/{tenant}", middle)
    assert shown(app, "/shop/inner/openapi.json") == {"/one": bearer("whole")}


def test_a_path_parameter_has_the_rules_of_several_segments() -> None:
    """Another converter is one segment."""
    app = installed(FastAPI(), **{"f/**": scope("many"), "f/{one}": scope("one"), "n/**": scope("many"), "n/{one}": scope("one")})
    app.get("/f/{path:path}")(answer)
    app.get("/n/{number:float}")(answer)
    assert shown(app) == {"/f/{path}": bearer("one", "many"), "/n/{number}": bearer("one")}


def test_a_root_path_stays() -> None:
    """It is the mount of the guard, and the server of the document."""
    app = installed(FastAPI(), one=scope("read"))
    app.get("/one")(answer)
    document = TestClient(app, root_path="/api").get("/api/openapi.json").json()
    assert document["servers"] == [{"url": "/api"}]
    assert document["paths"]["/one"]["get"]["security"] == bearer("read")


@pytest.mark.parametrize("calls_first", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_an_openapi_function_of_the_application_works(before: bool, calls_first: bool) -> None:  # noqa: FBT001 - parameters
    """Set before or after `install`, made anew or from what was there; its result is kept as it is kept by the application."""
    app = FastAPI()
    app.get("/one")(answer)
    if not before:
        installed(app, one=scope("a") | role("r"))
    first = app.openapi

    def own() -> dict[str, Any]:
        made = dict(first()) if calls_first else get_openapi(title="own", version="1", routes=app.routes)
        made["info"] = {"title": "own", "version": "1", "x-logo": "logo.png"}
        return made

    app.openapi = own  # type: ignore[method-assign]
    if before:
        installed(app, one=scope("a") | role("r"))
    assert shown(app) == {"/one": [{"Bearer": ["a"]}, {"Bearer": ["r"]}]}
    assert app.openapi()["info"]["x-logo"] == "logo.png"


def test_the_document_is_made_once() -> None:
    """An application may change it, as FastAPI's own."""
    app = installed(made())
    app.openapi()["info"]["x-logo"] = "logo.png"
    assert TestClient(app).get("/openapi.json").json()["info"]["x-logo"] == "logo.png"


@pytest.mark.parametrize("rule", [scope("read"), role("nobody-has-it").hidden()])
def test_the_document_is_guarded_as_any_other_path(rule: Requirement) -> None:
    """By the rule of its path."""
    asked = TestClient(installed(FastAPI(), **{"openapi.json": rule}))
    assert [asked.get("/openapi.json", headers=sent(name)).status_code for name in ("", "bob")] == [
        401,
        404 if "hidden" in str(rule) else 403,
    ]


def test_security_that_the_application_describes_is_needed_too() -> None:
    """As that of FastAPI's own classes, which the operation asks after the guard."""
    app = installed(FastAPI(), one=scope("read"))
    app.get("/one", dependencies=[Depends(APIKeyHeader(name="X-Tenant", auto_error=False))])(answer)
    assert shown(app) == {"/one": [{"APIKeyHeader": [], "Bearer": ["read"]}]}


def test_two_guards_around_an_operation_are_both_needed() -> None:
    """Those of an application and of one that is mounted in it."""
    app, sub = FastAPI(), FastAPI()
    sub.get("/one")(answer)
    install(sub, Guard(APIKey(PEOPLE), rules={"/one": scope("inner"), "/**": public}))
    app.mount("/sub", sub)
    assert shown(installed(app, **{"sub/one": scope("outer")}), "/sub/openapi.json") == {
        "/one": [{"ApiKey": ["inner"], "Bearer": ["outer"]}]
    }


def test_an_application_that_is_mounted_in_itself_starts() -> None:
    """Its routes are looked at once."""
    app = installed(FastAPI(), one=scope("read"))
    app.get("/one")(answer)
    app.mount("/again", app)
    assert shown(app) == {"/one": bearer("read")}
    assert TestClient(app).get("/again/one", headers=sent("ann")).text == '"ann"'


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((FastAPI(), "guard"), "must be a Guard"),
        ((GuardMiddleware(FastAPI(), guard()), guard()), r"install\(app\) must be a FastAPI"),
        ((installed(FastAPI()), guard()), "has a guard already"),
    ],
)
def test_wrong_arguments_of_install_are_errors(arguments: Any, says: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(ConfigurationError, match=says):
        install(*arguments)


def test_routes_that_are_not_known_stop_the_start() -> None:
    """A later FastAPI may keep the routes of included routers in another way: what they demand must not be lost."""

    class Later(BaseRoute):
        __module__ = "fastapi.routing"

    app = installed(FastAPI())
    app.router.routes.append(Later())
    with pytest.raises(ConfigurationError, match=r"FastAPI's .*Later are not known"):
        TestClient(app).get("/")
