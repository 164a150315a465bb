"""Changes the requests of aiohttp in place: their state is that of the middlewares in front."""

# ruff: noqa: SLF001 - `request.clone` fails for octets that are not UTF-8 and once the content was read, and cannot change the content

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import EMPTY_PAYLOAD, StreamReader, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from watchword.adapters.proxied import KEY
from watchword.guard.forwarding import UNCHANGED

if TYPE_CHECKING:
    from watchword.adapters.proxied import Proxied, Stated
    from watchword.guard.forwarding import Forwarding

PROXIED: Final[web.RequestKey[Stated]] = web.RequestKey(KEY, tuple)
_GIVEN = ("scheme", "host", "remote")  # what a middleware in front has set by `request.clone(...)`


def see_through(proxied: Proxied | None, request: web.Request) -> None:
    """Put the client, the scheme and the fields that count into a request."""
    if proxied is None or proxied.has_seen(request.get(PROXIED)):
        return
    said, dropped = proxied.ask(request.raw_headers, request.remote or None, request.scheme)
    scheme = request.scheme
    _put_headers(request, proxied.without(dropped, request.raw_headers))
    request[PROXIED] = proxied.proxies, said
    if said is not None:
        request._cache.update(remote=said.client, scheme=said.scheme or scheme)


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
        put_content(request, taken.content)


def put_content(request: web.Request, content: bytes) -> None:
    """Let the application read this for the content."""
    request._payload, request._read_bytes, request._post = EMPTY_PAYLOAD, None, None
    request._cache = given(request)
    if content:
        # The limit is beyond the content, so that no connection is paused.
        request._payload = stream = StreamReader(request.protocol, len(content) + 1, loop=request._loop)
        stream.feed_data(content)
        stream.feed_eof()


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


__all__ = ["PROXIED", "forward", "given", "put_content", "see_through", "with_query"]
