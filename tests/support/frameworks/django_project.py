"""A Django project with the middleware, whose setting names the guard that is being asked."""

from __future__ import annotations

from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.test import override_settings
from django.urls import path as route

from tests.support import django_settings
from tests.support.frameworks import PATHS, told, told_later
from watchword.adapters.django import requires

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from watchword import Guard, Requirement

MIDDLEWARE = ["watchword.adapters.django.GuardMiddleware", "django.middleware.common.CommonMiddleware"]
CURRENT: list[Guard] = []


def __getattr__(name: str) -> Any:
    if name == "GUARD":
        return CURRENT[0]
    raise AttributeError(name)


def _view() -> Any:
    def view(request: Any) -> HttpResponse:
        return HttpResponse(told(lambda: request.principal.id), content_type="text/plain")

    return view


def demanding_async(requirement: Requirement) -> Any:
    """Make an async view that demands something."""

    async def view(request: Any) -> HttpResponse:
        return HttpResponse(await told_later(lambda: request.principal.id), content_type="text/plain")

    return requires(requirement)(view)


def _demanding(requirement: Requirement) -> Any:
    return requires(requirement)(_view())


@contextmanager
def project(
    guard: Guard,
    views: Mapping[str, Requirement],
    *,
    view: Callable[[], Any] = _view,
    demanding: Callable[[Requirement], Any] = _demanding,
) -> Iterator[None]:
    """Use the settings of the project.

    Args:
        guard: decides.
        views: path to what the view there demands.
        view: makes a view that demands nothing.
        demanding: makes a view that demands something.
    """
    django_settings.configure()
    CURRENT[:] = [guard]
    urls: Any = ModuleType("urls")
    urls.urlpatterns = [route(path.removeprefix("/"), view()) for path in PATHS]
    urls.urlpatterns += [route(path.removeprefix("/"), demanding(requirement)) for path, requirement in views.items()]
    with override_settings(
        ROOT_URLCONF=urls,
        MIDDLEWARE=MIDDLEWARE,
        WATCHWORD={"GUARD": f"{__name__}.GUARD"},
        ALLOWED_HOSTS=["*"],
        DEBUG=False,
        REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
    ):
        yield
