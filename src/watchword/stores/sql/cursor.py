"""Saves round trips to PostgreSQL: sends a time bound with its statement, and COMMIT with the last one. Imported with the driver."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from psycopg import Cursor, OperationalError, Pipeline
from psycopg.pq import TransactionStatus

from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection as SQLAlchemyConnection


class ReadingCursor(Cursor[Any]):
    """Executes each statement in a transaction of its own, together with a statement that bounds its time.

    A bound for the session would stay set for the next client of a connection pooler. A transaction with BEGIN costs two more round trips.
    The two statements of a pipeline are sent together, and are one transaction without BEGIN. `set_config` does what SET LOCAL does, which
    warns without a BEGIN.
    """

    def __init__(self, connection: Any, *, milliseconds: int, **options: Any) -> None:  # noqa: ANN401 - psycopg's own types differ by version
        super().__init__(connection, **options)
        self._bound = f"SELECT set_config('statement_timeout', '{milliseconds}', true)".encode()

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:  # noqa: ANN401 - as above
        """Execute a statement; see `psycopg.Cursor.execute`."""
        connection = self.connection
        if connection.info.transaction_status != TransactionStatus.IDLE:
            return super().execute(query, params, **options)
        with connection.pipeline():
            Cursor(connection).execute(self._bound)
            super().execute(query, params, **options)
        return self


def demand_pipeline() -> None:
    """Refuse a libpq without pipelines, which came with version 14.

    Raises:
        ConfigurationError: libpq is too old.
    """
    if not Pipeline.is_supported():
        raise ConfigurationError("SQLStore for PostgreSQL needs libpq 14 or newer. Install it: pip install 'psycopg[binary]'.")


class CommittingCursor(Cursor[Any]):
    """Executes one statement and commits its transaction, in one round trip."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:  # noqa: ANN401 - as above
        """Execute the statement, then COMMIT; see `psycopg.Cursor.execute`."""
        with self.connection.pipeline():
            super().execute(query, params, **options)
            commit = Cursor(self.connection)
            commit.execute(b"COMMIT")
        # A failed transaction answers ROLLBACK to a COMMIT, which libpq does not report as an error.
        if commit.statusmessage != "COMMIT":
            raise OperationalError(f"the server answered {commit.statusmessage} to COMMIT")
        return self


@contextmanager
def committing(connection: SQLAlchemyConnection) -> Iterator[None]:
    """Let the one statement that is executed inside commit the transaction, in the same round trip."""
    driver: Any = connection.connection.driver_connection
    before, driver.cursor_factory = driver.cursor_factory, CommittingCursor
    try:
        yield
    finally:
        driver.cursor_factory = before
