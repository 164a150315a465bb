"""Sends the answers of an ASGI connection: those of the application, with what the guard adds, and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.adapters.scope import as_octets, as_text
from watchword.decision import Hidden
from watchword.guard.preflight import MOST_PARTS
from watchword.refusal import grant_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from watchword.adapters.scope import Message, Receive, Scope, Send
    from watchword.decision import CacheAdvice
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Imitate
    from watchword.refusal import Refusal

_SWITCHING = 101
_POLICY_VIOLATION = 1008  # RFC 6455 §7.4.1; before accept, servers turn any close into 403
# What advice adds most often, as `grant_headers` does.
_CACHE_CONTROL: Final[dict[str | None, tuple[bytes, bytes]]] = {
    value: (b"cache-control", value.encode()) for value in ("private", "no-store")
}
_STARTS: Final = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start", "websocket.close"})


class Answering:
    """Sends the messages of an application: the first one ends the exchange for a handshake, and says what the guard adds to the response.

    Not when a WebSocket ends: that may be days later, and a password may be bound to what is left to do.

    Args:
        scope: of the connection.
        send: of the connection.
        exchange: the request.
        hide: answers in place of the application, where a view is hidden.
    """

    __slots__ = ("_drops", "_exchange", "_hide", "_hides", "_scope", "_send", "_started")

    def __init__(self, scope: Scope, send: Send, exchange: Exchange, hide: Callable[[], Awaitable[None]] | None = None) -> None:
        self._scope = scope
        self._send = send
        self._exchange = exchange
        self._hide = hide
        self._hides = False
        self._started = False
        self._drops = False

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        kind = message["type"]
        if self._drops:
            # Something else was sent, or is sent now, in place of the application's response. Now, and not when the application ends:
            # Quart 0.23 ends when the server tells it that the response is complete.
            if kind == "http.response.body" and not message.get("more_body", False):
                await self.end()
            return
        if self._started or kind not in _STARTS:
            await self._send(message)
            return
        self._started = True
        exchange = self._exchange
        if kind == "http.response.start" and isinstance(exchange.decision, Hidden):
            self._hides = self._drops = True  # the application's own 404 takes the place of what a hidden view says
            return
        if kind != "http.response.start" and not exchange.decision.granted:
            await self._refuse_handshake(kind)
            return
        exchange.conclude()
        status = message.get("status", _SWITCHING)
        if kind != "websocket.close" and not exchange.leaves(status):
            status, headers = exchange.response_start(status, as_text(message.get("headers", ())))
            message = {**message, "headers": as_octets(headers)}
            if "status" in message:
                message["status"] = status
        await self._send(message)
        if kind != "http.response.start":
            await exchange.afinish()

    async def end(self) -> None:
        """Answer in place of a view that is hidden, if that has not happened."""
        if self._hides and self._hide is not None:
            self._hides = False
            await self._hide()

    async def _refuse_handshake(self, kind: str) -> None:
        """Refuse a handshake whatever the framework makes of the refusal, as a close with a code of its own that tells no challenge."""
        if kind == "websocket.accept":
            raise RuntimeError(f"the view is refused ({self._exchange.decision.reason}), so the handshake must not be accepted")
        self._drops = True
        self._exchange.conclude()
        await refuse_handshake(self._scope, self._send, self._exchange.refusal)
        await self._exchange.afinish()


class Apart:
    """The connection of a response that is made while another one is: without content, and without the messages of the server.

    Servers hand each message over once, and the application may wait for one in the request that is answered. The last message goes out
    when the application has ended: Django cancels what it does in the other request as soon as the response is complete.

    Args:
        send: of the connection.
    """

    __slots__ = ("_begun", "_complete", "_last", "_send")

    def __init__(self, send: Send) -> None:
        from anyio import Event  # with the first view that is hidden

        self._send = send
        self._begun = False
        self._complete = Event()
        self._last: Message | None = None

    async def receive(self) -> Message:
        """Return an empty content, and then the end of the connection, once the response is complete."""
        if not self._begun:
            self._begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send one message, but for the last."""
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._last = message
            self._complete.set()
        else:
            await self._send(message)

    async def end(self) -> None:
        """Send the last message."""
        if self._last is not None:
            await self._send(self._last)


def advise(send: Send, advice: CacheAdvice, message: Message) -> Awaitable[None]:
    """Send one message of a response, with what it says to caches.

    Not a coroutine of its own around that of the server: there are two messages or more in each response.

    Args:
        send: of the connection.
        advice: of the decision, which stands and has no response fields.
        message: of the application.
    """
    if message["type"] == "http.response.start":
        headers = message.get("headers", ())
        if advice.vary or advice.missing or not _says_nothing(headers):
            headers = as_octets(grant_headers(advice, message["status"], as_text(headers)))
        else:
            # As above, because this is what an API key costs each time.
            headers = [*headers, _CACHE_CONTROL[advice.cache_control]]
        message = {**message, "headers": headers}
    return send(message)


def _says_nothing(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether all names are in lower case, and none of them speaks to caches."""
    for name, _ in headers:  # noqa: SIM110 - a generator costs as much as all the rest
        if name == b"cache-control" or not name.islower():
            return False
    return True


class _Stopped(OSError):
    """What `send` raises once the answer has gone out and the application does not end (ASGI 2.4: the client has gone)."""


class Imitating:
    """Sends the answer of an application that was asked for another path, if it is the one that is wanted.

    Args:
        send: of the connection.
        imitate: what was asked.
        refuse: answers in place of the application.
    """

    __slots__ = ("_accepted", "_dropped", "_imitate", "_refuse", "_send")

    def __init__(self, send: Send, imitate: Imitate, refuse: Callable[[], Awaitable[None]]) -> None:
        self._send = send
        self._imitate = imitate
        self._refuse = refuse
        self._accepted: bool | None = None
        self._dropped = 0

    @property
    def is_stopped(self) -> bool:
        """Whether the application was stopped, because it went on after the answer."""
        return self._dropped > MOST_PARTS

    async def __call__(self, message: Message) -> None:
        """Take one message of the application."""
        whole = not self._imitate.is_preflight
        if self._accepted is None:
            if message["type"] == "http.response.start":
                await self._start(message)
        elif self._accepted and whole:
            await self._send(message)
        else:
            self._dropped += 1
            if self.is_stopped:
                raise _Stopped("the request is answered")

    async def _start(self, message: Message) -> None:
        fields = self._imitate.accept(message["status"], as_text(message.get("headers", ())))
        self._accepted = fields is not None
        if fields is None:
            # Now, and not when the application ends: that may not be soon.
            await self._refuse()
        elif self._imitate.is_preflight:
            await self._send({"type": message["type"], "status": message["status"], "headers": as_octets(fields)})
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self._send({**message, "headers": as_octets(fields)})

    async def end(self) -> None:
        """Answer, if the application has not."""
        if self._accepted is None:
            self._accepted = False
            await self._refuse()


async def fail_startup(receive: Receive, send: Send, error: Exception) -> None:
    """Tell a server that the application cannot start (ASGI, lifespan protocol)."""
    await receive()  # the start
    await send({"type": "lifespan.startup.failed", "message": str(error)})


async def respond(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Send a refusal. A handshake is refused in HTTP where the server can, else by closing before accept; it is never accepted first (D56).

    Args:
        scope: of the connection.
        receive: of the connection, from which nothing was read if it is a websocket.
        send: of the connection.
        refusal: what to send.
    """
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": refusal.status, "headers": refusal.octets})
        # The test client of Quart 0.23 reads more_body, which has a default (ASGI, HTTP Response Body).
        await send({"type": "http.response.body", "body": refusal.body, "more_body": False})
        return
    message = await receive()
    if message["type"] == "websocket.connect":
        await refuse_handshake(scope, send, refusal)


async def refuse_handshake(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Send the refusal of a handshake, as `respond` does."""
    extensions = scope.get("extensions") or {}
    if "websocket.http.response" in extensions:
        # The worker of granian 2.8.7 panics where a field name repeats in this response (`key.unwrap()` in its src/ws.rs): anybody
        # could end it with one handshake. It alone has `pathsend`; it gets the challenges in one line (RFC 9110 §11.6.1).
        headers = _merged(refusal.octets) if "http.response.pathsend" in extensions else refusal.octets
        await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": refusal.body})
    else:
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})


def _merged(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the fields with repeated ones joined (RFC 9110 §5.3)."""
    merged: dict[bytes, bytes] = {}
    for name, value in headers:
        merged[name] = b"%b, %b" % (merged[name], value) if name in merged else value
    return [*merged.items()]
