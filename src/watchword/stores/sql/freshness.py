"""Tracks the changes of a database that this process knows, and the time of its last query."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from watchword.locking import ProcessLock
from watchword.stores.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from watchword.clock import Clock
    from watchword.stores.sql.log import Entry


class Asked(NamedTuple):
    """A query to the database, before its answer.

    Args:
        at: when it was sent; the answer is no older than that.
        position: the generation known then: the answer has the changes since. None: unknown.
        moves: how often the position had moved by then.
    """

    at: float
    position: int | None
    moves: int


class Freshness:
    """Follows the log of a database, and tells which cached answers are current.

    The promise: an answer about a subject is not current more than `staleness` seconds after a change of it was committed. Each answer of
    the database carries its generation and the changes that lead to it. They are applied first. Only then is the deadline moved, counted
    from *before* the query: its answer includes every change committed before it. So until the deadline no unknown change is older than
    `staleness`.

    Args:
        clock: measures the time between two queries.
        staleness: seconds without a query after which nothing is current.
    """

    def __init__(self, clock: Clock, staleness: float) -> None:
        self._clock = clock
        self._staleness = staleness
        self._lock = ProcessLock()
        self._changes = Changes()
        self._confirmed = -inf
        self._position: int | None = None
        self._moves = 0
        self._asked = 0

    def revision(self) -> int:
        """Return the number of the newest change that this process knows."""
        return self._changes.revision

    def is_current(self, revision: int, subjects: Collection[str] | None = None) -> bool:
        """Return whether some subjects, or all for None, did not change since a revision, as of less than `staleness` seconds ago."""
        now = self._clock.now()
        with self._lock:
            if self._confirmed > now:
                # The clock was set back. Without this an expired answer would be current again later.
                self._confirmed = -inf
            return now - self._confirmed < self._staleness and self._changes.is_current(revision, subjects)

    def asking(self) -> Asked:
        """Return a note of the moment. Take it before the query."""
        with self._lock:
            self._asked += 1
            return Asked(self._clock.now(), self._position, self._moves)

    def answered(self, asked: Asked, generation: int, news: Iterable[Entry] = ()) -> None:
        """Apply an answer: the generation of the database, and the changes since `asked.position`, in any order."""
        with self._lock:
            if generation != self._position:
                steps = self._steps(generation, news)
                if steps is None:
                    if self._position is not None and asked.moves < self._moves:
                        return  # a newer answer arrived first
                    # The log does not lead there: see `log`. Before the first answer nothing is cached, unless an earlier query is
                    # still under way: its answer is older.
                    if self._position is not None or self._asked > 1:
                        self._changes.note(None)
                for step in steps or ():
                    self._changes.note(step.subjects)
                self._move(generation)
            self._confirmed = max(self._confirmed, asked.at)

    def changed(self, asked: Asked, entry: Entry) -> None:
        """Apply a change that this process has committed; `asked` is from before its transaction."""
        with self._lock:
            self._changes.note(entry.subjects)
            if entry.previous == self._position:  # else other processes made changes meanwhile, and the next answer has them
                self._move(entry.id)
                self._confirmed = max(self._confirmed, asked.at)

    def forget(self) -> None:
        """Apply an unknown change, which may or may not have been made."""
        with self._lock:
            self._changes.note(None)

    def _steps(self, generation: int, news: Iterable[Entry]) -> Sequence[Entry] | None:
        """Return the changes that lead from the position to a generation; None: some are missing."""
        following = {entry.previous: entry for entry in news}
        steps: list[Entry] = []
        position = self._position
        while position is not None and position != generation and len(steps) <= len(following):
            if (step := following.get(position)) is None:
                return None
            steps.append(step)
            position = step.id
        return steps if position == generation else None

    def _move(self, position: int) -> None:
        self._position = position
        self._moves += 1
