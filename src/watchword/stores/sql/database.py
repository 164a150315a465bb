"""A database that may fail: what is asked of it, what is changed in it, and whether it is the right one."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakMethod

from sqlalchemy import bindparam, func, select, update

from watchword.errors import AlreadyExists, ConfigurationError, Unavailable
from watchword.process import PerProcess
from watchword.stores.sql.breaker import Breaker
from watchword.stores.sql.engine import Adopted, adopt, keep_others_out, make_engine, migrating, reading, writing
from watchword.stores.sql.failures import FAILURES, is_collision, is_passing, unavailable
from watchword.stores.sql.freshness import Freshness
from watchword.stores.sql.notes import PATIENCE, Notes
from watchword.stores.sql.schema import accounts, keys, meta, tokens
from watchword.stores.sql.sqlite import Watch, create_file
from watchword.stores.sql.state import Found, StoreStatus, look
from watchword.stores.sql.url import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Executable

    from watchword.clock import Clock
    from watchword.stores.sql.state import State

T = TypeVar("T")

# Whoever changes what somebody may do takes this row first: such changes happen one after the other, and never wait in a ring.
_LOCK = select(meta.c.generation).with_for_update()
_ADVANCE = update(meta).values(generation=meta.c.generation + bindparam("step"))
# By how much a change advances the generation is random. A database that went back to a backup, or to a replica that had missed a
# change, and was changed since, is then not taken for the one that somebody knew before. 348 years at 100 changes a second.
_STEP_OCTETS = 3


class Change:
    """A transaction that writes.

    Args:
        connection: in the transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.generation: int | None = None
        self.altered: bool = False

    def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Return what a statement finds.

        Args:
            statement: the statement.
            parameters: its parameters.
        """
        return self._connection.execute(statement, parameters).all()

    def count(self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> int:
        """Return how many rows a statement changes.

        Args:
            statement: the statement.
            parameters: its parameters.
        """
        done: Any = self._connection.execute(statement, parameters)
        return int(done.rowcount)

    def lock(self) -> int:
        """Let nobody else change what somebody may do until the end, and return the generation."""
        found = self._connection.execute(_LOCK).scalar()
        self.generation = _generation(found)
        return self.generation

    def alter(self) -> int:
        """Say that what was true is so no more, and return the new generation; after `lock`."""
        if self.generation is None:
            raise RuntimeError("lock() comes before alter()")
        self.altered = True
        step = 1 + int.from_bytes(os.urandom(_STEP_OCTETS))
        self._connection.execute(_ADVANCE, {"step": step})
        self.generation += step
        return self.generation


class Database:
    """Connections to a database with the tables of a store.

    Args:
        url: where.
        engine: of the application, in place of a URL.
        create: whether to make the tables where there are none; None: in a SQLite database without any table.
        check: whether to look now.
        clock: tells how long ago it was asked.
        staleness: for how many seconds an answer holds.
        timeout: seconds, for each wait.
        pool_size: how many connections at most.
    """

    def __init__(
        self,
        url: str | None,
        *,
        engine: Engine | None,
        create: bool | None,
        check: bool,
        clock: Clock,
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
        self.freshness: Freshness = Freshness(clock, staleness)
        self._breaker = Breaker()
        watch = None
        if engine is None:
            self._place = parse(url)
            watch = None if self._place.file is None else Watch(self._place.file, self.freshness)
            options: dict[str, Any] = {"timeout": timeout, "pool_size": pool_size, "watch": watch, "breaker": self._breaker}
            make: Callable[[], Engine] = partial(make_engine, self._place, **options)
            if self._place.url.drivername == "sqlite" and self._place.file is None:
                # A fork copies it, with all that is in it.
                make = partial(_identical, make())
        else:
            self._place, adopted = adopt(engine)
            make = Adopted(adopted, self._place)
        self._engines = PerProcess(make)
        self._engines.get()  # a wrong URL is found now
        # Bookkeeping has a connection of its own, where there can be one, and waits for no lock: no decision waits for it.
        self._spare, self._spare_breaker = self._engines, self._breaker
        if engine is None and (self._place.url.drivername != "sqlite" or self._place.file is not None):
            self._spare_breaker = Breaker()
            spare: dict[str, Any] = {"timeout": PATIENCE, "pool_size": 1, "watch": watch, "breaker": self._spare_breaker}
            self._spare = PerProcess(partial(make_engine, self._place, **spare))
        self.notes: Notes = Notes(partial(self.change, spare=True), clock)
        self.url: str = self._place.shown
        # The file behind an engine of the application is the application's business.
        self._file = self._place.file if self._own else None
        _follow_forks(self)
        if check:
            try:
                self._check()
            except Unavailable as error:
                logging.getLogger("watchword").warning("%s: %s; trying again when the store is used", self.url, error)
            except BaseException:
                self.close()  # nobody will hold a store that could
                raise

    @property
    def _engine(self) -> Engine:
        return self._engines.get()

    # What is asked

    def ask(self, statement: Executable, parameters: Mapping[str, Any] | None = None, *, many: bool = False) -> Sequence[Sequence[Any]]:
        """Return the rows of one statement whose first column is the generation.

        Args:
            statement: one that reads.
            parameters: its parameters.
            many: whether it answers as many rows as it finds. Otherwise there is one even if nothing is found.

        Raises:
            Unavailable: the database does not answer.
        """
        self._prepare()
        asked = self.freshness.asking()
        rows = self._read(lambda connection: connection.execute(statement, parameters).all())
        if rows:
            self.freshness.answered(asked, _generation(rows[0][0]))
        elif not many:
            raise _damaged()  # and not: there is no such record
        return rows

    def read(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement that nothing is remembered of.

        Args:
            statement: one that reads.
            parameters: its parameters.

        Raises:
            Unavailable: the database does not answer.
        """
        self._prepare()
        return self._read(lambda connection: connection.execute(statement, parameters).all())

    def change(
        self,
        work: Callable[[Change], T],
        taken: str = "somebody else was first to keep a record of that id or name",
        *,
        spare: bool = False,
    ) -> T:
        """Do work in one transaction, all of it or nothing.

        Args:
            work: may be done twice; of its first time nothing is left then.
            taken: what to say when an id or a name belongs to somebody already.
            spare: whether it is bookkeeping, which uses the connection that no decision needs and waits for no lock.

        Raises:
            AlreadyExists: it does.
            Unavailable: the database does not answer. Where the connection broke during the commit, nobody knows whether it was done.
        """
        self._prepare()
        engines, breaker, timeout = (self._spare, self._spare_breaker, PATIENCE) if spare else (self._engines, self._breaker, self._timeout)
        trouble: Exception = Unavailable("the store does not answer")
        for last in (False, True):
            asked = self.freshness.asking()
            change: Change | None = None
            committing = False
            try:
                with breaker.asking(), writing(engines.get(), timeout) as connection:
                    change = Change(connection)
                    result = work(change)
                    committing = True
                if change.generation is not None:
                    self.freshness.answered(asked, change.generation)
            except FAILURES as error:
                trouble = AlreadyExists(taken) if is_collision(error) else unavailable(error, self._place.secrets)
                if last or committing or not is_passing(error):
                    break
            else:
                return result
            finally:
                if change is not None and change.altered:
                    self.freshness.changed()  # also where nobody knows whether it was done
        # Outside of the handler, so that the driver's exception, which may quote what was sent, is not chained to it.
        raise trouble

    def _read(self, work: Callable[[Connection], T]) -> T:
        trouble: Exception = Unavailable("the store does not answer")
        for last in (False, True):
            try:
                with self._breaker.asking(), reading(self._engine, self._timeout) as connection:
                    return work(connection)
            except FAILURES as error:
                trouble = unavailable(error, self._place.secrets)
                if last or not is_passing(error):
                    break
        raise trouble

    # The tables

    def status(self) -> StoreStatus:
        """Return what is in the database.

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
            wanted: the state that it is made for; where the tables are current, nothing is done, and in any other state it is refused.
            connection: of the caller, whose transaction it becomes a part of; None: one of the store's, with a transaction of its own.

        Returns:
            Whether anything was done.

        Raises:
            ConfigurationError: the database is in another state.
            Unavailable: the database does not answer.
        """
        self._refuse_closed()
        try:
            if connection is not None:
                # Whether it will be committed is not known here: the store looks at the tables when it is used.
                keep_others_out(connection)
                return self._migrate_on(connection, wanted)
            done = self._migrate(wanted)
        except FAILURES as error:
            trouble = unavailable(error, self._place.secrets)
        else:
            self.freshness.changed()
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
        with self._breaker.asking(), migrating(self._engine) as connection:
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
                # Too late for that: a request is being served.
                raise Unavailable(str(error)) from None

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    # Its end

    def close(self) -> None:
        """Close the connections of this process, unless they are the application's. Nothing can be asked after_response."""
        self._closed = True
        if self._own:
            self._engine.dispose()
            self._spare.get().dispose()

    def before_fork(self) -> None:
        """Close the idle connections to a file: what the child does not inherit needs no care there."""
        if self._file is not None:
            self._engine.dispose()
            self._spare.get().dispose()


def _identical(value: T) -> T:
    return value


def _damaged() -> Unavailable:
    return Unavailable("the store does not answer: the row of watchword_meta is missing or damaged; restore it from a backup")


def _generation(found: object) -> int:
    if not isinstance(found, int):
        raise _damaged()
    return found


def _follow_forks(database: Database) -> None:
    if not hasattr(os, "register_at_fork"):
        return  # Windows
    before = WeakMethod(database.before_fork)  # a hook cannot be taken back: it must not keep the database

    def call() -> None:
        living = before()
        if living is not None:
            living()

    os.register_at_fork(before=call)
