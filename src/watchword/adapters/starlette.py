"""Checks the requirements of Starlette's views: functions, endpoint classes and WebSockets.

The guard stands around the application: `app.add_middleware(GuardMiddleware, guard=guard)` of `watchword.adapters.asgi`. Starlette's own
`request.user`, `request.auth` and `@requires` work with it too.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction, signature
from typing import TYPE_CHECKING, Any, TypeVar, cast

from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket

from watchword.adapters.answering import respond
from watchword.adapters.marks import exchange_of, mark, mark_checked
from watchword.adapters.scope import tell
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from watchword.adapters.scope import Scope
    from watchword.authorization import Requirement
    from watchword.refusal import Refusal

V = TypeVar("V", bound="Callable[..., Any]")


def requires(requirement: Requirement) -> Callable[[V], V]:
    """Demand something of the callers of a view, beside the rule of its path.

    Args:
        requirement: what the view demands, such as `role("admin")`.

    Returns:
        The decorator: for a function with an argument `request` or `websocket`, or for a subclass of `HTTPEndpoint` or
        `WebSocketEndpoint`. A function without `async` runs in a worker thread, as Starlette runs it.

    Raises:
        ConfigurationError: it is not a requirement, it is `public`, or the view cannot be checked. When a request comes: no guard stands in
            front of the view.
    """

    def marked(view: V) -> V:
        mark(view, requirement)
        if isinstance(view, type) and issubclass(view, (HTTPEndpoint, WebSocketEndpoint)):
            _check_class(view, requirement)
            return view
        return cast("V", _checked(view, requirement))

    return marked


async def refusal_of(scope: Scope, requirement: Requirement) -> Refusal | None:
    """Return the refusal to send in place of a view; None: it may run, and the scope says for whom.

    Args:
        scope: of the connection.
        requirement: what the view demands.

    Raises:
        ConfigurationError: no guard stands in front of the view.
    """
    exchange = exchange_of(scope, requirement)
    refusal = await exchange.aauthorize(requirement)
    if refusal is None:
        tell(scope, exchange.decision)
    return refusal


def response_of(refusal: Refusal) -> Response:
    """Return a refusal as a response of Starlette.

    Args:
        refusal: what to send.
    """
    response = Response(refusal.body, refusal.status)
    # Not as a mapping: a response has a WWW-Authenticate field for each scheme.
    response.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in refusal.headers]
    return response


def _checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    name = getattr(view, "__qualname__", repr(view))
    if not callable(view) or signature(view).parameters.keys().isdisjoint({"request", "websocket"}):
        raise ConfigurationError(f"requires(...) needs a view with an argument request or websocket, got {name}. Add the argument.")
    waits = iscoroutinefunction(view) or iscoroutinefunction(getattr(view, "__call__", None))  # noqa: B004 - the method is looked at

    @wraps(view)
    async def checked(*args: object, **kwargs: object) -> object:
        connection = next((one for one in (*args, *kwargs.values()) if isinstance(one, HTTPConnection)), None)
        if connection is None:
            raise TypeError(f"{name}() was called without the request that it needs")
        refusal = await refusal_of(connection.scope, requirement)
        if refusal is None:
            return await view(*args, **kwargs) if waits else await run_in_threadpool(view, *args, **kwargs)
        if isinstance(connection, WebSocket):
            await respond(connection.scope, connection.receive, connection.send, refusal)
            return None
        return response_of(refusal)

    mark_checked(checked)
    return checked


def _check_class(view: type[HTTPEndpoint | WebSocketEndpoint], requirement: Requirement) -> None:
    """Check before each call of an endpoint class, in place: the class may be in a route already."""
    # Not `dispatch`: a subclass may replace it.
    serve = cast("Callable[[HTTPEndpoint | WebSocketEndpoint], Generator[Any, None, None]]", view.__await__)

    @wraps(serve)
    def checked(self: HTTPEndpoint | WebSocketEndpoint) -> Generator[Any, None, None]:
        refusal = yield from refusal_of(self.scope, requirement).__await__()
        if refusal is None:
            yield from serve(self)
        else:
            yield from respond(self.scope, self.receive, self.send, refusal).__await__()

    view.__await__ = checked  # type: ignore[method-assign]


__all__ = ["refusal_of", "requires", "response_of"]
