"""One request, described once (see `wire.py`), through aiohttp's own parser, router and writer: only the socket is imitated."""

from __future__ import annotations

import asyncio
import atexit
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.drive import Answer, Reply, Seen
from tests.support.wire import Request, bearer
from watchword.adapters.aiohttp import guard_middleware, principal_of
from watchword.adapters.aiohttp_responses import watched

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from watchword import Guard


DEADLINE = 10.0  # seconds for the beginning of an answer


class Wire(asyncio.Transport):
    """The server's end of a connection that is none: it keeps what is written.

    Args:
        client: the address of the peer.
        tls: whether the connection is one of TLS.
    """

    def __init__(self, client: str | None = "192.0.2.7", *, tls: bool = False) -> None:
        super().__init__({"peername": None if client is None else (client, 50000), "sslcontext": object() if tls else None})
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += data

    def close(self) -> None:
        """Note that the server has closed the connection."""
        self.closed = True

    def is_closing(self) -> bool:
        """Whether it has."""
        return self.closed

    def pause_reading(self) -> None:
        """All is there already."""

    def resume_reading(self) -> None:
        """All is there already."""


@cache
def runner() -> asyncio.Runner:
    """One event loop for all drivers of a process."""
    made = asyncio.Runner()
    atexit.register(made.close)
    return made


def run(steps: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in that loop."""
    return runner().run(steps)


async def exchanged(app: web.Application, sent: bytes, wire: Wire | None = None, *, turns: int = 60) -> Wire:
    """Send octets to an application on one connection, and return what was written when the server waits for more.

    Args:
        app: the application; it is started by the first call.
        sent: whole requests, or parts of them.
        wire: the connection; None: a new one.
        turns: how often the loop turns without a further octet before the answer of a WebSocket counts as complete.
    """
    wire = wire or Wire()
    loop = asyncio.get_running_loop()
    if not app.frozen:
        app._set_loop(loop)
        app.freeze()
        await app.startup()
    # Its own bounds are lower than those of the guard, and not what is tested.
    protocol = app._make_handler(loop=loop, access_log=None, max_line_size=2**20, max_field_size=2**20, max_headers=10_000)()
    protocol.connection_made(wire)
    protocol.data_received(sent)
    still, before, end = 0, 0, loop.time() + DEADLINE
    while not wire.closed and (protocol._waiter is None or protocol._messages) and still < turns and loop.time() < end:
        await asyncio.sleep(0)
        still, before = (still + 1 if before else 0, len(wire.written)) if len(wire.written) == before else (0, len(wire.written))
    protocol.connection_lost(None)
    await asyncio.sleep(0)
    return wire


def octets(request: Request) -> bytes:
    """Return a request as a client sends it; content in parts comes in chunks."""
    fields, body = [*request.fields], request.content
    if all(name.lower() != "host" for name, _ in fields):
        fields.insert(0, ("Host", "localhost"))
    if isinstance(request.body, tuple):
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*filter(None, request.body), b""))
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def parsed(written: bytes, seen: Seen | None = None, *, head: bool = False) -> Answer:
    """Return the one response in what a server has written."""
    start, _, body = written.partition(b"\r\n\r\n")
    first, *lines = start.decode("latin-1").split("\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    if ("transfer-encoding", "chunked") in headers:
        whole = b""
        while body and not head:
            size, _, body = body.partition(b"\r\n")
            whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
        body = whole
    return Answer(int(first.split()[1]), headers, body, seen)


class ByAiohttp:
    """Through the middleware for aiohttp; with the signature of the other drivers.

    Args:
        guard: decides.
        reply: what the application answers.
        app: an application of one's own, with the middleware in it.
    """

    def __init__(self, guard: Guard, reply: Reply | None = None, *, app: web.Application | None = None) -> None:
        self._reply = reply or Reply()
        self._seen: Seen | None = None
        self.app = app
        if app is None:
            self.app = web.Application(middlewares=[guard_middleware(guard)])
            self.app.router.add_route("*", "/{path:.*}", self._serve)

    def __call__(self, request: Request) -> Answer:
        """Send a request."""
        answer: Answer = run(self.awaited(request))
        return answer

    async def awaited(self, request: Request) -> Answer:
        """Send a request from within an event loop."""
        self._seen = None
        assert self.app is not None
        wire = await exchanged(self.app, octets(request), Wire(request.client, tls=request.scheme == "https"))
        return parsed(bytes(wire.written), self._seen, head=request.method == "HEAD")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        joined: dict[str, str] = {}
        for name, value in request.raw_headers:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            joined[key] = f"{joined[key]},{text}" if key in joined else text
        decision = watched(request)[-1].exchange.decision
        self._seen = Seen(
            principal_of(request), decision, request.method, request.path, request.query_string,
            sorted(joined.items()), await request.read(), request.scheme,
        )  # fmt: skip
        return web.Response(status=self._reply.status, headers=self._reply.headers, body=self._reply.body)


def send(app: web.Application, target: str, token: str = "", *fields: tuple[str, str], method: str = "GET", body: bytes = b"") -> Answer:
    """Send one request to an application, and return the answer.

    Args:
        app: the application.
        target: as sent.
        token: a bearer token; empty: no credentials.
        fields: further header fields.
        method: as sent.
        body: the content.
    """
    sent = (*([bearer(token)] if token else []), *fields)
    wire = run(exchanged(app, octets(Request(method=method, target=target, headers=sent, body=body))))
    return parsed(bytes(wire.written), head=method == "HEAD")
