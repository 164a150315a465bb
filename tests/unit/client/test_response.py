"""One value for the responses of all clients; nothing of a server crashes it, and nothing is read without a bound."""

from __future__ import annotations

from email.message import Message
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import httpx
import httpx2
import pytest
import requests
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from watchword.client import ResponseView, read_response
from watchword.client.response import BODY_LIMIT
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = [("WWW-Authenticate", 'Basic realm="a"'), ("WWW-Authenticate", 'Bearer realm="b"'), ("X", "\xfc")]
OCTETS = [(name.encode(), value.encode("latin-1")) for name, value in FIELDS]
URL = "https://api.example/x"


def by_requests(body: Any, *, fields: list[tuple[str, str]] = FIELDS) -> requests.Response:
    """A response of requests, over one of urllib3, whose content is not loaded yet."""
    response = requests.Response()
    headers = HTTPHeaderDict(fields)
    response.raw = HTTPResponse(body=body, headers=headers, preload_content=False)
    response.status_code, response.url = 401, URL
    response.headers = requests.structures.CaseInsensitiveDict(headers)
    return response


def message() -> Message:
    """The fields of a response as `http.client` has them."""
    fields = Message()
    for name, value in FIELDS:
        fields[name] = value
    return fields


def werkzeug_request() -> Any:
    """The request of a test client, which has the URL."""
    return EnvironBuilder("/x", "https://api.example").get_request()


RESPONSES: dict[str, Any] = {
    "httpx": lambda: httpx.Response(401, headers=OCTETS, content=b"text", request=httpx.Request("GET", URL)),
    "httpx2": lambda: httpx2.Response(401, headers=OCTETS, content=b"text", request=httpx2.Request("GET", URL)),
    "requests": lambda: by_requests(BytesIO(b"text")),
    "aiohttp": lambda: SimpleNamespace(status=401, headers={}, raw_headers=tuple(OCTETS), content=object(), url=URL),
    "werkzeug": lambda: TestResponse([b"text"], "401 UNAUTHORIZED", Headers(FIELDS), werkzeug_request()),
    "urllib": lambda: HTTPError(URL, 401, "Unauthorized", message(), BytesIO(b"text")),
    "a plain object": lambda: SimpleNamespace(status=401, headers=FIELDS, body=b"text", url=URL),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_every_client_is_read_alike(name: str) -> None:
    """Status, repeated fields one by one with an octet for each character, content and URL."""
    body = b"text" if name in {"aiohttp", "urllib"} else None  # their content can only be awaited, or read
    view = read_response(RESPONSES[name](), body=body, url=URL if name == "werkzeug" else None)
    assert (view.status, view.all("www-authenticate"), view.one("x")) == (401, ['Basic realm="a"', 'Bearer realm="b"'], "\xfc")
    assert (view.body, view.url, view.cut) == (b"text", URL, ())
    assert read_response(view) is view


def test_content_that_only_a_loop_can_read_is_left_out() -> None:
    """With aiohttp and async streams the rest of the response is read, and the value says that the content was not."""
    view = read_response(RESPONSES["aiohttp"]())
    assert view.body == b""
    assert view.cut == ("the content was not read, or not beyond 65536 octets",)

    async def pieces() -> Any:
        yield b"x"

    assert read_response(httpx.Response(401, content=pieces())).body == b""


class Endless(BytesIO):
    """A content without an end, which counts what is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def read(self, amount: int | None = -1, /) -> bytes:
        """Give as much as is asked for, at most 8 KiB."""
        self.taken += 8192
        return b"x" * min(8192, amount or 8192)


def test_an_endless_content_is_read_to_the_limit() -> None:
    """The client requests loads all content where it is asked for `content`; so it is not asked."""
    source = Endless()
    view = read_response(by_requests(source, fields=[]))
    assert len(view.body) == BODY_LIMIT
    assert source.taken <= BODY_LIMIT + 65_536
    assert view.cut

    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield b"x" * 8192

    view = read_response(httpx.Response(401, content=pieces()))
    assert (len(view.body), len(taken) <= BODY_LIMIT // 8192 + 1) == (BODY_LIMIT, True)


def test_loaded_content_is_cut() -> None:
    """100 MB that the client holds already cost a copy of the first part."""
    view = read_response(SimpleNamespace(status=401, headers={}, content=bytes(100_000_000)))
    assert len(view.body) == BODY_LIMIT
    assert read_response(view.__class__(401), body=b"ignored").body == b""
    assert read_response(SimpleNamespace(status=401, headers={}), body=b"abcd", limit=3) == ResponseView(
        401, body=b"abc", cut=("the content was not read, or not beyond 3 octets",)
    )


def test_a_connection_that_breaks_leaves_the_rest() -> None:
    """What a client raises while content is read is the network's, not a crash of the reader."""

    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise httpx.ReadError("gone")

    assert read_response(httpx.Response(503, content=pieces())).status == 503


def test_fields_are_bounded() -> None:
    """10,000 fields, a long name and a long value: what is beyond the bound is left out, and counted."""
    fields = [("a", "x"), ("n" * 300, "x"), ("a", "x" * 70_000), *[("b", "y")] * 10_000]
    view = read_response(SimpleNamespace(status=401, headers=fields))
    assert len(view.fields) == 500
    assert view.cut == ("9503 header fields were too many or too long",)


def test_nothing_of_a_response_is_shown() -> None:
    """Cookies, content and queries may hold secrets."""
    view = ResponseView(401, (("Set-Cookie", "session=hush"),), b"hush", "https://api.example/?token=hush")
    assert "hush" not in repr(view)


@pytest.mark.parametrize("wrong", [None, object(), SimpleNamespace(status="401 Unauthorized"), SimpleNamespace(status=True)])
def test_what_is_no_response_is_an_error(wrong: object) -> None:
    """The message says what to give."""
    with pytest.raises(ConfigurationError, match="must have status_code or status, a whole number, got"):
        read_response(wrong)
    with pytest.raises(ConfigurationError, match="limit"):
        read_response(ResponseView(401), limit=-1)


@pytest.mark.parametrize("headers", ["abc", ["x"], [("a",)], [("a", "b", "c")], [5]])
def test_headers_that_are_no_pairs(headers: Any) -> None:
    """A mistake of the program is an error that says so."""
    with pytest.raises(ConfigurationError, match="a mapping or pairs of names and values"):
        read_response(SimpleNamespace(status=401, headers=headers))
