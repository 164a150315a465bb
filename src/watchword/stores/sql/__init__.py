"""Keeps accounts, keys and tokens in SQLite or PostgreSQL."""

from __future__ import annotations

from watchword.stores.sql.state import StoreStatus
from watchword.stores.sql.store import SQLStore

__all__ = ["SQLStore", "StoreStatus"]
