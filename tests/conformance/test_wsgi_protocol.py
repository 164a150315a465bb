"""The WSGI middleware as a good citizen between server and application (PEP 3333)."""

from __future__ import annotations

import sys
import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any
from wsgiref.validate import validator

import pytest

from tests.support.drive import ByWSGI, Request, bearer, request_view, wsgi_environ
from tests.support.each import each
from tests.support.people import orders_guard
from tests.support.status_table import ROWS
from watchword import ANONYMOUS, Basic, BasicCredentials, Bearer, BearerToken, ConfigurationError, Guard, Principal, optional, role
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers.adapt import nonblocking

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Request(target="/me", headers=(bearer("ann-token"),))
NOBODY = Request(target="/")


class Server:
    """What a server does: it calls the application, iterates, writes and closes; it keeps all of it."""

    def __init__(self) -> None:
        self.started: list[tuple[str, list[tuple[str, str]]]] = []
        self.exc_infos: list[Any] = []
        self.written: list[bytes] = []

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Start, or start anew if an error is handed over."""
        if self.started and exc_info is None:
            raise AssertionError("start_response was called twice")
        self.started.append((status, headers))
        self.exc_infos.append(exc_info)
        return self.written.append

    def serve(self, app: Any, request: Request) -> bytes:
        """Serve one request to its end."""
        result = app(wsgi_environ(request), self.start_response)
        try:
            for part in result:
                self.written.append(part)
        finally:
            if hasattr(result, "close"):
                result.close()
        return b"".join(self.written)


def plain_guard() -> Guard:
    """A guard that leaves what it grants to somebody alone, and adds Vary to what it grants to nobody."""
    return orders_guard(rules={"/": optional})


def hello(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def fail() -> None:
    """Fail."""
    raise LookupError("theirs")


@each("row", ROWS)
def test_the_validator_finds_nothing(row: Any) -> None:
    """Wsgiref's validator, on both sides of the guard, finds no fault in any answer of the status table."""
    app = validator(GuardMiddleware(validator(hello), orders_guard()))
    server = Server()
    server.serve(app, row.request)
    ((status, _),) = server.started
    assert int(status[:3]) == row.status


@pytest.mark.parametrize("target", ["/me", "/"])
def test_the_validator_accepts_every_way_to_answer(target: str) -> None:
    """A generator, write() and a HEAD, with caching advice and without."""

    def generate(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"a"
        yield b"b"

    def write(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])(b"a")
        return [b"b"]

    headers = GOOD.headers if target == "/me" else ()
    for app in (generate, write):
        guarded = validator(GuardMiddleware(validator(app), plain_guard()))
        assert Server().serve(guarded, Request(target=target, headers=headers)) == b"ab"


def test_write_works() -> None:
    """The callable that start_response returns is the server's, and what is written comes before what is returned."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"first ")
        write(b"second ")
        return [b"third"]

    for request in (GOOD, NOBODY):
        assert Server().serve(GuardMiddleware(app, plain_guard()), request) == b"first second third"


@pytest.mark.parametrize(
    "request_", [GOOD, NOBODY, Request(target="/me", headers=(("X-API-Key", "ann-key"),))], ids=["plain", "vary", "private"]
)
def test_exc_info_is_passed_on(request_: Request) -> None:
    """An application that starts anew after an error hands the error to the server, with caching advice and without."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        try:
            fail()
        except LookupError:
            start_response("500 Oops", [], sys.exc_info())
        return [b"error"]

    server = Server()
    assert server.serve(GuardMiddleware(app, plain_guard()), request_) == b"error"
    assert [status for status, _ in server.started] == ["200 OK", "500 Oops"]
    assert server.exc_infos[0] is None
    assert isinstance(server.exc_infos[1][1], LookupError)


def test_a_server_that_has_sent_headers_may_raise() -> None:
    """Where the server raises the error it was handed, it comes through to the application."""

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        if exc_info is not None:
            raise exc_info[1]
        return None

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        try:
            fail()
        except LookupError:
            start_response("500 Oops", [], sys.exc_info())
        return []

    with pytest.raises(LookupError, match="theirs"):
        GuardMiddleware(app, plain_guard())(wsgi_environ(NOBODY), start_response)


class Body:
    """An iterable that counts how often it is closed."""

    def __init__(self, *parts: bytes, fail: bool = False) -> None:
        self.parts = parts
        self.fail = fail
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        if self.fail:
            raise LookupError("theirs")

    def close(self) -> None:
        """Count."""
        self.closed += 1


@pytest.mark.parametrize("request_", [GOOD, NOBODY], ids=["plain", "vary"])
def test_close_is_called_once(request_: Request) -> None:
    """An iterable with close() is closed by the server, once, also when it fails half-way."""
    for fail in (False, True):
        body = Body(b"a", b"b", fail=fail)

        def app(environ: dict[str, Any], start_response: Any, body: Body = body) -> Body:
            start_response("200 OK", [])
            return body

        server = Server()
        if fail:
            with pytest.raises(LookupError):
                server.serve(GuardMiddleware(app, plain_guard()), request_)
        else:
            server.serve(GuardMiddleware(app, plain_guard()), request_)
        assert body.closed == 1


def test_the_iterable_is_the_applications_own() -> None:
    """What the application returns is handed to the server itself, so that files are sent as files."""
    body = Body(b"a")

    def app(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", [])
        return body

    for request in (GOOD, NOBODY):
        assert GuardMiddleware(app, plain_guard())(wsgi_environ(request), Server().start_response) is body


def test_an_application_may_start_late() -> None:
    """A generator that starts its response when it is iterated is advised then."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"late"

    server = Server()
    assert server.serve(GuardMiddleware(app, plain_guard()), NOBODY) == b"late"
    assert server.started == [("200 OK", [("Vary", "Authorization, X-API-Key")])]


def test_a_late_start_of_a_hidden_404_is_found() -> None:
    """The application's own 404 is found where it is a generator, and where it raises after it started."""

    def late(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("404 Not Found", [])
        yield b"mine"

    def fails(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("404 Not Found", [])
        return Body(b"x", fail=True)

    guard = orders_guard(rules={"/me": role("root").hidden()})
    assert Server().serve(GuardMiddleware(late, guard), GOOD) == b"mine"
    with pytest.raises(LookupError):
        Server().serve(GuardMiddleware(fails, guard), GOOD)


def test_an_error_of_the_application_passes() -> None:
    """What the application raises reaches the server."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise LookupError("theirs")

    for request in (GOOD, NOBODY):
        with pytest.raises(LookupError, match="theirs"):
            GuardMiddleware(app, plain_guard())(wsgi_environ(request), Server().start_response)


def test_an_async_checker_is_refused_at_construction() -> None:
    """WSGI has no event loop: an async checker is a mistake that shows when the middleware is made, not on the first request."""

    async def check(credentials: BearerToken) -> Principal:
        raise AssertionError

    class Asynchronous:
        async def check(self, credentials: BearerToken) -> Principal:
            raise AssertionError

    for checker in (check, Asynchronous(), Asynchronous().check):
        with pytest.raises(ConfigurationError, match="event loop"):
            GuardMiddleware(hello, Guard(Bearer(checker)))
    with pytest.raises(ConfigurationError, match="adecide"):
        Guard(Bearer(check)).decide(request_view(GOOD))


def test_the_status_line_has_a_reason_phrase() -> None:
    """Every status has its words, and the headers are a list of pairs of native strings."""
    for row in ROWS:
        server = Server()
        server.serve(GuardMiddleware(hello, orders_guard()), row.request)
        ((status, headers),) = server.started
        code, space, phrase = status.partition(" ")
        assert (len(code), space, bool(phrase)) == (3, " ", True)
        assert type(headers) is list
        assert all(type(name) is str and type(value) is str for name, value in headers)


@pytest.mark.parametrize("missing", ["REMOTE_ADDR", "QUERY_STRING", "SCRIPT_NAME", "REQUEST_URI"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_a_server_may_leave_out_may_be_missing(missing: str, value: str | None) -> None:
    """Every variable that PEP 3333 lets be absent, or empty, may be."""
    environ = wsgi_environ(GOOD)
    del environ[missing]
    if value is not None:
        environ[missing] = value
    heard: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        heard.append(environ["watchword.principal"].id)
        return hello(environ, start_response)

    GuardMiddleware(app, plain_guard())(environ, Server().start_response)
    assert heard == ["ann"]


def test_the_input_is_the_servers_own() -> None:
    """Unless a form is read, wsgi.input is not replaced and not read."""
    stream = BytesIO(b"content")

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        assert environ["wsgi.input"] is stream
        return hello(environ, start_response)

    environ = {**wsgi_environ(Request(method="POST", target="/me", headers=GOOD.headers)), "wsgi.input": stream}
    assert GuardMiddleware(app, plain_guard())(environ, Server().start_response) == [b"hello"]
    assert stream.tell() == 0


def test_header_values_beyond_latin_1_never_fail() -> None:
    """A server that breaks PEP 3333 and hands over text is answered, not failed: whatever is in a field."""
    names = ["HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_HOST", "HTTP_ACCEPT", "HTTP_ORIGIN", "QUERY_STRING", "PATH_INFO", "REQUEST_URI"]
    for name in names:
        for value in ("\u20ac", "Bearer \u20ac", "/\u20ac", "\ud800", "x=\udcff"):
            server = Server()
            environ = {**wsgi_environ(Request(target="/me")), name: value}
            GuardMiddleware(hello, plain_guard())(environ, server.start_response)
            assert server.started[0][0][:3] in {"400", "401"}


def test_plain_functions_are_called_in_the_same_thread() -> None:
    """WSGI blocks anyway: a checker is called where the request is served."""
    idents: list[int] = []

    def check(credentials: BasicCredentials) -> Principal | None:
        idents.append(threading.get_ident())
        return None

    ByWSGI(Guard(Basic(check, realm="r")))(Request(target="/me", headers=(("Authorization", "Basic YTpi"),)))
    assert idents == [threading.get_ident()]


def test_a_guard_inside_itself_decides_once() -> None:
    """The same guard twice around one application decides once (threats S3)."""
    asked: list[str] = []

    @nonblocking
    def check(credentials: BearerToken) -> Principal:
        asked.append(credentials.token)
        return Principal("ann")

    guard = Guard(Bearer(check))
    assert Server().serve(GuardMiddleware(GuardMiddleware(hello, guard), guard), GOOD) == b"hello"
    assert asked == ["ann-token"]


def test_an_inner_guard_decides_for_itself() -> None:
    """To another guard inside, a caller of the outer one is anonymous. The application gets the decision of the inner one."""
    heard: list[Any] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        heard.append((environ["watchword.principal"], "REMOTE_USER" in environ))
        return hello(environ, start_response)

    inner = GuardMiddleware(app, plain_guard())
    outer = GuardMiddleware(inner, plain_guard())
    Server().serve(outer, NOBODY)
    assert heard == [(ANONYMOUS, False)]
    server = Server()
    server.serve(GuardMiddleware(GuardMiddleware(hello, orders_guard(rules={}, default=role("root"))), plain_guard()), GOOD)
    assert server.started[0][0][:3] == "403"
