"""Makes an exchange of which nothing is refused but what has no bound: any status, any field, over http or https, to any address.

For tools that look at servers. `Fetcher` is for documents, and refuses redirects, compression and addresses that are not public.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpcore2

from watchword.errors import Unavailable
from watchword.fetching.addresses import resolve_by_system
from watchword.fetching.connecting import Connecting, Deadline, Way
from watchword.fetching.lookups import Lookups
from watchword.fetching.request import describe_failure

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence

    from watchword.fetching.addresses import Resolver
    from watchword.url import Url

_MOST_ADDRESSES: Final = 4
_MOST_PIECES: Final = 16_384
_UNREAD: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One request.

    Args:
        method: the method.
        url: where to send it; the operator named its host.
        fields: names and values in their order, without Host and Content-Length. Values have one character per octet.
        content: the content; empty: none.
        host: the value of Host; empty: that of the URL.
        reads: the media type of a success whose content is read; empty: none.
    """

    method: str
    url: Url
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    host: str = ""
    reads: str = ""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """One response; untrusted.

    Args:
        status: the status code; 0: there was no whole response.
        fields: names and values as they came.
        content: the content, at most as much as was asked for.
        failure: why there was no response, in words without anything that the server sent.
    """

    status: int = 0
    fields: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    content: bytes = field(default=b"", repr=False)
    failure: str = ""


class RawClient:
    """Sends requests, each over a connection of its own.

    No redirects, no cookies, no `.netrc`, no proxy from the environment, no compression.

    Args:
        timeout: seconds for a whole exchange.
        limit: the longest content, in octets. More of a refusal is a failure; more of a success is not read.
        tls: checks certificates; None: by the authorities of the system.
        authority: how to trust a private authority, for messages.
        resolve: returns the addresses of a host and a port.
    """

    def __init__(
        self, timeout: float, limit: int, *, tls: ssl.SSLContext | None = None, authority: str, resolve: Resolver = resolve_by_system
    ) -> None:
        self._timeout = timeout
        self._limit = limit
        self._tls = tls
        self._authority = authority
        self._lookups = Lookups(resolve)

    def exchange(self, request: RawRequest) -> RawResponse:
        """Send a request, and wait for its response.

        Args:
            request: the request.

        Returns:
            The response, or why there is none. Nothing is raised for what a server or the network does.
        """
        try:
            return self._exchange(request)
        except Unavailable as error:  # of the resolver
            return RawResponse(failure=error.why)
        except Exception as error:  # noqa: BLE001 - of the network, of TLS, or of what the server sent
            return RawResponse(failure=describe_failure(error, request.url.host, self._timeout, self._authority))

    def _exchange(self, request: RawRequest) -> RawResponse:
        url = request.url
        connecting = Connecting(Way(url, self._lookups, _AnyAddress(), Deadline(self._timeout)))
        if self._tls is None and url.scheme == "https":
            self._tls = httpcore2.default_ssl_context()
        origin = httpcore2.Origin(url.scheme.encode(), url.host.encode(), url.port)
        target = httpcore2.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target)
        fields = [("Host", request.host or url.authority), ("Connection", "close"), ("Accept-Encoding", "identity"), *request.fields]
        octets = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
        with (
            httpcore2.HTTPConnection(origin, ssl_context=self._tls, network_backend=connecting) as connection,
            connection.stream(request.method, target, headers=octets, content=request.content or None) as response,
        ):
            content = bytearray()
            if response.status not in _UNREAD or (request.reads and _media_type(response.headers) == request.reads):
                for number, piece in enumerate(response.iter_stream()):
                    content += piece
                    if len(content) > self._limit or number == _MOST_PIECES:
                        return RawResponse(failure=f"its content is longer than {self._limit} octets. Check that the URL is the right one.")
            return RawResponse(response.status, tuple(response.headers), bytes(content))


def _media_type(fields: Iterable[tuple[bytes, bytes]]) -> str:
    values = (value.decode("latin-1") for name, value in fields if name.lower() == b"content-type")
    return next(values, "").partition(";")[0].strip().lower()


class _AnyAddress:
    """Takes each address: the operator named the host, and nothing that a server names is asked."""

    def choose(self, url: Url, addresses: Sequence[str]) -> list[str]:
        """Return the addresses to connect to."""
        if not addresses:
            raise OSError(0, f"the name {url.host} has no address")
        return list(dict.fromkeys(addresses))[:_MOST_ADDRESSES]


__all__ = ["RawClient", "RawRequest", "RawResponse"]
