"""Tests concurrent changes: none is lost, none deadlocks, and the lock of all changes is held for one round trip."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from tests.support.stores import program
from watchword.errors import Unavailable
from watchword.stores.sql.change import NAMES, lock_key
from watchword.stores.subjects import account_subject
from watchword.testing.stores import account, key, token

if TYPE_CHECKING:
    import psycopg

    from tests.stores.conftest import Opens
    from tests.support.postgres import PostgreSQL

SUBJECTS = ("1", "2")

BUSY = """
import sys
from dataclasses import replace
from random import Random
from watchword.errors import AlreadyExists
from watchword.stores import SQLStore
from watchword.testing.stores import account, key, token
url, seed = sys.argv[1], int(sys.argv[2])
store, random = SQLStore(url, timeout=30), Random(seed)
lookup = lambda: store.find_key("any")

def account_of(id_):
    return store.get_account(id_) or account(id_)

for turn in range(40):
    who, name = random.choice("12"), f"{seed}.{turn}"
    try:
        match random.randrange(9):
            case 0:
                store.add_key(key(name, who))
            case 1:
                store.add_token(token(name, who, expires_at=random.choice([None, 1.0])))
            case 2:
                store.revoke_all(who, 5)
            case 3:
                for found in store.list_keys(owner=who)[-1:]:
                    store.rotate_key(replace(found, revoked_at=1.0), key(name, who))
            case 4:
                for found in store.list_keys(owner=who)[-1:]:
                    store.replace_key(replace(found, label=name))
            case 5:
                store.replace_account(replace(account_of(who), names=(random.choice(["ann", "Ann", "bob", "BOB"]) + name,)))
            case 6:
                store.remove_account(who, 5)
            case 7:
                store.add_account(account(who, name))
            case 8:
                store.purge_tokens(9)
        lookup()
    except AlreadyExists:
        pass
"""


def test_processes_that_change_the_same_records_do_not_deadlock(postgresql: PostgreSQL, empty_postgresql: str, opens: Opens) -> None:
    """Four processes change the accounts, keys and tokens of two owners, and nothing fails."""
    store = opens(empty_postgresql)
    for who in SUBJECTS:
        store.add_account(account(who, f"name {who}"))
    before = len(postgresql.log())
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda seed: program(BUSY, empty_postgresql, seed), range(4)))
    assert "deadlock" not in postgresql.log()[before:]
    with postgresql.connect(empty_postgresql.partition("@/")[2].partition("?")[0]) as admin:
        rows = admin.execute("SELECT previous, id FROM watchword_changes ORDER BY id").fetchall()
    assert [previous for previous, _ in rows[1:]] == [id_ for _, id_ in rows[:-1]]  # a chain: ids were committed in their order


def connected(postgresql: PostgreSQL, url: str) -> Any:
    """Return a connection of somebody else to the database of a store."""
    return closing(postgresql.connect(url.partition("@/")[2].partition("?")[0]))


def waiting(admin: psycopg.Connection[Any]) -> int:
    """Count the connections of stores that wait for a lock."""
    question = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'watchword' AND wait_event_type = 'Lock'"
    return int(admin.execute(question).fetchall()[0][0])


def test_revoke_all_revokes_the_successor_of_a_rotation_under_way(postgresql: PostgreSQL, empty_postgresql: str, opens: Opens) -> None:
    """The successor is revoked although it was not visible when the revocation began."""
    store, other = opens(empty_postgresql, timeout=30), opens(empty_postgresql, timeout=30)
    old = store.add_key(key("k1", "ann"))
    inserted, go_on = Event(), Event()

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO watchword_keys"):
            inserted.set()
            assert go_on.wait(30)

    event.listen(store._database._engine, "after_cursor_execute", stop)
    with ThreadPoolExecutor(2) as threads, connected(postgresql, empty_postgresql) as admin:
        rotation = threads.submit(store.rotate_key, old, key("k2", "ann"))
        assert inserted.wait(30)
        revocation = threads.submit(other.revoke_all, "ann", 5.0)
        while not waiting(admin) and not revocation.done():
            pass
        go_on.set()
        assert rotation.result() is not None
        assert revocation.result() == (2, 0)
    assert [found.revoked_at for found in store.list_keys(owner="ann")] == [5.0, 5.0]


@pytest.mark.parametrize("name", [NAMES, account_subject("1")])
def test_a_lock_that_is_not_released_is_an_outage_but_no_stall(
    name: str, postgresql: PostgreSQL, empty_postgresql: str, opens: Opens
) -> None:
    """A change that waits for it gives up in time. Other requests are answered, and the database does not count as frozen."""
    store = opens(empty_postgresql, timeout=0.2)
    store.add_key(key("k1", "1"))

    def work() -> object:
        return store.add_account(account("2", "bob")) if name == NAMES else store.revoke_all("1", 5)

    with connected(postgresql, empty_postgresql) as admin:
        with admin.transaction():
            admin.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key(name)])
            with pytest.raises(Unavailable, match=r"^the store does not answer: QueryCanceled: "):
                work()
            assert store.find_key("k1") is not None
            store.add_token(token("t1", "1"))
        work()


def test_a_revocation_does_not_wait_for_an_unrelated_revocation(postgresql: PostgreSQL, empty_postgresql: str, opens: Opens) -> None:
    """The last statement takes the lock of all changes, and ends with it: a change may stop before it for any time."""
    store, other = opens(empty_postgresql, timeout=30), opens(empty_postgresql, timeout=30)
    for id_, owner in (("k1", "ann"), ("k2", "bob"), ("k3", "bob")):
        store.add_key(key(id_, owner))
    changed, go_on = Event(), Event()

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE watchword_tokens"):  # the last one before the log
            changed.set()
            assert go_on.wait(30)

    event.listen(store._database._engine, "after_cursor_execute", stop)
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(store.revoke_all, "ann", 5.0)
        assert changed.wait(30)
        assert other.revoke_all("bob", 6.0) == (2, 0)  # is done while the first one is not
        assert not slow.done()
        go_on.set()
        assert slow.result() == (1, 0)
