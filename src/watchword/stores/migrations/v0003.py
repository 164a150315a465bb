"""Makes the log of changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Make the table of changes.

    Args:
        op: changes the tables of one connection.
    """
    # Ordered by octets, as SQLite does: PostgreSQL would order by the language of the server.
    text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "watchword_changes",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("previous", sa.BigInteger, nullable=False),
        sa.Column("subjects", text),
    )
