"""Changes a database in one transaction: executes statements, takes locks, and logs the changed subjects."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sqlalchemy import Double, bindparam, cast, extract, func, insert, select

from watchword.clock import SystemClock
from watchword.stores.sql import log
from watchword.stores.sql.schema import audit, meta

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Executable

    from watchword.clock import Clock
    from watchword.stores.audit import Entry

NAMES = "names"
"""The lock of changes that add names."""

_GENERATION = select(meta.c.generation)
# Not now(), which is the time at which the transaction began: it may have waited for a lock since.
_NOW = select(cast(extract("epoch", func.clock_timestamp()), Double))
_LOCK = select(func.pg_advisory_xact_lock(bindparam("key")))


def lock_key(name: str) -> int:
    """Return the number of a lock in PostgreSQL. Two names may, rarely, share one."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8, person=b"watchword").digest(), signed=True)


class Change:
    """A transaction that writes.

    All changes take locks in one order, so that no two of them deadlock: `NAMES`, a subject, rows of records (an account before its
    names), and the generation as the last thing before the commit. A change of several records locks their owner first. SQLite needs no
    locks: a transaction there is alone from its beginning.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._subjects: Iterable[str] | None = ()
        self.altered: bool = False

    def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement."""
        return self._connection.execute(statement, parameters).all()

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> int:
        """Return the number of rows that a statement changes."""
        done: Any = self._connection.execute(statement, parameters)
        return int(done.rowcount)

    def lock(self, name: str) -> None:
        """Take the lock of a name, `NAMES` or a subject, until the end of the transaction."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_LOCK, {"key": lock_key(name)})

    def now(self, clock: Clock) -> float:
        """Return the time on which all processes agree, after the locks that were waited for.

        It is that of the server, or of the machine for SQLite; an application's clock, which is not the system's, comes first.
        """
        if self._connection.dialect.name != "postgresql" or not isinstance(clock, SystemClock):
            return clock.now()
        return float(self._connection.execute(_NOW).scalar_one())

    def generation(self) -> int:
        """Return the present generation; others may change it meanwhile.

        Raises:
            Unavailable: the row of the generation is missing or damaged.
        """
        return log.checked(self._connection.execute(_GENERATION).scalar())

    def alter(self, subjects: Iterable[str] | None) -> None:
        """Record the subjects that the change takes something away from; None: all."""
        self.altered = True
        self._subjects = subjects

    def audit(self, *entries: Entry) -> None:
        """Write entries of the audit trail, in this transaction."""
        if entries:
            at = self._clock.now()
            self._connection.execute(insert(audit), [asdict(entry.record(at)) for entry in entries])

    def log(self) -> log.Entry | None:
        """Log the altered subjects, and in PostgreSQL commit. Return None if nothing was altered."""
        return log.append(self._connection, self._subjects) if self.altered else None
