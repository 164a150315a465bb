"""Makes engines whose every wait is bounded, and transactions that change tables."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from watchword.errors import ConfigurationError
from watchword.stores.sql import postgresql, sqlite
from watchword.stores.sql.url import file_of, plain, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_MIGRATION_LOCK = 0x77617463  # "watc": a lock that programs of PostgreSQL agree on by its number
_MIGRATION_WAIT = 60  # seconds; another process is making the same tables


def make_engine(url: URL, *, timeout: float, pool_size: int, files: sqlite.Files) -> Engine:
    """Return an engine whose every wait is bounded.

    Args:
        url: the parts.
        timeout: seconds, for each wait.
        pool_size: how many connections at most.
        files: is told when another database file has taken the place of the old one.

    Raises:
        ConfigurationError: the driver is not installed, or the URL is none for it.
    """
    options: dict[str, Any] = {"poolclass": QueuePool, "max_overflow": 0, "pool_timeout": timeout, "hide_parameters": True}
    if url.drivername == "sqlite":
        path = file_of(url)
        # Each connection to memory has a database of its own, so there is one.
        engine = create_engine(
            "sqlite://", creator=sqlite.connector(path, timeout), pool_size=pool_size if path else 1, pool_use_lifo=True, **options
        )
        event.listen(engine, "begin", sqlite.begin)
        if path is not None:
            watch = sqlite.Watch(path, files)
            event.listen(engine, "connect", watch.connected)
            event.listen(engine, "checkout", watch.taken)
        return engine
    try:
        # The engine is told where it is for its repr alone; the password is the creator's.
        where = plain(url).set(drivername=url.drivername)
        made = create_engine(where, pool_size=pool_size, pool_use_lifo=True, creator=postgresql.connector(url, timeout), **options)
    except ImportError as error:
        missing = str(error.name)
    except (ArgumentError, NoSuchModuleError):
        missing = ""
    else:
        return made
    raise ConfigurationError(
        f"{shown(url)} needs the module {missing!r}: pip install 'watchword[postgresql]'"
        if missing
        else f"{shown(url)} is no URL of PostgreSQL"
    )


@contextmanager
def unhurried(connection: Connection, timeout: float) -> Iterator[None]:
    """Keep others from changing tables meanwhile, and let one's own changes take as long as they take.

    Args:
        connection: not in a transaction yet; in one afterwards, which is committed at the end.
        timeout: what holds for everything else.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.execute(f"PRAGMA busy_timeout = {_MIGRATION_WAIT * 1000}")
        try:
            with connection.begin():
                yield
        finally:
            with suppress(sqlite3.Error):
                driver.execute(f"PRAGMA busy_timeout = {round(timeout * 1000)}")
        return
    limit, driver.limit = driver.limit, None
    try:
        with connection.begin():
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_MIGRATION_WAIT}s'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            yield
    finally:
        driver.limit = limit
