"""Serves the applications that are measured from outside: `tests.support.servers` starts it in a process of its own.

`WATCHWORD_STORE` is the URL of a store with keys. Without it the callers are those of `bearer.TOKENS`, and `NAME` with `PASSWORD`.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from tests.benchmarks.bearer import TOKENS
from watchword import APIKey, Basic, Bearer, Guard, Principal, public
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import APIKeys, PasswordHasher, Tokens, Users
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from watchword.adapters.asgi import Receive, Scope, Send

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


async def _bare(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/page":
        # As a framework serves a file: in one of the threads that the application shares.
        await run_sync(Path(__file__).read_bytes)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


asgi = GuardMiddleware(_bare, _guard())
