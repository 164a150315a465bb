"""Creates the table of opaque bearer tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.stores.migrations import texts

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the table of tokens."""
    op.create_table(
        "watchword_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        *texts("id", "subject", "label", "kind", "roles", "scopes", "permissions"),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
    )
    op.create_index("watchword_tokens_id", "watchword_tokens", ["id"], unique=True)
    op.create_index("watchword_tokens_subject", "watchword_tokens", ["subject", "id"])
