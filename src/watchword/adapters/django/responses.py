"""Turns refusals into responses of Django, and adds to the project's responses what the guard has to say."""

from __future__ import annotations

from asyncio import get_running_loop
from functools import partial
from typing import TYPE_CHECKING

from asgiref.sync import async_to_sync
from django.http import HttpResponse

from watchword.adapters.django.accounts import in_thread_of_request
from watchword.adapters.django.error_pages import handler_of, styled
from watchword.adapters.django.fields import fields_of, put_fields
from watchword.guard.outcome import Imitate

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable

    from django.http import HttpRequest

    from watchword.adapters.django.error_pages import Handler
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Outcome

_ENDING: set[Task[None]] = set()  # an event loop keeps no reference to its tasks


def refusal_of(request: HttpRequest, exchange: Exchange) -> HttpResponse:
    """Return the refusal of the decision that stands; this may block.

    People see the page of the project's own `handler403` or `403.html`, if it has one; `answer` keeps the status and the fields of the
    refusal.
    """
    handler = handler_of(request, exchange)
    return _plain(exchange) if handler is None else _styled(handler, request, exchange)


async def arefusal_of(request: HttpRequest, exchange: Exchange) -> HttpResponse:
    """Do as `refusal_of` does, without blocking the event loop."""
    handler = handler_of(request, exchange)
    return _plain(exchange) if handler is None else await in_thread_of_request(partial(_styled, handler, request, exchange))


def _plain(exchange: Exchange) -> HttpResponse:
    refusal = exchange.refusal
    response = HttpResponse(refusal.body, status=refusal.status, reason=refusal.reason_phrase)
    put_fields(response, refusal.headers)
    return response


def _styled(handler: Handler, request: HttpRequest, exchange: Exchange) -> HttpResponse:
    return styled(handler, request, exchange) or _plain(exchange)


def answer(response: HttpResponse, exchange: Exchange, outcome: Outcome, *, private: bool) -> HttpResponse:
    """Return what goes out.

    Args:
        response: of the project, or the refusal.
        exchange: the request.
        outcome: what the project was asked.
        private: whether a cache of Django stands further out. It stores responses to requests with `Authorization`, which other shared
            caches do not (RFC 9111 §3.5), so those of a known caller say `private`.
    """
    if private and exchange.principal.is_authenticated:
        response.setdefault("Cache-Control", "private")
    if isinstance(outcome, Imitate):
        return _imitated(response, exchange, outcome)
    status, fields = exchange.response_start(response.status_code, fields_of(response))
    if status != response.status_code:
        response.status_code, response.reason_phrase = status, exchange.refusal.reason_phrase
    put_fields(response, fields)
    return response


def _imitated(response: HttpResponse, exchange: Exchange, outcome: Imitate) -> HttpResponse:
    """Return what the project answers for another path, if the outcome accepts that; else the refusal."""
    accepted = outcome.accept(response.status_code, fields_of(response))
    if accepted is None or outcome.is_preflight:
        response.close()
        response = _plain(exchange) if accepted is None else HttpResponse(status=response.status_code)
    if accepted is not None:
        put_fields(response, accepted)
    return response


def when_closed(response: HttpResponse, exchange: Exchange, finish: Callable[[], object]) -> HttpResponse:
    """Return a response that ends the exchange when the server has sent it."""
    if exchange.is_open:
        response.close = partial(_close, response.close, finish)
    return response


def _close(close: Callable[[], object], finish: Callable[[], object]) -> None:
    try:
        finish()  # before Django takes care of its database connections
    finally:
        close()


def finish_awaited(exchange: Exchange) -> None:
    """End an exchange that needs an event loop, from where Django closes a response: a thread."""
    try:
        loop = get_running_loop()
    except RuntimeError:
        async_to_sync(exchange.afinish)()
        return
    # Django's AsyncClient closes a stream on the loop.
    task = loop.create_task(exchange.afinish())
    _ENDING.add(task)
    task.add_done_callback(_ENDING.discard)


__all__ = ["answer", "arefusal_of", "finish_awaited", "refusal_of", "when_closed"]
