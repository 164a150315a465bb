"""Opens connections to SQLite, and notices a database file that was removed or replaced."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from math import ceil
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from sqlalchemy.exc import DisconnectionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

_MOMENT = 0.01


class Files(Protocol):
    """Whom to tell that a connection leads to another file than before."""

    def changed(self) -> None:
        """Take note of it."""


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


def connector(path: Path | None, timeout: float) -> Callable[[], sqlite3.Connection]:
    """Return a function that opens a connection.

    Args:
        path: the database file; None: a database in memory.
        timeout: seconds to wait for a lock.
    """
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


def begin(connection: Connection) -> None:
    """Begin a transaction that writes.

    It takes the lock at once: compare-and-set is atomic, and no read before it makes the wait for the lock end in an error.

    Args:
        connection: on which nothing was done yet.
    """
    driver: Any = connection.connection.driver_connection
    if driver.in_transaction:  # an application's event, or its driver, begins one by itself, without the lock
        driver.execute("ROLLBACK")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class Watch:
    """Sees to it that nobody works on a file that was removed or replaced: SQLite would keep doing so, and nobody would know.

    Args:
        path: the database file.
        files: is told when another file has taken its place.
    """

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files
        self._identity: tuple[int, int] | None = None

    def connected(self, connection: Any, record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        """Note the file of a new connection; SQLAlchemy's event `connect`.

        Args:
            connection: of the driver.
            record: the pool's.
        """
        identity = record.info["file"] = connection.file
        if identity != self._identity:
            self._identity = identity
            self._files.changed()

    def taken(self, connection: object, record: Any, proxy: object) -> None:  # noqa: ANN401 - as above
        """Replace a connection whose file was removed or replaced; SQLAlchemy's event `checkout`.

        Args:
            connection: of the driver.
            record: the pool's.
            proxy: the pool's.
        """
        if record.info["file"] != _identity(self._path):
            raise DisconnectionError("the database file is another one now")
