"""Defines a request that was kept, as the server would get it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from watchword.errors import WatchwordError
from watchword.grammar import is_token
from watchword.request import RequestView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.request import Kind

_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_LONGEST_METHOD = 64


class UnreadableRequest(WatchwordError):
    """A kept request cannot be read. The message says what is wrong and what to do; it repeats no value of the request."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request that was kept.

    Args:
        method: the method.
        scheme: `http`, `https`, `ws` or `wss`; empty: unknown.
        authority: host and port, as in `Host`; empty: unknown.
        target: the request target, in origin form.
        headers: the fields as they were sent.
        content: the content; None: none was kept.
        status: the status that was answered; None: unknown.
        at: when it was sent, Unix seconds; None: unknown.
        notes: what could not be taken from the record, in sentences without secrets.
    """

    method: str
    scheme: str
    authority: str
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    status: int | None = None
    at: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_token(self.method) or len(self.method) > _LONGEST_METHOD:
            raise UnreadableRequest("the method is no token (RFC 9110 §9.1). Write one such as GET.")

    @property
    def path(self) -> str:
        """The path as sent, without the query, which may hold a token."""
        return self.target.partition("?")[0]

    def with_notes(self, notes: Sequence[str]) -> Recorded:
        """Return the same request with further notes.

        Args:
            notes: sentences without secrets.
        """
        return replace(self, notes=(*self.notes, *notes)) if notes else self

    def view(self, *, client: str | None = None, scheme: str | None = None, mount: str = "") -> RequestView:
        """Return the request as a guard sees it.

        Args:
            client: the address of the peer; None: unknown.
            scheme: the scheme of the connection; None: that of the record, and `https` where it states none.
            mount: the prefix under which the application is mounted.
        """
        scheme = scheme or self.scheme or "https"
        upgrade = "".join(value for name, value in self.headers if name.lower() == "upgrade")
        kind: Kind = "websocket" if scheme in {"ws", "wss"} or "websocket" in upgrade.lower() else "http"
        headers = [(name, value) for name, value in self.headers if not name.startswith(":")]
        if self.authority and not any(name.lower() == "host" for name, _ in headers):
            headers.insert(0, ("Host", self.authority))  # HTTP/2 and HTTP/3 send :authority in its place, and servers hand it on as Host
        return RequestView(self.method, self.target, headers, client, scheme, mount=mount, content=self.content, kind=kind)


def octets_of(text: str) -> bytes:
    """Return a text in UTF-8. Octets that are none come as surrogates from arguments and files (PEP 383), and go back as they were.

    Args:
        text: the text; untrusted.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, which an escape in JSON or in $'...' can make
        return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an absolute URL that a request needs.

    Args:
        scheme: `http`, `https`, `ws` or `wss`.
        authority: host and port, without the default port.
        target: path and query.
        userinfo: what stands before the `@`; None: nothing.
    """

    scheme: str
    authority: str
    target: str = field(repr=False)
    userinfo: str | None = field(default=None, repr=False)


def split_url(url: str) -> Address:
    """Split an absolute URL of HTTP.

    Args:
        url: the URL; untrusted.

    Raises:
        UnreadableRequest: it is not one.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise UnreadableRequest("the URL is malformed. Write one such as https://api.example.com/orders.") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host:
        raise UnreadableRequest("the URL must be http:// or https:// with a host. Write one such as https://api.example.com/orders.")
    userinfo, at, _ = parts.netloc.rpartition("@")
    host = f"[{host}]" if ":" in host else host
    authority = host if port is None or str(port) == _DEFAULT_PORTS[scheme] else f"{host}:{port}"
    # `urlsplit` drops an empty query, which curl sends.
    query = url.partition("#")[0].partition("?")
    return Address(scheme, authority, (parts.path or "/") + query[1] + query[2], userinfo if at else None)
