"""Serves an application with uvicorn: binds first, tells when connections are accepted, and stops silently."""

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

# What to call an address that stands for all: a client connects to the nearest of them.
_ALL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound to


def listen(host: str, port: int) -> socket.socket:
    """Bind to an address.

    Args:
        host: a name or an address.
        port: 0: any that is free.

    Returns:
        The socket, bound and not listening yet.

    Raises:
        click.ClickException: that cannot be done; the message says why and what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise click.ClickException(f"cannot listen on {host!r}: choose an address with --host, such as 127.0.0.1") from None
    listener = socket.socket(family, kind, protocol)
    if os.name == "posix":
        # A port whose last connections are still fading out can be taken at once. Windows reads the option as leave to share a port.
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
    """Return the URL under which a client of this machine reaches a bound socket, without a closing slash.

    Args:
        listener: the socket.
    """
    host, port = listener.getsockname()[:2]
    host = _ALL.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_local(listener: socket.socket) -> bool:
    """Tell whether a bound socket is seen from this machine alone.

    Args:
        listener: the socket.
    """
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


class Server(uvicorn.Server):
    """Uvicorn, which tells when it accepts connections.

    Args:
        app: what is served.
        listener: the bound socket.
        started: called once, when connections are accepted.
    """

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
        self._tell = started

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGINT or SIGTERM.

        Args:
            sockets: None: the one that it was made with.
        """
        super().run(sockets or [self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start accepting connections, then tell.

        Args:
            sockets: where to.
        """
        await super().startup(sockets)
        self._tell()
