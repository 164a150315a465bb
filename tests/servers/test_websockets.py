"""WebSocket handshakes on real servers: refused before they are accepted, in HTTP where the server can (decision D56)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.servers import DEADLINE, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from websockets.http11 import Response

CHALLENGES = ['Basic realm="office", charset="UTF-8"', 'Bearer realm="office"', 'ApiKey realm="office"']

DENYING = ("uvicorn", "hypercorn", "hypercorn-trio", "granian", "gunicorn-uvicorn")
CLOSING = ("gunicorn-asgi",)  # it has no `websocket.http.response`: what is closed before accept becomes a bare 403


def refused(server: Server, path: str, headers: Mapping[str, str]) -> Response:
    """Return the answer to a handshake that is not accepted."""
    with pytest.raises(InvalidStatus) as caught, connect(_url(server, path), additional_headers=headers, open_timeout=DEADLINE, proxy=None):
        pass
    return caught.value.response


def accepted(server: Server, path: str, headers: Mapping[str, str]) -> str:
    """Return the first message after a handshake that is accepted: the principal, by the application's account."""
    with connect(_url(server, path), additional_headers=headers, open_timeout=DEADLINE, proxy=None) as socket:
        return str(socket.recv(DEADLINE))


def _url(server: Server, path: str) -> str:
    return server.url.replace("http", "ws") + path


@pytest.mark.parametrize("name", DENYING)
def test_a_handshake_without_credentials_is_answered_401_with_every_challenge(name: str, serving: Callable[[str], Server]) -> None:
    """Nobody gets a socket without credentials, and who asks learns how to get one."""
    response = refused(serving(name), "/me", {"X-Request-Id": "ws-1"})
    assert response.status_code == 401
    offered = response.headers.get_all("WWW-Authenticate")
    # On granian in one line, and nowhere else: see _refuse_websocket.
    assert offered == ([", ".join(CHALLENGES)] if name == "granian" else CHALLENGES)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert b'"ws-1"' in bytes(response.body or b"")


@pytest.mark.parametrize("name", DENYING)
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/me", {"Authorization": "Bearer no"}, 401),
        ("/me", {"Authorization": "Bearer"}, 400),
        ("/orders", {"Authorization": "Bearer tok-bob"}, 403),
        ("/office", {}, 403),
        ("/vault", {"Authorization": "Bearer tok-ann"}, 404),
        ("//me", {"Authorization": "Bearer tok-ann"}, 400),
        ("/me", {"Authorization": "Bearer tok-ann", "X-API-Key": "key-job"}, 400),
    ],
)
def test_a_handshake_is_refused_as_a_request_is(
    name: str, path: str, headers: dict[str, str], status: int, serving: Callable[[str], Server]
) -> None:
    """The status is that of the same request over HTTP, and the server outlives it."""
    server = serving(name)
    assert refused(server, path, headers).status_code == status
    assert accepted(server, "/me", {"Authorization": "Bearer tok-ann"}) == "ann"


@pytest.mark.parametrize("name", CLOSING)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer no"}, {"Authorization": "Bearer"}])
def test_a_server_without_denial_responses_closes_before_accept(
    name: str, headers: dict[str, str], serving: Callable[[str], Server]
) -> None:
    """What cannot be answered in HTTP is closed before it is accepted."""
    assert refused(serving(name), "/me", headers).status_code == 403


@pytest.mark.parametrize("name", [*DENYING, *CLOSING])
@pytest.mark.parametrize(
    ("path", "headers", "who"),
    [
        ("/me", {"Authorization": "Bearer tok-bob"}, "bob"),
        ("/orders", {"Authorization": "Basic YW5uOnMzY3JldA=="}, "ann"),
        ("/me?x=1", {"X-API-Key": "key-job"}, "job"),
        ("/", {}, ""),
    ],
)
def test_a_handshake_with_credentials_is_accepted(
    name: str, path: str, headers: dict[str, str], who: str, serving: Callable[[str], Server]
) -> None:
    """The application gets the socket, and the principal with it."""
    assert accepted(serving(name), path, headers) == who


@pytest.mark.parametrize("name", ["gunicorn", "waitress", "granian-wsgi", "werkzeug", "wsgiref"])
def test_a_wsgi_server_answers_a_handshake_as_a_request(name: str, serving: Callable[[str], Server]) -> None:
    """To WSGI a handshake is a GET: refused like one."""
    answer = serving(name).send(
        b"GET /me HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert answer.status == 401
    assert answer.challenges == CHALLENGES
