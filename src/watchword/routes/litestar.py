"""Lists the routes of Litestar."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from watchword.routes.applications import LITESTAR, chain, is_a, mounted
from watchword.routes.listed import ANY_SEGMENT, Listed, Param, Pieces, name_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.routes.applications import Place
    from watchword.routes.listed import Kind

# Of parameters of other types the values are not checked before the handler is chosen.
_REGEXES: Final = {"int": "[+-]?[0-9]+", "uuid": "[0-9a-fA-F-]{32,36}"}


def list_routes(app: Any, place: Place) -> list[Listed]:  # noqa: ANN401 - Litestar
    """Return the routes of an application, the narrower ones first, as its trie tries them.

    Args:
        app: the application.
        place: where it is mounted.
    """
    return sorted((one for route in app.routes for one in _listed(app, route, place)), key=lambda one: one.shape.rank)


def handlers_of(route: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a route of Litestar, and its handlers
    """Return the handlers of a route.

    Args:
        route: for requests, for WebSockets, or for a mounted application.
    """
    return tuple(getattr(route, "route_handlers", ())) or (route.route_handler,)


def views_of(handler: Any) -> tuple[object, ...]:  # noqa: ANN401 - a handler of Litestar
    """Return what may carry the mark of a handler: its function, and the guards of its application, routers and controller, and its own.

    Args:
        handler: a handler that is registered.
    """
    return tuple(layer for view in (handler.fn, *handler.resolve_guards()) for layer in _functions(view))


def _functions(view: Any) -> Iterator[object]:  # noqa: ANN401 - what a handler calls, or a guard
    """Yield a view and the functions within it: Litestar runs them in a thread, or for each message of a WebSocket."""
    while view is not None:
        yield view
        view = getattr(view, "__func__", None) or getattr(view, "func", None) or getattr(view, "_fn", None)


def views_at(app: object, scope: Mapping[str, Any]) -> Iterator[object]:
    """Yield the views of the handler that the router of Litestar would choose; nothing where another router is.

    Args:
        app: the application. Middlewares that keep the next one in `app` are looked through.
        scope: of the request.

    Raises:
        Exception: the router chooses none.
    """
    for one in chain(app):
        if is_a(one, LITESTAR):
            router: Any = one
            yield from views_of(handler_at(router.asgi_router, scope))
            return


def handler_at(router: Any, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a class that Litestar does not publish, and a handler
    """Return the handler that a router of Litestar would choose.

    Args:
        router: of the application.
        scope: of the request.

    Raises:
        Exception: the router chooses none.
    """
    path, root = scope["path"], scope.get("root_path") or ""
    path = path.split(root, maxsplit=1)[-1] if root else path
    _, handler, *_ = router.handle_routing(path=f"/{'/'.join(filter(None, path.split('/')))}", method=scope.get("method"))
    return handler


def _listed(app: Any, route: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - an application and a route of it
    pieces = _pieces(route.path_components)
    make = partial(Listed, place.path + route.path, shape_of((*place.pieces, *pieces)), host=place.host, stops=True, route=route)
    handlers = getattr(route, "route_handler_map", None)
    if handlers is not None:
        for method, (handler, _) in sorted(handlers.items()):
            # Litestar answers OPTIONS itself where no handler does.
            automatic = frozenset({method} if method == "OPTIONS" and _function(handler).__module__.startswith("litestar.") else ())
            name = name_of(_function(handler))
            kind: Kind = "static" if name.startswith("litestar.static_files.") else "http"
            yield make(methods=(method,), endpoint=name, views=views_of(handler), automatic=automatic, kind=kind)
        return
    (handler,) = handlers_of(route)
    if getattr(handler, "is_mount", False):
        path = "" if route.path == "/" else route.path
        for listed in mounted(_function(handler), place.below(app, path, pieces if path else ())):
            yield replace(listed, views=(*listed.views, *views_of(handler)))
    else:
        is_socket = str(getattr(route.scope_type, "value", route.scope_type)) == "websocket"
        methods = ("GET",) if is_socket else None
        yield make(
            methods=methods, endpoint=name_of(_function(handler)), views=views_of(handler), kind="websocket" if is_socket else "http"
        )


def _function(handler: Any) -> Any:  # noqa: ANN401 - of a handler
    fn = handler.fn
    return getattr(fn, "value", fn)


def _pieces(components: Any) -> Pieces:  # noqa: ANN401 - literals and parameters
    def piece(component: Any) -> Pieces:  # noqa: ANN401 - one of them
        if isinstance(component, str):
            return "/", component
        kind = component.type.__name__.lower()
        return "/", Param(_REGEXES.get(kind, ANY_SEGMENT), rest=kind == "path")

    return tuple(one for component in components for one in piece(component)) or ("/",)
