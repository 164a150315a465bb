"""Creates the table of values with an expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.stores.migrations import TEXT

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the table."""
    op.create_table(
        "watchword_values",
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("watchword_values_expires_at", "watchword_values", ["expires_at"])
