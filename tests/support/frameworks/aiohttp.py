"""aiohttp, with the middleware in the application and `requires` on its handlers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.frameworks import METHODS, PATHS, told_later
from watchword.adapters.aiohttp import guard_middleware, principal_of, requires

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword import Guard, Requirement

INTERFACE = "aiohttp"


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[web.Application]:
    """Make the application."""

    async def view(request: web.Request) -> web.Response:
        return web.Response(text=await told_later(lambda: principal_of(request).id))

    def marked(requirement: Requirement) -> Any:
        @requires(requirement)
        async def marked_view(request: web.Request) -> web.Response:
            return await view(request)

        return marked_view

    app = web.Application(middlewares=[guard_middleware(guard)])
    for method in [*METHODS, "HEAD"]:
        for path in PATHS:
            app.router.add_route(method, path, view)
        for path, requirement in views.items():
            app.router.add_route(method, path, marked(requirement))
    yield app
