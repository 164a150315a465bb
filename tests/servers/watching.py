"""An application whose workers count together: the signals of all go to one file, by whichever process raises them.

`WATCHWORD_STORE` says where the store is, and `WATCHWORD_FOLDER` where the signals go, and how far the clock of the guard is off. A worker
that has refused `FILL` names answers 503 without asking its guard, so that no worker sees an attack whole.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.watching_bounds import FILL, LIMIT
from tests.support.command import CHEAP
from watchword import Basic, Guard, public
from watchword.adapters.asgi import GuardMiddleware as ASGIGuard
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuard
from watchword.checkers import Accounts
from watchword.signals import Signals
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword import AuthEvent
    from watchword.adapters.asgi import Receive, Scope, Send
    from watchword.adapters.wsgi import Environ, StartResponse
    from watchword.signals import Signal


folder = Path(os.environ["WATCHWORD_FOLDER"])
refused: dict[int, int] = {}  # by process


class Shifted:
    """The clock of the machine, set forward by as many seconds as a file has octets."""

    def now(self) -> float:
        """Return the present."""
        try:
            return time.time() + (folder / "shift").stat().st_size
        except FileNotFoundError:
            return time.time()


def told(signal: Signal) -> None:
    """Write a signal down, as one line."""
    line = json.dumps({**signal.as_dict(), "pid": os.getpid()}) + "\n"
    file = os.open(folder / "signals", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(file, line.encode())
    os.close(file)


def counted(event: AuthEvent) -> None:
    """Count what this worker refuses."""
    if event.reason is not None:
        refused[os.getpid()] = refused.get(os.getpid(), 0) + 1


store = SQLStore(os.environ["WATCHWORD_STORE"])
guard = Guard(
    Basic(Accounts(store, hasher=CHEAP), realm="orders"),
    rules={"/healthz": public},
    clock=Shifted(),
    event_key=b"the same in all workers, 32 octs",
    on_event=[counted, Signals(told, store=store, names=LIMIT, window=600, every=0.1)],
)


def _is_full() -> bool:
    return refused.get(os.getpid(), 0) >= FILL


def _fields() -> list[tuple[str, str]]:
    return [("Content-Length", "2"), ("X-Pid", str(os.getpid()))]


def _bare_wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", _fields())
    return [b"ok"]


_guarded_wsgi = WSGIGuard(_bare_wsgi, guard)


def wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer, unless this worker is full and it is an attack."""
    if environ["PATH_INFO"] == "/attacked" and _is_full():
        start_response("503 Full", _fields())
        return [b"no"]
    return _guarded_wsgi(environ, start_response)


async def _bare_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    await _send(send, 200, b"ok")


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in _fields()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_guarded_asgi: Any = ASGIGuard(_bare_asgi, guard)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, unless this worker is full and it is an attack."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["path"] == "/attacked" and _is_full():
        await _send(send, 503, b"no")
    else:
        await _guarded_asgi(scope, receive, send)
