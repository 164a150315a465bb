"""A guard that meets a request again lets it through once decided; it never takes another request for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from watchword import Bearer, Guard, Principal, Verdict
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Tokens, nonblocking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword import BearerToken


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Serve anybody whom the guard lets through."""
    start_response("200 OK", [])
    return []


def send(wsgi: Any, environ: dict[str, Any]) -> str:
    """Return the status line of one request."""
    lines: list[str] = []
    list(wsgi(environ, lambda status, headers, exc_info=None: lines.append(status)))
    return lines[0]


def environ(**more: str) -> dict[str, Any]:
    """Return an environ of a GET request."""
    made: dict[str, Any] = {}
    setup_testing_defaults(made)
    return made | more


def test_a_server_that_uses_an_environ_again_lets_nobody_in_without_credentials() -> None:
    """What is written into an environ for one request decides nothing about the next one in the same dictionary."""
    wsgi = GuardMiddleware(app, Guard(Bearer(Tokens({"token": Principal("ann")}))))
    used = environ(HTTP_AUTHORIZATION="Bearer token")
    assert send(wsgi, used) == "200 OK"
    del used["HTTP_AUTHORIZATION"]
    assert send(wsgi, used) == "401 Unauthorized"


def test_below_a_mount_the_same_guard_decides_again() -> None:
    """Around a WSGI dispatcher and around an application in it one guard compares two paths, so it decides twice."""
    checked: list[str] = []

    @nonblocking
    def check(credentials: BearerToken) -> Verdict | Principal | None:
        checked.append(credentials.token)
        return Principal("ann")

    guard = Guard(Bearer(check))
    wsgi = GuardMiddleware(DispatcherMiddleware(app, {"/inner": GuardMiddleware(app, guard)}), guard)
    assert send(wsgi, environ(PATH_INFO="/inner/x", HTTP_AUTHORIZATION="Bearer token")) == "200 OK"
    assert send(wsgi, environ(PATH_INFO="/outer/x", HTTP_AUTHORIZATION="Bearer token")) == "200 OK"
    assert checked == ["token", "token", "token"]
