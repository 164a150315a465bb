"""Refresh tokens in databases: the clock on which all agree, locks, a commit of which nobody knows, and damaged rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, event, text

from watchword.errors import Unavailable
from watchword.issuing import Refreshed, RefreshTokens
from watchword.stores import SQLStore
from watchword.stores.ports import State
from watchword.testing import FixedClock
from watchword.testing.stores import family, first, presented

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.conftest import Opens
    from tests.support.postgres import PostgreSQL

SECRET = "a secret of at least 32 octets.."


def execute(url: str, statement: str) -> None:
    """Change the database behind the store's back."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_the_clock_of_postgresql_decides(empty_postgresql: str, opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose clock is an hour wrong ends no family: it does not look at its clock."""
    store = opens(empty_postgresql)
    tokens = RefreshTokens(store, SECRET)
    new = tokens.start("ann", "web")
    monkeypatch.setattr("watchword.clock.time.time", lambda: 9e9)
    assert store._database.clock.now() == 9e9
    assert tokens.refresh(new.token, "web").state is State.LIVE
    assert tokens.refresh(new.token, "web").state is State.GRACE
    monkeypatch.undo()
    execute(empty_postgresql, "UPDATE watchword_refresh_tokens SET rotated_at = rotated_at - 30 WHERE rotated_at IS NOT NULL")
    assert tokens.refresh(new.token, "web").state is State.REUSE
    # A clock that the application gives comes first, for its tests.
    given = RefreshTokens(opens(empty_postgresql, clock=(clock := FixedClock(5e9))), SECRET, clock=clock)
    assert isinstance(given.refresh(given.start("ann", "web").token, "web"), Refreshed)


def test_the_time_is_that_after_the_wait_for_the_lock(postgresql: PostgreSQL, empty_postgresql: str, opens: Opens) -> None:
    """A transaction that waited for another one measures the age of its rotation from the end of the wait."""
    store = opens(empty_postgresql, timeout=20)
    store.start_family(family(expires_at=9e9), first(expires_at=9e9))
    name = empty_postgresql.partition("@/")[2].partition("?")[0]
    with postgresql.connect(name) as admin, postgresql.connect(name) as watching, ThreadPoolExecutor(1) as threads:
        with admin.transaction():
            admin.execute("SELECT id FROM watchword_families FOR UPDATE")
            waiting = threads.submit(store.refresh_family, presented())
            while not watching.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall()[0][0]:
                pass
            ((released,),) = watching.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchall()
        found = waiting.result().kept
    assert found is not None
    assert found.token.rotated_at is not None
    assert found.token.rotated_at >= released


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_of_which_nobody_knows_is_an_outage_and_loses_nothing(when: str, url: str, opens: Opens) -> None:
    """The connection breaks before or after the commit. The client repeats, and gets its successor; nobody gets two."""
    store = opens(url)
    tokens = RefreshTokens(store, SECRET)
    new = tokens.start("ann", "web")
    engine = store._database._engine
    breaks = [True]

    def commit(connection: object) -> None:
        if breaks and breaks.pop():
            if when == "after":
                engine.dialect.do_commit(connection.connection)  # type: ignore[attr-defined]
            raise OSError("the cable was cut")

    event.listen(engine, "commit", commit)
    with pytest.raises(Unavailable):
        tokens.refresh(new.token, "web")
    found = tokens.refresh(new.token, "web")
    assert isinstance(found, Refreshed)
    assert found.state is (State.LIVE if when == "before" else State.GRACE)
    assert isinstance(tokens.refresh(found.token, "web"), Refreshed)


def test_the_end_of_a_family_reaches_other_processes_with_their_next_question(url: str, opens: Opens) -> None:
    """What they cached about its access tokens is dead then."""
    one, other = opens(url), opens(url, staleness=3600)
    tokens = RefreshTokens(one, SECRET)
    new, spared = tokens.start("ann", "web"), tokens.start("ann", "web")
    for id_ in (new.family.id, spared.family.id):
        other.find_family(id_)
    revision = other.revision()
    tokens.refresh(new.token, "web")
    tokens.revoke(new.family.id)
    other.find_family("any")
    assert not other.is_current(revision, new.family.subjects)
    assert other.is_current(revision, spared.family.subjects)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE watchword_families SET scopes = 'x'",
        "UPDATE watchword_families SET claims = ''",
        "UPDATE watchword_families SET claims = '{'",
        "UPDATE watchword_families SET claims = '[]'",
        "UPDATE watchword_families SET client = ''",
        "UPDATE watchword_refresh_tokens SET family = family, digest = digest, uses = 'x'",
        "UPDATE watchword_refresh_tokens SET rotated_at = 'x'",
    ],
)
def test_a_damaged_row_is_an_outage(damage: str, tmp_path: Path, opens: Opens) -> None:
    """Neither a refresh nor a refusal, which would log the client out."""
    url = f"sqlite:///{tmp_path}/auth.db"
    store = opens(url)
    tokens = RefreshTokens(store, SECRET)
    new = tokens.start("ann", "web")
    execute(url, damage)
    with pytest.raises(Unavailable, match=f"record of the .*family '{new.family.id}' is damaged"):
        tokens.refresh(new.token, "web")


def test_an_upgrade_keeps_what_is_there(tmp_path: Path) -> None:
    """A store of the version before has no families, and gets the tables."""
    from watchword.stores.sql.migrate import migrate

    url = f"sqlite:///{tmp_path}/auth.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate(connection, None, to="0003")
    engine.dispose()
    with SQLStore(url, check=False) as store:
        with pytest.raises(Unavailable, match="store upgrade"):
            store.refresh_family(presented())
        assert store.upgrade()
        assert store.start_family(family(), first()) == family()
