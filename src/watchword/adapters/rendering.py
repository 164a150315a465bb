"""Lets a framework render the refusals of an ASGI connection: error handlers replace the content, a CORS layer adds its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.adapters.answering import Answering, refuse_handshake
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.scope import without_content
from watchword.decision import Answered, Hidden, Malformed
from watchword.guard.exchange import KEY
from watchword.guard.outcome import Imitate

if TYPE_CHECKING:
    from watchword.adapters.asgi import ASGIApp
    from watchword.adapters.scope import Message, Receive, Scope, Send
    from watchword.guard import Guard
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Outcome

OUTCOME: Final = "watchword.outcome"
"""The key of the outcome in the scope of a request that a rule refuses. The adapter raises the refusal."""
RAISED: Final = "watchword.raised"
"""The key by which the adapter says in that scope that it raises the refusal. The content is the application's then."""


class RenderingMiddleware(GuardMiddleware):
    """Puts a guard in front of an application that renders the refusals itself.

    The status and the fields of a refusal stand, whatever the application makes of it.

    Args:
        app: the application.
        guard: decides.
        mount: as in `GuardMiddleware`.
        renders: renders the refusals, where `OUTCOME` is in the scope, and runs no view then; None: the application. It is less than the
            application where middlewares were put around that, which may serve other applications beside it.
    """

    renders = True

    def __init__(self, app: ASGIApp, guard: Guard, *, mount: str | None = None, renders: ASGIApp | None = None) -> None:
        super().__init__(app, guard, mount=mount, views=True)
        self._render = renders or app

    async def _turn_away(self, exchange: Exchange, outcome: Outcome, scope: Scope, receive: Receive, send: Send) -> None:
        # A document of the guard is no refusal that could be rendered, and what is malformed would confuse the application too. What is
        # hidden and has no 404 to imitate, because the caller may ask for no other path, must not look as the application renders it.
        if isinstance(outcome, Imitate) or isinstance(exchange.decision, Answered | Malformed | Hidden):
            await self._refuse(exchange, outcome, scope, receive, send)
            return
        if scope["type"] == "websocket":
            # Nothing renders a handshake. The test client of Quart sends no `websocket.connect` that could be waited for.
            await refuse_handshake(scope, send, exchange.refusal)
            return
        child = self._placing.child(scope)
        child[KEY], child[OUTCOME] = exchange, outcome
        # Without the content: a framework would collect it while its error handlers run.
        await self._render(child, without_content(receive), _Rendered(scope, send, exchange, child))

    def _move(self, child: Scope, imitate: Imitate) -> None:
        if imitate.is_preflight:
            child[OUTCOME] = imitate  # the adapter knows for which paths no view runs
        else:
            super()._move(child, imitate)


class _Rendered(Answering):
    """Sends what an application makes of a refusal, if its adapter has raised that; else the refusal as it is.

    Args:
        scope: of the connection.
        send: of the connection.
        exchange: the request.
        child: the scope of the application.
    """

    __slots__ = ("_child",)

    def __init__(self, scope: Scope, send: Send, exchange: Exchange, child: Scope) -> None:
        super().__init__(scope, send, exchange)
        self._child = child

    async def __call__(self, message: Message) -> None:
        if message["type"] != "http.response.start" or RAISED in self._child:
            await super().__call__(message)
            return
        self._drops = True
        refusal = self._exchange.refusal
        await self._send({"type": "http.response.start", "status": refusal.status, "headers": refusal.octets})
        await self._send({"type": "http.response.body", "body": refusal.body, "more_body": False})


__all__ = ["OUTCOME", "RAISED", "RenderingMiddleware"]
