"""Creates the tables of refresh tokens and their families."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.stores.migrations import TEXT, texts

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the tables of families and refresh tokens."""
    op.create_table(
        "watchword_families",
        sa.Column("id", TEXT, primary_key=True),
        *texts("owner", "client"),
        sa.Column("jkt", TEXT),
        *texts("scopes", "claims"),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("revoked_at", sa.Double),
    )
    op.create_index("watchword_families_owner", "watchword_families", ["owner", "id"])
    op.create_index("watchword_families_expires_at", "watchword_families", ["expires_at"])
    op.create_index("watchword_families_revoked_at", "watchword_families", ["revoked_at"])
    op.create_table(
        "watchword_refresh_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        *texts("family"),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("rotated_at", sa.Double),
        sa.Column("successor", sa.LargeBinary),
        sa.Column("nonce", sa.LargeBinary),
        sa.Column("key_id", TEXT),
        sa.Column("uses", sa.BigInteger, nullable=False),
    )
    op.create_index("watchword_refresh_tokens_family", "watchword_refresh_tokens", ["family"])
    op.create_index("watchword_refresh_tokens_expires_at", "watchword_refresh_tokens", ["expires_at"])
