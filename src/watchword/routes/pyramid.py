"""Lists the routes of Pyramid."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from watchword.routes.listed import ANY_SEGMENT, Listed, Param, Pieces, below, name_of, shape_of, split_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.routes.applications import Place

_PARAM: Final = re.compile(r"{([_a-zA-Z][^{}:]*)(?::((?:[^{}]|{[^{}]*})+))?}")
_STAR: Final = re.compile(r"\*\w*$")


def list_routes(app: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - a router of Pyramid
    """Yield the routes of an application, in the order in which Pyramid tries them; then one for all that traversal may find.

    Args:
        app: the application.
        place: where it is mounted.
    """
    introspector = app.registry.introspector
    views: defaultdict[str | None, list[Any]] = defaultdict(list)
    for one in introspector.get_category("views") or ():
        if not _is_for_exceptions(one["introspectable"]):
            views[one["introspectable"]["route_name"]].append(one["introspectable"])
    methods = {one["introspectable"]["name"]: one["introspectable"]["request_methods"] for one in introspector.get_category("routes") or ()}
    for route in app.routes_mapper.get_routes():
        shape = shape_of((*place.pieces, *_pieces(route.pattern)))
        # A route with a predicate is passed over where that is not met.
        stops = not route.predicates
        make = partial(Listed, place.path + "/" + route.pattern.lstrip("/"), shape, host=place.host, stops=stops, route=route)
        for view in views.pop(route.name, [{}]):
            yield _listed(make, route, view, view.get("request_methods") or methods.get(route.name))
    found = tuple(view["callable"] for view in views[None])
    if found:
        yield Listed(f"{place.path}/**", below(place.pieces), None, "pyramid.traversal", found, "mount", place.host)


def _listed(make: Callable[..., Listed], route: Any, view: Any, given: Any) -> Listed:  # noqa: ANN401 - Pyramid's
    found, attr = view.get("callable"), view.get("attr") or "__call__"
    names = None if given is None else {given} if isinstance(given, str) else {*given}
    automatic = frozenset({"HEAD"} if names is not None and "GET" in names and "HEAD" not in names else ())
    methods = None if names is None else tuple(sorted({*names, *automatic}))
    name = str(route.name) if found is None else name_of(found)
    kind = "static" if name.startswith("pyramid.static.") else "http"
    return make(methods, name, (found, getattr(found, attr, None)), kind, automatic=automatic)


def _is_for_exceptions(view: Any) -> bool:  # noqa: ANN401 - what Pyramid keeps about a view
    context = view["context"]
    is_exception = isinstance(context, type) and issubclass(context, BaseException)
    return bool(view["exception_only"]) or is_exception or getattr(context, "__name__", "") == "IExceptionResponse"


def _pieces(pattern: str) -> Pieces:
    def piece(found: re.Match[str]) -> Param:
        regex = found[2] or ANY_SEGMENT
        return Param(regex, rest="/" in regex.replace("[^/]", "") or re.fullmatch(regex, "x/x") is not None)

    pattern = "/" + pattern.lstrip("/")
    star = _STAR.search(pattern)
    head = pattern if star is None else pattern[: star.start()]
    return (*split_template(head, _PARAM, piece), *((Param(".*", rest=True),) if star is not None else ()))
