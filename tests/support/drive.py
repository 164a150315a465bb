"""One request, described once (see `wire.py`), through the ASGI middleware, the WSGI middleware and the bare guard: no server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import anyio

from tests.support.wire import Pairs, Request, asgi_scope, basic, bearer, incoming, request_view, wsgi_environ
from watchword import ANONYMOUS, Decision, Guard, Principal, RequestView
from watchword.adapters.asgi import GuardMiddleware as ASGIGuardMiddleware
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuardMiddleware

App: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the application behind the guard answers."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain"),)
    body: bytes = b"served"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the application was called with.

    Args:
        principal: as handed over.
        decision: as handed over.
        method: the method.
        path: the decoded path as its router would see it, below the mount.
        query: undecoded.
        headers: names in lower case, repeated fields joined with a comma; sorted.
        body: all that it could read.
        scheme: as handed over.
    """

    principal: Principal
    decision: Decision
    method: str = ""
    path: str = ""
    query: str = ""
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    scheme: str = ""

    def carries(self, name: str) -> bool:
        """Whether a field reached the application."""
        return any(name == sent for sent, _ in self.headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        status: the status; of a websocket 101 if it was accepted, and 403 if it was closed before, as servers make of it.
        headers: in the order sent, names in lower case.
        body: the content.
        seen: what the application was called with; None: it was not called.
        messages: the ASGI messages sent.
        received: how often ASGI's `receive` was awaited by the guard before the application was called or the answer sent.
        environ: the WSGI environ as the application got it.
    """

    status: int
    headers: Pairs
    body: bytes
    seen: Seen | None
    messages: list[dict[str, Any]] = field(default_factory=list)
    received: int = 0
    environ: dict[str, Any] = field(default_factory=dict)

    @property
    def called(self) -> bool:
        """Whether the application was called."""
        return self.seen is not None

    @property
    def principal(self) -> Principal | None:
        """Who the application was told it is; None: it was not called."""
        return None if self.seen is None else self.seen.principal

    def all(self, name: str) -> list[str]:
        """The values of a field, a line each."""
        return [value for given, value in self.headers if given == name.lower()]

    def one(self, name: str) -> str | None:
        """The value of a field that is there once or not at all."""
        found = self.all(name)
        if len(found) > 1:
            raise AssertionError(f"{name} came {len(found)} times: {found}")
        return found[0] if found else None

    @property
    def challenges(self) -> list[str]:
        """The values of WWW-Authenticate, a line each."""
        return self.all("www-authenticate")


class Driver(Protocol):
    """One way through the guard."""

    def __call__(self, request: Request) -> Answer:
        """Send a request."""

    async def awaited(self, request: Request) -> Answer:
        """Send a request from within an event loop."""


class ByASGI:
    """Through the ASGI middleware.

    Args:
        guard: decides.
        reply: what the application answers.
        app: an application of one's own, in place of the one that records what it sees.
        server: makes the scope, in place of a server that does as it should.
        loop: whether the application needs an event loop; it is taken to, where it is one's own.
    """

    def __init__(
        self,
        guard: Guard,
        reply: Reply = Reply(),
        *,
        app: App | None = None,
        server: Callable[[Request], dict[str, Any]] = asgi_scope,
        loop: bool | None = None,
    ) -> None:
        self._reply = reply
        self._app = app
        self._server = server
        self._seen: Seen | None = None
        self._received = 0
        self._guard_received = 0
        self._needs_loop = (app is not None if loop is None else loop) or any(
            entry.checker.direct is None for entry in guard.policy.entries
        )
        self.middleware = ASGIGuardMiddleware(self._serve, guard)

    def __call__(self, request: Request) -> Answer:
        """Send a request; without an event loop where nothing needs one, which is a hundred times as fast."""
        if self._needs_loop:
            return anyio.run(self.awaited, request)
        steps = self.awaited(request)
        try:
            steps.send(None)
        except StopIteration as end:
            return end.value
        steps.close()
        raise AssertionError("something waited although nothing had to")

    async def awaited(self, request: Request) -> Answer:
        """Send a request from within an event loop."""
        self._seen = None
        self._received = self._guard_received = 0
        messages = incoming(request)
        sent: list[dict[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            self._received += 1
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(dict(message))

        await self.middleware(self._server(request), receive, send)
        received = self._received if self._seen is None else self._guard_received
        status, headers, body = _outcome(sent)
        return Answer(status, headers, body, self._seen, sent, received)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        self._guard_received = self._received
        path = scope["path"]
        mount = scope.get("root_path", "")
        self._seen = Seen(
            principal=scope["user"],
            decision=scope["watchword.decision"],
            method=scope.get("method", "GET"),
            path=path.removeprefix(mount) if mount else path,
            query=scope["query_string"].decode("latin-1"),
            headers=_joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
            body=b"" if self._app is not None else await _content(scope, receive),
            scheme=scope["scheme"],
        )
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self._reply.headers]
            await send({"type": "http.response.start", "status": self._reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self._reply.body})


class ByWSGI:
    """Through the WSGI middleware.

    Args:
        guard: decides.
        reply: what the application answers.
        app: an application of one's own, in place of the one that records what it sees.
        server: makes the environ, in place of a server that does as it should.
    """

    def __init__(
        self, guard: Guard, reply: Reply = Reply(), *, app: App | None = None, server: Callable[[Request], dict[str, Any]] = wsgi_environ
    ) -> None:
        self._reply = reply
        self._app = app
        self._server = server
        self._seen: Seen | None = None
        self._environ: dict[str, Any] = {}
        self.middleware = WSGIGuardMiddleware(self._serve, guard)

    def __call__(self, request: Request) -> Answer:
        """Send a request."""
        self._seen = None
        self._environ = {}
        started: list[tuple[str, Pairs]] = []
        written: list[bytes] = []

        def start_response(status: str, headers: Pairs, exc_info: Any = None) -> Callable[[bytes], object]:
            started.append((status, headers))
            return written.append

        result = self.middleware(self._server(request), start_response)
        try:
            body = b"".join(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        status, headers = started[-1]
        lower = [(name.lower(), value) for name, value in headers]
        return Answer(int(status[:3]), lower, b"".join(written) + body, self._seen, environ=self._environ)

    async def awaited(self, request: Request) -> Answer:
        """Send a request; WSGI waits for nothing."""
        return self(request)

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self._environ = environ
        prefixed = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
        plain = [(name.replace("_", "-"), environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)]
        self._seen = Seen(
            principal=environ["watchword.principal"],
            decision=environ["watchword.decision"],
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
            query=environ["QUERY_STRING"],
            headers=_joined([*prefixed, *plain]),
            body=b"" if self._app is not None else environ["wsgi.input"].read(),
            scheme=environ["wsgi.url_scheme"],
        )
        if self._app is not None:
            served: Iterable[bytes] = self._app(environ, start_response)
            return served
        start_response(f"{self._reply.status} Whatever", list(self._reply.headers))
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [self._reply.body]


class ByHand:
    """Through the bare guard, as a server of one's own would ask it. What it grants has status 200 and no headers.

    Args:
        guard: decides.
        reply: taken for the sake of the others; there is no application.
    """

    def __init__(self, guard: Guard, reply: Reply = Reply()) -> None:
        self._guard = guard

    def __call__(self, request: Request) -> Answer:
        """Send a request."""
        view = request_view(request)
        return self._answer(self._guard.decide(view), view)

    async def awaited(self, request: Request) -> Answer:
        """Send a request from within an event loop."""
        view = request_view(request)
        return self._answer(await self._guard.adecide(view), view)

    def _answer(self, decision: Decision, view: RequestView) -> Answer:
        if decision.granted:
            seen = Seen(decision.principal, decision, view.method, view.path, view.query.decode("latin-1"))
            return Answer(101 if view.kind == "websocket" else 200, [], b"", seen)
        refusal = self._guard.refuse(decision, view)
        return Answer(refusal.status, [(name.lower(), value) for name, value in refusal.headers], refusal.body, None)


Through: TypeAlias = type[ByASGI | ByWSGI | ByHand]
Behind: TypeAlias = type[ByASGI | ByWSGI]

DRIVERS: dict[str, Through] = {"asgi": ByASGI, "wsgi": ByWSGI, "guard": ByHand}
"""Every way through the guard, by name."""

ADAPTERS: dict[str, Behind] = {"asgi": ByASGI, "wsgi": ByWSGI}
"""The ways that have an application behind them."""


def who(answer: Answer) -> str:
    """Return the id that the application was told; empty for an anonymous caller, `-` where it was not called."""
    if answer.principal is None:
        return "-"
    return "" if answer.principal is ANONYMOUS else answer.principal.id


async def _content(scope: Any, receive: Any) -> bytes:
    if scope["type"] != "http":
        await receive()
        return b""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _outcome(sent: list[dict[str, Any]]) -> tuple[int, Pairs, bytes]:
    kinds = [message["type"] for message in sent]
    if kinds == ["websocket.close"]:
        return 403, [], b""
    if kinds == ["websocket.accept"]:
        return 101, [], b""
    if not kinds or not kinds[0].endswith("http.response.start") or any(not kind.endswith("http.response.body") for kind in kinds[1:]):
        raise AssertionError(f"no response in ASGI: {kinds}")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0].get("headers", ())]
    if any(name != name.lower() for name, _ in headers):
        raise AssertionError(f"names of ASGI headers are in lower case: {headers}")
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


def _joined(fields: Iterable[tuple[str, str]]) -> Pairs:
    merged: dict[str, str] = {}
    for name, value in fields:
        lower = name.lower()
        merged[lower] = f"{merged[lower]},{value}" if lower in merged else value
    return sorted(merged.items())


__all__ = [
    "ADAPTERS",
    "DRIVERS",
    "Answer",
    "Behind",
    "ByASGI",
    "ByHand",
    "ByWSGI",
    "Driver",
    "Reply",
    "Request",
    "Seen",
    "Through",
    "asgi_scope",
    "basic",
    "bearer",
    "request_view",
    "who",
    "wsgi_environ",
]
