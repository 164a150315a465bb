"""Reads the requests of aiohttp."""

# ruff: noqa: SLF001 - `request.clone` fails for octets that are not UTF-8 and once the content was read, and cannot change the content

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiohttp import StreamReader, web

from watchword.adapters.aiohttp_changes import PROXIED, put_content, see_through
from watchword.content import ContentInPieces, most_pieces
from watchword.guard.exchange import Exchange
from watchword.mount import split_at_mount
from watchword.operation import Operation, only_awaited
from watchword.request import RequestView

if TYPE_CHECKING:
    from watchword.adapters.proxied import Proxied
    from watchword.guard import Guard


def view_of(request: web.Request, mount: str) -> RequestView:
    """Return a request as the guard sees it.

    Args:
        request: which the router has matched.
        mount: the prefix that rules leave out.
    """
    (raw, query), place = _octets_of(request), split_at_mount(request.path, mount)
    view = RequestView.of_server(
        method=method_of(request),
        path=place.path,
        raw_path=raw,
        query=query,
        mount=place.mount,
        headers=request.raw_headers,
        client=request.remote or None,
        scheme=request.scheme,
        misplaced=place.misplaced,
    )
    if PROXIED in request:
        view.stated = request[PROXIED]
    view.reader = lambda limit: Operation(only_awaited, partial(_read_ahead, request, limit))
    return view


def exchange_of(guard: Guard, request: web.Request, mount: str, proxied: Proxied | None) -> Exchange:
    """Return the exchange of a request, decided only where the fast path knows the caller. `proxied`: sees through trusted proxies."""
    see_through(proxied, request)
    exchange = Exchange(guard, partial(view_of, request, mount), views=True)
    (raw, query), place = _octets_of(request), split_at_mount(request.path, mount)
    if not place.misplaced:
        # In HTTP/1.1 clients write names in any case.
        fields = [(name.lower(), value) for name, value in request.raw_headers]
        exchange.repeat((method_of(request), place.path, raw, place.mount), query, fields)
    return exchange


def _octets_of(request: web.Request) -> tuple[bytes, bytes]:
    """Return the path and the query as they were sent."""
    raw, _, query = request.raw_path.encode("utf-8", "surrogateescape").partition(b"?")
    return raw, query


def method_of(request: web.Request) -> str:
    """Return the method by which the router has chosen the handler: a middleware may have put another one into the request since."""
    routed = request.match_info.route.method
    return request.method if routed == "*" else routed


async def _read_ahead(request: web.Request, limit: int) -> bytes | None:
    """Read the content up to an octet beyond a limit, and put it back for the application."""
    if request._read_bytes is not None:  # a middleware in front has read it
        return request._read_bytes
    try:
        read = await _read(request.content, limit)
    except web.RequestPayloadError:
        return None
    if read and request.content.at_eof():
        put_content(request, read)
    return read


async def _read(stream: StreamReader, limit: int) -> bytes:
    """Read a stream up to an octet beyond a limit, or raise `ContentInPieces`."""
    content, pieces = bytearray(), 0
    while len(content) <= limit and not stream.at_eof():
        pieces += 1
        if pieces > most_pieces(limit):
            raise ContentInPieces(f"more than {most_pieces(limit)} pieces")
        content += await stream.readany()
    return bytes(content)


__all__ = ["exchange_of", "method_of", "view_of"]
