"""Tests the Flask extension, and the requirements of Flask's views."""

from __future__ import annotations

from functools import partial, wraps
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, request
from flask.views import MethodView, View
from flask_cors import CORS
from quart import Quart

from watchword import (
    Accepted,
    AuthEvent,
    Basic,
    Bearer,
    ConfigurationError,
    Guard,
    Operation,
    Principal,
    authenticated,
    optional,
    public,
    role,
    scope,
)
from watchword.adapters.flask import Watchword, current_principal, requires
from watchword.adapters.quart import Watchword as OfQuart
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Tokens

PEOPLE = {"ann": Principal("ann", roles={"admin"}, scopes={"read"}), "bob": Principal("bob", scopes={"read"})}
RULES = {"/**": public, "/known/**": authenticated, "/maybe": optional, "/known/hidden": role("admin").hidden()}


def made(**settings: Any) -> Guard:
    """Make a guard under which every path but /known is open."""
    return Guard(Bearer(Tokens(PEOPLE)), rules=RULES, **settings)


def sent(name: str) -> dict[str, str]:
    """Return the header fields of a caller."""
    return {"Authorization": f"Bearer {name}"} if name else {}


GUARDED = ["/inner", "/outer", "/between", "/async", "/whole", "/decorated", "/print/page", "/Whole0", "/Part0", "/Whole1", "/Part1"]


class Page(MethodView):
    """A page with one guarded method."""

    def get(self) -> str:
        """Say who it is."""
        return current_principal.id

    @requires(role("admin"))
    def post(self) -> str:
        """Say who it is."""
        return current_principal.id


@requires(role("admin"))
class Whole(View):
    """A guarded page."""

    def dispatch_request(self) -> str:
        """Say who it is."""
        return current_principal.id


class Part(Whole):
    """A page that inherits the requirement, and replaces the method that serves it."""

    def dispatch_request(self) -> str:
        """Say who it is."""
        return current_principal.id


def bare(view: Any) -> Any:
    """Decorate a view without `functools.wraps`: its attributes are lost."""

    def called(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return called


def copying(view: Any) -> Any:
    """Decorate a view with `functools.wraps`."""

    @wraps(view)
    def called(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return called


def views(app: Flask) -> Flask:
    """Add views, guarded in every way."""

    @app.get("/inner")
    @requires(role("admin"))
    def inner() -> str:
        return current_principal.id

    @requires(role("admin"))
    @app.get("/outer")
    def outer() -> str:
        return current_principal.id

    @app.get("/async")
    @requires(role("admin"))
    async def waiting() -> str:
        return current_principal.id

    @app.get("/known/secret")
    @requires(role("admin").hidden())
    def secret() -> str:
        return current_principal.id

    @app.get("/open", endpoint="open")
    @app.get("/known/<path:rest>", endpoint="known")
    def known(rest: str = "") -> str:
        return f"{current_principal.id} {rest}"

    app.add_url_rule("/page", view_func=Page.as_view("page"))
    app.add_url_rule("/whole", view_func=Whole.as_view("whole"))
    shapes: tuple[Any, ...] = (bare, partial)
    for number, shape in enumerate(shapes):
        for page in (Whole, Part):
            name = f"{page.__name__}{number}"
            app.add_url_rule(f"/{name}", name, view_func=shape(page.as_view(name)))

    @requires(role("admin"))
    @copying
    @app.get("/between")
    def between() -> str:
        return current_principal.id

    app.add_url_rule("/decorated", view_func=requires(role("admin"))(Page.as_view("decorated")))
    blueprint = Blueprint("print", __name__, url_prefix="/print")

    @blueprint.get("/page")
    @requires(role("admin"))
    def printed() -> str:
        return current_principal.id

    app.register_blueprint(blueprint)
    return app


def extended(guard: Guard | None = None) -> Flask:
    """Make an application with the extension."""
    app = views(Flask(__name__))
    Watchword(app, guard or made())
    return app


def wrapped(guard: Guard | None = None) -> Flask:
    """Make an application behind the middleware alone."""
    app = views(Flask(__name__))
    app.wsgi_app = GuardMiddleware(app.wsgi_app, guard or made())  # type: ignore[method-assign]
    return app


@pytest.mark.parametrize("make", [extended, wrapped])
@pytest.mark.parametrize("path", GUARDED)
def test_a_view_is_reached_only_by_callers_who_meet_its_requirement(make: Any, path: str) -> None:
    """Whatever the order of decorators, with the extension and behind the middleware."""
    asked = make().test_client()
    refused = asked.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"
    assert asked.get(path, headers=sent("wrong")).status_code == 401
    assert asked.get(path, headers=sent("bob")).status_code == 403
    granted = asked.get(path, headers=sent("ann"))
    assert (granted.status_code, granted.text) == (200, "ann")


@pytest.mark.parametrize("make", [extended, wrapped])
def test_a_method_of_a_view_demands_something_alone(make: Any) -> None:
    """The other methods stay as they are."""
    asked = make().test_client()
    assert asked.get("/page").status_code == 200
    assert asked.post("/page").status_code == 401
    assert asked.post("/page", headers=sent("ann")).text == "ann"


def test_the_rule_of_the_path_holds_for_what_is_not_there_as_well() -> None:
    """An anonymous caller learns nothing of which paths exist."""
    asked = extended().test_client()
    assert [asked.get(path).status_code for path in ("/known/a", "/known", "/nothing")] == [401, 401, 404]


@pytest.mark.parametrize("path", ["/known/secret", "/known/hidden"])
def test_hidden_views_and_rules_give_the_applications_own_404(path: str) -> None:
    """A blueprint's handler does not answer, and the caller cannot tell it from a missing path."""
    app = Flask(__name__)
    blueprint = Blueprint("print", __name__, url_prefix="/known")

    @blueprint.get("/secret")
    @requires(role("admin").hidden())
    def secret() -> str:
        return "secret"

    @blueprint.get("/hidden")
    def hidden() -> str:
        return "hidden"

    @blueprint.errorhandler(404)
    def mine(_error: Any) -> tuple[str, int]:
        return "of the blueprint", 404

    @app.errorhandler(404)
    def own(_error: Any) -> tuple[str, int]:
        return f"nothing here for {request.endpoint}", 404

    app.register_blueprint(blueprint)
    Watchword(app, made())
    asked = app.test_client()
    missing = asked.get("/nothing", headers=sent("bob"))
    found = asked.get(path, headers=sent("bob"))
    assert (found.status_code, found.headers) == (404, missing.headers)
    assert "blueprint" not in found.text
    assert asked.get(path, headers=sent("ann")).status_code == 200


@pytest.mark.parametrize("path", ["/inner", "/known/a"])
def test_an_error_handler_gets_the_words_and_the_data(path: str) -> None:
    """In the language of the visitor: `description` as any other error has it, and `refusal` for a template."""
    app = extended()
    seen: list[Any] = []

    @app.errorhandler(401)
    def own(error: Any) -> tuple[str, int]:
        seen.append(error.refusal)
        return f"{error.name}|{error.description}|{error.refusal.title}", 401

    refused = app.test_client().get(path, headers={"Accept-Language": "es", "X-Request-Id": "id-1"})
    assert refused.text == (
        "Unauthorized|Esta dirección solo responde a quien presenta una clave o un token. "
        "Ábrala con la aplicación que tiene su clave o token.|Se necesita una clave o un token"
    )
    assert (seen[0].status, seen[0].reason, seen[0].request_id, seen[0].realm) == (401, "missing_credentials", "id-1", "api")
    assert "Vary" not in refused.headers  # on what its own content depends, the application says


@pytest.mark.parametrize("path", ["/inner", "/known/a"])
@pytest.mark.parametrize("answer", [("styled", 401), ("styled", 200), ("styled", 302, {"Location": "/login", "WWW-Authenticate": "Evil"})])
def test_an_error_handler_styles_the_content_and_changes_nothing_else(path: str, answer: Any) -> None:
    """The status, the challenge and no-store stay, whatever the handler says."""
    app = extended()
    app.register_error_handler(401, lambda error: answer)
    refused = app.test_client().get(path)
    assert (refused.status_code, refused.text) == (401, "styled")
    assert refused.headers.getlist("WWW-Authenticate") == ['Bearer realm="api"']
    assert refused.headers["Cache-Control"] == "no-store"


def test_every_challenge_is_in_the_response() -> None:
    """Two schemes give two fields."""
    guard = Guard(Basic(lambda credentials: None, realm="office"), Bearer(Tokens(PEOPLE)))
    refused = extended(guard).test_client().get("/inner")
    assert len(refused.headers.getlist("WWW-Authenticate")) == 2


def test_the_cors_extension_sees_refusals() -> None:
    """So that scripts of another origin can read a 401; and with `cors_inside` its preflight passes without any view."""
    app = views(Flask(__name__))
    CORS(app, origins=["https://app.example"])
    Watchword(app, made(cors_inside=True))
    asked = app.test_client()
    origin = {"Origin": "https://app.example"}
    assert asked.get("/inner", headers=origin).headers["Access-Control-Allow-Origin"] == "https://app.example"
    preflight = asked.options("/known/a", headers={**origin, "Access-Control-Request-Method": "GET"})
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert asked.options("/known/a", headers=origin).status_code == 401


def test_the_application_runs_nothing_for_a_caller_who_is_refused() -> None:
    """Its `before_request` functions come after the guard, although they were registered first."""
    ran: list[str] = []
    app = views(Flask(__name__))
    app.before_request(lambda: ran.append(request.path))
    Watchword(app, made())
    asked = app.test_client()
    asked.get("/known/a")
    asked.get("/inner")
    assert ran == []
    asked.get("/known/a", headers=sent("bob"))
    assert ran == ["/known/a"]


def test_what_proxies_say_about_users_is_taken_out() -> None:
    """The view does not see what a client sends in their place."""
    app = Flask(__name__)
    app.add_url_rule("/open", view_func=lambda: f"{request.headers.get('X-Remote-User')} {request.remote_user}")
    Watchword(app, made())
    assert app.test_client().get("/open", headers={"X-Remote-User": "root"}).text == "None None"


def test_a_factory_makes_the_application() -> None:
    """One extension serves several applications, each once."""
    extension = Watchword(made())
    for app in (views(Flask("one")), views(Flask("two"))):
        extension.init_app(app)
        assert app.test_client().get("/inner").status_code == 401
        with pytest.raises(ConfigurationError, match="already"):
            extension.init_app(app)


@pytest.mark.parametrize("arguments", [(), (None,), (Flask("a"),), ("guard",), (None, "guard")])
def test_an_extension_without_a_guard_is_an_error(arguments: Any) -> None:
    """At construction, and not when a request comes."""
    with pytest.raises(ConfigurationError, match="must have a Guard"):
        Watchword(*arguments)


def test_an_application_of_another_framework_is_an_error() -> None:
    """Of Quart, whose class looks alike: the error names the class that is needed."""
    extension: Any
    for extension, app, named in ((Watchword, Quart("a"), "a Flask"), (OfQuart, Flask("a"), "a Quart")):
        with pytest.raises(ConfigurationError, match=rf"Watchword\(app\) must be {named}, such as {named[2:]}\(__name__\), got <"):
            extension(app, made())


@pytest.mark.parametrize("path", GUARDED)
def test_a_marked_view_without_a_guard_is_never_served(path: str) -> None:
    """It ends with 500, and the log says what is missing."""
    assert views(Flask(__name__)).test_client().get(path, headers=sent("ann")).status_code == 500


def test_request_contexts_of_tests_work() -> None:
    """The principal is that of the request in the context; nothing needs to be dispatched."""
    app = extended()
    with app.test_request_context("/known/a", headers=sent("bob")):
        assert current_principal.id == "bob"
        assert app.preprocess_request() is None
        assert current_principal.has_scope("read")
    with app.test_request_context("/inner", headers=sent("bob")):
        assert app.full_dispatch_request().status_code == 403
    with app.test_request_context("/inner"):
        refused = app.full_dispatch_request()
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert not current_principal.is_authenticated


def test_one_event_for_each_request() -> None:
    """The decision of the view takes the place of the decision of the rule."""
    events: list[AuthEvent] = []
    app = extended(made(on_event=events.append))
    app.add_url_rule("/broken", view_func=lambda: abort(500))
    asked = app.test_client()
    for name, path in (("", "/inner"), ("bob", "/inner"), ("ann", "/inner"), ("", "/known/a"), ("ann", "/broken")):
        asked.get(path, headers=sent(name))
    assert [event.decision for event in events] == ["challenged", "forbidden", "granted", "challenged", "granted"]


def test_a_class_that_is_no_view_is_an_error_at_the_decorator() -> None:
    """Another library makes views of it, which would not be checked."""
    with pytest.raises(ConfigurationError, match=r"subclass of flask\.views\.View"):
        requires(role("admin"))(type("Resource", (), {}))


def test_a_request_is_authenticated_once() -> None:
    """The hook and the decorator ask the same exchange."""
    asked: list[Any] = []

    def check(credentials: Any) -> Principal | None:
        asked.append(credentials)
        return PEOPLE.get(credentials.token)

    app = extended(Guard(Bearer(check), rules=RULES, remember=0))
    for path in ("/inner", "/known/a"):
        assert app.test_client().get(path, headers=sent("ann")).status_code == 200
    assert len(asked) == 2


def test_a_request_is_authenticated_once_where_the_caller_is_read_before_the_guard() -> None:
    """Evidence that may be used once would be refused the second time."""
    asked: list[Any] = []
    events: list[AuthEvent] = []

    def check(credentials: Any) -> Principal | None:
        asked.append(credentials)
        return PEOPLE.get(credentials.token)

    app = extended(Guard(Bearer(check), rules=RULES, remember=0, on_event=events.append))
    seen: list[str] = []
    app.url_value_preprocessor(lambda endpoint, values: seen.append(current_principal.id))
    for name in ("ann", "bob", "wrong"):
        app.test_client().get("/known/a", headers=sent(name))
    assert seen == ["ann", "bob", ""]
    assert (len(asked), len(events)) == (3, 3)


def test_an_application_that_is_called_with_the_same_environ_is_decided_about_by_its_own_path() -> None:
    """What was decided for the outer request does not count."""
    app = extended()

    @app.get("/forward")
    def forwarded() -> Any:
        current = dict(request.environ)
        current["PATH_INFO"] = "/known/a"
        return app.response_class.from_app(app.wsgi_app, current)

    assert app.test_client().get("/forward").status_code == 401


def test_an_application_within_a_view_leaves_the_outer_request_alone() -> None:
    """Each has its own event, and the outer view answers for itself."""
    events: list[AuthEvent] = []
    app, inner = extended(made(on_event=events.append)), extended(Guard(Bearer(Tokens(PEOPLE))))

    @app.get("/legacy")
    def legacy() -> str:
        started: list[str] = []

        def start(status: str, _headers: Any, *_: Any) -> Any:
            started.append(status)

        b"".join(inner.wsgi_app(request.environ, start))
        return started[0]

    asked = app.test_client().get("/legacy")
    assert (asked.status_code, asked.text) == (200, "401 UNAUTHORIZED")
    assert [event.decision for event in events] == ["granted"]


@pytest.mark.parametrize("early", [False, True])
def test_a_token_in_the_query_does_not_reach_the_view(early: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Also where something has read the query before the guard."""
    app = Flask(__name__)
    seen: list[str] = []

    @app.get("/known/a")
    def shown() -> str:
        return f"{request.args.to_dict()} {request.values.to_dict()} {request.query_string!r} {request.url} {request.full_path}"

    if early:
        app.url_value_preprocessor(lambda endpoint, values: seen.append(shown()))
    Watchword(app, Guard(Bearer(Tokens(PEOPLE), query=True), rules=RULES, strip_credentials=True))
    answer = app.test_client().get("/known/a?x=1&access_token=ann")
    assert answer.status_code == 200
    assert answer.text == "{'x': '1'} {'x': '1'} b'x=1' http://localhost/known/a?x=1 /known/a?x=1"


@pytest.mark.parametrize("path", ["/inner", "/known/a"])
def test_a_refusal_is_no_error_of_the_application(path: str) -> None:
    """Flask can raise HTTP errors anew, for a debugger: no caller may cause that without a login."""
    app = extended()
    app.config.update(TRAP_HTTP_EXCEPTIONS=True, TESTING=True)
    refused = app.test_client().get(path)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    app = extended()
    app.config.update(TRAP_HTTP_EXCEPTIONS=True)
    app.register_error_handler(Exception, lambda error: ("styled", 500))
    refused = app.test_client().get(path)
    assert (refused.status_code, refused.text) == (401, "styled")


def test_an_exception_that_is_raised_to_the_server_ends_the_exchange() -> None:
    """The caller has logged in all the same."""
    done: list[str] = []

    def check(_credentials: Any) -> Accepted:
        return Accepted(PEOPLE["ann"], after_response=Operation(lambda: done.append("ann")))

    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.add_url_rule("/known/a", view_func=lambda: str(1 / 0))
    Watchword(app, Guard(Bearer(check), rules=RULES))
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/known/a", headers=sent("ann"))
    assert done == ["ann"]


def test_scopes_of_a_view_are_demanded() -> None:
    """A caller without them is told which."""
    app = Flask(__name__)
    app.add_url_rule("/w", view_func=requires(scope("write"))(lambda: "w"))
    Watchword(app, made())
    refused = app.test_client().get("/w", headers=sent("bob"))
    assert refused.status_code == 403
    assert 'scope="write"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize("make", [extended, wrapped])
def test_a_rule_that_refuses_names_the_scope_of_the_view(make: Any) -> None:
    """A client that asks for a token gets one that the view accepts, too; below a mount, and each time."""
    app = make()

    class Written(MethodView):
        """Serves by a method that is marked."""

        @requires(scope("write"))
        def get(self) -> str:
            """Answer."""
            return "w"

    app.add_url_rule("/known/w", view_func=Written.as_view("w"))
    for base in ("http://localhost", "http://localhost/api") * 2:
        refused = app.test_client().get("/known/w", base_url=base)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api", scope="write"')
