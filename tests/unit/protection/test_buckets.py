"""Buckets against a model that keeps every failure: what fits, what is given back, what is given up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from watchword.protection.buckets import MOST, Bucket, Buckets, Refused

LIMIT, INTERVAL = 3, 8.0  # with times in eighths of a second, so that the model and the buckets calculate exactly
KEYS = [b"a", b"b", b"c"]


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class Level:
    """One bucket of the model, in failures: how many it holds, and since when."""

    held: float = 0.0
    since: float = 1000.0
    in_flight: int = 0

    def at(self, now: float) -> float:
        """Return how many failures it holds at a time."""
        return max(0.0, self.held - (now - self.since) / INTERVAL)

    def put(self, held: float, now: float) -> None:
        """Note how many it holds."""
        self.held, self.since = held, now


@dataclass
class Attempt:
    """One attempt in flight."""

    keys: list[bytes]
    taken: float
    real: float = field(default=0.0)


class Model(RuleBasedStateMachine):
    """Random attempts, ends and pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.buckets = Buckets(now=self.clock)
        self.levels = {key: Level() for key in KEYS}
        self.flying: list[Attempt] = []

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
    def reserve(self, keys: list[bytes]) -> None:
        """Room is there exactly if each bucket has it."""
        now = self.clock.now
        taken = self.buckets.reserve([Bucket(key, LIMIT, INTERVAL) for key in keys])
        fits = all(self.levels[key].at(now) + 1 <= LIMIT for key in keys)
        assert isinstance(taken, Refused) is not fits
        if isinstance(taken, Refused):
            longest = max(keys, key=lambda key: self.levels[key].at(now))
            assert abs(taken.wait - (self.levels[longest].at(now) + 1 - LIMIT) * INTERVAL) < 1e-6
            assert taken.wait <= INTERVAL
            return
        for key in keys:
            self.levels[key].put(min(self.levels[key].at(now) + 1, LIMIT), now)
            self.levels[key].in_flight += 1
        self.flying.append(Attempt(keys, now, taken))

    @rule(data=st.data(), back=st.booleans())
    def settle(self, data: Any, *, back: bool) -> None:
        """What is given back is what has not drained yet."""
        if not self.flying:
            return
        attempt = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        self.buckets.settle([Bucket(key, LIMIT, INTERVAL) for key in attempt.keys], attempt.real, back=back)
        now = self.clock.now
        for key in attempt.keys:
            level = self.levels[key]
            level.in_flight -= 1
            if back:
                level.put(max(0.0, level.at(now) - max(0.0, 1 - (now - attempt.taken) / INTERVAL)), now)

    @rule(key=st.sampled_from(KEYS))
    def count(self, key: bytes) -> None:
        """A failure that was not reserved counts up to the limit."""
        self.buckets.count([Bucket(key, LIMIT, INTERVAL)])
        level, now = self.levels[key], self.clock.now
        level.put(min(level.at(now) + 1, LIMIT), now)

    @rule(eighths=st.integers(0, 320))
    def wait(self, eighths: int) -> None:
        """Time passes."""
        self.clock.now += eighths / 8

    @invariant()
    def looks_are_the_same(self) -> None:
        """`look` tells what `reserve` would, and writes nothing."""
        for key in KEYS:
            refused = self.buckets.look([Bucket(key, LIMIT, INTERVAL)])
            assert (refused is None) is (self.levels[key].at(self.clock.now) + 1 <= LIMIT)
            assert refused is None or refused.pending == (self.levels[key].in_flight > 0)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=min(settings().max_examples, 300), stateful_step_count=40)


@settings(max_examples=min(settings().max_examples, 1000))
@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_at_most_the_limit_at_once_and_twice_in_a_window(pauses: list[float]) -> None:
    """However attempts are spread."""
    clock, taken = Clock(), list[float]()
    buckets = Buckets(now=clock)
    for pause in pauses:
        clock.now += pause
        if not isinstance(buckets.reserve([Bucket(b"k", LIMIT, INTERVAL)]), Refused):
            taken.append(clock.now)
    for start in taken:
        assert sum(start <= one < start + LIMIT * INTERVAL for one in taken) <= 2 * LIMIT
        assert sum(one == start for one in taken) <= LIMIT


def test_a_flood_of_names_is_bounded_and_frees_none_that_is_full() -> None:
    """The emptiest of the oldest are given up."""
    clock = Clock()
    buckets = Buckets(most=100, now=clock)
    full = Bucket(b"full", LIMIT, INTERVAL)
    for _ in range(LIMIT):
        buckets.reserve([full])
    for number in range(5000):
        buckets.reserve([Bucket(b"%d" % number, LIMIT, INTERVAL)])
        clock.now += 0.0001
        assert len(buckets) <= 100
    assert isinstance(buckets.reserve([full]), Refused)


def test_what_has_drained_is_forgotten() -> None:
    """With the next new bucket, a few at a time."""
    clock = Clock()
    buckets = Buckets(now=clock)
    for number in range(50):
        buckets.count([Bucket(b"%d" % number, LIMIT, INTERVAL)])
    clock.now += 1000
    for number in range(10):
        buckets.count([Bucket(b"new %d" % number, LIMIT, INTERVAL)])
    assert len(buckets) == 10


@pytest.mark.long
def test_a_million_names_are_bounded() -> None:
    """Of as many clients, at a rate that leaves no time to drain."""
    clock = Clock()
    buckets = Buckets(now=clock)
    for number in range(1_000_000):
        buckets.reserve([Bucket(b"%d" % number, LIMIT, 3600.0)])
        clock.now += 0.0001
    assert len(buckets) == MOST
