"""Tests lists of servers, and servers that change their roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from tests.support.postgres import PostgreSQL
from tests.support.stores import fill
from watchword.errors import Unavailable
from watchword.stores import SQLStore
from watchword.stores.sql.failures import is_unfit
from watchword.testing.stores import key

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def second() -> Iterator[PostgreSQL]:
    """Another server than that of the run, with a store in it; reads only, until it is told otherwise."""
    with PostgreSQL() as server:
        SQLStore(server.url(), create=True).close()
        yield server


def _read_only(server: PostgreSQL, value: str) -> None:
    with server.connect() as admin:
        admin.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'watchword'")


@pytest.mark.long
def test_a_list_of_servers_leads_to_the_writable_one(own_postgresql: PostgreSQL, second: PostgreSQL) -> None:
    """In any order, and in both forms of a list. After a failover the store uses the other server without a restart."""
    first = own_postgresql
    SQLStore(first.url(), create=True).close()
    one, two = first.folder, second.folder
    urls = [f"postgresql://postgres@/postgres?host={one}&host={two}", f"postgresql://postgres@/postgres?host={two},{one}"]
    _read_only(second, "on")
    stores = [SQLStore(url, timeout=20) for url in urls]
    for number, store in enumerate(stores):
        store.add_key(key(f"k{number}"))
    with SQLStore(first.url()) as there:
        assert [found.id for found in there.list_keys()] == ["k0", "k1"]
    _read_only(second, "off")
    _read_only(first, "on")
    try:
        for number, store in enumerate(stores):
            store.add_key(key(f"k{number + 2}"))
    finally:
        _read_only(first, "off")
    with SQLStore(second.url()) as there:
        assert [found.id for found in there.list_keys()] == ["k2", "k3"]
    for store in stores:
        store.close()


@pytest.mark.long
def test_a_list_without_a_writable_server_is_an_outage(second: PostgreSQL) -> None:
    """A standby may lack a revocation, and is used only if the URL says so."""
    _read_only(second, "on")
    try:
        url = f"postgresql://postgres@/postgres?host={second.folder}&host=/nonexistent"
        with SQLStore(url, check=False) as store, pytest.raises(Unavailable, match="the store does not answer"):
            store.find_key("any")
        with SQLStore(f"{url}&target_session_attrs=any") as store:
            assert store.find_key("any") is None
    finally:
        _read_only(second, "off")


def test_connections_are_closed_if_a_new_one_may_work() -> None:
    """They stay open if only the statement has failed."""

    def closed(code: str | None) -> bool:
        error = Exception("words")
        error.sqlstate = code  # type: ignore[attr-defined]
        return is_unfit(error)

    unfit = ["25006", "25P02", "26000", "42P05", "57P01", "57P02", "57P03", "57P04", "57P05", "08006", "08P01"]
    assert [code for code in unfit if not closed(code)] == []
    assert [code for code in ("57014", "55P03", "23505", "40001", "42P01", "0A000", "", None) if closed(code)] == []


@pytest.mark.parametrize(("code", "tries"), [("40001", 2), ("40P01", 2), ("57014", 1), ("25006", 2), ("08006", 2)])
def test_a_transaction_that_the_server_rolled_back_is_tried_once_more(
    code: str, tries: int, empty_postgresql: str, postgresql: PostgreSQL
) -> None:
    """Nothing of it is left, nor of a transaction on a connection that was closed."""
    name = empty_postgresql.partition("@/")[2].partition("?")[0]
    with postgresql.connect(name) as admin:
        admin.execute("CREATE SEQUENCE failed")
        admin.execute(
            "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF nextval('failed') <= 1 THEN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$".encode()
        )
        admin.execute("CREATE TRIGGER fails BEFORE INSERT ON watchword_keys FOR EACH ROW EXECUTE FUNCTION fails()")
        try:
            with SQLStore(empty_postgresql) as store:
                if tries == 1:
                    with pytest.raises(Unavailable):
                        store.add_key(key("k1"))
                else:
                    assert store.add_key(key("k1")) == store.find_key("k1")
            assert admin.execute("SELECT last_value FROM failed").fetchall() == [(tries,)]
        finally:
            admin.execute("DROP FUNCTION fails CASCADE")
            admin.execute("DROP SEQUENCE failed")


def test_the_applications_pool_is_renewed_too(empty_postgresql: str, postgresql: PostgreSQL) -> None:
    """Stale connections of an application's engine are replaced like those of the store's own."""
    engine = create_engine(empty_postgresql.replace("postgresql:", "postgresql+psycopg:"))
    with SQLStore(engine=engine) as store:
        fill(store)
        with engine.connect() as connection:
            connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            connection.commit()
        assert store.revoke_all("1", 5) == (1, 1)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "off"
    engine.dispose()
