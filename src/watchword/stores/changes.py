"""Records the revision at which each subject last changed, as far as one process knows, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MOST = 10_000
"""Changed subjects that are kept: as many as a guard has cached callers."""


class Changes:
    """Numbers the changes that a process learns of.

    Not usable by several threads at once: the owner has a lock.

    Args:
        most: the number of changed subjects to keep. Beyond it the oldest are dropped, and answers cached before they changed expire.
    """

    __slots__ = ("_changed", "_floor", "_most", "revision")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._floor = 0  # nothing cached before this revision is current
        self._changed: dict[str, int] = {}  # the latest last
        self.revision: int = 0

    def note(self, subjects: Iterable[str] | None) -> None:
        """Record a change of some subjects; None: of any subject."""
        self.revision += 1
        if subjects is None:
            self._floor = self.revision
            self._changed.clear()
            return
        for subject in subjects:
            self._changed.pop(subject, None)
            self._changed[subject] = self.revision
        while len(self._changed) > self._most:
            self._floor = max(self._floor, self._changed.pop(next(iter(self._changed))))

    def is_current(self, revision: int, subjects: Collection[str] | None) -> bool:
        """Return whether some subjects, or all for None, have not changed since a revision."""
        if revision == self.revision:
            return True
        if subjects is None or not self._floor <= revision < self.revision:
            return False
        return all(self._changed.get(subject, 0) <= revision for subject in subjects)

    def __repr__(self) -> str:
        return f"Changes(revision={self.revision}, {len(self._changed)} subjects)"
