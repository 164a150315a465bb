"""Makes engines whose every wait is bounded, adopts engines of an application, and opens transactions."""

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
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import ExceptionContext

    from watchword.stores.sql.breaker import Breaker

_ENGINE = "SQLStore(engine=...)"
_OURS = "watchword"
"""The execution option that marks connections of a store."""

_ISOLATION = "AUTOCOMMIT"
"""For connections to PostgreSQL: BEGIN is sent here together with a time bound, in one round trip."""

_MIGRATION_LOCK = 0x77617463  # "watc": the number of an advisory lock
_MIGRATION_WAIT = 60  # seconds; another process may be creating the tables
_SQLITE_WAIT = 10  # seconds; creating tables takes milliseconds


def make_engine(place: Place, *, timeout: float, pool_size: int, watch: sqlite.Watch | None, breaker: Breaker) -> Engine:
    """Return an engine whose every wait is bounded.

    Args:
        place: of the database.
        timeout: seconds, for each wait.
        pool_size: the maximum of connections.
        watch: watches the database file, if there is one.
        breaker: refuses connections while the database is silent.

    Raises:
        ConfigurationError: the driver is missing, or does not accept the URL.
    """
    options: dict[str, Any] = {"poolclass": QueuePool, "max_overflow": 0, "pool_timeout": timeout, "hide_parameters": True}
    if place.url.drivername == "sqlite":
        path = place.file
        # One connection: each connection to memory has a database of its own.
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
        # The URL is for the repr alone; the creator has the password.
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
        f"SQLStore(url=...) for PostgreSQL needs the module {missing!r}. Install it: pip install 'watchword[postgresql]'."
        if missing
        else f"SQLStore(url=...) must be a URL of PostgreSQL, got {place.shown}."
    )


def adopt(engine: Engine) -> tuple[Place, Engine]:
    """Return the place of an application's engine, and an engine for the store that uses its connections.

    Pool, time-outs and events of the application's engine stay as they are.

    Raises:
        ConfigurationError: a store cannot use it.
    """
    if hasattr(engine, "sync_engine"):
        fix = " Make one with create_engine() for the same database: the guard uses the store in worker threads."
        raise ConfigurationError(f"{_ENGINE} must be a sqlalchemy.Engine, got an AsyncEngine.{fix}")
    if isinstance(engine, Connection):
        fix = " Use its attribute engine here, and the connection in init(connection=...)."
        raise ConfigurationError(f"{_ENGINE} must be a sqlalchemy.Engine, got a Connection.{fix}")
    if not isinstance(engine, Engine):
        raise invalid(_ENGINE, "be a sqlalchemy.Engine", engine, "Use create_engine(...).", secret=True)
    name = f"{engine.dialect.name}+{engine.dialect.driver}"
    if name not in {"sqlite+pysqlite", "postgresql+psycopg"} or engine.dialect.is_async:
        raise invalid(_ENGINE, "use sqlite+pysqlite or postgresql+psycopg", name)
    if isinstance(engine.pool, (SingletonThreadPool, StaticPool)):
        # With one connection for all threads, one thread could roll back what another one believes committed.
        why = "which shares connections, or has one database per thread"
        fix = "Use poolclass=QueuePool, with pool_size=1, max_overflow=0 for a database in memory."
        raise ConfigurationError(f"{_ENGINE} must not have a {type(engine.pool).__name__}, {why}. {fix}")
    map_: Any = engine.get_execution_options().get("schema_translate_map") or {}
    schema: str | None = map_.get(None)
    if engine.dialect.name == "sqlite":
        if schema is not None:
            raise ConfigurationError(f"{_ENGINE} must have no schema_translate_map for SQLite, which has no schemas. Remove it.")
        return Place(URL.create("sqlite", database=engine.url.database)), _ours(engine, None)
    try:
        known = parse(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    except ConfigurationError:  # made by a `creator`, or with options of SQLAlchemy
        known = Place(URL.create("postgresql+psycopg", engine.url.username, None, engine.url.host, engine.url.port, engine.url.database))
    return Place(known.url, known.arguments, schema), _ours(engine, schema).execution_options(isolation_level=_ISOLATION)


class Adopted:
    """Returns an engine of `adopt`, with a pool of this process; for `PerProcess`."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self._engine = engine
        self._shares_nothing = place.url.drivername == "sqlite" and place.file is None  # a fork copies a database in memory
        self._process = Process()
        self._pools = [engine.pool]

    def __call__(self) -> Engine:
        """Return the engine. In a child it gets a new pool, unless the application has set one since the fork."""
        if not self._process.is_current() and not self._shares_nothing and self._engine.pool is self._pools[-1]:
            self._engine.dispose(close=False)
            self._pools.append(self._engine.pool)  # stays referenced: collecting the old one would close its connections
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
    """Close a connection, and all idle ones of its pool, if a new one may lead to another server."""
    ours = context.connection is not None and context.connection.get_execution_options().get(_OURS)
    if ours and is_unfit(context.original_exception):
        context.is_disconnect = True


@contextmanager
def reading(engine: Engine, timeout: float) -> Iterator[Connection]:
    """Open a connection on which each statement reads by itself: in one round trip, and without an open transaction."""
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
    """Open a transaction that writes, is committed at the end, and takes some locks first, in their order."""
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            sqlite.begin(connection)
        else:
            # In one round trip. READ COMMITTED, whatever the server's default: changes made during the wait for a lock must be visible.
            statements = ["BEGIN ISOLATION LEVEL READ COMMITTED", f"SET LOCAL statement_timeout = {milliseconds(timeout)}"]
            statements += [f"SELECT pg_advisory_xact_lock({lock_key(name)})" for name in locks]
            connection.exec_driver_sql("; ".join(statements))
        yield connection


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that changes tables. It excludes other migrations, and has no time bound."""
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
    """Exclude other migrations until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")


def milliseconds(timeout: float) -> int:
    """Return the bound of a statement for PostgreSQL. A wait for a lock is part of its statement."""
    return max(1, round(timeout * 1000))
