"""Installs packages of npm, for tests with programs that are written in JavaScript."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.support.programs import absent, program

if TYPE_CHECKING:
    from pathlib import Path


def install(folder: Path, *packages: str, scripts: bool = False) -> None:
    """Install packages into a folder, from npm's cache or its registry.

    Args:
        folder: takes `node_modules`.
        packages: each with its version.
        scripts: whether their scripts may run.

    Raises:
        pytest.skip.Exception: npm is missing, or it cannot fetch them.
    """
    options = ["--prefix", str(folder), "--prefer-offline", "--no-audit", "--no-fund"]
    # Both: npm refuses to run where the least pause, which is 10 seconds by default, is above the greatest.
    options += ["--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=1000"]
    options += [] if scripts else ["--ignore-scripts"]
    program("node")
    done = subprocess.run([program("npm"), "install", *options, *packages], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        absent(f"{' '.join(packages)} (from npm's registry: {said[0] if said else 'no answer'})", optional=True)
