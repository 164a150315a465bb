"""Reads what aiohttp's router has chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from watchword.adapters.marks import both, requirement_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from watchword.authorization import Requirement

    Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

M = TypeVar("M")


def demand_of(request: web.Request) -> Requirement | None:
    """Return what the handler demands that the router has chosen, of a view its method too; None: nothing."""
    handler = cast("Any", request.match_info.handler)
    demanded = requirement_of(handler)
    if isinstance(handler, type):
        own = requirement_of(getattr(handler, request.method.lower(), None))
        return demanded if own is None else both(demanded, own)
    return demanded


def middlewares_within(middleware: object, request: web.Request, apps: tuple[web.Application, ...]) -> list[tuple[web.Application, Any]]:
    """Return the middlewares further in, outermost first, each with its application.

    Args:
        middleware: the one that asks.
        request: as this middleware got it.
        apps: that a match leads through, outermost first.
    """
    own = request.app
    if own not in apps:
        return []
    beside = [*own.middlewares]
    # Where another middleware calls this one, nothing is known of its place.
    after = beside[beside.index(middleware) + 1 :] if middleware in beside else []
    inner = apps[apps.index(own) + 1 :]
    return [*((own, one) for one in after), *((app, one) for app in inner for one in app.middlewares)]


def alike_within(middleware: object, request: web.Request, kind: type[M]) -> list[tuple[web.Application, M]]:
    """Return the middlewares further in that are of a class, each with its application."""
    return [(app, one) for app, one in middlewares_within(middleware, request, request.match_info.apps) if isinstance(one, kind)]


__all__ = ["alike_within", "demand_of", "middlewares_within"]
