"""Checks the routes of an application against its guard, once, before its first request: the rules, and what views demand."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from watchword.authorization.marks import requirement_of
from watchword.errors import ConfigurationError
from watchword.observe.log import log_mistake
from watchword.routes.applications import AIOHTTP, DJANGO, LITESTAR, STARLETTE, WERKZEUG, Kinds, chain, is_a, views_in
from watchword.routes.listed import name_of

if TYPE_CHECKING:
    from watchword.guard import Guard
    from watchword.routes import Finding

# Applications and middlewares whose attribute `debug` says that they are in development.
_SHOW_DEBUG: Final[Kinds] = (
    STARLETTE
    | WERKZEUG
    | LITESTAR
    | {
        ("starlette.middleware.errors", "ServerErrorMiddleware"),
        ("starlette.middleware.exceptions", "ExceptionMiddleware"),
    }
)
_HOW: Final = "Correct the pattern, or remove the rule. `watchword routes` lists all routes."


def check_routes(app: object, guard: Guard) -> None:
    """Refuse what a view demands and no caller can meet, and, with `Guard(strict_routes=True)`, rules that match no route.

    In development, log what may be a mistake.

    Args:
        app: the application that a middleware calls, with all of its routes.
        guard: the guard of the middleware.

    Raises:
        ConfigurationError: a view demands what no scheme of the guard can meet. Or a rule that demands something matches no route, or the
            routes are not known, and the guard is strict.
    """
    for view in views_in(app):
        demanded = requirement_of(view)
        if demanded is not None and not guard.policy.rules.can_be_met(demanded):
            raise ConfigurationError(
                f"{name_of(view)} demands {demanded}, which no caller of this guard can meet. Add the scheme to the guard."
            )
    if guard.strict_routes:
        wrong = [finding for finding in guard.check_routes(app).findings if finding.code == "rule_without_route"]
        if wrong:
            raise ConfigurationError(f"{' '.join(f'{finding}.' for finding in wrong)} {_HOW}")
    elif guard.strict_routes is None and is_in_development(app):
        for finding in _findings(app, guard):
            log_mistake(f"{finding}. {_HOW}")


def is_in_development(app: object) -> bool:
    """Tell whether an application is in development: by its attribute `debug`, by `DEBUG` of Django, or by the debug mode of asyncio."""
    return any(map(_has_debug, chain(app)))


def _has_debug(layer: object) -> bool:
    if is_a(layer, DJANGO):
        return _debug_of_django()
    if is_a(layer, AIOHTTP):  # whose own attribute is deprecated
        return _debug_of_asyncio()
    return is_a(layer, _SHOW_DEBUG) and getattr(layer, "debug", None) is True


def _debug_of_asyncio() -> bool:
    from asyncio import get_running_loop

    with suppress(RuntimeError):
        return get_running_loop().get_debug()
    return False


def _debug_of_django() -> bool:
    django = sys.modules.get("django.conf")
    return django is not None and django.settings.DEBUG is True


def _findings(app: object, guard: Guard) -> list[Finding]:
    """Return the findings that are not low; nothing where the routes cannot be read, which must not keep an application from starting."""
    with suppress(Exception):
        return [finding for finding in guard.check_routes(app).findings if finding.severity != "low"]
    return []


__all__ = ["check_routes", "is_in_development"]
