"""Serves the applications that are measured from outside: `tests.support.servers` starts it in a process of its own.

`WATCHWORD_STORE` is the URL of a store with keys. Without it the callers are those of `bearer.TOKENS`, and `NAME` with `PASSWORD`.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from tests.benchmarks import wsgi as wsgi_bench
from tests.benchmarks.bearer import TOKENS, bare, guard, refuse
from watchword import APIKey, Basic, Bearer, Guard, Principal, public
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuardMiddleware
from watchword.checkers import APIKeys, PasswordHasher, Tokens, Users
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.adapters.asgi import ASGIApp, Receive, Scope, Send
    from watchword.adapters.wsgi import Environ, StartResponse, WSGIApp

NAME, PASSWORD = "ann", "correct horse battery staple"
PUBLIC = {"/healthz": public, "/page": public}

# A refusal is logged; what a terminal makes of that is not what is measured.
logging.getLogger("watchword").addHandler(logging.NullHandler())
logging.getLogger("watchword").propagate = False


def _guard() -> Guard:
    if url := os.environ.get("WATCHWORD_STORE"):
        return Guard(APIKey(APIKeys(SQLStore(url)), realm="r"), rules=PUBLIC)
    users = Users({NAME: PasswordHasher().hash(PASSWORD)})
    tokens = Tokens({token: Principal(name) for token, name in TOKENS.items()})
    return Guard(Basic(users, realm="r"), Bearer(tokens, realm="r"), rules=PUBLIC)


async def _page(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/page":
        # As a framework serves a file: in one of the threads that the application shares.
        await run_sync(Path(__file__).read_bytes)
    await bare(scope, receive, send)


async def _refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    await refuse(send, 401)


# What the same server serves without a guard, or behind that of `bearer`, to be compared.
_GUARDED = "/orders/7"
_ASGI: dict[str, ASGIApp] = {"/bare": bare, "/refused": _refuse, _GUARDED: GuardMiddleware(bare, guard())}
_WSGI: dict[str, WSGIApp] = {
    "/bare": wsgi_bench.bare,
    "/refused": lambda _, start_response: wsgi_bench.refuse(start_response, "401 Unauthorized"),
    _GUARDED: WSGIGuardMiddleware(wsgi_bench.bare, guard()),
}
_OTHERS = GuardMiddleware(_page, _guard())


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one connection."""
    await _ASGI.get(scope.get("path", ""), _OTHERS)(scope, receive, send)


def wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Serve one request."""
    return _WSGI.get(environ["PATH_INFO"], wsgi_bench.bare)(environ, start_response)
