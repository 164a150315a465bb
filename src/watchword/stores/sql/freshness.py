"""Whether what a checker remembers still holds: the generation of a database, as far as this process knows it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from watchword.locking import ProcessLock

if TYPE_CHECKING:
    from watchword.clock import Clock


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the database, before the answer.

    Args:
        at: when it was asked; the answer is no newer than that.
        seen: how many answers had arrived by then.
    """

    at: float
    seen: int


class Freshness:
    """Keeps the generation that was last seen, and since when nobody has asked.

    A generation is a count in the database that grows with every change that may take something away from somebody. Each
    read reports it. While it stays the same and was asked for less than `staleness` seconds ago, what was read still holds.

    Args:
        clock: tells the time.
        staleness: after how many seconds without an answer nothing holds.
    """

    def __init__(self, clock: Clock, staleness: float) -> None:
        self._clock = clock
        self._staleness = staleness
        self._lock = ProcessLock()
        self._revision = 0
        self._confirmed = -inf
        self._generation: int | None = None
        self._asked = 0
        self._answers = 0
        self._answer = 0  # the number of the answer that told the generation

    def revision(self) -> int:
        """Return a number that changes with every change that this process learns of."""
        return self._revision

    def is_current(self, revision: int) -> bool:
        """Tell whether the revision is the present one, and the database was asked a short while ago.

        Args:
            revision: what `revision()` answered.
        """
        now = self._clock.now()
        with self._lock:
            if self._confirmed > now:
                # The clock was set back. Without this the answer would come to life again when it gets there.
                self._confirmed = -inf
            return revision == self._revision and now - self._confirmed < self._staleness

    def asking(self) -> Asked:
        """Return a note of the moment; take it before asking the database."""
        with self._lock:
            self._asked += 1
            return Asked(self._clock.now(), self._answers)

    def answered(self, asked: Asked, generation: int) -> None:
        """Take note of an answer.

        Args:
            asked: from before.
            generation: what the database told.
        """
        with self._lock:
            self._answers += 1
            if self._generation is not None and generation < self._generation and asked.seen < self._answer:
                return  # it was under way while a newer one arrived
            if generation != self._generation:
                # Also where it is smaller although nobody overtook it: the database was restored from a backup.
                # Before the first answer nothing was read, so nothing is remembered; unless somebody else asked earlier, whose
                # answer is an older one and still to come.
                self._revision += self._generation is not None or self._asked > 1
                self._generation = generation
                self._answer = self._answers
                self._confirmed = asked.at
            else:
                self._confirmed = max(self._confirmed, asked.at)

    def changed(self) -> None:
        """Take note of a change that this process makes, or of one that it knows nothing more about."""
        with self._lock:
            self._revision += 1
