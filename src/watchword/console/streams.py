"""Sends streams of events (HTML Standard §9.2): a number for each change, to few pages at a time, and never for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.clock import ticks

if TYPE_CHECKING:
    from anyio import CancelScope

    from watchword.adapters.asgi import Receive, Send
    from watchword.authorization.requirement import Requirement
    from watchword.console.observed import Observed
    from watchword.guard.exchange import Exchange

MOST: Final = 32  # streams: each is a connection and a task, and a page without one asks again by itself
EVERY: Final = 1.0  # seconds between two looks at what is new, and at whether the caller may still see it
# Seconds: a browser connects again by itself, with a decision of its own. Servers wait at their end for what is open.
LONGEST: Final = 30.0

_FIELDS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-accel-buffering", b"no"),  # nginx would keep the events until there are some kilobytes
]


class Streams:
    """The streams of one application.

    Args:
        observed: what a page shows.
    """

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self.open: int = 0
        """How many there are; changed on the event loop alone."""

    async def serve(self, exchange: Exchange, requirement: Requirement, receive: Receive, send: Send) -> None:
        """Send one stream, until the client has gone, the caller may not see the page any more, or the time is over.

        Args:
            exchange: of the request, which was let in.
            requirement: what the caller needs all the time.
            receive: of the connection.
            send: of the connection.
        """
        if self.open >= MOST:
            # Not 200, so that the browser does not try again, and the page asks by itself (HTML Standard §9.2.3).
            await send({"type": "http.response.start", "status": 503, "headers": [(b"retry-after", b"30"), *_FIELDS[1:]]})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        from anyio import create_task_group

        self.open += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _FIELDS})
            async with create_task_group() as tasks:
                tasks.start_soon(_wait_until_gone, receive, tasks.cancel_scope)
                await self._send_changes(exchange, requirement, send)
                tasks.cancel_scope.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.open -= 1

    async def _send_changes(self, exchange: Exchange, requirement: Requirement, send: Send) -> None:
        from anyio import sleep

        ends, sent = ticks() + LONGEST, self._observed.revision
        lines = b"retry: 2000\n\n"
        while True:
            # Only a number: no text of a client is ever in a line.
            await send({"type": "http.response.body", "body": lines, "more_body": True})
            lines = b""
            while not lines:
                await sleep(EVERY)
                if ticks() > ends or await exchange.aauthorize(requirement) is not None:
                    return
                if self._observed.revision != sent:
                    sent = self._observed.revision
                    lines = b"id: %d\ndata: %d\n\n" % (sent, sent)


async def _wait_until_gone(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


__all__ = ["EVERY", "LONGEST", "MOST", "Streams"]
