"""Assertions about refusals take the response of any client, and say what came."""

from __future__ import annotations

import asyncio
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from wsgiref.simple_server import WSGIRequestHandler, make_server

import aiohttp
import httpx
import httpx2
import pytest
import requests
from django.http import HttpResponse
from quart import Quart
from starlette.testclient import TestClient
from werkzeug.test import Client

from tests.support import django_settings
from watchword import Basic, Bearer, Guard, Principal, Refusal, RequestView, role, scope
from watchword.adapters import asgi, wsgi
from watchword.checkers import Tokens
from watchword.testing import assert_challenged, assert_forbidden, bearer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKENS = Tokens({"ann-token": Principal("ann")})
GUARD = Guard(
    Basic(lambda _: None, realm="x"),
    Bearer(TOKENS, realm="a, b"),
    rules={"/orders": scope("orders:read", "orders:write"), "/admin": role("admin")},
)


def refusal(path: str = "/me", token: str = "") -> Refusal:
    """Return how the guard refuses a request."""
    view = RequestView("GET", path, bearer(token) if token else ())
    return GUARD.refuse(GUARD.decide(view), view)


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


def served(environ: Any, start_response: Any) -> list[bytes]:
    """Serve whom the guard lets pass."""
    start_response("200 OK", [])
    return [b"served"]


async def aserved(scope: Any, receive: Any, send: Any) -> None:
    """Do the same."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server."""
    with make_server("127.0.0.1", 0, wsgi.GuardMiddleware(served, GUARD), handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def by_urllib(url: str, headers: dict[str, str]) -> Any:
    """The standard library raises its answer."""
    try:
        return urlopen(Request(url, headers=headers))  # noqa: S310 - to a server of the test
    except HTTPError as error:
        return error


def by_quart(url: str, headers: dict[str, str]) -> Any:
    """The client of Quart, whose content must be awaited."""
    app = Quart(__name__)
    app.asgi_app = asgi.GuardMiddleware(app.asgi_app, GUARD)  # type: ignore[arg-type, assignment, method-assign]

    async def get() -> Any:
        return await app.test_client().get("/" + url.rpartition("/")[2], headers=headers)

    return asyncio.run(get())


def by_django(url: str, headers: dict[str, str]) -> Any:
    """A response of Django, which has each field once."""
    django_settings.configure()
    made = refusal("/" + url.rpartition("/")[2], headers.get("Authorization", "").removeprefix("Bearer "))
    response = HttpResponse(made.body, status=made.status)
    del response.headers["Content-Type"]
    for name, value in made.headers:
        response.headers[name] = f"{response.headers[name]}, {value}" if name in response.headers else value
    return response


CLIENTS: dict[str, Callable[[str, dict[str, str]], Any]] = {
    "urllib": by_urllib,
    "requests": lambda url, headers: requests.get(url, headers=headers, timeout=60),
    "httpx": lambda url, headers: httpx.get(url, headers=headers),
    "httpx2": lambda url, headers: httpx2.get(url, headers=headers),
    "werkzeug": lambda url, headers: Client(wsgi.GuardMiddleware(served, GUARD)).get(url, headers=headers),
    "Starlette": lambda url, headers: TestClient(asgi.GuardMiddleware(aserved, GUARD)).get(url, headers=headers),
    "Quart": by_quart,
    "Django": by_django,
    "a refusal": lambda url, headers: refusal("/" + url.rpartition("/")[2], headers.get("Authorization", "").removeprefix("Bearer ")),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_refusals_are_seen_by_every_client(client: str, url: str) -> None:
    """Several challenges, in lines of their own or in one; parameters, reasons, and the failures."""
    get = CLIENTS[client]
    asked = get(f"{url}/orders", {})
    assert assert_challenged(asked, "bearer", scope="orders:read orders:write", realm="a, b", error=None).scheme == "Bearer"
    assert assert_challenged(asked, "Basic", reason="missing_credentials").params["charset"] == "UTF-8"
    assert assert_challenged(asked).scheme == "Basic"
    wrong = get(f"{url}/orders", bearer("wrong"))
    assert_challenged(wrong, "Bearer", error="invalid_token")
    assert_challenged(wrong, "Bearer", reason="invalid_credentials")
    lacking = get(f"{url}/orders", bearer("ann-token"))
    assert_forbidden(lacking, "Bearer", error="insufficient_scope", scope="orders:read orders:write", reason="insufficient_scope")
    assert_forbidden(lacking)
    assert_forbidden(get(f"{url}/admin", bearer("ann-token")), reason="missing_role")
    for response, assertion in ((lacking, assert_challenged), (asked, assert_forbidden)):
        with pytest.raises(AssertionError, match="but the status is 40"):
            assertion(response)
    with pytest.raises(AssertionError, match="for the reason missing_role, but the reason is another"):
        assert_forbidden(lacking, "Bearer", Error="insufficient_scope", reason="missing_role")
    with pytest.raises(AssertionError, match="\n  reason: missing_role\n"):
        assert_forbidden(get(f"{url}/admin", bearer("ann-token")), reason="missing_scope")
    for response in (asked, wrong, lacking):
        with suppress(AttributeError):
            response.close()


def test_a_stream_is_left_to_the_test(url: str) -> None:
    """A content that is not read is no problem, and can still be read."""
    with httpx.stream("GET", f"{url}/orders") as response:
        assert_challenged(response, "Bearer")
        with pytest.raises(AssertionError, match="no problem that was read"):
            assert_challenged(response, reason="missing_credentials")
        response.read()
        assert_challenged(response, reason="missing_credentials")


def test_an_aiohttp_response_is_seen(url: str) -> None:
    """Also where its content is not read: then the reason is not known."""

    async def get() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/orders") as response:
            assert_challenged(response, "Bearer", scope="orders:read orders:write")
            with pytest.raises(AssertionError, match="no problem that was read"):
                assert_challenged(response, reason="missing_credentials")
            await response.read()
            assert_challenged(response, reason="missing_credentials")

    asyncio.run(get())


@dataclass
class Given:
    """A response by hand."""

    status: object
    headers: Any = ()
    body: bytes = b""


JSON = {"WWW-Authenticate": "Basic realm=x", "Content-Type": "application/problem+json"}


def test_a_failure_shows_what_came() -> None:
    """What was expected, why it is not so, and everything that the response says about it; no cookie."""
    made = refusal("/orders", "wrong")
    made.headers.append(("Set-Cookie", "session=s3cret"))
    with pytest.raises(AssertionError) as failed:
        assert_challenged(made, "Bearer", error="expired", max_age=300, scope=None)
    lines = str(failed.value).splitlines()
    assert lines[0] == (
        'expected a 401 that asks for Bearer error="expired", max_age="300", no scope, but Bearer has error="invalid_token"; '
        'Bearer has no max_age; Bearer has scope="orders:read orders:write"'
    )
    assert lines[1] == "  status: 401"
    assert '  WWW-Authenticate: Basic realm="x", charset="UTF-8"' in lines
    assert "  reason: invalid_credentials" in lines
    assert any(line.startswith("  request_id: ") for line in lines)
    assert "s3cret" not in str(failed.value)


@pytest.mark.parametrize(
    ("response", "arguments", "message"),
    [
        (Given(401), {}, "there is no WWW-Authenticate"),
        (Given(407, {"WWW-Authenticate": "Basic realm=x"}), {"status": 407}, "there is no Proxy-Authenticate"),
        (Given(401, {"www-authenticate": "Basic realm=x"}), {"scheme": "Digest"}, "there is no challenge Digest"),
        (Given(401, {"WWW-Authenticate": 'Basic realm="x'}), {}, "the WWW-Authenticate field breaks the grammar"),
        (Given(401, {"WWW-Authenticate": ""}), {}, "breaks the grammar"),
        (Given(401, {"WWW-Authenticate": "Basic realm=x"}), {"reason": "expired"}, "for the reason expired, but the reason is another"),
        (Given(401, JSON, b""), {"reason": "expired"}, "no problem that was read"),
        (Given(401, JSON, b'"expired"'), {"reason": "expired"}, "no problem that was read"),
    ],
)
def test_each_failure_has_its_words(response: Given, arguments: dict[str, Any], message: str) -> None:
    """No challenge, another one, one that no client can read, and a reason that is not there."""
    scheme = arguments.pop("scheme", None)
    with pytest.raises(AssertionError, match=message):
        assert_challenged(response, scheme, **arguments)


def test_other_statuses_may_have_challenges() -> None:
    """407 of a proxy, 400 of Bearer; names and values in octets too."""
    assert_challenged(Given(407, [(b"proxy-authenticate", b"Basic realm=x")]), "Basic", status=407, realm="x")
    message = Message()
    message["WWW-Authenticate"] = "Negotiate"
    message["WWW-Authenticate"] = 'Bearer error="invalid_request", max_age=3'
    assert_challenged(Given(400, message), "Bearer", status=400, error="invalid_request", max_age=3)
    assert_challenged(Given(400, message), "Negotiate", status=400)


@pytest.mark.parametrize("thing", [None, "401", Given("401 Unauthorized"), asyncio.sleep])
def test_what_is_no_response_is_named(thing: Any) -> None:
    """As a coroutine that was not awaited is none."""
    with pytest.raises(TypeError, match="expected a response with status and headers, got"):
        assert_challenged(thing)


def test_pytest_shows_the_line_of_the_test() -> None:
    """The frames of the assertions are hidden."""
    for call in (
        lambda: assert_challenged(Given(200)),
        lambda: assert_forbidden(Given(200)),
        lambda: assert_forbidden(Given(403), "Bearer"),
    ):
        with pytest.raises(AssertionError) as failed:
            call()
        inner = [
            frame
            for frame, _ in traceback.walk_tb(failed.tb)
            if "responses.py" in frame.f_code.co_filename and "src" in frame.f_code.co_filename
        ]
        assert inner
        assert all(frame.f_locals.get("__tracebackhide__") for frame in inner)
