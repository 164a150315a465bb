"""The plugin of pytest: there where watchword is installed, and without any cost until a test uses it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

TESTS = """
import sys

def app(environ, start_response):
    start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="orders"')])
    return []

def open_app(environ, start_response):
    start_response("200 OK" if "HTTP_AUTHORIZATION" in environ else "401 Unauthorized", [("WWW-Authenticate", 'Basic realm="orders"')])
    return []

def test_nothing_is_imported():
    assert sorted(name for name in sys.modules if name.partition(".")[0] == "watchword") == []

def test_a_guarded_application(watchword_probe):
    assert watchword_probe(app, "/orders").percent == 100

def test_an_open_application(watchword_probe):
    watchword_probe(open_app, "/orders")
"""


def test_an_installed_plugin(tmp_path: Path) -> None:
    """A run of somebody else: nothing of watchword is imported without the fixture, and the report is the message of a failure."""
    (tmp_path / "test_own.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "-W", "error"]
    done = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "Made-up credentials are accepted." in done.stdout


def test_the_entry_point_names_the_plugin() -> None:
    """Pytest finds it by its entry point."""
    (found,) = entry_points(group="pytest11", name="watchword")
    assert found.load().__name__ == "watchword_pytest"


def test_the_fixture_is_the_function_of_watchword_testing(watchword_probe: Callable[..., Any]) -> None:
    """One behaviour, by two names; wrong arguments are errors."""
    from watchword import ConfigurationError
    from watchword.testing import probe_app

    assert watchword_probe is probe_app
    for wrong in ({"fail_on": "grave"}, {"presented": "secret"}, {"mcp": 1}, {"timeout": 0}):
        with pytest.raises(ConfigurationError) as caught:
            probe_app(print, **wrong)
        assert "secret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="must be an application"):
        probe_app("app")
