"""Keeps what this process knows of the changes in a database, and since when it has not asked."""

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
    """A question to the database, before the answer.

    Args:
        at: when it was asked; the answer is no older than that.
        position: the generation that was known then: the answer brings what changed since. None: no generation is known.
        moves: how often the position had moved by then.
    """

    at: float
    position: int | None
    moves: int


class Freshness:
    """Follows the log of a database, and tells what is still current.

    The promise: what was cached of a subject is not current more than `staleness` seconds after a change of it was committed. Each
    answer of the database brings its generation and the changes that lead to it. They are applied first. Only then the time until which
    answers are relied upon is counted on, from *before* the question: every change that was committed before the question is in its
    answer. So while that time lasts, no unknown change is older than `staleness`.

    Args:
        clock: measures the time between two questions.
        staleness: after how many seconds without a question nothing is current.
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
        """Return whether these subjects did not change since a revision, as of less than `staleness` seconds ago.

        Args:
            revision: what `revision()` returned.
            subjects: what is asked about; None: everything.
        """
        now = self._clock.now()
        with self._lock:
            if self._confirmed > now:
                # The clock was set back. Without this the answer would come to life again when it gets there.
                self._confirmed = -inf
            return now - self._confirmed < self._staleness and self._changes.is_current(revision, subjects)

    def asking(self) -> Asked:
        """Return a note of the moment; take it before asking the database."""
        with self._lock:
            self._asked += 1
            return Asked(self._clock.now(), self._position, self._moves)

    def answered(self, asked: Asked, generation: int, news: Iterable[Entry] = ()) -> None:
        """Take note of an answer.

        Args:
            asked: from before.
            generation: what the database is at.
            news: the changes since `asked.position`, in any order.
        """
        with self._lock:
            if generation != self._position:
                steps = self._steps(generation, news)
                if steps is None:
                    if self._position is not None and asked.moves < self._moves:
                        return  # it was under way while a newer one arrived
                    # The log does not lead there: see `log`. Before the first answer nothing was read, so nothing is cached;
                    # unless another question was asked earlier, whose answer is an older one and still to come.
                    if self._position is not None or self._asked > 1:
                        self._changes.note(None)
                for step in steps or ():
                    self._changes.note(step.subjects)
                self._move(generation)
            self._confirmed = max(self._confirmed, asked.at)

    def changed(self, asked: Asked, entry: Entry) -> None:
        """Take note of a change that this process has committed.

        Args:
            asked: from before its transaction.
            entry: what was logged.
        """
        with self._lock:
            self._changes.note(entry.subjects)
            if entry.previous == self._position:  # else others made changes meanwhile, and the next answer brings all of them
                self._move(entry.id)
                self._confirmed = max(self._confirmed, asked.at)

    def forget(self) -> None:
        """Take note of a change of which nothing is known, not even whether it was made."""
        with self._lock:
            self._changes.note(None)

    def _steps(self, generation: int, news: Iterable[Entry]) -> Sequence[Entry] | None:
        """Return the changes that lead from the position to a generation; None: they are not all there."""
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
