"""A connection to PostgreSQL that does not wait for ever. Imported with the driver."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Connection, OperationalError

from watchword.process import Process

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


class Stalled(OperationalError):
    """The server took a statement and did not answer: it is stopped, or its disk hangs. Asking again would take as long again."""

    stalled = True


class Inherited(OperationalError):
    """A connection of the parent process was used in a child."""


class BoundedConnection(Connection[Any]):
    """A connection that gives up by itself: the bounds that the server keeps are of no use when the server does nothing.

    psycopg resumes what it waits for every tenth of a second; there the time is looked at.

    It sends nothing in a child of the process that opened it, not even when it is closed or collected there: the parent goes on
    using the socket.
    """

    limit: float | None = None
    """How many seconds one statement may take; None: any time."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - psycopg's own types differ by version
        super().__init__(*args, **options)
        self._process = Process()

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
        """Wait for an answer; see `psycopg.Connection.wait`.

        Args:
            gen: what to wait for.
            args: passed on.
            options: passed on.

        Raises:
            Inherited: this process is a child of the one that opened the connection.
        """
        if not self._process.is_current():
            raise Inherited("the connection belongs to the parent process")
        return super().wait(gen if self.limit is None else self._bounded(gen, self.limit), *args, **options)

    def rollback(self) -> None:
        """Roll back; in a child do nothing, because the transaction is the parent's."""
        if self._process.is_current():
            super().rollback()

    def set_autocommit(self, value: Any) -> None:  # noqa: ANN401 - as above
        """Set when transactions begin; in a child do nothing, as a pool does it with what comes back."""
        if self._process.is_current():
            super().set_autocommit(value)

    def set_isolation_level(self, value: Any) -> None:  # noqa: ANN401 - as above
        """Set the isolation level; in a child do nothing."""
        if self._process.is_current():
            super().set_isolation_level(value)

    def close(self) -> None:
        """Close; in a child do nothing: libpq would end the parent's session."""
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
