"""Creates the tables of accounts, their names, and API keys."""

from __future__ import annotations

from os import urandom
from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.stores.migrations import TEXT, texts

if TYPE_CHECKING:
    from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the first tables."""
    meta = op.create_table(
        "watchword_meta",
        sa.Column("one", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("dummy_key", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(meta, [{"one": 1, "generation": 0, "dummy_key": urandom(32)}])
    op.create_table(
        "watchword_accounts",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("names", TEXT, nullable=False),
        sa.Column("password_hash", TEXT),
        sa.Column("hash_profile", TEXT),
        sa.Column("password_changed_at", sa.Double),
        *texts("roles", "scopes", "permissions"),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("locked_until", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_login_at", sa.Double),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("watchword_accounts_hash_profile", "watchword_accounts", ["hash_profile"])
    op.create_table(
        "watchword_names",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("folded", TEXT, nullable=False),
        sa.Column("account_id", TEXT, sa.ForeignKey("watchword_accounts.id", name="watchword_names_account_id_fkey"), nullable=False),
    )
    op.create_index("watchword_names_folded", "watchword_names", ["folded"])
    op.create_index("watchword_names_account_id", "watchword_names", ["account_id"])
    op.create_table(
        "watchword_keys",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *texts("owner", "label", "kind", "roles", "scopes", "permissions", "networks"),
        sa.Column("not_before", sa.Double),
        sa.Column("expires_at", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
        sa.Column("replaced_by", TEXT),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("watchword_keys_owner", "watchword_keys", ["owner", "id"])
