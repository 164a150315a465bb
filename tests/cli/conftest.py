"""A store, and the command that works on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.command import STRONG, Inside


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store with nothing in it, and one in which ann has an account: made once, and copied, which is faster than making tables."""
    folder = tmp_path_factory.mktemp("stores")
    empty, full = Inside(folder / "empty.db"), Inside(folder / "ann.db")
    empty("store", "init")
    shutil.copy(empty.path, full.path)
    full("user", "add", "ann", given=f"{STRONG}\n")
    assert sorted(path.name for path in folder.iterdir()) == ["ann.db", "empty.db"]  # nothing is left in a log beside them
    return empty.path, full.path


@pytest.fixture
def inside(stores: tuple[Path, Path], tmp_path: Path) -> Inside:
    """The command on a store that was just made."""
    return Inside(Path(shutil.copy(stores[0], tmp_path / "auth.db")))


@pytest.fixture
def ann(stores: tuple[Path, Path], tmp_path: Path) -> Inside:
    """The same, and ann has an account."""
    return Inside(Path(shutil.copy(stores[1], tmp_path / "auth.db")))
