"""Tests the Django middleware, and the requirements of Django's views."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from tests.support import django_settings
from watchword import AuthEvent, Basic, Bearer, ConfigurationError, Guard, Principal, authenticated, public, role, scope
from watchword.adapters.django import requires
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE = {"ann": Principal("ann", roles={"admin"}, scopes={"read"}), "bob": Principal("bob", scopes={"read"})}
RULES = {"/**": public, "/known/**": authenticated, "/known/hidden": role("admin").hidden(), "/café/**": role("admin")}
EVENTS: list[AuthEvent] = []
GUARD = Guard(Bearer(Tokens(PEOPLE)), rules=RULES, on_event=EVENTS.append)
MIDDLEWARE = ["watchword.adapters.django.GuardMiddleware", "django.middleware.common.CommonMiddleware"]


def named(request: Any, **_: Any) -> HttpResponse:
    """Say who it is."""
    principal: Principal = request.principal
    return HttpResponse(f"{principal.id} {request.headers.get('X-Remote-User')}")


def fresh() -> Any:
    """Return a view of its own: the mark is on the function."""
    return lambda request: named(request)  # noqa: PLW0108


async def waiting(request: Any) -> HttpResponse:
    """Say who it is."""
    return named(request)


@requires(role("admin"))
class Whole(View):  # type: ignore[misc]  # Django has no types
    """A guarded page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Say who it is."""
        return named(request)


@method_decorator(requires(role("admin")), name="dispatch")
class Decorated(View):  # type: ignore[misc]  # Django has no types
    """A guarded page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Say who it is."""
        return named(request)


class Page(View):  # type: ignore[misc]  # Django has no types
    """A page with one guarded method."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Say who it is."""
        return named(request)

    @requires(role("admin"))
    def post(self, request: HttpRequest) -> HttpResponse:
        """Say who it is."""
        return named(request)


class Urls(ModuleType):
    """The URLconf of the tests."""

    urlpatterns = (
        path("inner", never_cache(requires(role("admin"))(fresh()))),
        path("outer", requires(role("admin"))(never_cache(fresh()))),
        path("async", requires(role("admin"))(waiting)),
        path("whole", Whole.as_view()),
        path("decorated", Decorated.as_view()),
        path("page", Page.as_view()),
        path("known/secret", requires(role("admin").hidden())(fresh())),
        path("known/w", requires(scope("write"))(fresh())),
        path("known/hidden", fresh()),
        path("known/a", fresh()),
        path("café/a", fresh()),
        path("open", fresh()),
    )


GUARDED = ["/inner", "/outer", "/async", "/whole", "/decorated"]


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    """A project with the middleware."""
    django_settings.configure()
    EVENTS.clear()
    with override_settings(ROOT_URLCONF=Urls("urls"), MIDDLEWARE=MIDDLEWARE, WATCHWORD={"GUARD": f"{__name__}.GUARD"}, ALLOWED_HOSTS=["*"]):
        yield


def ask(route: str, name: str = "", *, by: str = "wsgi", **fields: str) -> Any:
    """Ask for a path, in the way that is wanted."""
    headers = {**({"Authorization": f"Bearer {name}"} if name else {}), **fields}
    if by == "wsgi":
        return Client(raise_request_exception=False).get(route, headers=headers)
    return asyncio.run(_ask_async(route, headers))


async def _ask_async(route: str, headers: dict[str, str]) -> Any:
    return await AsyncClient(raise_request_exception=False).get(route, headers=headers)


both_ways = pytest.mark.parametrize("by", ["wsgi", "asgi"])


@both_ways
@pytest.mark.parametrize("route", GUARDED)
def test_a_view_is_reached_only_by_callers_who_meet_its_requirement(route: str, by: str) -> None:
    """Whatever the order of decorators, by WSGI and by ASGI."""
    refused = ask(route, by=by)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert refused.headers["Cache-Control"] == "no-store"
    assert ask(route, "wrong", by=by).status_code == 401
    assert ask(route, "bob", by=by).status_code == 403
    granted = ask(route, "ann", by=by)
    assert (granted.status_code, granted.content) == (200, b"ann None")


def test_a_method_of_a_view_demands_something_alone() -> None:
    """The other methods stay as they are."""
    assert ask("/page").status_code == 200
    assert Client().post("/page").status_code == 401
    assert Client().post("/page", headers={"Authorization": "Bearer ann"}).content == b"ann None"


@both_ways
def test_the_rule_of_the_path_holds_for_what_is_not_there_as_well(by: str) -> None:
    """An anonymous caller learns nothing of which paths exist."""
    assert [ask(route, by=by).status_code for route in ("/known/a", "/known", "/nothing", "/open")] == [401, 401, 404, 200]


def test_a_rule_reads_the_path_that_the_router_reads() -> None:
    """Also where Django has decoded it, and as a server sends it by ASGI, which `AsyncClient` does not."""
    assert [ask("/caf%C3%A9/a", name).status_code for name in ("", "bob", "ann")] == [401, 403, 200]
    assert [asyncio.run(_status("/café/a", b"/caf%C3%A9/a", name)) for name in (b"", b"bob", b"ann")] == [401, 403, 200]


async def _status(route: str, raw: bytes, name: bytes) -> int:
    fields = [(b"authorization", b"Bearer " + name)] if name else []
    asked = {"type": "http", "method": "GET", "path": route, "raw_path": raw, "query_string": b"", "headers": fields}
    communicator: Any = ApplicationCommunicator  # asgiref does not type it
    served = communicator(ASGIHandler(), asked)
    await served.send_input({"type": "http.request", "body": b""})
    status: int = (await served.receive_output())["status"]
    await served.receive_output()
    await served.wait()
    return status


@both_ways
@pytest.mark.parametrize("route", ["/known/secret", "/known/hidden"])
def test_hidden_views_and_rules_give_the_projects_own_404(route: str, by: str) -> None:
    """The caller cannot tell it from a missing path."""
    missing, found = ask("/known/nothing", "bob", by=by), ask(route, "bob", by=by)
    assert (found.status_code, found.content) == (404, missing.content)
    assert dict(found.items()) == dict(missing.items())
    assert ask(route, "ann", by=by).status_code == 200


@both_ways
def test_what_proxies_say_about_users_is_taken_out(by: str) -> None:
    """The view does not see what a client sends in their place."""
    assert ask("/open", by=by, **{"X-Remote-User": "root"}).content.endswith(b" None")


@both_ways
def test_scopes_of_a_view_are_demanded(by: str) -> None:
    """A caller without them is told which."""
    refused = ask("/known/w", "bob", by=by)
    assert refused.status_code == 403
    assert 'scope="write"' in refused.headers["WWW-Authenticate"]


@both_ways
def test_one_event_for_each_request(by: str) -> None:
    """The decision of the view takes the place of the decision of the rule."""
    for name, route in (("", "/inner"), ("bob", "/inner"), ("ann", "/inner"), ("", "/known/a")):
        ask(route, name, by=by)
    assert [event.decision for event in EVENTS] == ["challenged", "forbidden", "granted", "challenged"]


def test_every_challenge_is_in_the_response() -> None:
    """Two schemes give one list."""
    guard = Guard(Basic(lambda credentials: None, realm="office"), Bearer(Tokens(PEOPLE)))
    with override_settings(WATCHWORD={"GUARD": guard}):
        field = ask("/inner").headers["WWW-Authenticate"]
    assert "Basic realm=" in field
    assert "Bearer realm=" in field


@both_ways
@pytest.mark.parametrize("route", GUARDED)
def test_a_marked_view_without_the_middleware_is_never_served(route: str, by: str) -> None:
    """It ends with 500, and the log says what is missing."""
    with override_settings(MIDDLEWARE=[]):
        assert ask(route, "ann", by=by).status_code == 500


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        (None, "WATCHWORD is missing"),
        ([GUARD], "must be a dict, got list"),
        ({}, "must name a Guard, got None"),
        ({"GUARD": GUARD, "GARD": 1}, "unknown keys: 'GARD'"),
        ({"GUARD": "no.such.guard"}, "cannot be imported"),
        ({"GUARD": "os.path"}, "must name a Guard, got 'os.path', which is of type module"),
    ],
)
def test_a_wrong_setting_is_an_error_at_start(setting: Any, says: str) -> None:
    """Before any request is served; it says how to write it."""
    assert settings.configured
    with override_settings(WATCHWORD=setting), pytest.raises(ConfigurationError, match=says):
        WSGIHandler()
