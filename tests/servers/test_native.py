"""Applications with an adapter of their own behind real servers: the status table over the wire, and what only shows on a connection.

Each framework and each server occurs at least once. Where a server answers before the guard is asked, the table below says so.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.support.by_aiohttp import octets
from tests.support.each import noting
from tests.support.frameworks import FRAMEWORKS, framework
from tests.support.frameworks.demands import BELOW, VIEWS, below, views_guard
from tests.support.in_threads import serving
from tests.support.programs import program
from tests.support.served import asking, together
from tests.support.servers import DEADLINE, Server
from tests.support.status_table import ROWS
from tests.support.wire import bearer
from watchword import RequestView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.servers import Answer, Listening

# Framework and server. First those in a thread of the test, then those in processes.
IN_THREADS = [
    ("starlette", "uvicorn"),
    ("fastapi", "uvicorn"),
    ("litestar", "uvicorn"),
    ("quart", "hypercorn"),
    ("aiohttp", "aiohttp"),
]
IN_PROCESSES = [
    ("django_asgi", "granian"),
    ("flask", "granian-wsgi"),
    ("drf", "gunicorn"),
    ("django_wsgi", "waitress"),
    ("flask", "uwsgi"),
]
PAIRS = IN_THREADS + IN_PROCESSES

# Rows that a server refuses by itself, with 400, with 431 or (uWSGI) without an answer; and those of which it shows something else.
REFUSED_BEFORE = {
    "NUL": {"uvicorn", "hypercorn", "aiohttp", "granian", "granian-wsgi", "gunicorn", "waitress"},
    "two hosts": {"uvicorn", "hypercorn", "aiohttp", "gunicorn"},
    "D9 16 KiB and one octet": {"aiohttp", "gunicorn", "uwsgi"},
    "D9 64 KiB": {"aiohttp", "gunicorn", "hypercorn", "uwsgi"},
    "D9 a long key": {"aiohttp", "gunicorn", "uwsgi"},
    "16 KiB are read": {"aiohttp", "gunicorn", "uwsgi"},
}
SHOWN_OTHERWISE = {
    ("fragment", "granian"): (200, "ann"),  # cuts it off
    ("fragment", "granian-wsgi"): (200, "ann"),
    ("encoded slash", "granian-wsgi"): (404, ""),  # tells no undecoded target: guard and application see two segments
}
# These say 100 before the application has decided: they read all content first, or answer `Expect` by themselves.
EAGER = {"hypercorn", "aiohttp", "granian", "gunicorn", "waitress"}
ONCE = {"gunicorn", "uwsgi"}  # one request for each connection

ANN, BOB, WRONG = b"Authorization: Bearer ann-token\r\n", b"Authorization: Bearer bob-token\r\n", b"Authorization: Bearer x\r\n"
# Decided by a rule, and by a view below a rule that lets everybody pass.
ME = (b"/me", f"{BELOW}/me".encode())


@pytest.fixture(scope="module")
def site() -> Iterator[Callable[[tuple[str, str]], Listening]]:
    """Return the server of a pair. All are started when the first test asks for one."""
    with ExitStack() as stack:
        apps = {name: (server, stack.enter_context(framework(name).application(views_guard(), VIEWS))) for name, server in IN_THREADS}
        found: dict[tuple[str, str], Listening] = {}
        for name, listening in stack.enter_context(serving(apps)).items():
            found[name, apps[name][0]] = listening

        def start(name: str, server: str) -> None:
            found[name, server] = started = Server(server, "tests.servers.native", FRAMEWORK=name)
            stack.callback(started.stop)

        for name, server in IN_PROCESSES:
            if server != "uwsgi":
                start(name, server)

        def ready(pair: tuple[str, str]) -> Listening:
            if pair[1] == "uwsgi" and pair not in found:
                program("uwsgi")
                start(*pair)
            if isinstance(server := found[pair], Server):
                server.wait()
            return server

        yield ready


@pytest.fixture(params=PAIRS, ids="-on-".join)
def server(request: pytest.FixtureRequest, site: Callable[[tuple[str, str]], Listening]) -> Listening:
    """Each server in turn, named as in `PAIRS`."""
    found = site(request.param)
    found.name = request.param[1]
    return found


def request(*fields: bytes, method: bytes = b"GET", path: bytes = b"/me", body: bytes = b"") -> bytes:
    """Build a request that leaves the connection open."""
    return method + b" " + path + b" HTTP/1.1\r\nHost: example.com\r\n" + b"".join(fields) + b"\r\n" + body


def told(answer: Answer) -> str:
    """Who it is to the view, or the reason in the body of a refusal; empty where the body is neither."""
    if answer.all("content-type") == ["application/problem+json"]:
        return str(json.loads(answer.body)["reason"])
    return answer.body.decode() if answer.status == 200 else ""


def test_every_framework_and_server_occurs() -> None:
    """The pairs leave none out."""
    assert {name for name, _ in PAIRS} == set(FRAMEWORKS)
    assert {server for _, server in PAIRS} >= {"uvicorn", "hypercorn", "granian", "granian-wsgi", "gunicorn", "waitress", "uwsgi"}


def test_every_pair_answers_by_the_table(server: Listening) -> None:
    """Status, challenges, reason and caller are those of the table, by rules and by views, and whatever the server is."""
    for row in ROWS:
        # All come from the loopback. What holds CR LF is another request on the wire.
        if row.request.client != "192.0.2.7" or row.name == "CR LF":
            continue
        for one in filter(None, (row, below(row))):
            with noting(one.name, target=one.request.target):
                answer = server.send(octets(one.request).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                if server.name in REFUSED_BEFORE.get(row.name, ()):
                    assert (answer.status in {400, 431, 0}, told(answer)) == (True, "")
                elif (row.name, server.name) in SHOWN_OTHERWISE:
                    assert (answer.status, told(answer)) == SHOWN_OTHERWISE[row.name, server.name]
                else:
                    said = row.who if row.status == 200 else row.reason
                    assert (answer.status, answer.challenges, told(answer)) == (row.status, list(row.challenges), said)


def test_a_refusal_arrives_as_it_was_made(server: Listening) -> None:
    """Every octet of the content and every field, of rules and of views; to HEAD the fields alone."""
    guard = views_guard()
    for path, accept in product(ME, ("application/problem+json", "text/html,*/*;q=0.8", "text/plain")):
        with noting(path, accept):
            view = RequestView("GET", path.decode(), {"Accept": accept}, "127.0.0.1")
            made = guard.refuse(guard.decide(view, VIEWS.get(path.decode())), view)
            fields = f"Accept: {accept}\r\n".encode(), b"Connection: close\r\n"
            answer, head = (server.send(request(*fields, method=method, path=path)) for method in (b"GET", b"HEAD"))
            if path != ME[0] and "*/*" not in accept and server.name == "gunicorn":
                assert answer.status == 406  # Django REST framework looks for a renderer before it checks permissions
                continue
            assert (answer.status, answer.body) == (made.status, made.body)
            assert (head.status, head.body, head.challenges) == (made.status, b"", answer.challenges)
            for got in (answer, head):
                assert {(name.lower(), value) for name, value in made.headers} <= set(got.headers)


def test_requests_on_one_connection_are_decided_each_for_itself(server: Listening) -> None:
    """One after the other, and all at once: no credentials count for another request, and a refusal ends no connection."""
    expected = [(200, "ann"), (401, "missing_credentials"), (200, "bob"), (401, "invalid_credentials"), (401, "missing_credentials")]
    for path in ME:
        sent = [request(fields, path=path) for fields in (ANN, b"", BOB, WRONG, b"")]
        if server.name not in ONCE:
            with server.connect() as connection:
                answers = []
                for one in sent:
                    connection.write(one)
                    answers.append(connection.read())
                assert [(answer.status, told(answer)) for answer in answers] == expected
        with server.connect() as connection:
            connection.write(b"".join(sent) + request(ANN, b"Connection: close\r\n", path=path))
            statuses = connection.statuses()
        assert statuses == ([200] if server.name in ONCE else [*(status for status, _ in expected), 200])


def test_requests_at_the_same_time_are_decided_each_for_itself(server: Listening) -> None:
    """Of a crowd of callers, each view sees its own; the threads, tasks and processes of the server mix none of them up."""
    crowd = ["ann", "bob", "eve", "zoe", "nobody"] * 8
    for path in ME:
        answers = together(server, [asking(path.decode(), bearer(f"{name}-token")) for name in crowd])
        assert [told(answer) for answer in answers] == [name.replace("nobody", "invalid_credentials") for name in crowd]


def test_content_of_a_refused_request_is_no_request(server: Listening) -> None:
    """With a length and in chunks, refused by a rule and by a view: what it holds is never answered."""
    inner = request(ANN)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner)
    for path in ME:
        for framing, content in ((b"Content-Length: %d\r\n" % len(inner), inner), (b"Transfer-Encoding: chunked\r\n", chunks)):
            with server.connect() as connection, noting(path, framing):
                connection.write(request(framing, method=b"POST", path=path) + content)
                assert connection.read().status == 401
                connection.write(request(path=path))
                assert connection.read().status in {401, 0}  # a server may close instead of reading what nobody wants


@pytest.mark.sampled(2)
def test_content_of_a_granted_request_is_no_request_either(server: Listening) -> None:
    """Views that do not read it are not asked a second time by it."""
    inner = request(ANN)
    for path in ME:
        with server.connect() as connection, noting(path):
            connection.write(request(BOB, b"Content-Length: %d\r\n" % len(inner), method=b"POST", path=path) + inner)
            assert told(connection.read()) == "bob"
            connection.write(request(BOB, path=path))
            assert told(connection.read()) in {"bob", ""}


def test_content_is_not_asked_for_before_the_refusal(server: Listening) -> None:
    """A client that announces content with `Expect` is refused at once (RFC 9110 §10.1.1), where the server waits for the application."""
    for path in ME:
        with server.connect() as connection, noting(path):
            connection.write(request(b"Content-Length: 5\r\nExpect: 100-continue\r\n", method=b"POST", path=path))
            first = connection.read_line().split(b" ")[1]
            assert first == (b"100" if server.name in EAGER else b"401")
            if first == b"100":
                while connection.read_line() != b"\r\n":
                    pass
                connection.write(b"12345")
                assert connection.read().status == 401


# Fields, and the status. `Host` of HTTP/1.1 comes as `:authority`.
FRAMES: list[tuple[dict[str, str] | list[tuple[str, str]], int]] = [
    ({}, 401),
    ({"Authorization": "Bearer ann-token"}, 200),
    ({"Authorization": "Bearer x"}, 401),
    ([("Authorization", "Bearer bob-token"), ("Authorization", "Bearer ann-token")], 400),
    ([("X-API-Key", "ann-key"), ("X-API-Key", "ann-key")], 400),
    ([("Cookie", "a=1"), ("Cookie", "b=2"), ("X-API-Key", "ann-key")], 200),
    ({"Host": "a,b", "X-API-Key": "ann-key"}, 400),
    ({"Remote-User": "root"}, 401),
]


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[1] in {"hypercorn", "granian", "granian-wsgi"}], ids="-on-".join)
def test_http_2_is_answered_alike(pair: tuple[str, str], site: Callable[[tuple[str, str]], Listening]) -> None:
    """By servers that speak it without TLS, on one connection: status and challenges are those of HTTP/1.1."""
    server = site(pair)
    with httpx2.Client(base_url=server.url, http1=False, http2=True, trust_env=False, timeout=DEADLINE) as client:
        for path, (fields, status) in product(ME, FRAMES):
            with noting(path, fields):
                answer = client.get(path.decode(), headers=fields)
                assert (answer.http_version, answer.status_code) == ("HTTP/2", status)
                if not fields:
                    challenges = answer.headers.get_list("WWW-Authenticate")
                    assert challenges == server.send(request(b"Connection: close\r\n", path=path)).challenges
