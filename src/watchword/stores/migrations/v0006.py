"""Creates the table of the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.stores.migrations import TEXT, texts

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the table."""
    op.create_table(
        "watchword_audit",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        *texts("actor", "action", "target", "owner", "detail"),
    )
    op.create_index("watchword_audit_target", "watchword_audit", ["target", "id"])
    op.create_index("watchword_audit_owner", "watchword_audit", ["owner", "id"])
