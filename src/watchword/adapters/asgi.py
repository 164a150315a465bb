"""The guard in front of any ASGI application: Starlette, FastAPI, Litestar, Quart … on asyncio and trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from watchword.adapters.application import check_arguments
from watchword.adapters.placing import Placing
from watchword.adapters.preflights import ask_asgi
from watchword.adapters.subprotocols import FIELD, offering, selecting
from watchword.clock import ticks
from watchword.decision import SILENT, Decided, Granted, Hidden
from watchword.guard.handover import UNCHANGED, Handover, handover
from watchword.guard.hiding import path_of_nothing
from watchword.guard.preflight import path_for_preflight
from watchword.mount import Place
from watchword.operation import Operation, arun, only_awaited
from watchword.principal import ANONYMOUS
from watchword.refusal import grant_headers
from watchword.request import MAX_PIECES, ContentInPieces, RequestView, canonical_name, escape_path

if TYPE_CHECKING:
    from watchword.decision import Decision, Refusing
    from watchword.guard import Guard
    from watchword.principal import Principal
    from watchword.refusal import Refusal

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# What this guard has let through, kept in the scope that it hands over: guard, method, mount, path and how that was placed.
Marker: TypeAlias = "tuple[Guard, str, str, str, Place | None]"

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


_NO_SCOPES = Auth(ANONYMOUS)


class GuardMiddleware:
    """Puts a guard in front of an ASGI application.

    `scope["user"]` is the `Principal`, `scope["auth"].scopes` its scopes, `scope["watchword.decision"]` the decision. The
    lifespan passes; any other kind of connection but http and websocket is an error.

    The same keys are set in the scope of the middlewares around the guard, for their logs: `user` also where the request was refused
    and the caller is known, `auth` without scopes then.

    Args:
        app: the application.
        guard: decides.
        mount: the prefix under which the application is served, such as `"/api"`; `""`: none. Neither the server nor a client moves
            it then. None: the `root_path` that the server states.

    Raises:
        ConfigurationError: the application is not an ASGI application, or sets another mount by itself.

    Trust: `client`, `scheme` and, without `mount`, `root_path` are taken from the server. Behind a proxy let the server set them, from that
    proxy alone. What stands outside the guard must not decide by what it finds in the scope.
    """

    def __init__(self, app: ASGIApp, guard: Guard, *, mount: str | None = None) -> None:
        self.guard: Guard = check_arguments(app, guard, "ASGI")
        self.app = app
        self._placing = Placing(app, self.guard.policy.rules, mount)
        self._fast_path = self.guard.fast_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901, PLR0915 - each call costs every request
        """Serve one connection.

        Raises:
            ConfigurationError: the application turns out to set a mount by itself.
        """
        placing = self._placing
        if not placing.inspected:
            placing.inspect()
        pinned = placing.pinned
        root = scope.get("root_path") or "" if pinned is None else pinned()
        kind = scope["type"]
        if kind != "http" and kind != "websocket":  # noqa: PLR1714 - a set would be built for every request
            if kind != "lifespan":
                raise ValueError(f"the guard serves http and websocket, and nothing passes it as {kind!r}")
            await self.app(scope, receive, send)
            return
        guard = self.guard
        path = scope["path"]
        method = scope["method"] if kind == "http" else "GET"
        where = None if pinned is None and not root else placing.place(scope, path, root)
        marker = (guard, method, root, path, where)
        if type(scope["headers"]) is not list:
            # Any iterable may come, and it is read more than once.
            scope["headers"] = list(scope["headers"])
        if scope.get("watchword.guard") == marker and (pinned is None or scope.get("root_path") == root):
            # This very guard has let this very request through, further out.
            await self.app(scope if placing.settled else placing.child(scope, root), receive, send)
            placing.settled = True
            return
        raw_path = scope.get("raw_path") or None
        fast_path = self._fast_path
        if kind == "http" and placing.settled and fast_path.open_to(scope.get("query_string", b"")):
            started = ticks() if guard.listens else 0.0
            sent = fast_path.credentials(scope["headers"])
            target = (method, path, raw_path, "") if where is None else where.target(method, raw_path)
            granted = None if sent is None or target is None else fast_path.grant(target, sent)
            if granted is not None and granted.cache is SILENT:
                _tell(scope, granted)
                if started:
                    view = _view(scope, method, where or Place(path), raw_path)
                    view.started = started
                    guard.conclude(granted, view)
                child = placing.child(scope, root)
                child["watchword.guard"] = marker
                await self.app(child, receive, send)
                return
        view = _view(scope, method, where or Place(path), raw_path)
        if guard.policy.content_readers and kind == "http":
            receive = _Content(receive)
            view.reader = receive.reader
        begun = guard.start(view)
        decision = begun if isinstance(begun, Decided) else await arun(begun)
        guard.conclude(decision, view)
        if kind == "websocket" and decision.after_response is not None:
            send = _Opening(send, partial(guard.afinish, decision))
        _tell(scope, decision)
        asks = isinstance(decision, (Granted, Hidden)) or guard.policy.cors_inside
        inner = placing.child(scope, root) if asks else scope
        try:
            await self._answer(inner, receive, send, decision, view, marker)
            placing.settled = placing.settled or decision.granted
        finally:
            if kind == "http":
                # Also where the application failed: who it was had logged in all the same.
                await guard.afinish(decision)

    async def _answer(  # noqa: PLR0917 - one request and what was decided about it
        self, scope: Scope, receive: Receive, send: Send, decision: Decision, view: RequestView, marker: Marker
    ) -> None:
        if not isinstance(decision, Granted):
            await self._refuse(scope, receive, send, decision, view)
            return
        policy = self.guard.policy
        taken = handover(policy, view)
        scope["watchword.guard"] = marker
        _leave_out(scope, taken)
        if view.kind == "websocket" and policy.markers:
            send = selecting(send, policy.markers, view)
        if decision.headers or (decision.cache and view.kind == "http"):
            send = partial(_advise, send, decision)
        await self.app(scope, _without_token(receive, taken), send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, decision: Refusing, view: RequestView) -> None:
        policy = self.guard.policy
        path = path_for_preflight(policy, view, decision)
        if path is None or self._placing.is_routed(scope):
            # Behind a router the handler of the real path would run, whatever the path.
            await self._deny(scope, receive, send, decision, view)
            return
        asked = self._placing.child(scope, scope.get("root_path") or "")
        _tell(asked, Granted(ANONYMOUS, decision.rule))
        _move(asked, view, path)
        await ask_asgi(self.app, policy, asked, receive, send, partial(self._deny, scope, receive, send, decision, view))

    async def _deny(self, scope: Scope, receive: Receive, send: Send, decision: Refusing, view: RequestView) -> None:
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
        if path is None or self._placing.is_routed(scope):
            # A middleware of a route, or of Litestar: the handler would run, whatever the path.
            await _respond(send, "http.response", refusal)
            return
        taken = handover(self.guard.policy, view)
        receive = _without_token(receive, taken)
        _leave_out(scope, taken)
        _move(scope, view, path)
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

        await self.app(scope, receive, only_missing)
        if own is None:
            await _respond(send, "http.response", refusal)


def _view(scope: Scope, method: str, where: Place, raw_path: bytes | None) -> RequestView:
    kind = scope["type"]
    client = scope.get("client")
    return RequestView.of_server(
        method=method,
        path=where.path,
        raw_path=raw_path,
        query=scope.get("query_string", b""),
        mount=where.mount,
        headers=scope["headers"] if kind == "http" else offering(scope),
        client=client[0] if client else None,
        scheme=scope.get("scheme", "http" if kind == "http" else "ws"),
        kind=kind,
        whole=where.whole,
        misplaced=where.misplaced,
    )


class _Content:
    """The content of a request, read ahead by the guard and handed to the application in one piece, as if it had come so."""

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
            if pieces > MAX_PIECES:
                raise ContentInPieces(f"more than {MAX_PIECES} pieces")
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


def _tell(scope: Scope, decision: Decision) -> None:
    """Tell the application, and the middlewares around the guard, who it is; whatever was there before is no word of this guard."""
    scope["user"] = principal = decision.principal
    scope["auth"] = Auth(principal) if decision.granted or isinstance(decision, Hidden) else _NO_SCOPES
    scope["watchword.decision"] = decision


def _leave_out(scope: Scope, taken: Handover) -> None:
    """Take out of a scope what the application must not see."""
    if taken is UNCHANGED:
        return
    names = set(map(canonical_name, taken.fields))
    headers = [(name, value) for name, value in scope["headers"] if canonical_name(name) not in names]
    if taken.cookies is not None:
        headers = [(name, value) for name, value in headers if name.lower() != b"cookie"] + [(b"cookie", taken.cookies.encode("latin-1"))]
    if taken.subprotocols is not None:
        scope["subprotocols"] = list(taken.subprotocols)
        headers = offering({"headers": [field for field in headers if field[0].lower() != FIELD], "subprotocols": taken.subprotocols})
    if taken.content is not None:
        length = b"%d" % len(taken.content)
        headers = [(name, length if name.lower() == b"content-length" else value) for name, value in headers]
    scope["headers"] = headers
    if taken.query is not None:
        scope["query_string"] = taken.query


def _move(scope: Scope, view: RequestView, path: str) -> None:
    """Ask the application for another path, and let every guard further in decide about that."""
    scope["path"] = view.mount + path
    scope["raw_path"] = escape_path(scope["path"])
    scope["watchword.guard"] = None


async def _advise(send: Send, decision: Granted, message: Message) -> None:
    """Add to the response, or to the answer of a handshake, what the guard has to say in it."""
    kind = message["type"]
    if kind in {"http.response.start", "websocket.accept", "websocket.http.response.start"}:
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
        advice = decision.cache if kind == "http.response.start" else SILENT
        merged = grant_headers(advice, message.get("status", 101), given, decision.headers)
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
