"""A transaction that changes a database: what it does, whom it locks out, and what it logs."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from watchword.stores.sql import log
from watchword.stores.sql.schema import meta

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Executable

NAMES = "names"
"""The lock of whoever gives an account names."""

_GENERATION = select(meta.c.generation)
_LOCK = select(func.pg_advisory_xact_lock(bindparam("key")))


def lock_key(name: str) -> int:
    """Return the number by which PostgreSQL knows a lock; two names may rarely share one.

    Args:
        name: `NAMES`, or a subject.
    """
    return int.from_bytes(blake2b(name.encode(), digest_size=8, person=b"watchword").digest(), signed=True)


class Change:
    """A transaction that writes.

    Locks are taken in one order everywhere, so that no two changes wait for each other in a ring: `NAMES`, then a subject, then rows of
    records (an account before its names), then the generation, which is the last thing before the commit. A change that touches rows of
    several records has the lock of their owner first. SQLite needs none of it: a transaction there is alone from its beginning.

    Args:
        connection: in the transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._subjects: Iterable[str] | None = ()
        self.altered: bool = False

    def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Return what a statement finds.

        Args:
            statement: the statement.
            parameters: its parameters.
        """
        return self._connection.execute(statement, parameters).all()

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> int:
        """Return how many rows a statement changes.

        Args:
            statement: the statement.
            parameters: its parameters.
        """
        done: Any = self._connection.execute(statement, parameters)
        return int(done.rowcount)

    def lock(self, name: str) -> None:
        """Wait until no other change has a lock of that name, and have it until the end.

        Args:
            name: `NAMES` or a subject; see the order above.
        """
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_LOCK, {"key": lock_key(name)})

    def generation(self) -> int:
        """Return the present generation; others may change it meanwhile.

        Raises:
            Unavailable: the row of the generation is missing or damaged.
        """
        return log.checked(self._connection.execute(_GENERATION).scalar())

    def alter(self, subjects: Iterable[str] | None) -> None:
        """Say what the change takes something away from.

        Args:
            subjects: the subjects; None: everything.
        """
        self.altered = True
        self._subjects = subjects

    def log(self) -> log.Entry | None:
        """Log what was altered, and in PostgreSQL commit it; None: nothing was."""
        return log.append(self._connection, self._subjects) if self.altered else None
