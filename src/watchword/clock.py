"""Where the time comes from: the only module that imports `time`."""

from __future__ import annotations

import time
from typing import Protocol


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
