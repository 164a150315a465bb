"""The tables, and which version of them a database has.

What makes a new version is a script in `stores/migrations/versions`; a test holds the tables here and those of the scripts together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Literal

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, LargeBinary, MetaData, String, Table, inspect, select

from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

PREFIX = "watchword_"
VERSION_TABLE = "watchword_schema"

REVISIONS = ("0001", "0002")
"""All versions of the schema, the newest last: known without alembic, which costs more to import than all the rest."""

State = Literal["empty", "current", "outdated", "newer", "foreign"]

# Ordered by octets everywhere: SQLite does so, and for PostgreSQL the scripts say it.
TEXT = String()

metadata: MetaData = MetaData()

meta: Table = Table(
    "watchword_meta",
    metadata,
    Column("one", BigInteger, primary_key=True, autoincrement=False),  # always 1: a table of one row
    Column("generation", BigInteger, nullable=False),  # counts what may take something away from somebody
    Column("decoy_key", LargeBinary, nullable=False),
)

accounts: Table = Table(
    "watchword_accounts",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("names", TEXT, nullable=False),
    Column("password_hash", TEXT),
    Column("hash_profile", TEXT),
    Column("password_changed_at", Double),
    Column("roles", TEXT, nullable=False),
    Column("scopes", TEXT, nullable=False),
    Column("permissions", TEXT, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("locked_until", Double),
    Column("created_at", Double, nullable=False),
    Column("last_login_at", Double),
    Column("version", BigInteger, nullable=False),
    Index("watchword_accounts_hash_profile", "hash_profile"),
)

# For lookups and for uniqueness alone: an account is read with its names from one row of the table above.
names: Table = Table(
    "watchword_names",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("folded", TEXT, nullable=False),
    Column("account_id", TEXT, ForeignKey("watchword_accounts.id", name="watchword_names_account_id_fkey"), nullable=False),
    Index("watchword_names_folded", "folded"),
    Index("watchword_names_account_id", "account_id"),
)

# No foreign key leads from keys and tokens to accounts: an owner may be a program that has none.
keys: Table = Table(
    "watchword_keys",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("owner", TEXT, nullable=False),
    Column("label", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("roles", TEXT, nullable=False),
    Column("scopes", TEXT, nullable=False),
    Column("permissions", TEXT, nullable=False),
    Column("networks", TEXT, nullable=False),
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
    Column("id", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("label", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("roles", TEXT, nullable=False),
    Column("scopes", TEXT, nullable=False),
    Column("permissions", TEXT, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Index("watchword_tokens_id", "id", unique=True),
    Index("watchword_tokens_subject", "subject", "id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """What is found in a database.

    Args:
        url: where it is, without a password.
        state: `"empty"`: no tables of watchword; `"current"`: as this version wants them; `"outdated"`: `upgrade()` is needed;
            `"newer"`: watchword is to be upgraded; `"foreign"`: tables of these names that are not what they should be.
        revision: the version of the schema; None: there is none, or it cannot be told.
        newest: the newest version that is known here.
        accounts: how many there are; None unless the state is `"current"`.
        keys: how many there are, revoked ones too.
        tokens: how many there are, revoked and expired ones too.
    """

    url: str
    state: State
    revision: str | None
    newest: str = REVISIONS[-1]
    accounts: int | None = None
    keys: int | None = None
    tokens: int | None = None


def look(connection: Connection) -> tuple[State, str | None, bool]:
    """Tell what a database holds.

    Args:
        connection: to it.

    Returns:
        The state, the version of the schema, and whether there is no table at all, of nobody.

    Raises:
        ConfigurationError: it cannot hold every name that somebody may send.
    """
    _demand_unicode(connection)
    inspector = inspect(connection)
    found = set(inspector.get_table_names())
    own = {name for name in found if name.startswith(PREFIX)}
    if not own:
        return "empty", None, not found
    if VERSION_TABLE not in own or {column["name"] for column in inspector.get_columns(VERSION_TABLE)} != {"version_num"}:
        return "foreign", None, False
    versions = [str(version) for version in connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalars()]  # noqa: S608
    if len(versions) != 1:
        return "foreign", None, False
    (revision,) = versions
    if revision in REVISIONS[:-1]:
        return "outdated", revision, False
    if revision == REVISIONS[-1]:
        whole = metadata.tables.keys() <= own and connection.execute(select(meta.c.generation)).first() is not None
        return ("current" if whole else "foreign"), revision, False
    newer = re.fullmatch(r"[0-9]{4}", revision) is not None and revision > REVISIONS[-1]
    return ("newer" if newer else "foreign"), revision, False


def _demand_unicode(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return  # SQLite knows no other text
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        # To look up a name that is not in there would be an error and no answer, and anybody may type one.
        raise ConfigurationError(
            f"the database keeps its text in {encoding}, and a store needs one that was made with ENCODING 'UTF8' TEMPLATE template0"
        )


def demand(state: State, revision: str | None, url: str) -> None:
    """Refuse a database that is not as this version wants it.

    Args:
        state: of `look`.
        revision: of `look`.
        url: where it is, without a password.

    Raises:
        ConfigurationError: says what to do.
    """
    match state:
        case "current":
            return
        case "empty":
            raise ConfigurationError(f"there is no store in {url} yet: make one with `watchword store init --store {quote(url)}`")
        case "outdated":
            raise ConfigurationError(
                f"the store in {url} has the older schema {revision}, not {REVISIONS[-1]}: "
                f"run `watchword store upgrade --store {quote(url)}`"
            )
        case "newer":
            raise ConfigurationError(
                f"the store in {url} has the schema {revision}, and this version of watchword knows {REVISIONS[-1]}: upgrade watchword"
            )
        case "foreign":
            raise ConfigurationError(
                f"{url} has tables named {PREFIX}* that are not those of a store (schema {revision}): give another database, "
                "or restore this one from a backup"
            )
