"""Inspects the application behind a guard: its interface, whether its router takes a mount off, and a mount that it sets by itself."""

from __future__ import annotations

import sys
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, signature
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import ConfigurationError
from watchword.guard import Guard
from watchword.guard.guard import as_guard
from watchword.routes.applications import STARLETTE, Kinds, chain, is_a

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Applications and routers by module and class, so that none is imported. tests/threats/test_P15_mounts.py asks each of them.
_TAKES_MOUNT_OFF: Final[Kinds] = frozenset(
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
_LEAVES_MOUNT_ON: Final[Kinds] = frozenset({("falcon.asgi.app", "App")})
_MOUNTS: Final[Kinds] = frozenset({("starlette.routing", "Mount"), ("starlette.routing", "Host")})
_FASTAPI: Final[Kinds] = frozenset({("fastapi.applications", "FastAPI")})
_DJANGO: Final[Kinds] = frozenset({("django.core.handlers.asgi", "ASGIHandler")})


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
    asgi, wsgi = accepts(app, 3), accepts(app, 2)
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


def accepts(app: Callable[..., object], count: int) -> bool:
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


def takes_mount_off(app: object, around: tuple[object, ...] = ()) -> bool | None:
    """Tell whether the router of an ASGI application routes by the path below `root_path`.

    Args:
        app: the application. Middlewares that keep the next one in `app`, as Starlette's do, are looked through.
        around: the applications in which it is mounted. One that is mounted in itself is asked once.

    Returns:
        None: it is not known.
    """
    for one in chain(app):
        if is_in(one, around):
            return True
        if is_a(one, _LEAVES_MOUNT_ON):
            return False
        if is_a(one, _TAKES_MOUNT_OFF):
            # What is mounted at the root is asked for every path, in its own way.
            roots = {takes_mount_off(inner, (*around, one)) for path, inner in _mounted(one) if not path}
            return False if False in roots else None if None in roots else True
    return None


def own_mount(app: object) -> Callable[[], str] | None:
    """Return what reads the mount that an ASGI application sets by itself, whatever the server states; None: it sets none."""
    for one in chain(app):
        if is_a(one, _FASTAPI):
            if _own_root(one):
                return partial(_own_root, one)
            return None
        if is_a(one, _DJANGO):
            return _forced_script_name if _forced_script_name() else None
    return None


def check_mounted(app: object, prefix: str | None = None, around: tuple[object, ...] = ()) -> None:
    """Refuse an application within the application that sets another mount than the one under which it is.

    Args:
        app: the application, as above.
        prefix: where it is mounted; None: it is the outermost one.
        around: as above.

    Raises:
        ConfigurationError: it does. Its router reads other paths than the guard.
    """
    for one in chain(app):
        if is_in(one, around):
            return
        root = _own_root(one) if prefix is not None and is_a(one, _FASTAPI) else ""
        if root and not (prefix and root.endswith(prefix)):
            raise ConfigurationError(
                f"FastAPI(root_path={root!r}) is mounted at {prefix or '/'!r}, so that its router takes another path than the guard "
                "for that of a request. Leave root_path out: the mount states it."
            )
        for path, inner in _mounted(one):
            check_mounted(inner, (prefix or "") + path, (*around, one))


def is_in(app: object, around: Iterable[object]) -> bool:
    """Tell whether an application is one of those in which it is mounted."""
    return any(app is one for one in around)  # routers of Starlette compare by their routes


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


def _mounted(app: object) -> Iterator[tuple[str, object]]:
    """Yield path and application of what is mounted in Starlette."""
    if is_a(app, STARLETTE):
        for route in getattr(app, "routes", ()):
            if is_a(route, _MOUNTS):
                yield getattr(route, "path", ""), route.app


def _own_root(app: object) -> str:
    return str(getattr(app, "root_path", "") or "")


def _forced_script_name() -> str:
    django = sys.modules.get("django.conf")
    return "" if django is None else str(django.settings.FORCE_SCRIPT_NAME or "")
