"""Fetches documents over https, within bounds, from addresses that may be reached.

Each exchange has a connection of its own, which is closed at its end. So nothing is shared between processes, threads and event loops, and
no connection that the server has closed meanwhile turns into an outage.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from watchword.errors import ConfigurationError
from watchword.fetching.addresses import Reach, resolve_by_system
from watchword.fetching.given import Given
from watchword.fetching.request import Request
from watchword.operation import Operation, only_awaited
from watchword.url import Url
from watchword.validators import check_methods, check_number, check_type, check_whole, invalid

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping, Sequence

    from watchword.fetching.addresses import Resolver
    from watchword.fetching.answer import Fetched

LIMIT: Final = 1 << 20
"""The default of the longest content, in octets. The key sets of large providers have 20 KiB."""

TIMEOUT: Final = 5.0
"""The default of the time for an exchange, in seconds."""

_LONGEST_TIMEOUT: Final = 60.0
_GREATEST_LIMIT: Final = 16 << 20
_FIELDS: Final = {"User-Agent": "watchword", "Accept-Encoding": "identity"}


class _Exchanging(Protocol):
    blocks: bool
    awaits: bool

    def exchange(self, request: Request) -> Fetched: ...

    async def aexchange(self, request: Request) -> Fetched: ...


class Fetcher:
    """Fetches small documents, for key sets and introspection.

    https alone, but on this machine. No redirects, no cookies, no `.netrc`, no proxy from the environment, no compression. A name is
    resolved once, all its addresses must be public or allowed, and the connection goes to one of them.

    Args:
        timeout: seconds for a whole exchange, from resolving the name to the last octet.
        limit: the longest content of an answer, in octets.
        allow: networks that are not public and may be connected to all the same, such as `["10.0.0.0/8"]`. Addresses of this machine
            need none if the URL names it, such as `http://localhost:8080`.
        tls: checks the certificates of servers; None: the authorities of the system do.
        client: an HTTP client to ask through, such as `httpx2.Client(proxy=...)` or `httpx.AsyncClient()`: for a proxy, or to keep
            connections. It resolves names by itself, so `allow` and `tls` cannot be given with it; and it is not closed. An async client
            serves event loops alone, and one event loop.
        resolve: returns the addresses of a host and a port; it may block. None: the system does.

    Raises:
        ConfigurationError: an argument is out of bounds, or the package for HTTP is not installed.

    Trust: URLs come from the operator. Answers are untrusted.
    """

    def __init__(
        self,
        *,
        timeout: float = TIMEOUT,
        limit: int = LIMIT,
        allow: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        client: Any = None,  # noqa: ANN401 - of several libraries
        resolve: Resolver | None = None,
    ) -> None:
        self._timeout = check_number("Fetcher(timeout=...)", timeout, above=True, most=_LONGEST_TIMEOUT)
        self._limit = check_whole("Fetcher(limit=...)", limit, least=1, most=_GREATEST_LIMIT, unit="octets")
        reach = Reach("Fetcher(allow=...)", allow)
        if client is not None and (tuple(allow) or tls is not None or resolve is not None):
            raise ConfigurationError("Fetcher(client=...) connects by itself. Give allow, tls and resolve to that client, not here.")
        self._exchanging: _Exchanging = _direct(reach, tls, resolve) if client is None else Given("Fetcher(client=...)", client)

    @property
    def timeout(self) -> float:
        """Seconds for a whole exchange."""
        return self._timeout

    @property
    def is_async_only(self) -> bool:
        """Whether it serves event loops alone, because the client does."""
        return not self._exchanging.blocks

    @property
    def is_blocking_only(self) -> bool:
        """Whether an event loop needs a thread for it, because the client blocks."""
        return not self._exchanging.awaits

    def get(self, url: Url, *, accept: str = "application/json") -> Operation[Fetched]:
        """Return the operation that fetches a document.

        Args:
            url: of `configured_url` or `linked_url`.
            accept: the media types that are wanted.

        Returns:
            The operation. It raises `Unavailable` where there is no whole answer. Any status but a redirect is an answer.
        """
        return self._operation("GET", url, {"Accept": accept}, b"")

    def post_form(
        self, url: Url, form: Sequence[tuple[str, str]], *, fields: Mapping[str, str] | None = None, accept: str = "application/json"
    ) -> Operation[Fetched]:
        """Return the operation that posts a form (application/x-www-form-urlencoded).

        Args:
            url: as above.
            form: names and values, which may be secrets.
            fields: further header fields, such as Authorization.
            accept: the media types that are wanted.
        """
        from urllib.parse import urlencode  # on first use: half of the time of an import

        sent = {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded", **(fields or {})}
        return self._operation("POST", url, sent, urlencode(form).encode("ascii"))

    def _operation(self, method: str, url: Url, fields: Mapping[str, str], content: bytes) -> Operation[Fetched]:
        check_type("Fetcher: url", url, Url, 'configured_url("...", "https://...")')
        request = Request(method, url, {**_FIELDS, **fields}, content, self._timeout, self._limit)
        by = self._exchanging
        return Operation(
            partial(by.exchange, request) if by.blocks else only_awaited, partial(by.aexchange, request) if by.awaits else None
        )

    def __repr__(self) -> str:
        return f"Fetcher(timeout={self._timeout:g}, limit={self._limit})"


def _direct(reach: Reach, tls: ssl.SSLContext | None, resolve: Resolver | None) -> _Exchanging:
    if resolve is not None:
        check_methods("Fetcher(resolve=...)", resolve, "be a function of a host and a port", "__call__")
    if tls is not None:
        import ssl

        if not isinstance(tls, ssl.SSLContext):
            raise invalid("Fetcher(tls=...)", "be an ssl.SSLContext, such as ssl.create_default_context(cafile=...)", tls)
    try:
        module = import_module("watchword.fetching.direct")
    except ImportError as error:
        raise ConfigurationError(
            f"fetching needs the package {error.name}, which is not installed: pip install 'watchword[http]'. Or give Fetcher(client=...)."
        ) from None
    made: _Exchanging = module.Direct(resolve_by_system if resolve is None else resolve, reach, tls)
    return made


__all__ = ["LIMIT", "TIMEOUT", "Fetcher"]
