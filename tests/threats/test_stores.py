"""What several processes do to one store: names that overlap (W15), purges (W16), and revocations that are not heard of (O6)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from contextlib import closing
from sqlite3 import connect
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from tests.support.core import ask
from watchword import APIKey, Guard, Reason
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.decision import Failed
from watchword.errors import AlreadyExists
from watchword.stores import MemoryStore, SQLStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchword.stores.ports import AccountRecord

NOW = 1_700_000_000
DAY = 86_400


class LateMemoryStore(MemoryStore):
    """A store to which another process adds an account between the look-ups of an addition and its write."""

    rival: Callable[[], object] = staticmethod(lambda: None)

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        """Let the other process write first."""
        self.rival()
        return super().add_account(account, fold_case=fold_case)


class LateSQLStore(SQLStore):
    """The same in a database."""

    rival: Callable[[], object] = staticmethod(lambda: None)

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        """Let the other process write first."""
        self.rival()
        return super().add_account(account, fold_case=fold_case)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"name": "ann", "id": "u-1"}, {"name": "bob", "id": "ann"}),
        ({"name": "bob", "id": "ann"}, {"name": "ann", "id": "u-2"}),
        ({"name": "ann", "id": "u-1"}, {"name": "ann", "id": "u-2"}),
        ({"name": "ann", "id": "u-1"}, {"name": "bob", "id": "u-2", "names": ["ANN"]}),
    ],
    ids=["an id that is a name", "a name that is an id", "a name", "a name in another case"],
)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_W15_free_names_are_checked_under_the_write_lock(kind: str, theirs: dict[str, str], ours: dict[str, str], tmp_path: Path) -> None:
    """The second of two simultaneous additions fails because its id or name is taken, although both were free when it began."""
    store = LateMemoryStore() if kind == "memory" else LateSQLStore(f"sqlite:///{tmp_path / 'auth.db'}")
    other = store if isinstance(store, LateMemoryStore) else SQLStore(f"sqlite:///{tmp_path / 'auth.db'}")
    accounts = Accounts(store, fold_case=True)

    def rival() -> None:
        store.rival = lambda: None
        Accounts(other, fold_case=True).add(**theirs)

    store.rival = rival
    with pytest.raises(AlreadyExists):
        accounts.add(**ours)
    assert [account.id for account in accounts.list()] == [theirs["id"]]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_W16_a_purge_forgets_no_token_that_is_valid(kind: str) -> None:
    """A time in the future counts as now, so `before` with the wrong sign loses no valid token."""
    clock = FixedClock(NOW)
    store = MemoryStore(clock=clock) if kind == "memory" else SQLStore("sqlite://", clock=clock)
    tokens = OpaqueTokens(store, clock=clock)
    valid = [tokens.create("ann", expires_in=seconds) for seconds in (60, 20 * DAY, None)]
    ended = tokens.create("ann", expires_in=1)
    clock.advance(2)
    assert store.purge_tokens(clock.now() + 30 * DAY) == 1
    assert {token.id for token in store.list_tokens()} == {made.record.id for made in valid}
    assert ended.record.id not in {token.id for token in store.list_tokens()}


COPY = """
    INSERT INTO watchword_tokens
    SELECT randomblob(32), hex(randomblob(12)), subject, label, kind, roles, scopes, permissions, created_at, expires_at, revoked_at,
        audience, sid
    FROM watchword_tokens
"""


def test_W16_a_purge_lets_others_write_between_its_batches(tmp_path: Path) -> None:
    """Thousands of tokens are forgotten in transactions of 500, so that the lock is held for milliseconds."""
    clock = FixedClock(NOW)
    with SQLStore(f"sqlite:///{tmp_path / 'auth.db'}", clock=clock) as store, closing(connect(tmp_path / "auth.db", timeout=0)) as other:
        OpaqueTokens(store, clock=clock).create("ann", expires_in=1)
        for _ in range(11):
            other.execute(COPY)
            other.commit()
        clock.advance(2)
        left: list[int] = []

        def write(*_given: object) -> None:
            """Write as another process would, at once or not at all."""
            other.execute("BEGIN IMMEDIATE")
            left.append(other.execute("SELECT count(*) FROM watchword_tokens").fetchone()[0])
            other.rollback()

        event.listen(store._database._engine.pool, "checkin", write)
        assert store.purge_tokens(NOW + 2) == 2048
        assert sorted({*left}, reverse=True) == [2048, 1548, 1048, 548, 48, 0]


def test_O6_cached_answers_end_when_the_store_is_unreachable(tmp_path: Path) -> None:
    """Once the answers of the store are old, a cached caller gets an outage, and a refusal as soon as the revocation can be read."""
    path, away = tmp_path / "auth.db", tmp_path / "away.db"
    clock = FixedClock(NOW)
    here, there = (SQLStore(f"sqlite:///{path}", clock=clock, staleness=1) for _ in range(2))
    guard = Guard(APIKey(APIKeys(here, clock=clock)), clock=clock)
    made = APIKeys(there, clock=clock).create("ann")
    shown = ask("/", ("X-API-Key", made.key))
    assert guard.decide(shown).granted
    APIKeys(there, clock=clock).revoke(made.record.id)
    path.rename(away)  # nothing reaches this process any more
    clock.advance(1)
    assert isinstance(guard.decide(shown), Failed)
    away.rename(path)
    for _ in range(2):
        assert guard.decide(shown).reason is Reason.REVOKED
