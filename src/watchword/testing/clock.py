"""Provides a clock that a test sets."""

from __future__ import annotations


class FixedClock:
    """A clock that stands still until it is set.

    Args:
        now: Unix seconds.
    """

    def __init__(self, now: float = 0) -> None:
        self._now = float(now)

    def now(self) -> float:
        """Return the time, Unix seconds."""
        return self._now

    def set(self, now: float) -> None:
        """Set the time, Unix seconds."""
        self._now = float(now)

    def advance(self, seconds: float) -> None:
        """Move the time by some seconds, forward or, if negative, back."""
        self._now += seconds

    def __repr__(self) -> str:
        return f"FixedClock({self._now!r})"


__all__ = ["FixedClock"]
