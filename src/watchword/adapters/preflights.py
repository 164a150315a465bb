"""Hands a refused preflight to an application over ASGI and WSGI, and takes the answer of its CORS layer (decision D57).

The rules are in `watchword.guard.preflight`. An application that fails, or that gives no answer, leaves the refusal standing: a client
without credentials must not cause a 500.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from watchword.errors import ConfigurationError
from watchword.guard.preflight import MOST_PARTS, cors_answer, is_passed_on
from watchword.observe.log import log_failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from watchword.guard.policy import Policy

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Environ = dict[str, Any]

_FAILED = "the application failed on a preflight"


class _Stopped(OSError):
    """What `send` raises once the answer has gone out and the application does not end (ASGI 2.4: the client has gone)."""


async def ask_asgi(  # noqa: PLR0917 - one request and its refusal
    app: Callable[..., Awaitable[None]], policy: Policy, scope: Message, receive: Receive, send: Send, refuse: Callable[[], Awaitable[None]]
) -> None:
    """Ask an ASGI application, and answer the client.

    Args:
        app: the application.
        policy: the configuration.
        scope: for the application alone, with the path and the caller that it is to see.
        receive: of the connection.
        send: of the connection.
        refuse: answers with the ordinary refusal.
    """
    scope["headers"] = [(name, value) for name, value in scope["headers"] if is_passed_on(policy, name.lower().decode("latin-1"))]
    scope["query_string"] = b""
    scope["extensions"] = {name: value for name, value in (scope.get("extensions") or {}).items() if name != "tls"}
    answered = False
    parts = 0

    async def answer(message: Message) -> None:
        nonlocal answered, parts
        if answered:
            parts += 1
            if parts > MOST_PARTS:
                raise _Stopped("the preflight is answered")
        elif message["type"] == "http.response.start":
            given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            fields = cors_answer(message["status"], given)
            answered = True
            if fields is None:
                # Now, and not when the application ends: that may not be soon.
                await refuse()
                return
            headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields]
            await send({"type": "http.response.start", "status": message["status"], "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    try:
        await app(scope, _without_content(receive), answer)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        if parts <= MOST_PARTS:
            log_failure(_FAILED, error)
    if not answered:
        await refuse()


def _without_content(receive: Receive) -> Receive:
    """Return what reads an empty content, and then that the client has gone, once it has."""
    begun = ended = False

    async def read() -> Message:
        nonlocal begun, ended
        if not begun:
            begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            if ended:
                return {"type": "http.disconnect"}
            ended = not message.get("more_body", False)

    return read


def ask_wsgi(app: Callable[..., Any], policy: Policy, environ: Environ) -> tuple[str, list[tuple[str, str]]] | None:
    """Ask a WSGI application.

    Args:
        app: the application.
        policy: the configuration.
        environ: for the application alone, with the path and the caller that it is to see.

    Returns:
        Status line and header fields of the answer, which has no content; None: the refusal stands.
    """
    _leave_out(policy, environ)
    answer: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_exc_info: object) -> Callable[[bytes], None]:
        answer.append((status, headers))
        return lambda _part: None

    try:
        _wait_for_start(app(environ, start_response), answer)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        log_failure(_FAILED, error)
    # Of several responses that were started the last one counts: an error takes the place of what was begun (PEP 3333).
    status, headers = answer[-1] if answer else ("", [])
    fields = cors_answer(int(status[:3]), headers) if status[:3].isdecimal() else None
    return None if fields is None else (status, fields)


def _leave_out(policy: Policy, environ: Environ) -> None:
    for variable in [*environ]:
        name = variable[5:].lower().replace("_", "-") if variable.startswith("HTTP_") else None
        if variable.startswith("SSL_CLIENT") or (name is not None and not is_passed_on(policy, name)):
            del environ[variable]
    for variable in ("CONTENT_TYPE", "CONTENT_LENGTH", "wsgi.input_terminated"):
        environ.pop(variable, None)
    environ["QUERY_STRING"] = ""
    environ["wsgi.input"] = BytesIO()


def _wait_for_start(result: Iterable[bytes], answer: list[tuple[str, list[tuple[str, str]]]]) -> None:
    """Take parts of a response until it is started, and close it: an application may start it with its first part (PEP 3333)."""
    try:
        for number, _part in enumerate(result):
            if answer or number >= MOST_PARTS:
                break
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
