"""Litestar, with the plugin and `requires` on its handlers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from litestar import Litestar, MediaType, Request, route

from tests.support.frameworks import METHODS, PATHS, told_later
from watchword.adapters.litestar import GuardPlugin, requires

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword import Guard, Requirement


INTERFACE = "asgi"


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[Litestar]:
    """Make the application."""

    # Litestar answers HEAD only where a handler names it.
    def handler(path: str, *, marked: Requirement | None = None) -> Any:
        async def view(request: Request[Any, Any, Any]) -> str:
            return await told_later(lambda: str(request.user.id))

        methods: Any = [*METHODS, "HEAD"]
        at: Any = route(path, http_method=methods, media_type=MediaType.TEXT, status_code=200)
        return at(view if marked is None else requires(marked)(view))

    handlers = [handler(path) for path in PATHS] + [handler(path, marked=requirement) for path, requirement in views.items()]
    yield Litestar(handlers, plugins=[GuardPlugin(guard)], logging_config=None)
