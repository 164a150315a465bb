"""Checks what Litestar's handlers demand, before they run."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from watchword.adapters.litestar_refusals import refuse
from watchword.adapters.marks import demand_of, exchange_of
from watchword.adapters.scope import tell
from watchword.authorization.requirement import AllOf
from watchword.errors import ConfigurationError
from watchword.guard.exchange import KEY
from watchword.routes.litestar import views_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

    from watchword.adapters.scope import Scope
    from watchword.authorization import Requirement
    from watchword.guard import Guard

    Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

# The requirements that the caller of the handler meets which is about to run. Its function runs in this context alone.
_MET: ContextVar[frozenset[Requirement]] = ContextVar("watchword.met", default=frozenset())
_CHANGED: Final = "GuardPlugin found no router to guard: the application had no route when it was made. Give Litestar(...) a route handler."


def checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    """Return a function that runs only where the plugin has checked its caller. It gets no connection to ask.

    Args:
        view: the function of a handler.
        requirement: what it demands.
    """

    @wraps(view)
    async def waiting(*args: object, **kwargs: object) -> object:
        _expect(requirement)
        return await view(*args, **kwargs)

    @wraps(view)
    def plain(*args: object, **kwargs: object) -> object:
        _expect(requirement)
        return view(*args, **kwargs)

    return waiting if iscoroutinefunction(view) else plain


def _expect(requirement: Requirement) -> None:
    if not _parts(requirement) <= _MET.get():
        raise ConfigurationError(
            f"the handler demands {requirement}, and no plugin has checked it. Add GuardPlugin(guard) to the application."
        )


def _parts(requirement: Requirement) -> frozenset[Requirement]:
    return frozenset(AllOf((requirement,)).parts)


def checking(guard: Guard) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
    """Return what checks the demand of the handler that is chosen, before its function, its dependencies and the response cache.

    Args:
        guard: of the plugin. Litestar copies what it holds, but for functions: a copy of the guard would be another one.
    """

    async def check(connection: Connection, handler: BaseRouteHandler) -> None:
        _check_decided(connection, guard)
        demanded = demand_of(views_of(handler))
        _MET.set(frozenset())
        if demanded is not None:
            await require(demanded, connection, handler)

    return check


def _check_decided(connection: Connection, guard: Guard) -> None:
    exchange = cast("Scope", connection.scope).get(KEY)
    # Another guard around the application decides by other rules.
    if exchange is None or exchange.guard is not guard:
        raise ConfigurationError(_CHANGED)


async def require(requirement: Requirement, connection: Connection, _handler: BaseRouteHandler) -> None:
    """Refuse a connection whose caller does not meet a requirement.

    Args:
        requirement: what a handler, or a layer above it, demands.
        connection: the connection.
    """
    parts, met = _parts(requirement), _MET.get()
    if parts <= met:
        return
    scope = cast("Scope", connection.scope)
    exchange = exchange_of(scope, requirement)
    if await exchange.aauthorize(requirement) is not None:
        refuse(scope, exchange)
    tell(scope, exchange.decision)
    _MET.set(met | parts)


__all__ = ["checked", "checking", "require"]
