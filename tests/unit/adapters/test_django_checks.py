"""Tests the system checks, and what the middleware refuses to start with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import django_settings
from watchword import Basic, Bearer, ConfigurationError, Guard, Principal, optional, public, role, via
from watchword.adapters.django import DjangoSession, DjangoUsers, requires
from watchword.checkers import Tokens

# isort: split
# After the settings.
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.checks import Tags, registry, run_checks
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.views import View

from watchword.adapters.django.checks import check_project

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSION, COMMON, CSRF, AUTHENTICATION, MESSAGES, GUARDED = django_settings.MIDDLEWARE
REMOTE_USER = "django.contrib.auth.middleware.RemoteUserMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
CACHE = "django.middleware.cache.UpdateCacheMiddleware"
PARTIAL = partial(lambda get_response: get_response)
CORS = "corsheaders.middleware.CorsMiddleware"
BEARER = Bearer(Tokens({"ann": Principal("ann", roles={"admin"})}))
GUARD = Guard(BEARER, rules={"/accounts/login/": public})
WITH_USERS = Guard(Basic(DjangoUsers(), realm="site"), rules={"/accounts/login/": public})
WITH_SESSION = Guard(BEARER, DjangoSession(), rules={"/accounts/login/": optional})
CLOSED = Guard(BEARER, DjangoSession())


class Another(View):  # type: ignore[misc]  # Django has no types
    """A page with a guarded method."""

    @requires(role("admin"))
    def post(self, request: Any) -> HttpResponse:
        """Answer."""
        return HttpResponse()


class Asking(LoginRequiredMixin, View):  # type: ignore[misc]  # as above
    """A page for people who have logged in."""


def plain(request: Any) -> HttpResponse:
    """Answer."""
    return HttpResponse()


MARKED = [path("part/", include([path("a", requires(role("admin"))(lambda request: plain(request)))]))]  # noqa: PLW0108 - a view of its own
METHOD = [path("b", Another.as_view())]
UNMET = [path("c", requires(via("Basic"))(lambda request: plain(request)))]  # noqa: PLW0108 - as above
ASKING = [path("d", login_required(plain)), path("e", Asking.as_view())]
PLAIN = [path("f", plain)]


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    """A project without mistakes."""
    with django_settings.project(PLAIN, GUARD):
        yield


def found(urlpatterns: list[Any] = PLAIN, guard: object = GUARD, **changed: Any) -> list[str]:
    """Return the ids of the mistakes."""
    with django_settings.project(urlpatterns, guard, **changed):
        return [message.id.removeprefix("watchword.") for message in check_project()]


@pytest.mark.parametrize(
    ("ids", "changed"),
    [
        ([], {}),
        ([], {"MIDDLEWARE": []}),
        ([], {"urlpatterns": MARKED}),
        (["E001"], {"WATCHWORD": {"GARD": 1}}),
        (["E001"], {"WATCHWORD": None}),
        (["E002"], {"urlpatterns": MARKED, "MIDDLEWARE": []}),
        (["E002"], {"urlpatterns": METHOD, "MIDDLEWARE": [SESSION]}),
        (["E003"], {"MIDDLEWARE": [GUARDED, GUARDED]}),
        ([], {"guard": WITH_SESSION}),
        (["E004"], {"guard": WITH_SESSION, "MIDDLEWARE": [GUARDED, SESSION, AUTHENTICATION]}),
        (["E004"], {"guard": WITH_SESSION, "MIDDLEWARE": [SESSION, GUARDED, AUTHENTICATION]}),
        (["E004"], {"guard": WITH_SESSION, "MIDDLEWARE": [GUARDED]}),
        (["E005"], {"MIDDLEWARE": [SESSION, AUTHENTICATION, REMOTE_USER, GUARDED]}),
        ([], {"MIDDLEWARE": [SESSION, AUTHENTICATION, GUARDED, REMOTE_USER]}),
        (["W006"], {"guard": WITH_USERS, "MIDDLEWARE": [GUARDED, SESSION, AUTHENTICATION]}),
        (["W006"], {"WATCHWORD": {"GUARD": GUARD, "USER": print}, "MIDDLEWARE": [SESSION, GUARDED, AUTHENTICATION]}),
        ([], {"guard": WITH_USERS, "MIDDLEWARE": [GUARDED]}),
        (["W007"], {"MIDDLEWARE": [GUARDED, CORS]}),
        (["E013"], {"MIDDLEWARE": [GUARDED, CACHE]}),
        ([], {"MIDDLEWARE": [CACHE, GUARDED]}),
        (["E014"], {"guard": WITH_USERS, "MIDDLEWARE": [GUARDED], "INSTALLED_APPS": []}),
        ([], {"MIDDLEWARE": [f"{__name__}.PARTIAL", GUARDED]}),
        ([], {"MIDDLEWARE": [CORS, GUARDED]}),
        ([], {"MIDDLEWARE": [GUARDED, CORS], "guard": Guard(BEARER, cors_inside=True)}),
        (["E008"], {"urlpatterns": UNMET}),
        ([], {"urlpatterns": UNMET, "guard": WITH_USERS}),
        (["E009"], {"guard": CLOSED}),
        ([], {"guard": CLOSED, "LOGIN_URL": "https://id.example/"}),
        (["E009"], {"guard": CLOSED, "LOGIN_URL": "/log-in?a=b"}),
        (["W010"], {"urlpatterns": ASKING}),
        (["W010"], {"MIDDLEWARE": [SESSION, AUTHENTICATION, LOGIN_REQUIRED, GUARDED]}),
        ([], {"urlpatterns": ASKING, "guard": WITH_USERS}),
        ([], {"urlpatterns": ASKING, "guard": WITH_SESSION}),
        ([], {"urls": {"urlpatterns": 7}}),
    ],
)
def test_each_mistake_has_an_id(ids: list[str], changed: dict[str, Any]) -> None:
    """And what is right has none."""
    assert found(**changed) == ids


def test_a_message_names_the_place_and_the_fix() -> None:
    """The view, the setting, and what to write."""
    with django_settings.project(ASKING + MARKED, GUARD, MIDDLEWARE=[]):
        (message,) = check_project()
    assert "test_django_checks.<lambda>" in message.msg
    assert "GuardMiddleware" in message.hint
    with django_settings.project(ASKING, GUARD):
        (message,) = check_project()
    assert "test_django_checks.Asking" in message.msg
    assert message.level < 40
    with override_settings(WATCHWORD={"GUARD": "no.guard"}):
        (message,) = check_project()
    assert "'no.guard' cannot be imported" in message.msg
    assert message.hint.startswith("Write WATCHWORD")


def test_the_application_registers_the_checks() -> None:
    """`manage.py check` runs them where the application is installed."""
    before = set(registry.registry.registered_checks)
    try:
        with override_settings(INSTALLED_APPS=["watchword.adapters.django"], MIDDLEWARE=[GUARDED, GUARDED]):
            assert [message.id for message in run_checks(tags=["watchword"])] == ["watchword.E003"]
            assert Tags.urls in registry.registry.tags_available()
    finally:
        registry.registry.registered_checks = before


@pytest.mark.parametrize(
    ("guard", "middleware", "says"),
    [
        (GUARD, [GUARDED, GUARDED], "twice"),
        (WITH_SESSION, [GUARDED, SESSION, AUTHENTICATION], "Move GuardMiddleware behind both"),
        (GUARD, [SESSION, AUTHENTICATION, REMOTE_USER, GUARDED], "Move GuardMiddleware before it"),
    ],
)
def test_a_grave_mistake_in_the_order_is_an_error_at_start(guard: Guard, middleware: list[str], says: str) -> None:
    """Also where the application is not installed."""
    with django_settings.project(PLAIN, guard, MIDDLEWARE=middleware), pytest.raises(ConfigurationError, match=says):
        WSGIHandler()
