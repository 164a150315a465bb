"""Serves the console by WSGI. A page asks again by itself: a stream of events would hold a thread of the server for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.adapters.environ import read_ahead
from watchword.adapters.responses import respond
from watchword.adapters.wsgi import Environ, GuardMiddleware, StartResponse, WSGIApp
from watchword.console.console import Page, fields_of
from watchword.console.messages import MAX_FORM, Response
from watchword.content import ContentInPieces
from watchword.guard.exchange import KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.console.console import Console
    from watchword.guard.exchange import Exchange


def mounted(console: Console, mount: str | None) -> WSGIApp:
    """Return the console behind its guard.

    Args:
        console: the console.
        mount: as in `GuardMiddleware`.
    """

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        exchange: Exchange = environ[KEY]
        found = console.find(exchange)
        if isinstance(found, Page):
            refusal = exchange.authorize(found.requirement)
            if refusal is not None:
                return respond(refusal, start_response)
            found = _answer(console, found, exchange, environ)
        content = b"" if exchange.view.method == "HEAD" else found.content
        start_response(f"{found.status} {found.reason_phrase}", fields_of(found, len(content)))
        return [content]

    return GuardMiddleware(application, console.guard, mount=mount, views=True)


def _answer(console: Console, page: Page, exchange: Exchange, environ: Environ) -> Response:
    view, asked = exchange.view, console.asked(exchange, polls=True)
    form: bytes | None = b""
    if view.method == "POST":
        try:
            form = read_ahead(environ, MAX_FORM)
        except ContentInPieces:
            form = None
        refused = console.refuse_form(asked, view, form)
        if refused is not None:
            return refused
    return console.answer(page, asked, view.query, form or b"")


__all__ = ["mounted"]
