"""The application that a browser visits: served by uvicorn for `test_browser.py`, and imported by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from watchword import Basic, Bearer, Guard, Principal, authenticated, public
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens, Users

if TYPE_CHECKING:
    from watchword.adapters.asgi import Receive, Scope, Send

_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    """Say who it is, over http and over a websocket."""
    if scope["type"] == "lifespan":
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": f"opened as {scope['user'].id}"})
        await receive()
        return
    body = f"<!doctype html><title>served</title><p>{scope['method']} as {scope['user'].id}".encode()
    headers = [(b"content-type", b"text/html"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


guard = Guard(
    Basic(Users({"ann": _hash("s3cret")}), realm="office"),
    Bearer(Tokens({"tok-bob": Principal("bob")}), subprotocol="bearer"),
    rules={"/healthz": public, "/any": authenticated.from_any_origin()},
)
asgi = GuardMiddleware(_application, guard)
