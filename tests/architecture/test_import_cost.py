"""`import watchword` stays light: counted, not timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
HEAVY = {
    "starlette", "fastapi", "flask", "werkzeug", "django", "click", "uvicorn", "argon2", "bcrypt",
    "anyio", "asyncio", "trio", "logging", "json", "ssl", "socket", "threading", "email", "http", "xml", "tempfile", "subprocess",
    "urllib.parse", "ipaddress",
}  # fmt: skip
MOST_FOREIGN = 60  # 53 to 56 on CPython 3.11 to 3.13 as this is written; raising it deserves a reason
MOST_OWN = 82  # small modules, one idea each: the view of a request is four of them, the challenges of the guard are three

# Without `site` there is nothing but the standard library and this package: an import of anything else would fail.
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
bare = set(sys.modules)
import {module}
print(*sorted(set(sys.modules) - bare))
"""


def loaded_by(module: str) -> set[str]:
    """Return the modules that a fresh interpreter loads for one import."""
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", PROGRAM.format(module=module), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["watchword", "watchword.adapters.asgi", "watchword.adapters.wsgi", "watchword.checkers", "watchword.client", "watchword.testing"],
)
def test_an_import_loads_nothing_heavy(module: str) -> None:
    """Neither a framework nor a driver, an event loop, a hash library or logging: each comes when it is first used."""
    assert loaded_by(module) & HEAVY == set()


def test_the_number_of_modules_is_bounded() -> None:
    """What is loaded beyond bare Python is this package and a part of the standard library."""
    loaded = loaded_by("watchword")
    own = {name for name in loaded if name.partition(".")[0] == "watchword"}
    assert {name.partition(".")[0] for name in loaded - own} <= sys.stdlib_module_names
    assert len(loaded - own) <= MOST_FOREIGN, sorted(loaded - own)
    assert len(own) <= MOST_OWN, sorted(own)


def test_what_is_heavy_would_be_seen() -> None:
    """The list of modules is not empty by mistake."""
    assert "logging" in loaded_by("logging")
    assert "watchword.guard.guard" in loaded_by("watchword")
