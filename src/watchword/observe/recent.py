"""Keeps the latest events in memory, for a console or a test."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from watchword.validators import check_whole

if TYPE_CHECKING:
    from watchword.observe.event import AuthEvent

_MOST = 1_000_000


class Recent:
    """A sink that keeps the latest events of this process.

    Args:
        size: how many; each takes about 500 octets.
    """

    def __init__(self, size: int = 1000) -> None:
        check_whole("Recent(size=...)", size, least=1, most=_MOST, unit="events")
        self._events: deque[AuthEvent] = deque(maxlen=size)
        self.taken: int = 0
        """How many events came so far; of several threads that add one at the same time, some may not be counted."""

    def __call__(self, event: AuthEvent, /) -> None:
        """Keep an event, in place of the oldest one."""
        self._events.append(event)
        self.taken += 1

    def latest(self, most: int | None = None) -> list[AuthEvent]:
        """Return events, the newest first.

        Args:
            most: how many at most; None: all that are kept.
        """
        # A copy is made in one step: other threads may append.
        return list(islice(reversed(self._events.copy()), most))

    def __len__(self) -> int:
        return len(self._events)

    def __repr__(self) -> str:
        return f"Recent({len(self._events)} of {self._events.maxlen} events)"


__all__ = ["Recent"]
