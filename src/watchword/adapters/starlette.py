"""Checks the requirements of Starlette's views: functions, endpoint classes and WebSockets.

The guard stands around the application: `app.add_middleware(GuardMiddleware, guard=guard)` of `watchword.adapters.asgi`. Starlette's own
`request.user`, `request.auth` and `@requires` work with it too.
"""

from __future__ import annotations

from functools import partial, wraps
from inspect import iscoroutinefunction, signature
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import HTTPConnection, Request
from starlette.websockets import WebSocket

from watchword.adapters.answering import respond
from watchword.adapters.marks import exchange_of, mark_checked, name_of
from watchword.adapters.refused import Refused, handles_exceptions, raise_refused, response_of
from watchword.adapters.requiring import V, check_awaited, request_in, requiring
from watchword.adapters.scope import tell
from watchword.adapters.starlette_backends import Backend
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from watchword.adapters.scope import Scope
    from watchword.authorization import Requirement
    from watchword.refusal import Refusal

_KINDS: Final = {"HTTPEndpoint": HTTPEndpoint, "WebSocketEndpoint": WebSocketEndpoint}
_ARGUMENTS: Final = frozenset({"request", "websocket"})
_CONNECTIONS: Final = frozenset({Request, WebSocket})
_ADDS: Final = 2  # references that a route holds: to its view, and that of what it calls


def requires(requirement: Requirement) -> Callable[[V], V]:
    """Demand something of the callers of a view, beside the rule of its path.

    Args:
        requirement: what the view demands, such as `role("admin")`.

    Returns:
        The decorator: for a function with an argument `request` or `websocket`, or for a subclass of `HTTPEndpoint` or
        `WebSocketEndpoint`. A function without `async` runs in a worker thread, as Starlette runs it.

    Raises:
        ConfigurationError: it is not a requirement, it is `public`, or the view cannot be checked: a route has the function already. When a
            request comes: no guard stands in front of the view.
    """
    return requiring(requirement, _checked, _KINDS, _check_class, adds=_ADDS)


async def refusal_of(scope: Scope, requirement: Requirement) -> Refusal | None:
    """Return the refusal to send in place of a view; None: it may run, and the scope says for whom.

    Raises:
        ConfigurationError: no guard stands in front of the view.
    """
    exchange = exchange_of(scope, requirement)
    refusal = await exchange.aauthorize(requirement)
    if refusal is None:
        tell(scope, exchange.decision)
    return refusal


def lets_run(scope: Scope, requirement: Requirement) -> bool:
    """Tell whether a view may run, where that takes no step. As `refusal_of`, which costs as much again for what it awaits."""
    exchange = exchange_of(scope, requirement)
    if not exchange.lets_run(requirement):
        return False
    tell(scope, exchange.decision)
    return True


def _checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    serve = _awaited(view)

    @wraps(view)
    async def checked(*args: Any, **kwargs: object) -> object:  # noqa: ANN401 - of any view
        # Nearly always the first: `request_in` looks at the abstract classes of a mapping.
        connection = args[0] if args and type(args[0]) in _CONNECTIONS else request_in(view, (*args, *kwargs.values()), HTTPConnection)
        refusal = None if lets_run(connection.scope, requirement) else await refusal_of(connection.scope, requirement)
        return await serve(*args, **kwargs) if refusal is None else await _refuse(connection, refusal)

    mark_checked(checked)
    return checked


def _awaited(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view as a function that is awaited.

    Raises:
        ConfigurationError: it is not a view with an argument for the request.
    """
    if signature(view).parameters.keys().isdisjoint(_ARGUMENTS):
        raise ConfigurationError(
            f"requires(...) needs a view with an argument request or websocket, got {name_of(view)}. Add the argument."
        )
    waits = iscoroutinefunction(view) or iscoroutinefunction(getattr(view, "__call__", None))  # noqa: B004 - the method is looked at
    return view if waits else partial(run_in_threadpool, view)


async def _refuse(served: Any, refusal: Refusal) -> Response | None:  # noqa: ANN401 - a request, a WebSocket or an endpoint
    """Refuse a connection; return the response where a router alone sends it, without an application that handles exceptions."""
    if handles_exceptions(served.scope):
        raise_refused(served.scope, refusal)
    if isinstance(served, HTTPConnection) and not isinstance(served, WebSocket):
        return response_of(refusal)
    await respond(served.scope, served.receive, served.send, refusal)
    return None


def _check_class(view: Any, requirement: Requirement) -> None:  # noqa: ANN401 - a class of Starlette, or derived from one
    async def check(endpoint: Any) -> bool:  # noqa: ANN401 - one of its objects
        refusal = await refusal_of(endpoint.scope, requirement)
        if refusal is not None:
            await _refuse(endpoint, refusal)
        return refusal is None

    check_awaited(view, check)


__all__ = ["Backend", "Refused", "lets_run", "refusal_of", "requires"]
