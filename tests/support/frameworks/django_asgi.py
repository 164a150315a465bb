"""Django over ASGI."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.handlers.asgi import ASGIHandler

from tests.support.frameworks.django_project import demanding_async, project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword import Guard, Requirement

INTERFACE = "asgi"


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[ASGIHandler]:
    """Make the application; its views with demands are async."""
    with project(guard, views, demanding=demanding_async):
        yield ASGIHandler()
