"""Bounds for how long an answer may be reused."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.clock import Clock
    from watchword.stores.ports import Watched


class StoreLease:
    """Current while this process knows of no change of a record, and the clock is between two times.

    Args:
        store: the store of the answer.
        revision: `store.revision()`, from before the record was read.
        subjects: the subjects on which the answer depends, such as `KeyRecord.subjects`.
        clock: the clock of the checker.
        since: the start, Unix seconds; `-inf`: always.
        until: the end, which is excluded; `inf`: never.
    """

    __slots__ = ("_clock", "_revision", "_since", "_store", "_subjects", "_until")

    def __init__(self, store: Watched, revision: int, subjects: Collection[str], clock: Clock, *, since: float, until: float) -> None:
        self._store = store
        self._revision = revision
        self._subjects = subjects
        self._clock = clock
        self._since = since
        self._until = until

    def is_current(self) -> bool:
        """Tell whether the checker would give the same answer now."""
        return self._store.is_current(self._revision, self._subjects) and self._since <= self._clock.now() < self._until

    def __repr__(self) -> str:
        return f"StoreLease({self._subjects!r}, revision={self._revision}, since={self._since}, until={self._until})"


class TimedLease:
    """Current while the clock is between two times. A clock that is set back ends it too.

    Args:
        clock: the clock of the checker.
        since: the start, Unix seconds.
        until: the end, which is excluded.
    """

    __slots__ = ("_clock", "_since", "_until")

    def __init__(self, clock: Clock, since: float, until: float) -> None:
        self._clock = clock
        self._since = since
        self._until = until

    def is_current(self) -> bool:
        """Tell whether the answer may still be used."""
        return self._since <= self._clock.now() < self._until

    def __repr__(self) -> str:
        return f"TimedLease(since={self._since}, until={self._until})"
