"""Starlette, with the middleware around the application and `requires` on its views."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support.frameworks import METHODS, PATHS, told_later
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.starlette import requires

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

    from watchword import Guard, Requirement

INTERFACE = "asgi"


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[Starlette]:
    """Make the application."""

    async def view(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await told_later(lambda: request.user.id))

    def marked(requirement: Requirement) -> object:
        @requires(requirement)
        async def marked_view(request: Request) -> PlainTextResponse:
            return await view(request)

        return marked_view

    routes = [Route(path, view, methods=METHODS) for path in PATHS]
    routes += [Route(path, marked(requirement), methods=METHODS) for path, requirement in views.items()]  # type: ignore[arg-type]
    yield Starlette(routes=routes, middleware=[Middleware(GuardMiddleware, guard=guard)])
