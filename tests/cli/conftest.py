"""A store, and the command that works on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import STRONG, Inside

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    """The command on a store that was just made."""
    made = Inside(tmp_path / "auth.db")
    made("store", "init")
    return made


@pytest.fixture
def ann(inside: Inside) -> Inside:
    """The same, and ann has an account."""
    inside("user", "add", "ann", given=f"{STRONG}\n")
    return inside
