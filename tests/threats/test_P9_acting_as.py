"""What a test may do, no request, environment or option can (threat P9)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import ast
import inspect
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import watchword
from tests.support.drive import Request
from watchword import Bearer, Guard, Principal
from watchword.checkers import Tokens
from watchword.guard.deciding import Deciding
from watchword.testing import acting_as

if TYPE_CHECKING:
    from tests.support.drive import Through

SOURCE = Path(watchword.__file__).parent
ANN = Principal("ann")
NAMES = (
    "acting-as",
    "watchword-acting-as",
    "x-acting-as",
    "x-watchword-testing",
    "remote-user",
    "x-remote-user",
    "x-forwarded-user",
    "authorization",
)
VALUES = ("ann", "1", "true", repr(ANN), "acting_as(ann)")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_P9_no_request_acts(elsewhere: bool, through: Through, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter
    """Neither a field, a query nor a variable acts as a caller, also while another thread does."""
    for name in ("WATCHWORD_ACTING_AS", "WATCHWORD_TESTING", "ACTING_AS", "TESTING", "DEBUG", "PYTEST_CURRENT_TEST"):
        monkeypatch.setenv(name, "ann")
    guard = Guard(Bearer(Tokens({"t": ANN})))
    driver = through(guard)
    acts, asked = threading.Event(), threading.Event()

    def act() -> None:
        with acting_as(ANN, guard):
            acts.set()
            asked.wait()

    thread = threading.Thread(target=act)
    if elsewhere:
        thread.start()
        acts.wait()
    try:
        for name in NAMES:
            for value in VALUES:
                assert driver(Request(target=f"/x?{name}={value[:3]}", headers=((name, value),))).status in {400, 401}
    finally:
        asked.set()
        if elsewhere:
            thread.join()


def test_P9_nothing_but_tests_can_import_it() -> None:
    """No other part of the package imports `watchword.testing`, so that it is loaded only where a program names it."""
    for path in SOURCE.rglob("*.py"):
        if path.is_relative_to(SOURCE / "testing"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [one.name for one in getattr(node, "names", ()) if isinstance(one, ast.alias)]
            )
            assert not any(name.startswith("watchword.testing") for name in named), path


def test_P9_an_import_changes_nothing() -> None:
    """A server that imports it by mistake decides as without: only a call with the guard in hand acts, and the guard offers none."""
    guard = Guard(Bearer(Tokens({"t": ANN})))
    assert type(guard._deciding) is Deciding
    block = acting_as(ANN, guard)
    assert type(guard._deciding) is Deciding, block
    takes = {name for name, method in inspect.getmembers(Guard, inspect.isfunction) if "Principal" in str(inspect.signature(method))}
    assert takes == set()
