"""Checks the requirements of Quart's views, those of WebSockets too."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from quart import current_app, request, request_started, websocket, websocket_started
from quart.views import View

from watchword.adapters.marks import exchange_of
from watchword.adapters.pallets import NAME, demand_of, is_decided, refused, this
from watchword.adapters.quart_context import connection, enter, scope_of
from watchword.adapters.rendering import OUTCOME
from watchword.adapters.requiring import V, requiring
from watchword.adapters.scope import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from quart.wrappers.base import BaseRequestWebsocket

    from watchword.adapters.scope import Scope
    from watchword.authorization import Requirement


def requires(requirement: Requirement) -> Callable[[V], V]:
    """Demand something of the callers of a view, beside the rule of its path. The order of decorators makes no difference.

    Args:
        requirement: what the view demands, such as `role("admin")`.

    Returns:
        The decorator: for a view of requests or of WebSockets, or for a subclass of `quart.views.View`.

    Raises:
        ConfigurationError: it is not a requirement, it is `public`, or the view is a class that Quart does not know as a view. When a
            request comes: no guard stands in front of the view.
    """
    watch()
    return requiring(requirement, _checked, {"quart.views.View": View})


def watch() -> None:
    """Check the mark of the view of each request."""
    # Another decorator may have handed the view to the router before this one: then the mark is all that is left of it.
    request_started.connect(_on_request)
    websocket_started.connect(_on_websocket)


def _checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    """Return a view that checks its caller in every call."""

    @wraps(view)
    async def checked(*args: object, **kwargs: object) -> object:
        await _check(scope_of(connection()), requirement)
        return await current_app.ensure_async(view)(*args, **kwargs)

    return checked


async def _on_request(_app: object, **_: object) -> None:
    await check_mark(this(request))


async def _on_websocket(_app: object, **_: object) -> None:
    await check_mark(this(websocket))


async def check_mark(asked: BaseRequestWebsocket) -> None:
    """Check what the view demands, before it is called."""
    enter(asked)
    requirement, scope = demand_of(current_app, asked), scope_of(asked)
    if requirement is not None and OUTCOME not in scope and (NAME not in current_app.extensions or is_decided(current_app, scope)):
        await _check(scope, requirement)


async def _check(scope: Scope, requirement: Requirement) -> None:
    exchange = exchange_of(scope, requirement)
    if await exchange.aauthorize(requirement) is not None:
        raise refused(current_app, exchange)
    tell(scope, exchange.decision)


__all__ = ["check_mark", "requires", "watch"]
