"""A real aiohttp server, and what a client sends that no library would: framing, pipelines, closed connections, handshakes."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from tests.support.servers import DEADLINE, Connection
from watchword import Bearer, Guard, Principal, authenticated, public, role
from watchword.adapters.aiohttp import guard_middleware, principal_of, requires
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEOPLE = {"ann": Principal("ann", roles={"admin"}), "bob": Principal("bob")}
ANN = b"Authorization: Bearer ann\r\n"


@requires(role("admin"))
async def admin(request: web.Request) -> web.Response:
    """Say who it is, and how long the content was."""
    return web.Response(text=f"{principal_of(request).id} {len(await request.read())}", headers={"X-App": "called"})


@requires(role("admin"))
async def echo(request: web.Request) -> web.WebSocketResponse:
    """Answer each message with the caller."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for _ in socket:
        await socket.send_str(principal_of(request).id)
    return socket


async def flow(request: web.Request) -> web.StreamResponse:
    """Send a response in parts."""
    response = web.StreamResponse()
    await response.prepare(request)
    for part in (b"one ", principal_of(request).id.encode()):
        await response.write(part)
    return response


async def _serve(folder: Path, started: threading.Event, told: dict[str, Any]) -> None:
    guard = Guard(Bearer(Tokens(PEOPLE)), rules={"/open": public, "/files/**": authenticated})
    app = web.Application(middlewares=[guard_middleware(guard)])
    app.router.add_route("*", "/admin", admin)
    app.router.add_get("/flow", flow)
    app.router.add_get("/echo", echo)
    app.router.add_static("/files", folder)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    told.update(port=runner.addresses[0][1], loop=asyncio.get_running_loop(), stop=asyncio.Event())
    started.set()
    await told["stop"].wait()
    await runner.cleanup()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the server listens."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "a.txt").write_text("content")
    started, told = threading.Event(), dict[str, Any]()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(folder, started, told)))
    thread.start()
    assert started.wait(DEADLINE)
    yield told["port"]
    told["loop"].call_soon_threadsafe(told["stop"].set)
    thread.join(DEADLINE)


def statuses(port: int, sent: bytes) -> list[int]:
    """Return the statuses of all responses to what is sent on one connection."""
    connection = Connection(port)
    with connection._socket:
        connection.write(sent)
        return connection.statuses()


def asking(target: str, fields: bytes = b"", *, last: bool = True, method: str = "GET", body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    end = b"Connection: close\r\n" if last else b""
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n".encode() + fields + end + b"\r\n" + body


def test_pipelined_requests_are_decided_each_for_itself(port: int) -> None:
    """The credentials of one count for no other, in whatever order."""
    sent = b"".join(asking("/admin", fields, last=False) for fields in (ANN, b"", ANN, b"Authorization: Bearer bob\r\n", b""))
    assert statuses(port, sent + asking("/admin", ANN)) == [200, 401, 200, 403, 401, 200]


def test_the_content_of_a_refused_request_is_no_request(port: int) -> None:
    """It is read and dropped, with a length and in chunks; the connection goes on."""
    hidden = asking("/admin", ANN, last=False)
    with_length = asking("/admin", b"Content-Length: %d\r\n" % len(hidden), last=False, method="POST", body=hidden)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)
    in_chunks = asking("/admin", b"Transfer-Encoding: chunked\r\n", last=False, method="POST", body=chunks)
    assert statuses(port, with_length + in_chunks + asking("/admin", ANN)) == [401, 401, 200]


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"X: a\r\n Authorization: Bearer ann\r\n",
        b"Authorization: Bearer a\r\n nn\r\n",
        b"X\x00: a\r\n",
        b"Host: y\r\n",
    ],
)
def test_ambiguous_framing_reaches_no_handler(port: int, fields: bytes) -> None:
    """And what stands behind it on the connection is answered for no other request."""
    found = statuses(port, asking("/admin", fields, last=False, method="POST", body=b"0\r\n\r\n") + asking("/admin", ANN))
    assert 200 not in found
    assert found[0] in {400, 401}


def test_repeated_credentials_are_refused(port: int) -> None:
    """Also where both are right, and under an alias of the name."""
    assert statuses(port, asking("/admin", ANN + ANN)) == [400]
    assert statuses(port, asking("/admin", b"authorization: Bearer bob\r\n" + ANN)) == [400]
    assert statuses(port, asking("/admin", b"Remote_User: ann\r\n")) == [400]


def test_a_client_that_waits_for_100_gets_a_final_answer(port: int) -> None:
    """Aiohttp says 100 before any middleware runs. The refusal follows at once, and the content is dropped."""
    connection = Connection(port)
    with connection._socket:
        connection.write(asking("/admin", b"Content-Length: 5\r\nExpect: 100-continue\r\n", last=False, method="POST"))
        assert connection.read().status == 401  # http.client skips the 100
        connection.write(b"12345" + asking("/admin", ANN))
        assert connection.statuses() == [200]
    assert statuses(port, asking("/admin", b"Expect: something\r\n")) == [417]


def test_a_client_may_leave_at_any_time(port: int) -> None:
    """In the middle of the fields, of the content, or of the answer: the server goes on."""
    for sent in (
        asking("/admin", ANN)[:30],
        asking("/admin", ANN + b"Content-Length: 9\r\n", method="POST", body=b"1"),
        asking("/flow", ANN),
    ):
        connection = Connection(port)
        connection.write(sent)
        connection._socket.close()
    assert statuses(port, asking("/admin", ANN)) == [200]


def test_old_clients_are_answered(port: int) -> None:
    """HTTP/1.0 has no Host and no chunks."""
    connection = Connection(port)
    with connection._socket:
        connection.write(b"GET /flow HTTP/1.0\r\n" + ANN + b"\r\n")
        answer = connection.read()
    assert (answer.status, answer.body) == (200, b"one ann")


def test_files_are_guarded_as_everything_else(port: int) -> None:
    """By the rule of their path; a file that is not there is refused alike."""
    for target, status in (("/files/a.txt", 401), ("/files/b.txt", 401), ("/files/../files/a.txt", 400), ("//files/a.txt", 400)):
        assert statuses(port, asking(target)) == [status]
    connection = Connection(port)
    with connection._socket:
        connection.write(asking("/files/a.txt", b"Authorization: Bearer bob\r\n"))
        assert connection.read().body == b"content"


def test_a_client_of_aiohttp_is_served(port: int) -> None:
    """Requests, and a WebSocket, which is refused in HTTP before it opens."""

    async def talk() -> None:
        headers = {"Authorization": "Bearer ann"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.post("/admin", data=b"x" * 1_000_000) as refused:
                assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
            async with session.post("/admin", data=b"12345", headers=headers) as granted:
                assert await granted.text() == "ann 5"
            with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
                await session.ws_connect("/echo")
            async with session.ws_connect("/echo", headers=headers) as socket:
                await socket.send_str("who?")
                assert await socket.receive_str() == "ann"

    asyncio.run(talk())
