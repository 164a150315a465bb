"""A scheme that needs the content of a request says so: it is read once, up to a limit, and the application still gets all of it."""

from __future__ import annotations

from hashlib import sha256
from json import loads
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.core import ask
from tests.support.drive import ByASGI, ByWSGI, Request
from tests.support.wire import asgi_scope, bearer, wsgi_environ
from watchword import (
    Bearer,
    Credentials,
    Forbidden,
    Granted,
    Guard,
    Operation,
    Principal,
    Reason,
    RequestView,
    Scheme,
    optional,
    public,
    role,
    scope,
    where,
)
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens, nonblocking

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Driver

LIMIT = 64
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


class Signed(Credentials):
    """A digest of the content, and whether it fits."""

    def __init__(self, *, fits: bool) -> None:
        self.fits = fits


class DigestOfContent(Scheme[Signed]):
    """Like Digest with `auth-int` (RFC 7616 §3.4.3) or a signed Content-Digest (RFC 9530): the content decides."""

    name = "Signed"
    credentials = Signed
    form_parameters = ()

    def wants_content(self, view: RequestView) -> int | None:
        """Want it where the request shows such a digest."""
        sent = view.authorization
        return LIMIT if sent is not None and sent.scheme.lower() == "signed" else None

    def extract(self, view: RequestView) -> Signed | None:
        """Compare the digest with the content."""
        sent = view.authorization
        if sent is None or sent.scheme.lower() != "signed":
            return None
        return Signed(fits=view.content is not None and sha256(view.content).hexdigest() == sent.token68)


@nonblocking
def check(signed: Signed) -> Principal | None:
    """Accept what fits."""
    return Principal("ann") if signed.fits else None


def signed(content: bytes) -> tuple[str, str]:
    """Return the Authorization field for some content."""
    return "Authorization", f"Signed {sha256(content).hexdigest()}"


@pytest.fixture(params=[ByASGI, ByWSGI])
def make(request: pytest.FixtureRequest) -> Callable[..., Driver]:
    """One of the two adapters."""
    made: Callable[..., Driver] = request.param
    return made


@pytest.mark.parametrize("body", [b"", b"a" * LIMIT, (b"ab", b"", b"c" * 20), b'{"x": "\xff"}'])
def test_content_is_verified_and_handed_on(make: Callable[..., Driver], body: bytes | tuple[bytes, ...]) -> None:
    """Whole or in pieces, text or not, up to the limit."""
    content = Request(body=body).content
    answer = make(Guard(DigestOfContent(check)))(Request(method="POST", headers=(signed(content),), body=body))
    assert (answer.status, answer.seen and answer.seen.body) == (200, content)


def test_other_content_than_the_digest_covers_is_refused(make: Callable[..., Driver]) -> None:
    """One octet more, or none at all."""
    for body in (b"abcd", b""):
        assert make(Guard(DigestOfContent(check)))(Request(method="POST", headers=(signed(b"abc"),), body=body)).status == 401


@pytest.mark.parametrize("body", [b"a" * (LIMIT + 1), (b"a",) * (LIMIT + 1)])
def test_more_than_the_limit_is_413(make: Callable[..., Driver], body: Any) -> None:
    """RFC 9110 §15.5.14: the application is not called."""
    answer = make(Guard(DigestOfContent(check)))(Request(method="PUT", headers=(signed(Request(body=body).content),), body=body))
    assert (answer.status, answer.called) == (413, False)


def test_content_that_no_scheme_wants_stays_unread() -> None:
    """An upload of any size passes by a guard that has such a scheme, and so does a request that is refused without it."""
    guard = Guard(DigestOfContent(check), Bearer(Tokens({"t": Principal("bob")})), rules={"/open": public})
    driver = ByASGI(guard)
    for request in (
        Request(method="PUT", headers=(bearer("t"),), body=b"a" * 1000),
        Request(method="PUT", target="/open", headers=(signed(b"x"),), body=b"a" * 1000),
    ):
        answer = driver(request)
        assert (answer.status, answer.received, answer.seen and len(answer.seen.body)) == (200, 0, 1000)
    refused = driver(Request(method="PUT", headers=(("Authorization", "Signed a b c"),), body=b"a" * 1000))
    assert (refused.status, refused.received) == (400, 0)


def test_of_several_schemes_that_want_it_the_least_limit_counts(make: Callable[..., Driver]) -> None:
    """No scheme is given more than it takes; and it is read once for all of them."""
    guard = Guard(DigestOfContent(check), Bearer(Tokens({"t": Principal("bob")}), form=True, form_limit=20))
    driver = make(guard)
    for size, status in ((20, 200), (21, 413)):
        body = b"a" * size
        assert driver(Request(method="POST", headers=(signed(body), FORM), body=body)).status == status


def test_content_of_which_nobody_knows_the_end_is_not_taken_for_empty() -> None:
    """A WSGI server that announces neither a length nor the end of the stream: what was signed is not what the application would read."""

    def server(request: Request) -> dict[str, Any]:
        environ = wsgi_environ(request)
        del environ["wsgi.input_terminated"]
        return environ

    answer = ByWSGI(Guard(DigestOfContent(check)), server=server)(Request(method="POST", headers=(signed(b""),), body=(b"evil",)))
    assert answer.status == 401


@pytest.mark.parametrize("views", [False, True])
def test_an_upload_that_is_interrupted_is_handed_on_as_it_came(*, views: bool) -> None:
    """The guard has no content then. The application reads what came, and hears that the client has gone: not that this was all."""
    came: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"tool": ', "more_body": True},
        {"type": "http.request", "body": b'"re', "more_body": True},
        {"type": "http.disconnect"},
        {"type": "http.disconnect"},
    ]
    read: list[dict[str, Any]] = []
    seen: list[bytes | None] = []

    def note(_: Principal, view: RequestView) -> bool:
        seen.append(view.content)
        return True

    async def app(scope: Any, receive: Any, send: Any) -> None:
        read.extend([await receive() for _ in range(3)])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> dict[str, Any]:
        return came.pop(0)

    async def send(message: Any) -> None:
        """Take it."""

    made = GuardMiddleware(app, Guard(ToolsBearer(Tokens({"t": Principal("ann")})), rules={"/mcp": where(note)}), views=views)
    anyio.run(made, asgi_scope(Request(method="POST", target="/mcp", headers=(bearer("t"), JSON))), receive, send)
    assert seen == [None]
    pieces = [message for message in read if message["type"] == "http.request"]
    assert b"".join(message["body"] for message in pieces) == b'{"tool": "re'
    assert all(message["more_body"] for message in pieces)
    assert read[len(pieces) :] == [{"type": "http.disconnect"}] * (3 - len(pieces))


def test_content_that_ends_before_its_announced_length_is_not_taken_for_whole() -> None:
    """A WSGI server whose client has gone gives what came: it is no content to decide by, and the application reads the same."""

    def server(request: Request) -> dict[str, Any]:
        environ: dict[str, Any] = {**wsgi_environ(request)}
        environ["CONTENT_LENGTH"] = "40"
        return environ

    send = ByWSGI(Guard(DigestOfContent(check), default=optional), server=server)
    assert send(Request(method="POST", headers=(signed(b"part"),), body=b"part")).status == 401
    by_tool = ByWSGI(Guard(ToolsBearer(Tokens({"t": Principal("ann")}))), server=server)
    answer = by_tool(Request(method="POST", headers=(bearer("t"), JSON), body=b"part"))
    assert (answer.status, answer.seen and answer.seen.body) == (200, b"part")


def test_where_content_is_read_nothing_is_decided_on_the_fast_path(make: Callable[..., Driver]) -> None:
    """A caller whom the cache knows may show another token in the content, and so may one who shows nothing in the fields."""
    driver = make(Guard(Bearer(Tokens({"t": Principal("ann"), "u": Principal("bob")}), form=True), rules={"/open": public}))
    in_form = b"access_token=u"
    for _ in range(3):
        assert driver(Request(method="POST", headers=(bearer("t"),))).status == 200
        assert driver(Request(method="POST")).status == 401
    both = Request(method="POST", headers=(bearer("t"), FORM), body=in_form)
    assert driver(both).status == 400  # RFC 6750 §2: not more than one method to send a token
    assert driver(Request(method="POST", headers=(FORM,), body=in_form)).status == 200


class TicketInContent(Scheme[Signed]):
    """Takes a ticket from the content, beside schemes that the fast path knows by their field."""

    name = "Ticket"
    credentials = Signed
    fields = ("x-ticket",)
    form_parameters = ()
    reads_content = True

    def wants_content(self, view: RequestView) -> int | None:
        """Want what is posted."""
        return LIMIT if view.method == "POST" else None

    def extract(self, view: RequestView) -> Signed | None:
        """Find the ticket."""
        return Signed(fits=True) if view.content == b"ticket" else None


def test_a_caller_whom_the_cache_knows_is_refused_with_other_credentials_in_the_content(make: Callable[..., Driver]) -> None:
    """Two callers at once are ambiguous. The fast path does not see the second one, so it is closed where any scheme reads content."""
    driver = make(Guard(Bearer(Tokens({"t": Principal("ann")})), TicketInContent(check)))
    for _ in range(3):
        assert driver(Request(method="POST", headers=(bearer("t"),), body=b"other")).status == 200
        assert driver(Request(method="POST", headers=(bearer("t"),), body=b"ticket")).status == 400


def test_a_view_that_is_reached_later_never_waits_for_content() -> None:
    """The application may have read it: `authorize` would wait for ever. What was read before counts."""

    def reader(limit: int) -> Operation[bytes | None]:
        raise AssertionError("the content was read twice")

    guard = Guard(Bearer(Tokens({"t": Principal("bob", roles={"admin"})}), form=True), rules={"/open": public})
    view = ask("/open", FORM, method="POST")
    view.reader = reader
    decision = guard.decide(view)
    assert decision.granted
    assert guard.authorize(decision, view, role("admin")).reason is Reason.MISSING_CREDENTIALS
    view = ask("/open", FORM, method="POST", content=b"access_token=t")
    assert guard.authorize(guard.decide(view), view, role("admin")).granted


class ToolsBearer(Bearer):
    """Bearer in front of a server of tools: the content says which tool is called (as in MCP)."""

    form_parameters = ()
    reads_content = True

    def wants_content(self, view: RequestView) -> int | None:
        """Want calls alone."""
        return 1000 if view.method == "POST" and view.field("content-type") == "application/json" else None


def calls(name: str) -> Callable[[Principal, RequestView], bool]:
    """Return a predicate: the request calls this tool."""

    def called(_: Principal, view: RequestView) -> bool:
        return view.content is not None and loads(view.content).get("tool") == name

    return called


def test_a_requirement_reads_what_a_scheme_asked_for(make: Callable[..., Driver]) -> None:
    """By tool, and never by a field that the client may set otherwise."""
    rule = (where(calls("read"), name="read") & scope("read")) | (where(calls("drop"), name="drop") & scope("drop"))
    driver = make(Guard(ToolsBearer(Tokens({"t": Principal("ann", scopes={"read"})})), rules={"/mcp": rule}))
    for tool, status in (("read", 200), ("drop", 403), ("other", 403)):
        body = b'{"tool": "%b"}' % tool.encode()
        answer = driver(Request(method="POST", target="/mcp", headers=(bearer("t"), JSON), body=body))
        assert (answer.status, answer.called) == (status, status == 200)


def test_a_token_in_the_content_is_found_by_hand_as_well() -> None:
    """A server of one's own hands the content over with the view."""
    guard = Guard(DigestOfContent(check))
    granted = guard.decide(RequestView("POST", "/", [signed(b"abc")], content=b"abc"))
    assert isinstance(granted, Granted)
    assert granted.principal.id == "ann"
    assert not isinstance(guard.decide(RequestView("POST", "/", [signed(b"abc")])), (Granted, Forbidden))
