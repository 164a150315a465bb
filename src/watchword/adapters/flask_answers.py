"""Raises refusals in a Flask application, and adds to its responses what the guard has to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, cast

from flask import current_app, request
from werkzeug.exceptions import NotFound

from watchword.adapters.pallets import NAME, demand_of, put_fields, refused, response_of
from watchword.decision import Answered, Hidden

if TYPE_CHECKING:
    from flask import Response

    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Imitate

DECIDED: Final = "watchword.decided"
"""The name of the exchange in the attributes of Flask's request."""
PREFLIGHT: Final = "watchword.preflight"
"""The key of what a CORS extension is asked, in the environ."""


def refuse(exchange: Exchange) -> NoReturn:
    """Raise the refusal, so that the error handlers of the application may replace its content."""
    if isinstance(exchange.decision, Hidden) and NAME in current_app.extensions:
        # As if the router had found nothing: no blueprint handles the error, and no view is known.
        request.routing_exception = NotFound()
        request.url_rule = request.view_args = None
        raise request.routing_exception
    raise refused(current_app, exchange)


def refused_by_rule(exchange: Exchange) -> Response:
    """Return the document with which the guard answers by itself; or refuse, by challenges that name what the view demands as well."""
    if not isinstance(exchange.decision, Answered):
        demanded = demand_of(current_app, request)
        if demanded is not None:
            exchange.demand(demanded)
        refuse(exchange)
    return cast("Response", response_of(current_app, exchange.refusal))


def answer(response: Response) -> Response:
    """Add what the guard has to say to a response, after all functions of the application."""
    preflight: tuple[Imitate, Exchange] | None = request.environ.get(PREFLIGHT)
    if preflight is not None:
        return _preflight(response, *preflight)
    exchange: Exchange | None = request.__dict__.get(DECIDED)
    if exchange is not None:
        status, headers = exchange.response_start(response.status_code, response.headers.to_wsgi_list())
        response.status_code = status
        put_fields(response, headers)
        response.call_on_close(exchange.finish)
    return response


def _preflight(response: Response, outcome: Imitate, exchange: Exchange) -> Response:
    """Return what the CORS extension answers; or the refusal, where it answers nothing."""
    fields = outcome.accept(response.status_code, response.headers.to_wsgi_list())
    if fields is None:
        return cast("Response", response_of(current_app, exchange.refusal))
    return current_app.response_class(b"", response.status_code, fields)


def end(error: BaseException | None) -> None:
    """End the exchange of a request, or leave that to the end of its response."""
    exchange = request.__dict__.get(DECIDED)
    if exchange is None:
        return
    if error is None:
        exchange.conclude()
    else:
        exchange.finish()  # there may be no response whose end could be waited for


__all__ = ["DECIDED", "PREFLIGHT", "answer", "end", "refuse", "refused_by_rule"]
