"""Opens connections to SQLite, and detects a database file that was removed or replaced."""

from __future__ import annotations

import ctypes
import os
import sqlite3
from contextlib import suppress
from math import ceil
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy.exc import DisconnectionError

from watchword.process import PerProcess, Process
from watchword.stores.sql.living import Living

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

_MOMENT = 0.01


def create_file(path: Path) -> None:
    """Create an empty database file that only its owner can read, unless it exists. SQLite gives its other files the same permissions."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


class _SQLite(sqlite3.Connection):
    """A connection that knows its file, and refuses to work in a child of the process that opened it.

    SQLite forbids any use of an inherited connection. Closing it is a use, which would end a transaction of the parent.
    """

    file: tuple[int, int] | None = None
    log: tuple[int, int] | None = None
    process: Process | None = None

    def is_inherited(self) -> bool:
        """Return whether this process is a child of the one that opened it."""
        return self.process is not None and not self.process.is_current()

    def cursor(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as sqlite3 has it
        """Return a cursor."""
        self._refuse_inherited()
        return super().cursor(*args, **options)

    def execute(self, *args: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as above
        """Execute a statement."""
        self._refuse_inherited()
        return super().execute(*args)

    def commit(self) -> None:
        """Commit."""
        self._refuse_inherited()
        super().commit()

    def rollback(self) -> None:
        """Roll back. In a child do nothing: the transaction is the parent's."""
        if not self.is_inherited():
            super().rollback()

    def close(self) -> None:
        """Close. In a child do nothing."""
        if not self.is_inherited():
            _OPEN.discard(self)
            super().close()

    def __del__(self, _keep: Callable[[Any], None] = ctypes.pythonapi.Py_IncRef, _as: Callable[[Any], Any] = ctypes.py_object) -> None:
        if self.is_inherited():
            # The driver closes a connection that is collected. A reference that is never released prevents it.
            _keep(_as(self))
            return
        # Python 3.13 warns about a connection that is collected before it was closed.
        with suppress(sqlite3.Error):
            self.close()

    def _refuse_inherited(self) -> None:
        if self.is_inherited():
            raise sqlite3.OperationalError("the connection belongs to the parent process")


# For the whole process, as SQLite's own record of its locks.
_OPEN: Living[_SQLite] = Living()
_LOCKED: PerProcess[dict[tuple[int, int], list[int]]] = PerProcess(dict)

# https://sqlite.org/fileformat2.html and https://sqlite.org/walformat.html: the positions of the locks that an open connection in WAL
# mode holds.
_SHARED_LOCK = 0x40000002, 510
_DEAD_MAN_SWITCH = 128, 1


def _lock_for_inherited(path: Path, file: tuple[int, int] | None) -> None:
    """Take the locks that SQLite believes this process to hold.

    A child inherits open connections, and with them SQLite's record that the process holds a shared lock on the file and on its
    write-ahead log. But locks are not inherited. A new connection would rely on them, and another process that believes to be the last
    one would delete the log while it is in use: this process would not see revocations. So it takes the locks, and holds them until it
    ends.

    Raises:
        sqlite3.OperationalError: it is too late: the log has been replaced.
    """
    inherited = [connection for connection in _OPEN.items() if connection.file == file and connection.is_inherited()]
    locked = _LOCKED.get()
    if file is None or not inherited or file in locked:
        return
    import fcntl  # there is no fork where there is no fcntl

    log = Path(f"{path}-shm")
    taken: list[int] = []
    try:
        for part, (start, length) in ((path, _SHARED_LOCK), (log, _DEAD_MAN_SWITCH)):
            # Never closed while the process lives: closing any descriptor of a file releases all locks on it.
            taken.append(os.open(part, os.O_RDWR | os.O_CLOEXEC))
            fcntl.lockf(taken[-1], fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
        found = _identity(log)
    except OSError:
        found = None
    locked.setdefault(file, []).extend(taken)
    if any(connection.log != found for connection in inherited):
        del locked[file]
        raise sqlite3.OperationalError("the parent of this process has closed the database since the fork. Restart this process.")


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - on every request, and twice as fast
    return found.st_dev, found.st_ino


def connector(path: Path | None, timeout: float) -> Callable[[], sqlite3.Connection]:
    """Return a function that opens a connection, which waits `timeout` seconds for locks. Without a path the database is in memory."""
    # mode=rw: a removed file must not be created again, empty, by the next query.
    target = ":memory:" if path is None else f"file:{quote(os.fsencode(path))}?mode=rw"

    def connect() -> sqlite3.Connection:
        # isolation_level=None: the driver would begin transactions too late.
        # The identity is from before the opening, which may wait for a lock, so that a file replaced meanwhile is detected.
        file = None
        with suppress(OSError):  # SQLite reports the error
            file = None if path is None else _identity(path)
        if path is not None:
            _lock_for_inherited(path, file)
        made = sqlite3.connect(
            target, uri=path is not None, timeout=timeout, isolation_level=None, check_same_thread=False, factory=_SQLite
        )
        made.file = file
        made.process = None if path is None else Process()  # a database in memory is the child's own
        try:
            made.execute("PRAGMA foreign_keys = ON")
            # With NORMAL a power cut could undo a revocation that was confirmed.
            made.execute("PRAGMA synchronous = FULL")
            if path is not None:
                _write_ahead(made, timeout)
                made.log = _identity(Path(f"{path}-shm"))
                _OPEN.add(made)
        except BaseException:
            made.close()
            raise
        return made

    return connect


def _write_ahead(connection: sqlite3.Connection, timeout: float) -> None:
    # If two connections change a new file to WAL at once, SQLite makes one fail without waiting.
    for remaining in range(ceil(timeout / _MOMENT), -1, -1):
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA schema_version")  # the first read opens the log
        except sqlite3.OperationalError as error:
            if not remaining or "locked" not in str(error):
                raise
            Event().wait(_MOMENT)
        else:
            return


def begin(connection: Connection) -> None:
    """Begin a transaction that writes.

    It takes the lock at once: compare-and-set is atomic, and no read before it makes the wait for the lock end in an error.
    """
    driver: Any = connection.connection.driver_connection
    if driver.in_transaction:  # an application's event, or its driver, begins one by itself, without the lock
        driver.execute("ROLLBACK")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class Watch:
    """Replaces connections to a file that was removed or replaced: SQLite would continue to use the old file.

    Args:
        path: the database file.
        forget: is called when another file has taken its place.
    """

    def __init__(self, path: Path, forget: Callable[[], None]) -> None:
        self._path = path
        self._forget = forget
        self._identity: tuple[int, int] | None = None

    def connected(self, connection: Any, record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        """Note the file of a new connection; SQLAlchemy's event `connect`."""
        identity = record.info["file"] = connection.file
        if identity != self._identity:
            self._identity = identity
            self._forget()

    def taken(self, connection: object, record: Any, proxy: object) -> None:  # noqa: ANN401 - as above
        """Replace a connection whose file was removed or replaced; SQLAlchemy's event `checkout`."""
        if record.info["file"] != _identity(self._path):
            raise DisconnectionError("the database file is another one now")
