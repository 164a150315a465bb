"""A database that is frozen: one request waits, the others are told at once, and it is used again as soon as it answers (threat O3)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tests.support.forks import FORKS, in_child
from tests.support.postgres import PostgreSQL
from tests.support.served import until
from tests.support.stores import fill
from watchword.errors import Unavailable
from watchword.stores import SQLStore
from watchword.stores.sql.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.stores.ports import KeyRecord

SILENT = r"^the store does not answer: it was silent \d+\.\d s ago\. One request at a time tries again\.$"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A PostgreSQL that nobody else uses."""
    with PostgreSQL() as made:
        yield made


def test_O3_after_a_stall_one_request_tries_and_the_others_are_refused_at_once(server: PostgreSQL) -> None:
    """Of many threads few wait for the database while it is frozen, and all know of its return without a restart."""
    told: list[str] = []
    with SQLStore(server.url(server.new_database()), create=True, timeout=0.2, pool_size=3) as store:
        fill(store)

        def ask(_: int) -> None:
            with pytest.raises(Unavailable) as refused:
                store.find_key("k1")
            told.append(refused.value.why)

        with server.frozen(), ThreadPoolExecutor(20) as threads:
            ask(0)
            assert "Stalled" in told.pop()
            list(threads.map(ask, range(200)))
            with pytest.raises(Unavailable):
                store.revoke_all("1", 5)
        # Those that try wait for two seconds each, one after the other: libpq knows no shorter time.
        assert sum(re.match(SILENT, why) is not None for why in told) >= 190
        found = until(partial(answer, store), "the first answer")
        assert found.revoked_at is None
        with ThreadPoolExecutor(3) as threads:
            assert all(threads.map(lambda _: store.find_key("k1"), range(30)))


def answer(store: SQLStore) -> KeyRecord | None:
    """Ask once."""
    with suppress(Unavailable):
        return store.find_key("k1")
    return None


def stall(breaker: Breaker) -> None:
    """Ask once, and get no answer."""
    with suppress(OperationalError), breaker.asking():
        raise OperationalError("", None, SilentError())


class SilentError(Exception):
    """What the driver raises for a server that says nothing."""

    stalled = True


def test_O3_errors_and_locks_do_not_refuse_other_requests() -> None:
    """A locked file, a statement that was ended and a mistake in the program stop no other request."""
    breaker = Breaker()
    for error in (
        sqlite3.OperationalError("database is locked"),
        OperationalError("", None, Exception()),
        PoolTimeout(),
        ZeroDivisionError(),
    ):
        with suppress(type(error)), breaker.asking():
            raise error
        with breaker.asking():
            breaker.connecting()


def test_O3_one_thread_tries_at_a_time() -> None:
    """Meanwhile the others neither ask nor connect. What the try finds out holds for all."""
    breaker = Breaker()
    with ThreadPoolExecutor(1) as other, suppress(PoolTimeout):
        for found in (PoolTimeout(), OperationalError("", None, SilentError()), None):
            stall(breaker)
            with pytest.raises(Unavailable, match=SILENT):
                other.submit(breaker.connecting).result()
            with suppress(PoolTimeout, OperationalError), breaker.asking():
                breaker.connecting()
                for refused in (other.submit(breaker.connecting), other.submit(lambda: breaker.asking().__enter__())):
                    with pytest.raises(Unavailable, match=SILENT):
                        refused.result()
                if found is not None:
                    raise found
            if found is not None:
                with pytest.raises(Unavailable, match=SILENT):
                    other.submit(breaker.connecting).result()
        other.submit(breaker.connecting).result()


@pytest.mark.parametrize("fork", FORKS)
def test_O3_each_process_tries_the_database_itself(fork: str) -> None:
    """A thread that tried in the parent does not exist in a child."""
    breaker = Breaker()
    stall(breaker)
    with suppress(PoolTimeout), breaker.asking():
        assert in_child(breaker.connecting, fork) == 0
        raise PoolTimeout
    with pytest.raises(Unavailable, match=SILENT):
        breaker.connecting()
