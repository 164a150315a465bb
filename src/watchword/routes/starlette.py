"""Lists the routes of Starlette and FastAPI."""

from __future__ import annotations

import re
from functools import partial
from inspect import isfunction
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import ConfigurationError
from watchword.routes.applications import STARLETTE, Kinds, Place, chain, is_a, mounted
from watchword.routes.listed import Listed, Param, Pieces, below, name_of, shape_of, split_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENDPOINTS: Final[Kinds] = frozenset({("starlette.endpoints", "HTTPEndpoint")})
_STATIC: Final[Kinds] = frozenset({("starlette.staticfiles", "StaticFiles")})
_PARAM: Final = re.compile(r"{([a-zA-Z_][a-zA-Z0-9_]*)(:[a-zA-Z_][a-zA-Z0-9_]*)?}")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # those that an HTTPEndpoint may have


def list_routes(app: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - Starlette, FastAPI or a Router
    """Yield the routes of an application or a router, in the order in which it tries them.

    Args:
        app: the application or router.
        place: where it is mounted.
    """
    for route in included(app.routes):
        host = getattr(route, "host", None)
        if host is not None:
            yield from mounted(route.app, place.below(app, "", (), host))
        elif getattr(route, "endpoint", None) is not None:
            yield from _listed(route, place)
        elif hasattr(route, "app"):
            yield from _mounted(app, route, place)
    router = getattr(app, "router", app)
    low = getattr(router, "_iter_low_priority_routes", None)  # the frontends of FastAPI, which are tried last
    frontends = [one for group in (low() if callable(low) else ()) for one in _frontends(group, place)]
    yield from sorted(frontends, key=lambda one: one.shape.rank)
    default = getattr(router, "default", None)
    if default is not None and not is_a(getattr(default, "__self__", None), STARLETTE):
        yield from mounted(default, place.below(app, "", ()))


def views_at(app: object, scope: Mapping[str, Any]) -> Iterator[object]:
    """Yield the view that the router of Starlette or FastAPI would choose, and its dependencies; nothing where another router is.

    Args:
        app: the application. Middlewares that keep the next one in `app`, as Starlette's do, are looked through.
        scope: of the request.
    """
    for one in chain(app):
        routes = getattr(one, "routes", None)
        for route in included(routes) if hasattr(one, "add_route") else ():
            match, child = route.matches(scope)
            if match.name == "FULL":
                inner = None if hasattr(route, "endpoint") else getattr(route, "app", None)
                yield from views_of(route, scope.get("method", "GET")) if inner is None else views_at(inner, {**scope, **child})
                return


def included(routes: object) -> Iterator[Any]:
    """Yield routes; of a router that FastAPI includes, its routes with the dependencies of the inclusion.

    Args:
        routes: of an application or a router.

    Raises:
        ConfigurationError: this version of FastAPI keeps the routes of included routers in another way.
    """
    for route in routes if isinstance(routes, (list, tuple)) else ():
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            if type(route).__module__.startswith("fastapi.") and not (hasattr(route, "endpoint") or hasattr(route, "app")):
                raise _unknown(route)
            yield route
            continue
        for context in contexts():
            if not hasattr(context, "starlette_route"):
                raise _unknown(route)
            yield context if context.starlette_route is None else context.starlette_route


def _unknown(route: object) -> ConfigurationError:
    # What is not seen would be missing in documents and lists, and a view that no call checks would be open.
    return ConfigurationError(
        f"the routes of FastAPI's {type(route).__qualname__} are not known, so what they demand would be lost. Use FastAPI 0.163."
    )


def _listed(route: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - a route of Starlette, or what FastAPI makes of one
    shape = shape_of((*place.pieces, *_pieces(route.path, route.param_convertors)))
    make = partial(Listed, place.path + route.path, shape, endpoint=name_of(route.endpoint), host=place.host)
    methods = getattr(route, "methods", None)
    if not hasattr(route, "methods"):
        yield make(("GET",), views=tuple(views_of(route)), kind="websocket")
    elif isinstance(route.endpoint, type) and any((one.__module__, one.__qualname__) in _ENDPOINTS for one in route.endpoint.__mro__):
        # The class answers other methods by 405, and HEAD by its `get`.
        own = [name for name in _METHODS if hasattr(route.endpoint, name.lower()) and (methods is None or name in methods)]
        for name in [*own, "HEAD"] if "GET" in own and "HEAD" not in own else own:
            automatic = name == "HEAD" and name not in own
            views = tuple(views_of(route, "GET" if automatic else name))
            yield make((name,), views=views, automatic=frozenset({name} if automatic else ()))
    else:
        # Starlette adds HEAD to GET. FastAPI does not, and a route with both was written with both.
        automatic_head = methods is not None and is_a(route, _ROUTES) and {"GET", "HEAD"} <= methods
        names = None if methods is None else tuple(sorted(methods))
        yield make(names, views=tuple(views_of(route)), automatic=frozenset({"HEAD"} if automatic_head else ()))


_ROUTES: Final[Kinds] = frozenset({("starlette.routing", "Route")})


def _mounted(app: object, route: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - a Mount
    pieces = _pieces(route.path, route.param_convertors)
    inner = route.app
    if any(is_a(one, _STATIC) for one in chain(inner)):
        path = f"{place.path}{route.path}/{{path:path}}"
        yield Listed(path, below((*place.pieces, *pieces)), ("GET", "HEAD"), name_of(inner), (inner,), "static", place.host, stops=True)
        return
    there = place.below(app, route.path, pieces)
    yield from mounted(inner, there)
    yield Listed(f"{there.path}/**", below(there.pieces), (), name_of(inner), kind="mount", host=place.host, stops=True)


def _frontends(group: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - a group of FastAPI, or what an included router makes of one
    prefix = getattr(group, "frontend_prefix", "")
    for route in getattr(group, "original_route", group).routes:
        path = (prefix + route.path).rstrip("/")
        views = tuple(views_of(group))
        shape = below((*place.pieces, path))
        yield Listed(f"{place.path}{path}/**", shape, ("GET", "HEAD"), name_of(route.app), views, "static", place.host)


def _pieces(path: str, convertors: Mapping[str, Any]) -> Pieces:
    def piece(found: re.Match[str]) -> Param:
        regex = convertors[found[1]].regex
        return Param(regex, rest="." in regex and re.fullmatch(regex, "x/x") is not None)

    return split_template(path, _PARAM, piece)


def views_of(route: object, method: str = "") -> Iterator[object]:
    """Yield the view of a route; of a class the methods, or the one method; and the dependencies of FastAPI.

    Args:
        route: of Starlette or FastAPI.
        method: in any letter case; empty: all methods of a class.
    """
    view = getattr(route, "endpoint", None)
    yield view
    if isinstance(view, type):
        yield from filter(isfunction, [getattr(view, method.lower(), None)] if method else vars(view).values())
    waiting = [getattr(route, "dependant", None)]  # FastAPI
    for dependant in waiting:
        yield getattr(dependant, "call", None)
        waiting.extend(getattr(dependant, "dependencies", ()))
