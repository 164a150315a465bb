"""Holds one module for each version of the schema, whose `upgrade(op)` brings the tables of the previous version to it.

They are plain modules, and not scripts that alembic finds on a disk, so that a package in a zip file works. They do not use `alembic.op`,
which may belong to a running migration of the application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

# Ordered by octets, as in SQLite: PostgreSQL would order by the language of the server.
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def texts(*names: str) -> tuple[sa.Column[str], ...]:
    """Return columns of text that are never NULL."""
    return tuple(sa.Column(name, TEXT, nullable=False) for name in names)


def schema_of(op: Operations) -> str | None:
    """Return the schema of the tables; None: the first one of the `search_path`.

    SQLAlchemy puts it before tables that are created. Alembic writes ALTER TABLE by itself, and would alter a table of another schema.
    """
    map_: dict[str | None, str] = op.get_bind().get_execution_options().get("schema_translate_map") or {}
    return map_.get(None)
