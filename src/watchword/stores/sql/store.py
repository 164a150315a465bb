"""Joins the parts of a store over one database, and is its public class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection

from watchword.clock import SystemClock, UptimeClock, as_clock
from watchword.errors import ConfigurationError
from watchword.stores.sql.accounts import SQLAccounts
from watchword.stores.sql.audit import SQLAudit
from watchword.stores.sql.database import Database
from watchword.stores.sql.families import SQLFamilies
from watchword.stores.sql.issued import SQLIssued
from watchword.stores.sql.revocations import SQLRevocations
from watchword.stores.sql.values import SQLValues
from watchword.validators import check_number, check_type, check_whole

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

    from sqlalchemy import Engine

    from watchword.clock import Clock
    from watchword.stores.sql.state import StoreStatus


LONGEST = 86_400  # seconds
MOST_CONNECTIONS = 10_000  # more than any database accepts


class SQLStore(SQLAccounts, SQLIssued, SQLFamilies, SQLRevocations, SQLAudit, SQLValues):
    """Keeps accounts, keys, tokens, families of refresh tokens, revocations and the audit trail in SQLite or PostgreSQL.

    Usable by several threads and processes at once.

    This process knows a revocation of its own at once. Another process learns of it within `staleness` seconds; until then it may
    accept a key from its cache.

    If the database does not answer, every method raises `Unavailable`, and the guard answers 503. The store works again as soon as
    the database does. A store can be constructed while its database is away: it checks the tables later.

    Args:
        url: `"sqlite:///relative/path"`, `"sqlite:////absolute/path"`, `"sqlite://"` for a database in memory, or
            `"postgresql://user:password@host/database"`, with options of libpq, `schema` and `prepare_threshold` behind a `?`.
            The password is never shown.
        engine: an engine of SQLAlchemy in place of a URL: for SQLite, or for PostgreSQL by psycopg. Its pool and time-outs are
            used as they are, and `close()` leaves it open.
        create: whether to create missing tables. None: in memory, and in a SQLite file that is new or empty.
        staleness: seconds for which an answer of the database may be used without another query.
        timeout: seconds to wait, at each step, for a connection, a lock or an answer.
        clock: tells the time and measures `staleness`; None: the system clock, and a monotonic one. Refresh tokens then follow the clock
            of a PostgreSQL server, on which all processes agree.
        pool_size: the maximum of connections; with an engine, its pool decides.
        check: whether to check the tables now, rather than on first use.

    Raises:
        ConfigurationError: an argument or the URL cannot be used, the driver is missing, or the tables are not those of this version.
            The message says what to do.
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
            raise ConfigurationError("SQLStore(url=..., engine=...) must have one of both arguments, got both. Leave one of them out.")
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

    @property
    def url(self) -> str:
        """The URL without a password."""
        return self._database.url

    def init(self, connection: Connection | None = None) -> bool:
        """Create the tables in a database without any of them. If they exist, do nothing.

        Args:
            connection: creates them in the transaction of this connection, and leaves the commit to the caller: in a migration of the
                application it is `op.get_bind()`. None: in a transaction of its own, which waits for all others.

        Returns:
            Whether they were created.

        Raises:
            ConfigurationError: other tables exist than this version needs.
            Unavailable: the database does not answer.
        """
        return self._database.migrate("empty", _checked(connection))

    def upgrade(self, connection: Connection | None = None) -> bool:
        """Upgrade the tables of an older version. If they are current, do nothing.

        Args:
            connection: as for `init`.

        Returns:
            Whether anything was changed.

        Raises:
            ConfigurationError: the tables are missing, newer, or not those of a store.
            Unavailable: the database does not answer.
        """
        return self._database.migrate("outdated", _checked(connection))

    def status(self) -> StoreStatus:
        """Return the version of the tables and the number of records.

        Raises:
            Unavailable: the database does not answer.
        """
        return self._database.status()

    def close(self) -> None:
        """Close all connections. After that every method raises `Unavailable`."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SQLStore({self.url!r})"

    @property
    def blocking(self) -> bool:
        """True: methods wait for a database, on an event loop in a worker thread."""
        return True

    def revision(self) -> int:
        return self._database.freshness.revision()

    def is_current(self, revision: int, subjects: Collection[str] | None = None) -> bool:
        return self._database.freshness.is_current(revision, subjects)


def _checked(connection: object) -> Connection | None:
    return None if connection is None else check_type("connection", connection, Connection, "engine.connect()", secret=True)
