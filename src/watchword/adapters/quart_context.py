"""Finds the request or the WebSocket that a Quart application serves."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

from quart import has_request_context, has_websocket_context, request, websocket

from watchword.adapters.pallets import this

if TYPE_CHECKING:
    from quart.wrappers.base import BaseRequestWebsocket

    from watchword.adapters.scope import Scope

# A WebSocket may be served within the context of a request, and a request within that of a WebSocket: which of them is the inner one.
_INNERMOST: ContextVar[BaseRequestWebsocket | None] = ContextVar("watchword.innermost", default=None)


def is_serving() -> bool:
    """Tell whether there is one."""
    return has_request_context() or has_websocket_context()


def connection() -> BaseRequestWebsocket:
    """Return it."""
    known = [this(one) for one, is_there in ((request, has_request_context()), (websocket, has_websocket_context())) if is_there]
    innermost = _INNERMOST.get()
    return innermost if innermost in known else known[0]


def enter(asked: BaseRequestWebsocket) -> None:
    """Note that this one is served now; another one may be served around it."""
    _INNERMOST.set(asked)


def scope_of(asked: BaseRequestWebsocket) -> Scope:
    """Return its scope, which is also that of the middlewares."""
    return cast("Scope", asked.scope)


__all__ = ["connection", "enter", "is_serving", "scope_of"]
