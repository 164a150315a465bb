"""Django over WSGI."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.handlers.wsgi import WSGIHandler

from tests.support.frameworks.django_project import project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword import Guard, Requirement

INTERFACE = "wsgi"


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[WSGIHandler]:
    """Make the application."""
    with project(guard, views):
        yield WSGIHandler()
