"""Verifying at a bounded price: what is remembered, what shares a computation, and what waits its turn."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from passlib.context import CryptContext

from tests.support.core import argon2_hash
from tests.support.logins import CountingHasher
from watchword import ConfigurationError
from watchword.cache import FOR, MOST
from watchword.checkers import PasswordHasher
from watchword.checkers.verifying import Verifier, as_hasher
from watchword.errors import Overloaded
from watchword.operation import run
from watchword.protection.hash_limiter import HashLimiter, shared_limiter
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

HASH = argon2_hash("s3cret")
NOW = 1_700_000_000.0


class Bench:
    """A verifier, its hasher and its clock."""

    def __init__(self, **options: Any) -> None:
        self.clock = FixedClock(NOW)
        self.hasher = CountingHasher()
        self.verifier = Verifier(hasher=self.hasher, clock=self.clock, **options)

    def asks(self, password: str = "s3cret", *, name: str = "ann", hash_: str = HASH, remember: bool = True) -> tuple[bool, int]:
        """Return the answer, and how many verifications it took."""
        answer = run(self.verifier.verify(name, hash_, password, remember=remember))
        return answer, len(self.hasher.take())


def test_a_right_password_is_verified_once() -> None:
    """And then remembered; a wrong one is verified every time."""
    bench = Bench()
    assert [bench.asks() for _ in range(3)] == [(True, 1), (True, 0), (True, 0)]
    assert [bench.asks("S3cret") for _ in range(3)] == [(False, 1)] * 3
    assert bench.asks() == (True, 0)


def test_who_comes_while_the_first_one_is_told_finds_it_done() -> None:
    """What was verified is remembered before anybody hears of it, so there is no moment at which it would be done again."""
    bench = Bench()
    first, second = (bench.verifier.verify("ann", HASH, "s3cret", remember=True) for _ in range(2))
    computing, late = next(first), next(second)
    assert computing.run() is True
    assert len(bench.hasher.take()) == 1
    assert bench.asks() == (True, 0)  # the first one does not know yet
    assert late.run() is True  # it has looked before, and comes to the limiter when the computation has landed
    assert bench.hasher.take() == []


@pytest.mark.parametrize(
    "other",
    [
        {"password": "s3cret "},
        {"password": "s3cre"},
        {"password": "s3cret\0"},
        {"password": "\0s3cret"},
        {"password": ""},
        {"password": "s3cret" + "x" * 2000},
        {"password": "\ud800"},
        {"hash_": argon2_hash("another")},
        {"hash_": ""},
        {"hash_": HASH[:-1]},
    ],
)
def test_nothing_else_is_let_in_by_memory(other: dict[str, Any]) -> None:
    """Any other password, however near, and any other hash, is verified and found wrong."""
    bench = Bench()
    assert bench.asks() == (True, 1)
    assert bench.asks(**other) == (False, 1)


def test_another_name_is_verified_for_itself() -> None:
    """What was remembered of one name is nothing to another one with the same hash."""
    bench = Bench()
    assert bench.asks() == (True, 1)
    assert bench.asks(name="bob") == (True, 1)
    assert bench.asks(name="") == (True, 1)


def test_a_new_hash_of_the_same_password_is_verified_anew() -> None:
    """A changed password is never matched by memory, whatever it was changed to."""
    bench = Bench()
    assert bench.asks() == (True, 1)
    assert bench.asks(hash_=argon2_hash("s3cret")) == (True, 1)


def test_where_memory_may_not_answer_it_does_not_and_is_not_filled() -> None:
    """Whoever is refused whatever the password costs a verification each time."""
    bench = Bench()
    assert [bench.asks(remember=False) for _ in range(2)] == [(True, 1)] * 2
    assert bench.asks() == (True, 1)
    assert bench.asks(remember=False) == (True, 1)


def test_memory_ends_after_its_time_and_before_it_began() -> None:
    """Five minutes, unless told otherwise; and a clock that was set back makes it useless."""
    bench = Bench()
    assert bench.asks() == (True, 1)
    bench.clock.advance(FOR - 1)
    assert bench.asks() == (True, 0)
    bench.clock.advance(1)
    assert bench.asks() == (True, 1)
    bench.clock.advance(-1)
    assert bench.asks() == (True, 1)


@pytest.mark.parametrize("options", [{"remember": 0}, {"remember_for": 0.0}])
def test_memory_can_be_switched_off(options: dict[str, Any]) -> None:
    """Then every check is verified, and nothing is kept."""
    bench = Bench(**options)
    assert [bench.asks() for _ in range(3)] == [(True, 1)] * 3
    assert len(bench.verifier._known) == 0


def test_memory_is_bounded() -> None:
    """The oldest go first, and 10,000 is the bound unless told otherwise."""
    bench = Bench(remember=3)
    for name in ("a", "b", "c", "d"):
        assert bench.asks(name=name) == (True, 1)
    assert len(bench.verifier._known) == 3
    assert [bench.asks(name=name)[1] for name in ("b", "c", "d")] == [0, 0, 0]
    assert bench.asks(name="a") == (True, 1)
    assert Bench().verifier._known._most == MOST == 10_000


def test_memory_and_operation_hold_no_password_in_the_clear() -> None:
    """Keys are digests under a key of this process; nothing prints what it is bound to."""
    bench = Bench()
    operation = next(bench.verifier.verify("ann", HASH, "s3cret", remember=True))
    bench.asks()
    hashing = bench.verifier.hashing("s3cret")
    for shown in (repr(operation), repr(operation.run), repr(operation.arun), repr(hashing), repr(hashing.run), repr(bench.verifier)):
        assert "s3cret" not in shown
        assert HASH not in shown
    assert repr(bench.verifier) == "Verifier(1 remembered)"
    [key] = bench.verifier._known
    assert len(key) == 32
    assert Bench().verifier._digest.of(b"x") != bench.verifier._digest.of(b"x")


def test_a_password_is_the_same_in_either_form() -> None:
    """Hashed and verified in Normalization Form C, as Basic hands it over (decision D29)."""
    bench = Bench()
    made = bench.verifier.hashing("cafe\u0301").run()
    assert bench.hasher.made == ["caf\u00e9"]
    assert bench.asks("caf\u00e9", hash_=made) == (True, 1)
    assert bench.asks("cafe\u0301", hash_=made) == (True, 0)


class Slow(CountingHasher):
    """A hasher that begins, and waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.release = threading.Event()

    def verify(self, hash: str, password: str | bytes) -> bool:  # noqa: A002 - its name
        """Wait."""
        self.begun.release()
        self.release.wait()
        return super().verify(hash, password)


def while_one_is_computed(do: Callable[[Verifier, Slow], None], **limits: Any) -> None:
    """Do something while ann's password is being verified."""
    hasher = Slow()
    verifier = Verifier(hasher=hasher, limiter=HashLimiter(**limits))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, verifier.verify("ann", HASH, "s3cret", remember=True))
        hasher.begun.acquire()
        try:
            do(verifier, hasher)
        finally:
            hasher.release.set()
        assert first.result() is True


def test_equal_requests_at_the_same_time_share_one_computation() -> None:
    """Nineteen more of the same name and password wait for the first one, though nothing else may wait; there is one hash."""

    def do(verifier: Verifier, hasher: Slow) -> None:
        with ThreadPoolExecutor(19) as pool:
            others = [pool.submit(run, verifier.verify("ann", HASH, "s3cret", remember=True)) for _ in range(19)]
            hasher.release.set()
            assert [other.result() for other in others] == [True] * 19
        assert len(hasher.verified) == 1

    while_one_is_computed(do, limit=1, queue=0)


def test_a_full_queue_refuses_before_there_is_a_hash_to_verify() -> None:
    """All but the name and password that are being verified; with room left nobody is refused."""

    def do(verifier: Verifier, hasher: Slow) -> None:
        verifier.admit("ann", "s3cret")
        for name, password in [("bob", "s3cret"), ("ann", "S3cret")]:
            with pytest.raises(Overloaded):
                verifier.admit(name, password)

    def admit(verifier: Verifier, hasher: Slow) -> None:
        verifier.admit("bob", "s3cret")

    while_one_is_computed(admit, limit=1, queue=1)

    while_one_is_computed(do, limit=1, queue=0)


@pytest.mark.parametrize("other", [("bob", HASH, "s3cret"), ("ann", HASH, "S3cret"), ("ann", argon2_hash("s3cret"), "s3cret")])
def test_what_differs_in_anything_shares_nothing(other: tuple[str, str, str]) -> None:
    """Another name, hash or password wants a place of its own: where there is none it is refused at once."""

    def do(verifier: Verifier, hasher: Slow) -> None:
        with pytest.raises(Overloaded):
            run(verifier.verify(*other, remember=True))

    while_one_is_computed(do, limit=1, queue=0)


def test_two_new_hashes_of_one_password_are_two() -> None:
    """Each has a salt of its own, also where two people choose the same password at the same time."""
    hasher = CountingHasher()
    verifier = Verifier(hasher=hasher, limiter=HashLimiter(2))
    together = threading.Barrier(2)

    class Meeting(CountingHasher):
        def hash(self, password: str | bytes) -> str:
            together.wait(100)
            return super().hash(password)

    verifier.hasher = Meeting()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: verifier.hashing("s3cret").run(), range(2))
    assert one != other
    assert hasher.verify(one, "s3cret")
    assert hasher.verify(other, "s3cret")


def test_new_hashes_wait_their_turn_too() -> None:
    """They are as dear as verifications."""

    def do(verifier: Verifier, hasher: Slow) -> None:
        with pytest.raises(Overloaded):
            verifier.hashing("s3cret").run()

    while_one_is_computed(do, limit=1, queue=0)


def test_the_limiter_of_the_process_is_the_default() -> None:
    """The CPUs belong to the process, and not to a checker."""
    assert Verifier()._limiter is shared_limiter()


@pytest.mark.parametrize("given", [None, PasswordHasher(time_cost=3), CryptContext(["sha512_crypt"], sha512_crypt__rounds=1000)])
def test_a_hasher_is_made_of_what_is_one(given: object) -> None:
    """None at all is the usual one; a hasher is itself; a context of passlib makes the new hashes."""
    made = as_hasher(given)
    if given is None:
        assert repr(made) == repr(PasswordHasher())
    elif isinstance(given, PasswordHasher):
        assert made is given
    else:
        assert made.hash("s3cret").startswith("$6$")


@pytest.mark.parametrize("given", ["argon2", 7, PasswordHasher, object()])
def test_an_invalid_hasher_is_rejected_at_construction(given: object) -> None:
    """Found at construction, and named by its type."""
    with pytest.raises(ConfigurationError, match=r"hasher=\.\.\.\) must be a PasswordHasher or a CryptContext of passlib, got"):
        as_hasher(given)


@pytest.mark.parametrize(
    "options",
    [
        {"remember": -1},
        {"remember": True},
        {"remember": "many"},
        {"remember_for": -1.0},
        {"remember_for": float("nan")},
        {"remember_for": "long"},
        {"remember_for": 86_401},
        {"limiter": 2},
        {"clock": FixedClock},
        {"clock": 1.0},
        {"hasher": "argon2"},
    ],
    ids=str,
)
def test_what_cannot_be_right_is_refused_at_construction(options: dict[str, Any]) -> None:
    """And not with the first request."""
    with pytest.raises(ConfigurationError):
        Verifier(**options)
