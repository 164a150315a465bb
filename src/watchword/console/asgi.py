"""Serves the console by ASGI, on asyncio and trio, with a stream of events."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from watchword.adapters.answering import respond
from watchword.adapters.asgi import ASGIApp, GuardMiddleware, Receive, Scope, Send
from watchword.adapters.scope import Content, as_octets
from watchword.console.console import EVENTS, Page, fields_of
from watchword.console.messages import MAX_FORM, Response
from watchword.console.streams import Streams
from watchword.content import ContentInPieces
from watchword.guard.exchange import KEY
from watchword.operation import in_thread

if TYPE_CHECKING:
    from watchword.console.console import Console
    from watchword.guard.exchange import Exchange


def mounted(console: Console, mount: str | None) -> ASGIApp:
    """Return the console behind its guard.

    Args:
        console: the console.
        mount: as in `GuardMiddleware`.
    """
    streams = Streams(console.observed)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _start_up(receive, send)
            return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # before it is accepted: the server answers 403
            return
        exchange: Exchange = scope[KEY]
        found = console.find(exchange)
        if isinstance(found, Page):
            refusal = await exchange.aauthorize(found.requirement)
            if refusal is not None:
                await respond(scope, receive, send, refusal)
                return
            if exchange.view.path == EVENTS and exchange.view.method == "GET":
                await streams.serve(exchange, found.requirement, receive, send)
                return
            found = await _answer(console, found, exchange, receive)
        content = b"" if exchange.view.method == "HEAD" else found.content
        await send({"type": "http.response.start", "status": found.status, "headers": as_octets(fields_of(found, len(content)))})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    return GuardMiddleware(application, console.guard, mount=mount, views=True)


async def _answer(console: Console, page: Page, exchange: Exchange, receive: Receive) -> Response:
    view, asked = exchange.view, console.asked(exchange)
    form: bytes | None = b""
    if view.method == "POST":
        reading = Content(receive).reader(MAX_FORM).arun
        form = None
        with suppress(ContentInPieces):
            form = None if reading is None else await reading()
        refused = console.refuse_form(asked, view, form)
        if refused is not None:
            return refused
    # A worker thread: a page may ask a store.
    return await in_thread(lambda: console.answer(page, asked, view.query, form or b""))


async def _start_up(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


__all__ = ["mounted"]
