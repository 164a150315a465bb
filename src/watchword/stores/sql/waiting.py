"""A connection to PostgreSQL that does not wait for ever. Imported with the driver."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Connection, OperationalError

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


class Stalled(OperationalError):
    """The server took a statement and did not answer: it is stopped, or its disk hangs. Asking again would take as long again."""

    stalled = True


class BoundedConnection(Connection[Any]):
    """A connection that gives up by itself: the bounds that the server keeps are of no use when the server does nothing.

    psycopg resumes what it waits for every tenth of a second; there the time is looked at.
    """

    limit: float | None = None
    """How many seconds one statement may take; None: any time."""

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - psycopg's own types differ by version
        """Wait for an answer; see `psycopg.Connection.wait`.

        Args:
            gen: what to wait for.
            args: passed on.
            options: passed on.
        """
        return super().wait(gen if self.limit is None else self._bounded(gen, self.limit), *args, **options)

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
