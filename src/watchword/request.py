"""Describes one request to the guard.

A view is made from what the server states, and never from `Host` or a URL rebuilt from it (threats P1). All of it is untrusted except
`client`, `scheme` and `mount`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from watchword.grammar import MAX_FIELD_OCTETS, MAX_FIELDS, MAX_NAME_OCTETS, MAX_TOKEN_OCTETS, Authorization, parse_authorization
from watchword.mount import split_at_mount
from watchword.networks import parse_address
from watchword.target import decode_path, escape_path, origin_form

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from watchword.content import ContentReader
    from watchword.credentials import Credentials
    from watchword.field_index import FieldIndex
    from watchword.peer import Forwarded, Peer

RawHeaders: TypeAlias = Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]
Kind: TypeAlias = Literal["http", "websocket"]

_LONGEST_MEDIA_TYPE = 256  # characters: a type and a subtype of 127 each at most (RFC 6838 §4.2), and the slash
_LONGEST_UPGRADE = 512  # octets: a client names one protocol or two


class RequestView:
    """One request (RFC 9110 §6).

    Custom servers construct it. The adapters use `of_server`.

    Args:
        method: the method, case-sensitive (RFC 9110 §9.1).
        target: the request target as sent, with the query: `"/orders/7?x=1"`, or in absolute form.
        headers: name and value pairs, str or bytes, in any letter case, repeated fields as repeated pairs; or a mapping.
        client: the peer's address as the server states it: `"192.0.2.7"`; None: unknown, such as a local socket.
        scheme: `"http"`, `"https"`, `"ws"` or `"wss"`, as the server states it.
        mount: the prefix under which the application is mounted; rules are compared with the path below it.
        path: the decoded path that the router of the application sees; None: decoded once from the target.
        content: the content of the request; needed only where a scheme reads it, as `Bearer(form=True)` does.
        kind: `"http"` or `"websocket"`.
        peer: facts about the connection, such as the client certificate; None: unknown.
    """

    __slots__ = (
        "_address",
        "_authorization",
        "aliases",
        "answers",
        "client",
        "connection",
        "content",
        "fields",
        "headers",
        "index",
        "kind",
        "method",
        "misplaced",
        "mount",
        "overflow",
        "parsed",
        "path",
        "peer",
        "query",
        "raw_path",
        "reader",
        "repeated",
        "request_id",
        "resolved",
        "scheme",
        "shown",
        "started",
        "stated",
        "whole",
    )

    connection: object
    """The connection as its interface has it, for schemes that stand over another library: an ASGI scope, or the request of Django. Set by
    those adapters alone."""
    headers: RawHeaders
    index: FieldIndex | None
    fields: dict[str, str | bytes]
    repeated: tuple[str, ...]
    aliases: tuple[str, ...]
    overflow: str
    content: bytes | None
    """The content, once it was read for a scheme."""
    reader: ContentReader | None
    peer: Peer | None
    """Facts about the connection, stated by the server, such as the client certificate; None: unknown."""
    resolved: bool
    """Whether the `proxies` step of the guard is done; set only by a guard that has one."""
    stated: tuple[object, Forwarded | None]
    """What such a step found out, and which one; set by it, or by an adapter that has called it already."""
    answers: dict[object, Any]
    """Answers of predicates in the current decision; set by the guard where the rule may have predicates."""
    parsed: dict[object, Any]
    """What requirements have read in the content, by their classes; set by the guard where the rule has such requirements."""
    request_id: str | None
    """The id of the request, made on first use; a custom server may set it before."""
    started: float
    """The start of the decision on the clock of `ticks()`; 0: it is not measured, because nobody takes the event."""
    shown: Credentials | None
    """The credentials that the guard verified last, to name them in events; None: none."""
    _authorization: Authorization | None
    _address: IPv4Address | IPv6Address | None

    def __init__(
        self,
        method: str,
        target: str = "/",
        headers: RawHeaders | Mapping[str, str] = (),
        client: str | None = None,
        scheme: str = "http",
        *,
        mount: str = "",
        path: str | None = None,
        content: bytes | None = None,
        kind: Kind = "http",
        peer: Peer | None = None,
    ) -> None:
        raw_path, _, query = target.partition("?")
        raw = raw_path.encode("utf-8", "surrogatepass")
        self.method: str = method
        self.raw_path: bytes | None = raw
        self.query: bytes = query.encode("utf-8", "surrogatepass")
        # There is one router, and the caller states its mount: a closing slash of the mount makes no difference.
        place = split_at_mount(decode_path(origin_form(raw)) if path is None else path, mount.rstrip("/"))
        self.path: str = place.path
        self.mount: str = mount if place.mount else ""
        self.whole: str | None = None
        self.misplaced: bool = place.misplaced
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        self.headers = pairs if isinstance(pairs, (list, tuple)) else cast("RawHeaders", list(pairs))
        self.client: str | None = client
        self.scheme: str = scheme
        self.content = content
        self.reader = None
        self.peer = peer
        self.kind = kind
        self.index = None
        self.request_id = None
        self.started = 0.0
        self.shown = None

    @classmethod
    def of_server(
        cls,
        *,
        method: str,
        path: str,
        raw_path: bytes | None,
        query: bytes,
        mount: str,
        headers: RawHeaders,
        client: str | None,
        scheme: str,
        kind: Kind = "http",
        whole: str | None = None,
        misplaced: bool = False,
        peer: Peer | None = None,
    ) -> RequestView:
        """Make a view from facts that a server has parsed; nothing is parsed again.

        Args:
            method: as above.
            path: decoded, without the mount prefix.
            raw_path: the undecoded path of the target, without the query; None: the server does not state it.
            query: undecoded, without the question mark.
            mount: as above.
            headers: as above; iterated at most once per guard.
            client: as above.
            scheme: as above.
            kind: as above.
            whole: the path with its mount, where the router may keep the mount: the rules of both paths must be met. None: it does not.
            misplaced: whether routers disagree about where the mount ends; see `watchword.mount`.
            peer: as above.

        Returns:
            The view.
        """
        view = cls.__new__(cls)
        view.method = method
        view.raw_path = raw_path
        view.query = query
        view.path = path
        view.mount = mount
        view.whole = whole
        view.misplaced = misplaced
        view.headers = headers
        view.client = client
        view.scheme = scheme
        view.content = None
        view.reader = None
        view.peer = peer
        view.kind = kind
        view.index = None
        view.request_id = None
        view.started = 0.0
        view.shown = None
        return view

    def scan_bounded(self, index: FieldIndex) -> None:
        """Scan as `scan` does. With more than `MAX_FIELDS` header fields no field is read, and `overflow` is set.

        Args:
            index: the names that matter.
        """
        if self.index is index:
            return
        headers = self.headers
        if not isinstance(headers, (list, tuple)):
            headers = self.headers = cast("Any", list(headers))
        if len(headers) > MAX_FIELDS:
            self.take(index, {}, overflow="too_many_fields")
        else:
            self.scan(index)

    def scan(self, index: FieldIndex) -> None:
        """Find the header fields that matter, in one pass; repeated ones are joined with a comma, as WSGI servers do.

        Where a name is longer than `MAX_NAME_OCTETS`, no field is kept, and `overflow` is set.

        Args:
            index: the names that matter. Scanning again with the same index does nothing.
        """
        if self.index is index:
            return
        fields: dict[str, str | bytes] = {}
        # Joined once at the end: joining each copy to those before it would cost quadratic time.
        repeated: dict[str, list[str | bytes]] = {}
        aliases: dict[str, None] = {}
        for raw, value in self.headers:
            if len(raw) > MAX_NAME_OCTETS:  # before the lookup, which would hash the whole name
                self.take(index, {}, overflow="long_field_name")
                return
            name = index[raw]
            if name is None:
                continue
            if name[0] == "?":
                aliases[name[1:]] = None
            elif name in fields:
                repeated.setdefault(name, [fields[name]]).append(value)
            else:
                fields[name] = value
        for name, values in repeated.items():
            fields[name] = _joined(values, _separator(name))
        self.take(index, fields, tuple(repeated), tuple(aliases))

    def take(
        self,
        index: FieldIndex,
        fields: dict[str, str | bytes],
        repeated: tuple[str, ...] = (),
        aliases: tuple[str, ...] = (),
        *,
        overflow: str = "",
    ) -> None:
        """Set the fields that matter, for an adapter that has looked them up.

        Args:
            index: the names that were looked up.
            fields: canonical name to value, repeated fields joined.
            repeated: the names that came more than once, as far as the server shows it.
            aliases: the names of which an alias came, with other characters in place of the hyphen.
            overflow: the bound that the header section breaks, as the firewall names it; then `fields` is empty. Empty: no bound.
        """
        self.index = index
        self.fields = fields
        self.repeated = repeated
        self.aliases = aliases
        self.overflow = overflow

    def use_forwarded(self, said: Forwarded) -> None:
        """Replace the facts about the connection to a trusted proxy with those that the proxy states.

        Args:
            said: the facts of the proxy.
        """
        self.client = said.client
        if hasattr(self, "_address"):
            del self._address  # of the proxy
        self.scheme = said.scheme or self.scheme
        self.peer = said.peer or self.peer

    def field(self, name: str) -> str | None:
        """Return a header field as text (ISO 8859-1, RFC 9110 §5.5), repeated ones joined with a comma, cookies with "; ".

        Args:
            name: lower case.

        Returns:
            The value; None: the field is absent. A field that the guard reads and no scheme does, such as Accept, is cut one octet beyond
            `MAX_FIELD_OCTETS`, because decoding megabytes takes milliseconds.
        """
        index = self.index
        if index is not None and name in index.names:
            value = self.fields.get(name)
            if value is not None and len(value) > MAX_FIELD_OCTETS and name in index.short:
                value = value[: MAX_FIELD_OCTETS + 1]
            return value.decode("latin-1") if isinstance(value, bytes) else value
        found = [_text(value) for raw, value in self.headers if _text(raw).lower() == name]
        return _separator(name).join(found) if found else None

    def carries(self, name: str) -> bool:
        """Tell whether a header field is present.

        Args:
            name: lower case.
        """
        index = self.index
        if index is not None and name in index.names:
            return name in self.fields
        return self.field(name) is not None

    @property
    def authorization(self) -> Authorization | None:
        """The credentials field, parsed once (RFC 9110 §11.6.2); None: the field is absent.

        Raises:
            GrammarError: the field breaks the grammar.
        """
        try:
            return self._authorization
        except AttributeError:
            value = (
                self.fields.get("authorization")
                if self.index is not None and "authorization" in self.index.names
                else self.field("authorization")
            )
            self._authorization = None if value is None else parse_authorization(value, limit=MAX_TOKEN_OCTETS)
            return self._authorization

    def use_authorization(self, value: Authorization | None) -> None:
        """Set the credentials field: a proxy guard reads `Proxy-Authorization` in place of `Authorization` (RFC 9110 §11.7.2)."""
        self._authorization = value

    @property
    def is_form(self) -> bool:
        """Whether the content is one form, and the method has content (RFC 6750 §2.2)."""
        if self.kind != "http" or self.method in {"GET", "HEAD"}:
            return False
        kind = (self.field("content-type") or "")[:_LONGEST_MEDIA_TYPE].partition(";")[0]
        return kind.strip().lower() == "application/x-www-form-urlencoded"

    @property
    def form(self) -> bytes:
        """The content, if it was read and is an ASCII form, the only one that may carry a token (RFC 6750 §2.2); else empty."""
        content = self.content
        return content if content and content.isascii() and self.is_form else b""

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The address of the peer, an IPv4 address mapped into IPv6 unwrapped; None where it is unknown or malformed."""
        try:
            return self._address
        except AttributeError:
            self._address = parse_address(self.client)
            return self._address

    @property
    def target(self) -> str:
        """The request target, undecoded; built from the path where the server does not state it."""
        path = (escape_path(self.mount + self.path) if self.raw_path is None else self.raw_path).decode("latin-1")
        return f"{path}?{self.query.decode('latin-1')}" if self.query else path

    @property
    def forwarded(self) -> Forwarded | None:
        """What a trusted proxy states about the request; None: no trusted proxy brought it, or nothing has asked yet."""
        return getattr(self, "stated", (None, None))[1]

    @property
    def is_handshake(self) -> bool:
        """Whether this opens a WebSocket, also where the server states plain http, as WSGI servers do (RFC 6455 §4.1).

        A long `Upgrade` counts as a handshake without a search: no script of a browser can set the field.
        """
        if self.kind == "websocket":
            return True
        upgrade = self.field("upgrade")
        return upgrade is not None and (len(upgrade) > _LONGEST_UPGRADE or "websocket" in upgrade.lower())

    @property
    def is_preflight(self) -> bool:
        """Whether this is a CORS preflight: OPTIONS with both `Origin` and `Access-Control-Request-Method` (WHATWG Fetch)."""
        return self.method == "OPTIONS" and self.kind == "http" and self.carries("origin") and self.carries("access-control-request-method")

    def __repr__(self) -> str:
        # The query and the headers may hold secrets.
        place = f"{self.method!r}, {(self.mount + self.path)!r}"
        return f"RequestView({place}, client={self.client!r}, scheme={self.scheme!r}, kind={self.kind!r})"


def _separator(name: str) -> str:
    # A cookie string may be split into several fields (RFC 9113 §8.2.3); all else is a list (RFC 9110 §5.3).
    return "; " if name == "cookie" else ","


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _joined(values: list[str | bytes], separator: str) -> str | bytes:
    octets = [value for value in values if isinstance(value, bytes)]
    return separator.encode().join(octets) if len(octets) == len(values) else separator.join(map(_text, values))
