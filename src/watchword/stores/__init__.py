"""Stores accounts, keys and tokens, and who changed them: in memory, in SQLite, in PostgreSQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchword.stores.audit import changed_by
    from watchword.stores.memory import MemoryStore
    from watchword.stores.sql import SQLStore

# Imported on first use: checkers need the ports alone, and SQLAlchemy is slow to import.
_HOME = {"MemoryStore": "memory", "SQLStore": "sql", "changed_by": "audit"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as missing:
        if missing.name != "sqlalchemy":
            raise
    raise ModuleNotFoundError(f"{name} needs SQLAlchemy, which is not installed: pip install 'watchword[sql]'", name="sqlalchemy")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


__all__ = ["MemoryStore", "SQLStore", "changed_by"]
