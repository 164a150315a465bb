"""Presets are rules like others."""

from __future__ import annotations

from fastapi import FastAPI

from watchword import Bearer, Guard, Principal, RequestView, authenticated, public
from watchword.checkers import Tokens
from watchword.presets import api_docs, browser_files


def test_they_open_their_paths_for_get_alone() -> None:
    """HEAD is GET; a view that answers POST there needs a login."""
    guard = Guard(Bearer(Tokens({"t": Principal("ann")})), rules=browser_files | api_docs | {"GET /robots.txt": authenticated})
    for pattern in browser_files | api_docs:
        path = pattern.removeprefix("GET ")
        decisions = [guard.decide(RequestView(method, path)).granted for method in ("GET", "HEAD", "POST")]
        assert decisions == ([False] * 3 if path == "/robots.txt" else [True, True, False])


def test_they_are_the_paths_of_fastapi() -> None:
    """All that it serves of itself."""
    app = FastAPI()
    assert {f"GET {route.path}": public for route in app.routes} == api_docs  # type: ignore[attr-defined]


def test_they_cannot_be_changed() -> None:
    """Another application in the process has the same."""
    assert not hasattr(browser_files, "__setitem__")
