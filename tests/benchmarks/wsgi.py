"""Measures what a guard adds to a request that is granted: over WSGI, in process, as `bearer` does over ASGI."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from time import thread_time_ns
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_httpauth import HTTPTokenAuth

from tests.benchmarks.bearer import BARE, BEARER, CAREFUL, HEADERS, KEY, PUBLIC, SCOPE, TOKENS, guard
from tests.benchmarks.measuring import interleaved
from watchword import APIKey
from watchword.adapters.wsgi import GuardMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.benchmarks.measuring import Figure, Job
    from watchword.adapters.wsgi import StartResponse, WSGIApp

FLASK, HTTPAUTH = "bare Flask", "Flask-HTTPAuth"


def environ(token: str, name: str = "HTTP_AUTHORIZATION", path: str = "/orders/7") -> dict[str, Any]:
    """Return the environ of a request.

    Args:
        token: a bearer token, or what another field holds.
        name: of the variable; empty: no credentials are sent.
        path: the target.
    """
    fields = {f"HTTP_{field.decode().upper().replace('-', '_')}": value.decode() for field, value in HEADERS}
    sent = {name: f"Bearer {token}" if name == "HTTP_AUTHORIZATION" else token} if name else {}
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.url_scheme": "https",
        "wsgi.version": (1, 0),
        "wsgi.input": None,
        "wsgi.errors": None,
        **fields,
        **sent,
    }


def bare(_: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """The application that all of them protect."""
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def refuse(start_response: StartResponse, line: str) -> Iterable[bytes]:
    """Send the least refusal.

    Args:
        start_response: of the server.
        line: status and reason phrase.
    """
    start_response(line, [("Content-Length", "0"), ("WWW-Authenticate", 'Bearer realm="api"')])
    return []


def by_hand() -> WSGIApp:
    """Return the application behind what a careful author writes who needs just this."""
    people = {sha256(token.encode()).digest(): (name, frozenset({SCOPE})) for token, name in TOKENS.items()}
    keys = {digest: digest for digest in people}

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return refuse(start_response, "401 Unauthorized")
        digest = sha256(token.encode("latin-1")).digest()
        if not compare_digest(keys.get(digest, b""), digest):
            return refuse(start_response, "401 Unauthorized")
        name, scopes = people[digest]
        if SCOPE not in scopes:
            return refuse(start_response, "403 Forbidden")
        environ["REMOTE_USER"] = name
        return bare(environ, start_response)

    return app


def flask(*, protected: bool) -> WSGIApp:
    """Return an application of Flask with one view.

    Args:
        protected: by Flask-HTTPAuth, as its documentation does it; it checks a role in place of the scope.
    """
    auth = HTTPTokenAuth(scheme="Bearer")
    people = {sha256(token.encode()).digest(): name for token, name in TOKENS.items()}
    auth.verify_token(lambda token: people.get(sha256(token.encode()).digest()))
    auth.get_user_roles(lambda _: SCOPE)

    def read(number: int) -> str:
        return "ok"

    app = Flask("orders")
    app.add_url_rule("/orders/<int:number>", view_func=auth.login_required(role=SCOPE)(read) if protected else read)
    return app.wsgi_app


def contenders() -> dict[str, WSGIApp]:
    """Return every application that lets callers with a bearer token through, by name."""
    return {
        BARE: bare,
        CAREFUL: by_hand(),
        BEARER: GuardMiddleware(bare, guard()),
        FLASK: flask(protected=False),
        HTTPAUTH: flask(protected=True),
    }


def status(app: WSGIApp, requested: dict[str, Any]) -> int:
    """Send a request, and return the status.

    Args:
        app: the application.
        requested: the environ of the request.
    """
    lines: list[str] = []
    list(app(dict(requested), lambda line, *_: lines.append(line)))
    return int(lines[0][:3])


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs.
    """
    rounds, requests = (2, 20) if short else (101, 1000)
    tokens = [list(TOKENS)[number % len(TOKENS)] for number in range(requests)]
    jobs = {name: _job(app, [environ(token) for token in tokens]) for name, app in contenders().items()}
    jobs[KEY] = _job(GuardMiddleware(bare, guard(APIKey)), [environ(token, "HTTP_X_API_KEY") for token in tokens])
    jobs[PUBLIC] = _job(GuardMiddleware(bare, guard()), [environ("", "", "/open")] * requests)
    measured = interleaved(jobs, rounds)
    return [
        measured.ratio(BEARER, CAREFUL, less=BARE, bound=2.5),
        measured.ratio(BEARER, HTTPAUTH, less=(BARE, FLASK), bound=0.2),
        measured.ratio(KEY, BEARER, less=BARE, bound=1.3),
        measured.ratio(PUBLIC, BEARER, less=BARE, bound=1.0),
    ]


def _job(app: WSGIApp, environs: Sequence[dict[str, Any]]) -> Job:
    def run() -> float:
        copies = [dict(one) for one in environs]
        begun = thread_time_ns()
        for one in copies:
            response = app(one, _start)
            for _ in response:
                pass
            if (close := getattr(response, "close", None)) is not None:
                close()
        return (thread_time_ns() - begun) / len(copies) / 1000

    return run


def _start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
    return bytes
