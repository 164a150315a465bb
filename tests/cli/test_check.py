"""`watchword check`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.command import Inside
from tests.support.each import each

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = """
from starlette.applications import Starlette
from starlette.routing import Route
from watchword import Bearer, Guard, Principal, authenticated, public
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens

tokens = Tokens({"2a97516c354b68848cdbd8f54a226a0a": Principal("shop")})
good = Guard(Bearer(tokens, realm="r"), rules={"/orders": authenticated}, require_tls=True)
weak = Guard(Bearer(Tokens({"changeme": Principal("shop")}), realm="r"), default=public)

async def view(request): ...

app = GuardMiddleware(Starlette(routes=[Route("/orders/{id}", view)]), good)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    """The command, in a folder with an application."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "guards.py").write_text(SHOP)
    sys.modules.pop("guards", None)
    yield Inside(tmp_path / "unused.db")
    sys.modules.pop("guards", None)


@each(
    ("arguments", "code", "text"),
    [
        (["--guard", "guards:good"], 0, "Found: 1 note."),
        (["--guard", "guards:weak"], 1, "error: Bearer accepts 1 well-known token"),
        (["--guard", "guards:weak", "--fail-on", "never"], 0, "default-open"),
        (["--guard", "guards:weak", "--ignore", "default-secret", "--fail-on", "error"], 0, "default-open"),
        (["--guard", "guards:weak", "--offline", "--fail-on", "error"], 0, "default-open"),
        (["--guard", "guards:good", "--fail-on", "note"], 1, "note: The type of problem bodies"),
        (["--app", "guards:app"], 1, "error: /orders: the rule matches no route"),
        (["--guard", "guards:good", "--format", "markdown"], 0, "| no\\-throttle |"),
        (["--guard", "guards:good", "--format", "junit"], 0, "<testsuites"),
        (["--guard", "guards:good", "--asvs"], 0, "12.2.1"),
    ],
)
def test_findings_decide_about_the_exit_code(arguments: list[str], code: int, text: str, shop: Inside) -> None:
    """From the severity on that was asked for."""
    assert text in shop("check", *arguments, code=code).stdout


def test_json_and_sarif(shop: Inside) -> None:
    """One line each."""
    report = shop.json("check", "--guard", "guards:weak", code=1)
    assert {"default-secret", "default-open"} <= {one["rule"] for one in report["findings"]}
    sarif = json.loads(shop("check", "--guard", "guards:weak", "--format", "sarif", code=1).stdout)
    assert sarif["version"] == "2.1.0"
    rows = shop.json("check", "--guard", "guards:weak", "--asvs", code=1)
    assert {"row": "13.2.3", "level": 2, "outcome": "violated", "demands": "No default credential is used"} in rows


@each(
    ("arguments", "message"),
    [
        ([], "no guard was named"),
        (["--guard", "guards:good", "--ignore", "x"], "--ignore must be one of"),
        (["--guard", "guards:good", "--fail-on", "high"], "--fail-on"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, shop: Inside) -> None:
    """It is exit code 2."""
    assert message.lower() in shop("check", *arguments, code=2).stderr.lower()
