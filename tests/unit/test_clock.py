"""Where the time comes from."""

from __future__ import annotations

import time

from watchword.clock import Clock, SystemClock
from watchword.testing import FixedClock


def test_the_system_clock_tells_unix_seconds() -> None:
    """What it says lies between two looks at the machine's own clock."""
    before = time.time()
    now = SystemClock().now()
    assert before <= now <= time.time()


def test_the_fixed_clock_stands_still_until_told_otherwise() -> None:
    """Tests decide what time it is."""
    clock = FixedClock(1_700_000_000)
    assert [clock.now(), clock.now()] == [1_700_000_000.0, 1_700_000_000.0]
    clock.advance(2.5)
    assert clock.now() == 1_700_000_002.5
    clock.set(7)
    assert clock.now() == 7.0
    clock.advance(-7)
    assert clock.now() == 0.0


def test_both_are_clocks() -> None:
    """Whatever takes a clock takes either."""
    clocks: list[Clock] = [SystemClock(), FixedClock()]
    assert [repr(clock) for clock in clocks] == ["SystemClock()", "FixedClock(0.0)"]
