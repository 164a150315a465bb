"""One request through Django's middleware, by WSGI and by ASGI, to a view for every path that records what it sees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import anyio

from tests.support import django_settings
from tests.support.drive import Answer, Reply, Seen
from tests.support.frameworks import ask_asgi, ask_wsgi

# isort: split
# After the settings.
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import re_path

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.support.wire import Request
    from watchword import Guard

REPLY = Reply()


def project(guard: Guard | None = None) -> AbstractContextManager[None]:
    """Use the settings of the project; where a guard is given, its middleware can be made."""
    return django_settings.project([re_path("", _record)], guard, MIDDLEWARE=["watchword.adapters.django.GuardMiddleware"])


def _record(request: Any) -> HttpResponse:
    driver = ByDjango.current[-1]
    driver.seen = Seen(
        principal=request.principal,
        decision=request.META["watchword.decision"],
        method=request.method,
        path=request.path_info,
        query=request.META.get("QUERY_STRING", ""),
        headers=sorted((name.lower(), value) for name, value in request.headers.items()),
        body=request.body,
        scheme=request.scheme,
    )
    return HttpResponse(driver.reply.body, status=driver.reply.status, headers=dict(driver.reply.headers))


class ByDjango:
    """Through Django and WSGI, within `project`.

    Args:
        guard: decides.
        reply: what the view answers.
    """

    current: ClassVar[list[ByDjango]] = []

    def __init__(self, guard: Guard, reply: Reply = REPLY) -> None:
        self.reply = reply
        self.seen: Seen | None = None
        with project(guard):
            self.app = self._make()

    def _make(self) -> Any:
        return WSGIHandler()

    def __call__(self, request: Request) -> Answer:
        """Send a request."""
        self._begin()
        return replace(ask_wsgi(self.app, request), seen=self.seen)

    def _begin(self) -> None:
        self.seen = None
        self.current[:] = [self]


class ByDjangoASGI(ByDjango):
    """Through Django and ASGI, within `project`."""

    def _make(self) -> Any:
        return ASGIHandler()

    def __call__(self, request: Request) -> Answer:
        """Send a request."""
        self._begin()
        return replace(anyio.run(ask_asgi, self.app, request), seen=self.seen)
