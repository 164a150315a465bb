"""Tests a server that is loaded and then forked: each worker has connections of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.forks import FORKS
from tests.support.stores import fill, program
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.conftest import Opens
    from tests.support.postgres import PostgreSQL

FORKED = """
import sys
from tests.support.forks import *
from watchword.stores import SQLStore
from watchword.testing.stores import key
store, fork = SQLStore(sys.argv[1], staleness=3600), FORKS[sys.argv[2]]
assert store.find_key("k1") is not None
revision = store.revision()
children = []
for number in range(4):
    child = fork()
    if not child:
        try:
            for turn in range(20):
                assert store.find_key("k1").id == "k1"
                assert store.find_key(f"none{number}") is None
            store.add_key(key(f"of-child-{number}"))
            assert store.is_current(revision)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    children.append(child)
for turn in range(20):
    assert store.find_key("k1").id == "k1"
    assert store.find_account("ann").id == "1"
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
print(*(found.id for found in store.list_keys()))
"""


@pytest.mark.parametrize("fork", FORKS)
def test_workers_and_their_parent_use_one_store(fork: str, url: str, opens: Opens) -> None:
    """They use it at the same time, and each gets the answers to its own queries, however it was forked."""
    fill(opens(url))
    assert program(FORKED, url, fork).stdout.split() == ["k1", "of-child-0", "of-child-1", "of-child-2", "of-child-3"]


LEFT_ALONE = """
import os, sqlite3, sys
from tests.support.forks import *
from watchword.stores import SQLStore
store = SQLStore(sys.argv[1])
assert store.find_key("k1") is not None
to_child, to_parent = os.pipe(), os.pipe()
child = FORKS[sys.argv[3]]()
if not child:
    assert store.find_key("k1") is not None
    os.write(to_parent[1], b"x")
    os.read(to_child[0], 1)
    # Somebody else came and went. Had they believed to be the last, the log would be gone under our hands.
    there = os.path.exists(sys.argv[2] + "-wal")
    os._exit(0 if there and store.find_key("k1") is not None else 1)
os.read(to_parent[0], 1)
store.close()
other = sqlite3.connect(sys.argv[2])
other.execute("SELECT count(*) FROM watchword_keys").fetchone()
other.close()
os.write(to_child[1], b"x")
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize("fork", FORKS)
def test_a_worker_holds_its_own_locks_in_sqlite(fork: str, tmp_path: Path) -> None:
    """Locks belong to a process. A worker that relied on its parent's would lose what others write."""
    path = tmp_path / "auth.db"
    with SQLStore(f"sqlite:///{path}") as store:
        fill(store)
    program(LEFT_ALONE, f"sqlite:///{path}", path, fork)


TOO_LATE = """
import os, sqlite3, sys
from tests.support.forks import *
from watchword import Unavailable
from watchword.stores import SQLStore
store = SQLStore(sys.argv[1])
assert store.find_key("k1") is not None
to_child = os.pipe()
child = FORKS["c"]()
if not child:
    os.read(to_child[0], 1)
    for method in (lambda: store.find_key("k1"), store.status):
        try:
            method()
        except Unavailable as error:
            assert "Restart this process" in error.why, error
        else:
            os._exit(1)
    os._exit(0)
store.close()
other = sqlite3.connect(sys.argv[2])
other.execute("UPDATE watchword_meta SET generation = 7")
other.commit()
os.write(to_child[1], b"x")
assert os.waitpid(child, 0)[1] == 0
other.close()
"""


def test_a_database_closed_before_the_first_query_of_a_worker_is_an_outage(tmp_path: Path) -> None:
    """SQLite would read from the deleted log of before, and give an old answer."""
    path = tmp_path / "auth.db"
    with SQLStore(f"sqlite:///{path}") as store:
        fill(store)
    program(TOO_LATE, f"sqlite:///{path}", path)


IN_A_TRANSACTION = """
import os, sys
from threading import Event, Thread
from tests.support.forks import *
from watchword import Unavailable
from watchword.stores import SQLStore
from watchword.stores.sql import statements
store = SQLStore(sys.argv[1], timeout=5)
fork = FORKS[sys.argv[2]]
assert store.find_key("k1") is not None
begun, gate, done = Event(), Event(), []

def revoke(change):
    change.lock('any')
    change.execute(statements.REVOKE_KEYS, {"this": "1", "at": 9})
    change.alter(['account 1'])
    begun.set()
    gate.wait()

thread = Thread(target=lambda: done.append(store._database.change(revoke)), daemon=True)  # Python waits for no such one at its end
thread.start()
begun.wait()
children = []
for ends in (os._exit, sys.exit):
    child = fork()
    if not child:
        code = 1
        try:
            # The change of the other thread is not committed, and not this process's business.
            assert store.find_key("k1").revoked_at is None
            assert store.find_account("ann").id == "1"
            store._database.freshness.is_current(store.revision())
            code = 0
        finally:
            ends(code)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
gate.set()
thread.join()
print(codes, len(done), store.find_key("k1").revoked_at)
"""


@pytest.mark.parametrize("fork", FORKS)
def test_a_fork_does_not_end_a_transaction_of_another_thread(fork: str, url: str, opens: Opens) -> None:
    """The child neither sees nor ends it, and the parent commits it."""
    fill(opens(url))
    done = program(IN_A_TRANSACTION, url, fork, python=["-W", "ignore::DeprecationWarning"])
    assert (done.stdout, done.stderr) == ("[0, 0] 1 9.0\n", "")


IN_CALLS = """
import os, signal, sys
from threading import Thread
from watchword.stores import SQLStore
store, over = SQLStore(sys.argv[1]), []

def call():
    while not over:
        store.status()

threads = [Thread(target=call) for _ in range(3)]
for thread in threads:
    thread.start()
codes = []
for _ in range(25):
    child = os.fork()
    if not child:
        signal.alarm(20)
        os._exit(store.find_key("k1").id != "k1")
    codes.append(os.waitpid(child, 0)[1])
over.append(True)
for thread in threads:
    thread.join()
print(sum(codes))
"""


def test_a_fork_waits_for_the_calls_of_other_threads(tmp_path: Path) -> None:
    """A child would inherit the locks that SQLite has for the whole process, and wait for them for ever."""
    url = f"sqlite:///{tmp_path}/auth.db"
    with SQLStore(url) as store:
        fill(store)
    done = program(IN_CALLS, url, python=["-W", "ignore::DeprecationWarning"])
    assert (done.stdout, done.stderr) == ("0\n", "")


BY_THE_THREAD_ITSELF = """
import os, sys
from tests.support.forks import *
from watchword import Unavailable
from watchword.stores import SQLStore
from watchword.stores.sql import statements
store, fork, parent = SQLStore(sys.argv[1]), FORKS[sys.argv[2]], os.getpid()
tries, children = [], []

def revoke(change):
    change.lock('any')
    tries.append(1)
    children.append(fork())
    change.execute(statements.REVOKE_KEYS, {"this": "1", "at": 9})
    change.alter(['account 1'])

try:
    store._database.change(revoke)
except Unavailable as error:
    assert os.getpid() != parent
    assert "the connection belongs to the parent process" in error.why, error
    assert len(tries) == 1
    assert store.find_key("k1").id == "k1"  # by a connection of its own
    store.close()
    sys.exit(7)
assert os.getpid() == parent
print(os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]), store.find_key("k1").revoked_at)
store.close()
"""


@pytest.mark.parametrize("fork", FORKS)
def test_a_fork_in_a_transaction_is_an_outage_in_the_child(fork: str, url: str, opens: Opens) -> None:
    """The parent's transaction goes on and is done once."""
    fill(opens(url))
    done = program(BY_THE_THREAD_ITSELF, url, fork)
    assert (done.stdout, done.stderr) == ("7 9.0\n", "")


def test_no_child_ends_a_session_of_its_parent(own_postgresql: PostgreSQL, opens: Opens) -> None:
    """The server notices nothing if the child closes or collects a connection, or ends."""
    url = own_postgresql.url(own_postgresql.new_database())
    fill(opens(url, create=True))
    program(SESSIONS, url)
    log = own_postgresql.log()
    assert "unexpected EOF" not in log
    assert "protocol" not in log.replace("protocol_version", "")


SESSIONS = """
import gc, os, sys
from tests.support.forks import *
from watchword.stores import SQLStore
from sqlalchemy import text
store = SQLStore(sys.argv[1], pool_size=1)
ask = lambda: store._database._read(lambda connection: connection.execute(text("SELECT pg_backend_pid()")).scalar())
session = ask()
for fork in FORKS.values():
    for end in (sys.exit, os._exit, "close", "collect", "use"):
        child = fork()
        if not child:
            if end == "use":
                assert ask() != session
            if end == "close":
                store._database._engines._slot.value.dispose()  # the parent's
                store.close()
            if end == "collect":
                connection = store._database._engines._slot.value.pool._pool.queue[0].dbapi_connection
                store._database._engines._slot.value.pool._pool.queue.clear()
                del connection, store
                gc.collect()
            (end if callable(end) else sys.exit)(0)
        assert os.waitpid(child, 0)[1] == 0
        assert ask() == session
"""


@pytest.mark.parametrize("close", [True, False])
def test_the_fork_hook_does_not_keep_a_store_alive(close: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    """A dropped store is collected."""
    import gc
    from weakref import ref

    store = SQLStore(f"sqlite:///{tmp_path}/auth.db")
    gone = ref(store._database)
    if close:
        store.close()
    store._database._engine.dispose()
    del store
    gc.collect()
    assert gone() is None


ADOPTED = """
import os, sys
from sqlalchemy import create_engine, text
from tests.support.forks import *
from watchword.stores import SQLStore
engine = create_engine(sys.argv[1].replace("postgresql://", "postgresql+psycopg://"), pool_size=1)
store, fork = SQLStore(engine=engine), FORKS[sys.argv[2]]
assert store.find_key("k1") is not None

def sessions():
    with engine.connect() as connection:
        return connection.execute(text("SELECT pg_backend_pid()")).scalar()

parent = sessions()
for disposes in (False, True):
    child = fork()
    if not child:
        code = 1
        try:
            if disposes:  # as SQLAlchemy says in its documentation
                engine.dispose(close=False)
                own = sessions()
            assert store.find_key("k1").id == "k1"
            if disposes:
                assert sessions() == own
            assert sessions() != parent
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert sessions() == parent
engine.dispose()
"""


@pytest.mark.parametrize("fork", FORKS)
def test_an_engine_of_the_application_gets_a_pool_for_each_process(fork: str, empty_postgresql: str, opens: Opens) -> None:
    """The first use in a child creates it. A pool that the application has set there stays."""
    fill(opens(empty_postgresql))
    program(ADOPTED, empty_postgresql, fork)
