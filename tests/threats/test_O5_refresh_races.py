"""O5: honest clients race for a refresh token. All are let on, by one successor; and a copy is found out."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import program
from watchword.issuing import Refreshed, RefreshTokens, Unrefreshed
from watchword.observe.notice import OperatorNotice
from watchword.stores import MemoryStore, SQLStore
from watchword.stores.ports import State
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "a secret of at least 32 octets.."
CLIENTS = 200
PROCESSES = 4
ONE_ROTATION = {State.LIVE: 1, State.GRACE: CLIENTS - 1}
STORES = ["memory", "sqlite", "postgresql"]

# Each waits until all are there.
RACING = """
import json, sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from watchword.issuing import RefreshTokens
from watchword.stores import SQLStore
url, token, secret, folder, name, processes, clients = sys.argv[1:]
tokens, begin = RefreshTokens(SQLStore(url, timeout=60), secret), Barrier(int(clients))
Path(folder, name).touch()
while len(list(Path(folder).iterdir())) < int(processes):
    Event().wait(0.01)

def refresh(_):
    begin.wait()
    found = tokens.refresh(token, "web")
    return found.state.value, found.token

with ThreadPoolExecutor(int(clients)) as threads:
    print(json.dumps(list(threads.map(refresh, range(int(clients))))))
"""


def opened(kind: str, request: pytest.FixtureRequest, folder: Path) -> MemoryStore | SQLStore:
    """Open a store that is empty. 200 who want to write at once wait for each other longer than a request ought to."""
    if kind == "memory":
        return MemoryStore()
    url = f"sqlite:///{folder}/auth.db" if kind == "sqlite" else str(request.getfixturevalue("empty_postgresql"))
    store = SQLStore(url, create=True, timeout=60)
    request.addfinalizer(store.close)
    return store


def goes_on(tokens: RefreshTokens, found: set[str]) -> None:
    """Check that there is one successor, that it works, and that the family lives."""
    (successor,) = found
    assert isinstance(tokens.refresh(successor, "web"), Refreshed)
    assert [family.revoked_at for family in tokens.list()] == [None]


@pytest.mark.parametrize("kind", STORES)
def test_O5_200_threads_that_race_share_one_successor(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """One rotates, 199 are given the same successor, and all 200 are let on."""
    tokens = RefreshTokens(opened(kind, request, tmp_path), SECRET)
    token, begin = tokens.start("ann", "web").token, Barrier(CLIENTS)

    def refresh(_: int) -> Refreshed | Unrefreshed:
        begin.wait()
        return tokens.refresh(token, "web")

    with ThreadPoolExecutor(CLIENTS) as threads:
        found = [one for one in threads.map(refresh, range(CLIENTS)) if isinstance(one, Refreshed)]
    assert Counter(one.state for one in found) == ONE_ROTATION
    goes_on(tokens, {one.token for one in found})


@pytest.mark.parametrize("kind", STORES[1:])
def test_O5_200_clients_of_four_processes_share_one_successor(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The processes share the database and the secret, and nothing else."""
    store = opened(kind, request, tmp_path)
    assert isinstance(store, SQLStore)
    url = f"sqlite:///{tmp_path}/auth.db" if kind == "sqlite" else str(request.getfixturevalue("empty_postgresql"))
    tokens = RefreshTokens(store, SECRET)
    token, folder = tokens.start("ann", "web").token, tmp_path / "there"
    folder.mkdir()
    arguments = [(url, token, SECRET, folder, number, PROCESSES, CLIENTS // PROCESSES) for number in range(PROCESSES)]
    with ThreadPoolExecutor(PROCESSES) as threads:
        done = list(threads.map(lambda given: program(RACING, *given), arguments))
    found = [one for process in done for one in json.loads(process.stdout)]
    assert Counter(State(state) for state, _ in found) == ONE_ROTATION
    goes_on(tokens, {successor for _, successor in found})
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_O5_a_copy_ends_the_family_after_30_seconds_and_not_before(kind: str, tmp_path: Path) -> None:
    """Whoever of thief and client is late is refused, and both have to log in again. Neither a race nor another client does that."""
    for used_by_client in (False, True):
        clock, notices = FixedClock(1_700_000_000), list[OperatorNotice]()
        with SQLStore(f"sqlite:///{tmp_path}/{used_by_client}.db", clock=clock) as sql:
            tokens = RefreshTokens(MemoryStore(clock=clock) if kind == "memory" else sql, SECRET, clock=clock, on_event=notices.append)
            new = tokens.start("ann", "web")
            first = tokens.refresh(new.token, "web")
            assert isinstance(first, Refreshed)
            newest = tokens.refresh(first.token, "web") if used_by_client else first
            assert isinstance(newest, Refreshed)
            clock.advance(29.999)
            early = tokens.refresh(new.token, "web")
            assert early.state is (State.LATE if used_by_client else State.GRACE)
            assert tokens.get(new.family.id).revoked_at is None
            clock.advance(0.001)
            assert tokens.refresh(new.token, "mallory").state is State.WRONG
            assert tokens.get(new.family.id).revoked_at is None
            assert tokens.refresh(new.token, "web").state is State.REUSE
            assert tokens.get(new.family.id).revoked_at == clock.now()
            assert tokens.refresh(newest.token, "web").state is State.ENDED
            expected = ["refresh_wrong_client", "refresh_reuse"]
            assert [notice.kind for notice in notices] == (["refresh_late", *expected] if used_by_client else expected)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_O5_a_clock_that_is_set_back_gives_no_copy_more_time(kind: str, tmp_path: Path) -> None:
    """A used token is refused until the clock is where it was; the client goes on with the successor, and then the copy is found out."""
    clock, notices = FixedClock(1_700_000_000), list[OperatorNotice]()
    with SQLStore(f"sqlite:///{tmp_path}/auth.db", clock=clock) as sql:
        tokens = RefreshTokens(MemoryStore(clock=clock) if kind == "memory" else sql, SECRET, clock=clock, on_event=notices.append)
        new = tokens.start("ann", "web")
        first = tokens.refresh(new.token, "web")
        assert isinstance(first, Refreshed)
        clock.advance(-30)
        assert tokens.refresh(new.token, "web").state is State.GRACE
        clock.advance(-3600)
        for _ in range(60):
            assert tokens.refresh(new.token, "web").state is State.LATE
            clock.advance(60)
        assert {notice.kind for notice in notices} == {"refresh_late"}
        assert isinstance(tokens.refresh(first.token, "web"), Refreshed)
        clock.advance(60)
        assert tokens.refresh(new.token, "web").state is State.REUSE
