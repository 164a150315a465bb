"""Keeps families of refresh tokens in dictionaries: a part of `MemoryStore`."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from heapq import nsmallest
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, TypeVar

from watchword.errors import AlreadyExists
from watchword.stores.audit import Entry, login_started
from watchword.stores.bounds import check_page, checked_family, checked_first, checked_time, is_digest, storable
from watchword.stores.memory_audit import MemoryAudit
from watchword.stores.ports import PAGE, RefreshStore
from watchword.stores.rotation import UNKNOWN, Kept, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from watchword.clock import Clock
    from watchword.locking import ProcessLock
    from watchword.stores.changes import Changes
    from watchword.stores.families import FamilyRecord, RefreshRecord
    from watchword.stores.rotation import Presented, Rotation

T = TypeVar("T")


class MemoryFamilies(MemoryAudit, RefreshStore):
    """Answers `RefreshStore` from dictionaries.

    Args:
        lock: of the store.
        changes: of the store.
        clock: of the store.
    """

    def __init__(self, lock: ProcessLock, changes: Changes, clock: Clock) -> None:
        super().__init__(lock, clock)
        self._changes = changes
        self._families: dict[str, FamilyRecord] = {}
        self._refresh: dict[bytes, RefreshRecord] = {}

    @abstractmethod
    def _is_disabled(self, owner: str) -> bool:
        """Return whether an account with this id exists and is disabled. Needs the lock."""

    def start_family(self, family: FamilyRecord, token: RefreshRecord | None = None) -> FamilyRecord:
        family = checked_family(family)
        first = None if token is None else checked_first(token, family)
        with self._lock:
            if family.id in self._families or (first is not None and first.digest in self._refresh):
                raise AlreadyExists(f"there is a family with the id {family.id!r}, or a refresh token with the same digest, already")
            self._families[family.id] = family
            if first is not None:
                self._refresh[first.digest] = first
            self._add_entries(login_started(family))
            return self._of_owner(family)

    def refresh_family(self, presented: Presented) -> Rotation:
        if not is_digest(presented.digest):
            return UNKNOWN
        with self._lock:
            token = self._refresh.get(presented.digest)
            if token is None:
                return UNKNOWN
            family = self._families[token.family]
            successor = None if token.successor is None else self._refresh.get(token.successor)
            rotation = decide(presented, Kept(family=self._of_owner(family), token=token, successor=successor), self._clock.now())
            self._keep(rotation, family)
            return rotation

    def _keep(self, rotation: Rotation, before: FamilyRecord) -> None:
        if (kept := rotation.kept) is None:
            return
        self._refresh[kept.token.digest] = kept.token
        if kept.successor is not None:
            self._refresh[kept.successor.digest] = kept.successor
        if kept.family.revoked_at != before.revoked_at:
            self._families[before.id] = replace(before, revoked_at=kept.family.revoked_at)
            self._changes.note(before.subjects[:1])
            self._add_entries(Entry("login.ended", before.id, before.owner, "a refresh token was used again"))

    def find_family(self, id: str) -> FamilyRecord | None:  # noqa: A002 - the name of the field
        with self._lock:
            family = known(self._families, id)
            return None if family is None else self._of_owner(family)

    def find_refresh(self, digest: bytes) -> Kept | None:
        if not is_digest(digest):
            return None
        with self._lock:
            token = self._refresh.get(digest)
            return None if token is None else Kept(family=self._of_owner(self._families[token.family]), token=token)

    def end_family(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        at = checked_time(at)
        with self._lock:
            family = known(self._families, id)
            if family is None or family.revoked_at is not None:
                return False
            self._families[id] = replace(family, revoked_at=at)
            self._changes.note(family.subjects[:1])
            self._add_entries(Entry("login.ended", id, family.owner))
            return True

    def list_families(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[FamilyRecord]:
        with self._lock:
            found = (family for family in self._families.values() if owner is None or family.owner == owner)
            return tuple(map(self._of_owner, page_of(found, after, limit)))

    def purge_families(self, before: float) -> int:
        before = min(checked_time(before, "before"), self._clock.now())
        with self._lock:
            ended = {family.id for family in self._families.values() if _has_ended(family, before)}
            self._refresh = {
                digest: token for digest, token in self._refresh.items() if token.expires_at >= before and token.family not in ended
            }
            self._families = {id_: family for id_, family in self._families.items() if id_ not in ended}
            return len(ended)

    # The methods below need the lock.

    def _of_owner(self, family: FamilyRecord) -> FamilyRecord:
        return replace(family, owner_disabled=True) if self._is_disabled(family.owner) else family

    def _end_all(self, owner: str, at: float) -> int:
        """End the families of an owner, and return their number. The caller notes the change of the owner."""
        ended = [family for family in self._families.values() if family.owner == owner and family.revoked_at is None]
        self._families.update({family.id: replace(family, revoked_at=at) for family in ended})
        return len(ended)


def _has_ended(family: FamilyRecord, before: float) -> bool:
    return family.expires_at < before or (family.revoked_at is not None and family.revoked_at < before)


class _Named(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=_Named)


def known(table: Mapping[str, T], id: object) -> T | None:  # noqa: A002 - the name of the field
    """Return a record by its id, which may be any value."""
    return table.get(id) if isinstance(id, str) else None


def page_of(records: Iterable[N], after: str, limit: int) -> tuple[N, ...]:
    """Return a page of records in the order of their ids."""
    # Code points order text as its octets in UTF-8 do, so this is the order of the databases.
    check_page(after, limit)
    if after and not storable(after):
        return ()
    return tuple(nsmallest(max(limit, 0), (record for record in records if record.id > after), key=attrgetter("id")))
