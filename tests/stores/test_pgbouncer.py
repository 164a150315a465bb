"""Tests a store behind a real PgBouncer that gives each transaction another connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine

from tests.support.pgbouncer import PgBouncer
from tests.support.stores import READING, fill, methods
from watchword.errors import Unavailable
from watchword.stores import SQLStore
from watchword.testing.stores import key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psycopg

    from tests.stores.conftest import Opens
    from tests.support.postgres import PostgreSQL


@pytest.fixture(scope="module")
def pooler(postgresql: PostgreSQL) -> Iterator[PgBouncer]:
    """The pooler in front of the server of the run."""
    with PgBouncer(postgresql) as made:
        yield made


@pytest.fixture
def pooled(pooler: PgBouncer, postgresql: PostgreSQL) -> str:
    """An empty database, through the pooler."""
    return pooler.url(postgresql.new_database())


def connect(postgresql: PostgreSQL, pooled: str) -> psycopg.Connection:
    """Return a connection to the same database that does not go through the pooler."""
    return postgresql.connect(pooled.rpartition("/")[2].partition("?")[0])


@pytest.mark.parametrize("schema", ["", "?schema=auth"])
def test_every_method_works_behind_a_pooler(schema: str, pooled: str, opens: Opens) -> None:
    """Many threads, more connections than the pooler has, and a schema."""
    store = opens(pooled + schema, create=True, timeout=20)
    fill(store)
    for work in methods(store).values():
        work()

    def use(number: int) -> None:
        kept = store.add_key(key(f"n{number}"))
        assert store.find_key(kept.id) == kept
        assert store.find_account("nobody") is None
        assert store.rotate_key(kept, key(f"r{number}")) is not None
        assert store.find_key(f"r{number}") is not None

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, range(80)))
    assert store.status().state == "current"


def test_an_engine_of_the_application_works_behind_a_pooler(pooled: str) -> None:
    """The application must switch off prepared statements, as psycopg advises."""
    engine = create_engine(pooled.replace("postgresql:", "postgresql+psycopg:"), connect_args={"prepare_threshold": None})
    with SQLStore(engine=engine, create=True) as store:
        fill(store)
        with ThreadPoolExecutor(4) as threads:
            assert len({found.id for found in threads.map(lambda _: store.find_account("ann"), range(40)) if found}) == 1
    engine.dispose()


def test_a_session_has_no_settings_for_the_next_client(pooled: str, opens: Opens, postgresql: PostgreSQL) -> None:
    """The pooler keeps sessions: no bound, search path or prepared statement may stay in them."""
    store = opens(pooled + "?schema=auth", create=True, timeout=3)
    fill(store)
    for _ in range(3):
        for method in READING:
            methods(store)[method]()
        store.revoke_all("1", 1)
    plain = create_engine(pooled.replace("postgresql:", "postgresql+psycopg:"), connect_args={"prepare_threshold": None})
    with plain.connect() as connection:
        for name, expected in (("statement_timeout", "0"), ("lock_timeout", "0"), ("search_path", '"$user", public')):
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == expected
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar() == 0
    plain.dispose()


def test_the_server_bounds_waits_behind_a_pooler(pooled: str, opens: Opens, postgresql: PostgreSQL) -> None:
    """Reads and changes end at a locked table, and release the pooler's connection."""
    opens(pooled, create=True)
    hasty = opens(pooled, timeout=0.1)
    with connect(postgresql, pooled) as admin, admin.transaction():
        admin.execute("LOCK TABLE watchword_meta, watchword_keys IN ACCESS EXCLUSIVE MODE")
        for method in ("find_key", "add_key", "revoke_all", "list_keys"):
            with pytest.raises(Unavailable, match="QueryCanceled"):
                methods(hasty)[method]()
    for method in ("find_key", "revoke_all"):
        methods(hasty)[method]()


def test_prepared_statements_never_give_a_wrong_answer(pooled: str, opens: Opens) -> None:
    """`?prepare_threshold=1` behind such a pooler causes failures, and never a wrong answer."""
    store = opens(pooled + "?prepare_threshold=1", create=True, timeout=20)
    fill(store)
    answers = []
    for number in range(40):
        try:
            answers.append(store.find_key("k1" if number % 2 else "none"))
        except Unavailable:
            continue
        assert (answers[-1] is None) == (number % 2 == 0)
    assert answers


def test_a_read_is_one_round_trip(pooled: str, opens: Opens, tmp_path: Path) -> None:
    """The time bound is sent together with the statement, and in a change with BEGIN."""
    store = opens(pooled, create=True)
    fill(store)
    with store._database._engine.connect() as connection:
        driver: Any = connection.connection.driver_connection

    def trips(work: Callable[[], object]) -> int:
        """Count how often the server answers: libpq writes each message down, with F for ours and B for the server's."""
        with (tmp_path / "trace").open("w+b") as trace:
            driver.pgconn.trace(trace.fileno())
            work()
            driver.pgconn.untrace()
            trace.seek(0)
            senders = [line.split(b"\t")[1] for line in trace.read().splitlines() if line.count(b"\t") >= 2]
        return sum(ours == b"F" and next_ == b"B" for ours, next_ in pairwise(senders))

    assert trips(lambda: store.find_key("k1")) == 1
    # BEGIN with the bound; the change; its entry in the audit trail; then the lock, the log and COMMIT together.
    assert trips(lambda: store.revoke_token("t1", 1)) == 4
    # BEGIN with the lock of the owner; three changes; their entries in the audit trail; the log and COMMIT.
    assert trips(lambda: store.revoke_all("1", 1)) == 6
    # What is read brings the news along.
    assert trips(lambda: store.find_key("k1")) == 1
