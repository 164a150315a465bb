"""Reads a request from an ASGI scope, and changes a scope as the guard wants it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from watchword.adapters.proxied import KEY as PROXIED
from watchword.adapters.subprotocols import offering
from watchword.content import ContentInPieces, most_pieces
from watchword.decision import Hidden
from watchword.guard.forwarding import UNCHANGED
from watchword.mount import Place
from watchword.operation import Operation, only_awaited
from watchword.principal import ANONYMOUS
from watchword.request import RequestView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.decision import Decision
    from watchword.guard.forwarding import Forwarding
    from watchword.guard.outcome import Imitate
    from watchword.principal import Principal

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class Auth:
    """What `request.auth` is: `scopes`, so that Starlette's own `@requires` works.

    Args:
        principal: the caller.
    """

    __slots__ = ("_principal",)

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    @property
    def scopes(self) -> list[str]:
        """The scopes of the principal, and `"authenticated"`, by which Starlette's examples ask for a login."""
        return ["authenticated", *sorted(self._principal.scopes)] if self._principal.is_authenticated else []

    def __repr__(self) -> str:
        return f"Auth({self.scopes})"


_NO_SCOPES = Auth(ANONYMOUS)


def view_of(scope: Scope, method: str, where: Place | None) -> RequestView:
    """Return the request of a scope, as the guard sees it.

    Args:
        scope: of an http or websocket connection.
        method: the method; of a handshake GET.
        where: where the request lies; None: there is no mount.
    """
    kind = scope["type"]
    if where is None:
        where = Place(scope["path"])
    client = scope.get("client")
    view = RequestView.of_server(
        method=method,
        path=where.path,
        raw_path=scope.get("raw_path") or None,
        query=scope.get("query_string") or b"",
        mount=where.mount,
        headers=scope["headers"] if kind == "http" else offering(scope),
        client=client[0] if client else None,
        scheme=scope.get("scheme") or ("http" if kind == "http" else "ws"),
        kind=kind,
        whole=where.whole,
        misplaced=where.misplaced,
    )
    view.connection = scope
    if PROXIED in scope:
        view.stated = scope[PROXIED]
    return view


def tell(scope: Scope, decision: Decision) -> None:
    """Tell the application, and the middlewares around the guard, who the caller is. What others have put there is replaced."""
    principal, before = decision.principal, scope.get("watchword.decision")
    scope["watchword.decision"] = decision
    if decision.granted and scope.get("user") is principal and before is not None and before.granted and before.principal is principal:
        return  # as when a view demands more of the caller that was told already
    scope["user"] = principal
    scope["auth"] = Auth(principal) if decision.granted or isinstance(decision, Hidden) else _NO_SCOPES


def forward(scope: Scope, receive: Receive, taken: Forwarding) -> Receive:
    """Take out of a request what the application must not see.

    Returns:
        What the application reads the content by.
    """
    if taken is UNCHANGED:
        return receive
    _forget(scope)
    scope["headers"] = taken.headers(offering(scope) if taken.subprotocols else scope["headers"])
    if taken.subprotocols is not None:
        scope["subprotocols"] = list(taken.subprotocols)
    if taken.query is not None:
        scope["query_string"] = taken.query
    if taken.content == b"":
        return without_content(receive)
    if taken.content is not None and isinstance(receive, Content):
        receive.put(taken.content)
    return receive


def move(scope: Scope, imitate: Imitate) -> None:
    """Ask the application for another path, and let every guard further in decide about that."""
    scope["path"] = imitate.mount + imitate.path
    scope["raw_path"] = imitate.target
    scope["watchword.guard"] = None
    if imitate.is_preflight:
        scope["extensions"] = {name: value for name, value in (scope.get("extensions") or {}).items() if name != "tls"}


# What Litestar keeps of a connection beside what it has read of the request.
_NOT_READ: Final = frozenset(
    {
        *("_compat_ns", "csrf_token", "do_cache", "exception_handlers", "flash_messages", "is_cached", "log_context"),
        *("response_compressed", "response_started", "session_id"),
    }
)


def _forget(scope: Scope) -> None:
    """Let Litestar read the request anew: its layers around the guard keep what they have read, such as header fields, for its views."""
    kept = (scope.get("state") or {}).get("_ls_connection_state")
    if kept is not None:
        unread = type(kept)()
        for name in {*type(kept).__slots__} - _NOT_READ:
            setattr(kept, name, getattr(unread, name))


class Content:
    """The content of a request, read ahead by the guard and handed to the application in one piece, as if it had come so.

    Args:
        receive: of the connection.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read: list[Message] = []

    def reader(self, limit: int) -> Operation[bytes | None]:
        """Make the operation that reads up to the limit, and a message beyond."""
        return Operation(only_awaited, partial(self._ahead, limit))

    async def _ahead(self, limit: int) -> bytes | None:
        # One buffer: a client may send its octets one by one, or messages that hold none.
        content = bytearray()
        more = True
        pieces = 0
        while more and len(content) <= limit:
            pieces += 1
            if pieces > most_pieces(limit):
                raise ContentInPieces(f"more than {most_pieces(limit)} pieces")
            message = await self._receive()
            if message["type"] != "http.request":
                self._read = [{"type": "http.request", "body": bytes(content), "more_body": True}, message]
                return None
            content += message.get("body", b"")
            more = message.get("more_body", False)
        read = bytes(content)
        self._read = [{"type": "http.request", "body": read, "more_body": more}]
        return read

    def put(self, content: bytes) -> None:
        """Take this for the content in place of what was read, which was all of it."""
        self._read = [{"type": "http.request", "body": content, "more_body": False}]

    async def __call__(self) -> Message:
        """Receive the next message."""
        return self._read.pop(0) if self._read else await self._receive()


def without_content(receive: Receive) -> Receive:
    """Return what reads an empty content, and then that the client has gone, once it has."""
    begun = ended = False

    async def read() -> Message:
        nonlocal begun, ended
        if not begun:
            begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            if ended:
                return {"type": "http.disconnect"}
            ended = not message.get("more_body", False)

    return read


def as_text(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return header fields as text."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def as_octets(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return header fields as ASGI has them, in lower case: HTTP/2 knows no other."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
