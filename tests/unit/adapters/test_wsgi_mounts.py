"""The WSGI adapter behind dispatchers and rewriters."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Response

from tests.support.core import ANN, Recorder
from watchword import Bearer, Guard, Principal, authenticated, optional, public
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKENS = Tokens({"ann": Principal("ann")})
TOKEN = {"Authorization": "Bearer ann"}


def app(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Say who it is, and where."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']} {environ['watchword.principal'].id}".encode()]


def get(wrapped: Any, path: str, headers: dict[str, str] | None = None) -> Any:
    """Send a request to an application."""
    return Client(wrapped).get(path, headers=headers)


def rewriting(inner: Any, **change: Any) -> Any:
    """Return an application that changes the request on its way in."""

    def rewritten(environ: Any, start_response: Any) -> Iterable[bytes]:
        served: Iterable[bytes] = inner({**environ, **change}, start_response)
        return served

    return rewritten


@pytest.mark.parametrize("change", [{"PATH_INFO": "/other"}, {"REQUEST_METHOD": "POST"}, {"SCRIPT_NAME": "/x"}], ids=str)
def test_a_request_that_was_rewritten_is_decided_again(change: dict[str, str]) -> None:
    """What was let through was another request (S3)."""
    checker = Recorder(ANN)
    guard = Guard(Bearer(checker))
    get(GuardMiddleware(rewriting(GuardMiddleware(app, guard), **change), guard), "/me", TOKEN)
    assert len(checker.asked) == 2


def test_a_rewritten_path_meets_its_own_rule() -> None:
    """Rewriting from an open path to a closed one opens nothing."""
    guard = Guard(Bearer(TOKENS), rules={"/open": public})
    assert get(GuardMiddleware(rewriting(GuardMiddleware(app, guard), PATH_INFO="/me"), guard), "/open").status_code == 401


@pytest.mark.parametrize("mark", [True, (), ("GET", "/me"), "watchword.guard"], ids=repr)
def test_no_other_mark_opens_the_door(mark: object) -> None:
    """A mark that somebody else left in the environ is no decision, and neither are its names for a user (P9, N9)."""
    left = {"watchword.guard": mark, "watchword.principal": ANN, "REMOTE_USER": "root", "HTTP_WATCHWORD_GUARD": "1"}
    assert get(rewriting(GuardMiddleware(app, Guard(Bearer(TOKENS))), **left), "/me").status_code == 401
    open_ = get(rewriting(GuardMiddleware(app, Guard(Bearer(TOKENS), default=optional)), **left), "/me")
    assert open_.text == " /me "


def test_a_request_may_be_sent_twice_through_one_guard() -> None:
    """A server may use its environ again: each time it is decided."""
    checker = Recorder(ANN)
    wrapped = GuardMiddleware(app, Guard(Bearer(checker)))
    environ = EnvironBuilder("/me", headers=[*TOKEN.items()]).get_environ()
    for _ in range(2):
        environ["wsgi.input"] = BytesIO()
        Response.from_app(wrapped, environ)
    assert len(checker.asked) == 2


@pytest.mark.parametrize("prefix", ["/api", "/v1/api"])
def test_rules_are_compared_below_the_mount(prefix: str) -> None:
    """A guarded application is the same wherever it is mounted (P6)."""
    guarded = GuardMiddleware(app, Guard(Bearer(TOKENS), rules={"/me": optional}))
    mounted = DispatcherMiddleware(app, {prefix: guarded})
    assert get(mounted, f"{prefix}/me").text == f"{prefix} /me "
    assert get(mounted, f"{prefix}/other").status_code == 401
    assert get(mounted, f"{prefix}/other", TOKEN).text == f"{prefix} /other ann"
    assert get(mounted, prefix).status_code == 401


def test_a_guard_outside_sees_the_whole_path() -> None:
    """Its rules name the mount; another guard inside has rules of its own, and both must let pass."""
    inner = GuardMiddleware(app, Guard(Bearer(TOKENS), rules={"/me": authenticated}))
    outer = GuardMiddleware(DispatcherMiddleware(app, {"/api": inner}), Guard(Bearer(TOKENS), rules={"/api/me": optional}))
    assert get(outer, "/api/me").status_code == 401
    assert get(outer, "/api/me", TOKEN).text == "/api /me ann"
    assert get(outer, "/me").status_code == 401
