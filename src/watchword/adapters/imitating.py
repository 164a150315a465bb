"""Answers WSGI requests that are refused: with the refusal, or with the application's own 404."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.adapters.environ import forward, move, tell
from watchword.adapters.responses import Answer, respond
from watchword.errors import ConfigurationError
from watchword.guard.exchange import KEY
from watchword.guard.outcome import Imitate, Pass
from watchword.observe.log import log_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.adapters.environ import Environ
    from watchword.adapters.responses import StartResponse
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Outcome

    WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]


def refuse(app: WSGIApp, exchange: Exchange, outcome: Outcome, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request that is not passed on.

    Args:
        app: the application, which is asked about another path where the outcome says so.
        exchange: the request and the decision that stands.
        outcome: what to do.
        environ: of the request.
        start_response: of the server.
    """
    if isinstance(outcome, Imitate):
        return _imitate(app, exchange, outcome, environ, start_response)
    return respond(exchange.refusal if isinstance(outcome, Pass) else outcome.refusal, start_response)


def _imitate(app: WSGIApp, exchange: Exchange, imitate: Imitate, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Let the application answer for a path at which it has nothing, so that no handler runs that is kept from this caller."""
    asked = dict(environ)  # a copy: the middlewares around the guard go on with theirs
    tell(asked, imitate.told)
    if exchange.views:
        asked[KEY] = exchange.beside(imitate.told)
    forward(asked, imitate.forwarding)
    move(asked, imitate)
    answer = Answer(imitate)
    try:
        answer.take(app(asked, answer.start))
    except ConfigurationError:
        raise
    except Exception as error:
        if not imitate.is_preflight:
            raise
        log_failure("the application failed on a preflight", error)
    fields = answer.fields
    if fields is None:
        return refuse(app, exchange, imitate.otherwise, environ, start_response)
    start_response(answer.status, fields)
    return [] if imitate.is_preflight else answer.parts


__all__ = ["refuse"]
