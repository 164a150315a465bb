"""Lists the routes of Flask and Quart."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from watchword.mount import split_at_mount
from watchword.routes.applications import WERKZEUG, chain, is_a
from watchword.routes.listed import Listed, Param, Pieces, name_of, shape_of, split_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.routes.applications import Place

_PARAM: Final = re.compile(r"<(?:([a-zA-Z_]\w*)(?:\([^>]*\))?:)?[^<>:]+>")


def list_routes(app: Any, place: Place) -> list[Listed]:  # noqa: ANN401 - Flask or Quart
    """Return the routes of an application, the narrower ones first, as its map tries them.

    Args:
        app: the application.
        place: where it is mounted.
    """
    app.url_map.update()
    rules = [rule for rule in app.url_map.iter_rules() if not rule.build_only]
    listed = [one for rule in rules for one in _listed(app, rule, place)]
    return sorted(listed, key=lambda one: one.shape.rank)


def views_at(app: object, scope: Mapping[str, Any]) -> Iterator[object]:
    """Yield the view that the router of Quart would choose, and its class; nothing where another router is.

    Args:
        app: the application. Middlewares that keep the next one in `app` are looked through.
        scope: of the request.

    Raises:
        Exception: the router chooses none.
    """
    path = split_at_mount(scope["path"], scope.get("root_path") or "").path
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    yield from views_at_path(app, scope.get("method", "GET"), path, host, websocket=scope["type"] == "websocket")


def views_at_path(app: object, method: str, path: str, host: str, *, websocket: bool = False) -> Iterator[object]:
    """Do as `views_at` does, for Flask as well.

    Args:
        app: as above.
        method: of the request.
        path: of the request, below the mount.
        host: of the request.
        websocket: whether it is a handshake.
    """
    for one in chain(app):
        if is_a(one, WERKZEUG):
            known: Any = one
            bound = known.url_map.bind(host if known.url_map.host_matching else "localhost")
            rule, _ = bound.match(path, method=method, return_rule=True, websocket=websocket)
            yield from views_of(known.view_functions.get(rule.endpoint), method)
            return


def _listed(app: Any, rule: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - an application and a rule of its map
    view = app.view_functions.get(rule.endpoint)
    of_class = getattr(view, "view_class", None)
    is_static = rule.endpoint.rpartition(".")[2] == "static" and "filename" in rule.arguments
    host = rule.host or (rule.subdomain or "")
    make = partial(Listed, place.path + rule.rule, shape_of((*place.pieces, *_pieces(rule))), endpoint=_name(view, rule), host=host)
    if getattr(rule, "websocket", False):
        yield make(("GET",), views=(view,), kind="websocket")
        return
    methods = frozenset(rule.methods or ())
    automatic = {"OPTIONS"} & methods if getattr(rule, "provide_automatic_options", False) else set()
    if "GET" in methods:
        automatic |= {"HEAD"} & methods
    each = [(name,) for name in sorted(methods)] if of_class is not None and methods else [tuple(sorted(methods)) or None]
    for names in each:
        yield make(
            names, views=views_of(view, names[0] if names else ""), kind="static" if is_static else "http", automatic=frozenset(automatic)
        )


def views_of(view: object, method: str) -> tuple[object, ...]:
    """Return what may be marked of a view: the view, its class, and the method of that which serves.

    Args:
        view: what the application has at an endpoint; None: nothing.
        method: of the request; empty: not known.
    """
    of_class = getattr(view, "view_class", None)
    handler = _handler(of_class, method) if of_class is not None and method else None
    return tuple(one for one in (view, of_class, handler) if one is not None)


def _handler(of_class: type, method: str) -> object:
    handler = getattr(of_class, method.lower(), None)
    return getattr(of_class, "get", None) if handler is None and method == "HEAD" else handler


def _name(view: object, rule: Any) -> str:  # noqa: ANN401 - a rule
    of_class = getattr(view, "view_class", None)
    return str(rule.endpoint) if view is None else name_of(view if of_class is None else of_class)


def _pieces(rule: Any) -> Pieces:  # noqa: ANN401 - a rule
    """Return the pieces of a rule. Its trace holds literal text, and the names of parameters behind a part for the host."""
    trace = getattr(rule, "_trace", None)  # the public text of a rule is what its converters are parsed from
    if trace is None:
        return split_template(rule.rule, _PARAM, lambda found: Param(rest=found[1] == "path"))
    converters = rule._converters  # noqa: SLF001 - as above
    return tuple(
        Param(converters[text].regex, rest=not converters[text].part_isolating) if dynamic else text
        for dynamic, text in trace[trace.index((False, "|")) + 1 :]
    )
