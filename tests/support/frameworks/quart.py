"""Quart, with the extension and `requires` on its views."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from quart import Quart

from tests.support.frameworks import METHODS, PATHS, told_later
from watchword.adapters.quart import Watchword, current_principal, requires

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword import Guard, Requirement

INTERFACE = "asgi"


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[Quart]:
    """Make the application."""
    app = Quart(__name__)
    Watchword(app, guard)

    async def view() -> tuple[str, dict[str, str]]:
        return await told_later(lambda: current_principal.id), {"Content-Type": "text/plain"}

    def marked(requirement: Requirement) -> Any:
        @requires(requirement)
        async def marked_view() -> tuple[str, dict[str, str]]:
            return await view()

        return marked_view

    for path in PATHS:
        app.add_url_rule(path, path, view, methods=METHODS)
    for path, requirement in views.items():
        app.add_url_rule(path, path, marked(requirement), methods=METHODS)
    yield app
