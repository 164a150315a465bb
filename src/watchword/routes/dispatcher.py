"""Lists the routes of applications that werkzeug's `DispatcherMiddleware` puts side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.routes.applications import mounted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.routes.applications import Place
    from watchword.routes.listed import Listed


def list_routes(app: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - a DispatcherMiddleware
    """Yield the routes of the mounted applications, those below longer prefixes first, and of the application for the rest.

    Args:
        app: the middleware.
        place: where it is mounted.
    """
    for prefix, inner in sorted(app.mounts.items(), key=lambda one: -len(one[0])):
        yield from mounted(inner, place.below(app, prefix, (prefix,)))
    yield from mounted(app.app, place.below(app, "", ()))
