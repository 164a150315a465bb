"""What anybody can make the guard do is bounded, whatever is sent, and wherever (threat H11). Work is counted, not timed."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import logging
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import demo_app
from wsgiref.util import setup_testing_defaults

import pytest

from tests.support.drive import ByASGI, ByWSGI
from tests.support.each import each
from tests.support.wire import Request, request_view
from watchword import APIKey, Basic, Bearer, Guard, Principal, Reason, RequestView, network, optional, public
from watchword.adapters.variables import Variables
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Tokens
from watchword.content import MAX_PIECES
from watchword.grammar import MAX_FIELD_OCTETS, MAX_FIELDS
from watchword.guard.fast_path import LONGEST_FIELD
from watchword.guard.forwarding import forwarding
from watchword.networks import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "1507c3e3741a493046f48cbb9c41815a"
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def guard(**options: Any) -> Guard:
    """Return a guard that reads credentials from everywhere."""
    tokens = Tokens({TOKEN: Principal("ann")})
    return Guard(
        Basic(lambda _: None, realm="r"),
        Bearer(tokens, form=True, query=True),
        APIKey(tokens, query="k", cookie="k"),
        rules={"/public/**": public, "/optional": optional, "/near": network("192.0.2.0/24"), "/a/{x}/**": public},
        strip_credentials=True,
        **options,
    )


def fill(piece: str, size: int) -> str:
    """Return copies of a piece, so many octets long."""
    return (piece * (size // len(piece) + 1))[:size]


# The pieces that cost the most in one reader or another.
PIECES = [
    "a",
    "a&",
    "%61&",
    "%41",
    "%",
    "k=;",
    "k&a&",
    "a=;",
    ";",
    ",",
    "a,",
    '"',
    '\\"',
    " ",
    "\t",
    "a b,",
    "a=b,",
    "a/b;q=0.1,",
    "/a",
    "\xff",
]

CARRIERS: dict[str, Callable[[str], Request]] = {
    "method": lambda text: Request(method=f"M{text}"),
    "path": lambda text: Request(target=f"/{text}"),
    "public path": lambda text: Request(target=f"/public/{text}"),
    "query": lambda text: Request(target=f"/x?{text}"),
    "query of a key": lambda text: Request(target=f"/x?k={text}"),
    "public query": lambda text: Request(target=f"/public/x?{text}"),
    "basic": lambda text: Request(headers=(("Authorization", f"Basic {text}"),)),
    "bearer": lambda text: Request(headers=(("Authorization", f"Bearer {text}"),)),
    "digest": lambda text: Request(headers=(("Authorization", f'Digest a="{text}'),)),
    "no scheme": lambda text: Request(headers=(("Authorization", text),)),
    "key": lambda text: Request(headers=(("X-API-Key", text),)),
    "cookie": lambda text: Request(headers=(("Cookie", text),)),
    "cookies": lambda text: Request(headers=(("Cookie", text), ("Cookie", text))),
    "public cookie": lambda text: Request(target="/public/x", headers=(("Cookie", text),)),
    "accept": lambda text: Request(headers=(("Accept", text),)),
    "parameters of accept": lambda text: Request(headers=(("Accept", f"a/b;{text}"),)),
    "host": lambda text: Request(headers=(("Host", text),)),
    "origin": lambda text: Request(method="POST", headers=(("Origin", text), ("Cookie", f"k={TOKEN}"))),
    "upgrade": lambda text: Request(headers=(("Upgrade", text), ("Cookie", f"k={TOKEN}"))),
    "site": lambda text: Request(method="POST", headers=(("Sec-Fetch-Site", text), ("Cookie", f"k={TOKEN}"))),
    "request id": lambda text: Request(headers=(("X-Request-Id", text),)),
    "name": lambda text: Request(headers=((f"X-{text}", "a"),)),
    "content type": lambda text: Request(method="POST", headers=(("Content-Type", text),)),
    "client": lambda text: Request(target="/near", client=text),
    "form": lambda text: Request(method="POST", target="/x", headers=(FORM,), body=(text.encode("latin-1"),)),
    "form of a token": lambda text: Request(method="POST", target="/x", headers=(FORM,), body=(b"access_token=" + text.encode("latin-1"),)),
}


def decided(subject: Guard, request: Request) -> int:
    """Decide, and refuse or hand over; return the status."""
    view = request_view(request)
    decision = subject.decide(view)
    if decision.granted:
        forwarding(subject.policy, view)
        return 200
    return subject.refuse(decision, view).status


def lines_run(subject: Guard, request: Request) -> int:
    """Count the lines of Python that run, of whatever module."""
    count = 0

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        decided(subject, request)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.sampled(2)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_H11_what_a_client_sends_costs_a_bounded_number_of_steps(carrier: str) -> None:
    """In every carrier, every bad shape of 8 to 256 KiB runs fewer lines of Python than take a millisecond."""
    subject = guard()
    for piece in PIECES:
        for size in (8_000, 16_000, 65_000, 262_144):
            request = CARRIERS[carrier](fill(piece, size))
            decided(subject, request)  # what is imported and compiled on first use
            assert lines_run(subject, request) < 5000, (piece, size)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_H11_nothing_that_a_client_sends_is_kept(carrier: str, caplog: pytest.LogCaptureFixture) -> None:
    """Hundreds of different requests of 64 KiB each leave less than two of them behind."""
    caplog.set_level("CRITICAL", logger="watchword")  # pytest keeps each line of the log
    subject = guard()
    requests = [CARRIERS[carrier](f"{number}" + fill("ab", 65_000)) for number in range(40)]
    for request in requests[:5]:
        decided(subject, request)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(200):
            decided(subject, CARRIERS[carrier](f"x{number}" + fill("ab", 65_000)))
        assert tracemalloc.get_traced_memory()[0] - before < 130_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("carrier", sorted(CARRIERS.keys() - {"client"}))
def test_H11_adapters_agree_about_bounds(carrier: str) -> None:
    """ASGI and WSGI answer alike, short of a bound and beyond it; and never with a status of 5xx."""
    asgi, wsgi = ByASGI(guard()), ByWSGI(guard())
    for piece in ("a", "%61&", "k=;", ",", '"', " ", "/a"):
        for size in (100, 8_200, 17_000, 33_000, 100_000):
            request = CARRIERS[carrier]("a" + fill(piece, size) + "a")
            statuses = (asgi(request).status, wsgi(request).status)
            assert statuses[0] == statuses[1] < 500, (piece, size)


BOUNDS: list[tuple[str, Callable[[int], Request], int, int, Reason]] = [
    ("path", lambda size: Request(target="/" + "a" * (size - 1)), 8192, 414, Reason.OVERSIZED_TARGET),
    ("public path", lambda size: Request(target="/public/" + "a" * (size - 8)), 8192, 414, Reason.OVERSIZED_TARGET),
    ("encoded path", lambda size: Request(target="/" + "%61" * (size - 1)), 8192, 414, Reason.OVERSIZED_TARGET),
    (
        "path in UTF-8",
        lambda size: Request(target="/a" + "%C3%A9" * (size // 2 - 1) + "a" * (size % 2)),
        8192,
        414,
        Reason.OVERSIZED_TARGET,
    ),
    ("query", lambda size: Request(target="/x?" + "a" * size), 81_920, 414, Reason.OVERSIZED_TARGET),
    ("public query", lambda size: Request(target="/public/x?" + "a" * size), 81_920, 414, Reason.OVERSIZED_TARGET),
    ("bearer", lambda size: Request(headers=(("Authorization", "bearer " + "a" * (size - 7)),)), 16_384, 431, Reason.OVERSIZED_CREDENTIALS),
    ("basic", lambda size: Request(headers=(("Authorization", "Basic " + "a" * (size - 6)),)), 8192, 431, Reason.OVERSIZED_CREDENTIALS),
    (
        "unknown scheme",
        lambda size: Request(headers=(("Authorization", "Foo " + "a" * (size - 4)),)),
        8192,
        431,
        Reason.OVERSIZED_CREDENTIALS,
    ),
    ("key", lambda size: Request(headers=(("X-API-Key", "a" * size),)), 8192, 431, Reason.OVERSIZED_CREDENTIALS),
    ("cookie", lambda size: Request(headers=(("Cookie", "a=" + "b" * (size - 2)),)), 32_768, 431, Reason.OVERSIZED_CREDENTIALS),
    ("host", lambda size: Request(headers=(("Host", "a" * size),)), 8192, 431, Reason.OVERSIZED_HEADER),
    (
        "fields",
        lambda size: Request(headers=tuple((f"X-{number}", "a") for number in range(size))),
        MAX_FIELDS,
        431,
        Reason.OVERSIZED_HEADER,
    ),
    ("name", lambda size: Request(target="/public/x", headers=(("X-" + "a" * (size - 2), "v"),)), 256, 431, Reason.OVERSIZED_HEADER),
    (
        "name of an identity field",
        lambda size: Request(target="/public/x", headers=(("X-Remote-Extra-" + "a" * (size - 15), "v"),)),
        256,
        431,
        Reason.OVERSIZED_HEADER,
    ),
    (
        "alias of an identity field",
        lambda size: Request(target="/public/x", headers=(("X.Remote.Extra." + "a" * (size - 15), "v"),)),
        256,
        431,
        Reason.OVERSIZED_HEADER,
    ),
    (
        "token in a form",
        lambda size: Request(method="POST", headers=(FORM,), body=(b"access_token=" + b"a" * size,)),
        16_384,
        413,
        Reason.OVERSIZED_CONTENT,
    ),
    ("form", lambda size: Request(method="POST", headers=(FORM,), body=(b"a" * size,)), 65_536, 413, Reason.OVERSIZED_CONTENT),
]


@each(("name", "make", "bound", "status", "reason"), BOUNDS)
def test_H11_each_bound_is_exact(name: str, make: Callable[[int], Request], bound: int, status: int, reason: Reason) -> None:
    """At the bound a request is decided as any other; one octet more is refused with the status of the table in docs/security.md."""
    subject = guard()
    asgi, wsgi = ByASGI(subject), ByWSGI(subject)
    for drive in (asgi, wsgi):
        within, beyond = drive(make(bound)), drive(make(bound + 1))
        assert within.status not in {413, 414, 431}, name
        assert (beyond.status, beyond.called, beyond.challenges) == (status, False, []), name
        assert reason.value.encode() in beyond.body
    assert subject.decide(request_view(make(bound + 1))).reason is reason


READ_BY_THE_GUARD = ["Accept", "Origin", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Upgrade", "X-Request-Id", "X-Requested-With", "Content-Type"]


@pytest.mark.parametrize("name", READ_BY_THE_GUARD)
def test_H11_a_field_is_decoded_up_to_its_bound_only(name: str) -> None:
    """A field of megabytes becomes text up to its bound and one octet more, so that it still counts as too long."""
    subject = guard()
    sent = ((name, "a" * 1_000_000), ("X-API-Key", TOKEN))
    for headers in (sent, [(field.encode(), value.encode()) for field, value in sent]):
        view = RequestView("POST", "/x", headers)
        subject.decide(view)
        assert view.field(name.lower()) == "a" * (MAX_FIELD_OCTETS + 1)
        assert view.field("x-api-key") == TOKEN


def test_H11_the_lines_of_one_field_have_one_bound() -> None:
    """Cookie lines that are short each are refused where they are too long together, as WSGI servers join them."""
    subject = guard()
    for drive in (ByASGI(subject), ByWSGI(subject)):
        for size, status in ((100, 200), (400, 431)):
            lines = tuple(("Cookie", f"a{number}=" + "b" * 100) for number in range(size))
            assert drive(Request(target="/public/x", headers=lines)).status == status


def test_H11_cookies_are_bounded_only_where_a_scheme_reads_one() -> None:
    """A guard that reads no cookie lets any Cookie field pass."""
    subject = Guard(Bearer(Tokens({TOKEN: Principal("ann")})))
    for drive in (ByASGI(subject), ByWSGI(subject)):
        answer = drive(Request(headers=(("Authorization", f"Bearer {TOKEN}"), ("Cookie", "a" * 100_000))))
        assert (answer.status, answer.called) == (200, True)


def test_H11_a_form_in_thousands_of_pieces_is_not_read_on() -> None:
    """Beyond 2,048 messages the form is refused with 413, and no further message is awaited."""
    drive = ByASGI(guard())
    answer = drive(Request(method="POST", target="/x", headers=(FORM,), body=(b"a",) * (MAX_PIECES + 10)))
    assert (answer.status, answer.called, answer.received) == (413, False, MAX_PIECES)


def test_H11_a_greater_limit_takes_more_pieces() -> None:
    """A form of megabytes, where it is asked for, may come in packets."""
    subject = Guard(Bearer(Tokens({TOKEN: Principal("ann")}), form=True, form_limit=4_000_000))
    token = f"access_token={TOKEN}&a=".encode()
    drive = ByASGI(subject)
    for pieces, status in ((7_000, 200), (8_000, 413)):
        answer = drive(Request(method="POST", headers=(FORM,), body=(token, *(b"b" * 500,) * pieces)))
        assert answer.status == status


class Drops:
    """The content of a request that comes octet by octet, as a server may hand it over."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, _size: int) -> bytes:
        """Return one more octet."""
        self.reads += 1
        return b"a"


def test_H11_a_form_that_comes_octet_by_octet_is_not_read_on() -> None:
    """The same under WSGI, where a stream may return less than it is asked for."""
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": FORM[1], "CONTENT_LENGTH": "60000", "wsgi.input": Drops()}
    setup_testing_defaults(environ)
    answers: list[str] = []
    list(GuardMiddleware(demo_app, guard())(environ, lambda status, _headers: answers.append(status)))
    assert (answers, environ["wsgi.input"].reads) == (["413 Content Too Large"], MAX_PIECES + 1)


def test_H11_the_fast_path_has_the_same_bounds() -> None:
    """A caller who is known gets the same answer as one who is not, on both sides of each bound."""
    tokens = {token: Principal("ann") for token in (TOKEN, "a" * (LONGEST_FIELD - 7), "b" * (LONGEST_FIELD - 6), "c" * 16_377)}
    subject = Guard(Bearer(Tokens(tokens)))
    for drive in (ByASGI(subject), ByWSGI(subject)):
        for token in tokens:
            sent = ("Authorization", f"Bearer {token}")
            plain = Request(target="/x", headers=(sent,))
            assert [drive(plain).status for _ in range(3)] == [200, 200, 200]
            many = Request(target="/x", headers=(sent, *((f"X-{number}", "a") for number in range(MAX_FIELDS))))
            assert drive(many).status == 431
            assert drive(Request(target="/x", headers=(sent, ("X-" + "a" * 255, "a")))).status == 431
            assert drive(Request(target="/x?" + "a" * 81_921, headers=(sent,))).status == 414
            assert drive(Request(target="/x", headers=(sent, ("Host", "a" * 8193)))).status == 431


@pytest.mark.parametrize("address", ["1" * 10_000, ":" * 10_000, "1." * 10_000, "::1%" + "a" * 10_000, "1" * 5000 + "::"])
def test_H11_a_long_address_is_ignored(address: str) -> None:
    """Servers that take the address from X-Forwarded-For hand over what a client wrote: a long one is unknown, and in no network."""
    assert parse_address(address) is None
    assert not guard().decide(RequestView("GET", "/near", client=address)).granted


def test_H11_a_log_line_is_short_whatever_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    """Method, path and address are cut in the line and in its facts."""
    subject = guard()
    with caplog.at_level(logging.INFO, logger="watchword"):
        for carrier in CARRIERS.values():
            decided(subject, carrier(fill("\xff", 200_000)))
            decided(subject, carrier(fill("ab", 8_000)))
    assert len(caplog.records) > len(CARRIERS)
    assert all(len(record.getMessage()) < 8000 and len(str(vars(record))) < 20_000 for record in caplog.records)


def test_H11_a_long_method_is_decided_as_an_unknown_one() -> None:
    """It gets the same rule as any method that no rule names, and is not kept."""
    subject = Guard(Bearer(Tokens({TOKEN: Principal("ann")})), rules={"GET /x": public, "POST /x": public})
    short, long = (subject.decide(RequestView(method, "/x")) for method in ("JEFF", "J" * 100_000))
    assert (type(short), short.rule, short.reason) == (type(long), long.rule, long.reason)
    for number in range(100):
        subject.decide(RequestView(f"M{number}" + "A" * 60_000, "/x"))
    assert len(subject.fast_path.targets) <= 1


def test_H11_a_long_upgrade_is_not_searched() -> None:
    """It counts as a handshake, which needs the service's own origin: no script can set the field, and no browser writes so much."""
    for length, handshake in ((512, False), (513, True)):
        assert RequestView("GET", "/", [("Upgrade", "a" * length)]).is_handshake is handshake


def test_H11_invented_field_names_are_not_kept_under_wsgi() -> None:
    """A server makes a variable of each header field. Some hundreds of names are kept, and no long one."""
    subject = guard()
    variables = Variables(subject.policy.index, subject.fast_path)
    known = len(variables)
    for number in range(2000):
        assert variables[f"HTTP_X_{number}"] is None
        assert variables["HTTP_X_" + "A" * 100 + str(number)] is None
    assert len(variables) <= known + 512
    assert max(map(len, variables)) <= 72
