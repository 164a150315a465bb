"""The log under a flood of refusals."""

from __future__ import annotations

import logging
import tracemalloc
from threading import Timer
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.core import ask
from tests.support.forks import in_child
from tests.support.wire import basic, bearer
from watchword import Basic, Bearer, Guard, Unavailable
from watchword.observe import flood
from watchword.observe.flood import MOST_COUNTED, MOST_KEYS, WHOLE, Flood, Rest, Top
from watchword.reason import Reason
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.LogCaptureFixture]:
    """Show what is logged, and let no timer write a line."""
    monkeypatch.setattr(flood, "_AFTER", 1e6)
    with caplog.at_level(logging.INFO, "watchword"):
        yield caplog


def records(log: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the lines about requests of this file: a timer of another test may write one meanwhile."""
    return [record for record in log.records if "mine" in record.getMessage()]


def facts(log: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the facts of each line."""
    return [record.__dict__["watchword"] for record in records(log)]


def test_five_lines_a_second_stay_whole_and_the_rest_is_one(log: pytest.LogCaptureFixture) -> None:
    """With the number, the networks and names, and the ids of the first and the last request."""
    clock, ids = FixedClock(1_000), iter(range(10_000))
    guard = Guard(Basic(lambda _: None, realm="x"), clock=clock, request_id=lambda: f"mine{next(ids)}")
    for number in range(20):
        guard.decide(ask("/", basic(f"user{number % 4}", "x")))
    assert len(records(log)) == WHOLE
    clock.advance(1)
    guard.decide(ask("/", basic("ann", "x")))
    *whole, rest, after = facts(log)
    assert [one["request_id"] for one in [*whole, after]] == [f"mine{number}" for number in (0, 1, 2, 3, 4, 20)]
    assert (rest["event"], rest["count"], rest["reasons"]) == ("flood", 15, {"invalid_credentials": 15})
    assert (rest["networks"], rest["top_networks"]) == ("1", {"192.0.2.0/24": 15})
    assert (rest["names"], sum(rest["top_names"].values())) == ("4", 15)
    assert (rest["first_request_id"], rest["last_request_id"]) == ("mine5", "mine19")
    assert records(log)[5].levelname == "WARNING"
    message = records(log)[5].getMessage()
    assert message.startswith("refused 15 more requests in the same second (invalid_credentials 15) from 1 networks (192.0.2.0/24 15)")
    assert "user" not in message


def test_noise_hides_no_guessing_from_elsewhere(log: pytest.LogCaptureFixture) -> None:
    """Each reason and each network has its five lines."""
    guard = Guard(Basic(lambda _: None, realm="x"), Bearer(lambda _: None), clock=FixedClock(1_000), request_id=lambda: "mine")
    for _ in range(100):
        guard.decide(ask("/"))
    for _ in range(3):
        guard.decide(ask("/", basic("ann", "x")))
        guard.decide(ask("/", client="198.51.100.1"))
    assert [(one["reason"], one["client"]) for one in facts(log)[5:]] == [
        ("invalid_credentials", "192.0.2.7"),
        ("missing_credentials", "198.51.100.1"),
    ] * 3


def test_an_outage_is_aggregated_too(log: pytest.LogCaptureFixture) -> None:
    """A thousand requests to a store that is down are not a thousand warnings."""

    def away(_: object) -> None:
        raise Unavailable("the directory is down")

    clock = FixedClock(1_000)
    guard = Guard(Bearer(away), clock=clock, request_id=lambda: "mine")
    for number in range(1000):
        clock.set(1_000 + number / 500)
        guard.decide(ask("/", bearer("t")))
    assert len(records(log)) == 2 * WHOLE + 1
    assert facts(log)[5]["count"] == 495


def test_a_clock_that_is_set_back_begins_another_second(log: pytest.LogCaptureFixture) -> None:
    """It silences nothing."""
    clock = FixedClock(1_000)
    guard = Guard(Bearer(lambda _: None), clock=clock, request_id=lambda: "mine")
    for now in (1_000, 900, 1_000):
        clock.set(now)
        for _ in range(7):
            guard.decide(ask("/"))
    assert [one["count"] for one in facts(log) if one.get("event") == "flood"] == [2, 2]


def test_a_flood_that_ends_is_told_of(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a timer, although nothing else is refused."""
    monkeypatch.setattr(flood, "Timer", Timer)
    monkeypatch.setattr(flood, "_AFTER", 0.0)
    told: list[Rest] = []
    gate = Flood(told.append)
    for number in range(7):
        gate.lets_through(Reason.EXPIRED, "", "", f"r{number}", 1_000)
    for _ in range(2000):
        if sum(one.count for one in told) == 2:
            break
        gate.flush()
    assert sum(one.count for one in told) == 2


def test_a_flood_of_networks_and_names_takes_no_memory() -> None:
    """The log gets a bounded number of lines, and the line about the rest says that there were more than it counts."""
    told: list[Rest] = []
    gate = Flood(told.append)
    tracemalloc.start()
    whole = sum(gate.lets_through(Reason.EXPIRED, f"n{number}", f"u{number}", "r", 1_000) for number in range(20_000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert whole == MOST_KEYS
    assert size < 1_000_000
    gate.flush()
    [rest] = told
    assert rest.count == 20_000 - whole
    assert rest.networks.told == rest.names.told == f"over {rest.networks.distinct}"
    assert rest.networks.distinct >= MOST_COUNTED


def test_a_child_tells_of_its_own_refusals_alone() -> None:
    """What its parent has counted, the parent writes."""
    told: list[Rest] = []
    gate = Flood(told.append)
    for number in range(7):
        gate.lets_through(Reason.EXPIRED, "", "", f"r{number}", 1_000)

    def work() -> None:
        gate.flush()
        assert told == []

    assert in_child(work) == 0
    gate.flush()
    assert [one.count for one in told] == [2]


@given(st.lists(st.integers(0, 30), max_size=300), st.integers(1, 10))
def test_a_frequent_key_is_kept(keys: list[int], size: int) -> None:
    """One that makes up more than one part in `size + 1`; no count is too great."""
    top: Top[int] = Top(size)
    for key in keys:
        top.add(key)
    assert len(top.counts) <= size
    for key in set(keys):
        assert top.counts.get(key, 0) <= keys.count(key)
        assert key in top.counts or keys.count(key) <= len(keys) / (size + 1)
