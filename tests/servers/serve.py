"""Starts one server: `python -m tests.servers.serve NAME FD`, where FD is a socket that is bound to a loopback port.

The process ends when its standard input does: whatever becomes of the tests, no server outlives them.
"""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING
from wsgiref import simple_server

if TYPE_CHECKING:
    from collections.abc import Callable

APPLICATION = "tests.servers.application"


def _uvicorn(http: str, bound: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(f"{APPLICATION}:asgi", http=http, lifespan="on", ws="websockets-sansio", log_level="warning")
    uvicorn.Server(config).run(sockets=[bound])


def _hypercorn(worker: str, bound: socket.socket) -> None:
    from hypercorn.config import Config
    from hypercorn.run import run

    config = Config()
    config.application_path = f"{APPLICATION}:asgi"
    config.bind = [f"fd://{bound.detach()}"]
    config.worker_class = worker
    config.workers = 0  # in this process
    config.graceful_timeout = 0.2
    run(config)


def _granian(interface: str, bound: socket.socket) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    # It takes no socket, and shares the port that this one holds (SO_REUSEPORT); this one never listens.
    port = bound.getsockname()[1]
    Granian(f"{APPLICATION}:{interface}", port=port, interface=Interfaces(interface), workers=1, workers_kill_timeout=1).serve()


def _gunicorn(worker: str, bound: socket.socket) -> None:
    from gunicorn.app.wsgiapp import run

    kind = "wsgi" if worker == "sync" else "asgi"
    options = ["--worker-class", worker, "--workers", "1", "--graceful-timeout", "1", "--no-control-socket"]
    sys.argv = ["gunicorn", "--bind", f"fd://{bound.detach()}", *options, f"{APPLICATION}:{kind}"]
    run()


def _waitress(bound: socket.socket) -> None:
    from waitress import serve

    from tests.servers.application import wsgi

    serve(wsgi, sockets=[bound], threads=2)


def _wsgiref(bound: socket.socket) -> None:
    from tests.servers.application import wsgi

    class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
        daemon_threads = True

    class Handler(simple_server.WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it overrides
            pass

    address = bound.getsockname()
    server = Server(address, Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = bound
    server.server_name, server.server_port = address
    server.setup_environ()
    server.set_app(wsgi)
    server.serve_forever()


def _werkzeug(bound: socket.socket) -> None:
    from werkzeug.serving import make_server

    from tests.servers.application import wsgi

    make_server("127.0.0.1", bound.getsockname()[1], wsgi, threaded=True, fd=bound.detach()).serve_forever()


SERVERS: dict[str, Callable[[socket.socket], None]] = {
    "uvicorn": lambda bound: _uvicorn("h11", bound),
    "hypercorn": lambda bound: _hypercorn("asyncio", bound),
    "hypercorn-trio": lambda bound: _hypercorn("trio", bound),
    "granian": lambda bound: _granian("asgi", bound),
    "gunicorn-uvicorn": lambda bound: _gunicorn("uvicorn.workers.UvicornWorker", bound),
    "gunicorn-asgi": lambda bound: _gunicorn("asgi", bound),
    "granian-wsgi": lambda bound: _granian("wsgi", bound),
    "gunicorn": lambda bound: _gunicorn("sync", bound),
    "waitress": _waitress,
    "wsgiref": _wsgiref,
    "werkzeug": _werkzeug,
}

if find_spec("httptools"):  # the other parser of uvicorn, where somebody has installed it
    SERVERS["uvicorn-httptools"] = lambda bound: _uvicorn("httptools", bound)


def _end_with_stdin() -> None:
    # Not sys.stdin: granian's workers are forked, and would wait for ever for the lock that this thread holds.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    name, fd = sys.argv[1:]
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    SERVERS[name](socket.socket(fileno=int(fd)))
