"""Lookups of names: a resolver that does not answer holds a few threads of its own, and nothing else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from tests.support.each import each
from tests.support.forks import in_child
from tests.support.hostile import WORLDS
from watchword import Unavailable
from watchword.fetching import Fetcher, NoAnswer, configured_url, lookups
from watchword.fetching.lookups import MOST_THREADS, MOST_WAITING, Lookups
from watchword.operation import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

SOON = 0.2  # seconds: for resolvers that never answer
PATIENT = 60.0


class Resolver:
    """A resolver that answers when its gate is opened, and counts."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked: list[str] = []
        self.most = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def __call__(self, host: str, _port: int) -> list[str]:
        """Resolve a name."""
        with self._lock:
            self.asked.append(host)
            self._at_once += 1
            self.most = max(self.most, self._at_once)
        self.gate.wait(PATIENT)
        with self._lock:
            self._at_once -= 1
        if host == "broken":
            raise LookupError("broken")
        return [f"192.0.2.{len(host)}"]

    def wait_for(self, count: int) -> None:
        """Wait until so many names were asked for."""
        while len(self.asked) < count:
            threading.Event().wait(0.001)


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    """A resolver, whose threads end with the test."""
    made = Resolver()
    yield made
    made.gate.set()


@each("world", ["asyncio", "trio"])
def test_a_resolver_that_does_not_answer_takes_no_thread_of_others(world: str) -> None:
    """While names are not resolved, what an event loop does in threads goes on at once: stores and hashes wait for no name."""
    resolver = Resolver()
    fetcher = Fetcher(resolve=resolver, timeout=PATIENT)

    async def all_of_it() -> None:
        async def one(number: int) -> None:
            operation = fetcher.get(configured_url("x", f"https://id{number % 60}.example.com/"))
            assert operation.arun is not None
            await operation.arun()

        async with anyio.create_task_group() as tasks:
            for number in range(120):
                tasks.start_soon(one, number)
            await anyio.to_thread.run_sync(resolver.wait_for, MOST_THREADS)
            with anyio.fail_after(PATIENT / 2):
                assert await in_thread(lambda: 1) == 1
            tasks.cancel_scope.cancel()

    try:
        anyio.run(all_of_it, backend=world)
        assert resolver.most == MOST_THREADS
    finally:
        resolver.gate.set()


def test_its_threads_are_bounded(resolver: Resolver) -> None:
    """Callers who want one name share a thread, callers who want many wait for one, and each gets its outage in time: 503."""
    before, fetcher = threading.active_count(), Fetcher(resolve=resolver, timeout=SOON)

    def one(number: int) -> None:
        for name, work in WORLDS.items():
            host = "same" if number % 2 else f"other{number}"
            with pytest.raises(Unavailable, match="did not answer") as outage:
                work(fetcher.get(configured_url("x", f"https://{host}.example.com/")))
            assert outage.value.retry_after, name

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(one, range(40)))
        assert resolver.most <= MOST_THREADS
    assert threading.active_count() <= before + MOST_THREADS
    assert resolver.asked.count("same.example.com") <= 1


@each("world", WORLDS)
def test_many_names_are_resolved(world: str) -> None:
    """More names than threads wait for their turn, and all callers of a name get its addresses, or the failure of the resolver."""
    resolver = Resolver()
    made = Lookups(resolver)
    found: dict[str, list[object]] = {}

    async def by_loop(host: str) -> object:
        return await made.aaddresses(host, 443, PATIENT)

    def one(host: str) -> None:
        try:
            got = made.addresses(host, 443, PATIENT) if world == "sync" else anyio.run(by_loop, host, backend=world)
        except LookupError as error:
            got = error
        found.setdefault(host, []).append(got)

    hosts = ["broken", *("x" * length for length in range(1, 30))]
    with ThreadPoolExecutor(60) as pool:
        running = [pool.submit(one, host) for host in hosts * 2]
        resolver.wait_for(MOST_THREADS)
        resolver.gate.set()
        for each_one in running:
            each_one.result()
    assert all(got == (f"192.0.2.{len(host)}",) for host in hosts[1:] for got in found[host])
    first, second = found["broken"]
    assert (repr(first), repr(second)) == ("LookupError('broken')",) * 2
    assert first is not second  # an exception that two threads raise has the frames of both
    assert resolver.most <= MOST_THREADS


def test_too_many_names_are_refused_at_once(resolver: Resolver) -> None:
    """Beyond the bound a name is an outage; names whose callers are gone are not looked up any more."""
    made = Lookups(resolver)
    for number in range(MOST_THREADS):
        made._begun(f"begun{number}", 443, PATIENT)
    resolver.wait_for(MOST_THREADS)
    for number in range(MOST_WAITING):
        with pytest.raises(TimeoutError):
            made.addresses(f"gone{number}", 443, 0.0)
    with pytest.raises(NoAnswer, match="names wait") as refused:
        made.addresses("one more", 443, PATIENT)
    assert refused.value.retry_after
    again = made._begun("gone7", 443, PATIENT)
    resolver.gate.set()
    assert again.result(PATIENT) == ("192.0.2.5",)
    while made._states.get().threads:
        threading.Event().wait(0.001)
    assert made._states.get().lookups == {}
    assert resolver.asked[MOST_THREADS:] == ["gone7"]


def test_a_lookup_that_never_ends_is_given_up(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reply that is lost does not close a name for ever: after a while the next caller begins another lookup, within the bound."""
    made = Lookups(resolver)
    with pytest.raises(TimeoutError):
        made.addresses("a", 443, SOON)
    with pytest.raises(TimeoutError):
        made.addresses("a", 443, SOON)
    assert resolver.asked == ["a"]
    monkeypatch.setattr(lookups, "SHARED_FOR", 0.0)
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(made.addresses, "a", 443, PATIENT)
        resolver.wait_for(2)
        resolver.gate.set()
        assert again.result() == ("192.0.2.1",)


def test_no_thread_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may have no more threads answers 503, and works when it may."""
    made = Lookups(lambda _host, _port: ["192.0.2.1"])

    def start(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(NoAnswer, match="can't start new thread"):
            made.addresses("a", 443, PATIENT)
    assert made.addresses("a", 443, PATIENT) == ("192.0.2.1",)


def test_a_child_looks_up_by_itself(resolver: Resolver) -> None:
    """The threads of the parent do not exist in a child, so it waits for none of them."""
    made = Lookups(resolver)
    with pytest.raises(TimeoutError):
        made.addresses("a", 443, SOON)

    def work() -> None:
        resolver.gate.set()
        assert made.addresses("a", 443, PATIENT) == ("192.0.2.1",)

    assert [in_child(partial(work), "python"), in_child(work, "c")] == [0, 0]
