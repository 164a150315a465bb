"""The guard in front of any ASGI application: Starlette, FastAPI, Litestar, Quart … on asyncio and trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from watchword.decision import SILENT, Decided, Granted, Hidden
from watchword.guard.guard import as_guard
from watchword.guard.handover import UNCHANGED, Handover, handover
from watchword.guard.hiding import path_of_nothing, path_of_preflight
from watchword.operation import Operation, arun, only_awaited
from watchword.refusal import grant_headers
from watchword.request import RequestView, escape_path, strip_mount

if TYPE_CHECKING:
    from watchword.decision import CacheAdvice, Decision, Refusing
    from watchword.guard import Guard
    from watchword.principal import Principal
    from watchword.refusal import Refusal

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY_VIOLATION = 1008  # RFC 6455 §7.4.1; before accept, servers turn any close into 403


class Auth:
    """What `request.auth` is: `scopes`, so that Starlette's own `@requires` works.

    Args:
        principal: who it is.
    """

    __slots__ = ("_principal",)

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    @property
    def scopes(self) -> list[str]:
        """The scopes of the principal, and `"authenticated"`, by which Starlette's examples ask for somebody."""
        return ["authenticated", *sorted(self._principal.scopes)] if self._principal.is_authenticated else []

    def __repr__(self) -> str:
        return f"Auth({self.scopes})"


class GuardMiddleware:
    """Puts a guard in front of an ASGI application.

    `scope["user"]` is the `Principal`, `scope["auth"].scopes` its scopes, `scope["watchword.decision"]` the decision. The
    lifespan passes; any other kind of connection but http and websocket is an error.

    Args:
        app: the application.
        guard: decides.

    Trust: `client` and `scheme` are taken from the server. Behind a proxy let the server set them, from that proxy alone.
    """

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app = app
        self.guard: Guard = as_guard(guard)
        self._shortcut = guard.shortcut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        kind = scope["type"]
        if kind != "http" and kind != "websocket":  # noqa: PLR1714 - a set would be built for every request
            if kind == "lifespan":
                await self.app(scope, receive, send)
                return
            raise ValueError(f"the guard serves http and websocket, and nothing passes it as {kind!r}")
        guard = self.guard
        root = scope.get("root_path", "")
        path = scope["path"]
        method = scope["method"] if kind == "http" else "GET"
        place = (guard, method, path)
        if type(scope["headers"]) is not list:
            # Any iterable may come, and it is read more than once.
            scope["headers"] = list(scope["headers"])
        if "watchword.guard" in scope and scope["watchword.guard"] == place:
            # This very guard has let this very request through, further out.
            await self.app(scope, receive, send)
            return
        raw_path = scope.get("raw_path") or None
        below = _below(path, root) if root else path
        mount = root if below != path else ""
        shortcut = self._shortcut
        if shortcut.open_to(scope.get("query_string", b"")):
            sent = shortcut.credentials(scope["headers"])
            granted = None if sent is None else shortcut.grant((method, below, raw_path, mount), sent)
            if granted is not None and granted.cache is SILENT:
                await self.app(_child(scope, place, granted, UNCHANGED), receive, send)
                return
        view = _view(scope, method, below, raw_path, mount)
        if guard.policy.form_limit and kind == "http":
            receive = _Content(receive)
            view.reader = receive.reader
        begun = guard.start(view)
        decision = begun if isinstance(begun, Decided) else await arun(begun)
        if kind == "websocket" and decision.afterwards is not None:
            send = _Opening(send, partial(guard.afinish, decision))
        try:
            await self._answer(scope, receive, send, decision, view, place)
        finally:
            if kind == "http":
                # Also where the application failed: who it was had logged in all the same.
                await guard.afinish(decision)

    async def _answer(  # noqa: PLR0917 - one request and what was decided about it
        self, scope: Scope, receive: Receive, send: Send, decision: Decision, view: RequestView, place: tuple[Guard, str, str]
    ) -> None:
        if not isinstance(decision, Granted):
            await self._refuse(scope, receive, send, decision, view)
            return
        policy = self.guard.policy
        taken = handover(policy, view)
        child = _child(scope, place, decision, taken)
        _move(child, view, path_of_preflight(policy, view))
        if decision.cache and view.kind == "http":
            send = partial(_advise, send, decision.cache)
        await self.app(child, _without_token(receive, taken), send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, decision: Refusing, view: RequestView) -> None:
        guard = self.guard
        refusal = guard.refuse(decision, view)
        if view.kind == "websocket":
            await _refuse_websocket(scope, receive, send, refusal)
        elif isinstance(decision, Hidden):
            await self._as_if_missing(scope, receive, send, decision, refusal, view)
        else:
            await _respond(send, "http.response", refusal)

    async def _as_if_missing(  # noqa: PLR0917 - one request and what was decided about it
        self, scope: Scope, receive: Receive, send: Send, decision: Refusing, refusal: Refusal, view: RequestView
    ) -> None:
        """Let the application answer for a path that nobody can have made: its own 404, and the hidden handler never runs."""
        path = path_of_nothing(self.guard.policy, view, decision.principal)
        if path is None:
            await _respond(send, "http.response", refusal)
            return
        taken = handover(self.guard.policy, view)
        child, receive = _child(scope, None, decision, taken), _without_token(receive, taken)
        _move(child, view, path)
        own: bool | None = None

        async def only_missing(message: Message) -> None:
            nonlocal own
            if message["type"] == "http.response.start" and own is None:
                own = message["status"] != refusal.status
                if own:
                    # The application answers every path: what is missing there cannot be imitated. It may not end soon.
                    await _respond(send, "http.response", refusal)
                else:
                    message = {**message, "headers": _no_store(message.get("headers", ()))}
            if own is False:
                await send(message)

        await self.app(child, receive, only_missing)
        if own is None:
            await _respond(send, "http.response", refusal)


def _below(path: str, root: str) -> str:
    """Return the path below the mount, as routers compute it; below a mount with a closing slash, one that the firewall refuses."""
    # There they disagree: of `/api/x` below `/api/` Starlette routes the whole, and others `x`, which is what is refused.
    bare = root.rstrip("/")
    if bare and bare != root and path.startswith(f"{bare}/"):
        return path[len(bare) :].lstrip("/")
    return strip_mount(path, root)


def _view(scope: Scope, method: str, path: str, raw_path: bytes | None, mount: str) -> RequestView:
    kind = scope["type"]
    client = scope.get("client")
    return RequestView.of_server(
        method=method,
        path=path,
        raw_path=raw_path,
        query=scope.get("query_string", b""),
        mount=mount,
        headers=scope["headers"],
        client=client[0] if client else None,
        scheme=scope.get("scheme", "http" if kind == "http" else "ws"),
        kind=kind,
    )


class _Content:
    """The content of a request, read ahead by the guard and handed to the application in one piece, as if it had come so."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read: list[Message] = []

    def reader(self, limit: int) -> Operation[bytes]:
        """Make the operation that reads up to the limit, and a message beyond."""
        return Operation(only_awaited, partial(self._ahead, limit))

    async def _ahead(self, limit: int) -> bytes:
        # One buffer: a client may send its octets one by one, or messages that hold none.
        content = bytearray()
        more = True
        while more and len(content) <= limit:
            message = await self._receive()
            if message["type"] != "http.request":
                self._read = [{"type": "http.request", "body": bytes(content), "more_body": True}, message]
                return b""
            content += message.get("body", b"")
            more = message.get("more_body", False)
        read = bytes(content)
        self._read = [{"type": "http.request", "body": read, "more_body": more}]
        return read

    def put(self, content: bytes) -> None:
        """Take this for the content in place of what was read, which was all of it."""
        self._read = [{"type": "http.request", "body": content, "more_body": False}]

    async def __call__(self) -> Message:
        return self._read.pop(0) if self._read else await self._receive()


def _without_token(receive: Receive, taken: Handover) -> Receive:
    """Hand over the content without the token that was in it, if there was one."""
    if taken.content is not None and isinstance(receive, _Content):
        receive.put(taken.content)
    return receive


class _Opening:
    """What sends the messages of a WebSocket: once the handshake is answered, what was left for after that is done.

    Not when the connection ends: that may be days later, and a password may be bound to it.
    """

    def __init__(self, send: Send, finish: Callable[[], Awaitable[None]]) -> None:
        self._send = send
        self._finish: Callable[[], Awaitable[None]] | None = finish

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        finish, self._finish = self._finish, None
        if finish is not None:
            await finish()


def _child(scope: Scope, place: tuple[Guard, str, str] | None, decision: Decision, taken: Handover) -> Scope:
    child = dict(scope)
    child["user"] = principal = decision.principal
    child["auth"] = Auth(principal)
    child["watchword.decision"] = decision
    child["watchword.guard"] = place
    if taken is not UNCHANGED:
        names = {name.encode() for name in taken.fields}
        headers = [(name, value) for name, value in scope["headers"] if name.lower().replace(b"_", b"-") not in names]
        if taken.cookies is not None:
            headers = [(name, value) for name, value in headers if name.lower() != b"cookie"] + [
                (b"cookie", taken.cookies.encode("latin-1"))
            ]
        if taken.content is not None:
            length = b"%d" % len(taken.content)
            headers = [(name, length if name.lower() == b"content-length" else value) for name, value in headers]
        child["headers"] = headers
        if taken.query is not None:
            child["query_string"] = taken.query
    return child


def _move(child: Scope, view: RequestView, path: str | None) -> None:
    """Ask the application for another path, if there is one, and let every guard further in decide about that."""
    if path is None:
        return
    child["path"] = view.mount.rstrip("/") + path
    child["raw_path"] = escape_path(child["path"])
    child["watchword.guard"] = None


async def _advise(send: Send, cache: CacheAdvice, message: Message) -> None:
    if message["type"] == "http.response.start":
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
        merged = grant_headers(cache, message["status"], given)
        # In lower case, as ASGI has it: HTTP/2 knows no other.
        message = {**message, "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in merged]}
    await send(message)


def _no_store(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() != b"cache-control"] + [(b"cache-control", b"no-store")]


@lru_cache(maxsize=256)
def _octets(field: tuple[str, str]) -> tuple[bytes, bytes]:
    """Return a field of a refusal as ASGI has it; nearly all of them are the same every time."""
    name, value = field
    return name.lower().encode("latin-1"), value.encode("latin-1")


async def _respond(send: Send, prefix: str, refusal: Refusal) -> None:
    headers = [_octets(field) for field in refusal.headers]
    await send({"type": f"{prefix}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": refusal.body})


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Refuse the handshake in HTTP where the server can, else by closing before accept; never accept first (decision D56)."""
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    extensions = scope.get("extensions") or {}
    if "websocket.http.response" in extensions:
        # The worker of granian 2.8.7 panics where a field name repeats in this response (`key.unwrap()` in its src/ws.rs): anybody
        # could end it with one handshake. It alone has `pathsend`; it gets the challenges in one line (RFC 9110 §11.6.1).
        one_line = "http.response.pathsend" in extensions
        await _respond(send, "websocket.http.response", replace(refusal, headers=_merged(refusal.headers)) if one_line else refusal)
    else:
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})


def _merged(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the fields with repeated ones joined (RFC 9110 §5.3)."""
    merged: dict[str, str] = {}
    for name, value in headers:
        merged[name] = f"{merged[name]}, {value}" if name in merged else value
    return [*merged.items()]
