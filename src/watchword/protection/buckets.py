"""Counts failures in buckets that drain at a constant rate (the generic cell rate algorithm), in the memory of one process.

A bucket is one number: the time at which it is empty. A failure adds `interval` to it, and it is full `limit * interval` ahead of now. So
at most `limit` failures come at once, and at most `2 * limit` in any `limit * interval`. With fixed windows `2 * limit` could come at once.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from watchword.clock import ticks
from watchword.locking import ProcessLock
from watchword.process import PerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST: Final = 100_000
"""The default bound on buckets that are not empty."""

_SAMPLE: Final = 16  # of which the emptiest bucket is given up
_SPARE: Final = 60.0  # seconds that an empty bucket is kept for an attempt in flight
_TINY: Final = 1e-6  # seconds: times are floats, and what drains to the edge of a failure has room


class Bucket(NamedTuple):
    """One thing that is counted, and how.

    Args:
        key: names it: a digest.
        limit: the most failures at once.
        interval: the seconds in which one failure drains.
    """

    key: bytes
    limit: int
    interval: float


class Refused(NamedTuple):
    """There is no room.

    Args:
        wait: the seconds until there is.
        pending: whether an attempt is in flight, which may give its room back sooner.
        key: of the bucket that has none, the one that takes longest.
    """

    wait: float
    pending: bool
    key: bytes


class Buckets:
    """Buckets in the memory of this process; each process that is forked begins with empty ones.

    Args:
        most: the most buckets that are kept. Beyond it the emptiest of a few is given up, so that a flood of new names frees none that is
            full.
        now: the clock, in seconds; one that is never set back.
    """

    __slots__ = ("_now", "_state")

    def __init__(self, most: int = MOST, now: Callable[[], float] = ticks) -> None:
        self._now = now
        self._state = PerProcess(lambda: _State(most))

    def look(self, buckets: Iterable[Bucket]) -> Refused | None:
        """Tell whether there is no room in one of them; nothing is taken."""
        state, now = self._state.get(), self._now()
        with state.lock:
            return state.refused(buckets, now)

    def reserve(self, buckets: Sequence[Bucket]) -> float | Refused:
        """Take room for one attempt in all of them, or in none.

        Args:
            buckets: those that the attempt counts in.

        Returns:
            When it was taken, for `settle`; or why it was not.
        """
        state, now = self._state.get(), self._now()
        with state.lock:
            refused = state.refused(buckets, now)
            if refused is not None:
                return refused
            for bucket in buckets:
                state.fill(bucket, now, in_flight=True)
            return now

    def settle(self, buckets: Iterable[Bucket], taken: float, *, back: bool) -> None:
        """End an attempt.

        Args:
            buckets: in which it took room.
            taken: when.
            back: whether its room is given back, as far as it has not drained meanwhile; else it counts.
        """
        state, now = self._state.get(), self._now()
        with state.lock:
            for bucket in buckets:
                state.settle(bucket, taken, now, back=back)

    def count(self, buckets: Iterable[Bucket]) -> None:
        """Count a failure, also where a bucket is full."""
        state, now = self._state.get(), self._now()
        with state.lock:
            for bucket in buckets:
                state.fill(bucket, now, in_flight=False)

    def __len__(self) -> int:
        return len(self._state.get().filled)


class _Level:
    """How full one bucket is."""

    __slots__ = ("empty_at", "in_flight", "kept_until")

    def __init__(self, now: float) -> None:
        self.empty_at = now
        self.in_flight = 0
        self.kept_until = now


class _State:
    """The buckets of one process. Its methods are called under its lock."""

    __slots__ = ("_most", "filled", "lock")

    def __init__(self, most: int) -> None:
        self._most = most
        self.filled: OrderedDict[bytes, _Level] = OrderedDict()  # a dict finds its first key slowly, once many were taken out
        self.lock = ProcessLock()

    def refused(self, buckets: Iterable[Bucket], now: float) -> Refused | None:
        """Return why there is no room in one of the buckets; None: there is."""
        longest: Refused | None = None
        for bucket in buckets:
            level = self.filled.get(bucket.key)
            if level is None:
                continue
            over = level.empty_at + bucket.interval - (now + bucket.limit * bucket.interval)
            if over > _TINY and (longest is None or over > longest.wait):
                longest = Refused(over, level.in_flight > 0, bucket.key)
        return longest

    def fill(self, bucket: Bucket, now: float, *, in_flight: bool) -> None:
        """Add one failure."""
        level = self.filled.pop(bucket.key, None)
        if level is None:
            self._make_room(now)
            level = _Level(now)
        most = now + bucket.limit * bucket.interval
        level.empty_at = min(max(level.empty_at, now) + bucket.interval, most)
        level.in_flight += in_flight
        level.kept_until = most + _SPARE
        # At the end: the table is in the order of the last failures.
        self.filled[bucket.key] = level

    def settle(self, bucket: Bucket, taken: float, now: float, *, back: bool) -> None:
        """End one attempt in flight."""
        level = self.filled.get(bucket.key)
        if level is None:  # given up meanwhile, and empty
            return
        level.in_flight = max(0, level.in_flight - 1)
        if back:
            level.empty_at = max(now, level.empty_at - max(0.0, bucket.interval - (now - taken)))

    def _make_room(self, now: float) -> None:
        """Give up what is empty among those that have not failed for longest, and one more where the table is full."""
        oldest = list(islice(self.filled.items(), _SAMPLE))
        for key, level in oldest:
            if level.empty_at <= now and (level.in_flight == 0 or level.kept_until <= now):
                del self.filled[key]
        if len(self.filled) < self._most:
            return
        emptiest = min(oldest, key=lambda entry: entry[1].empty_at)
        # The others are asked again last: a flood of new names must not free those that are full.
        for entry in oldest:
            self.filled.move_to_end(entry[0])
        del self.filled[emptiest[0]]
