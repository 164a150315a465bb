"""A server that is loaded and then forked: each worker has connections of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import fill, program
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.conftest import Opens

FORKED = """
import os, sys
from watchword.stores import SQLStore
from watchword.testing.stores import key
store = SQLStore(sys.argv[1], staleness=3600)
assert store.find_key("k1") is not None
mark = store.mark()
children = []
for number in range(4):
    child = os.fork()
    if not child:
        try:
            for turn in range(50):
                assert store.find_key("k1").id == "k1"
                assert store.find_key(f"none{number}") is None
            store.add_key(key(f"of-child-{number}"))
            assert store.holds(mark)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    children.append(child)
for turn in range(50):
    assert store.find_key("k1").id == "k1"
    assert store.find_account("ann").id == "1"
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
print(*(found.id for found in store.list_keys()))
"""


def test_workers_and_their_parent_use_one_store(url: str, opens: Opens) -> None:
    """At the same time, and each gets the answers to its own questions."""
    fill(opens(url))
    assert program(FORKED, url).stdout.split() == ["k1", "of-child-0", "of-child-1", "of-child-2", "of-child-3"]


LEFT_ALONE = """
import os, sqlite3, sys
from watchword.stores import SQLStore
store = SQLStore(sys.argv[1])
assert store.find_key("k1") is not None
to_child, to_parent = os.pipe(), os.pipe()
child = os.fork()
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


def test_a_worker_holds_its_own_locks_in_sqlite(tmp_path: Path) -> None:
    """Locks belong to a process: one that believes to have its parent's has none, and loses what others write."""
    path = tmp_path / "auth.db"
    with SQLStore(f"sqlite:///{path}") as store:
        fill(store)
    program(LEFT_ALONE, f"sqlite:///{path}", path)


def test_a_fork_while_somebody_asks_leaves_no_lock(tmp_path: Path) -> None:
    """What another thread held at that moment nobody would ever give back in the child."""
    with SQLStore(f"sqlite:///{tmp_path}/auth.db") as store:
        fill(store)
        freshness = store._database.freshness
        with freshness._lock:
            store._database.in_child()
            assert store.find_key("k1") is not None
            assert isinstance(store.holds(store.mark()), bool)
        for pool in store._database._inherited:
            pool.dispose()  # this process is no child, and these are its own


@pytest.mark.parametrize("close", [True, False])
def test_a_store_that_is_gone_is_not_kept_alive(close: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    """What follows forks for its sake holds on to nothing."""
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
