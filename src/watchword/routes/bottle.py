"""Lists the routes of Bottle."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from watchword.routes.applications import mounted
from watchword.routes.listed import ANY_SEGMENT, Listed, Param, Pieces, name_of, shape_of, split_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.routes.applications import Place

_PARAM: Final = re.compile(r"<([a-zA-Z_][a-zA-Z_0-9]*)?(?::([a-zA-Z_]*)(?::((?:\\.|[^\\>])+))?)?>")
_REGEXES: Final = {"int": r"-?\d+", "float": r"-?[\d.]+"}


def list_routes(app: Any, place: Place) -> list[Listed]:  # noqa: ANN401 - Bottle
    """Return the routes of an application: those without parameters first, as its router tries them.

    Args:
        app: the application.
        place: where it is mounted.
    """
    listed = [one for route in app.routes for one in _listed(app, route, place)]
    return sorted(listed, key=lambda one: any(isinstance(segment, Param) for segment in one.shape.segments) or one.shape.rest)


def _listed(app: Any, route: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - an application and a route of it
    target = route.config.get("mountpoint.target")
    if target is not None:
        path = "/" + str(route.config["mountpoint.prefix"]).strip("/")
        if route.rule.endswith(">"):  # Bottle makes a second route for the prefix without a slash
            yield from mounted(target, place.below(app, path, (path,)))
        return
    methods = None if route.method in {"ANY", "PROXY"} else (route.method,)
    views, name = (route.callback,), name_of(route.callback)
    shape = shape_of((*place.pieces, *_pieces(route.rule)))
    yield Listed(place.path + route.rule, shape, methods, name, views, host=place.host)
    if methods == ("GET",):
        yield Listed(place.path + route.rule, shape, ("HEAD",), name, views, host=place.host, automatic=frozenset({"HEAD"}))


def _pieces(rule: str) -> Pieces:
    def piece(found: re.Match[str]) -> Param:
        kind, regex = found[2] or "", found[3]
        if kind == "path" or (kind == "re" and regex is not None and "/" in regex.replace("[^/]", "")):
            return Param(".+?", rest=True)
        if kind == "re" and regex is not None:
            return Param(regex, rest=re.fullmatch(regex, "x/x") is not None)
        return Param(_REGEXES.get(kind, ANY_SEGMENT))

    return split_template(rule, _PARAM, piece)
