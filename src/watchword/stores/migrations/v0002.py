"""Makes the table of opaque bearer tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Make the table of tokens.

    Args:
        op: changes the tables of one connection.
    """
    # Ordered by octets, as SQLite does: PostgreSQL would order by the language of the server.
    text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "watchword_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("id", text, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("label", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("roles", text, nullable=False),
        sa.Column("scopes", text, nullable=False),
        sa.Column("permissions", text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
    )
    op.create_index("watchword_tokens_id", "watchword_tokens", ["id"], unique=True)
    op.create_index("watchword_tokens_subject", "watchword_tokens", ["subject", "id"])
