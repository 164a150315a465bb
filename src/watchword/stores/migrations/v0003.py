"""Creates the log of changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.stores.migrations import TEXT

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the table of changes."""
    op.create_table(
        "watchword_changes",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("previous", sa.BigInteger, nullable=False),
        sa.Column("subjects", TEXT),
    )
