"""Tests the Quart extension, and the requirements of Quart's views."""

from __future__ import annotations

import asyncio
from functools import partial, wraps
from typing import Any

import pytest
from quart import Blueprint, Quart, abort, request, websocket
from quart.testing.connections import WebsocketResponseError
from quart.views import MethodView, View
from quart_cors import cors

from tests.unit.adapters.test_flask import PEOPLE, RULES, made, sent
from watchword import AuthEvent, Basic, Bearer, ConfigurationError, Guard, Principal, optional, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.quart import Watchword, current_principal, requires
from watchword.checkers import Tokens

GUARDED = ["/inner", "/outer", "/between", "/plain", "/whole", "/decorated", "/print/page", "/Whole0", "/Part0", "/Whole1", "/Part1"]


class Page(MethodView):
    """A page with one guarded method."""

    async def get(self) -> str:
        """Say who it is."""
        return current_principal.id

    @requires(role("admin"))
    async def post(self) -> str:
        """Say who it is."""
        return current_principal.id


@requires(role("admin"))
class Whole(View):
    """A guarded page."""

    async def dispatch_request(self, **_: Any) -> str:
        """Say who it is."""
        return current_principal.id


class Part(Whole):
    """A page that inherits the requirement, and replaces the method that serves it."""

    async def dispatch_request(self, **_: Any) -> str:
        """Say who it is."""
        return current_principal.id


def bare(view: Any) -> Any:
    """Decorate a view without `functools.wraps`: its attributes are lost."""

    async def called(*args: Any, **kwargs: Any) -> Any:
        return await view(*args, **kwargs)

    return called


def copying(view: Any) -> Any:
    """Decorate a view with `functools.wraps`."""

    @wraps(view)
    async def called(*args: Any, **kwargs: Any) -> Any:
        return await view(*args, **kwargs)

    return called


def views(app: Quart) -> Quart:
    """Add views, guarded in every way."""

    @app.get("/inner")
    @requires(role("admin"))
    async def inner() -> str:
        return current_principal.id

    @requires(role("admin"))
    @app.get("/outer")
    async def outer() -> str:
        return current_principal.id

    @app.get("/plain")
    @requires(role("admin"))
    def plain() -> str:
        return current_principal.id

    @app.get("/known/secret")
    @requires(role("admin").hidden())
    async def secret() -> str:
        return current_principal.id

    @app.get("/scoped/rule")
    @requires(scope("write"))
    async def scoped() -> str:
        return current_principal.id

    @app.get("/open", endpoint="open")
    @app.get("/known/<path:rest>", endpoint="known")
    @app.post("/known/<path:rest>", endpoint="known_too")
    async def known(rest: str = "") -> str:
        return f"{current_principal.id} {rest} {len(await request.get_data())}"

    @requires(role("admin"))
    @copying
    @app.get("/between")
    async def between() -> str:
        return current_principal.id

    return sockets(classes(app))


def classes(app: Quart) -> Quart:
    """Add class-based views and a blueprint, guarded in every way."""
    app.add_url_rule("/page", view_func=Page.as_view("page"))
    app.add_url_rule("/whole", view_func=Whole.as_view("whole"))
    shapes: tuple[Any, ...] = (bare, partial)
    for number, shape in enumerate(shapes):
        for page in (Whole, Part):
            name = f"{page.__name__}{number}"
            app.add_url_rule(f"/{name}", name, view_func=shape(page.as_view(name)))

    app.add_url_rule("/decorated", view_func=requires(role("admin"))(Page.as_view("decorated")))
    blueprint = Blueprint("print", __name__, url_prefix="/print")

    @blueprint.get("/page")
    @requires(role("admin"))
    async def printed() -> str:
        return current_principal.id

    app.register_blueprint(blueprint)
    return app


def sockets(app: Quart) -> Quart:
    """Add WebSockets, guarded in every way."""

    @app.websocket("/socket/inner")
    @requires(role("admin"))
    async def inner_socket() -> None:
        await websocket.send(current_principal.id)

    @requires(role("admin"))
    @app.websocket("/socket/outer")
    async def outer_socket() -> None:
        await websocket.send(current_principal.id)

    @app.websocket("/known/socket")
    async def known_socket() -> None:
        await websocket.send(current_principal.id)

    return app


def extended(guard: Guard | None = None) -> Quart:
    """Make an application with the extension."""
    app = views(Quart(__name__))
    Watchword(app, guard or made())
    return app


def wrapped(guard: Guard | None = None) -> Quart:
    """Make an application behind the middleware alone."""
    app = views(Quart(__name__))
    app.asgi_app = GuardMiddleware(app.asgi_app, guard or made())  # type: ignore[method-assign,assignment,arg-type]
    return app


def ask(app: Quart, method: str, path: str, name: str = "", **arguments: Any) -> tuple[int, Any, str]:
    """Return status, header fields and text of a response."""

    async def asked() -> tuple[int, Any, str]:
        response = await app.test_client().open(path, method=method, headers={**sent(name), **arguments.pop("headers", {})}, **arguments)
        return response.status_code, response.headers, await response.get_data(as_text=True)

    return asyncio.run(asked())


def call(app: Quart, path: str, name: str = "", *, plain: bool = False) -> Any:
    """Return what a WebSocket sends first, or the response or the code that refuses its handshake: a plain server knows no response."""

    async def called() -> Any:
        socket: Any = app.test_client().websocket(path, headers=sent(name))
        send = socket._asgi_send

        # The client of Quart 0.23 tells nobody of a close.
        async def sending(message: Any) -> None:
            await (socket._receive_queue.put(message["code"]) if message["type"] == "websocket.close" else send(message))

        socket._asgi_send = sending
        if plain:
            socket.scope["extensions"] = {}
        async with socket:
            await socket._send_queue.put({"type": "websocket.connect"})
            try:
                return await socket.receive()
            except WebsocketResponseError as refused:
                return refused.response

    return asyncio.run(called())


@pytest.mark.parametrize("make", [extended, wrapped])
@pytest.mark.parametrize("path", GUARDED)
def test_a_view_is_reached_only_by_callers_who_meet_its_requirement(make: Any, path: str) -> None:
    """Whatever the order of decorators, with the extension and behind the middleware."""
    app = make()
    status, headers, _ = ask(app, "GET", path)
    assert (status, headers["content-type"], headers["www-authenticate"][:6]) == (401, "application/problem+json", "Bearer")
    assert [ask(app, "GET", path, name)[0] for name in ("wrong", "bob")] == [401, 403]
    assert ask(app, "GET", path, "ann")[::2] == (200, "ann")


@pytest.mark.parametrize("make", [extended, wrapped])
@pytest.mark.parametrize("path", ["/socket/inner", "/socket/outer", "/known/socket"])
def test_a_socket_is_refused_before_it_is_accepted(make: Any, path: str) -> None:
    """With the challenge where the server can send it, and by a close that says "policy violation" where it cannot."""
    app = make(Guard(Basic(lambda _: None, realm="office"), Bearer(Tokens(PEOPLE)), rules=RULES))
    assert call(app, path, "ann") == "ann"
    assert len(call(app, path).headers.getlist("www-authenticate")) == 2
    assert call(app, path).status_code == call(app, path, "wrong").status_code == 401
    assert call(app, path, plain=True) == 1008
    if path != "/known/socket":
        assert call(app, path, "bob").status_code == 403


@pytest.mark.parametrize("make", [extended, wrapped])
def test_a_method_of_a_view_demands_something_alone(make: Any) -> None:
    """The other methods stay as they are."""
    app = make()
    assert [ask(app, method, "/page", name)[0] for method, name in (("GET", ""), ("POST", ""), ("POST", "ann"))] == [200, 401, 200]


def test_the_rule_of_the_path_holds_for_what_is_not_there_as_well() -> None:
    """An anonymous caller learns nothing of which paths exist."""
    assert [ask(extended(), "GET", path)[0] for path in ("/known/a", "/known", "/nothing", "/known/secret")] == [401, 401, 404, 401]


@pytest.mark.parametrize("path", ["/known/secret", "/known/hidden"])
def test_hidden_views_and_rules_give_the_applications_own_404(path: str) -> None:
    """A blueprint's handler does not answer, and the caller cannot tell it from a missing path."""
    app = Quart(__name__)
    blueprint = Blueprint("print", __name__, url_prefix="/known")

    @blueprint.get("/secret")
    @requires(role("admin").hidden())
    async def secret() -> str:
        return "secret"

    @blueprint.get("/hidden")
    async def hidden() -> str:
        return "hidden"

    @blueprint.errorhandler(404)
    async def mine(_error: Any) -> tuple[str, int]:
        return "of the blueprint", 404

    @app.errorhandler(404)
    async def own(_error: Any) -> tuple[str, int]:
        return f"nothing here for {request.endpoint}", 404

    app.register_blueprint(blueprint)
    Watchword(app, made())
    missing = ask(app, "GET", "/known/nothing", "bob")
    assert (missing[0], ask(app, "GET", path, "bob")) == (404, missing)
    assert "blueprint" not in missing[2]
    assert ask(app, "GET", path, "ann")[0] == 200


@pytest.mark.parametrize("path", ["/inner", "/known/a"])
@pytest.mark.parametrize("answer", [("styled", 401), ("styled", 200), ("styled", 302, {"Location": "/login", "WWW-Authenticate": "Evil"})])
def test_an_error_handler_styles_the_content_and_changes_nothing_else(path: str, answer: Any) -> None:
    """The status, the challenge and no-store stay, whatever the handler says; an error that it raises opens nothing."""
    app = extended()

    async def styled(_error: Any) -> Any:
        return answer

    app.register_error_handler(401, styled)
    status, headers, text = ask(app, "GET", path)
    assert (status, text, headers["Cache-Control"]) == (401, "styled", "no-store")
    assert headers.getlist("WWW-Authenticate") == ['Bearer realm="api"']
    app.register_error_handler(401, lambda _error: abort(500))
    assert ask(app, "GET", path)[0] == 401


def test_every_challenge_is_in_the_response_and_no_setting_makes_an_error_of_it() -> None:
    """Two schemes give two fields."""
    app = extended(Guard(Basic(lambda _: None, realm="office"), Bearer(Tokens(PEOPLE)), rules=RULES))
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    for path in ("/inner", "/known/a"):
        status, headers, text = ask(app, "GET", path)
        assert (status, len(headers.getlist("WWW-Authenticate")), "missing_credentials" in text) == (401, 2, True)


def test_the_cors_extension_sees_refusals() -> None:
    """So that scripts of another origin can read a 401; and with `cors_inside` its preflight passes without any view."""
    app = cors(views(Quart(__name__)), allow_origin="https://app.example")
    Watchword(app, made(cors_inside=True))
    origin = {"Origin": "https://app.example"}
    for path in ("/inner", "/known/a"):
        assert ask(app, "GET", path, headers=origin)[1]["Access-Control-Allow-Origin"] == "https://app.example"
    asked = {**origin, "Access-Control-Request-Method": "GET"}
    status, headers, _ = ask(app, "OPTIONS", "/known/a", headers=asked)
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://app.example")
    alone = cors(views(Quart(__name__)), allow_origin="https://app.example")
    Watchword(alone, Guard(Bearer(Tokens(PEOPLE)), rules={}, cors_inside=True))
    assert [ask(alone, "OPTIONS", at, headers=asked)[0] for at in ("/scoped/rule", "/scoped/none")] == [200, 401]
    assert ask(app, "OPTIONS", "/known/a", headers=origin)[0] == 401
    assert ask(app, "OPTIONS", "/known/a", headers={**asked, "Origin": "https://evil.example"})[0] == 401


def test_a_view_that_answers_options_by_itself_is_not_run_for_a_preflight() -> None:
    """Only the automatic answer runs no view."""
    ran: list[str] = []
    app = cors(Quart(__name__), allow_origin="*")

    @app.route("/known/own", methods=["OPTIONS"])
    async def own() -> str:
        ran.append(request.path)
        return ""

    Watchword(app, made(cors_inside=True))
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    assert (ask(app, "OPTIONS", "/known/own", headers=asked)[0], ran) == (401, [])


def test_the_application_runs_nothing_for_a_caller_who_is_refused() -> None:
    """Its hooks come after the guard, although they were registered first, and it gets no content."""
    ran: list[str] = []
    app = views(Quart(__name__))
    app.before_request(lambda: ran.append(request.path))
    app.before_websocket(lambda: ran.append(websocket.path))
    app.after_request(lambda response: response)
    Watchword(app, made())

    @app.errorhandler(401)
    async def read(_error: Any) -> str:
        return f"{len(await request.get_data())} read"

    assert ask(app, "POST", "/known/a", data=b"x" * 1000)[2] == "0 read"
    ask(app, "GET", "/inner")
    call(app, "/known/socket")
    call(app, "/socket/inner")
    assert ran == []
    assert ask(app, "POST", "/known/a", "bob", data=b"x" * 1000)[2] == "bob a 1000"
    assert ran == ["/known/a"]


def test_what_stands_beside_the_application_serves_nothing_for_a_caller_who_is_refused() -> None:
    """A middleware that was there before the extension may serve another application; and a refusal needs the hook that raises it."""
    ran: list[str] = []
    app = views(Quart(__name__))
    plain = app.asgi_app

    async def beside(scope: Any, receive: Any, send: Any) -> None:
        ran.append(scope["path"])
        await plain(scope, receive, send)

    app.asgi_app = beside  # type: ignore[method-assign]
    Watchword(app, made())
    assert (ask(app, "GET", "/known/a")[0], ran) == (401, [])
    assert (ask(app, "GET", "/known/a", "bob")[0], ran) == (200, ["/known/a"])
    app.before_request_funcs.clear()
    status, _, text = ask(app, "GET", "/known/a")
    assert (status, "missing_credentials" in text) == (401, True)


def test_the_scopes_of_the_view_are_in_the_challenge_of_the_rule() -> None:
    """The client asks for a token once (decision D63), with the extension and behind the bare middleware."""
    guard = Guard(Bearer(Tokens(PEOPLE)), rules={"/scoped/**": scope("read"), "/**": optional})
    app: Any = views(Quart(__name__))
    behind: Any = views(Quart(__name__))
    for one in (app, behind):
        one.websocket("/scoped/socket")(requires(scope("write"))(lambda: "never"))
    Watchword(app, guard)
    behind.asgi_app = GuardMiddleware(behind.asgi_app, guard)
    for one in (app, behind):
        assert ask(one, "GET", "/scoped/rule")[1]["WWW-Authenticate"] == 'Bearer realm="api", scope="read write"'
        assert ask(one, "GET", "/scoped/absent")[1]["WWW-Authenticate"] == 'Bearer realm="api", scope="read"'
        assert call(one, "/scoped/socket").headers["WWW-Authenticate"] == 'Bearer realm="api", scope="read write"'


def test_what_proxies_say_about_users_and_tokens_in_the_query_are_taken_out() -> None:
    """The view does not see what a client sends in their place."""
    app = Quart(__name__)
    app.add_url_rule("/open", view_func=lambda: f"{request.headers.get('X-Remote-User')} {request.query_string.decode()}")
    Watchword(app, Guard(Bearer(Tokens(PEOPLE), query=True), rules={"/**": optional}, strip_credentials=True))
    assert ask(app, "GET", "/open?access_token=ann&a=1", headers={"X-Remote-User": "root"})[2] == "None a=1"


def test_an_application_with_the_extension_is_no_mistake(caplog: pytest.LogCaptureFixture) -> None:
    """One guard is one guard, although the application keeps it; with the middleware around it there are two."""
    guard = made()
    app = extended(guard)
    for warnings in (0, 1):
        caplog.clear()
        assert ask(app, "GET", "/inner", "ann")[0] == 200
        assert caplog.text.count("stands twice") == warnings
        app.asgi_app = GuardMiddleware(app.asgi_app, guard)  # type: ignore[method-assign,assignment,arg-type]


def test_an_application_that_lost_its_middleware_still_refuses() -> None:
    """Another one may have taken its place: then the hooks decide."""
    app = views(Quart(__name__))
    plain = app.asgi_app
    Watchword(app, made())
    app.asgi_app = plain  # type: ignore[method-assign]
    for path in ("/inner", "/known/a"):
        assert [ask(app, "GET", path, name)[0] for name in ("", "ann")] == [401, 200]
    for path in ("/socket/inner", "/known/socket"):
        assert (call(app, path).status_code, call(app, path, "ann")) == (401, "ann")


def test_the_scope_says_who_it_is() -> None:
    """As for every ASGI application, after the view was checked too."""
    app = Quart(__name__)
    app.add_url_rule("/open", view_func=requires(role("admin"))(lambda: request.scope["user"].id))  # type: ignore[typeddict-item]
    Watchword(app, made())
    assert ask(app, "GET", "/open", "ann")[2] == "ann"


def test_a_factory_makes_the_application() -> None:
    """One extension serves several applications, each once."""
    extension = Watchword(made())
    for app in (views(Quart("one")), views(Quart("two"))):
        extension.init_app(app)
        assert ask(app, "GET", "/inner")[0] == 401
        with pytest.raises(ConfigurationError, match="already"):
            extension.init_app(app)


def test_what_cannot_be_checked_is_an_error_at_construction() -> None:
    """An extension without a guard, and a class that is no view."""
    with pytest.raises(ConfigurationError, match="must have a Guard"):
        Watchword(Quart("a"))
    with pytest.raises(ConfigurationError, match=r"subclass of quart\.views\.View"):
        requires(role("admin"))(type("Resource", (), {}))


@pytest.mark.parametrize("path", GUARDED)
def test_a_marked_view_without_a_guard_is_never_served(path: str) -> None:
    """It ends with 500, and the log says what is missing."""
    assert ask(views(Quart(__name__)), "GET", path, "ann")[0] == 500


@pytest.mark.parametrize("path", ["/socket/inner", "/socket/outer"])
def test_a_marked_socket_without_a_guard_is_never_served(path: str) -> None:
    """It is not accepted."""
    assert call(views(Quart(__name__)), path, "ann").status_code == 500


@pytest.mark.parametrize("early", [False, True])
def test_request_contexts_of_tests_work(early: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The principal is that of the request in the context; what is dispatched by hand is refused too, also where it was read before."""

    async def tried() -> None:
        app = extended()
        context: Any  # Quart 0.23 takes it as an argument, where older versions may
        async with app.test_request_context("/known/a", headers=sent("bob")) as context:
            assert current_principal.id == "bob"
            assert await app.preprocess_request(context) is None
        for path, name, status in (("/known/a", "", 401), ("/inner", "bob", 403), ("/inner", "ann", 200), ("/known/secret", "bob", 404)):
            async with app.test_request_context(path, headers=sent(name)) as context:
                assert not early or current_principal.id in {"", name}
                assert (await app.full_dispatch_request(context)).status_code == status
        assert not current_principal.is_authenticated

    asyncio.run(tried())


def test_the_inner_one_of_a_request_and_a_socket_counts() -> None:
    """A test may open a WebSocket within the context of a request, and a view may ask its own application."""
    app = extended()

    @app.websocket("/asking")
    async def asking() -> None:
        response = await app.test_client().get("/inner", headers=sent("ann"))
        await websocket.send(f"{await response.get_data(as_text=True)} {current_principal.id}")

    async def tried() -> list[Any]:
        async with app.test_request_context("/known/a", headers=sent("bob")):
            found = []
            for path, name in (("/socket/inner", "ann"), ("/asking", "")):
                async with app.test_client().websocket(path, headers=sent(name)) as socket:
                    found.append(await socket.receive())
            return [*found, current_principal.id]

    assert asyncio.run(tried()) == ["ann", "ann ", "bob"]


def test_a_request_is_authenticated_and_told_of_once() -> None:
    """The decision of the view takes the place of the decision of the rule; the hook and the decorator ask the same exchange."""
    asked: list[Any] = []
    events: list[AuthEvent] = []

    def check(credentials: Any) -> Principal | None:
        asked.append(credentials)
        return PEOPLE.get(credentials.token)

    app = extended(Guard(Bearer(check), rules=RULES, remember=0, on_event=events.append))
    app.add_url_rule("/broken", view_func=lambda: abort(500))
    for name, path in (("", "/inner"), ("bob", "/inner"), ("ann", "/inner"), ("", "/known/a"), ("ann", "/broken"), ("ann", "/known/a")):
        ask(app, "GET", path, name)
    call(app, "/socket/inner", "ann")
    call(app, "/known/socket", "wrong")
    assert [event.decision for event in events] == [
        *["challenged", "forbidden", "granted", "challenged", "granted", "granted", "granted", "challenged"]
    ]
    assert len(asked) == 5


def test_a_mounted_application_is_decided_about_by_the_path_that_it_routes() -> None:
    """Whether the server states the mount or the extension pins it."""
    for app, path in ((extended(), "/api/known/a"), (views(Quart("pinned")), "/api/known/a")):
        if app.name == "pinned":
            Watchword(app, made(), mount="/api")
        arguments = {} if app.name == "pinned" else {"root_path": "/api"}
        assert ask(app, "GET", path, **arguments)[0] == 401
        assert ask(app, "GET", path, "bob", **arguments)[2] == "bob a 0"


@pytest.mark.parametrize("path", ["", "*", "//known/a", "/known/%2e%2e/open", "known/a"])
def test_paths_that_confuse_the_router_are_refused_before_it_sees_them(path: str) -> None:
    """None of them is an error of the application."""

    async def asked() -> Any:
        sends: list[Any] = []
        connection: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "scheme": "http"}
        waiting = asyncio.Event()

        async def receive() -> Any:
            await waiting.wait()

        async def send(message: Any) -> None:
            sends.append(message)

        await extended()({**connection, "http_version": "1.1", "raw_path": path.encode()}, receive, send)  # type: ignore[arg-type]
        return sends[0]["status"]

    assert asyncio.run(asked()) in {400, 401, 404}
