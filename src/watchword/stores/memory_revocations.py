"""Keeps revocations of signed tokens in dictionaries: a part of `MemoryStore`."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from watchword.stores.audit import Entry
from watchword.stores.bounds import check_text, checked_time
from watchword.stores.memory_families import MemoryFamilies
from watchword.stores.ports import RevocationStore
from watchword.stores.standing import Standing
from watchword.stores.subjects import issuer_subject

if TYPE_CHECKING:
    from watchword.clock import Clock
    from watchword.locking import ProcessLock
    from watchword.stores.changes import Changes


class MemoryRevocations(MemoryFamilies, RevocationStore):
    """Answers `RevocationStore` from dictionaries, beside the families that tokens name."""

    def __init__(self, lock: ProcessLock, changes: Changes, clock: Clock) -> None:
        super().__init__(lock, changes, clock)
        self._revoked: dict[tuple[str, str], tuple[float, float]] = {}  # issuer and jti, to when and until when
        self._not_before: dict[tuple[str, str], float] = {}  # issuer and subject

    def find_standing(self, issuer: str, subject: str, jti: str, family: str = "") -> Standing:
        with self._lock:
            revoked_at, _ = self._revoked.get((issuer, jti), (None, None))
            not_before = self._not_before.get((issuer, subject))
            found = self._families.get(family)
            known = None if found is None else self._of_owner(found)
            return Standing(issuer=issuer, subject=subject, jti=jti, revoked_at=revoked_at, not_before=not_before, family=known)

    def revoke_jti(self, issuer: str, jti: str, at: float, until: float) -> bool:
        check_text("issuer", issuer)
        check_text("jti", jti)
        at, until = checked_time(at), checked_time(until, "until")
        with self._lock:
            first = (issuer, jti) not in self._revoked
            revoked_at, longest = self._revoked.get((issuer, jti), (at, until))
            self._revoked[issuer, jti] = revoked_at, max(until, longest)
            if first:
                self._changes.note([issuer_subject("jti", issuer, jti)])
                self._add_entries(Entry("issuer.token_revoked", jti, "", f"of {issuer}"))
            return first

    def revoke_before(self, issuer: str, subject: str, at: float) -> bool:
        check_text("issuer", issuer)
        check_text("subject", subject)
        at = checked_time(at)
        with self._lock:
            if at <= self._not_before.get((issuer, subject), -inf):
                return False
            self._not_before[issuer, subject] = at
            self._changes.note([issuer_subject("sub", issuer, subject)])
            self._add_entries(Entry("issuer.subject_revoked", subject, "", f"of {issuer}"))
            return True

    def purge_revocations(self, before: float, issued_before: float) -> int:
        now = self._clock.now()
        before, issued_before = min(checked_time(before, "before"), now), min(checked_time(issued_before, "issued_before"), now)
        with self._lock:
            ended = [name for name, (at, until) in self._revoked.items() if until < before or at < issued_before]
            passed = [name for name, at in self._not_before.items() if at < issued_before]
            for name in ended:
                del self._revoked[name]
            for name in passed:
                del self._not_before[name]
            return len(ended) + len(passed)
