"""`watchword routes` lists the applications of examples/ rightly."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import COMMAND, Inside
from tests.support.examples import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTED: dict[tuple[str, str], list[tuple[str, str, str]]] = {
    ("flask", "app:app"): [
        ("GET", "/admin/orders/<int:number>", 'role("admin") & network("127.0.0.0/8", "::1/128")'),
        ("GET", "/healthz", "public"),
        ("GET", "/reports", 'authenticated & role("auditor")'),
        ("GET", "/orders/<int:number>", "authenticated"),
        ("GET", "/static/<path:filename>", "authenticated"),
    ],
    ("starlette", "app:app"): [
        ("GET", "/", "optional"),
        ("GET", "/orders/{id:int}", 'scope("orders:read")'),
        ("GET", "/reports", 'authenticated & role("auditor")'),
    ],
    ("fastapi", "app:app"): [
        ("GET", "/openapi.json", "public"),
        ("GET", "/docs", "public"),
        ("GET", "/docs/oauth2-redirect", "public"),
        ("GET", "/redoc", "public"),
        ("GET", "/orders/{number}", 'authenticated & scope("orders:read")'),
        ("GET", "/me", "authenticated"),
        ("GET", "/audit/reports", 'authenticated & role("auditor")'),
    ],
    ("django", "app:application"): [
        ("*", "/healthz", "public"),
        ("*", "/orders/<int:number>", 'authenticated & role("buyers")'),
    ],
    ("drf", "app:application"): [("GET", "/orders/<int:number>", 'authenticated & scope("orders:read")')],
    ("litestar", "app:app"): [
        ("GET", "/orders/{number:int}", "authenticated"),
        ("GET", "/reports", 'authenticated & role("auditor")'),
        *(("GET", f"/schema{path}", "public") for path in ("", "/elements", "/oauth2-redirect.html", "/rapidoc", "/redoc", "/swagger")),
        *(("GET", f"/schema/openapi.{kind}", "public") for kind in ("json", "yaml", "yml")),
        ("GET", "/schema/{path:str}", "public"),
    ],
    ("aiohttp", "app:make_app()"): [
        ("GET", "/healthz", "public"),
        ("GET", "/orders/{number}", "authenticated"),
        ("GET", "/reports", 'authenticated & role("auditor")'),
    ],
    ("quart", "app:app"): [
        ("GET", "/news", "authenticated"),
        ("GET", "/reports", 'authenticated & role("auditor")'),
        ("GET", "/orders/<int:number>", "authenticated"),
        ("GET", "/static/<path:filename>", "authenticated"),
    ],
}


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the examples, from which the command imports; what it has imported is forgotten."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    known = set(sys.modules)
    yield EXAMPLES
    for name in set(sys.modules) - known:
        if str(EXAMPLES) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("folder", "name"), LISTED, ids=[f"{folder}/{name}" for folder, name in LISTED])
def test_every_route_is_listed_with_what_guards_it(folder: str, name: str, examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the pages about the frameworks say it."""
    monkeypatch.chdir(examples / folder)
    if folder in {"django", "drf"}:  # it is configured once for a whole process
        done = subprocess.run([COMMAND, "routes", name, "--json"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    else:
        printed = Inside(examples / "unused.db")("routes", name, "--json").stdout
    rows: list[dict[str, Any]] = json.loads(printed)["routes"]
    everything = {row["path"] for row in rows if row["method"] == "*"}
    shown = [row for row in rows if not row["automatic"] and (row["path"] not in everything or row["method"] == "*")]
    assert sorted((row["method"], row["path"], row["requirement"]) for row in shown) == sorted(LISTED[folder, name])
