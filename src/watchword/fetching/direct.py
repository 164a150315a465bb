"""Makes exchanges by httpcore2, over a connection of their own."""

from __future__ import annotations

from contextlib import aclosing
from functools import cache
from typing import TYPE_CHECKING

import httpcore2

from watchword.fetching.answer import Content, Head
from watchword.fetching.connecting import AsyncConnecting, Connecting, Deadline, Way
from watchword.fetching.lookups import Lookups

if TYPE_CHECKING:
    import ssl

    from watchword.fetching.addresses import Reach, Resolver
    from watchword.fetching.answer import Fetched
    from watchword.fetching.request import Request


class Direct:
    """Connects by itself, to addresses that it has checked.

    Args:
        resolve: resolves hosts.
        reach: the addresses that may be connected to.
        tls: checks certificates; None: by the authorities of the system.
    """

    blocks = True
    awaits = True

    def __init__(self, resolve: Resolver, reach: Reach, tls: ssl.SSLContext | None) -> None:
        self._lookups = Lookups(resolve)
        self._reach = reach
        self._tls = tls

    def exchange(self, request: Request) -> Fetched:
        """Ask, and wait for the answer.

        Args:
            request: the request.
        """
        with request.outages():
            connecting = Connecting(self._way(request))
            with (
                httpcore2.HTTPConnection(_origin(request), ssl_context=self._context(request), network_backend=connecting) as connection,
                connection.stream(request.method, _url(request), headers=_fields(request), content=request.content or None) as response,
            ):
                head = Head(request.url, response.status, response.headers, request.limit)
                content = Content(head, request.limit)
                for piece in response.iter_stream():
                    content.add(piece)
                return content.whole()

    async def aexchange(self, request: Request) -> Fetched:
        """Ask, and await the answer; asyncio and trio.

        Args:
            request: the request.
        """
        from anyio import fail_after

        with request.outages(), fail_after(request.timeout):
            connecting = AsyncConnecting(self._way(request))
            async with (
                httpcore2.AsyncHTTPConnection(
                    _origin(request), ssl_context=self._context(request), network_backend=connecting
                ) as connection,
                connection.stream(request.method, _url(request), headers=_fields(request), content=request.content or None) as response,
            ):
                head = Head(request.url, response.status, response.headers, request.limit)
                content = Content(head, request.limit)
                # Closed here: a generator that is left half-way would be closed by the garbage collector.
                async with aclosing(response.aiter_stream()) as pieces:
                    async for piece in pieces:
                        content.add(piece)
                return content.whole()

    def _way(self, request: Request) -> Way:
        return Way(request.url, self._lookups, self._reach, Deadline(request.timeout))

    def _context(self, request: Request) -> ssl.SSLContext | None:
        return _by_system() if self._tls is None and request.url.scheme == "https" else self._tls


@cache
def _by_system() -> ssl.SSLContext:
    """Return what trusts the authorities of the system. Reading them takes longer than the rest of an exchange."""
    return httpcore2.default_ssl_context()


def _origin(request: Request) -> httpcore2.Origin:
    url = request.url
    return httpcore2.Origin(url.scheme.encode(), url.host.encode(), url.port)


def _url(request: Request) -> httpcore2.URL:
    url = request.url
    return httpcore2.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target)


def _fields(request: Request) -> list[tuple[str, str]]:
    return [("Host", request.url.authority), ("Connection", "close"), *request.fields.items()]
