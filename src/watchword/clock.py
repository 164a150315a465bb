"""Tells the time. No other module imports `time`."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from watchword.validators import check_methods

if TYPE_CHECKING:
    from collections.abc import Callable


_uptime: Callable[[], float] = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic


class Clock(Protocol):
    """An object that tells the time; `watchword.testing.FixedClock` is one that stands still."""

    def now(self) -> float:
        """Return the present as Unix seconds."""
        ...


class SystemClock:
    """The clock of the machine."""

    __slots__ = ()

    def now(self) -> float:
        """Return the present as Unix seconds."""
        return time.time()

    def __repr__(self) -> str:
        return "SystemClock()"


class UptimeClock:
    """Counts the seconds since the machine started, including sleep. It cannot be set, so it measures ages.

    Where the system has no such clock (outside Linux), it stands still while the machine sleeps, and does not survive a restart.
    """

    __slots__ = ()

    def now(self) -> float:
        """Return the seconds since some moment in the past."""
        return _uptime()

    def __repr__(self) -> str:
        return "UptimeClock()"


def ticks() -> float:
    """Return seconds of a clock that never goes back; only differences mean anything."""
    return time.perf_counter()


def pause(seconds: float) -> None:
    """Block this thread for a time, in seconds."""
    time.sleep(seconds)


def as_clock(given: Clock | None, owner: str) -> Clock:
    """Return the given clock; None: the clock of the machine.

    Args:
        given: the argument.
        owner: the class that takes it, for the message.

    Raises:
        ConfigurationError: the argument has no now(), or is a class.
    """
    if given is None:
        return SystemClock()
    check_methods(f"{owner}(clock=...)", given, "be an object with now(), such as SystemClock()", "now")
    return given
