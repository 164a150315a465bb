"""Connects by httpcore2 to addresses that were checked, within one deadline for the whole exchange.

httpcore2 asks a *network backend* for a connection by name. These backends resolve the name once, check what it resolves to, and connect
to that. TLS and the Host field keep the name, so the certificate is checked against it. httpcore2 by itself follows no redirect, keeps
no cookie, reads neither `.netrc` nor proxies from the environment, and decodes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpcore2

from watchword.clock import ticks
from watchword.networks import parse_address

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from watchword.fetching.lookups import Lookups
    from watchword.url import Url

FAILED = (httpcore2.NetworkError, httpcore2.TimeoutException)


class Deadline:
    """The end of an exchange.

    Args:
        seconds: how long it may take.
    """

    __slots__ = ("_ends",)

    def __init__(self, seconds: float) -> None:
        self._ends = ticks() + seconds

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: there are none.
        """
        left = self._ends - ticks()
        if left <= 0:
            raise TimeoutError
        return left


class Choosing(Protocol):
    """Chooses among the addresses of a host; `Reach` refuses some."""

    def choose(self, url: Url, addresses: Sequence[str]) -> list[str]:
        """Return the addresses to connect to."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How to connect to the server of a URL.

    Args:
        url: what is fetched.
        lookups: resolve its host.
        reach: chooses the addresses that may be connected to.
        deadline: when the exchange ends.
    """

    url: Url
    lookups: Lookups
    reach: Choosing
    deadline: Deadline

    def addresses(self) -> list[str]:
        """Return the addresses to connect to; this may block until the deadline."""
        url = self.url
        found = [url.host] if self._is_address else self.lookups.addresses(url.host, url.port, self.deadline.left())
        return self.reach.choose(url, found)

    async def aaddresses(self) -> list[str]:
        """Return the addresses to connect to, without blocking the event loop."""
        url = self.url
        found = [url.host] if self._is_address else await self.lookups.aaddresses(url.host, url.port, self.deadline.left())
        return self.reach.choose(url, found)

    @property
    def _is_address(self) -> bool:
        return parse_address(self.url.host) is not None


class Connecting(httpcore2.NetworkBackend):
    """Connects a thread.

    Args:
        way: how.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.NetworkStream:  # noqa: ANN401 - as declared there
        """Connect to the first address that answers."""
        addresses, deadline = self._way.addresses(), self._way.deadline
        for number, address in enumerate(addresses, 1):
            try:
                # An equal share for each: one that does not answer leaves time for the others.
                share = deadline.left() / (len(addresses) - number + 1)
                return _Timed(self._backend.connect_tcp(address, port, timeout=share), deadline)
            except FAILED:
                if number == len(addresses):
                    raise
        raise TimeoutError  # pragma: no cover - there is an address


class AsyncConnecting(httpcore2.AsyncNetworkBackend):
    """Connects a task of asyncio or trio.

    Args:
        way: how.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:  # noqa: ANN401 - as above
        """Connect to the first address that answers."""
        addresses, deadline = await self._way.aaddresses(), self._way.deadline
        for number, address in enumerate(addresses, 1):
            try:
                return await self._backend.connect_tcp(address, port, timeout=deadline.left() / (len(addresses) - number + 1))
            except FAILED:
                if number == len(addresses):
                    raise
        raise TimeoutError  # pragma: no cover - there is an address


class _Timed(httpcore2.NetworkStream):
    """A connection with one deadline for all reads together: time-outs of sockets begin again with each octet that drips."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left())

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as declared there
        return self._stream.get_extra_info(info)
