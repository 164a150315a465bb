"""Makes engines whose every wait is bounded, takes over those of an application, and opens what reads and writes."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import QueuePool, SingletonThreadPool, StaticPool

from watchword.errors import ConfigurationError
from watchword.process import Process
from watchword.stores.sql import postgresql, sqlite
from watchword.stores.sql.change import lock_key
from watchword.stores.sql.failures import is_unfit
from watchword.stores.sql.url import Place, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import ExceptionContext

    from watchword.stores.sql.breaker import Breaker

_OURS = "watchword"
"""The execution option of connections that a store uses."""

_ISOLATION = "AUTOCOMMIT"
"""Of connections to PostgreSQL: transactions are begun here, together with their bound, in one round trip."""

_MIGRATION_LOCK = 0x77617463  # "watc": a lock that programs of PostgreSQL agree on by its number
_MIGRATION_WAIT = 60  # seconds; another process is making the same tables
_SQLITE_WAIT = 10  # seconds; making tables takes milliseconds there


def make_engine(place: Place, *, timeout: float, pool_size: int, watch: sqlite.Watch | None, breaker: Breaker) -> Engine:
    """Return an engine whose every wait is bounded.

    Args:
        place: where the database is.
        timeout: seconds, for each wait.
        pool_size: how many connections at most.
        watch: watches the database file, if there is one.
        breaker: refuses connections while the database is silent.

    Raises:
        ConfigurationError: the driver is not installed, or the URL is none for it.
    """
    options: dict[str, Any] = {"poolclass": QueuePool, "max_overflow": 0, "pool_timeout": timeout, "hide_parameters": True}
    if place.url.drivername == "sqlite":
        path = place.file
        # Each connection to memory has a database of its own, so there is one.
        engine = create_engine(
            "sqlite://",
            creator=sqlite.connector(path, timeout),
            pool_size=pool_size if path else 1,
            pool_use_lifo=True,
            paramstyle="named",
            **options,
        )
        if watch is not None:
            event.listen(engine, "connect", watch.connected)
            event.listen(engine, "checkout", watch.taken)
        return _ours(engine, None)
    try:
        # The engine is told where it is for its repr alone; the password is the creator's.
        engine = create_engine(
            place.url.set(query={}),
            pool_size=pool_size,
            pool_use_lifo=True,
            creator=postgresql.connector(place, timeout, breaker),
            isolation_level=_ISOLATION,
            use_native_hstore=False,
            **options,
        )
    except ImportError as error:
        missing = str(error.name).partition(".")[0]
    except (ArgumentError, NoSuchModuleError):
        missing = ""
    else:
        return _ours(engine, place.schema)
    raise ConfigurationError(
        f"{place.shown} needs the module {missing!r}: pip install 'watchword[postgresql]'"
        if missing
        else f"{place.shown} is no URL of PostgreSQL"
    )


def adopt(engine: Engine) -> tuple[Place, Engine]:
    """Return where an engine of the application leads, and an engine for the store that uses its connections.

    Args:
        engine: the application's. Its pool, its time-outs and its events stay as they are.

    Raises:
        ConfigurationError: a store cannot use it.
    """
    if hasattr(engine, "sync_engine"):
        raise ConfigurationError(
            "SQLStore(engine=...) must be a sqlalchemy.Engine, got an AsyncEngine. Make another one with create_engine() for the same "
            "database: the guard asks the store in worker threads"
        )
    if isinstance(engine, Connection):
        raise ConfigurationError(
            "SQLStore(engine=...) must be a sqlalchemy.Engine, got a Connection. In a migration give connection.engine here, and the "
            "connection to init(connection=...)"
        )
    if not isinstance(engine, Engine):
        raise ConfigurationError(f"SQLStore(engine=...) must be a sqlalchemy.Engine, got an object of the class {type(engine).__name__!r}")
    name = f"{engine.dialect.name}+{engine.dialect.driver}"
    if name not in {"sqlite+pysqlite", "postgresql+psycopg"} or engine.dialect.is_async:
        raise ConfigurationError(f"SQLStore(engine=...) must use sqlite+pysqlite or postgresql+psycopg, got {name!r}")
    if isinstance(engine.pool, (SingletonThreadPool, StaticPool)):
        # One connection in two threads: what one rolls back, the other one takes for committed.
        raise ConfigurationError(
            f"SQLStore(engine=...) must not use a {type(engine.pool).__name__}, which shares connections or makes one database for each "
            "thread. For a database in memory use poolclass=QueuePool, pool_size=1, max_overflow=0"
        )
    map_: Any = engine.get_execution_options().get("schema_translate_map") or {}
    schema: str | None = map_.get(None)
    if engine.dialect.name == "sqlite":
        if schema is not None:
            raise ConfigurationError("SQLStore(engine=...) has a schema_translate_map, and SQLite has no schemas. Take it away.")
        return Place(URL.create("sqlite", database=engine.url.database)), _ours(engine, None)
    try:
        known = parse(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    except ConfigurationError:  # made by a `creator`, or with options of SQLAlchemy
        known = Place(URL.create("postgresql+psycopg", engine.url.username, None, engine.url.host, engine.url.port, engine.url.database))
    return Place(known.url, known.arguments, schema), _ours(engine, schema).execution_options(isolation_level=_ISOLATION)


class Adopted:
    """Returns an engine of the application, with a pool of this process; for `PerProcess`.

    Args:
        engine: of `adopt`.
        place: where it leads.
    """

    def __init__(self, engine: Engine, place: Place) -> None:
        self._engine = engine
        self._shares_nothing = place.url.drivername == "sqlite" and place.file is None  # a database in memory is copied by a fork
        self._process = Process()
        self._pools = [engine.pool]

    def __call__(self) -> Engine:
        """Return the engine. In a child it gets a new pool, unless the application has given it one since the fork."""
        if not self._process.is_current() and not self._shares_nothing and self._engine.pool is self._pools[-1]:
            self._engine.dispose(close=False)
            self._pools.append(self._engine.pool)  # the old one stays referenced: collecting it would close its connections
        self._process = Process()
        return self._engine


def _ours(engine: Engine, schema: str | None) -> Engine:
    options: dict[str, Any] = {_OURS: True}
    if engine.dialect.name == "postgresql":
        from watchword.stores.sql.cursor import demand_pipeline

        demand_pipeline()
        if schema is not None:
            options["schema_translate_map"] = {None: schema}
        if not event.contains(engine, "handle_error", _close_unfit):
            event.listen(engine, "handle_error", _close_unfit)
    return engine.execution_options(**options)


def _close_unfit(context: ExceptionContext) -> None:
    """Have a connection closed, and with it all that are idle in the pool, where a new one may lead to another server."""
    ours = context.connection is not None and context.connection.get_execution_options().get(_OURS)
    if ours and is_unfit(context.original_exception):
        context.is_disconnect = True


@contextmanager
def reading(engine: Engine, timeout: float) -> Iterator[Connection]:
    """Open a connection on which each statement reads by itself: one round trip, and no transaction is left open.

    Args:
        engine: of `make_engine` or `adopt`.
        timeout: seconds, for each statement.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            yield connection
            return
        from watchword.stores.sql.cursor import ReadingCursor

        driver: Any = connection.connection.driver_connection
        before, driver.cursor_factory = driver.cursor_factory, partial(ReadingCursor, milliseconds=milliseconds(timeout))
        try:
            yield connection
        finally:
            driver.cursor_factory = before


@contextmanager
def writing(engine: Engine, timeout: float, locks: Sequence[str] = ()) -> Iterator[Connection]:
    """Open a transaction that writes; it is committed at the end.

    Args:
        engine: of `make_engine` or `adopt`.
        timeout: seconds, for each statement and each lock.
        locks: names of what others are kept from until the end, in this order.
    """
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            sqlite.begin(connection)
        else:
            # In one round trip. Whatever is the default of the server: what was waited for has to be seen.
            statements = ["BEGIN ISOLATION LEVEL READ COMMITTED", f"SET LOCAL statement_timeout = {milliseconds(timeout)}"]
            statements += [f"SELECT pg_advisory_xact_lock({lock_key(name)})" for name in locks]
            connection.exec_driver_sql("; ".join(statements))
        yield connection


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that changes tables: no two of them run at once, and each may take as long as it takes.

    Args:
        engine: of `make_engine` or `adopt`.
    """
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if engine.dialect.name == "sqlite":
            before = driver.execute("PRAGMA busy_timeout").fetchone()[0]
            driver.execute(f"PRAGMA busy_timeout = {_SQLITE_WAIT * 1000}")
            try:
                with connection.begin():
                    sqlite.begin(connection)
                    yield connection
            finally:
                with suppress(sqlite3.Error):
                    driver.execute(f"PRAGMA busy_timeout = {before}")
            return
        limit = getattr(driver, "limit", None)
        driver.limit = None
        try:
            with connection.begin():
                connection.exec_driver_sql(f"BEGIN; SET LOCAL lock_timeout = '{_MIGRATION_WAIT}s'; SET LOCAL statement_timeout = 0")
                keep_others_out(connection)
                yield connection
        finally:
            driver.limit = limit


def keep_others_out(connection: Connection) -> None:
    """Wait until no other program changes the tables, and let none do so until the end of the transaction.

    Args:
        connection: in a transaction.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")


def milliseconds(timeout: float) -> int:
    """Return the bound of a statement as PostgreSQL takes it. A wait for a lock is part of its statement: one bound is enough.

    Args:
        timeout: seconds.
    """
    return max(1, round(timeout * 1000))
