"""Defines the tables of the newest version of the schema.

The modules in `stores/migrations` create them; a test compares the result with these tables. Tables, columns and indexes added after the
first version have `info=since("0002")`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, LargeBinary, MetaData, PrimaryKeyConstraint, String, Table

PREFIX = "watchword_"
"""The prefix of all tables of a store, in later versions too."""

VERSION_TABLE = "watchword_schema"

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""All versions of the schema, the newest last. Listed here because alembic is slow to import."""

# Ordered by octets everywhere: by default in SQLite, and in PostgreSQL by the migrations.
TEXT = String()

SINCE = "watchword_since"

metadata: MetaData = MetaData()


def since(revision: str) -> dict[str, Any]:
    """Return the `info` of a table, column or index that a later version than the first added."""
    return {SINCE: revision}


def _texts(*names: str) -> tuple[Column[str], ...]:
    return tuple(Column(name, TEXT, nullable=False) for name in names)


# Not in `metadata`: it holds the version of the other tables. It has the form of alembic's own.
versions: Table = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)

meta: Table = Table(
    "watchword_meta",
    metadata,
    Column("one", BigInteger, primary_key=True, autoincrement=False),  # always 1: the table has one row
    Column("generation", BigInteger, nullable=False),  # rises with every change that may revoke something
    Column("dummy_key", LargeBinary, nullable=False),
)

accounts: Table = Table(
    "watchword_accounts",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("names", TEXT, nullable=False),
    Column("password_hash", TEXT),
    Column("hash_profile", TEXT),
    Column("password_changed_at", Double),
    *_texts("roles", "scopes", "permissions"),
    Column("disabled", Boolean, nullable=False),
    Column("locked_until", Double),
    Column("created_at", Double, nullable=False),
    Column("last_login_at", Double),
    Column("version", BigInteger, nullable=False),
    Index("watchword_accounts_hash_profile", "hash_profile"),
)

# For lookups and uniqueness alone: an account is read, with its names, from one row of the table above.
names: Table = Table(
    "watchword_names",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("folded", TEXT, nullable=False),
    Column("account_id", TEXT, ForeignKey("watchword_accounts.id", name="watchword_names_account_id_fkey"), nullable=False),
    Index("watchword_names_folded", "folded"),
    Index("watchword_names_account_id", "account_id"),
)

# Keys and tokens have no foreign key to accounts: an owner may be a program without one.
keys: Table = Table(
    "watchword_keys",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    *_texts("owner", "label", "kind", "roles", "scopes", "permissions", "networks"),
    Column("not_before", Double),
    Column("expires_at", Double),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double),
    Column("revoked_at", Double),
    Column("replaced_by", TEXT),
    Column("version", BigInteger, nullable=False),
    Index("watchword_keys_owner", "owner", "id"),
)

tokens: Table = Table(
    "watchword_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_texts("id", "subject", "label", "kind", "roles", "scopes", "permissions"),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("audience", TEXT, info=since("0005")),
    Column("sid", TEXT, info=since("0005")),  # no foreign key: a token outlives its family by a purge
    Index("watchword_tokens_id", "id", unique=True),
    Index("watchword_tokens_subject", "subject", "id"),
    info=since("0002"),
)

# The subjects that each generation changed; see `log`. The id is the generation, which is unique.
changes: Table = Table(
    "watchword_changes",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("previous", BigInteger, nullable=False),
    Column("subjects", TEXT),
    info=since("0003"),
)

families: Table = Table(
    "watchword_families",
    metadata,
    Column("id", TEXT, primary_key=True),
    *_texts("owner", "client"),
    Column("jkt", TEXT),
    *_texts("scopes", "claims"),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("revoked_at", Double),
    Index("watchword_families_owner", "owner", "id"),
    Index("watchword_families_expires_at", "expires_at"),
    Index("watchword_families_revoked_at", "revoked_at"),
    info=since("0004"),
)

# No foreign key: each new token would lock the row of its family once more.
refresh_tokens: Table = Table(
    "watchword_refresh_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_texts("family"),
    Column("expires_at", Double, nullable=False),
    Column("rotated_at", Double),
    Column("successor", LargeBinary),
    Column("nonce", LargeBinary),
    Column("key_id", TEXT),
    Column("uses", BigInteger, nullable=False),
    Index("watchword_refresh_tokens_family", "family"),
    Index("watchword_refresh_tokens_expires_at", "expires_at"),
    info=since("0004"),
)

# Tokens of any issuer that were revoked by their jti. Kept until they are refused without this row.
revoked_tokens: Table = Table(
    "watchword_revoked_tokens",
    metadata,
    *(Column(name, TEXT, primary_key=True) for name in ("issuer", "jti")),
    Column("revoked_at", Double, nullable=False),
    Column("until", Double, nullable=False),
    Index("watchword_revoked_tokens_until", "until"),
    Index("watchword_revoked_tokens_revoked_at", "revoked_at"),
    info=since("0005"),
)

# Tokens that were issued to a subject until this time are revoked.
not_before: Table = Table(
    "watchword_not_before",
    metadata,
    *(Column(name, TEXT, primary_key=True) for name in ("issuer", "subject")),
    Column("revoked_before", Double, nullable=False),
    Index("watchword_not_before_revoked_before", "revoked_before"),
    info=since("0005"),
)

# Who changed what. The ids are in the order of time, and no index but theirs is written with each change beside the two for questions.
audit: Table = Table(
    "watchword_audit",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("at", Double, nullable=False),
    *_texts("actor", "action", "target", "owner", "detail"),
    Index("watchword_audit_target", "target", "id"),
    Index("watchword_audit_owner", "owner", "id"),
    info=since("0006"),
)

# Small values that processes share. Not "values": the word is reserved in SQL.
values: Table = Table(
    "watchword_values",
    metadata,
    Column("key", TEXT, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("watchword_values_expires_at", "expires_at"),
    info=since("0007"),
)
