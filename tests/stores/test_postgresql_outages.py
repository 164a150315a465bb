"""Tests outages of PostgreSQL: `Unavailable` meanwhile, nothing half-written, and right answers afterwards without a restart."""

from __future__ import annotations

import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.served import until
from tests.support.stores import READING, fill, methods
from watchword.errors import Unavailable
from watchword.testing.stores import account, key, token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from tests.stores.conftest import Opens
    from tests.support.postgres import PostgreSQL
    from watchword.stores import SQLStore

    Breaks = Callable[[str, int], Callable[[], int]]

SOON = 0.03  # seconds to wait for what does not come
OURS = "FROM pg_stat_activity WHERE application_name = 'watchword' AND datname = current_database()"


@pytest.fixture
def admin(postgresql: PostgreSQL, empty_postgresql: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody else to the database of `store`."""
    with closing(postgresql.connect(empty_postgresql.partition("@/")[2].partition("?")[0])) as connection:
        yield connection


@pytest.fixture
def store(empty_postgresql: str, opens: Opens) -> SQLStore:
    """A store with one of each."""
    made = opens(empty_postgresql, staleness=3600)
    fill(made)
    return made


@pytest.fixture
def hasty(empty_postgresql: str, store: SQLStore, opens: Opens) -> SQLStore:
    """The same store, opened by who does not wait; nothing that has to be done is asked of it, because a machine may be slow."""
    return opens(empty_postgresql, timeout=SOON, pool_size=1)


def test_a_server_that_restarts_is_an_outage_meanwhile(own_postgresql: PostgreSQL, opens: Opens, caplog: pytest.LogCaptureFixture) -> None:
    """Every method raises `Unavailable`, also of a new store, and works as soon as the server is back."""
    url = own_postgresql.url(own_postgresql.new_database())
    store = opens(url, create=True, staleness=3600)
    fill(store)
    kept, revision = store.find_account("ann"), store.revision()
    own_postgresql.stop()
    for work in methods(store).values():
        with pytest.raises(Unavailable, match=r"^the store does not answer: OperationalError: ") as caught:
            work()
        assert caught.value.retry_after
        assert caught.value.__context__ is None
    with caplog.at_level(logging.WARNING, "watchword"):
        later = opens(url)
    assert "trying again when the store is used" in caplog.text
    with pytest.raises(Unavailable):
        later.find_key("k1")
    own_postgresql.start()
    assert store.find_account("ann") == kept == later.find_account("ann")
    assert store.is_current(revision)  # nothing had changed
    assert store.revoke_all("1", 5) == (1, 1)
    found = later.find_key("k1")
    assert found is not None
    assert found.revoked_at == 5


def test_a_connection_that_died_in_the_pool_is_replaced(store: SQLStore, admin: psycopg.Connection) -> None:
    """Nothing was done on the dead connection, so every method is done once."""
    for work in methods(store).values():
        killed = admin.execute(f"SELECT pg_terminate_backend(pid) {OURS}".encode()).fetchall()
        assert killed == [(True,)]
        # `pg_terminate_backend` itself would look again after 100 ms only.
        until(lambda: not admin.execute(f"SELECT pid {OURS}".encode()).fetchall(), "the end of the session")
        work()


def test_acknowledged_changes_survive_a_crash(own_postgresql: PostgreSQL, opens: Opens) -> None:
    """Each change is there as a whole, or not at all."""
    store = opens(own_postgresql.url(own_postgresql.new_database()), create=True)

    def write(thread: int) -> int:
        for number in range(10**6):
            try:
                held = store.add_key(key(f"{thread}-old{number:06}"))
                store.rotate_key(held, key(f"{thread}-new{number:06}"))
            except Unavailable:
                return number
        return -1

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(write, number) for number in range(4)]
        while len(store.list_keys(limit=50)) < 50:
            pass
        own_postgresql.stop()
        written = [one.result() for one in running]
    own_postgresql.start()
    keys = {one.id: one for one in store.list_keys(limit=10**6)}
    for thread, many in enumerate(written):
        assert {f"{thread}-new{number:06}" for number in range(many)} <= keys.keys()
    for id_, found in keys.items():
        assert "new" in id_ or (found.version == 2) == (id_.replace("old", "new") in keys)


def test_connections_that_are_all_in_use_are_an_outage(hasty: SQLStore) -> None:
    """No caller waits for ever."""
    with hasty._database._engine.connect():
        for method in ("find_key", "add_key", "status"):
            with pytest.raises(Unavailable, match=r"^the store does not answer: all of its connections are in use$"):
                methods(hasty)[method]()


def test_a_locked_table_is_an_outage(store: SQLStore, hasty: SQLStore, admin: psycopg.Connection) -> None:
    """Every method raises in time, and works once the lock is released."""
    tables = "watchword_schema, watchword_meta, watchword_accounts, watchword_keys, watchword_tokens, watchword_families"
    tables += ", watchword_revoked_tokens, watchword_not_before, watchword_values"
    with admin.transaction():
        admin.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE".encode())
        for work in methods(hasty).values():
            with pytest.raises(Unavailable, match=r"^the store does not answer: (LockNotAvailable|QueryCanceled): "):
                work()
    for work in methods(store).values():
        work()


LOCKING = {"replace_account", "swap_hash", "replace_key", "rotate_key", "revoke_token", "end_family", "revoke_jti", "revoke_before"}
"""What changes something. The other methods that could find nothing to change, and do not lock the generation then."""


def test_reads_and_additions_do_not_wait_for_a_change(store: SQLStore, hasty: SQLStore, admin: psycopg.Connection) -> None:
    """Other changes wait, and give up in time."""
    with admin.transaction():
        admin.execute("UPDATE watchword_meta SET generation = generation + 1")
        for method, work in methods(store).items():
            if method not in LOCKING:
                work()
        for method, work in methods(hasty).items():
            if method in LOCKING:
                with pytest.raises(Unavailable, match=r"^the store does not answer: (LockNotAvailable|QueryCanceled): "):
                    work()
    for method, work in methods(store).items():
        if method in LOCKING | READING:
            work()


def test_a_server_that_hangs_is_an_outage(hasty: SQLStore) -> None:
    """The bounds of the server do not help then. No caller waits for ever, and another connection is used."""
    with hasty._database._engine.connect() as connection:
        pid: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match=r"^the store does not answer: Stalled: the server has not answered for 1.03 s$"):
            hasty.find_key("k1")
        for _ in range(50):  # a machine may be slow, and the first one to answer ends the stall
            with suppress(Unavailable):
                hasty.find_key("k1")
                break
        with hasty._database._engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() != pid
    finally:
        os.kill(pid, signal.SIGCONT)


# A connection that breaks at the worst moments: the server ends it itself, in a trigger. A sequence counts the tries, which no
# rollback takes back.
BREAKS = """
CREATE SEQUENCE tries;
CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') <= {times} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER breaks AFTER INSERT ON watchword_keys DEFERRABLE INITIALLY {when} FOR EACH ROW EXECUTE FUNCTION breaks();
"""


@pytest.fixture
def breaks(admin: psycopg.Connection) -> Iterator[Breaks]:
    """Makes connections break, and tells how often it was tried."""

    def prepare(when: str, times: int) -> Callable[[], int]:
        admin.execute(BREAKS.format(when=when, times=times).encode())
        return lambda: admin.execute("SELECT last_value FROM tries").fetchall()[0][0]

    yield prepare
    admin.execute("DROP FUNCTION breaks CASCADE")
    admin.execute("DROP SEQUENCE tries")


def test_a_write_that_broke_before_its_commit_is_tried_again(store: SQLStore, breaks: Breaks) -> None:
    """Nothing of the first try can be left."""
    tries = breaks("IMMEDIATE", 1)
    kept = store.add_key(key("k2"))
    assert tries() == 2
    assert [one.id for one in store.list_keys()] == ["k1", "k2"]
    assert store.find_key("k2") == kept


def test_a_write_is_tried_again_once(store: SQLStore, breaks: Breaks) -> None:
    """A second failure is an outage."""
    tries = breaks("IMMEDIATE", 5)
    with pytest.raises(Unavailable, match=r"^the store does not answer: AdminShutdown: "):
        store.add_key(key("k2"))
    assert tries() == 2


def test_a_write_whose_commit_broke_is_not_tried_again(store: SQLStore, breaks: Breaks) -> None:
    """It may have been done, and must not be done twice."""
    tries = breaks("DEFERRED", 1)
    store.list_keys()
    revision = store.revision()
    held = store.find_key("k1")
    assert held is not None
    with pytest.raises(Unavailable, match=r"^the store does not answer: (AdminShutdown|OperationalError): "):
        store.rotate_key(held, key("k2"))
    assert tries() == 1
    assert [one.id for one in store.list_keys()] == ["k1"]
    assert not store.is_current(revision)  # it may have been done


def test_many_threads_share_few_connections(empty_postgresql: str, opens: Opens) -> None:
    """A hundred requests over two connections are all answered."""
    store = opens(empty_postgresql, pool_size=2, timeout=30)
    store.add_account(account("1", "ann"))
    store.add_token(token())
    with ThreadPoolExecutor(100) as threads:
        found = list(threads.map(lambda number: store.find_account("ann") if number % 2 else store.find_token(token().digest), range(300)))
    assert None not in found
