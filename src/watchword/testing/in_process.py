"""Asks an application within this process, by ASGI or by WSGI: no server, no socket."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio.lowlevel import checkpoint

from watchword.client import ResponseView
from watchword.clock import SystemClock
from watchword.probe import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.probe import Ask, Transport

_LIMIT: Final = 1 << 20  # octets of content that are kept
_CLIENT: Final = ("127.0.0.1", 49_152)


@contextmanager
def asked_in_process(app: Any, *, asgi: bool, timeout: float) -> Iterator[Transport]:  # noqa: ANN401 - of any framework
    """Yield a transport that asks an application.

    An ASGI application runs on an event loop of its own, in another thread, between the messages of its lifespan.

    Args:
        app: the application.
        asgi: whether it is called by ASGI; else by WSGI.
        timeout: seconds for an exchange by ASGI, and for each of its start and its end.
    """
    if not asgi:
        yield lambda ask: _by_wsgi(app, ask)
        return
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_Lifespan(app, timeout)):
        yield lambda ask: portal.call(_by_asgi, app, ask, timeout)


class _Lifespan:
    """Sends the messages of the lifespan. An application that knows none raises, or returns, and is asked all the same."""

    def __init__(self, app: Any, seconds: float) -> None:  # noqa: ANN401 - of any framework
        self._app = app
        self._seconds = seconds

    async def __aenter__(self) -> None:
        self._tasks = await anyio.create_task_group().__aenter__()
        self._sent, self._stopping, self._ended = anyio.Event(), anyio.Event(), anyio.Event()
        self._tasks.start_soon(self._run)
        # One that waits for a database that is away is asked all the same: its answers say what is wrong.
        with anyio.move_on_after(self._seconds):
            await self._sent.wait()

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        with anyio.move_on_after(self._seconds):
            await self._ended.wait()
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def _run(self) -> None:
        messages = iter(["lifespan.startup"])

        async def receive() -> dict[str, Any]:
            for kind in messages:
                return {"type": kind}
            await self._stopping.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"].startswith("lifespan.startup."):
                self._sent.set()
            await checkpoint()

        try:
            await self._app({"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}, receive, send)
        except Exception:  # noqa: BLE001, S110 - "the server must continue" (ASGI, lifespan)
            pass
        finally:
            self._sent.set()
            self._ended.set()


async def _by_asgi(app: Any, ask: Ask, seconds: float) -> Exchange:  # noqa: ANN401 - of any framework
    answer = _Answer()
    requests = iter([{"type": "http.request", "body": ask.content, "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in requests:
            return message
        await anyio.sleep_forever()
        raise AssertionError  # pragma: no cover - it sleeps

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.start(
                message["status"], [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in message["headers"]]
            )
        elif message["type"] == "http.response.body":
            answer.add(message.get("body", b""))
            if not message.get("more_body", False) or answer.is_full:
                answer.ends.set()
        # Servers wait here for the client. An application that only sends would keep the event loop, and no timeout would end it.
        await checkpoint()

    ends = answer.ends = anyio.Event()
    failure = ""
    with anyio.move_on_after(seconds) as limit:
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                try:
                    await app(_scope(ask), receive, send)
                except Exception as error:  # noqa: BLE001 - a server would answer 500
                    answer.fail(error)
                ends.set()

            tasks.start_soon(call)
            await ends.wait()
            tasks.cancel_scope.cancel()
    if limit.cancelled_caught:
        failure = f"it did not answer within {seconds:g} s"
    return answer.exchange(ask, failure)


def _scope(ask: Ask) -> dict[str, Any]:
    from watchword.target import decode_path

    url = ask.url
    path = url.path.encode("ascii")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": ask.method,
        "scheme": url.scheme,
        "path": decode_path(path),
        "raw_path": path,
        "query_string": url.query.removeprefix("?").encode("ascii"),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in _fields(ask)],
        "client": _CLIENT,
        "server": (url.host, url.port),
        "state": {},
    }


def _fields(ask: Ask) -> list[tuple[str, str]]:
    length = [("Content-Length", str(len(ask.content)))] if ask.content else []
    return [("Host", ask.host or ask.url.authority), *ask.fields, *length]


def _by_wsgi(app: Any, ask: Ask) -> Exchange:  # noqa: ANN401 - of any framework
    answer = _Answer()

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:  # noqa: ANN401 - PEP 3333
        answer.start(int(status.partition(" ")[0]), headers)
        return answer.add

    try:
        content = app(_environ(ask), start_response)
        try:
            for piece in content:
                answer.add(piece)
                if answer.is_full:
                    break
        finally:
            getattr(content, "close", lambda: None)()
    except Exception as error:  # noqa: BLE001 - a server would answer 500
        answer.fail(error)
    return answer.exchange(ask, "")


def _environ(ask: Ask) -> dict[str, Any]:
    import sys
    from io import BytesIO

    from watchword.grammar import percent_decode

    url = ask.url
    environ: dict[str, Any] = {
        "REQUEST_METHOD": ask.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": percent_decode(url.path.encode("ascii")).decode("latin-1"),
        "QUERY_STRING": url.query.removeprefix("?"),
        "REQUEST_URI": url.target,
        "SERVER_NAME": url.host,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": _CLIENT[0],
        "REMOTE_PORT": str(_CLIENT[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": BytesIO(ask.content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in _fields(ask):
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return environ


class _Answer:
    """Collects a response, up to a bound of its content."""

    ends: anyio.Event

    def __init__(self) -> None:
        self._status = 0
        self._fields: tuple[tuple[str, str], ...] = ()
        self._content = bytearray()
        self._failed = ""

    def start(self, status: int, fields: list[tuple[str, str]]) -> None:
        """Take status and fields."""
        self._status, self._fields = status, tuple(fields)

    def add(self, piece: bytes) -> None:
        """Take a piece of the content."""
        self._content += piece[: _LIMIT - len(self._content)]

    @property
    def is_full(self) -> bool:
        """Whether the bound is reached."""
        return len(self._content) == _LIMIT

    def fail(self, error: Exception) -> None:
        """Take an exception of the application for what servers make of it."""
        if self._status == 0:
            self._status, self._content = 500, bytearray()
        self._failed = type(error).__name__

    def exchange(self, ask: Ask, failure: str) -> Exchange:
        """Return what came of a request."""
        if failure or self._status == 0:
            return Exchange(ask, failure=failure or "the application returned without a response")
        content = b"" if ask.method == "HEAD" else bytes(self._content)
        return Exchange(ask, ResponseView(self._status, self._fields, content, ask.url.text), at=SystemClock().now())


__all__ = ["asked_in_process"]
