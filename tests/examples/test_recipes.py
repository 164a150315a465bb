"""The recipes of docs/recipes/ do what they say: each page is run, and its application or server is asked what an attacker would ask."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest
import websockets

from tests.docs.test_snippets import parse
from tests.support.by_aiohttp import run
from tests.support.drive import Request, asgi_scope, bearer, wsgi_environ
from tests.support.each import noting
from tests.support.servers import DEADLINE, Answer, Connection
from tests.threats.test_P3_encodings import CORPUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[[Request], tuple[int, list[str], bytes]]

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
CALLERS = {"": (), "bob": (bearer("91c2f0a7d35e4b18"),), "ann": (bearer("1507c3e3741a4930"),)}

# The statuses of an anonymous caller, of bob, and of ann, who has the role.
SERVERS = ("http-server", "asyncio-streams", "channels")
EXPECTED = {"/healthz": [200, 200, 200], "/orders": [401, 200, 200], "/reports": [401, 403, 200]}
ALIASES = [spelling.replace("admin", "reports").replace("ADMIN", "REPORTS") for spelling in CORPUS]


def load(page: str) -> ModuleType:
    """Run the blocks of a recipe as a module."""
    module = ModuleType(f"recipe_{page}")
    sys.modules[module.__name__] = module  # frameworks look up the module of a handler
    document = parse(RECIPES / f"{page}.md")
    document.namespace = vars(module)
    for example in document:
        example.evaluate()
    return module


def by_wsgi(app: Any) -> Ask:
    """Return what asks a WSGI application."""

    def ask(request: Request) -> tuple[int, list[str], bytes]:
        started: list[tuple[int, list[str]]] = []

        def start_response(status: str, headers: Any, _error: Any = None) -> None:
            started.append((int(status[:3]), [value for name, value in headers if name.lower() == "www-authenticate"]))

        result = app(wsgi_environ(request), start_response)
        body = b"".join(result)
        if hasattr(result, "close"):
            result.close()
        return *started[-1], body

    return ask


def by_asgi(app: Any) -> Ask:
    """Return what asks an ASGI application."""

    async def asked(request: Request) -> tuple[int, list[str], bytes]:
        sent: list[Any] = []
        incoming = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        try:
            await app(asgi_scope(request), receive, send)
        except Exception as error:  # noqa: BLE001 - as servers do
            return 500, [], repr(error).encode()
        challenges = [value.decode() for name, value in sent[0].get("headers", ()) if name.lower() == b"www-authenticate"]
        return sent[0]["status"], challenges, b"".join(message.get("body", b"") for message in sent[1:])

    return lambda request: run(asked(request))


@contextmanager
def by_http_server() -> Iterator[Ask]:
    """Ask the server of the recipe for `http.server`."""
    module = load("http-server")
    module.Handler.log_message = lambda *_: None
    server = module.server(0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield lambda request: _by_socket(server.server_address[1], request)
    finally:
        server.shutdown()
        thread.join(DEADLINE)
        server.server_close()


DAPHNE = """
from daphne.server import Server
from django.conf import settings
from tests.examples.test_recipes import load
module = load("channels")
settings.ROOT_URLCONF = module.__name__
ready = lambda: print(server.listening_addresses[0][1], flush=True)
server = Server(module.application, ["tcp:port=0:interface=127.0.0.1"], signal_handlers=False, verbosity=0, ready_callable=ready)
server.run()
"""


@contextmanager
def by_daphne() -> Iterator[int]:
    """Serve the recipe for Channels in a process of its own, where Django is configured once, and tell the port."""
    root = RECIPES.parents[1]
    serving = subprocess.Popen([sys.executable, "-c", DAPHNE], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with serving:
        try:
            assert serving.stdout is not None
            yield int(serving.stdout.readline())
        finally:
            serving.kill()


@contextmanager
def in_loop(serving: Any) -> Iterator[int]:
    """Serve in an event loop of another thread, and tell the port."""
    told: dict[str, Any] = {}
    started = threading.Event()

    async def serve() -> None:
        async with await serving(0) as server:
            told.update(port=server.sockets[0].getsockname()[1], loop=asyncio.get_running_loop(), end=asyncio.Event())
            started.set()
            await told["end"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(DEADLINE)
    try:
        yield told["port"]
    finally:
        told["loop"].call_soon_threadsafe(told["end"].set)
        thread.join(DEADLINE)


def _by_socket(port: int, request: Request, *, ends: bool = True) -> tuple[int, list[str], bytes]:
    lines = [f"{request.method} {request.target} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in request.fields)]
    answer = _raw(port, "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"), ends=ends)
    return answer.status, answer.challenges, answer.body


def _raw(port: int, octets: bytes, *, ends: bool = True) -> Answer:
    connection = Connection(port)
    with closing(connection._socket):
        connection.write(octets)
        if ends:
            connection._socket.shutdown(socket.SHUT_WR)
        return connection.read()


@contextmanager
def recipe(name: str) -> Iterator[Ask]:
    """Return what asks the application or the server of a recipe."""
    if name == "http-server":
        with by_http_server() as ask:
            yield ask
    elif name == "channels":
        with by_daphne() as port:
            yield lambda request: _by_socket(port, request, ends=False)  # daphne takes the end of what is sent for that of the client
    elif name == "asyncio-streams":
        with in_loop(load(name).server) as port:
            yield lambda request: _by_socket(port, request)
    else:
        page, _, interface = name.partition(" ")
        app = load(page).app if not interface else load(page).asgi_app
        yield (by_asgi if interface or page == "blacksheep" else by_wsgi)(app)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["falcon", "falcon asgi", "pyramid", "bottle", "blacksheep", "channels", "http-server", "asyncio-streams"])
def test_a_recipe_protects_a_path_by_a_role_in_every_spelling(name: str) -> None:
    """It reads the principal; the challenge is the guard's; no spelling of the path gets a caller without the role to the handler."""
    with recipe(name) as ask:
        for path, statuses in EXPECTED.items():
            answers = [ask(Request(target=path, headers=headers)) for headers in CALLERS.values()]
            assert [status for status, _, _ in answers] == statuses, answers
            if path != "/healthz":  # where nothing is looked at
                assert b"ann" in answers[2][2]
                assert answers[0][1] == ['Bearer realm="reports"']
        for spelling in ALIASES:
            for caller in ("", "bob"):
                with noting(spelling=spelling, caller=caller):
                    status, _, body = ask(Request(target=spelling, headers=CALLERS[caller]))
                    # The servers serve every path, and say which.
                    elsewhere = name in SERVERS and re.match(rb'(\{"path": ")?/reports(/.*)?("| for )', unquote_to_bytes(body)) is None
                    # BlackSheep itself fails where a known caller sends octets that are no URL to it.
                    assert status in {400, 401, 403, 404, 200 if elsewhere else 404, 500 if name == "blacksheep" else 404}


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nA : x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nA\r\n\r\n",
        b"GET /healthz HTTP/1.1\nA: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nA: x\ny: z\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nA: \x00\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        b"GET /health\xffz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    ],
    ids=lambda head: ascii(head[:60]),
)
def test_the_server_of_streams_reads_no_odd_head(head: bytes, streams: int) -> None:
    """It answers 400, or closes the connection; and it goes on."""
    assert _raw(streams, head).status in {0, 400, 401}
    assert _raw(streams, b"GET /healthz HTTP/1.1\r\n\r\n").status == 200


@pytest.fixture(scope="module")
def streams() -> Iterator[int]:
    """Where the server of the recipe listens."""
    with in_loop(load("asyncio-streams").server) as port:
        yield port


def test_the_recipe_for_websockets_refuses_before_it_opens() -> None:
    """In HTTP, with the challenge; what is granted speaks to the caller."""
    module = load("websockets")

    async def talk() -> list[object]:
        found: list[object] = []
        async with module.server(0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for path in ("/reports", "/orders", "/%72eports", "//reports"):
                for headers in CALLERS.values():
                    try:
                        async with websockets.connect(url + path, additional_headers=headers, proxy=None) as connection:
                            await connection.send("who?")
                            found.append(await connection.recv())
                    except websockets.InvalidStatus as error:
                        found.append((error.response.status_code, len(error.response.headers.get_all("WWW-Authenticate"))))
        return found

    assert asyncio.run(talk()) == [
        *((401, 1), (403, 0), "ann"),
        *((401, 1), "bob", "ann"),
        *((401, 1), (403, 0), "ann"),
        *((400, 0),) * 3,
    ]


def test_the_recipe_for_channels_refuses_before_it_opens() -> None:
    """Behind daphne, which answers 403 in place of the refusal and takes a mount from any client; what is granted speaks to the caller."""

    async def talk(port: int) -> list[object]:
        found: list[object] = []
        mounted = ("Daphne-Root-Path", "/reports")
        for path, more in (
            ("/reports/live", ()),
            ("/live", ()),
            ("/%72eports/live", ()),
            ("/live", (mounted,)),
            ("/reports/live", (mounted,)),
        ):
            for headers in CALLERS.values():
                try:
                    url = f"ws://127.0.0.1:{port}{path}"
                    async with websockets.connect(url, additional_headers=[*headers, *more], proxy=None) as connection:
                        await connection.send("who?")
                        found.append(await connection.recv())
                except websockets.InvalidStatus as error:
                    found.append(error.response.status_code)
        return found

    with by_daphne() as port:
        found = asyncio.run(talk(port))
    role_needed, login_needed = [403, 403, "ann"], [403, "bob", "ann"]
    assert found == [*role_needed, *login_needed, *role_needed, *login_needed, *role_needed]


def test_falcon_refuses_a_handshake_before_it_is_accepted() -> None:
    """The ASGI application of the recipe."""
    app = load("falcon").asgi_app

    async def shaken(headers: Any) -> str:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"} if not sent else {"type": "websocket.disconnect", "code": 1000}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(asgi_scope(Request(kind="websocket", target="/reports", headers=headers)), receive, send)
        return str(sent[0].get("status", sent[0]["type"]))

    assert [asyncio.run(shaken(headers)) for headers in CALLERS.values()] == ["401", "403", "websocket.accept"]
