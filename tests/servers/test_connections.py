"""What only shows on a connection: framing, one request after the other, content that nobody asked for, and the refusal octet by octet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.servers.application import guard
from tests.servers.serve import SERVERS
from watchword import RequestView

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.servers import Server

TOKEN = b"Authorization: Bearer tok-ann\r\n"

# They answer one request per connection: gunicorn's sync worker and werkzeug say `Connection: close`, wsgiref speaks HTTP/1.0.
ONCE = {"gunicorn", "werkzeug", "wsgiref"}
# They ask for the content before the application is called, whatever it will say.
EAGER = {
    "waitress": "reads all content before it calls the application",
    "werkzeug": "http.server answers `Expect` by itself",
    "hypercorn": "answers `Expect` by itself",
    "hypercorn-trio": "answers `Expect` by itself",
    "gunicorn": "answers `Expect` by itself",
}
# What a server says about itself and about the connection.
OF_THE_SERVER = {"connection", "date", "server"}

PROBLEM, PAGE, TEXT = "application/problem+json", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/plain"


def request(*fields: bytes, method: bytes = b"GET", path: bytes = b"/me") -> bytes:
    """Build a request that leaves the connection open."""
    return method + b" " + path + b" HTTP/1.1\r\nHost: example.com\r\n" + b"".join(fields) + b"\r\n"


@pytest.mark.parametrize("accept", [PROBLEM, PAGE, TEXT])
def test_a_refusal_arrives_as_it_was_made(accept: str, server: Server) -> None:
    """Every field and every octet of a refusal reaches the client from every server as the bare guard makes it."""
    for path, credentials in (("/me", ""), ("/me", "Basic ????"), ("/orders", "Bearer tok-bob"), ("/admin//", "")):
        fields = [("Accept", accept), ("X-Request-Id", "id-1"), *([("Authorization", credentials)] if credentials else [])]
        view = RequestView("GET", path, fields, "127.0.0.1")
        made = guard.refuse(guard.decide(view), view)
        lines = [f"{name}: {value}\r\n".encode() for name, value in fields]
        answer = server.send(request(*lines, b"Connection: close\r\n", path=path.encode()))
        got = [(name, value) for name, value in answer.headers if name not in OF_THE_SERVER]
        sent = [(name.lower(), value) for name, value in made.headers]
        # waitress sorts the names, and keeps the order among equal ones.
        assert got == (sorted(sent, key=lambda field: field[0]) if server.name == "waitress" else sent)
        assert answer.status == made.status
        assert answer.body == made.body


def test_a_refusal_of_head_has_no_content(server: Server) -> None:
    """HEAD is answered like GET, without the content, and nothing else is on the connection."""
    with server.connect() as connection:
        connection.write(request(b"X-Request-Id: id-1\r\nConnection: close\r\n", method=b"HEAD"))
        head, _, content = connection.rest().partition(b"\r\n\r\n")
    got = server.send(request(b"X-Request-Id: id-1\r\nConnection: close\r\n"))
    lines = head.decode().lower().split("\r\n")
    assert content == b""
    assert lines[0].split()[1] == str(got.status) == "401"
    assert [line.partition(": ")[2] for line in lines if line.startswith("www-authenticate:")] == [one.lower() for one in got.challenges]
    assert f"content-length: {len(got.body)}" in lines


@pytest.mark.parametrize("name", [name for name in SERVERS if name not in ONCE])
def test_credentials_do_not_outlive_their_request(name: str, serving: Callable[[str], Server]) -> None:
    """On one connection each request is decided for itself: what the first one showed is not remembered for the second."""
    with serving(name).connect() as connection:
        statuses = []
        for fields in (TOKEN, b"", TOKEN, b"Authorization: Bearer no\r\n", b"", TOKEN):
            connection.write(request(fields))
            statuses.append(connection.read().status)
    assert statuses == [200, 401, 200, 401, 401, 200]


@pytest.mark.parametrize("name", sorted(ONCE))
def test_a_server_without_keep_alive_closes(name: str, serving: Callable[[str], Server]) -> None:
    """The other servers end the connection with the first answer: there is no second request."""
    with serving(name).connect() as connection:
        connection.write(request(TOKEN))
        assert connection.statuses() == [200]


@pytest.mark.parametrize("name", [name for name in SERVERS if name not in ONCE])
def test_requests_sent_ahead_are_decided_one_by_one(name: str, serving: Callable[[str], Server]) -> None:
    """Requests in a pipeline do not borrow from each other."""
    with serving(name).connect() as connection:
        connection.write(request(TOKEN) + request() + request(TOKEN, b"Connection: close\r\n"))
        assert connection.statuses() == [200, 401, 200]


@pytest.mark.parametrize("name", [name for name in SERVERS if name not in ONCE])
def test_content_of_a_refused_request_is_no_request(name: str, serving: Callable[[str], Server]) -> None:
    """What follows a refused head is content as long as it said, and is never taken for a request that carries credentials."""
    inner = request(TOKEN)
    with serving(name).connect() as connection:
        connection.write(request(b"Content-Length: %d\r\n" % len(inner), method=b"POST") + inner)
        assert connection.read().status == 401
        connection.write(request())
        # A server may close instead of reading what nobody wants.
        assert connection.read().status in {401, 0}


def test_content_is_not_asked_for_before_the_refusal(server: Server) -> None:
    """Who announces content with `Expect` and may not send it is told so at once (RFC 9110 §10.1.1)."""
    with server.connect() as connection:
        connection.write(request(b"Content-Length: 100000\r\nExpect: 100-continue\r\n", method=b"POST"))
        status = connection.read_line().split(b" ")[1]
    assert status == (b"100" if server.name in EAGER else b"401")


def test_content_of_a_granted_request_is_whole(server: Server) -> None:
    """The application reads all that was sent: the guard takes nothing of it."""
    body = b"x" * 100_000
    answer = server.send(request(TOKEN, b"Content-Length: 100000\r\nConnection: close\r\n", method=b"POST") + body)
    assert json.loads(answer.body)["length"] == len(body)


def test_no_word_of_a_client_about_itself_arrives(server: Server) -> None:
    """A client's Remote-User never reaches the application, whoever it is."""
    spellings = (b"Remote-User: root\r\n", b"REMOTE-USER: root\r\n", b"remote-user:\r\n", b"Remote-User: a\r\nRemote-User: b\r\n")
    for field in spellings:
        for credentials in (b"", TOKEN):
            answer = server.send(request(field, credentials, b"Connection: close\r\n", path=b"/"))
            assert answer.status == 200
            assert json.loads(answer.body)["told"] is False


def test_an_outage_says_when_to_come_again(server: Server) -> None:
    """Retry-After and no challenge: the client keeps its credentials and comes back."""
    answer = server.send(request(b"X-API-Key: key-outage\r\nConnection: close\r\n"))
    assert answer.status == 503
    assert answer.all("retry-after") == ["7"]
    assert answer.challenges == []


def test_the_lifespan_passes_the_guard(server: Server) -> None:
    """Start-up reaches the application through the guard; WSGI has none."""
    assert json.loads(server.send(request(b"Connection: close\r\n", path=b"/healthz")).body)["started"] is True
