"""Serves an application with uvicorn, on a socket that is bound before."""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

import click
import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.adapters.asgi import ASGIApp

# A client cannot connect to an address that stands for all. It connects to the loopback address.
_ALL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound to


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0: any free port.

    Raises:
        click.ClickException: it cannot be bound; the message says why and what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise click.ClickException(f"cannot listen on {host!r}: choose an address with --host, such as 127.0.0.1") from None
    listener = socket.socket(family, kind, protocol)
    if os.name == "posix":
        # Without it a port is in use until connections in TIME_WAIT end. On Windows the option lets two programs share a port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            why = f"port {port} of {host} is taken: choose another with --port, or --port 0 for any that is free"
        elif error.errno == errno.EACCES:
            why = f"port {port} of {host} needs more rights than you have: choose one above 1023 with --port"
        else:
            why = f"cannot listen on port {port} of {host}: {error.strerror}"
        raise click.ClickException(why) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a socket for clients on this machine, without a closing slash."""
    host, port = listener.getsockname()[:2]
    host = _ALL.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_local(listener: socket.socket) -> bool:
    """Tell whether a socket can be reached from this machine alone."""
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


class Server(uvicorn.Server):
    """Serves an application with uvicorn, and calls `started` once connections are accepted."""

    def __init__(self, app: ASGIApp, listener: socket.socket, *, started: Callable[[], object]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                proxy_headers=False,  # no proxy stands in front, so forwarded addresses would be forged ones
            )
        )
        self._listener = listener
        self._started = started

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGINT or SIGTERM; by default on the socket that it was made with."""
        super().run(sockets or [self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections, then call `started`."""
        await super().startup(sockets)
        self._started()
