"""Answers in place of an ASGI application where a request is refused or its view is hidden."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from watchword.adapters.answering import Apart, Imitating, respond
from watchword.adapters.scope import forward, move, tell
from watchword.errors import ConfigurationError
from watchword.guard.exchange import KEY
from watchword.guard.outcome import Imitate, Pass
from watchword.observe.log import log_failure

if TYPE_CHECKING:
    from watchword.adapters.asgi import ASGIApp
    from watchword.adapters.placing import Placing
    from watchword.adapters.scope import Receive, Scope, Send
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Outcome


class Refusing:
    """The part of a middleware that answers for what is refused."""

    app: ASGIApp
    """The application."""
    _placing: Placing

    async def _hide(self, exchange: Exchange, scope: Scope, send: Send) -> None:
        """Answer for a view that is hidden."""
        apart = Apart(send)
        try:
            await self._refuse(exchange, exchange.outcome(), scope, apart.receive, apart.send)
        finally:
            await apart.end()

    async def _turn_away(self, exchange: Exchange, outcome: Outcome, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that a rule refuses."""
        await self._refuse(exchange, outcome, scope, receive, send)

    async def _refuse(self, exchange: Exchange, outcome: Outcome, scope: Scope, receive: Receive, send: Send) -> None:
        while isinstance(outcome, Imitate):
            if not self._placing.is_routed(scope):
                await self._imitate(exchange, outcome, scope, receive, send)
                return
            # A middleware of a route, or of Litestar: the handler of the real path would run, whatever the path.
            outcome = outcome.otherwise
        if not isinstance(outcome, Pass):
            await respond(scope, receive, send, outcome.refusal)

    def _move(self, child: Scope, imitate: Imitate) -> None:
        move(child, imitate)

    async def _imitate(self, exchange: Exchange, imitate: Imitate, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer for a path at which it has nothing, so that no handler runs that is kept from this caller."""
        child = self._placing.child(scope)
        tell(child, imitate.told)
        if exchange.views:
            child[KEY] = exchange.beside(imitate.told)
        self._move(child, imitate)
        answers = Imitating(send, imitate, partial(self._refuse, exchange, imitate.otherwise, scope, receive, send))
        try:
            await self.app(child, forward(child, receive, imitate.forwarding), answers)
        except ConfigurationError:
            raise
        except Exception as error:
            if not answers.is_stopped:
                if not imitate.is_preflight:
                    raise
                log_failure("the application failed on a preflight", error)
        await answers.end()


__all__ = ["Refusing"]
