"""The store: its database, and what its parts have to do with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection

from watchword.clock import SystemClock, UptimeClock, as_clock
from watchword.errors import ConfigurationError
from watchword.stores.sql.accounts import SQLAccounts
from watchword.stores.sql.database import Database
from watchword.stores.sql.issued import SQLIssued
from watchword.validators import check_number, check_type, check_whole

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

    from sqlalchemy import Engine

    from watchword.clock import Clock
    from watchword.stores.sql.state import StoreStatus


LONGEST = 86_400  # seconds
MOST_CONNECTIONS = 10_000  # more than any database lets in


class SQLStore(SQLAccounts, SQLIssued):
    """Accounts, keys and tokens in SQLite or PostgreSQL, for as many threads and processes as one likes.

    A revocation made here is known here at once, and in every other process within `staleness` seconds: until then that
    process may still take a key that it has seen before from memory.

    A database that does not answer makes every method raise `Unavailable`, which the guard answers with 503; as soon as it
    answers again, so does the store. That holds when the store is constructed as well: what the database is like is looked
    at when it can be.

    Args:
        url: `"sqlite:///relative/path"`, `"sqlite:////absolute/path"`, `"sqlite://"` for one in memory, or
            `"postgresql://user:password@host/database"`, with options of libpq, `schema` and `prepare_threshold` behind a `?`.
            The password shows nowhere.
        engine: in place of a URL, an engine of SQLAlchemy that the application has: for SQLite, or for PostgreSQL by psycopg. Its
            pool and its time-outs are used as they are, and `close()` leaves it open.
        create: whether to make the tables where there are none. None: in a SQLite file that is new or empty, and in memory.
        staleness: for how many seconds an answer of the database may be relied upon without asking again.
        timeout: how many seconds to wait, at each step, for a connection, a lock or an answer.
        clock: tells the time, and for how long an answer has been relied upon; None: the machine's, and one that nobody can set.
        pool_size: how many connections to have at most; with an engine, its pool says so.
        check: whether to look at the tables now, rather than when the store is first used.

    Raises:
        ConfigurationError: there is neither a URL nor an engine, or both; the URL cannot be used; the driver is missing; or the tables
            are not what this version needs. It says what to do.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        engine: Engine | None = None,
        create: bool | None = None,
        staleness: float = 1.0,
        timeout: float = 2.0,
        clock: Clock | None = None,
        pool_size: int = 10,
        check: bool = True,
    ) -> None:
        check_number("SQLStore(staleness=...)", staleness, most=LONGEST)
        check_number("SQLStore(timeout=...)", timeout, most=LONGEST, above=True)
        check_whole("SQLStore(pool_size=...)", pool_size, least=1, most=MOST_CONNECTIONS, unit="connections")
        if url is not None and engine is not None:
            raise ConfigurationError("SQLStore takes a URL or engine=..., got both. Leave one of them out.")
        self._database = Database(
            url,
            engine=engine,
            create=create,
            check=check,
            clock=as_clock(clock, "SQLStore"),
            uptime=UptimeClock() if clock is None or isinstance(clock, SystemClock) else clock,
            staleness=staleness,
            timeout=timeout,
            pool_size=pool_size,
        )

    # The database

    @property
    def url(self) -> str:
        """Where it is, without a password."""
        return self._database.url

    def init(self, connection: Connection | None = None) -> bool:
        """Make the tables, in a database that has none of them; where they are there already, do nothing.

        Args:
            connection: makes them in the transaction of this connection, and leaves the commit to the caller: inside a migration of
                the application it is `op.get_bind()`. None: in a transaction of its own, which waits for all others.

        Returns:
            Whether they were made.

        Raises:
            ConfigurationError: there are tables, but not as this version needs them.
            Unavailable: the database does not answer.
        """
        return self._database.migrate("empty", _checked(connection))

    def upgrade(self, connection: Connection | None = None) -> bool:
        """Bring the tables of an older version to this one; where they are already, do nothing.

        Args:
            connection: as for `init`.

        Returns:
            Whether anything was changed.

        Raises:
            ConfigurationError: there are no tables, or newer ones, or tables of somebody else.
            Unavailable: the database does not answer.
        """
        return self._database.migrate("outdated", _checked(connection))

    def status(self) -> StoreStatus:
        """Return which version the tables have, and how much is in them.

        Raises:
            Unavailable: the database does not answer.
        """
        return self._database.status()

    def close(self) -> None:
        """Close all connections. Every method raises `Unavailable` afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SQLStore({self.url!r})"

    # What a checker may remember

    @property
    def blocking(self) -> bool:
        """True: a database is asked, in a worker thread where there is an event loop."""
        return True

    def revision(self) -> int:
        """Return the number of the newest change that this process knows; see `Watched.revision`."""
        return self._database.freshness.revision()

    def is_current(self, revision: int, subjects: Collection[str] | None = None) -> bool:
        """Return whether these subjects did not change since, as of less than `staleness` seconds ago; see `Watched.is_current`.

        Args:
            revision: what `revision()` returned.
            subjects: of a record; None: everything.
        """
        return self._database.freshness.is_current(revision, subjects)


def _checked(connection: object) -> Connection | None:
    return None if connection is None else check_type("connection", connection, Connection, "engine.connect()", secret=True)
