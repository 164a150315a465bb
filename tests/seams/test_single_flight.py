"""Equal work is done once for all who want it: what fetches a key set, asks an introspection endpoint or shares an attempt stands on it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, get_ident
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.core import ask
from tests.support.wire import bearer
from watchword import Accepted, Bearer, Guard, Principal, Refused, Unavailable
from watchword.protection.single_flight import SingleFlight

if TYPE_CHECKING:
    from watchword import BearerToken, Decision, Verdict
    from watchword.operation import Steps


class KeySet:
    """Fetches keys once for all who wait for them: by a blocking client and by an async one."""

    def __init__(self) -> None:
        self.flights = SingleFlight()
        self.fetched: list[str] = []
        self.gate = Event()
        self.agate = anyio.Event()
        self.failure: Exception | None = None
        self.threads: set[int] = set()

    def fetch(self) -> set[str]:
        """Fetch, and block meanwhile."""
        self.fetched.append("blocking")
        self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return {"k1"}

    async def afetch(self) -> set[str]:
        """Fetch on the event loop."""
        self.fetched.append("async")
        self.threads.add(get_ident())
        await self.agate.wait()
        if self.failure is not None:
            raise self.failure
        return {"k1"}

    def flow(self, token: BearerToken) -> Steps[Verdict]:
        """Accept what is signed by a key that is there."""
        keys = yield self.flights.operation(b"https://issuer.example/jwks", self.fetch, awaited=self.afetch)
        return Accepted(Principal("ann")) if token.token in keys else Refused()


@pytest.mark.anyio
async def test_one_fetch_serves_all_tasks_and_takes_no_thread() -> None:
    """A hundred requests meet an empty cache: one question goes out, on the event loop itself."""
    keys = KeySet()
    guard = Guard(Bearer(keys))
    decisions: list[Decision] = []

    async def one(token: str) -> None:
        decisions.append(await guard.adecide(ask("/", bearer(token))))

    async with anyio.create_task_group() as group:
        for number in range(100):
            group.start_soon(one, "k1" if number % 2 else "k2")
        await anyio.wait_all_tasks_blocked()
        keys.agate.set()
    assert (keys.fetched, keys.threads) == (["async"], {get_ident()})
    assert sum(decision.granted for decision in decisions) == 50


@pytest.mark.anyio
async def test_an_outage_is_told_to_all_of_them_and_the_next_one_asks_again() -> None:
    """Nothing is kept of a failure."""
    keys = KeySet()
    guard = Guard(Bearer(keys))
    keys.failure = Unavailable("no route to issuer.example", retry_after=3)
    keys.agate.set()
    decisions: list[Any] = []

    async def one() -> None:
        decisions.append(await guard.adecide(ask("/", bearer("k1"))))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(one)
    assert [(type(decision).__name__, decision.retry_after) for decision in decisions] == [("Failed", 3)] * 3
    keys.failure = None
    assert (await guard.adecide(ask("/", bearer("k1")))).granted
    assert repr(keys.flights) == "SingleFlight(limit=inf, queue=0, running=0, waiting=0)"


@pytest.mark.anyio
async def test_work_of_a_caller_who_is_cancelled_is_begun_anew_by_the_next() -> None:
    """A client that goes away takes the answer from nobody."""
    keys = KeySet()
    operation = keys.flights.operation(b"k", keys.fetch, awaited=keys.afetch)
    assert operation.arun is not None
    answers: list[object] = []

    async def second() -> None:
        assert operation.arun is not None
        answers.append(await operation.arun())

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:

            async def give_up() -> None:
                await anyio.wait_all_tasks_blocked()
                scope.cancel()

            group.start_soon(second)
            group.start_soon(give_up)
            await operation.arun()
        await anyio.wait_all_tasks_blocked()
        keys.agate.set()
    assert (answers, keys.fetched, keys.flights.running) == ([{"k1"}], ["async", "async"], 0)


def test_different_keys_wait_for_nobody() -> None:
    """There are as many places as there are keys, unless a limit is given."""
    keys = KeySet()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(keys.flights.operation(b"a", keys.fetch).run)
        for number in range(4):
            keys.flights.operation(b"b%d" % number, partial(keys.fetched.append, "other")).run()
        keys.gate.set()
        assert first.result() == {"k1"}
    assert sorted(keys.fetched) == ["blocking", *["other"] * 4]
