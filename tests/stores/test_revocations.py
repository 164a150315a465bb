"""Revocations of signed tokens in databases: a purge that meets another writer, and a store that is upgraded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from watchword.checkers import TokenRevocations
from watchword.checkers.lease import StoreLease
from watchword.operation import run
from watchword.stores import SQLStore
from watchword.testing import FixedClock
from watchword.testing.stores import token
from watchword.verdict import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.conftest import Opens
    from tests.support.postgres import PostgreSQL


def test_a_purge_does_not_delete_what_is_extended_meanwhile(postgresql: PostgreSQL, empty_postgresql: str, opens: Opens) -> None:
    """The token would be let in again. The purge has read the old end, waits for the row, and looks at it once more."""
    store = opens(empty_postgresql, timeout=20, clock=FixedClock(1_700_000_000))
    store.revoke_jti("i", "j", 1, 5)
    name = empty_postgresql.partition("@/")[2].partition("?")[0]
    with postgresql.connect(name) as admin, postgresql.connect(name) as watching, ThreadPoolExecutor(1) as threads:
        with admin.transaction():
            admin.execute("UPDATE watchword_revoked_tokens SET until = 9e9")
            waiting = threads.submit(store.purge_revocations, 9, -inf)
            while not watching.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall()[0][0]:
                pass
        assert waiting.result() == 0
    assert store.find_standing("i", "s", "j").revoked_at == 1


def test_another_process_learns_of_a_revocation_with_its_next_question(url: str, opens: Opens) -> None:
    """What it has cached about the token, or the subject, is dead then; and what it has cached about others is not."""
    here, there = opens(url, create=True, staleness=3600), opens(url)
    asked = TokenRevocations(here)
    claims = [{"iss": "i", "sub": sub, "jti": sub, "iat": 5} for sub in ("ann", "bob", "eve")]
    leases = [run(asked.look_up("", one, 60)) for one in claims]
    TokenRevocations(there).revoke("ann", "i")
    TokenRevocations(there).revoke_before("i", "bob")
    here.find_key("any")
    assert [isinstance(lease, StoreLease) and lease.is_current() for lease in leases] == [False, False, True]
    assert [isinstance(run(asked.look_up("", one, 60)), Refused) for one in claims] == [True, True, False]


def test_an_upgrade_keeps_what_is_there(tmp_path: Path) -> None:
    """A store of the version before gets the tables."""
    from watchword.stores.sql.migrate import migrate

    url = f"sqlite:///{tmp_path}/auth.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate(connection, None, to="0004")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO watchword_tokens (digest, id, subject, label, kind, roles, scopes, permissions, created_at)"
            " VALUES (?, 't1', '1', '', 'user', '[]', '[]', '[]', 0)",
            (token().digest,),
        )
    engine.dispose()
    with SQLStore(url, check=False) as store:
        assert store.upgrade()
        assert store.find_token(token().digest) == token()
        assert store.revoke_jti("i", "j", 1, 5)
        assert store.find_standing("i", "s", "j").revoked_at == 1
