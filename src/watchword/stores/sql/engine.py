"""Connections: how they are made, bounded, kept apart after a fork, and what their failures are called."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from watchword.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.stores.sql.waiting import BoundedConnection

FAILURES = (DBAPIError, PoolTimeout, sqlite3.Error, OSError)
"""What a database that cannot answer makes SQLAlchemy and the drivers raise. What else they raise is a mistake in the program."""

WRITING = "watchword_writing"

_RETRY_AFTER = 5
_MIGRATION_LOCK = 0x77617463  # "watc": a lock that programs of PostgreSQL agree on by its number
_MIGRATION_WAIT = 60  # seconds; another process is making the same tables
_MOMENT = 0.01


class Files(Protocol):
    """Whom to tell that a connection leads to another file than before."""

    def changed(self) -> None:
        """Take note of it."""


def parse(url: str) -> URL:
    """Return the parts of a URL.

    Args:
        url: as `SQLStore` takes it.

    Raises:
        ConfigurationError: it cannot be a store; the message does not show it, because it may hold a password.
    """
    parsed = None
    # No exception of SQLAlchemy may be chained to ours: some show the URL.
    with suppress(ArgumentError, ValueError, TypeError):
        parsed = make_url(url)
    if parsed is None or "\x00" in f"{url}{parsed.password}{parsed.database}":
        raise ConfigurationError("the URL of a store is like sqlite:///auth.db or postgresql://user:password@host/database")
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite+pysqlite":
        parsed = parsed.set(drivername="sqlite")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise ConfigurationError(f"a store lives in sqlite or postgresql (by psycopg), not in {parsed.drivername!r}")
    if parsed.drivername == "sqlite" and (parsed.query or parsed.host or parsed.username or (parsed.database or "").startswith("file:")):
        raise ConfigurationError("a store in SQLite is sqlite:///relative/path, sqlite:////absolute/path, or sqlite:// for one in memory")
    return parsed


def shown(url: URL) -> str:
    """Return a URL without what is secret in it.

    Args:
        url: the parts.
    """
    if url.drivername == "sqlite":
        return url.render_as_string()
    return _plain(url).render_as_string().replace("%2F", "/")


def _plain(url: URL) -> URL:
    query = {name: value for name, value in url.query.items() if name in {"host", "port", "dbname", "user", "service", "sslmode"}}
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)


def file_of(url: URL) -> Path | None:
    """Return where the database file is; None: there is none.

    Args:
        url: the parts.
    """
    if url.drivername != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database)).absolute()


def make_engine(url: URL, *, timeout: float, pool_size: int, files: Files) -> Engine:
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
            "sqlite://", creator=_sqlite(path, timeout), pool_size=pool_size if path else 1, pool_use_lifo=True, **options
        )
        event.listen(engine, "begin", _begin)
        if path is not None:
            watch = _Watch(path, files)
            event.listen(engine, "connect", watch.connected)
            event.listen(engine, "checkout", watch.taken)
        return engine
    try:
        # The engine is told where it is for its repr alone; the password is the creator's.
        where = _plain(url).set(drivername=url.drivername)
        made = create_engine(where, pool_size=pool_size, pool_use_lifo=True, creator=_postgresql(url, timeout), **options)
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


# SQLite


def create_file(path: Path) -> None:
    """Make an empty database file that its owner alone can read; where there is a file, leave it.

    SQLite gives the files beside it, of the write-ahead log, the same permissions.

    Args:
        path: where.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


class _SQLite(sqlite3.Connection):
    """A connection that knows which file it leads to."""

    file: tuple[int, int] | None = None

    def __del__(self) -> None:
        # Nobody can close it any more. Python 3.13 would complain to whoever let go of a store without closing it.
        with suppress(sqlite3.Error):
            self.close()


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - on every request, and half as dear
    return found.st_dev, found.st_ino


def _sqlite(path: Path | None, timeout: float) -> Callable[[], sqlite3.Connection]:
    # mode=rw: a file that went away must not be made anew, empty, by whoever asks next.
    target = ":memory:" if path is None else f"file:{quote(os.fsencode(path))}?mode=rw"

    def connect() -> sqlite3.Connection:
        # No transactions of the driver's own: it would not begin them early enough.
        # From before it is opened, which may wait for a lock: a file that is replaced meanwhile is known for another one at once.
        file = None
        with suppress(OSError):  # SQLite says what is the matter
            file = None if path is None else _identity(path)
        made = sqlite3.connect(
            target, uri=path is not None, timeout=timeout, isolation_level=None, check_same_thread=False, factory=_SQLite
        )
        made.file = file
        try:
            made.execute("PRAGMA foreign_keys = ON")
            # NORMAL would let a power cut take back a revocation that somebody was told is done.
            made.execute("PRAGMA synchronous = FULL")
            if path is not None:
                _write_ahead(made, timeout)
        except BaseException:
            made.close()
            raise
        return made

    return connect


def _write_ahead(connection: sqlite3.Connection, timeout: float) -> None:
    # Of two who change a new file to WAL at once, SQLite lets one fail without waiting.
    for remaining in range(ceil(timeout / _MOMENT), -1, -1):
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not remaining or "locked" not in str(error):
                raise
            Event().wait(_MOMENT)
        else:
            return


def _begin(connection: Connection) -> None:
    # A transaction that writes takes the lock at once: compare-and-set is atomic, and none waits for it with a read behind it.
    # Reads are single statements and have no transaction.
    if connection.get_execution_options().get(WRITING):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class _Watch:
    """Sees to it that nobody works on a file that was removed or replaced: SQLite would keep doing so, and nobody would know."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files
        self._identity: tuple[int, int] | None = None

    def connected(self, connection: Any, record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        identity = record.info["file"] = connection.file
        if identity != self._identity:
            self._identity = identity
            self._files.changed()

    def taken(self, connection: object, record: Any, proxy: object) -> None:  # noqa: ANN401 - as above
        if record.info["file"] != _identity(self._path):
            raise DisconnectionError("the database file is another one now")


# PostgreSQL


def _postgresql(url: URL, timeout: float) -> Callable[[], BoundedConnection]:
    from watchword.stores.sql.waiting import BoundedConnection

    arguments: dict[str, Any] = dict(url.translate_connect_args(username="user", database="dbname"))
    arguments.update(url.query)
    milliseconds = max(1, round(timeout * 1000))
    bounds = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
    arguments["options"] = f"{bounds} {arguments.get('options', '')}".strip()
    # libpq takes whole seconds, and 2 for 1.
    arguments.setdefault("connect_timeout", max(2, ceil(timeout)))
    arguments.setdefault("tcp_user_timeout", milliseconds)
    arguments.setdefault("application_name", "watchword")
    # Whatever PGCLIENTENCODING says: in any other encoding a name that somebody types may be none, and an error of the driver.
    arguments["client_encoding"] = "utf8"

    def connect() -> BoundedConnection:
        made = BoundedConnection.connect(**arguments)
        # The server ends a statement after `timeout`. This is for a server that does nothing any more.
        made.limit = 2 * timeout + 1
        return made

    return connect


# Changing tables


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


# Failures


def is_collision(error: Exception) -> bool:
    """Tell whether somebody else was first to keep a record of that id or name.

    Args:
        error: one of `FAILURES`.
    """
    return isinstance(error, IntegrityError)


def is_disconnect(error: Exception) -> bool:
    """Tell whether a connection turned out to be dead, so that another one may live.

    Args:
        error: one of `FAILURES`.
    """
    return isinstance(error, DBAPIError) and error.connection_invalidated and not getattr(error.orig, "stalled", False)


def unavailable(error: Exception, url: URL) -> Unavailable:
    """Return what an outage is called: the words of the driver where they cannot hold what somebody stored or sent.

    Args:
        error: one of `FAILURES`.
        url: where it happened.
    """
    cause: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig
    if isinstance(error, PoolTimeout):
        words = "all of its connections are in use"
    elif isinstance(cause, OSError):
        words = f"{type(cause).__name__}: {cause.strerror}"
    else:
        words = type(cause).__name__
        # Classes 22 and 23 of SQLSTATE quote data.
        if not (getattr(cause, "sqlstate", None) or "").startswith(("22", "23")) and not isinstance(error, IntegrityError):
            words = f"{words}: {str(cause).partition(chr(10))[0][:200]}"
    for secret in (url.password, url.query.get("password"), url.query.get("sslpassword")):
        if secret:
            words = words.replace(str(secret), "***")
    return Unavailable(f"the store does not answer: {words}", retry_after=_RETRY_AFTER)
