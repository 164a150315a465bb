"""Tests the names of Flask-HTTPAuth over a guard: what Flask-HTTPAuth lets in by mistake is refused."""

from __future__ import annotations

import gc
import logging
import sqlite3
from base64 import b64encode
from contextlib import closing
from functools import wraps
from typing import Any, cast
from weakref import ref

import flask_httpauth as theirs
import pytest
from flask import Flask, Response, redirect, request
from flask.views import MethodView

from watchword import ANONYMOUS, Accepted, AuthEvent, Bearer, ConfigurationError, Guard, Principal, Refused, RequestView, Unavailable
from watchword.adapters.flask import Watchword, current_principal
from watchword.checkers import Tokens
from watchword.compat.flask_httpauth import HTTPBasicAuth, HTTPDigestAuth, HTTPTokenAuth, MultiAuth
from watchword.testing import acting_as

PEOPLE = {"ann": "secret", "bob": "secret"}


def basic(name: str = "ann", password: str = "secret", scheme: str = "Basic") -> dict[str, str]:
    """Return the header fields of a caller."""
    return {"Authorization": f"{scheme} {b64encode(f'{name}:{password}'.encode()).decode()}"}


ANN, FALSE = basic(), basic(password="wrong")


def knowing(auth: Any = None, **settings: Any) -> Any:
    """Make an object that knows two people, by Flask-HTTPAuth's names or ours."""
    auth = auth or HTTPBasicAuth(**settings)

    @auth.verify_password
    def verify(username: str, password: str) -> str | None:
        return username if password and PEOPLE.get(username) == password else None

    return auth


def client(auth: Any, **demand: Any) -> Any:
    """Make a client of an application with one view that demands a login, for every method."""
    app = Flask(__name__)
    decorate = auth.login_required(**demand) if demand else auth.login_required

    @app.route("/", methods=["GET", "POST", "OPTIONS"], provide_automatic_options=False)
    @decorate
    def view() -> str:
        return f"let in: {auth.current_user()}"

    return app.test_client()


def noting(called: list[Any], answer: Any) -> Any:
    """Return a function that notes its first argument, and answers as another one."""

    def noted(*args: Any) -> Any:
        called.append(args[0] if args else None)
        return answer(*args)

    return noted


def answering(answer: Any) -> Any:
    """Make a client of an application whose callback returns this."""
    auth = HTTPBasicAuth()
    auth.verify_password(lambda username, password: answer() if isinstance(answer, type(lambda: 0)) else answer)
    return client(auth)


def test_a_caller_is_let_in_and_others_are_challenged() -> None:
    """The view runs for the right password alone; the refusal is the guard's."""
    asked = client(knowing(realm="office"))
    assert asked.get("/", headers=ANN).text == "let in: ann"
    for sent in (FALSE, basic("nobody"), {}):
        refused = asked.get("/", headers=sent)
        assert (refused.status_code, refused.headers.getlist("WWW-Authenticate")) == (401, ['Basic realm="office"'])
        assert refused.headers["Cache-Control"] == "no-store"
        assert refused.json["title"]


async def waiting() -> str:
    """Return a user, to whoever awaits it."""
    return "ann"


def cursor() -> sqlite3.Cursor:
    """Return what a query returns when nobody fetches its rows."""
    with closing(sqlite3.connect(":memory:")) as database:
        return database.execute("select 1")


MISTAKES = [
    lambda: waiting(),  # noqa: PLW0108 - a coroutine that nobody awaits
    lambda: (one for one in ["ann"]),
    lambda: filter(None, ["ann"]),
    cursor,
    lambda: waiting,
    lambda: "ann".upper,
    lambda: Principal,
    lambda: ValueError("wrong password"),
    lambda: Response("wrong password", 401),
    lambda: (False, "wrong password"),
    lambda: (None, "wrong password"),
    lambda: Refused(),  # noqa: PLW0108 - a class is asked for below
    lambda: Accepted(Principal("ann")),
]


@pytest.mark.parametrize("answer", MISTAKES, ids=range(len(MISTAKES)))
def test_what_cannot_be_a_user_is_a_bug_and_no_access(answer: Any) -> None:
    """A true value that a callback returns by mistake ends with 500."""
    assert answering(answer).get("/", headers=ANN).status_code == 500


class Guest:
    """Somebody who has not logged in, as Flask-Login has it."""

    is_authenticated = False


class OldGuest:
    """The same, as Flask-Login had it once."""

    def is_authenticated(self) -> bool:
        """Answer."""
        return False


@pytest.mark.parametrize("answer", [None, False, 0, "", [], {}, pytest.param(Guest(), id="guest"), ANONYMOUS], ids=repr)
def test_what_is_false_refuses(answer: object) -> None:
    """So does an object for anonymous users, which is true."""
    assert answering(answer).get("/", headers=ANN).status_code == 401


@pytest.mark.parametrize("user", ["ann", 7, {"name": "ann"}, ("ann", 7), Principal("ann")], ids=repr)
def test_a_user_may_be_any_true_value(user: object) -> None:
    """`current_user` returns what the callback did."""
    assert answering(user).get("/", headers=ANN).text == f"let in: {user}"


def test_an_exception_of_a_callback_is_no_answer() -> None:
    """A bug is a 500, and an outage a 503."""
    for error, status in ((KeyError("x"), 500), (Unavailable("down"), 503)):
        auth = HTTPBasicAuth()

        @auth.verify_password
        def verify(username: str, password: str, error: Exception = error) -> None:
            raise error

        assert client(auth).get("/", headers=ANN).status_code == status


@pytest.mark.parametrize("sent", [{}, basic("", ""), basic("", "secret"), {"Authorization": "Basic !"}, {"Authorization": "Basic"}])
def test_a_callback_is_never_called_without_a_name(sent: dict[str, str]) -> None:
    """N1: `get(name, "") == password` is true where nothing was sent."""
    auth = HTTPBasicAuth()
    called: list[Any] = []
    auth.verify_password(noting(called, lambda username, password: True))
    assert client(auth).get("/", headers=sent).status_code in {400, 401}
    assert called == []


@pytest.mark.parametrize("name", ["Bearer", "Digest", "xBasic", ""])
def test_credentials_count_under_their_own_scheme_alone(name: str) -> None:
    """N3: Flask-HTTPAuth takes user name and password under any name."""
    assert client(knowing()).get("/", headers=basic(scheme=name)).status_code in {400, 401}


def test_a_scheme_of_another_name_opens_no_dialog() -> None:
    """It is offered alone; clients may send `Basic` all the same, or follow the challenge."""
    asked = client(knowing(scheme="xBasic"))
    assert asked.get("/").headers.getlist("WWW-Authenticate") == ['xBasic realm="Authentication Required"']
    for name in ("Basic", "basic", "xBasic", "XBASIC"):
        assert asked.get("/", headers=basic(scheme=name)).text == "let in: ann"
    assert asked.get("/", headers=basic(scheme="yBasic")).status_code == 401


def test_no_method_is_exempt() -> None:
    """N6: Flask-HTTPAuth runs a view that answers OPTIONS for everybody."""
    assert client(knowing()).options("/").status_code == 401
    assert client(knowing(theirs.HTTPBasicAuth())).options("/").status_code == 200


@pytest.mark.parametrize(
    ("demand", "anonymous", "false", "bob"),
    [({"optional": True}, 200, 401, 200), ({"optional": True, "role": "admin"}, 401, 401, 403), ({"role": "admin"}, 401, 401, 403)],
)
def test_an_optional_login_refuses_false_credentials_and_keeps_the_role(
    demand: dict[str, Any], anonymous: int, false: int, bob: int
) -> None:
    """N2, D18: `optional=True` opens the view to callers without credentials, where no role is demanded."""
    auth = knowing()
    auth.get_user_roles(lambda user: "admin" if user == "ann" else None)
    asked = client(auth, **demand)
    assert [asked.get("/", headers=sent).status_code for sent in ({}, FALSE, basic("bob"), ANN)] == [anonymous, false, bob, 200]


ROLES: list[Any] = ["a", ["a"], ("a", "b"), ["b", "a"], [["a", "b"]], [("a", "b"), "c"], [["a"], ["b", "c"]], 1, [1, "a"]]
HELD: list[Any] = ["a", "b", ["a"], ("a", "b"), ["b", "c"], ["c"], [], None, "", "ab", 1, [1], ["A"], [None]]


def test_roles_mean_what_they_mean_in_flask_httpauth() -> None:
    """One of a list suffices, and a list within it demands all of its roles. Theirs fails for a user without roles there."""
    for role in ROLES:
        held = HELD[0]
        asked = []
        for auth in (knowing(), knowing(theirs.HTTPBasicAuth())):
            auth.get_user_roles(lambda user: held)  # noqa: B023 - called in this turn
            asked.append(client(auth, role=role))
        for held in HELD:
            ours, other = (one.get("/", headers=ANN).status_code for one in asked)
            assert ours == (403 if other == 500 else other), (role, held)


@pytest.mark.parametrize("role", [[], "", [[]], ["a", []], ["a", ""], {"a"}, [None], [["a", ["b"]]], [("a", ("b",))], {"a": 1}], ids=repr)
def test_a_role_that_is_empty_or_no_role_is_an_error(role: object) -> None:
    """`[[]]` would be held by everybody, and is in Flask-HTTPAuth."""
    with pytest.raises(ConfigurationError, match=r"login_required\(role=\.\.\.\) must be a role"):
        HTTPBasicAuth().login_required(role=role)


def test_a_role_without_a_function_for_roles_is_an_error_of_the_request() -> None:
    """It is registered after the decorator, so construction cannot tell. The view does not run."""
    assert client(knowing(), role="admin").get("/", headers=ANN).status_code == 500


def test_roles_may_depend_on_the_credentials_where_there_is_no_user() -> None:
    """A callback that returned True has no user: the function for roles is given name, password or token."""
    people, tokens = HTTPBasicAuth(), HTTPTokenAuth("Token")
    people.verify_password(lambda username, password: True)
    tokens.verify_token(lambda token: True)
    people.get_user_roles(lambda auth: f"{auth.username}/{auth.password}")
    tokens.get_user_roles(lambda auth: auth.token)
    assert client(people, role="ann/secret").get("/", headers=ANN).text == "let in: ann"
    asked = client(tokens, role="t1")
    assert asked.get("/", headers={"Authorization": "Token t1"}).text == "let in: None"
    assert asked.get("/", headers={"Authorization": "Token t2"}).status_code == 403


def test_callbacks_and_views_may_be_async() -> None:
    """Flask runs them, and nothing is let in by a coroutine."""
    auth = HTTPBasicAuth()

    @auth.verify_password
    async def verify(username: str, password: str) -> bool:
        return password == "secret"

    @auth.get_user_roles
    async def roles(_: object) -> list[str]:
        return ["admin"]

    @auth.error_handler
    async def refuse(status: int) -> str:
        return f"no: {status}"

    assert client(auth, role="admin").get("/", headers=ANN).text == "let in: ann"
    assert client(auth, role="other").get("/", headers=ANN).text == "no: 403"
    assert client(auth).get("/", headers=FALSE).text == "no: 401"


@pytest.mark.parametrize(
    ("answer", "status", "challenges"),
    [
        ("no", 401, ['Basic realm="Authentication Required"']),
        (("no", 200), 401, ['Basic realm="Authentication Required"']),
        (("", 204), 401, ['Basic realm="Authentication Required"']),
        (("no", 403), 403, ['Basic realm="Authentication Required"']),
        (("no", 500), 500, ['Basic realm="Authentication Required"']),
        (("no", 401, {"WWW-Authenticate": "", "Cache-Control": "public"}), 401, ['Basic realm="Authentication Required"']),
        (("no", 401, {"WWW-Authenticate": 'Own realm="x"'}), 401, ['Own realm="x"']),
        (lambda: redirect("/login"), 302, ['Basic realm="Authentication Required"']),
        (None, 500, []),
    ],
)
def test_an_error_handler_cannot_make_a_refusal_a_success(answer: Any, status: int, challenges: list[str]) -> None:
    """It says what it wants; a status below 300, a dropped challenge and a cache are put right."""
    auth = knowing()
    auth.error_handler(lambda: answer() if callable(answer) else answer)
    refused = client(auth).get("/", headers=FALSE)
    assert (refused.status_code, refused.headers.getlist("WWW-Authenticate")) == (status, challenges)
    assert status == 500 or refused.headers["Cache-Control"] == "no-store"


def test_an_error_handler_is_asked_about_401_and_403_alone() -> None:
    """Its words are about logins: malformed fields, outages and floods have refusals of their own."""
    auth = knowing()
    auth.error_handler(lambda status: f"handled {status}")
    asked = client(auth)
    assert asked.get("/").text == "handled 401"
    assert asked.get("/", headers={"Authorization": "Basic"}).json["status"] == 400
    assert asked.get("/", headers={"Authorization": "Basic " + "a" * 9000}).json["status"] == 431


@pytest.mark.parametrize("realm", ['a"b', "a\\b"])
def test_a_realm_is_quoted(realm: str) -> None:
    """N13: Flask-HTTPAuth writes it as it is."""
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    assert client(knowing(realm=realm)).get("/").headers["WWW-Authenticate"] == f'Basic realm="{quoted}"'


@pytest.mark.parametrize("bad", ["a\r\nSet-Cookie: b=c", "a\nb", "büro", "\x00"])
def test_what_would_write_another_field_is_an_error(bad: str) -> None:
    """In a realm, in a scheme and in the name of a field, at construction."""
    made: Any
    for made in (HTTPBasicAuth, HTTPTokenAuth):
        for argument in ("realm", "scheme"):
            with pytest.raises(ConfigurationError):
                made(**{argument: bad})
    for settings in ({"header": bad}, {"header": "X-Key", "scheme": bad}, {"header": "X-Key", "realm": bad}, {"scheme": ""}):
        with pytest.raises(ConfigurationError):
            made(**settings)


@pytest.mark.parametrize(
    ("stored", "password", "status"),
    [
        ("secret", "secret", 200),
        (b"secret", "secret", 200),
        ("gehe\u00efm", "gehei\u0308m", 200),
        ("gehe\u00efm", "x", 401),
        ("x", "gehe\u00efm", 401),
        ("", "", 401),
        (None, "", 401),
        (b"", "", 401),
        (0, "0", 401),
        (7, "7", 500),
    ],
    ids=repr,
)
def test_a_stored_password_is_compared_octet_by_octet(stored: object, password: str, status: int) -> None:
    """N5: characters beyond ASCII are no error. An empty password is none."""
    auth = HTTPBasicAuth()
    auth.get_password(lambda username: stored)
    assert client(auth).get("/", headers=basic(password=password)).status_code == status


def test_a_hash_function_takes_one_argument_or_two() -> None:
    """By its signature: a TypeError within it is no reason to call it again. It is called for unknown users too."""
    for hashing in (lambda password: f"h{password}", lambda username, password: f"h{password}"):
        auth = HTTPBasicAuth()
        called: list[Any] = []
        auth.get_password({"ann": "hsecret"}.get)
        auth.hash_password(wraps(hashing)(noting(called, hashing)))
        asked = client(auth)
        assert [asked.get("/", headers=sent).status_code for sent in (ANN, FALSE, basic("nobody"))] == [200, 401, 401]
        assert len(called) == 3


def test_an_object_without_a_callback_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    """The log says which function is missing."""
    with caplog.at_level(logging.INFO):
        assert client(HTTPTokenAuth()).get("/", headers={"Authorization": "Bearer t"}).status_code == 401
    assert "no function is registered by verify_token" in caplog.text
    assert client(HTTPBasicAuth()).get("/", headers=basic(password="")).status_code == 401


def several() -> MultiAuth:
    """Make an object for passwords, tokens and keys."""
    tokens, keys = HTTPTokenAuth(), HTTPTokenAuth("ApiKey", header="X-API-Key")
    tokens.verify_token({"t1": "token"}.get)
    keys.verify_token({"k1": "key"}.get)
    return MultiAuth(knowing(), tokens, keys)


def test_several_ways_are_all_offered_the_one_that_was_tried_first() -> None:
    """RFC 9110 §11.6.1: each challenge is a field of its own."""
    asked = client(several())
    ours = ['Basic realm="Authentication Required"', 'Bearer realm="Authentication Required"', 'ApiKey realm="Authentication Required"']
    assert asked.get("/").headers.getlist("WWW-Authenticate") == ours
    assert asked.get("/", headers={"X-API-Key": "x"}).headers.getlist("WWW-Authenticate") == [ours[2], *ours[:2]]
    refused = asked.get("/", headers={"Authorization": "Bearer x"}).headers.getlist("WWW-Authenticate")
    assert refused[0].startswith('Bearer realm="Authentication Required", error="invalid_token"')
    for sent, user in ((ANN, "ann"), ({"Authorization": "bearer t1"}, "token"), ({"X-API-Key": "k1"}, "key")):
        assert asked.get("/", headers=sent).text == f"let in: {user}"


def test_credentials_of_two_ways_at_once_are_refused() -> None:
    """D18: to take one of them would be a guess."""
    assert client(several()).get("/", headers={**ANN, "X-API-Key": "k1"}).status_code == 400


def test_two_ways_of_one_scheme_and_a_nested_object_are_errors() -> None:
    """The guard asks one checker for a scheme."""
    with pytest.raises(ConfigurationError, match="have the name 'basic'"):
        MultiAuth(HTTPBasicAuth(), HTTPBasicAuth(realm="other"))
    with pytest.raises(ConfigurationError, match="must be a"):
        MultiAuth(HTTPBasicAuth(), several())  # type: ignore[arg-type]


def test_digest_comes_later() -> None:
    """It is an error that says what to do meanwhile."""
    with pytest.raises(ConfigurationError, match=r"Digest comes with a later version of watchword\. Use HTTPBasicAuth over https"):
        HTTPDigestAuth(use_ha1_pw=True)


@pytest.mark.parametrize("name", ["authenticate", "authorize", "get_auth", "authenticate_header"])
def test_a_method_that_would_be_overridden_in_vain_is_an_error(name: str) -> None:
    """It may refuse callers in Flask-HTTPAuth."""
    with pytest.raises(ConfigurationError, match=rf"Own\.{name}\(\) would not be called"):
        type("Own", (HTTPBasicAuth,), {name: lambda *_: None, "__qualname__": "Own"})
    type("Other", (HTTPBasicAuth,), {"of_its_own": lambda *_: None})


def test_a_decorator_above_the_route_is_an_error() -> None:
    """N11: the router has the function below, which would run for everybody."""
    auth, other = knowing(), knowing()
    app = Flask(__name__)

    @auth.login_required
    @app.get("/above")
    def above() -> str:
        return "run"

    @other.login_required
    @app.get("/between")
    @auth.login_required
    def between() -> str:
        return "run"

    asked = app.test_client()
    assert [asked.get(path, headers=ANN).status_code for path in ("/above", "/between", "/nowhere")] == [500, 500, 404]


@pytest.mark.parametrize("view", ["admin", MethodView, 7])
def test_what_is_no_view_is_an_error(view: Any) -> None:
    """A role is named by its keyword."""
    with pytest.raises(ConfigurationError, match=r"login_required\(f\) must be a view function"):
        HTTPBasicAuth().login_required(view)


def test_the_view_and_a_demand_are_not_given_at_once() -> None:
    """As in Flask-HTTPAuth."""
    with pytest.raises(ConfigurationError, match="takes the view alone"):
        HTTPBasicAuth().login_required(lambda: "", role="admin")  # type: ignore[call-overload]


def test_a_request_is_authenticated_once() -> None:
    """Two decorators, and a function that the view calls, ask one exchange."""
    auth, called = HTTPBasicAuth(), list[Any]()
    auth.verify_password(noting(called, lambda username, password: username))
    auth.get_user_roles(lambda user: "editor")
    app = Flask(__name__)
    inner: Any = auth.login_required(role="editor")(lambda: "inner")
    app.add_url_rule("/", view_func=auth.login_required(wraps(inner)(lambda: inner())))  # noqa: PLW0108 - a view that calls another
    app.add_url_rule("/no", "no", auth.login_required(auth.login_required(role="admin")(lambda: "never")))
    assert app.test_client().get("/", headers=ANN).text == "inner"
    assert called == ["ann"]
    assert app.test_client().get("/no", headers=ANN).status_code == 403
    assert called == ["ann", "ann"]


def test_the_caller_is_told_to_the_application_too() -> None:
    """`current_principal` and the environ name the caller, so that views can move one by one."""
    auth = knowing()
    app = Flask(__name__)
    app.add_url_rule("/", view_func=auth.login_required(lambda: f"{current_principal.id} {request.environ['REMOTE_USER']}"))
    app.add_url_rule("/open", "open", lambda: f"{auth.current_user()}{auth.get_auth()}{auth.username()}{current_principal}")
    with app.app_context():  # which two requests share
        assert app.test_client().get("/", headers=ANN).text == "ann ann"
        assert app.test_client().get("/open", headers=ANN).text == "NoneNoneANONYMOUS"
    assert auth.current_user() is None


def test_the_credentials_of_the_caller_are_verified_ones() -> None:
    """`username` and `get_auth` do not repeat what a client claims."""
    auth = knowing()
    seen: list[Any] = []
    auth.error_handler(lambda: f"{auth.get_auth()} {auth.username()!r} {auth.current_user()}")
    app = Flask(__name__)
    app.add_url_rule("/", view_func=auth.login_required(lambda: noting(seen, lambda _: auth.username())(auth.get_auth())))
    assert app.test_client().get("/", headers=FALSE).text == "None '' None"
    assert app.test_client().get("/", headers=ANN).text == "ann"
    assert (seen[0].type, seen[0].username, seen[0].password) == ("basic", "ann", "secret")
    assert auth.authenticate_header() == 'Basic realm="Authentication Required"'


def test_no_secret_is_printed() -> None:
    """The principal travels to logs and events with what the callback returned, and prints neither that nor the credentials."""
    events: list[AuthEvent] = []
    asked = client(knowing(options={"on_event": events.append}))
    assert asked.get("/", headers=ANN).status_code == 200
    assert asked.get("/", headers=FALSE).status_code == 401
    assert [event.decision for event in events] == ["granted", "challenged"]
    assert "secret" not in str(events)


def test_the_claims_of_the_principal_print_no_secret() -> None:
    """They hold the credentials for `get_auth`."""
    auth = knowing()
    app = Flask(__name__)
    app.add_url_rule("/", view_func=auth.login_required(lambda: f"{current_principal.claims!r} {current_principal!r}"))
    assert "secret" not in app.test_client().get("/", headers=ANN).text


def test_options_reach_the_guard() -> None:
    """D61: a page of another origin cannot use a password that a browser keeps, unless the origin is named."""
    foreign = {**ANN, "Origin": "https://app.example.com"}
    assert client(knowing()).post("/", headers=foreign).status_code == 403
    assert client(knowing(options={"origins": ["https://app.example.com"]})).post("/", headers=foreign).status_code == 200
    for name in ("origin", "default", "order"):
        with pytest.raises(ConfigurationError, match=r"options=\{\.\.\.\} must name options of the guard"):
            HTTPBasicAuth(options={name: []})


def test_caches_are_told_whom_a_response_is_for() -> None:
    """D58: a key in a field of its own makes it private, and an optional login makes it vary."""
    keys = HTTPTokenAuth(header="X-API-Key")
    keys.verify_token({"k1": "key"}.get)
    assert client(keys).get("/", headers={"X-API-Key": "k1"}).headers["Cache-Control"] == "private"
    assert client(keys, optional=True).get("/").headers["Vary"] == "X-API-Key"


@pytest.mark.parametrize("sent", ["a,b", "a\x01", "\xff"])
def test_a_key_that_cannot_be_one_is_refused(sent: str) -> None:
    """H1: a comma is two fields that were joined."""
    keys = HTTPTokenAuth(header="X-API-Key")
    keys.verify_token(lambda token: "somebody")
    assert client(keys).get("/", headers={"X-API-Key": sent}).status_code == 400
    assert client(keys).get("/", headers={"Authorization": "ApiKey k"}).status_code == 401


def test_a_token_is_one_word_after_its_own_scheme() -> None:
    """Parameters are 401, and the scheme passes over the credentials of others."""
    tokens = HTTPTokenAuth("Token")
    tokens.verify_token(lambda token: "somebody")
    assert client(tokens).get("/", headers={"Authorization": "Token a=b, c=d"}).status_code == 401
    (scheme,) = tokens.guard.schemes
    assert scheme.extract(RequestView("GET", "/", headers={"Authorization": "Bearer t"})) is None
    assert scheme.extract(RequestView("GET", "/")) is None


def test_a_header_of_a_meaning_of_its_own_holds_no_token() -> None:
    """`Authorization` is read by its grammar; a field with an underscore is dropped or merged on the way (H2)."""
    assert HTTPTokenAuth(header="Authorization").guard.schemes[0].name == "Bearer"
    for header in ("Cookie", "X_Api_Key", "Host", ""):
        with pytest.raises(ConfigurationError):
            HTTPTokenAuth(header=header)


def test_the_rules_of_another_guard_hold_too() -> None:
    """An application that has the extension already demands both, each by its own credentials."""
    asked = client(knowing())
    keys = HTTPTokenAuth(header="X-API-Key")
    keys.verify_token({"k1": "key"}.get)
    Watchword(asked.application, Guard(*keys.guard.schemes))
    key = {"X-API-Key": "k1"}
    assert [asked.get("/", headers=sent).status_code for sent in ({}, ANN, key, {**FALSE, **key}, {**ANN, **key})] == [
        401,
        401,
        401,
        401,
        200,
    ]
    assert asked.get("/", headers={**ANN, **key}).text == "let in: ann"


def test_a_test_may_act_as_a_principal() -> None:
    """`acting_as(principal, auth.guard)`: no callback is asked, and the roles are those of the principal."""
    auth = HTTPBasicAuth()
    asked = client(auth, role=["admin", ["a", "b"]])
    for roles, status in (({"admin"}, 200), ({"a", "b"}, 200), ({"a"}, 403), ((), 403)):
        with acting_as(Principal("ann", roles=roles), auth.guard):
            answer = asked.get("/")
            assert answer.status_code == status
            assert status != 200 or answer.text == "let in: ann"
    assert asked.get("/").status_code == 401


def test_the_caller_of_another_guard_is_no_user() -> None:
    """`current_user` names whom these objects let in."""
    auth, app = knowing(), Flask(__name__)
    Watchword(app, Guard(Bearer(Tokens({"t1": Principal("other")}))))
    app.add_url_rule("/", view_func=lambda: f"{auth.current_user()} {current_principal.id}")
    assert app.test_client().get("/", headers={"Authorization": "Bearer t1"}).text == "None other"


def test_a_password_may_come_in_latin_1() -> None:
    """Old clients send it; UTF-8 is tried first."""
    auth = HTTPBasicAuth()
    auth.verify_password(lambda username, password: username if password == "gehe\u00efm" else None)
    for charset in ("utf-8", "latin-1"):
        sent = {"Authorization": "Basic " + b64encode("ann:gehe\u00efm".encode(charset)).decode()}
        assert client(auth).get("/", headers=sent).status_code == 200


def test_the_extension_may_take_the_guard_over() -> None:
    """`Watchword(app, auth.guard)` decides first; the decorators go on from its decision, and nothing is verified twice."""
    auth, called = HTTPBasicAuth(), list[Any]()
    auth.verify_password(noting(called, lambda username, password: password == "secret" and username))
    auth.error_handler(lambda: ("styled", 403))
    asked = client(auth)
    Watchword(asked.application, auth.guard)
    assert asked.get("/", headers=ANN).text == "let in: ann"
    assert called == ["ann"]
    refused = asked.get("/", headers=FALSE)
    assert (refused.status_code, refused.text, len(refused.headers.getlist("WWW-Authenticate"))) == (401, "styled", 1)


def test_a_request_is_gone_when_it_is_answered() -> None:
    """Nothing that the decision is kept in holds the request, which would wait for the garbage collector."""
    seen: list[Any] = []
    auth, app, other = knowing(), Flask(__name__), Flask(__name__)
    Watchword(other, auth.guard)

    def view() -> str:
        seen.append(ref(cast("Any", request)._get_current_object()))
        return "seen"

    app.add_url_rule("/", view_func=auth.login_required(view))
    other.add_url_rule("/", view_func=lambda: view())  # noqa: PLW0108 - the decorator has marked the view itself
    for asked in (app.test_client(), other.test_client()):
        asked.get("/", headers=ANN).close()
        seen.clear()
        gc.collect()
        gc.disable()
        try:
            asked.get("/", headers=ANN).close()
            assert [one() for one in seen] == [None]
        finally:
            gc.enable()


def test_a_decorator_within_a_request_leaves_nothing_behind() -> None:
    """Some extensions decorate a method anew for each request."""
    auth, app = knowing(), Flask(__name__)
    auth.get_user_roles(lambda user: "admin")

    def inner() -> str:
        return "let in"

    app.add_url_rule("/", view_func=lambda: auth.login_required(role="admin")(inner)())  # noqa: PLW0108 - when it is called
    for _ in range(3):
        assert app.test_client().get("/", headers=ANN).text == "let in"
    assert len(vars(inner)["__watchword_login_required__"]) == 1


def test_a_function_before_the_request_may_demand_a_login() -> None:
    """It guards all views of a blueprint or an application."""
    auth, app = knowing(), Flask(__name__)
    app.before_request(auth.login_required(lambda: None))
    app.add_url_rule("/", view_func=lambda: f"let in: {auth.current_user()}")
    assert [app.test_client().get("/", headers=sent).status_code for sent in (ANN, FALSE, {})] == [200, 401, 401]


def test_a_callback_that_asks_for_a_login_fails_and_does_not_hang() -> None:
    """It would ask itself."""
    auth, app = HTTPBasicAuth(), Flask(__name__)
    view: Any = auth.login_required(lambda: "let in")
    auth.verify_password(lambda username, password: view())
    app.add_url_rule("/", view_func=view)
    assert app.test_client().get("/", headers=ANN).status_code == 500
