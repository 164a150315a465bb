"""The application behind the accounts, keys and tokens of a store and, below `/file`, behind a password file.

It is made anew in every process that serves it. `WATCHWORD_STORE` says where the store is, and `WATCHWORD_FOLDER` where the rest is
that tests and servers share: `users.htpasswd`, a journal of every hash, and the gates at which hashes wait.
`tests.support.served` sets these and the bounds of hashing.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections import Counter
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from tests.support.wire import basic
from watchword import APIKey, Basic, Bearer, Guard, RequestView, public
from watchword.adapters.asgi import GuardMiddleware as ASGIGuard
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuard
from watchword.checkers import Accounts, APIKeys, Htpasswd, OpaqueTokens, PasswordHasher
from watchword.protection.hash_limiter import HashLimiter
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from watchword import Principal
    from watchword.adapters.asgi import Message, Receive, Scope, Send
    from watchword.adapters.wsgi import Environ, StartResponse

FOLDER = Path(os.environ["WATCHWORD_FOLDER"])
EARLY = "early", "early"
"""Who has logged in before the server began to serve: in the parent process of the workers, where there is one."""


class Journal:
    """A file that every process of a server writes to, one whole line at a time.

    Args:
        path: where.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def note(self, *words: object) -> None:
        """Add a line."""
        os.write(self._file, (json.dumps([os.getpid(), *words]) + "\n").encode())


class Watched(PasswordHasher):
    """A hasher whose work is written down, and waits where its password says so: `verify/gate/…` or `hash/gate/…`.

    A gate is a file: whoever has locked it keeps it closed, and it opens with the end of that process at the latest.
    """

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.journal = Journal(FOLDER / f"journal-{os.environ['WATCHWORD_SERVER']}")

    def verify(self, hash: str, password: str | bytes) -> bool:  # noqa: A002 - the name of the argument
        """Verify, in its turn."""
        with self._watched("verify", password):
            return super().verify(hash, password)

    def hash(self, password: str | bytes) -> str:
        """Make a hash, in its turn."""
        with self._watched("hash", password):
            return super().hash(password)

    @contextmanager
    def _watched(self, step: str, password: str | bytes) -> Iterator[None]:
        text = password if isinstance(password, str) else password.decode()
        self.journal.note(step, "begins", text)
        try:
            where, _, gate = text.partition("/")
            if where == step:
                with (FOLDER / gate.partition("/")[0]).open() as file:
                    fcntl.flock(file, fcntl.LOCK_SH)
            yield
        finally:
            self.journal.note(step, "ends", text)


hasher = Watched()
limiter = HashLimiter(int(os.environ["WATCHWORD_LIMIT"]), queue=int(os.environ["WATCHWORD_QUEUE"]))
store = SQLStore(os.environ["WATCHWORD_STORE"], staleness=float(os.environ["WATCHWORD_STALENESS"]))
guard = Guard(
    Basic(Accounts(store, hasher=hasher, limiter=limiter), realm="orders"),
    Bearer(OpaqueTokens(store), realm="orders"),
    APIKey(APIKeys(store), realm="orders"),
    rules={"/healthz": public},
)
file_guard = Guard(Basic(Htpasswd(FOLDER / "users.htpasswd", hasher=hasher, limiter=limiter), realm="files"))

_early = guard.decide(RequestView("GET", "/me", [basic(*EARLY)]))
guard.finish(_early)

arrived: Counter[str] = Counter()
_counting = threading.Lock()


def _arrives(query: str) -> None:
    with _counting:
        arrived[query] += 1


def _counts() -> bytes:
    """What a test wants to know about this process."""
    with open("/proc/self/status") as status:  # noqa: PTH123 - it is no path of anybody's
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    with _counting:
        crowds = dict(arrived)
    return json.dumps({"running": limiter.running, "waiting": limiter.waiting, "peak_kib": peak, "arrived": crowds}).encode()


def _answer(who: Principal) -> bytes:
    return json.dumps({"who": who.id}).encode()


async def _bare_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await _send(send, _answer(scope["user"]))


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def _bare_wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    body = _answer(environ["watchword.principal"])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


_asgi, _asgi_file = ASGIGuard(_bare_asgi, guard), ASGIGuard(_bare_asgi, file_guard)
_wsgi, _wsgi_file = WSGIGuard(_bare_wsgi, guard), WSGIGuard(_bare_wsgi, file_guard)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one connection, and say which process does."""
    if scope["type"] == "lifespan":
        await _asgi(scope, receive, send)
        return

    async def signed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"x-pid", b"%d" % os.getpid())]}
        await send(message)

    if scope["path"] == "/counts":
        await _send(signed, _counts())
        return
    _arrives(scope["query_string"].decode())
    serve = partial(_asgi_file if scope["path"].startswith("/file") else _asgi, scope, receive, signed)
    await (_while_connected(serve, receive) if scope["query_string"].startswith(b"impatient") else serve())


async def _while_connected(serve: Callable[[], Awaitable[None]], receive: Receive) -> None:
    """Serve until the client has gone: what servers leave to the application, and what middleware with a time limit does."""
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(watch)
        await serve()
        group.cancel_scope.cancel()


def wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Serve one request, and say which process does."""

    def signed(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> object:
        return start_response(status, [*headers, ("X-Pid", str(os.getpid()))], *exc_info)

    if environ["PATH_INFO"] == "/counts":
        body = _counts()
        signed("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    _arrives(environ.get("QUERY_STRING", ""))
    return (_wsgi_file if environ["PATH_INFO"].startswith("/file") else _wsgi)(environ, signed)
