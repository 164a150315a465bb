"""Whatever a server answers, the probe ends with a report that every format can hold, in bounded time."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from tests.support.probed import probed
from watchword import Unavailable
from watchword.findings.writing import FORMATS
from watchword.probe import basic, bearer

if TYPE_CHECKING:
    from tests.support.probed import Response
    from watchword.probe import Ask

PIECES = [
    *("Basic", "Bearer", "Digest", "Negotiate", "realm", "error", "scope", "resource_metadata", "nonce", "algorithm"),
    *('="', '"', "=", ", ", ",", " ", "\\", "\t", "\x00", "é", "invalid_token", "https://api.example.com/", "/.well-known/x", "MD5"),
]
VALUES = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(st.characters(max_codepoint=255), max_size=30)
NAMES = st.sampled_from(
    ["WWW-Authenticate", "Location", "Set-Cookie", "Date", "Retry-After", "Cache-Control", "Content-Type", "Content-Encoding", "Server"]
)
MEMBERS = ["status", "type", "detail", "error", "resource", "authorization_servers", "scopes_supported"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=6,
)
CONTENT = st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode())
KINDS = st.sampled_from(["application/problem+json", "application/json", "text/html", ""]).map(lambda kind: ("Content-Type", kind))
RESPONSES = st.tuples(
    st.sampled_from([200, 204, 301, 302, 307, 400, 401, 401, 401, 403, 404, 405, 422, 429, 500, 503]),
    st.tuples(KINDS, st.lists(st.tuples(NAMES, VALUES), max_size=5)).map(lambda both: (both[0], *both[1])),
    CONTENT,
)
CREDENTIALS = st.sampled_from([None, basic("ann", "correct horse"), bearer("e30.e30.e30"), bearer("x"), bearer('{"access_token": 1}')])


@given(st.lists(RESPONSES, min_size=1, max_size=6), CREDENTIALS, st.booleans())
def test_any_responses_make_a_report(responses: list[Response], presented: object, mcp: bool) -> None:  # noqa: FBT001 - drawn
    """No check raises; a conversation that cannot go on is an outage with words; and each format can be written and read."""

    def server(ask: Ask) -> Response:
        return responses[sum(map(ord, ask.purpose)) % len(responses)]

    try:
        report = probed(server, presented, mcp=mcp)  # type: ignore[arg-type]
    except Unavailable:
        return
    for name, write in FORMATS.items():
        text = write(report)
        assert all(line.isprintable() for line in text.splitlines()), name
        assert "correct horse" not in text
    json.loads(FORMATS["sarif"](report))
    ET.fromstring(FORMATS["junit"](report))  # noqa: S314 - made here
    assert report.percent is None or 0 <= report.percent <= 100


SIZE = 1 << 18


@pytest.mark.long
@each(
    "content",
    [
        b" " * SIZE,
        b"\n" * SIZE,
        b"\n at " * (SIZE // 5),
        b"\n at a in b" * (SIZE // 10),
        b"\n at " + b" in x:" * (SIZE // 6),
        b"missing " * (SIZE // 8),
        b"[" * SIZE,
        b'{"a":' * (SIZE // 5),
        b'"\\' * (SIZE // 2),
    ],
)
def test_content_that_is_made_to_be_slow(content: bytes) -> None:
    """256 KiB in each refusal, which patterns and parsers read in a bounded time."""
    began = time.process_time()
    probed(lambda _: (403, (("Content-Type", "application/problem+json"),), content))
    assert time.process_time() - began < 5


@pytest.mark.parametrize("value", ["a " * 4000, 'a="' * 2700, "=," * 4000, ", " * 4000, 'a b="\\"' * 1100, "a" * 8000])
def test_challenges_that_are_made_to_be_slow(value: str) -> None:
    """64 fields are more than a head holds; 12 of 8 KB are the most."""
    began = time.process_time()
    probed(lambda _: (401, (("WWW-Authenticate", value),) * 12, b""))
    assert time.process_time() - began < 5
