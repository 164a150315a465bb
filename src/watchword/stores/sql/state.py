"""Finds the version of the tables in a database, checks that they are complete, and says what to do if not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import itemgetter
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, Self

from sqlalchemy import inspect, select

from watchword.errors import ConfigurationError
from watchword.stores.sql.schema import PREFIX, REVISIONS, SINCE, VERSION_TABLE, meta, metadata, versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Column, Connection, Index, Inspector, Table

State = Literal["empty", "current", "outdated", "newer", "damaged", "foreign"]

_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """The state of a store in a database.

    Args:
        url: without a password.
        state: `"empty"`: no tables of watchword; `"current"`: the tables of this version; `"outdated"`: `upgrade()` is needed;
            `"newer"`: watchword must be upgraded; `"damaged"`: a migration was interrupted, or a part was removed by hand;
            `"foreign"`: tables of these names that are not those of a store.
        revision: the version of the schema; None: unknown, or without tables.
        newest: the newest version that this release knows.
        accounts: the number of accounts; None unless the state is `"current"`.
        keys: the number of keys, revoked ones included.
        tokens: the number of tokens, revoked and expired ones included.
    """

    url: str
    state: State
    revision: str | None
    newest: str = REVISIONS[-1]
    accounts: int | None = None
    keys: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The result of `look`.

    Args:
        state: as in `StoreStatus`.
        revision: the version of the schema.
        bare: whether the database has no table at all.
        lacking: the missing parts.
        surplus: parts of a later version.
    """

    state: State
    revision: str | None = None
    bare: bool = False
    lacking: Sequence[str] = ()
    surplus: Sequence[str] = ()

    def demand(self, url: str, wanted: State = "current") -> None:
        """Refuse a database that is in another state than `wanted`.

        Raises:
            ConfigurationError: says what to do.
        """
        if self.state != wanted:
            raise ConfigurationError(self._advice(url))

    def _advice(self, url: str) -> str:
        match self.state:
            case "empty":
                return f"there is no store in {url} yet. Create it: `watchword store init --store {quote(url)}`"
            case "current":
                return f"{url} has a store already"
            case "outdated":
                return (
                    f"the store in {url} has the older schema {self.revision}, not {REVISIONS[-1]}. "
                    f"Run `watchword store upgrade --store {quote(url)}`"
                )
            case "newer":
                return f"the store in {url} has the newer schema {self.revision}, not {REVISIONS[-1]}. Upgrade watchword"
            case "damaged" if self.surplus:
                return (
                    f"an upgrade of the store in {url} from schema {self.revision} was interrupted after it had created "
                    f"{_some(self.surplus)}. Drop that and run `watchword store upgrade --store {quote(url)}`, or restore a backup"
                )
            case "damaged":
                return (
                    f"the store in {url} (schema {self.revision}) is incomplete: it lacks {_some(self.lacking)}. Restore it from a backup. "
                    f"To start anew, drop all tables named {PREFIX}* and run `watchword store init --store {quote(url)}`"
                )
            case "foreign":
                return (
                    f"{url} has tables named {PREFIX}* that are not those of a store (schema {self.revision}). Use another database or "
                    "another schema"
                )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def look(connection: Connection, schema: str | None = None) -> Found:
    """Return the state of a database. Without a schema, tables are looked for on the `search_path`.

    Raises:
        ConfigurationError: the database cannot hold every name that a client may send.
    """
    _demand_unicode(connection)
    inspector = inspect(connection)
    tables = set(inspector.get_table_names(schema=schema))
    own = {name for name in tables if name.startswith(PREFIX)}
    if not own:
        return Found("empty", bare=not tables)
    actual = set(_parts_found(inspector, own, schema))
    if VERSION_TABLE in own and Part.column(VERSION_TABLE, "version_num") not in actual:
        return Found("foreign")
    found = connection.execute(select(versions.c.version_num)).scalars() if VERSION_TABLE in own else ()
    revisions = list(map(str, found))
    if len(revisions) != 1:
        # Without a version the tables are ours only if they are exactly so: then creating them was interrupted.
        interrupted = not revisions and any(_is_made_by(revision, own, actual) for revision in REVISIONS)
        return Found("damaged" if interrupted else "foreign", lacking=(f"the version in {VERSION_TABLE}",))
    (revision,) = revisions
    if revision not in REVISIONS:
        newer = re.fullmatch(r"[0-9]{4}", revision) is not None and revision > REVISIONS[-1]
        return Found("newer" if newer else "foreign", revision)
    wanted = expected(revision)
    lacking = _words(part for part in wanted if part not in actual)
    beyond = actual.difference(wanted)
    surplus = _words(part for part in expected(REVISIONS[-1]) if part in beyond)
    if not lacking and connection.execute(select(meta.c.generation)).first() is None:
        lacking = [f"the row of {meta.name}"]
    if lacking or surplus:
        return Found("damaged", revision, lacking=lacking, surplus=surplus)
    return Found("current" if revision == REVISIONS[-1] else "outdated", revision)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the schema.

    Args:
        table: the name of the table.
        words: the column, primary key or index; empty: the table itself.
    """

    table: str
    words: str = ""

    @classmethod
    def column(cls, table: str, name: str) -> Self:
        """Return a column."""
        return cls(table, f"the column {table}.{name}")

    @classmethod
    def primary_key(cls, table: str, columns: Iterable[str]) -> Self:
        """Return a primary key."""
        return cls(table, f"the primary key {table}({', '.join(columns)})")

    @classmethod
    def index(cls, table: str, name: str, columns: Iterable[str], *, unique: bool) -> Self:
        """Return an index."""
        return cls(table, f"the {'unique ' if unique else ''}index {name} on {table}({', '.join(columns)})")


def expected(revision: str) -> list[Part]:
    """Return the parts of one version of the schema."""
    return [part for table in metadata.sorted_tables for part in _parts(table, revision)]


def _parts(table: Table, revision: str) -> Iterator[Part]:
    def is_there(part: Table | Column[Any] | Index) -> bool:
        return str(part.info.get(SINCE, REVISIONS[0])) <= revision

    if not is_there(table):
        return
    yield Part(table.name)
    yield from (Part.column(table.name, column.name) for column in table.columns if is_there(column))
    yield Part.primary_key(table.name, (column.name for column in table.primary_key))
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        if is_there(index):
            yield Part.index(table.name, str(index.name), (column.name for column in index.columns), unique=bool(index.unique))


def _parts_found(inspector: Inspector, names: Iterable[str], schema: str | None) -> Iterator[Part]:
    only: dict[str, Any] = {"schema": schema, "filter_names": sorted(names)}
    for (_, table), columns in inspector.get_multi_columns(**only).items():
        yield Part(table)
        yield from (Part.column(table, column["name"]) for column in columns)
        if inspector.dialect.name == "sqlite":
            # SQLAlchemy's query for a primary key looks for its name, and takes an error of the disk for a missing name.
            keys: list[Any] = [column for column in columns if column.get("primary_key")]
            yield Part.primary_key(table, (column["name"] for column in sorted(keys, key=itemgetter("primary_key"))))
    if inspector.dialect.name != "sqlite":
        for (_, table), found in inspector.get_multi_pk_constraint(**only).items():
            yield Part.primary_key(table, found["constrained_columns"])
    for (_, table), indexes in inspector.get_multi_indexes(**only).items():
        for index in indexes:
            yield Part.index(table, str(index["name"]), map(str, index["column_names"]), unique=bool(index["unique"]))


def _is_made_by(revision: str, own: set[str], actual: set[Part]) -> bool:
    """Return whether the tables are those of a version, or a part of them."""
    made = {part for part in expected(revision) if part.table in own}
    return {part.table for part in made} == own - {VERSION_TABLE} and made <= actual


def _words(parts: Iterable[Part]) -> list[str]:
    """Return the names of parts; for a whole table, its name alone."""
    named = list(parts)
    whole = {part.table for part in named if not part.words}
    return [part.words or f"the table {part.table}" for part in named if not part.words or part.table not in whole]


def _demand_unicode(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return  # SQLite always keeps Unicode
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        # Looking up a name beyond that encoding is an error, and a client may send any name.
        raise ConfigurationError(
            f"the database must have the encoding UTF8, got {encoding}. Create one with ENCODING 'UTF8' TEMPLATE template0."
        )
