"""Databases that are pooled, fail over, and are shared with an application (O1, O2, O4)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

from tests.support.pgbouncer import PgBouncer
from tests.support.stores import fill
from watchword.errors import Unavailable
from watchword.stores import SQLStore
from watchword.stores.alembic import ours

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgres import PostgreSQL


def test_O1_a_pooler_in_transaction_mode(postgresql: PostgreSQL) -> None:
    """With PgBouncer's own settings: no start-up option is sent, and no statement is prepared on a connection that others use."""
    with PgBouncer(postgresql) as pooler, SQLStore(pooler.url(postgresql.new_database()), create=True) as store:
        fill(store)
        with SQLStore(store.url) as other:
            for _ in range(10):  # psycopg prepares what is executed five times
                assert store.find_account("ann") == other.find_account("ann") is not None
                store.revoke_all("1", 1)


def _role(server: PostgreSQL, name: str) -> str:
    with server.connect() as admin:
        admin.execute(f"CREATE ROLE {name} SUPERUSER LOGIN".encode())
    return server.url(server.new_database()).replace("postgres@", f"{name}@")


def test_O2_a_demoted_server_is_left_at_the_first_change(postgresql: PostgreSQL) -> None:
    """Connections to it answer and refuse to write (25006): all are closed, and the new ones lead to where the name leads now."""
    url = _role(postgresql, "demoted")
    with SQLStore(url, create=True) as made, postgresql.connect() as admin:
        fill(made)
        admin.execute("ALTER ROLE demoted SET default_transaction_read_only = on")
        with SQLStore(url) as store:
            assert store.find_key("k1") is not None
            with pytest.raises(Unavailable, match="ReadOnlySqlTransaction"):
                store.revoke_all("1", 5)
            admin.execute("ALTER ROLE demoted RESET default_transaction_read_only")
            assert store.revoke_all("1", 5) == (1, 1)


def test_O4_autogenerate_does_not_drop_the_store(tmp_path: Path) -> None:
    """With the filter that is shipped; what it does without one is shown beside it."""
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    SQLStore(engine=engine).close()
    with engine.connect() as connection:

        def proposed(**options: Any) -> list[Any]:
            return list(compare_metadata(MigrationContext.configure(connection, opts=options), MetaData()))

        assert len(proposed()) > 5
        assert proposed(include_name=ours) == []
    engine.dispose()
