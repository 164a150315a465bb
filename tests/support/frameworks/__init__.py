"""The same small application in every framework that has an adapter of its own, for tests that ask all of them the same.

Each module has `application(guard, views)`: an application whose views say who the caller is. It has the paths of `PATHS`, which rules
decide about, and those of `views`, which demand something of their own.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from threading import Barrier
from typing import TYPE_CHECKING, Any, Literal, Protocol

import anyio

from tests.support.by_aiohttp import Wire, exchanged, octets, parsed
from tests.support.drive import Answer
from tests.support.people import RULES
from tests.support.wire import asgi_scope, incoming, wsgi_environ

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from tests.support.wire import Pairs, Request
    from watchword import Guard, Requirement

METHODS = ["GET", "POST"]
PATHS = sorted({pattern.rpartition(" ")[2] for pattern in RULES} | {"/elsewhere"})


class Site(Protocol):
    """One application, as long as it is entered."""

    async def __call__(self, request: Request) -> Answer:
        """Send a request."""


class Framework(Protocol):
    """One module of this package."""

    INTERFACE: Literal["asgi", "wsgi", "aiohttp"]

    def application(self, guard: Guard, views: Mapping[str, Requirement]) -> AbstractContextManager[Any]:
        """Return the application, as a server takes it."""


FRAMEWORKS = ("starlette", "fastapi", "flask", "quart", "litestar", "django_wsgi", "django_asgi", "drf", "aiohttp")


def framework(name: str) -> Framework:
    """Return the module of a framework.

    Args:
        name: of `FRAMEWORKS`.
    """
    module: Framework = import_module(f"{__name__}.{name}")
    return module


@asynccontextmanager
async def site(name: str, guard: Guard, views: Mapping[str, Requirement]) -> AsyncIterator[Site]:
    """Return the application behind what stands for its server.

    Args:
        name: of `FRAMEWORKS`.
        guard: decides.
        views: the demands of views, by their paths.
    """
    module = framework(name)
    with module.application(guard, views) as app:

        async def ask(request: Request) -> Answer:
            return await _ASK[module.INTERFACE](app, request)

        yield ask


async def ask_asgi(app: Any, request: Request) -> Answer:
    """Send a request to an ASGI application.

    Args:
        app: the application.
        request: the request.
    """
    messages, sent, complete = incoming(request), list[dict[str, Any]](), anyio.Event()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        # The client stays, and Django listens for its end meanwhile. Quart 0.23 ends when it hears of the end of the response.
        await complete.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(dict(message))
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            complete.set()

    await app(asgi_scope(request), receive, send)
    started = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(started["status"], _text(started.get("headers", ())), body, None, sent)


def ask_wsgi(app: Any, request: Request) -> Answer:
    """Send a request to a WSGI application.

    Args:
        app: the application.
        request: the request.
    """
    started: list[tuple[str, Pairs]] = []
    result = app(wsgi_environ(request), lambda status, headers, exc_info=None: started.append((status, headers)))
    try:
        body = b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    status, headers = started[-1]
    return Answer(int(status[:3]), [(name.lower(), value) for name, value in headers], body, None)


async def _ask_in_thread(app: Any, request: Request) -> Answer:
    return await anyio.to_thread.run_sync(ask_wsgi, app, request)


async def _ask_aiohttp(app: Any, request: Request) -> Answer:
    wire = await exchanged(app, octets(request), Wire(request.client, tls=request.scheme == "https"))
    return parsed(bytes(wire.written), head=request.method == "HEAD")


_ASK = {"asgi": ask_asgi, "wsgi": _ask_in_thread, "aiohttp": _ask_aiohttp}


def _text(headers: Iterable[tuple[bytes, bytes]]) -> Pairs:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]


class Meeting:
    """Where the views of many requests wait until all of them run, each in a thread or a task of its own.

    Args:
        count: how many there are.
    """

    def __init__(self, count: int) -> None:
        self.took_place = False
        self._barrier = Barrier(count, timeout=60)
        self._missing = count
        self._complete = anyio.Event()

    def wait(self) -> None:
        """Wait in a thread."""
        self._barrier.wait()
        self.took_place = True

    async def awaited(self) -> None:
        """Wait in a task."""
        self._missing -= 1
        if not self._missing:
            self.took_place = True
            self._complete.set()
        await self._complete.wait()


_meetings: list[Meeting] = []


@contextmanager
def meeting(count: int) -> Iterator[Meeting]:
    """Let the views of all applications wait for each other.

    Args:
        count: how many views wait.
    """
    _meetings.append(Meeting(count))
    try:
        yield _meetings[-1]
    finally:
        _meetings.pop()


def told(who: Callable[[], str]) -> str:
    """Return what a view says.

    Args:
        who: returns the id of the caller.
    """
    before = who()
    for one in _meetings:
        one.wait()
    return _agreed(before, who())


async def told_later(who: Callable[[], str]) -> str:
    """Do as `told` does, in a task.

    Args:
        who: as in `told`.
    """
    before = who()
    for one in _meetings:
        await one.awaited()
    return _agreed(before, who())


def _agreed(before: str, after: str) -> str:
    return before if before == after else f"{before}, and then {after}"


__all__ = [
    "FRAMEWORKS",
    "METHODS",
    "PATHS",
    "Framework",
    "Meeting",
    "Site",
    "ask_asgi",
    "ask_wsgi",
    "framework",
    "meeting",
    "site",
    "told",
    "told_later",
]
