"""Tests the classes for Django REST framework: who the caller is, what its views demand, and what they answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync

from tests.support import django_settings
from watchword import (
    Accepted,
    APIKey,
    APIKeyCredentials,
    AuthEvent,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    ConfigurationError,
    Guard,
    Principal,
    Refused,
    Requirement,
    authenticated,
    optional,
    permission,
    public,
    role,
    scope,
    via,
)
from watchword.adapters.django import DjangoUsers, requires
from watchword.checkers import Tokens, nonblocking

# isort: split
# After the settings.
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path
from rest_framework.authentication import BaseAuthentication, BasicAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.generics import ListAPIView
from rest_framework.permissions import BasePermission, DjangoModelPermissions, IsAuthenticated
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView, exception_handler
from rest_framework.viewsets import ViewSet

from watchword.adapters.django.checks import check_project
from watchword.adapters.drf import GuardAuthentication, GuardPermission, GuardUser
from watchword.adapters.drf import Refused as RefusedView
from watchword.adapters.drf_checkers import AuthenticationClass

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE = {
    "ann": Principal("ann", roles={"admin"}, scopes={"read"}, permissions={"shop.add_order"}),
    "bob": Principal("bob", scopes={"read"}),
}
EVENTS: list[AuthEvent] = []
CHECKED: list[str] = []


@nonblocking
def check(credentials: BearerToken) -> Principal | None:
    """Note each token that is checked."""
    CHECKED.append(credentials.token)
    return PEOPLE.get(credentials.token)


SCHEMES = [Bearer(check, realm="shop"), Basic(DjangoUsers(), realm="shop"), APIKey(Tokens(PEOPLE), realm="shop")]
RULES: dict[str, Requirement] = {"/open/**": public, "/maybe/**": optional}
GUARD = Guard(*SCHEMES, rules=RULES, on_event=EVENTS.append)
CHALLENGES = ['Basic realm="shop", charset="UTF-8"', 'Bearer realm="shop"', 'ApiKey realm="shop"']


class Silent(BaseAuthentication):  # type: ignore[misc]  # the framework has no types
    """Has no challenge."""

    def authenticate(self, request: Any) -> None:
        """Know nobody."""


class Failing(BaseAuthentication):  # type: ignore[misc]  # as above
    """Refuses every caller."""

    def authenticate(self, request: Any) -> None:
        """Refuse."""
        raise AuthenticationFailed

    def authenticate_header(self, request: Any) -> str:
        """Return a challenge of its own."""
        return "Own"


class Never(BasePermission):  # type: ignore[misc]  # as above
    """Permits nothing."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Refuse."""
        return False


class Often(UserRateThrottle):  # type: ignore[misc]  # as above
    """Counts callers by the key of the user."""

    rate = "1000/day"


def view(*permissions: Any, classes: tuple[Any, ...] = (GuardAuthentication,), **more: Any) -> Any:
    """Make a view that says who the caller is."""

    class Named(APIView):  # type: ignore[misc]  # as above
        authentication_classes = classes
        permission_classes = permissions

        def get(self, request: Any) -> Response:
            """Answer."""
            return Response({"user": str(request.user), "principal": request.auth.id if request.auth else None})

        def post(self, request: Any) -> Response:
            """Answer."""
            return self.get(request)

    for name, value in more.items():
        setattr(Named, name, value)
    return Named.as_view()


class Orders(ViewSet):  # type: ignore[misc]  # as above
    """Demands another scope for each action."""

    authentication_classes = (GuardAuthentication,)

    def get_permissions(self) -> list[BasePermission]:
        """Return what the action demands."""
        return [GuardPermission(scope("read" if self.action == "list" else "write"))]

    def list(self, request: Any) -> Response:
        """Answer."""
        return Response([])

    def create(self, request: Any) -> Response:
        """Answer."""
        return Response({})


def ask(made: Any, *, at: str = "open/a", who: str = "", method: str = "get", guard: Guard = GUARD, by: Any = Client, **more: Any) -> Any:
    """Ask for the one view of a project."""
    headers = {"Authorization": f"Bearer {who}"} if who else {}
    headers |= more.pop("headers", {})
    with django_settings.project([path(more.pop("route", at), made)], guard, **more):
        client = by(raise_request_exception=False)
        if by is AsyncClient:
            return async_to_sync(getattr(client, method))(f"/{at}", headers=headers)
        return getattr(client, method)(f"/{at}", headers=headers)


def challenges(answer: Any) -> list[str]:
    """The challenges of an answer, a line each."""
    return [value for name, value in answer.items() if name.lower() == "www-authenticate"]


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    """A project with the account of Zoe."""
    EVENTS.clear()
    CHECKED.clear()
    with django_settings.database():
        get_user_model().objects.create_user("zoe", password="right")
        yield


@pytest.mark.parametrize("by", [Client, AsyncClient])
@pytest.mark.parametrize("at", ["a", "open/a", "maybe/a"])
def test_the_caller_of_the_guard_is_the_caller_of_the_view(at: str, by: Any) -> None:
    """Under each rule, and by WSGI as by ASGI. The credentials are checked once, and one event is emitted."""
    answer = ask(view(IsAuthenticated), at=at, who="ann", by=by)
    assert answer.json() == {"user": "ann", "principal": "ann"}
    assert CHECKED == ["ann"]
    assert [event.principal for event in EVENTS] == ["ann"]


def test_an_account_of_the_project_is_the_user() -> None:
    """Not a stand-in: the views of a project use its fields."""
    answer = ask(view(IsAuthenticated), headers={"Authorization": "Basic em9lOnJpZ2h0"})
    assert answer.json()["user"] == "zoe"
    assert answer.wsgi_request.user.check_password("right")


@pytest.mark.parametrize("classes", [(GuardAuthentication,), (Silent, GuardAuthentication), (SessionAuthentication, GuardAuthentication)])
def test_an_unknown_caller_gets_every_challenge(classes: tuple[Any, ...]) -> None:
    """401 whatever the order of the classes, where the framework itself answers 403 if the first class has no challenge."""
    answer = ask(view(IsAuthenticated, classes=classes))
    assert (answer.status_code, challenges(answer)) == (401, CHALLENGES)
    assert answer.headers["Cache-Control"] == "no-store"
    assert [event.reason for event in EVENTS] == ["missing_credentials"]


def test_another_class_that_refuses_a_known_caller_keeps_its_status() -> None:
    """It is asked second, and the caller is good for the guard."""
    answer = ask(view(IsAuthenticated, classes=(Failing, GuardAuthentication)), at="a", who="ann")
    assert (answer.status_code, challenges(answer)) == (401, ["Own"])


def test_an_unknown_caller_of_a_rule_that_lets_everybody_pass_is_anonymous() -> None:
    """The view decides what that means."""
    for at in ("open/a", "maybe/a"):
        assert ask(view(), at=at).json() == {"user": "AnonymousUser", "principal": None}


@pytest.mark.parametrize("at", ["open/a", "maybe/a", "a"])
def test_false_credentials_are_refused(at: str) -> None:
    """The class asks who it is, so a rule `public` does not help."""
    answer = ask(view(), at=at, who="mallory")
    assert answer.status_code == 401
    assert challenges(answer)[1].startswith('Bearer realm="shop", error="invalid_token"')


@pytest.mark.parametrize(
    ("demand", "who", "status", "reason"),
    [
        (scope("read"), "bob", 200, ""),
        (role("admin"), "bob", 403, "missing_role"),
        (scope("read", "write"), "bob", 403, "insufficient_scope"),
        (role("admin") | scope("read"), "bob", 200, ""),
        (permission("shop.add_order"), "ann", 200, ""),
        (authenticated, "", 401, "missing_credentials"),
    ],
    ids=str,
)
@pytest.mark.parametrize("at", ["open/a", "a"])
def test_a_permission_demands_what_a_rule_can(at: str, demand: Requirement, who: str, status: int, reason: str) -> None:
    """The refusal is that of the guard, and of the event."""
    answer = ask(view(GuardPermission(demand)), at=at, who=who)
    assert answer.status_code == status
    assert status == 200 or json.loads(answer.content)["reason"] == reason
    assert [str(event.reason or "") for event in EVENTS] == [reason]


def test_a_rule_that_refuses_names_the_scope_of_the_permission() -> None:
    """A client asks for a token with all that it will need (decision D63)."""
    answer = ask(view(GuardPermission(scope("write"))), at="a")
    assert 'Bearer realm="shop", scope="write"' in challenges(answer)
    action = Orders.as_view({"get": "list"}, permission_classes=[GuardPermission(scope("write"))])  # as `@action` hands it over
    assert 'Bearer realm="shop", scope="write"' in challenges(ask(action, at="a"))


def test_the_system_checks_read_what_permissions_demand() -> None:
    """Where no caller can meet it, and where no guard stands in front."""
    with django_settings.project([path("a", view(GuardPermission(via("Digest"))))], GUARD):
        assert [mistake.id for mistake in check_project()] == ["watchword.E008"]
    with django_settings.project([path("a", view(GuardPermission(role("admin"))))], GUARD, MIDDLEWARE=[]):
        assert [mistake.id for mistake in check_project()] == ["watchword.E002"]


def test_the_class_alone_demands_a_login() -> None:
    """As it stands in DEFAULT_PERMISSION_CLASSES."""
    assert ask(view(GuardPermission)).status_code == 401
    assert ask(view(GuardPermission), who="bob").status_code == 200


def test_permissions_of_both_kinds_stand_beside_each_other() -> None:
    """The framework's own operators combine them, too."""
    assert ask(view(IsAuthenticated, GuardPermission(role("admin"))), who="bob").status_code == 403
    assert ask(view(IsAuthenticated, GuardPermission(role("admin"))), who="ann").status_code == 200


@pytest.mark.parametrize(("method", "status"), [("get", 200), ("post", 403)])
def test_actions_demand_different_things(method: str, status: int) -> None:
    """By `get_permissions`, which knows the action."""
    made = Orders.as_view({"get": "list", "post": "create"})
    assert ask(made, who="bob", method=method).status_code == status


def test_the_forms_of_the_browsable_pages_refuse_nothing() -> None:
    """The framework asks which methods the caller may use, to show their forms: the page itself is granted."""
    made = Orders.as_view({"get": "list", "post": "create"})
    page = ask(made, who="bob", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert b"Orders" in page.content
    assert [event.reason for event in EVENTS] == [None]
    assert ask(made, who="bob", method="options").status_code == 403  # the action `metadata` demands the other scope


def test_a_hidden_view_is_as_one_that_is_missing() -> None:
    """The project's own 404, and not one of the framework."""
    with django_settings.project([path("open/a", view(GuardPermission(role("admin").hidden())))], GUARD):
        hidden, missing = (Client().get(f"/open/{name}", headers={"Authorization": "Bearer bob"}) for name in ("a", "absent"))
    assert hidden.content == missing.content.replace(b"absent", b"a")
    assert (hidden.status_code, hidden.headers["Content-Type"]) == (404, missing.headers["Content-Type"])
    assert hidden.headers["Cache-Control"] == "no-store"


class Listed(ListAPIView):  # type: ignore[misc]  # as above
    """The router sees `get`, which is not marked."""

    @requires(role("admin").hidden())
    def list(self, request: Any) -> Response:
        """Answer."""
        return Response([])


HIDDEN = GuardPermission(role("admin").hidden())


@pytest.mark.parametrize("by", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("made", "query", "accept"),
    [
        (view(HIDDEN), "", "application/nothing"),
        (view(HIDDEN), "?format=nothing", "*/*"),
        (view(HIDDEN, perform_authentication=lambda *_: None), "", "application/nothing"),
        (view(get_permissions=lambda _: [HIDDEN]), "", "application/nothing"),
        (view(get_permissions=lambda _: [Never(), HIDDEN]), "", "*/*"),
        (Listed.as_view(authentication_classes=(GuardAuthentication,)), "", "*/*"),
    ],
    ids=["content", "format", "lazy", "own content", "own order", "inner"],
)
def test_the_framework_does_not_answer_for_a_hidden_view(made: Any, query: str, accept: str, by: Any) -> None:
    """It negotiates before it asks the permissions, and has a 404 of its own."""
    fields = {"Accept": accept}
    hidden, missing = (ask(made, at=f"a{query}", who="bob", headers=fields, by=by, route=route) for route in ("a", "b"))
    assert (hidden.status_code, hidden.content, dict(hidden.items())) == (404, missing.content, dict(missing.items()))


def test_what_a_hidden_view_of_its_own_permissions_answers_is_told_once() -> None:
    """The one event of the request says that the view was hidden; a caller who may see it gets the answer of the framework."""
    made = view(get_permissions=lambda _: [HIDDEN])
    EVENTS.clear()
    assert [ask(made, at="a", who=who, headers={"Accept": "a/b"}).status_code for who in ("bob", "ann")] == [404, 406]
    assert [(event.decision, event.principal) for event in EVENTS] == [("hidden", "bob"), ("granted", "ann")]


def test_permissions_may_ask_who_the_caller_is() -> None:
    """`get_permissions` runs while the caller is looked for, and what it returns holds."""

    def get_permissions(self: Any) -> list[BasePermission]:
        return [GuardPermission(role("admin"))] if self.request.user.is_authenticated else [IsAuthenticated()]

    made = view(get_permissions=get_permissions)
    for at in ("a", "open/a"):
        assert [ask(made, at=at, who=who).status_code for who in ("", "mallory", "bob", "ann")] == [401, 401, 403, 200]
    assert CHECKED == ["mallory", "bob", "ann"] * 2


@pytest.mark.parametrize(("classes", "checked"), [((GuardAuthentication,), ["bob"]), ((Silent,), [])])
def test_probes_of_the_browsable_pages_verify_nothing_again(classes: tuple[Any, ...], checked: list[str]) -> None:
    """Nor do they refuse the page, where the view asks for the caller late or never."""

    def get_permissions(self: Any) -> list[BasePermission]:
        return [] if self.request.method == "GET" else [GuardPermission(role("admin"))]

    late = {"get_permissions": get_permissions, "perform_authentication": lambda *_: None}
    made = view(classes=classes, get=lambda *_: Response(), delete=lambda *_: Response(), **late)
    assert ask(made, who="bob", headers={"Accept": "text/html"}).status_code == 200
    assert checked == CHECKED


def test_a_rule_that_refuses_names_the_scope_of_the_action() -> None:
    """And not that of the class, which the action replaces."""
    answer = ask(view(GuardPermission(scope("write"))).cls.as_view(permission_classes=(GuardPermission(scope("read")),)), at="a")
    assert 'Bearer realm="shop", scope="read"' in challenges(answer)


def test_an_exception_handler_may_replace_the_content() -> None:
    """Status, challenges and cache fields stay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(APIView, "get_exception_handler", lambda _: style)
        answer = ask(view(GuardPermission(role("admin"))))
    assert (answer.status_code, answer.json(), challenges(answer)) == (401, {"mine": "missing_credentials"}, CHALLENGES)
    assert answer.headers["Cache-Control"] == "no-store"


def style(error: Exception, context: Any) -> Any:
    """Answer in the form of a project."""
    if isinstance(error, RefusedView):
        return Response({"mine": str(error)}, status=200)
    return exception_handler(error, context)


def test_a_caller_without_an_account_has_what_the_framework_asks_of_a_user() -> None:
    """Throttles count by its key, and model permissions are those of the principal."""
    assert ask(view(IsAuthenticated, throttle_classes=(Often,)), who="ann").status_code == 200
    user = GuardUser(PEOPLE["ann"])
    assert (user.pk, user.get_username(), user.is_authenticated, user.is_staff) == ("ann", "ann", True, False)
    assert user.has_perms(["shop.add_order"])
    assert not user.has_perms(["shop.add_order", "shop.delete_order"])
    assert not GuardUser(PEOPLE["bob"]).has_perm("shop.add_order")
    assert {GuardUser(PEOPLE["ann"]), user, GuardUser(PEOPLE["bob"])} == {user, GuardUser(PEOPLE["bob"])}
    queried = view(DjangoModelPermissions, queryset=get_user_model().objects.all())
    assert [ask(queried, who="ann", method=method).status_code for method in ("get", "post")] == [200, 403]


def test_without_the_middleware_nothing_is_granted() -> None:
    """A request of a test without a guard is an error, and the view does not run."""
    with django_settings.project([], GUARD), pytest.raises(ConfigurationError, match="no guard stands in front of it"):
        view()(RequestFactory().get("/a"))
    assert ask(view(GuardPermission(role("admin"))), MIDDLEWARE=[]).status_code == 500


@pytest.mark.parametrize("given", [public, "admin", None])
def test_a_permission_must_demand_something(given: Any) -> None:
    """A mistake is found where it is written."""
    with pytest.raises(ConfigurationError, match="GuardPermission"):
        GuardPermission(given)


@pytest.mark.parametrize("by", [Client, AsyncClient])
def test_a_class_of_the_framework_is_a_checker(by: Any) -> None:
    """Its tokens come as bearer tokens, and the account is the user."""
    token = Token.objects.create(user=get_user_model().objects.get(username="zoe"))
    guard = Guard(Bearer(AuthenticationClass(TokenAuthentication), realm="shop"), rules=RULES)
    assert ask(view(IsAuthenticated), who=token.key, guard=guard, by=by).json()["user"] == "zoe"
    for false in (token.key[:-1], "x y"):
        assert ask(view(IsAuthenticated), who=false, guard=guard, by=by).status_code in {400, 401}
    get_user_model().objects.update(is_active=False)
    assert ask(view(IsAuthenticated), who=token.key, guard=guard, by=by).status_code == 401


def test_a_class_gets_every_character_of_a_key() -> None:
    """A key in a query may be any text, and the class of the framework encodes by Latin-1."""
    token = Token.objects.create(user=get_user_model().objects.get(username="zoe"), key="\u20ac\xe4")
    checker = AuthenticationClass(TokenAuthentication)
    assert isinstance(checker.check(APIKeyCredentials(token.key)), Accepted)
    assert isinstance(checker.check(APIKeyCredentials("\u20ac")), Refused)


def test_a_class_is_asked_about_no_name_with_a_colon() -> None:
    """A login form may give one. The class would split name and password elsewhere than the guard, which counts attempts by name."""
    get_user_model().objects.create_user("eve", password="a:b")
    checker = AuthenticationClass(BasicAuthentication)
    assert isinstance(checker.check(BasicCredentials("eve", "a:b")), Accepted)
    assert isinstance(checker.check(BasicCredentials("eve:a", "b")), Refused)


@pytest.mark.parametrize("false", ["\x00", "a\ud800"])
def test_a_class_is_asked_about_no_text_that_it_cannot_take(false: str) -> None:
    """PostgreSQL fails on a NUL, which a key in a query may hold, and no encoder takes a lone surrogate."""
    asked: list[Any] = []

    class Taking(Silent):
        def authenticate(self, request: Any) -> None:
            asked.append(request)

    for credentials in (BasicCredentials(false, "x"), BasicCredentials("x", false), BearerToken(false), APIKeyCredentials(false)):
        assert isinstance(AuthenticationClass(Taking).check(credentials), Refused)
    assert asked == []


def test_a_class_gets_the_credentials_by_its_own_keyword() -> None:
    """Whatever scheme of the guard read them."""
    basic, tokens = AuthenticationClass(BasicAuthentication), AuthenticationClass(TokenAuthentication(), keyword="Token")
    assert basic.check(BasicCredentials("zoe", "right")).principal.claims["name"] == "zoe"  # type: ignore[union-attr]
    for false in (basic.check(BasicCredentials("zoe", "wrong")), basic.check(BearerToken("x")), tokens.check(BasicCredentials("a", "b"))):
        assert isinstance(false, Refused)


@pytest.mark.parametrize("given", [Silent(), "TokenAuthentication", object])
def test_what_is_no_class_of_the_framework_is_found_at_construction(given: Any) -> None:
    """`Silent` is one, and knows nobody."""
    if isinstance(given, BaseAuthentication):
        assert isinstance(AuthenticationClass(given).check(BearerToken("x")), Refused)
        return
    with pytest.raises(ConfigurationError, match="AuthenticationClass"):
        AuthenticationClass(given)
    with pytest.raises(ConfigurationError, match="keyword"):
        AuthenticationClass(Silent, keyword="To ken")


@pytest.mark.parametrize(
    ("classes", "ids"),
    [
        ((GuardAuthentication,), []),
        ((SessionAuthentication,), []),
        ((SessionAuthentication, BasicAuthentication), ["watchword.W011"]),
        ((GuardAuthentication, TokenAuthentication), ["watchword.W011"]),
        ((Silent, GuardAuthentication), ["watchword.W012"]),
    ],
)
def test_classes_that_stand_in_the_way_are_found_at_start_up(classes: tuple[Any, ...], ids: list[str]) -> None:
    """By default the framework checks Basic again, and answers 403."""
    with django_settings.project([path("a", view(classes=classes))], GUARD):
        assert [one.id for one in check_project()] == ids
        assert not ids or "GuardAuthentication" in check_project()[0].msg + check_project()[0].hint


def test_documents_show_the_rules_and_the_permissions() -> None:
    """drf-spectacular lists each way in, with its scopes."""
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.openapi import AutoSchema

    from watchword.adapters.drf_schema import describe_guard

    class Shown(APIView):  # type: ignore[misc]  # as above
        authentication_classes = (GuardAuthentication,)
        permission_classes = (GuardPermission(scope("read")),)
        schema = AutoSchema()

        def get(self, request: Any) -> HttpResponse:
            """Answer."""
            return HttpResponse()

    routes = [path("orders", Shown.as_view()), path("open/a", Shown.as_view(permission_classes=())), path("open/b", Shown.as_view())]
    with django_settings.project(routes, GUARD):
        generator: Any = SchemaGenerator(patterns=routes)  # type: ignore[no-untyped-call]
        document = describe_guard(generator.get_schema(request=None, public=True), generator)
    paths = {name: item["get"]["security"] for name, item in document["paths"].items()}
    assert {tuple(one) for one in paths["/orders"]} == {(name,) for name in document["components"]["securitySchemes"]}
    assert paths["/open/a"] == []
    assert paths["/open/b"] == paths["/orders"]
    assert {"401", "403"} <= {*document["paths"]["/orders"]["get"]["responses"]}
