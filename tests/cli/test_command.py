"""The `watchword` command itself: help, version, and what it says when a package is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from watchword import __version__
from watchword.cli.demo import make_demo

COMMAND = str(Path(sys.executable).with_name("watchword"))


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where a package cannot be imported."""
    code = f"import sys; sys.modules[{package!r}] = None; sys.argv[1:] = {list(arguments)!r}; from watchword.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_version() -> None:
    """`watchword --version` names the version that is installed."""
    done = call("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"watchword {__version__}\n", "")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(option: str) -> None:
    """Whoever asks for help sees the commands, and for a command its options with their defaults."""
    assert "demo" in call(option).stdout
    text = call("demo", option).stdout
    assert all(word in text for word in ("--port", "8000", "--host", "127.0.0.1", "--json"))


def test_a_port_out_of_range() -> None:
    """A port that cannot be one is a mistake of usage, said in words."""
    done = call("demo", "--port", "65536")
    assert (done.returncode, done.stdout) == (2, "")
    assert "65536 is not in the range 0<=x<=65535" in done.stderr


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("click", "the watchword command needs click, which is not installed: pip install 'watchword[demo]'\n"),
        ("uvicorn", "watchword demo needs uvicorn, which is not installed: pip install 'watchword[demo]'\n"),
    ],
)
def test_a_missing_package_is_one_line(package: str, line: str) -> None:
    """Whoever installed watchword alone reads what to install, and no traceback."""
    done = without(package, "demo", "--port", "0")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


def test_another_missing_module_is_a_bug_and_says_so() -> None:
    """A broken installation is not mistaken for one without the extra."""
    assert "ModuleNotFoundError" in without("watchword.cli.commands", "--help").stderr
    assert "ModuleNotFoundError" in without("watchword.cli.serving", "demo", "--port", "0").stderr


def test_the_demo_shows_no_secret_in_its_repr() -> None:
    """A traceback or a debugger that prints the demo prints no password."""
    demo = make_demo()
    secrets = [*demo.users.values(), *demo.tokens.values(), *demo.keys.values()]
    assert not any(secret in repr(demo) for secret in secrets)
