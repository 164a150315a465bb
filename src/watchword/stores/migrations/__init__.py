"""Holds one module for each version of the schema, whose `upgrade(op)` brings the tables of the previous version to it.

They are plain modules, and not scripts that alembic finds on a disk, so that a package in a zip file works. They do not use `alembic.op`,
which may belong to a running migration of the application.
"""

from __future__ import annotations

import sqlalchemy as sa

# Ordered by octets, as in SQLite: PostgreSQL would order by the language of the server.
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def texts(*names: str) -> tuple[sa.Column[str], ...]:
    """Return columns of text that are never NULL."""
    return tuple(sa.Column(name, TEXT, nullable=False) for name in names)
