"""W4: nobody decides by the number or the length of the passwords that he sends what this process computes."""

# ruff: noqa: N802 - a test carries the id of its row
from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.drive import Answer, ByASGI, ByWSGI
from tests.support.servers import DEADLINE
from tests.support.wire import Request, basic
from watchword import Basic, Guard, Reason, RequestView
from watchword.checkers import Accounts, PasswordHasher, Users
from watchword.decision import Failed
from watchword.protection.hash_limiter import HashLimiter
from watchword.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.decision import Decision
    from watchword.stores.ports import AccountRecord

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
HASH = CHEAP.hash("s3cret")


class Gated(PasswordHasher):
    """A hasher that computes when it is let, and counts."""

    def __init__(self, *, is_open: bool = False) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.gate = threading.Event()
        if is_open:
            self.gate.set()
        self.lock = threading.Lock()
        self.now = self.peak = self.computed = 0
        self.seen: list[int] = []

    def verify(self, hash: str, password: str | bytes) -> bool:  # noqa: A002 - the name of the argument
        """Wait at the gate, then verify."""
        with self.lock:
            self.now += 1
            self.computed += 1
            self.peak = max(self.peak, self.now)
            self.seen.append(len(password))
        self.gate.wait()
        try:
            return super().verify(hash, password)
        finally:
            with self.lock:
                self.now -= 1


def guard(hasher: PasswordHasher, limiter: HashLimiter) -> Guard:
    """Guard with one user."""
    return Guard(Basic(Users({"ann": HASH}, hasher=hasher, limiter=limiter), realm="r"))


def asking(name: str, password: str) -> Request:
    """Return a request."""
    return Request(target="/me", headers=(basic(name, password),))


class Crowd:
    """Callers who come all at once, by tasks or by threads; the gate opens when so many have their answer as cannot wait.

    Args:
        hasher: whose gate.
        answered_at_once: how many have to be answered before the gate opens.
    """

    def __init__(self, hasher: Gated, answered_at_once: int) -> None:
        self.hasher = hasher
        self.answered_at_once = answered_at_once
        self.answers: list[Answer] = []
        self.lock = threading.Lock()

    def take(self, answer: Answer) -> None:
        """Keep an answer."""
        with self.lock:
            self.answers.append(answer)
            if len(self.answers) >= self.answered_at_once:
                self.hasher.gate.set()

    async def by_tasks(self, made: Guard, requests: list[Request]) -> None:
        """Come as tasks of one event loop."""
        driver = ByASGI(made)

        async def come(request: Request) -> None:
            self.take(await driver.awaited(request))

        async with anyio.create_task_group() as group:
            for request in requests:
                group.start_soon(come, request)

    def by_threads(self, made: Guard, requests: list[Request]) -> None:
        """Come in threads."""
        driver = ByWSGI(made)
        threads = [threading.Thread(target=lambda request=request: self.take(driver(request))) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def statuses(answers: list[Answer]) -> dict[int, int]:
    """Count the answers by status."""
    return {status: sum(answer.status == status for answer in answers) for status in {answer.status for answer in answers}}


@pytest.mark.anyio
async def test_W4_500_wrong_passwords_at_once_compute_no_more_than_the_limit() -> None:
    """Two are computed at a time, 64 wait, and 434 are told at once to come back: 503 with Retry-After, and no challenge."""
    hasher, limiter = Gated(), HashLimiter(2, queue=64)
    crowd = Crowd(hasher, 500 - 66)
    made = guard(hasher, limiter)
    await crowd.by_tasks(made, [asking("ann", f"wrong-{number}") for number in range(500)])
    assert statuses(crowd.answers) == {401: 66, 503: 434}
    assert hasher.peak <= 2
    assert hasher.computed == 66
    turned_away = next(answer for answer in crowd.answers if answer.status == 503)
    assert turned_away.one("retry-after") == "1"
    assert turned_away.one("www-authenticate") is None
    assert json.loads(turned_away.body)["reason"] == "overloaded"
    assert (limiter.running, limiter.waiting) == (0, 0)
    assert (await ByASGI(made).awaited(asking("ann", "s3cret"))).status == 200


def test_W4_threads_are_bounded_alike() -> None:
    """The same under WSGI, where every caller is a thread."""
    hasher, limiter = Gated(), HashLimiter(2, queue=8)
    crowd = Crowd(hasher, 60 - 10)
    made = guard(hasher, limiter)
    crowd.by_threads(made, [asking(f"nobody-{number}", "wrong") for number in range(60)])
    assert statuses(crowd.answers) == {401: 10, 503: 50}
    assert hasher.peak <= 2
    assert hasher.computed == 10
    assert (limiter.running, limiter.waiting) == (0, 0)
    assert ByWSGI(made)(asking("ann", "s3cret")).status == 200


@pytest.mark.anyio
async def test_W4_100_first_requests_of_one_user_cost_one_hash() -> None:
    """Equal requests in flight share one computation, on the event loop."""
    hasher = Gated(is_open=True)
    crowd = Crowd(hasher, 100)
    await crowd.by_tasks(guard(hasher, HashLimiter(2, queue=4)), [asking("ann", "s3cret")] * 100)
    assert statuses(crowd.answers) == {200: 100}
    assert hasher.computed == 1


def test_W4_100_first_requests_of_one_user_cost_one_hash_in_threads() -> None:
    """Equal requests in flight share one computation, in threads. Later ones find it in the cache."""
    hasher = Gated(is_open=True)
    crowd = Crowd(hasher, 100)
    crowd.by_threads(guard(hasher, HashLimiter(2, queue=4)), [asking("ann", "s3cret")] * 100)
    assert statuses(crowd.answers) == {200: 100}
    assert hasher.computed == 1


@pytest.mark.anyio
async def test_W4_cached_callers_are_served_during_a_flood() -> None:
    """A full queue refuses only callers that need a hash."""
    hasher, limiter = Gated(is_open=True), HashLimiter(1, queue=1)
    made = guard(hasher, limiter)
    driver = ByASGI(made)
    assert (await driver.awaited(asking("ann", "s3cret"))).status == 200
    hasher.gate.clear()
    crowd = Crowd(hasher, 18 + 1)

    async def known() -> None:
        with anyio.fail_after(DEADLINE):
            while limiter.waiting < 1:
                await anyio.lowlevel.checkpoint()
            crowd.take(await driver.awaited(asking("ann", "s3cret")))

    async with anyio.create_task_group() as group:
        group.start_soon(known)
        await crowd.by_tasks(made, [asking("ann", f"wrong-{number}") for number in range(20)])
    assert statuses(crowd.answers) == {200: 1, 401: 2, 503: 18}


@pytest.mark.parametrize("length", [1024, 1025, 4000])
def test_W4_long_passwords_are_bounded(length: int) -> None:
    """Whatever its length, a password costs one hash over at most 1,024 octets, and beyond that it never matches."""
    seen: list[int] = []

    class Context:
        """What passlib calls a CryptContext."""

        def hash(self, secret: str | bytes) -> str:
            return CHEAP.hash(secret)

        def verify(self, secret: str | bytes, hash: str) -> bool:  # noqa: A002 - passlib's name
            seen.append(len(secret))
            return True

        def needs_update(self, hash: str) -> bool:  # noqa: A002 - as above
            return False

        def identify(self, hash: str) -> str | None:  # noqa: A002 - as above
            return "argon2"

    users = Users({"ann": HASH}, hasher=Context(), limiter=HashLimiter(1))
    seen.clear()  # the context was tried when the table was made
    answer = ByWSGI(Guard(Basic(users, realm="r")))(asking("ann", "x" * length))
    assert answer.status == (200 if length <= 1024 else 401)
    assert len(seen) == 1
    assert seen[0] <= 1024


def test_W4_accounts_of_a_store_are_bounded_by_the_same_limiter() -> None:
    """The limit belongs to the process: two checkers that are given one limiter share it."""
    hasher, limiter = Gated(), HashLimiter(1, queue=1)
    store = MemoryStore()
    accounts = Accounts(store, hasher=hasher, limiter=limiter)
    accounts.add("ann", password_hash=HASH)
    made: list[Any] = [guard(hasher, limiter), Guard(Basic(accounts, realm="r"))]
    crowd = Crowd(hasher, 18)
    drivers = [ByWSGI(one) for one in made]
    threads = [
        threading.Thread(target=lambda number=number: crowd.take(drivers[number % 2](asking("ann", f"wrong-{number}"))))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses(crowd.answers) == {401: 2, 503: 18}
    assert hasher.peak == 1


class Asked(MemoryStore):
    """A store that blocks, and counts how often it is asked for an account."""

    blocking = True
    asked = 0

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Count."""
        self.asked += 1
        return super().find_account(name, fold_case=fold_case)


@contextmanager
def full(limiter: HashLimiter) -> Iterator[None]:
    """Take every place, and every place to wait."""
    event = threading.Event()
    waiters = [threading.Thread(target=limiter.operation(b"%d" % number, event.wait).run) for number in range(limiter.limit + 1)]
    for waiter in waiters:
        waiter.start()
    while not limiter.is_full:
        os.sched_yield()
    try:
        yield
    finally:
        event.set()
        for waiter in waiters:
            waiter.join()


def decide(made: Guard, field: tuple[str, str]) -> Decision:
    """Decide without an event loop: an error where anything would be waited for."""
    deciding = made.adecide(RequestView("GET", "/me", [field]))
    with pytest.raises(StopIteration) as end:
        deciding.send(None)
    decision: Decision = end.value.value
    return decision


@pytest.mark.parametrize("kind", [Users, Accounts])
def test_W4_a_full_queue_refuses_before_anything_is_built(kind: type[Users | Accounts], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the name is known or not: no store is asked, no hash read, no operation made, no task and no thread started."""
    hasher, limiter, store = Gated(is_open=True), HashLimiter(1, queue=1), Asked()
    users = Users({"ann": HASH}, hasher=hasher, limiter=limiter) if kind is Users else Accounts(store, hasher=hasher, limiter=limiter)
    if isinstance(users, Accounts):
        users.add("ann", password_hash=HASH)
    made = Guard(Basic(users, realm="r"))
    made.decide(RequestView("GET", "/me", [basic("ann", "wrong")]))
    store.asked = hasher.computed = 0
    with full(limiter):
        monkeypatch.setattr(HashLimiter, "operation", fail)
        monkeypatch.setattr(PasswordHasher, "find", fail)
        monkeypatch.setattr(threading.Thread, "start", fail)
        for name, password in [("ann", "wrong"), ("nobody", "wrong"), ("ann", "s3cret")]:
            for decision in (decide(made, basic(name, password)), made.decide(RequestView("GET", "/me", [basic(name, password)]))):
                assert isinstance(decision, Failed)
                assert (decision.reason, decision.retry_after) == (Reason.OVERLOADED, 1)
        monkeypatch.undo()
    assert (store.asked, hasher.computed) == (0, 0)


def fail(*args: object, **options: object) -> Any:
    """Stand in for what must not be called."""
    raise AssertionError(args, options)


def test_W4_a_cached_password_counts_while_the_queue_is_full() -> None:
    """Also where a change of another account ended what the guard cached. A password that was changed meanwhile does not count."""
    hasher, limiter, store = Gated(is_open=True), HashLimiter(1, queue=1), MemoryStore()
    accounts = Accounts(store, hasher=hasher, limiter=limiter)
    for name in ("ann", "bob", "cid"):
        accounts.add(name, password_hash=HASH)
    made = Guard(Basic(accounts, realm="r"))
    assert all(made.decide(RequestView("GET", "/me", [basic(name, "s3cret")])).granted for name in ("ann", "bob"))
    accounts.disable("cid")
    accounts.set_password("bob", "another password")
    with full(limiter):
        assert made.decide(RequestView("GET", "/me", [basic("ann", "s3cret")])).granted
        for name, password in [("bob", "s3cret"), ("bob", "another password"), ("ann", "wrong")]:
            decision = made.decide(RequestView("GET", "/me", [basic(name, password)]))
            assert decision.reason is Reason.OVERLOADED
    assert not made.decide(RequestView("GET", "/me", [basic("bob", "s3cret")])).granted


@pytest.mark.anyio
async def test_W4_equal_requests_join_while_the_queue_is_full() -> None:
    """They need no place of their own: with one place and no queue, twenty requests of one user are served."""
    hasher = Gated(is_open=True)
    crowd = Crowd(hasher, 20)
    await crowd.by_tasks(guard(hasher, HashLimiter(1, queue=0)), [asking("ann", "s3cret")] * 20)
    assert statuses(crowd.answers) == {200: 20}
    assert hasher.computed == 1
