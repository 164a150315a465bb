"""Computes when a key set is fetched, and for how long the last good one is used. No I/O, and no thread.

    got ───────── refresh point ──────── end ───────────────────────── bound
     │  used          │  used, fetched     │  used; one caller waits for a  │  an outage
     │                │  after a response  │  fetch, then as before         │

Times are measured by a clock that cannot be set. An attempt is claimed before it begins, so one fetch is made however many tokens ask.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from watchword.locking import ProcessLock
from watchword.process import Process

if TYPE_CHECKING:
    from watchword.clock import Clock

COOL_DOWN: Final = 30.0
"""Seconds between two fetches for unknown keys, for all tokens together, and between two attempts while the key server fails."""

SHORTEST: Final = 60.0
LONGEST: Final = 86_400.0
UNSTATED: Final = 600.0
"""The least, the greatest, and the assumed lifetime of a set, in seconds."""

MOST_STALE: Final = 86_400.0
"""Seconds for which a set is used beyond its lifetime, while no new one can be had."""

_EARLY: Final = 0.75  # of the lifetime, when a set is refreshed

Cause: TypeAlias = Literal["missing", "unknown", "due"]
"""Why a set is to be fetched: there is none, it lacks a key, or its lifetime ends."""


class Schedule:
    """The times of one key set. Usable by several threads at once.

    Args:
        clock: measures ages; it cannot be set.
        most_stale: seconds, as above.
    """

    def __init__(self, clock: Clock, most_stale: float = MOST_STALE) -> None:
        self._clock = clock
        self._most_stale = most_stale
        self._lock = ProcessLock()
        self._process = Process()
        self._got_at = inf
        self._due_at = -inf
        self._lifetime = 0.0
        self._failures = 0
        self._tried_at = -inf
        self._pause = 0.0
        self._looked_at = -inf  # when a key was last looked for

    @property
    def is_quiet(self) -> bool:
        """Whether there is a set, and nothing is to be done. Asked for every request, so it reads the clock once."""
        return self._got_at <= self._clock.now() < self._due_at

    @property
    def is_usable(self) -> bool:
        """Whether there is a set, and its bound has not come."""
        return self._age() < self._lifetime + self._most_stale

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt that ended has failed."""
        return self._failures > 0

    @property
    def is_due(self) -> bool:
        """Whether the refresh point has come."""
        return self._age() >= self._lifetime * _EARLY

    @property
    def must_wait(self) -> bool:
        """Whether the next caller waits for a fetch although there is a set: its lifetime has ended, and no fetch has failed since.

        After a failure the attempts are made after responses, and no caller waits. If none is made, a caller waits all the same.
        """
        return self._age() >= self._lifetime and (not self._failures or self._since(self._tried_at) >= 2 * COOL_DOWN)

    @property
    def retry_after(self) -> int:
        """Whole seconds until the next attempt may be made, 1 or more."""
        return max(1, round(self._pause - self._since(self._tried_at) + 0.5)) if self._since(self._tried_at) < self._pause else 1

    def may(self, cause: Cause) -> bool:
        """Tell whether an attempt may begin now.

        Args:
            cause: why.
        """
        self._begin_here()
        if cause == "unknown" and not self._failures:
            # Apart from attempts for other causes: a key that came after one of those is found at once.
            return self._since(self._looked_at) >= COOL_DOWN
        return self._since(self._tried_at) >= self._pause

    def claim(self, cause: Cause) -> bool:
        """Begin an attempt, unless another one has begun.

        Args:
            cause: why.

        Returns:
            Whether the caller is to fetch.
        """
        with self._lock:
            if not self.may(cause):
                return False
            self._tried_at = self._clock.now()
            if cause == "unknown":
                self._looked_at = self._tried_at
            self._pause = COOL_DOWN  # also for an attempt that never ends, because its caller is gone
            return True

    def looked(self) -> None:
        """Record that the last attempt was a look for a key, which the set lacks: where there was no set, that is known at its end."""
        with self._lock:
            self._looked_at = self._tried_at

    def succeeded(self, stated: float | None) -> None:
        """Record that a good set was fetched.

        Args:
            stated: its lifetime in seconds, by its server; None: unknown.
        """
        with self._lock:
            self._got_at = self._clock.now()
            self._lifetime = min(max(UNSTATED if stated is None else stated, SHORTEST), LONGEST)
            self._due_at = self._got_at + self._lifetime * _EARLY
            self._failures = 0

    def failed(self) -> None:
        """Record that no good set could be fetched."""
        with self._lock:
            self._failures += 1
            # Without a set every request fails until one is there, so the first attempts follow each other quickly.
            self._pause = COOL_DOWN if self.is_usable else min(2.0 ** min(self._failures - 1, 10), COOL_DOWN)

    def _age(self) -> float:
        return self._since(self._got_at)

    def _since(self, then: float) -> float:
        """Return the seconds since then. A clock that was set back all the same is no reason to wait for it, nor to trust a set."""
        passed = self._clock.now() - then
        return passed if passed >= 0 else inf

    def _begin_here(self) -> None:
        # An attempt of the parent does not end in a child.
        if not self._process.is_current():
            self._process, self._tried_at, self._looked_at = Process(), -inf, -inf


__all__ = ["COOL_DOWN", "LONGEST", "MOST_STALE", "SHORTEST", "Cause", "Schedule"]
