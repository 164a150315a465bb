"""FastAPI, with the middleware around the application and `Requires` in the signatures of its operations, which run in threads."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from tests.support.frameworks import METHODS, PATHS, told
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.fastapi import CurrentPrincipal, Requires
from watchword.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword import Guard, Requirement

INTERFACE = "asgi"


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[FastAPI]:
    """Make the application."""
    app = FastAPI()
    app.add_middleware(GuardMiddleware, guard=guard)

    def view(principal: CurrentPrincipal) -> PlainTextResponse:
        return PlainTextResponse(told(lambda: principal.id))

    def marked(requirement: Requirement) -> Any:
        def marked_view(principal: Any) -> PlainTextResponse:
            return view(principal)

        marked_view.__annotations__["principal"] = Annotated[Principal, Requires(requirement)]
        return marked_view

    methods = [*METHODS, "HEAD"]  # FastAPI adds none by itself
    for path in PATHS:
        app.add_api_route(path, view, methods=methods)
    for path, requirement in views.items():
        app.add_api_route(path, marked(requirement), methods=methods)
    yield app
