"""Inspects the application behind a guard: its interface, whether its router takes a mount off, and a mount that it sets by itself."""

from __future__ import annotations

import sys
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, isfunction, isgeneratorfunction, ismethod, signature
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import ConfigurationError
from watchword.guard import Guard
from watchword.guard.guard import as_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_Kinds = frozenset[tuple[str, str]]

# Applications and routers by module and class, so that none is imported. tests/threats/test_P15_mounts.py asks each of them.
_TAKES_MOUNT_OFF: Final[_Kinds] = frozenset(
    {
        ("asgiref.wsgi", "WsgiToAsgi"),
        ("django.core.handlers.asgi", "ASGIHandler"),
        ("litestar.app", "Litestar"),
        ("quart.app", "Quart"),
        ("starlette.applications", "Starlette"),
        ("starlette.routing", "Router"),
        ("starlette.staticfiles", "StaticFiles"),
        ("uvicorn.middleware.wsgi", "_WSGIMiddleware"),
    }
)
_LEAVES_MOUNT_ON: Final[_Kinds] = frozenset({("falcon.asgi.app", "App")})
_STARLETTE: Final[_Kinds] = frozenset({("starlette.applications", "Starlette"), ("starlette.routing", "Router")})
_MOUNTS: Final[_Kinds] = frozenset({("starlette.routing", "Mount"), ("starlette.routing", "Host")})
_FASTAPI: Final[_Kinds] = frozenset({("fastapi.applications", "FastAPI")})
_DJANGO: Final[_Kinds] = frozenset({("django.core.handlers.asgi", "ASGIHandler")})
_DEEPEST = 64  # middlewares around one another; more than any application has


def check_arguments(app: object, guard: object, interface: str) -> Guard:
    """Check what a middleware was constructed with.

    Args:
        app: the application.
        guard: the guard.
        interface: `"ASGI"` or `"WSGI"`: what the middleware calls the application by.

    Returns:
        The guard.

    Raises:
        ConfigurationError: the arguments are swapped, or one of them is something else.
    """
    if isinstance(app, Guard) and not isinstance(guard, Guard):
        raise ConfigurationError("GuardMiddleware(app, guard): the arguments are swapped. Put the application first and the guard second.")
    checked = as_guard(guard)
    _check_interface(app, interface)
    return checked


def _check_interface(app: object, interface: str) -> None:
    takes = "GuardMiddleware(app, guard) takes an application"
    if isinstance(app, Guard) or not callable(app):
        raise ConfigurationError(f"{takes}, got {type(app).__name__}, which is not one. Give what the server would serve.")
    waits = _is(app, iscoroutinefunction) or _is(app, isasyncgenfunction)
    asgi, wsgi = _accepts(app, 3), _accepts(app, 2)
    if isinstance(app, type):
        # A class is an application where its instances are what an application returns; `Flask` is not one, `Flask(...)` is.
        asgi, wsgi = asgi and hasattr(app, "__await__"), wsgi and hasattr(app, "__iter__")
    if interface == "ASGI" and (not asgi or _is(app, isasyncgenfunction) or _is(app, isgeneratorfunction)):
        other = " It is a WSGI application: use watchword.adapters.wsgi." if wsgi and not waits else ""
        raise ConfigurationError(f"{takes} that is awaited with (scope, receive, send), got {_name(app)}.{other}")
    if interface == "WSGI" and (not wsgi or waits):
        other = " It is an ASGI application: use watchword.adapters.asgi." if asgi and waits else ""
        raise ConfigurationError(f"{takes} that is called with (environ, start_response), got {_name(app)}.{other}")


def _is(app: object, test: Callable[[Any], bool]) -> bool:
    inner = app.func if isinstance(app, partial) else app
    return test(inner) or (not isinstance(inner, type) and test(getattr(inner, "__call__", None)))  # noqa: B004 - the method is looked at


def _accepts(app: Callable[..., object], count: int) -> bool:
    """Tell whether a callable takes this many arguments; true where that cannot be told."""
    try:
        signature(app).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # compiled, without a signature
        return True
    return True


def _name(app: object) -> str:
    return getattr(app, "__qualname__", None) or f"{type(app).__module__}.{type(app).__qualname__}"


def takes_mount_off(app: object) -> bool | None:
    """Tell whether the router of an ASGI application routes by the path below `root_path`.

    Args:
        app: the application. Middlewares that keep the next one in `app`, as Starlette's do, are looked through.

    Returns:
        None: it is not known.
    """
    for one in _chain(app):
        if _isa(one, _LEAVES_MOUNT_ON):
            return False
        if _isa(one, _TAKES_MOUNT_OFF):
            # What is mounted at the root is asked for every path, in its own way.
            roots = {takes_mount_off(inner) for path, inner in _mounted(one) if not path}
            return False if False in roots else None if None in roots else True
    return None


def own_mount(app: object) -> Callable[[], str] | None:
    """Return what reads the mount that an ASGI application sets by itself, whatever the server states; None: it sets none.

    Args:
        app: the application, as above.
    """
    for one in _chain(app):
        if _isa(one, _FASTAPI):
            if _own_root(one):
                return partial(_own_root, one)
            return None
        if _isa(one, _DJANGO):
            return _forced_script_name if _forced_script_name() else None
    return None


def check_mounted(app: object, prefix: str | None = None) -> None:
    """Refuse an application within the application that sets another mount than the one under which it is.

    Args:
        app: the application, as above.
        prefix: where it is mounted; None: it is the outermost one.

    Raises:
        ConfigurationError: it does. Its router reads other paths than the guard.
    """
    for one in _chain(app):
        root = _own_root(one) if prefix is not None and _isa(one, _FASTAPI) else ""
        if root and not (prefix and root.endswith(prefix)):
            raise ConfigurationError(
                f"FastAPI(root_path={root!r}) is mounted at {prefix or '/'!r}, so that its router takes another path than the guard "
                "for that of a request. Leave root_path out: the mount states it."
            )
        for path, inner in _mounted(one):
            check_mounted(inner, (prefix or "") + path)


class WatchedScope(dict[str, Any]):
    """A scope in which an application may not state a mount of its own: the guard has decided by another path then."""

    def __setitem__(self, name: str, value: object) -> None:
        """Set a key.

        Raises:
            ConfigurationError: it is `root_path`, and the value another one.
        """
        if name == "root_path" and value != self.get(name, ""):
            raise ConfigurationError(
                f"the application behind the guard sets root_path to {value!r}, so that its router takes another path than the guard for "
                f"that of a request. Leave it out there, and write GuardMiddleware(app, guard, mount={value!r}) or set it in the server."
            )
        super().__setitem__(name, value)


def _chain(app: object) -> Iterator[object]:
    """Yield an application and those that it wraps, outermost first."""
    for _ in range(_DEEPEST):
        yield app
        if isinstance(app, partial):
            app = app.func
        elif ismethod(app):
            app = app.__self__
        else:
            inner = getattr(app, "app", None)
            app = inner if callable(inner) else getattr(app, "application", None)
        if not callable(app):
            return


def views_in(app: object) -> Iterator[object]:
    """Yield the views of an application as far as its router shows them: Starlette, FastAPI, Flask and Quart.

    Args:
        app: the application, as above.
    """
    for one in _chain(app):
        functions = getattr(one, "view_functions", None)
        if isinstance(functions, dict):
            yield from functions.values()
        routes = getattr(one, "routes", None)
        for route in _included(routes):
            yield from _views_of(route)


def views_at(app: object, scope: Mapping[str, Any]) -> Iterator[object]:
    """Yield the view that the router of Starlette or FastAPI would choose, and its dependencies; nothing where another router is.

    Args:
        app: the application, as above.
        scope: of the request.
    """
    for one in _chain(app):
        routes = getattr(one, "routes", None)
        for route in _included(routes) if hasattr(one, "add_route") else ():
            match, child = route.matches(scope)
            if match.name == "FULL":
                inner = None if hasattr(route, "endpoint") else getattr(route, "app", None)
                yield from _views_of(route, scope.get("method", "GET").lower()) if inner is None else views_at(inner, {**scope, **child})
                return


def _included(routes: object) -> Iterator[Any]:
    """Yield routes; of a router that FastAPI includes, its routes with the dependencies of the inclusion."""
    for route in routes if isinstance(routes, (list, tuple)) else ():
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            yield route
            continue
        for context in contexts():
            yield context if context.starlette_route is None else context.starlette_route


def _views_of(route: object, method: str = "") -> Iterator[object]:
    """Yield the view of a route; of a class the methods, or the one method; and the dependencies of FastAPI."""
    view = getattr(route, "endpoint", None)
    if view is None:
        yield from views_in(getattr(route, "app", None))
        return
    yield view
    if isinstance(view, type):
        yield from filter(isfunction, [getattr(view, method, None)] if method else vars(view).values())
    waiting = [getattr(route, "dependant", None)]  # FastAPI
    for dependant in waiting:
        yield getattr(dependant, "call", None)
        waiting.extend(getattr(dependant, "dependencies", ()))


def _mounted(app: object) -> Iterator[tuple[str, object]]:
    """Yield path and application of what is mounted in Starlette."""
    if _isa(app, _STARLETTE):
        for route in getattr(app, "routes", ()):
            if _isa(route, _MOUNTS):
                yield getattr(route, "path", ""), route.app


def _isa(one: object, kinds: _Kinds) -> bool:
    return any((kind.__module__, kind.__qualname__) in kinds for kind in type(one).__mro__)


def _own_root(app: object) -> str:
    return str(getattr(app, "root_path", "") or "")


def _forced_script_name() -> str:
    django = sys.modules.get("django.conf")
    return "" if django is None else str(django.settings.FORCE_SCRIPT_NAME or "")
