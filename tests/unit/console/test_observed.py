"""What a console counts: right, and in bounded memory."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from watchword import AuthEvent, ConfigurationError, Reason
from watchword.console import Observed
from watchword.console.charts import share, stacked_bars
from watchword.console.observed import MINUTES, OTHER

NOW = 1_700_000_000.0


def event(**facts: Any) -> AuthEvent:
    """Return an event."""
    known: dict[str, Any] = {
        "time": NOW,
        "request_id": "r1",
        "decision": "challenged",
        "reason": Reason.EXPIRED,
        "scheme": "Bearer",
        "principal": "",
        "client": "192.0.2.7",
        "route": "/orders",
        "requirement": "authenticated",
        "duration": 0.25,
        "cached": False,
    }
    return AuthEvent(**{**known, **facts})


def test_outcomes_and_reasons_are_counted_by_minute() -> None:
    """The last minute of the hour is the one that runs, and empty minutes are there too."""
    observed = Observed()
    for one in (event(), event(decision="granted", reason=None), event(time=NOW - 60)):
        observed(one)
    minutes = observed.minutes(NOW)
    assert len(minutes) == MINUTES
    assert minutes[-1][0] <= NOW < minutes[-1][0] + 60
    assert [dict(minute.kinds) for _, minute in minutes[-3:]] == [{}, {"challenged": 1}, {"challenged": 1, "granted": 1}]
    assert minutes[-1][1].reasons == {Reason.EXPIRED: 1}


def test_only_refusals_are_kept() -> None:
    """The newest first, and no more than wanted."""
    observed = Observed(refusals=2)
    for number in range(3):
        observed(event(request_id=str(number)))
    observed(event(decision="granted", reason=None))
    assert [one.request_id for one in observed.refusals.latest()] == ["2", "1"]
    assert observed.revision == 4


def test_times_are_those_of_checkers() -> None:
    """What the cache answered is no time of a scheme; rules count all."""
    observed = Observed()
    observed(event(duration=0.5))
    observed(event(duration=0.1))
    observed(event(cached=True, duration=0.000001))
    assert observed.schemes()["Bearer"] == (2, 0.6, 0.5)
    assert observed.schemes()["Bearer"].mean == pytest.approx(0.3)
    assert observed.rules()["/orders"].decisions == 3


def test_memory_is_bounded() -> None:
    """Neither time, nor a clock that jumps, nor combinations of rules make it grow."""
    observed = Observed(refusals=10)
    for number in range(3000):
        observed(event(time=NOW + 60 * number, route=f"/{number}", scheme=f"s{number}"))
    observed(event(time=4e9))
    observed(event(time=NOW + 60 * 3000))
    assert len(observed._minutes) <= 2 * MINUTES
    assert len(observed.rules()) == len(observed.schemes()) == 257
    assert observed.rules()[OTHER].decisions > 2000
    assert sum(sys.getsizeof(minute.kinds) for minute in observed._minutes.values()) < 100_000
    assert sum(minute.kinds.total() for _, minute in observed.minutes(NOW + 60 * 3000)) == MINUTES


def test_threads_lose_no_count() -> None:
    """Servers with threads call one sink from several at the same time."""
    observed = Observed()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(observed, [event()] * 2000))
    assert observed.revision == observed.rules()["/orders"].decisions == 2000


@pytest.mark.parametrize("size", [0, -1, 1.5, 10_001])
def test_the_number_of_refusals_is_checked(size: Any) -> None:
    """It is a whole number within bounds."""
    with pytest.raises(ConfigurationError, match=r"Observed\(refusals=\.\.\.\)"):
        Observed(refusals=size)


def test_one_failure_among_thousands_can_be_seen() -> None:
    """A bar has at least one unit, none is drawn for nothing, and no bar leaves the chart."""
    drawn = stacked_bars([[100_000, 1], [0, 0]], ["granted", "failed"], label="<b>").html
    assert drawn.count("<rect") == 2
    assert 'height="1.0" class="failed"' in drawn
    assert 'y="-' not in drawn
    assert "<title>&lt;b&gt;</title>" in drawn
    assert "<rect" not in stacked_bars([[0, 0]], ["granted", "failed"], label="").html
    assert 'width="50.0"' in share(1, 2).html
    assert 'width="0"' in share(0, 0).html
