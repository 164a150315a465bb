"""Finds out what an application is, without an import of its framework, and looks through the middlewares around it."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from inspect import ismethod
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.errors import ConfigurationError
from watchword.routes.listed import Listed, Pieces, below, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Lister: TypeAlias = Callable[[object, "Place"], Iterable[Listed]]

Kinds: TypeAlias = frozenset[tuple[str, str]]
"""Classes by module and name, so that none of them is imported."""

STARLETTE: Final[Kinds] = frozenset({("starlette.applications", "Starlette"), ("starlette.routing", "Router")})
AIOHTTP: Final[Kinds] = frozenset({("aiohttp.web_app", "Application")})
DJANGO: Final[Kinds] = frozenset({("django.core.handlers.base", "BaseHandler"), ("django.urls.resolvers", "URLResolver")})
LITESTAR: Final[Kinds] = frozenset({("litestar.app", "Litestar")})
WERKZEUG: Final[Kinds] = frozenset({("flask.sansio.app", "App")})  # of Flask and Quart

_LISTERS: Final[tuple[tuple[str, Kinds], ...]] = (
    ("starlette", STARLETTE),
    ("werkzeug", WERKZEUG),
    ("aiohttp", AIOHTTP),
    ("bottle", frozenset({("bottle", "Bottle")})),
    ("dispatcher", frozenset({("werkzeug.middleware.dispatcher", "DispatcherMiddleware")})),
    ("django", DJANGO),
    ("falcon", frozenset({("falcon.app", "App")})),
    ("litestar", LITESTAR),
    ("pyramid", frozenset({("pyramid.router", "Router")})),
)
_DEEPEST = 64  # middlewares around one another; more than any application has
_MARKED_IN: Final = LITESTAR | STARLETTE | WERKZEUG


class Place:
    """Where an application is mounted within another one.

    Args:
        path: the path of the mount, as the outer framework writes it.
        pieces: the same, split.
        host: the host for which it is mounted; empty: any.
        seen: the applications around this one.
        kinds: the applications whose routes are asked for; empty: all that are known.
    """

    __slots__ = ("host", "kinds", "path", "pieces", "seen")

    def __init__(
        self, path: str = "", pieces: Pieces = (), host: str = "", seen: tuple[object, ...] = (), kinds: Kinds = frozenset()
    ) -> None:
        self.path: str = path
        self.pieces: Pieces = pieces
        self.host: str = host
        self.seen: tuple[object, ...] = seen
        self.kinds: Kinds = kinds

    def below(self, app: object, path: str, pieces: Pieces, host: str = "") -> Place:
        """Return the place of an application that is mounted in the one that is here.

        Args:
            app: the application that is here.
            path: the path of the mount within it.
            pieces: the same, split.
            host: the host for which it is mounted; empty: that of this place.
        """
        return Place(self.path + path, (*self.pieces, *pieces), host or self.host, (*self.seen, app), self.kinds)


def is_a(one: object, kinds: Kinds) -> bool:
    """Tell whether an object is of one of the classes, or of a class derived from one.

    Args:
        one: the object.
        kinds: the classes.
    """
    return any((kind.__module__, kind.__qualname__) in kinds for kind in type(one).__mro__)


def chain(app: object) -> Iterator[object]:
    """Yield an application and those that it wraps, outermost first, each once.

    Args:
        app: the application. Middlewares that keep the next one in `app` or `application` are looked through.
    """
    passed: list[object] = []
    for _ in range(_DEEPEST):
        yield app
        passed.append(app)
        if isinstance(app, partial):
            app = app.func
        elif ismethod(app):
            app = app.__self__
        else:
            inner = getattr(app, "app", None)
            app = inner if callable(inner) else getattr(app, "application", None)
        # `Router.app` of Starlette is a method of the router itself. Routers that are mounted in one another would multiply the rounds.
        if not callable(app) or any(app is one for one in passed):
            return


def list_routes(app: object) -> list[Listed]:
    """Return the routes of an application, in the order in which its router tries them.

    Args:
        app: the application of one of the frameworks above, or middlewares around one. What is mounted in it may be any of these, too.

    Raises:
        ConfigurationError: it is none of these.
    """
    listed = _listed(app, Place())
    if listed is None:
        raise ConfigurationError(
            f"the routes of {name_of(app)} are not known. Give the application of a framework, not a function that wraps one."
        )
    return list(listed)


def mounted(app: object, place: Place) -> Iterable[Listed]:
    """Return the routes of an application that is mounted in another one; one route for all paths, where its routes are not known.

    Args:
        app: the mounted application.
        place: where it is.
    """
    is_around = any(layer is one for layer in chain(app) for one in place.seen)
    listed = None if is_around else _listed(app, place)
    if listed is None:
        return [Listed(f"{place.path}/**", below(place.pieces), None, name_of(app), (app,), "mount", place.host)]
    return listed


def views_in(app: object) -> Iterator[object]:
    """Yield the views of an application as far as its router shows them: Starlette, FastAPI, Litestar, Flask and Quart.

    Args:
        app: the application, as above.
    """
    # Not of all frameworks: this runs before the first request of every application, and must ask no router that it need not.
    for listed in _listed(app, Place(kinds=_MARKED_IN)) or ():
        yield from listed.views


def _listed(app: object, place: Place) -> Iterable[Listed] | None:
    for one in chain(app):
        for module, kinds in _LISTERS:
            if is_a(one, kinds) and (kinds <= place.kinds or not place.kinds):
                lister: Lister = import_module(f"watchword.routes.{module}").list_routes
                return lister(one, place)
    return None
