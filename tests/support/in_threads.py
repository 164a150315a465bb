"""Real servers in a thread of the test's own process: the test sees what the guard tells, and no interpreter has to start."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import hypercorn.asyncio
import uvicorn
from aiohttp import web
from cheroot import wsgi
from hypercorn.config import Config

from tests.support.servers import DEADLINE, Listening

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    Serving = Callable[[Any, socket.socket, asyncio.Event], Coroutine[Any, Any, object]]


async def _uvicorn(app: Any, bound: socket.socket, stopped: asyncio.Event, lifespan: Literal["on", "off"] = "off") -> None:
    server = uvicorn.Server(uvicorn.Config(app, http="h11", ws="none", lifespan=lifespan, log_level="warning", timeout_graceful_shutdown=1))
    serving = asyncio.ensure_future(server.serve(sockets=[bound]))
    await stopped.wait()
    server.should_exit = True
    await serving


async def _hypercorn(app: Any, bound: socket.socket, stopped: asyncio.Event) -> None:
    config = Config()
    config.bind = [f"fd://{bound.detach()}"]
    config.graceful_timeout = 0.2
    await hypercorn.asyncio.serve(app, config, mode="asgi", shutdown_trigger=stopped.wait)


async def _aiohttp(app: Any, bound: socket.socket, stopped: asyncio.Event) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.SockSite(runner, bound).start()
    await stopped.wait()
    await runner.cleanup()


SERVING: dict[str, Serving] = {
    "uvicorn": _uvicorn,
    "uvicorn with lifespan": partial(_uvicorn, lifespan="on"),
    "hypercorn": _hypercorn,
    "aiohttp": _aiohttp,
}


@contextmanager
def serving(apps: Mapping[str, tuple[str, Any]], bound: Mapping[str, socket.socket] | None = None) -> Iterator[dict[str, Listening]]:
    """Serve applications, all on one event loop.

    Args:
        apps: name to a key of `SERVING`, and the application.
        bound: what they listen on, by name, for applications that know their own address; None: any ports.
    """
    bound = {name: bind() for name in apps} if bound is None else bound
    started, loops = threading.Event(), list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()
    found = {name: Listening(name, one.getsockname()[1]) for name, one in bound.items()}

    async def serve() -> None:
        stopped = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stopped))
        started.set()
        async with asyncio.TaskGroup() as tasks:
            for name, (server, app) in apps.items():
                tasks.create_task(SERVING[server](app, bound[name], stopped))

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(DEADLINE)
        yield found
    finally:
        loop, stopped = loops[0]
        loop.call_soon_threadsafe(stopped.set)
        thread.join(DEADLINE)


@contextmanager
def serving_wsgi(app: Any) -> Iterator[Listening]:
    """Serve a WSGI application.

    Args:
        app: the application.
    """
    server = wsgi.Server(("127.0.0.1", 0), app, numthreads=4, shutdown_timeout=0)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield Listening("cheroot", server.bind_addr[1])
    finally:
        server.stop()
        thread.join(DEADLINE)


def bind() -> socket.socket:
    """Return a socket that listens on a loopback port."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(128)  # a client waits until the server takes it, and is not refused
    return bound


__all__ = ["SERVING", "bind", "serving", "serving_wsgi"]
