"""Opens stores of both databases, and a server that a test may stop."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.postgres import PostgreSQL
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Opens = Callable[..., SQLStore]


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "auth.db"
    SQLStore(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, _template: Path) -> str:
    """Where an empty store is."""
    if request.param == "sqlite":
        shutil.copy(_template, tmp_path / "auth.db")
        return f"sqlite:///{tmp_path}/auth.db"
    return str(request.getfixturevalue("empty_postgresql"))


@pytest.fixture
def opens() -> Iterator[Opens]:
    """Opens stores that are closed at the end."""
    with ExitStack() as stack:

        def opened(url: str, **options: Any) -> SQLStore:
            return stack.enter_context(SQLStore(url, **options))

        yield opened


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[PostgreSQL]:
    """A server for a module whose tests stop it, and start it again."""
    with PostgreSQL() as server:
        yield server
