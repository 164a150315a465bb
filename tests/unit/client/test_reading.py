"""Challenges, problems, waits and addresses of any server: read as well as they can be, bounded, and never a crash."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from watchword.client import (
    MAX_WAIT,
    Address,
    ResponseView,
    address_of,
    origin_of,
    read_challenges,
    read_problem,
    retry_after,
)
from watchword.grammar import Challenge
from watchword.testing import FixedClock

CLOCK = FixedClock(784_111_777)  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 §5.6.7


def asking(*lines: str, name: str = "WWW-Authenticate") -> ResponseView:
    """A response with these challenges."""
    return ResponseView(401, tuple((name, line) for line in lines))


def saying(body: bytes, kind: str = "application/problem+json; charset=utf-8") -> ResponseView:
    """A response with this content."""
    return ResponseView(401, (("Content-Type", kind),), body)


def test_challenges_come_in_lines_and_joined() -> None:
    """RFC 9110 §11.6.1: both forms, in the order sent."""
    one = read_challenges(asking('Basic realm="a"', 'Bearer realm="b", scope="x y"'))
    two = read_challenges(asking('Basic realm="a", Bearer realm="b", scope="x y"'))
    assert one.found == two.found == (Challenge("Basic", {"realm": "a"}), Challenge("Bearer", {"realm": "b", "scope": "x y"}))
    assert (one.lines, one.joined, two.lines, two.joined) == (2, False, 1, True)
    assert one.faults == two.faults == ()


def test_a_proxy_asks_in_its_own_field() -> None:
    """RFC 9110 §11.7.1."""
    view = asking("Basic", name="Proxy-Authenticate")
    assert read_challenges(view, proxy=True).found == (Challenge("Basic"),)
    assert read_challenges(view).found == ()


@each(
    ("line", "found"),
    [
        ('Bearer realm="x" error="invalid_token"', [("Bearer", {"realm": "x", "error": "invalid_token"})]),
        ("Basic realm=my realm", [("Basic", {"realm": "my"})]),
        ('Basic realm="open', [("Basic", {"realm": "open"})]),
        ('Bearer error="a", error="b"', [("Bearer", {"error": "a"})]),
        ('Bearer realm="x" error="y", Basic realm="\\"z\\""', [("Bearer", {"realm": "x", "error": "y"}), ("Basic", {"realm": '"z"'})]),
        ('Bearer realm = "x" scope = "y"', [("Bearer", {"realm": "x", "scope": "y"})]),
        ('realm="x"', []),
        ("", []),
        ("\x00", []),
    ],
)
def test_a_line_that_breaks_the_grammar_is_read_and_named(line: str, found: list[tuple[str, dict[str, str]]]) -> None:
    """What servers are known to send; the fault says which line, and what was expected where."""
    read = read_challenges(asking("Negotiate", line))
    assert read.found == (Challenge("Negotiate"), *(Challenge(scheme, params) for scheme, params in found))
    assert len(read.faults) == 1
    assert read.faults[0].startswith("WWW-Authenticate, line 2 of 2: expected ")


def test_ten_thousand_challenges_are_bounded() -> None:
    """In lines, joined, and joined with a fault."""
    for lines in (
        ["Basic"] * 10_000,
        [", ".join(["Basic"] * 1000)],
        [", ".join(['A b="c" d="e"'] * 10_000)],
        ['"' * 65_000],
        ["," * 65_000],
    ):
        read = read_challenges(asking(*lines))
        assert len(read.found) <= 64
        assert read.faults


@given(st.lists(st.text(st.characters(max_codepoint=0x2FF)) | st.text('Bearer basic=,"\\ \t'), max_size=4))
def test_no_challenge_crashes(lines: list[str]) -> None:
    """Whatever stands in the fields, what is found can be sent again."""
    for challenge in read_challenges(asking(*lines)).found:
        assert challenge.serialize()


@each(
    ("members", "read"),
    [
        (
            {"type": "https://x/#e", "title": "T", "detail": "D", "reason": "expired", "request_id": "7"},
            ("https://x/#e", "T", "D", "expired", "7"),
        ),
        ({"error": "invalid_token", "error_description": "gone"}, ("", "", "gone", "invalid_token", "")),
        ({"detail": "Not authenticated"}, ("", "", "Not authenticated", "", "")),
        ({"detail": [{"loc": []}], "message": "m", "code": 7}, ("", "", "m", "", "")),
        ({"title": "a\r\nb\u202ec\x00", "detail": "x" * 5000}, ("", "a b c", "x" * 500, "", "")),
    ],
)
def test_problems_of_many_servers(members: dict[str, object], read: tuple[str, ...]) -> None:
    """Ours, those of OAuth, and those of frameworks; texts in one line, cut."""
    problem = read_problem(saying(json.dumps(members).encode(), "application/json"))
    assert (problem.type, problem.title, problem.detail, problem.reason, problem.reference) == read
    assert problem.members == members


@each(
    "body",
    [
        b'{"title": NaN}',
        b'{"a": 1e999}',
        b"[" * 100_000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        '{"title": "ü"}'.encode("latin-1"),
        '{"title": "x"}'.encode("utf-16"),
        b'{"title": "\\ud800"}',
        b'{"a": 1, "a": 2}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[]",
        b"{",
    ],
)
def test_json_that_is_none_is_a_fault(body: bytes) -> None:
    """NaN, depth, other encodings, repeated members: an empty problem that says why."""
    problem = read_problem(saying(body))
    assert (problem.title, problem.members) == ("", {})
    assert problem.fault.startswith("the content says application/problem+json: expected ")


def test_other_content_is_not_read() -> None:
    """A page, no type, no content; a byte order mark before JSON is forgiven."""
    assert read_problem(saying(b"{}", "text/html")).fault == ""
    assert read_problem(ResponseView(401, (), b"{}")).members == {}
    assert read_problem(saying(b"")).fault == ""
    assert read_problem(saying(b'\xef\xbb\xbf{"title": "x"}')).title == "x"


@given(st.binary())
def test_no_content_crashes(body: bytes) -> None:
    """Any octets."""
    read_problem(saying(body))


@each(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("00120", 120),
        (" 7\t", 7),
        ("9" * 10_000, MAX_WAIT),
        ("86401", MAX_WAIT),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
        ("Sun Nov  6 08:50:37 1994", 60),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_WAIT),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("soon", None),
        ("Sun, 99 Nov 1994 08:50:37 GMT", None),
        ("x" * 100_000, None),
    ],
)
def test_R9110_10_2_3_2_retry_after(value: str, seconds: int | None) -> None:
    """RFC 9110 §10.2.3: seconds and dates, never beyond a day."""
    assert retry_after(ResponseView(503, (("Retry-After", value),)), CLOCK) == seconds


def test_a_date_is_compared_with_that_of_the_response() -> None:
    """The clock of the client may be years off."""
    fields = (("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT"), ("Date", "Sun, 06 Nov 1994 08:50:30 GMT"))
    assert retry_after(ResponseView(503, fields), FixedClock(0)) == 7
    assert retry_after(ResponseView(503), CLOCK) is None


@given(st.text(), st.text())
def test_no_wait_crashes(value: str, date: str) -> None:
    """Any text in both fields."""
    found = retry_after(ResponseView(503, (("Retry-After", value), ("Date", date))), CLOCK)
    assert found is None or 0 <= found <= MAX_WAIT


@each(
    ("reference", "url", "same"),
    [
        ("/login?next=%2F", "https://api.example/login?next=%2F", True),
        ("login#top", "https://api.example/a/login", True),
        ("https://API.example:443/x", "https://api.example/x", True),
        ("https://id.example/x", "https://id.example/x", False),
        ("https://api.example:8443/", "https://api.example:8443/", False),
        ("//id.example/x", "https://id.example/x", False),
    ],
)
def test_an_address_says_whether_it_is_of_the_same_origin(reference: str, url: str, same: bool) -> None:  # noqa: FBT001 - a column
    """Absolute and relative, as RFC 3986 §5 resolves them."""
    assert address_of(reference, ResponseView(401, url="https://api.example/a/b?c#d")) == Address(url, same)


@each(
    "reference",
    [
        "http://api.example/x", "http://localhost/x", "https://localhost/", "https://127.0.0.1/", "javascript:alert(1)", "ftp://x/",
        "https://u:p@api.example/", "/a b", "/a\\b", "\\\\evil.example", "/a\nb", "https://", "https://x.example:99999/", "https://[::1",
        7, None, "/" + "x" * 3000,
    ],
)  # fmt: skip
def test_an_address_that_nobody_should_follow_is_refused(reference: object) -> None:
    """Plain http, this machine named by another one, user names, and what two readers would read in two ways."""
    with pytest.raises(ValueError, match=r"."):
        address_of(reference, ResponseView(401, url="https://api.example/a"))


def test_this_machine_may_name_itself() -> None:
    """For development: http on a loopback address, from a response of this machine."""
    view = ResponseView(401, url="http://localhost:8000/x")
    assert address_of("/token", view) == Address("http://localhost:8000/token", same_origin=True)
    assert address_of("http://127.0.0.1:9000/t", view) == Address("http://127.0.0.1:9000/t", same_origin=False)


def test_without_a_url_nothing_is_of_the_same_origin() -> None:
    """A relative address has no meaning then, and a foreign one stays foreign."""
    assert address_of("https://id.example/", ResponseView(401)) == Address("https://id.example/", same_origin=False)
    with pytest.raises(ValueError, match=r"."):
        address_of("/login", ResponseView(401))


def test_origins() -> None:
    """User name, password and fragment are no part of one; plain http is one of its own."""
    assert origin_of("http://u:p@API.example/x?y#z") == "http://api.example"
    assert origin_of("https://api.example:8443") == "https://api.example:8443"
    assert origin_of("no url") is None
