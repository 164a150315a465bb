"""Creates the tables of revoked tokens of any issuer, and lets opaque tokens have an audience and a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.stores.migrations import TEXT, schema_of

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the tables of revocations, and the columns of access tokens."""
    for name in ("audience", "sid"):
        op.add_column("watchword_tokens", sa.Column(name, TEXT), schema=schema_of(op))
    op.create_table(
        "watchword_revoked_tokens",
        *(sa.Column(name, TEXT, primary_key=True) for name in ("issuer", "jti")),
        sa.Column("revoked_at", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
    for column in ("until", "revoked_at"):
        op.create_index(f"watchword_revoked_tokens_{column}", "watchword_revoked_tokens", [column])
    op.create_table(
        "watchword_not_before",
        *(sa.Column(name, TEXT, primary_key=True) for name in ("issuer", "subject")),
        sa.Column("revoked_before", sa.Double, nullable=False),
    )
    op.create_index("watchword_not_before_revoked_before", "watchword_not_before", ["revoked_before"])
