"""The protected application, the same for ASGI and for WSGI; served by every server of the suite and imported by nothing else.

Whatever the application answers carries `X-App: called`, so that a refusal can be told from it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher

from watchword import (
    ANONYMOUS,
    APIKey,
    APIKeyCredentials,
    Basic,
    Bearer,
    Guard,
    Principal,
    Unavailable,
    Verdict,
    network,
    optional,
    public,
    role,
    scope,
)
from watchword.adapters.asgi import GuardMiddleware as ASGIGuard
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuard
from watchword.checkers import Tokens, Users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.adapters.asgi import Receive, Scope, Send
    from watchword.adapters.wsgi import Environ, StartResponse

KEYS = Tokens({"key-job": Principal("job", kind="client")})


def check_key(credentials: APIKeyCredentials) -> Verdict:
    """Know one key; be unable to tell about another, and fall over a third."""
    if credentials.key == "key-outage":
        raise Unavailable("the key store does not answer", retry_after=7)
    if credentials.key == "key-bug":
        raise LookupError("a bug in this checker")
    return KEYS.check(credentials)


_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash

guard = Guard(
    Basic(
        Users(
            {"ann": _hash("s3cret"), "bob": _hash("pa:ss wörd")},
            principals={"ann": Principal("ann", roles={"admin"}, scopes={"orders:read"})},
        ),
        realm="office",
    ),
    Bearer(Tokens({"tok-ann": Principal("ann", scopes={"orders:read"}), "tok-bob": Principal("bob")}), realm="office"),
    APIKey(check_key, realm="office"),
    rules={
        "/healthz": public,
        "/": optional,
        "GET /orders": scope("orders:read"),
        "/admin/**": role("admin"),
        "/vault": role("root").hidden(),
        "/loop": network("127.0.0.0/8"),
        "/office": network("10.0.0.0/8"),
    },
)

PATHS = {"/", "/healthz", "/me", "/orders", "/admin", "/admin/users", "/vault", "/loop", "/office"}
_NOT_FOUND = b"There is nothing here.\n"


def _answer(path: str, who: Principal, facts: dict[str, Any]) -> tuple[int, bytes]:
    if path not in PATHS:
        return 404, _NOT_FOUND
    return 200, json.dumps({"who": who.id, "path": path, **facts}).encode()


class _Bare:
    """The ASGI application; it works only after a lifespan that reached it."""

    started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await receive()
            self.started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": scope["user"].id})
            # The client closes: hypercorn 0.18 on trio ends, the whole of it, where both sides close at the same time.
            await receive()
        else:
            length, more = 0, True
            while more:
                message = await receive()
                length += len(message.get("body", b""))
                more = message.get("more_body", False)
            names = {name.decode("latin-1").lower() for name, _ in scope["headers"]}
            facts = {"method": scope["method"], "length": length, "started": self.started, "told": "remote-user" in names}
            status, body = _answer(scope["path"], scope["user"], facts)
            headers = [(b"content-length", str(len(body)).encode()), (b"x-app", b"called")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})


def _bare_wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    length = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    told = "HTTP_REMOTE_USER" in environ or environ.get("REMOTE_USER", "") != environ["watchword.principal"].id
    facts = {"method": environ["REQUEST_METHOD"], "length": length, "started": True, "told": told}
    status, body = _answer(environ["PATH_INFO"], environ.get("watchword.principal", ANONYMOUS), facts)
    start_response(f"{status} Answered", [("Content-Length", str(len(body))), ("X-App", "called")])
    return [body]


asgi = ASGIGuard(_Bare(), guard)
wsgi = WSGIGuard(_bare_wsgi, guard)
