"""The probe finds no fault in the examples: each is asked in the process, or over a socket where it is neither ASGI nor WSGI."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestServer

from tests.support.examples import EXAMPLES, load_example
from watchword.cli.probe import report_on
from watchword.probe import Target, probed_url
from watchword.testing import probe_app

if TYPE_CHECKING:
    from pathlib import Path

IN_PROCESS = """
from app import application
from watchword.testing import probe_app
assert probe_app(application, {path!r}, fail_on="warning").percent == 100
"""


def clean(app: Any, url: str, **options: Any) -> None:
    """An application without an error, and without a warning."""
    report = probe_app(app, url, fail_on="warning", **options)
    assert report.percent == 100
    assert report.applicable >= 18


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("fastapi/app", "/orders/7"),
        ("flask/app", "/orders/7"),
        ("flask_refresh/app", "/orders"),
        ("litestar/app", "/orders/7"),
        ("quart/app", "/orders/7"),
        ("starlette/app", "/reports"),
    ],
)
def test_an_example_of_a_framework(name: str, path: str) -> None:
    """By ASGI or by WSGI."""
    clean(load_example(name).app, path)


def test_the_example_of_mcp() -> None:
    """With the metadata of the resource, and for the paths beside and below."""
    clean(load_example("mcp_server/app").app, "http://127.0.0.1:8000/mcp", mcp=True)


def test_the_examples_with_accounts_and_htpasswd(tmp_path: Path) -> None:
    """Applications that are made for a store or a file."""
    from watchword.checkers import PasswordHasher
    from watchword.stores import SQLStore

    url = f"sqlite:///{tmp_path / 'auth.db'}"
    SQLStore(url, create=True).close()
    clean(load_example("accounts_app").make_app(url), "/orders/7")
    file = tmp_path / "users"
    file.write_text(f"ann:{PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash('correct horse')}\n", encoding="ascii")
    clean(load_example("htpasswd_app").make_app(str(file)), "/orders")


@pytest.mark.parametrize("name", ["keycloak_like/app", "service_to_service/app"])
def test_the_examples_with_an_issuer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No token reaches the issuer, which is not there."""
    monkeypatch.syspath_prepend(str((EXAMPLES / name).parent))
    clean(load_example(name).make_app("http://127.0.0.1:9"), "/orders/7")


@pytest.mark.parametrize(("name", "path"), [("django", "/orders/7"), ("drf", "/orders/7")])
def test_an_example_of_django(name: str, path: str) -> None:
    """In a process of its own: it has settings of its own."""
    done = subprocess.run(
        [sys.executable, "-c", IN_PROCESS.format(path=path)], cwd=EXAMPLES / name, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_example_of_aiohttp() -> None:
    """Over a socket."""

    async def probed() -> Any:
        async with TestServer(load_example("aiohttp/app").make_app()) as server:
            return await asyncio.to_thread(report_on, Target(probed_url(str(server.make_url("/orders/7")))))

    report = asyncio.run(probed())
    assert not report.fails("warning"), report.findings
    assert report.percent == 100
