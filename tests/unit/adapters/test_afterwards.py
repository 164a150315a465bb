"""What a checker leaves for after the response: done once, when the response is over or the handshake answered, whatever happens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.wire import Request, asgi_scope, bearer, wsgi_environ
from watchword import Accepted, Bearer, BearerToken, Guard, Operation, Principal, RequestView, Verdict, authenticated, role
from watchword.adapters import asgi, wsgi

REQUEST = Request(target="/x", headers=(bearer("t"),))


class Diary:
    """Writes down what happens, in order.

    Args:
        fails: whether the work that is left fails.
    """

    def __init__(self, *, fails: bool = False) -> None:
        self.entries: list[str] = []
        self._fails = fails

    def check(self, credentials: BearerToken) -> Verdict:
        """Accept, and leave something to do."""
        return Accepted(Principal("ann"), after_response=Operation(self.finish))

    def finish(self) -> None:
        """Do it."""
        self.entries.append("after_response")
        if self._fails:
            raise LookupError("bug")

    def guard(self) -> Guard:
        """Make a guard over it."""
        return Guard(Bearer(self), rules={"/x": authenticated, "/admin": role("admin")})


def wsgi_of(diary: Diary, *, fails: bool = False) -> Any:
    """Return the middleware before an application that writes into the diary."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        diary.entries.append("application")
        if fails:
            raise RuntimeError("broken")
        start_response("200 OK", [])
        yield b"part"
        diary.entries.append("sent")

    if fails:
        return wsgi.GuardMiddleware(lambda environ, start_response: next(iter(application(environ, start_response))), diary.guard())
    return wsgi.GuardMiddleware(application, diary.guard())


def asgi_of(diary: Diary, *, fails: bool = False) -> Any:
    """Return the middleware before an application that writes into the diary."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        diary.entries.append("application")
        if fails:
            raise RuntimeError("broken")
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            diary.entries.append("open")
            await send({"type": "websocket.close"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"part"})
        diary.entries.append("sent")

    return asgi.GuardMiddleware(application, diary.guard())


async def serve(app: Any, request: Request) -> list[dict[str, Any]]:
    """Serve one connection; return the messages."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"} if request.kind == "websocket" else {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(asgi_scope(request), receive, send)
    return sent


def test_over_wsgi_it_is_done_when_the_server_closes_the_response() -> None:
    """Not before the last part was taken."""
    diary = Diary()
    response = wsgi_of(diary)(wsgi_environ(REQUEST), lambda *_: None)
    assert list(response) == [b"part"]
    assert diary.entries == ["application", "sent"]
    response.close()
    assert diary.entries == ["application", "sent", "after_response"]


def test_over_wsgi_it_is_done_where_the_application_fails() -> None:
    """There is no response to close then, and the exception goes on."""
    diary = Diary()
    with pytest.raises(RuntimeError, match="broken"):
        wsgi_of(diary, fails=True)(wsgi_environ(REQUEST), lambda *_: None)
    assert diary.entries == ["application", "after_response"]


@pytest.mark.anyio
async def test_over_asgi_it_is_done_after_the_response() -> None:
    """When the application is through."""
    diary = Diary()
    await serve(asgi_of(diary), REQUEST)
    assert diary.entries == ["application", "sent", "after_response"]


@pytest.mark.anyio
async def test_over_asgi_it_is_done_where_the_application_fails() -> None:
    """And the exception goes on."""
    diary = Diary()
    with pytest.raises(RuntimeError, match="broken"):
        await serve(asgi_of(diary, fails=True), REQUEST)
    assert diary.entries == ["application", "after_response"]


@pytest.mark.anyio
async def test_of_a_websocket_it_is_done_once_the_handshake_is_answered() -> None:
    """Not when the connection ends, days later: a password may be bound to it."""
    diary = Diary()
    sent = await serve(asgi_of(diary), Request(target="/x", headers=(bearer("t"),), kind="websocket"))
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert diary.entries == ["application", "after_response", "open", "sent"]


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_somebody_who_may_not_has_logged_in_all_the_same(kind: Any) -> None:
    """A refusal of somebody who is known is followed by it as well, once."""
    diary = Diary()
    await serve(asgi_of(diary), Request(target="/admin", headers=(bearer("t"),), kind=kind))
    assert diary.entries == ["after_response"]
    if kind == "http":
        response = wsgi_of(diary)(wsgi_environ(Request(target="/admin", headers=(bearer("t"),))), lambda *_: None)
        assert b"".join(response)
        response.close()
        assert diary.entries == ["after_response", "after_response"]


@pytest.mark.anyio
async def test_an_explanation_leaves_nothing_behind() -> None:
    """It notes no login: nobody has logged in."""
    diary = Diary()
    view = RequestView(method="GET", target="/x", headers=[bearer("t")])
    diary.guard().explain(view)
    await diary.guard().aexplain(view)
    assert diary.entries == []


@pytest.mark.anyio
async def test_its_failure_is_logged_and_reaches_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The request is over: a bug in what comes after is no 500."""
    diary = Diary(fails=True)
    sent = await serve(asgi_of(diary), REQUEST)
    assert sent[0]["status"] == 200
    response = wsgi_of(diary)(wsgi_environ(REQUEST), lambda *_: None)
    list(response)
    response.close()
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert diary.entries.count("after_response") == 2
