"""Starts one server: `python -m tests.servers.serve NAME FD MODULE`, where FD is a socket that is bound to a loopback port.

MODULE holds the applications, `asgi` and `wsgi`.

The process ends when its standard input does: whatever becomes of the tests, no server outlives them.
"""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from wsgiref import simple_server

from tests.support.programs import program

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.adapters.wsgi import WSGIApp

APPLICATION = "tests.servers.application"


def _wsgi_application() -> WSGIApp:
    application: WSGIApp = import_module(APPLICATION).wsgi
    return application


def _uvicorn(http: str, bound: socket.socket, **more: Any) -> None:
    import uvicorn

    config = uvicorn.Config(f"{APPLICATION}:asgi", http=http, lifespan="on", ws="websockets-sansio", log_level="warning", **more)
    uvicorn.Server(config).run(sockets=[bound])


def _hypercorn(worker: str, bound: socket.socket, root_path: str = "") -> None:
    from hypercorn.config import Config
    from hypercorn.run import run

    config = Config()
    config.application_path = f"{APPLICATION}:asgi"
    config.bind = [f"fd://{bound.detach()}"]
    config.worker_class = worker
    config.workers = 0  # in this process
    config.graceful_timeout = 0.2
    config.root_path = root_path
    run(config)


def _granian(interface: str, bound: socket.socket, workers: int = 1, prefix: str | None = None) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    # It takes no socket, and shares the port that this one holds (SO_REUSEPORT); this one never listens.
    port = bound.getsockname()[1]
    options: dict[str, Any] = {"workers": workers, "workers_kill_timeout": 1, "url_path_prefix": prefix}
    Granian(f"{APPLICATION}:{interface}", port=port, interface=Interfaces(interface), **options).serve()


def _gunicorn(worker: str, bound: socket.socket, *more: str, workers: int = 1) -> None:
    from gunicorn.app.wsgiapp import run

    kind = "wsgi" if worker in {"sync", "gthread"} else "asgi"
    options = ["--worker-class", worker, "--workers", str(workers), "--graceful-timeout", "1", "--no-control-socket", *more]
    sys.argv = ["gunicorn", "--bind", f"fd://{bound.detach()}", *options, f"{APPLICATION}:{kind}"]
    run()


def _waitress(bound: socket.socket) -> None:
    from waitress import serve

    serve(_wsgi_application(), sockets=[bound], threads=2)


def _wsgiref(bound: socket.socket) -> None:
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
    server.set_app(_wsgi_application())
    server.serve_forever()


def _werkzeug(bound: socket.socket) -> None:
    from werkzeug.serving import make_server

    make_server("127.0.0.1", bound.getsockname()[1], _wsgi_application(), threaded=True, fd=bound.detach()).serve_forever()


def _cheroot(bound: socket.socket) -> None:
    from cheroot.wsgi import Server

    address = bound.getsockname()
    bound.close()  # it takes no socket
    Server(address, _wsgi_application(), numthreads=2).start()


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


def _uwsgi(bound: socket.socket, *more: str) -> None:
    # Its workers are forked in C. It finds Python's packages where this process does.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    options = ["--http-socket", f"fd://{bound.fileno()}", "--module", f"{APPLICATION}:wsgi", "--master", "--processes", "3"]
    command = [program("uwsgi"), *options, "--die-on-term", "--no-orphans", "--need-app", "--listen", "64", *more]
    subprocess.run(command, check=True, pass_fds=[bound.fileno()])


if find_spec("httptools"):  # the other parser of uvicorn, where somebody has installed it
    SERVERS["uvicorn-httptools"] = lambda bound: _uvicorn("httptools", bound)

# Several processes behind one port. The second has more threads than there may be hashes that run or wait.
PROCESSES: dict[str, Callable[[socket.socket], None]] = {
    "gunicorn-sync-2": lambda bound: _gunicorn("sync", bound, workers=2),
    "gunicorn-gthread-2-preload": lambda bound: _gunicorn("gthread", bound, "--threads", "80", "--preload", workers=2),
    "gunicorn-sync-4-preload": lambda bound: _gunicorn("sync", bound, "--preload", workers=4),
    "gunicorn-uvicorn-4": lambda bound: _gunicorn("uvicorn.workers.UvicornWorker", bound, workers=4),
    "granian-2": lambda bound: _granian("asgi", bound, workers=2),
}

# Those that load the application and then fork three workers.
FORKING: dict[str, Callable[[socket.socket], None]] = {
    "gunicorn-preload": lambda bound: _gunicorn("sync", bound, "--preload", workers=3),
    "uwsgi": _uwsgi,
    "uwsgi-hooks": lambda bound: _uwsgi(bound, "--py-call-osafterfork"),
    "uwsgi-threads": lambda bound: _uwsgi(bound, "--enable-threads", "--threads", "4"),
    "uwsgi-lazy": lambda bound: _uwsgi(bound, "--lazy-apps"),  # loads it anew in each worker
}


def _daphne(bound: socket.socket, *more: str) -> None:
    from daphne.cli import CommandLineInterface

    CommandLineInterface().run(["--fd", str(bound.detach()), *more, f"{APPLICATION}:asgi"])


# Those that are tested for what they hand over, and not with everything.
OTHERS: dict[str, Callable[[socket.socket], None]] = {
    "cheroot": _cheroot,
    "uvicorn-plain": lambda bound: _uvicorn("h11", bound, proxy_headers=False),
}

# Each states a mount.
MOUNTED: dict[str, Callable[[socket.socket], None]] = {
    "uvicorn-mounted": lambda bound: _uvicorn("h11", bound, root_path="/api"),
    "hypercorn-mounted": lambda bound: _hypercorn("asyncio", bound, root_path="/api"),
    "granian-mounted": lambda bound: _granian("asgi", bound, prefix="/api"),
    "granian-wsgi-mounted": lambda bound: _granian("wsgi", bound, prefix="/api"),
    "gunicorn-asgi-mounted": lambda bound: _gunicorn("asgi", bound, "--root-path", "/api"),
    "gunicorn-mounted": lambda bound: _gunicorn("sync", bound, "--env", "SCRIPT_NAME=/api"),
    "daphne": _daphne,
}


def _end_with_stdin() -> None:
    # Not sys.stdin: granian's workers are forked, and would wait for ever for the lock that this thread holds.
    os.read(0, 1)
    os.killpg(0, signal.SIGTERM)  # uWSGI is a process of its own


if __name__ == "__main__":
    name, fd, APPLICATION = sys.argv[1:]
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    (SERVERS | PROCESSES | FORKING | OTHERS | MOUNTED)[name](socket.socket(fileno=int(fd)))
