"""Bounds how long an answer from a store may be reused."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.clock import Clock
    from watchword.stores.ports import Watched


class StoreLease:
    """Current while nothing has changed about a record, as far as this process knows, and the clock is between two times.

    Args:
        store: where the answer came from.
        revision: `store.revision()`, from before the record was read.
        subjects: what the answer depends on, such as `KeyRecord.subjects`.
        clock: tells the time, as it did to the checker.
        since: from when on the answer is this one, Unix seconds; `-inf`: always.
        until: until when, exclusively; `inf`: for ever.
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
