"""Queries and changes a database that may fail, and checks its tables."""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, select

from watchword.errors import AlreadyExists, ConfigurationError, Unavailable
from watchword.process import PerProcess
from watchword.stores.sql import log
from watchword.stores.sql.breaker import Breaker
from watchword.stores.sql.change import Change
from watchword.stores.sql.engine import Adopted, adopt, keep_others_out, make_engine, migrating, reading, writing
from watchword.stores.sql.failures import FAILURES, is_collision, is_passing, is_rolled_back, unavailable
from watchword.stores.sql.forking import CALLS
from watchword.stores.sql.freshness import Freshness
from watchword.stores.sql.notes import PATIENCE, Notes
from watchword.stores.sql.questions import Questions
from watchword.stores.sql.schema import accounts, keys, tokens
from watchword.stores.sql.sqlite import Watch, create_file
from watchword.stores.sql.state import Found, StoreStatus, look
from watchword.stores.sql.url import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine, Executable, Select

    from watchword.clock import Clock
    from watchword.stores.sql.state import State

T = TypeVar("T")


class Database:
    """Connections to a database with the tables of a store.

    Args:
        url: of the database.
        engine: of the application, in place of a URL.
        create: whether to create missing tables; None: in a SQLite database without any table.
        check: whether to check the tables now.
        clock: tells the time.
        uptime: measures the time since the last query.
        staleness: seconds for which an answer is used.
        timeout: seconds, for each wait.
        pool_size: the maximum of connections.
    """

    def __init__(
        self,
        url: str | None,
        *,
        engine: Engine | None,
        create: bool | None,
        check: bool,
        clock: Clock,
        uptime: Clock,
        staleness: float,
        timeout: float,
        pool_size: int,
    ) -> None:
        self._own = engine is None
        self.clock: Clock = clock
        self._create = create
        self._timeout = timeout
        self._ready = False
        self._closed = False
        self.freshness: Freshness = Freshness(uptime, staleness)
        self._breaker = Breaker()
        watch = None
        if engine is None:
            self._place = parse(url)
            watch = None if self._place.file is None else Watch(self._place.file, self.freshness.forget)
            options: dict[str, Any] = {"timeout": timeout, "pool_size": pool_size, "watch": watch, "breaker": self._breaker}
            make: Callable[[], Engine] = partial(make_engine, self._place, **options)
            if self._place.url.drivername == "sqlite" and self._place.file is None:
                # One engine for all processes: a fork copies a database in memory.
                make = partial(_identical, make())
        else:
            self._place, adopted = adopt(engine)
            make = Adopted(adopted, self._place)
        self._engines = PerProcess(make)
        self._questions = Questions(own=self._own, schema=self._place.schema, timeout=timeout)
        self._engines.get()  # reports a wrong URL now
        # Notes have a connection of their own, if possible, and wait for no lock, so that no decision waits for them.
        self._spare, self._spare_breaker = self._engines, self._breaker
        if engine is None and (self._place.url.drivername != "sqlite" or self._place.file is not None):
            self._spare_breaker = Breaker()
            spare: dict[str, Any] = {"timeout": PATIENCE, "pool_size": 1, "watch": watch, "breaker": self._spare_breaker}
            self._spare = PerProcess(partial(make_engine, self._place, **spare))
        self.notes: Notes = Notes(partial(self.change, spare=True), clock)
        self.url: str = self._place.shown
        # The application cares for the file of its own engine.
        self._file = self._place.file if self._own else None
        self._calls: AbstractContextManager[object] = CALLS if self._place.url.drivername == "sqlite" else nullcontext()
        CALLS.follow(self)
        if check:
            try:
                self._check()
            except Unavailable as error:
                logging.getLogger("watchword").warning("%s: %s; trying again when the store is used", self.url, error)
            except BaseException:
                self.close()  # the caller gets no store to close
                raise

    @property
    def is_postgresql(self) -> bool:
        """Whether the database has a clock of its own; SQLite has that of the machine."""
        return self._place.url.drivername != "sqlite"

    @property
    def _engine(self) -> Engine:
        return self._engines.get()

    def ask(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows of one statement, and learn of changes in the same round trip.

        Args:
            statement: reads. Its first columns are the generation and `log.NEWS`, which are not returned. It returns a row even if it
                finds no record.
            parameters: its parameters.

        Raises:
            Unavailable: the database does not answer.
        """
        self._prepare()
        asked = self.freshness.asking()
        known = {**parameters, "position": asked.position}
        rows = self._answer(lambda engine: self._questions.rows(engine, statement, known))
        generation, news = rows[0][:2] if rows else (None, None)  # an empty table is an outage, and not an unknown record
        self.freshness.answered(asked, log.checked(generation), log.read(news))
        return [row[2:] for row in rows]

    def read(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement, for answers that are not cached.

        Raises:
            Unavailable: the database does not answer.
        """
        self._prepare()
        return self._read(lambda connection: connection.execute(statement, parameters).all())

    def change(
        self,
        work: Callable[[Change], T],
        taken: str = "the id or a name of the record is taken",
        *,
        locks: Sequence[str] = (),
        spare: bool = False,
    ) -> T:
        """Do work in one transaction, all or nothing.

        Args:
            work: may be done twice; the first time is rolled back then.
            taken: the message if an id or a name is taken.
            locks: what to lock from the beginning, in the order of `Change`.
            spare: whether to use the connection for notes and wait for no lock.

        Raises:
            AlreadyExists: an id or a name is taken.
            Unavailable: the database does not answer. If the connection broke during the commit, it may have been done.
        """
        self._prepare()
        engines, breaker, timeout = (self._spare, self._spare_breaker, PATIENCE) if spare else (self._engines, self._breaker, self._timeout)
        trouble: Exception = Unavailable("the store does not answer")
        for last in (False, True):
            asked = self.freshness.asking()
            change: Change | None = None
            entry: log.Entry | None = None
            unknown = False
            try:
                with self._calls, breaker.asking(), writing(engines.get(), timeout, locks) as connection:
                    change = Change(connection, self.clock)
                    result = work(change)
                    unknown = True
                    entry = change.log()
                unknown = False
            except FAILURES as error:
                trouble = AlreadyExists(taken) if is_collision(error) else unavailable(error, self._place.secrets)
                committing, unknown = unknown, unknown and not is_rolled_back(error)
                if last or committing or not is_passing(error):
                    break
            else:
                if entry is not None:
                    self.freshness.changed(asked, entry)
                return result
            finally:
                if unknown and change is not None and change.altered:
                    self.freshness.forget()  # it may have been done
        # Outside the handler, so that the driver's exception, which may quote secrets, is not chained.
        raise trouble

    def _read(self, work: Callable[[Connection], T]) -> T:
        def ask(engine: Engine) -> T:
            with reading(engine, self._timeout) as connection:
                return work(connection)

        return self._answer(ask)

    def _answer(self, ask: Callable[[Engine], T]) -> T:
        trouble: Exception = Unavailable("the store does not answer")
        for last in (False, True):
            try:
                with self._calls, self._breaker.asking():
                    return ask(self._engines.get())
            except FAILURES as error:
                trouble = unavailable(error, self._place.secrets)
                if last or not is_passing(error):
                    break
        raise trouble

    def status(self) -> StoreStatus:
        """Return the state of the tables and the number of records.

        Raises:
            Unavailable: the database does not answer.
        """
        found = self._look()
        if found.state != "current":
            return StoreStatus(url=self.url, state=found.state, revision=found.revision)
        counted = select(*(select(func.count()).select_from(table).scalar_subquery() for table in (accounts, keys, tokens)))
        ((many, more, most),) = self._read(lambda connection: connection.execute(counted).all())
        return StoreStatus(url=self.url, state=found.state, revision=found.revision, accounts=many, keys=more, tokens=most)

    def migrate(self, wanted: State, connection: Connection | None = None) -> bool:
        """Bring the tables to the newest version.

        Args:
            wanted: the state to migrate from. If the tables are current, nothing is done; any other state is refused.
            connection: of the caller, in its transaction; None: one of the store, in a transaction of its own.

        Returns:
            Whether anything was done.

        Raises:
            ConfigurationError: the database is in another state.
            Unavailable: the database does not answer.
        """
        self._refuse_closed()
        try:
            if connection is not None:
                # The caller may roll back, so the store checks the tables on first use.
                keep_others_out(connection)
                return self._migrate_on(connection, wanted)
            done = self._migrate(wanted)
        except FAILURES as error:
            trouble = unavailable(error, self._place.secrets)
        else:
            self.freshness.forget()
            self._ready = True
            return done
        raise trouble

    def _migrate(self, wanted: State) -> bool:
        found = self._look()
        if found.state != wanted:
            found.demand(self.url)
            return False
        if self._file is not None and wanted == "empty":
            create_file(self._file)
        with self._calls, self._breaker.asking(), migrating(self._engine) as connection:
            return self._migrate_on(connection, wanted)

    def _migrate_on(self, connection: Connection, wanted: State) -> bool:
        found = look(connection, self._place.schema)
        if found.state != wanted:  # another process was first
            found.demand(self.url)
            return False
        from watchword.stores.sql.migrate import migrate

        migrate(connection, found.revision, self._place.schema)
        return True

    def _look(self) -> Found:
        self._refuse_closed()
        if self._file is not None and not self._ready and not os.path.lexists(self._file) and self._file.parent.is_dir():
            return Found("empty", bare=True)
        return self._read(lambda connection: look(connection, self._place.schema))

    def _check(self) -> None:
        found = self._look()
        unasked = self._create is None and found.bare and self._engine.dialect.name == "sqlite"
        if found.state == "empty" and (self._create or unasked):
            self.migrate("empty")
        if not self._ready:
            found.demand(self.url)
        self._ready = True

    def _prepare(self) -> None:
        self._refuse_closed()
        if not self._ready:
            try:
                self._check()
            except ConfigurationError as error:
                # During a request a wrong configuration is an outage.
                raise Unavailable(str(error)) from None

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    def close(self) -> None:
        """Close the connections of this process, unless they are the application's, and refuse further use."""
        self._closed = True
        if self._own:
            self._close_idle()

    def before_fork(self) -> None:
        """Close the idle connections to a file, so that the child does not inherit them."""
        if self._file is not None:
            self._close_idle()

    def _close_idle(self) -> None:
        with self._calls:
            self._engine.dispose()
            self._spare.get().dispose()


def _identical(value: T) -> T:
    return value
