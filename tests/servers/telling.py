"""Applications that tell what a server handed over, for ASGI and for WSGI; see test_handed_over.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# What stands for a program or an object of the server, and says nothing about the request.
_LEFT_OUT = ("asgi", "app", "state", "extensions", "wsgi.input", "wsgi.errors", "wsgi.file_wrapper")


def _told(handed_over: dict[str, Any]) -> bytes:
    kept = {name: value for name, value in handed_over.items() if name not in _LEFT_OUT and not name.startswith(("gunicorn", "werkzeug"))}
    if "headers" in kept:
        kept["headers"] = [(bytes(name), bytes(value)) for name, value in kept["headers"]]
    return repr({name: value for name, value in kept.items() if isinstance(value, (str, bytes, bool, list, tuple))}).encode()


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Tell."""
    while scope["type"] == "lifespan":
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
    body = _told(scope)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body)), (b"x-app", b"called")]})
    await send({"type": "http.response.body", "body": body})


def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Tell."""
    body = _told(environ)
    start_response("200 OK", [("Content-Length", str(len(body))), ("X-App", "called")])
    return [body]
