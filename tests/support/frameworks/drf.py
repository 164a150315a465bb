"""Django REST framework over WSGI, with the classes of the guard on its views."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse

from tests.support.frameworks import told
from tests.support.frameworks.django_project import project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword import Guard, Requirement

INTERFACE = "wsgi"


def _plain() -> Any:
    return _view((), ())


def _view(authentication: tuple[Any, ...], permissions: tuple[Any, ...]) -> Any:
    from rest_framework.renderers import JSONRenderer
    from rest_framework.views import APIView  # reads the settings

    class Named(APIView):  # type: ignore[misc]  # the framework has no types
        authentication_classes = authentication
        renderer_classes = (JSONRenderer,)
        permission_classes = permissions

        def get(self, request: Any) -> HttpResponse:
            return HttpResponse(told(lambda: request._request.principal.id), content_type="text/plain")

        def post(self, request: Any) -> HttpResponse:
            return self.get(request)

    return Named.as_view()


def _demanding(requirement: Requirement) -> Any:
    from watchword.adapters.drf import GuardAuthentication, GuardPermission

    return _view((GuardAuthentication,), (GuardPermission(requirement),))


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[WSGIHandler]:
    """Make the application."""
    with project(guard, views, view=_plain, demanding=_demanding):
        yield WSGIHandler()
