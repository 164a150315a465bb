"""Where the time comes from: the only module that imports `time`."""

from __future__ import annotations

import time
from typing import Protocol

from watchword.errors import ConfigurationError


class Clock(Protocol):
    """Anything that tells the time; `watchword.testing.FixedClock` is one that stands still."""

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


def as_clock(given: Clock | None, owner: str) -> Clock:
    """Return a clock for what somebody was given; None: the machine's.

    Args:
        given: what stands where the clock should.
        owner: who was given it, for the message.

    Raises:
        ConfigurationError: it is something else: a class, or a number.
    """
    if given is None:
        return SystemClock()
    if isinstance(given, type) or not callable(getattr(given, "now", None)):
        raise ConfigurationError(f"{owner}(clock=...) takes an object with now(), such as SystemClock(), not {given!r}")
    return given
