"""Bounds every wait of a connection to PostgreSQL. Imported with the driver."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Connection, OperationalError

from watchword.process import Process

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


class Stalled(OperationalError):
    """The server took a statement and did not answer: it is stopped, or its disk hangs. A retry would take as long."""

    stalled = True


class Inherited(OperationalError):
    """A connection of the parent process was used in a child."""


class BoundedConnection(Connection[Any]):
    """A connection that gives up by itself: the bounds that the server keeps do not help if the server hangs.

    psycopg polls every tenth of a second while it waits, and the time is checked there.

    In a child of the process that opened it the connection sends nothing, not even when it is closed or collected: the parent still uses
    the socket.
    """

    limit: float | None = None
    """Seconds that one statement may take; None: unlimited."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - psycopg's own types differ by version
        super().__init__(*args, **options)
        self._process = Process()

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
        """Wait for an answer; see `psycopg.Connection.wait`.

        Raises:
            Inherited: the connection was opened by a parent process.
        """
        if not self._process.is_current():
            raise Inherited("the connection belongs to the parent process")
        return super().wait(gen if self.limit is None else self._bounded(gen, self.limit), *args, **options)

    def rollback(self) -> None:
        """Roll back. In a child do nothing: the transaction is the parent's."""
        if self._process.is_current():
            super().rollback()

    def set_autocommit(self, value: Any) -> None:  # noqa: ANN401 - as above
        """Set the mode of transactions. In a child do nothing: a pool calls it for every returned connection."""
        if self._process.is_current():
            super().set_autocommit(value)

    def set_isolation_level(self, value: Any) -> None:  # noqa: ANN401 - as above
        """Set the isolation level. In a child do nothing."""
        if self._process.is_current():
            super().set_isolation_level(value)

    def close(self) -> None:
        """Close. In a child do nothing: libpq would end the parent's session."""
        if self._process.is_current():
            super().close()

    def __del__(self, *args: Any) -> None:  # noqa: ANN401 - as above
        if self._process.is_current():
            super().__del__(*args)

    def _bounded(self, steps: Generator[Any, Any, T], limit: float) -> Generator[Any, Any, T]:
        end = monotonic() + limit
        try:
            state = next(steps)
            while True:
                ready = yield state
                if not ready and monotonic() > end:
                    self.pgconn.finish()
                    raise Stalled(f"the server has not answered for {limit:g} s")
                state = steps.send(ready)
        except StopIteration as done:
            value: T = done.value
            return value
