"""Keeps the audit trail in memory: a part of `MemoryStore`."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from watchword.stores.audit import AuditRecord, Entry, moment
from watchword.stores.bounds import check_page, checked_time
from watchword.stores.ports import PAGE, AuditStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.clock import Clock
    from watchword.locking import ProcessLock

MOST = 10_000
"""Entries that are kept; the oldest go first."""


class MemoryAudit(AuditStore):
    """Answers `AuditStore` from a list.

    Args:
        lock: of the store.
        clock: of the store.
    """

    def __init__(self, lock: ProcessLock, clock: Clock) -> None:
        self._lock = lock
        self._clock = clock
        self._trail: deque[AuditRecord] = deque(maxlen=MOST)

    def list_audit(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        about: str | None = None,
        since: float | None = None,
        until: float | None = None,
        after: str = "",
        limit: int = PAGE,
    ) -> Sequence[AuditRecord]:
        check_page(after, limit)
        least = after if since is None else max(after, moment(checked_time(since, "since")))
        most = "~" if until is None else moment(checked_time(until, "until"))
        with self._lock:
            found = (
                one
                for one in sorted(self._trail, key=lambda one: one.id)
                if least < one.id < most
                and (actor is None or one.actor == actor)
                and (action is None or one.action == action or one.action.startswith(f"{action}."))
                and (about is None or about in {one.target, one.owner})
            )
            return tuple(islice(found, max(limit, 0)))

    def purge_audit(self, before: float) -> int:
        before = min(checked_time(before, "before"), self._clock.now())
        with self._lock:
            kept = [one for one in self._trail if one.at >= before]
            gone = len(self._trail) - len(kept)
            if gone:
                self._trail = deque(kept, maxlen=MOST)
                self._add_entries(Entry("audit.purged", str(gone)))
            return gone

    def _add_entries(self, *entries: Entry) -> None:
        """Add entries. Needs the lock."""
        self._trail.extend(entry.record(self._clock.now()) for entry in entries)
