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
        send: of the connection.
        exchange: the request.
    """

    __slots__ = ("_exchange", "_send", "_started", "imitates")

    def __init__(self, send: Send, exchange: Exchange) -> None:
        self._send = send
        self._exchange = exchange
        self._started = False
        self.imitates: bool = False

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        if self.imitates:
            return  # the application's own 404 takes the place of what a hidden view says
        kind = message["type"]
        if self._started or kind not in _STARTS:
            await self._send(message)
            return
        self._started = True
        exchange = self._exchange
        if kind == "http.response.start" and isinstance(exchange.decision, Hidden):
            self.imitates = True
            return
        if kind == "websocket.accept" and not exchange.decision.granted:
            raise RuntimeError(f"the view is refused ({exchange.decision.reason}), so the handshake must not be accepted")
        exchange.conclude()
        if kind != "websocket.close" and exchange.changes_response:
            status, headers = exchange.response_start(message.get("status", 101), as_text(message.get("headers", ())))
            message = {**message, "headers": as_octets(headers)}
            if "status" in message:
                message["status"] = status
        await self._send(message)
        if kind != "http.response.start":
            await exchange.afinish()


async def advise(send: Send, advice: CacheAdvice, message: Message) -> None:
    """Send one message of a response, with what it says to caches.

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
    await send(message)


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
        """Whether the application was stopped, because it went on with what nobody reads."""
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
            await self._send({"type": "http.response.body", "body": b""})
        else:
            await self._send({**message, "headers": as_octets(fields)})

    async def end(self) -> None:
        """Answer, if the application has not."""
        if self._accepted is None:
            self._accepted = False
            await self._refuse()


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
        await send({"type": "http.response.body", "body": refusal.body})
        return
    message = await receive()
    if message["type"] != "websocket.connect":
        return
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
