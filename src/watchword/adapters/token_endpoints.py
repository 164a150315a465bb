"""Serves the endpoints of an issuer as an ASGI or a WSGI application.

app = asgi_app(TokenEndpoints(issuer, APIKeys(store)))
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from watchword.adapters.environ import read_ahead, text
from watchword.adapters.scope import Content, as_octets
from watchword.errors import ConfigurationError
from watchword.issuing.endpoints import EndpointRequest
from watchword.operation import Operation, arun, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from watchword.adapters.environ import Environ
    from watchword.adapters.responses import StartResponse
    from watchword.adapters.scope import Receive, Scope, Send
    from watchword.issuing.endpoints import TokenEndpoints


def asgi_app(endpoints: TokenEndpoints) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return an ASGI application that serves the endpoints, on asyncio and trio.

    Args:
        endpoints: the endpoints.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        fields: list[tuple[bytes, bytes]] = list(scope["headers"])
        client = scope.get("client")
        request = EndpointRequest(
            method=scope["method"],
            path=scope["path"],
            authorization=[value for name, value in fields if name.lower() == b"authorization"],
            content_type=[value.decode("latin-1") for name, value in fields if name.lower() == b"content-type"],
            client=client[0] if client else None,
            reader=Content(receive).reader,
        )
        made = await arun(endpoints.responding(request))
        await send({"type": "http.response.start", "status": made.status, "headers": as_octets(made.headers)})
        await send({"type": "http.response.body", "body": made.body, "more_body": False})

    return app


def wsgi_app(endpoints: TokenEndpoints) -> Callable[[Environ, StartResponse], Iterable[bytes]]:
    """Return a WSGI application that serves the endpoints.

    Args:
        endpoints: the endpoints.

    Raises:
        ConfigurationError: the checker of their clients can only be awaited.
    """
    if endpoints.needs_loop:
        raise ConfigurationError(
            "WSGI has no event loop, and TokenEndpoints(clients) can only be awaited. Use asgi_app, or a plain function."
        )

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = EndpointRequest(
            method=environ["REQUEST_METHOD"],
            path=text(environ.get("SCRIPT_NAME", "")) + text(environ.get("PATH_INFO", "")),
            # One without a value is there, as in ASGI. Of the content type servers make an empty variable where there was none.
            authorization=[environ["HTTP_AUTHORIZATION"]] if "HTTP_AUTHORIZATION" in environ else (),
            content_type=[environ["CONTENT_TYPE"]] if environ.get("CONTENT_TYPE") else (),
            client=environ.get("REMOTE_ADDR") or None,
            reader=lambda limit: Operation(partial(read_ahead, environ, limit)),
        )
        made = run(endpoints.responding(request))
        start_response(f"{made.status} {HTTPStatus(made.status).phrase}", list(made.headers))
        return [made.body]

    return app


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
