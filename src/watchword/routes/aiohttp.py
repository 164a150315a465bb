"""Lists the routes of aiohttp."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from watchword.routes.listed import Listed, Param, name_of, shape_of
from watchword.routes.regexes import pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.routes.applications import Place

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # those that a View may have


def list_routes(app: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - an application of aiohttp
    """Yield the routes of an application, in the order in which its router tries them.

    Args:
        app: the application.
        place: where it is mounted.
    """
    for resource in app.router.resources():
        inner = getattr(resource, "_app", None)
        if inner is not None:
            # The paths of the routes of an application that was added begin with its prefix.
            rule = getattr(resource, "_rule", None)
            yield from list_routes(inner, place if rule is None else place.below(app, "", (), str(rule.canonical)))
        elif hasattr(resource, "_directory"):
            path = unquote(resource.canonical).rstrip("/")
            shape = shape_of((*place.pieces, f"{path}/", Param(".*", rest=True)))
            yield Listed(f"{place.path}{path}/**", shape, ("GET", "HEAD"), name_of(resource), (), "static", place.host)
        else:
            yield from _listed(resource, place)


def _listed(resource: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - a resource of aiohttp
    path, pattern = unquote(resource.canonical), getattr(resource, "_pattern", None)
    # The pattern has the prefix of the application, too.
    pieces = (path,) if pattern is None else pieces_of(f"^{pattern.pattern}", is_whole=True)
    make = partial(Listed, place.path + path, shape_of((*place.pieces, *pieces)), host=place.host)
    served = {route.method: route.handler for route in resource}
    for method, handler in served.items():
        if isinstance(handler, type):
            for name in [name for name in _METHODS if hasattr(handler, name.lower()) and method in {"*", name}]:
                yield make((name,), name_of(handler), (handler, getattr(handler, name.lower())))
        else:
            automatic = frozenset({"HEAD"} if method == "HEAD" and served.get("GET") is handler else ())
            yield make(None if method == "*" else (method,), name_of(handler), (handler,), automatic=automatic)
