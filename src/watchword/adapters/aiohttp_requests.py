"""Reads the requests of aiohttp, and changes them in place."""

# ruff: noqa: SLF001 - `request.clone` fails for octets that are not UTF-8 and once the content was read, and cannot change the content

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiohttp import EMPTY_PAYLOAD, StreamReader, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from watchword.adapters.proxied import KEY
from watchword.content import ContentInPieces, most_pieces
from watchword.guard.exchange import Exchange
from watchword.guard.forwarding import UNCHANGED
from watchword.mount import split_at_mount
from watchword.operation import Operation, only_awaited
from watchword.request import RequestView

if TYPE_CHECKING:
    from watchword.adapters.proxied import Proxied, Stated
    from watchword.guard import Guard
    from watchword.guard.forwarding import Forwarding

_PROXIED: Final[web.RequestKey[Stated]] = web.RequestKey(KEY, tuple)
_GIVEN = ("scheme", "host", "remote")  # what a middleware in front has set by `request.clone(...)`


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
    if _PROXIED in request:
        view.stated = request[_PROXIED]
    view.reader = lambda limit: Operation(only_awaited, partial(_read_ahead, request, limit))
    return view


def exchange_of(guard: Guard, request: web.Request, mount: str, proxied: Proxied | None) -> Exchange:
    """Return the exchange of a request, decided only where the fast path knows the caller. `proxied`: sees through trusted proxies."""
    if proxied is not None:
        _see_through(proxied, request)
    exchange = Exchange(guard, partial(view_of, request, mount), views=True)
    (raw, query), place = _octets_of(request), split_at_mount(request.path, mount)
    if not place.misplaced:
        # In HTTP/1.1 clients write names in any case.
        fields = [(name.lower(), value) for name, value in request.raw_headers]
        exchange.repeat((method_of(request), place.path, raw, place.mount), query, fields)
    return exchange


def _see_through(proxied: Proxied, request: web.Request) -> None:
    """Put the client, the scheme and the fields that count into a request."""
    if proxied.has_seen(request.get(_PROXIED)):
        return
    said, dropped = proxied.ask(request.raw_headers, request.remote or None, request.scheme)
    scheme = request.scheme
    _put_headers(request, proxied.without(dropped, request.raw_headers))
    request[_PROXIED] = proxied.proxies, said
    if said is not None:
        request._cache.update(remote=said.client, scheme=said.scheme or scheme)


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
        _put_content(request, read)
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


def _put_content(request: web.Request, content: bytes) -> None:
    request._payload, request._read_bytes, request._post = EMPTY_PAYLOAD, None, None
    request._cache = given(request)
    if content:
        # The limit is beyond the content, so that no connection is paused.
        request._payload = stream = StreamReader(request.protocol, len(content) + 1, loop=request._loop)
        stream.feed_data(content)
        stream.feed_eof()


def forward(request: web.Request, taken: Forwarding) -> None:
    """Take out of a request what the application must not see.

    Args:
        request: which is changed in place: its state is that of the middlewares in front.
        taken: what to take out.
    """
    if taken is UNCHANGED:
        return
    if taken.query is not None:
        _put_query(request, _text(taken.query))
    _put_headers(request, taken.headers(request.raw_headers))
    if taken.content is not None:
        _put_content(request, taken.content)


def _put_headers(request: web.Request, raw: list[tuple[bytes, bytes]]) -> None:
    request._headers = CIMultiDictProxy(CIMultiDict((_text(name), _text(value)) for name, value in raw))
    request._message = request._message._replace(headers=request._headers, raw_headers=tuple(raw))
    request._cache = given(request)


def _put_query(request: web.Request, query: str) -> None:
    path, url = request.raw_path.partition("?")[0], request.rel_url
    request._rel_url = URL.build(path=url.raw_path, query_string=query, encoded=True)
    request._message = request._message._replace(path=with_query(path, query), url=request._rel_url)


def given(request: web.Request) -> dict[str, Any]:
    """Return what is kept of the facts that a request has computed when it is changed."""
    return {name: request._cache[name] for name in _GIVEN if name in request._cache}


def with_query(path: str, query: str) -> str:
    """Return a target."""
    return f"{path}?{query}" if query else path


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


__all__ = ["exchange_of", "forward", "given", "method_of", "view_of", "with_query"]
