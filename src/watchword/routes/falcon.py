"""Lists the routes of Falcon."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from watchword.routes.listed import ANY_SEGMENT, Listed, Param, name_of, shape_of, split_template
from watchword.routes.regexes import pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.routes.applications import Place

_PARAM: Final = re.compile(r"{([^}:]*)(?::([^}(]*)(\([^}]*\))?)?}")
_REGEXES: Final = {"int": "[0-9]+", "uuid": "[0-9a-fA-F-]{32,36}"}
_META: Final = "WEBSOCKET"  # stands among the methods of a resource


def list_routes(app: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - an application of Falcon
    """Yield the routes of an application, the narrower ones first, as its router tries them; then its sinks and folders of files.

    Args:
        app: the application.
        place: where it is mounted.
    """
    roots = getattr(app._router, "_roots", ())  # noqa: SLF001 - nothing else shows the routes
    yield from sorted((one for node in roots for one in _listed(node, place)), key=lambda one: one.shape.rank)
    for matcher, found, is_sink in app._sink_and_static_routes:  # noqa: SLF001 - as above
        if is_sink:
            shape = shape_of((*place.pieces, *pieces_of(f"^{matcher.pattern.removeprefix('^')}")))
            yield Listed(place.path + matcher.pattern, shape, None, name_of(found), (found,), host=place.host, stops=True, route=found)
        else:
            prefix = found._prefix  # noqa: SLF001 - as above
            shape = shape_of((*place.pieces, prefix, Param(".*", rest=True)))
            yield Listed(f"{place.path}{prefix}**", shape, None, name_of(found), (), "static", place.host, stops=True, route=found)


def _listed(node: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - a node of the router
    for child in node.children:
        yield from _listed(child, place)
    if node.method_map is None:
        return
    pieces = split_template(node.uri_template, _PARAM, _param)
    make = partial(Listed, place.path + node.uri_template, shape_of((*place.pieces, *pieces)), host=place.host, stops=True, route=node)
    for method, responder in node.method_map.items():
        if getattr(responder, "__self__", None) is node.resource:
            yield make(
                methods=("GET" if method == _META else method,),
                endpoint=name_of(responder),
                views=(responder, type(node.resource)),
                kind="websocket" if method == _META else "http",
            )
        elif method == "OPTIONS":
            yield make(methods=(method,), endpoint=name_of(type(node.resource)), automatic=frozenset({method}))


def _param(found: re.Match[str]) -> Param:
    return Param(_REGEXES.get(found[2] or "", ANY_SEGMENT), rest=found[2] == "path")
