"""Makes the tables of accounts, their names, and API keys."""

from __future__ import annotations

from os import urandom
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Make the first tables.

    Args:
        op: changes the tables of one connection.
    """
    # Ordered by octets, as SQLite does: PostgreSQL would order by the language of the server.
    text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    meta = op.create_table(
        "watchword_meta",
        sa.Column("one", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("dummy_key", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(meta, [{"one": 1, "generation": 0, "dummy_key": urandom(32)}])
    op.create_table(
        "watchword_accounts",
        sa.Column("id", text, primary_key=True),
        sa.Column("names", text, nullable=False),
        sa.Column("password_hash", text),
        sa.Column("hash_profile", text),
        sa.Column("password_changed_at", sa.Double),
        sa.Column("roles", text, nullable=False),
        sa.Column("scopes", text, nullable=False),
        sa.Column("permissions", text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("locked_until", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_login_at", sa.Double),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("watchword_accounts_hash_profile", "watchword_accounts", ["hash_profile"])
    op.create_table(
        "watchword_names",
        sa.Column("name", text, primary_key=True),
        sa.Column("folded", text, nullable=False),
        sa.Column("account_id", text, sa.ForeignKey("watchword_accounts.id", name="watchword_names_account_id_fkey"), nullable=False),
    )
    op.create_index("watchword_names_folded", "watchword_names", ["folded"])
    op.create_index("watchword_names_account_id", "watchword_names", ["account_id"])
    op.create_table(
        "watchword_keys",
        sa.Column("id", text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("label", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("roles", text, nullable=False),
        sa.Column("scopes", text, nullable=False),
        sa.Column("permissions", text, nullable=False),
        sa.Column("networks", text, nullable=False),
        sa.Column("not_before", sa.Double),
        sa.Column("expires_at", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
        sa.Column("replaced_by", text),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("watchword_keys_owner", "watchword_keys", ["owner", "id"])
