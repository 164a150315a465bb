"""Keeps families of refresh tokens in a database."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, bindparam, delete, insert, select, update

from watchword.stores.audit import Entry, login_started
from watchword.stores.bounds import checked_family, checked_first, checked_time, is_digest, storable
from watchword.stores.families import FamilyRecord, RefreshRecord
from watchword.stores.ports import PAGE, RefreshStore
from watchword.stores.rotation import UNKNOWN, Kept, decide
from watchword.stores.sql import codec, statements
from watchword.stores.sql.part import Part, is_disabled
from watchword.stores.sql.schema import accounts, families, meta, refresh_tokens
from watchword.stores.subjects import issued_subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Delete, Select

    from watchword.stores.rotation import Presented, Rotation
    from watchword.stores.sql.change import Change

_BATCH = 200  # rows in one transaction: some milliseconds of the write lock
_PAUSE = 0.005  # seconds; SQLite's lock is not fair: a waiting connection polls it

_THIS = statements.THIS
_DIGEST: BindParameter[Any] = bindparam("digest")
_OWNER = accounts.c.id == families.c.owner
_FIND = select(*statements.STATE, *codec.FAMILY.columns).select_from(
    meta.outerjoin(families, families.c.id == statements.BY_ID).outerjoin(accounts, _OWNER)
)
_FIND_TOKEN = select(*statements.STATE, *codec.REFRESH.columns, *codec.FAMILY.columns).select_from(
    meta.outerjoin(refresh_tokens, refresh_tokens.c.digest == _DIGEST)
    .outerjoin(families, families.c.id == refresh_tokens.c.family)
    .outerjoin(accounts, _OWNER)
)
_WIDTH = len(codec.REFRESH.columns)
_LIST = statements.page(select(*codec.FAMILY.columns).select_from(families.outerjoin(accounts, _OWNER)), families.c.id)
_LIST_OF = _LIST.where(families.c.owner == bindparam("owner"))
_END = update(families).where(families.c.id == _THIS, statements.LIVING_FAMILY).values(revoked_at=statements.AT)

# One lock for all tokens of a family, taken before any is read: who races for one of them, or for it and its successor, waits here.
_LOCK = (
    select(families.c.id)
    .where(families.c.id == select(refresh_tokens.c.family).where(refresh_tokens.c.digest == _DIGEST).scalar_subquery())
    .with_for_update()
)
_TOKEN = select(*codec.REFRESH.columns).where(refresh_tokens.c.digest == _DIGEST)
_UPDATE_TOKEN = update(refresh_tokens).where(refresh_tokens.c.digest == _THIS)


def _page(column: ColumnElement[Any], *ended: ColumnElement[bool]) -> Select[Any]:
    return select(column).where(*ended).limit(bindparam("limit"))


# What has ended never lives again, so it is read by itself, and deleted whatever happens in between.
_EXPIRED = _page(refresh_tokens.c.digest, refresh_tokens.c.expires_at < statements.AT)
_ENDED = tuple(_page(families.c.id, time < statements.AT) for time in (families.c.expires_at, families.c.revoked_at))
_IDS: Any = bindparam("ids", expanding=True)
_FORGET_TOKENS = delete(refresh_tokens).where(refresh_tokens.c.digest.in_(_IDS))
_FORGET = delete(refresh_tokens).where(refresh_tokens.c.family.in_(_IDS)), delete(families).where(families.c.id.in_(_IDS))


class SQLFamilies(Part, RefreshStore):
    """Answers `RefreshStore` from a database."""

    def start_family(self, family: FamilyRecord, token: RefreshRecord | None = None) -> FamilyRecord:
        family = checked_family(family)
        first = None if token is None else checked_first(token, family)

        def work(change: Change) -> FamilyRecord:
            change.execute(insert(families), codec.FAMILY.row(family))
            if first is not None:
                change.execute(insert(refresh_tokens), codec.REFRESH.row(first))
            change.audit(login_started(family))
            return replace(family, owner_disabled=is_disabled(change, family.owner))

        return self._database.change(work, f"there is a family with the id {family.id!r}, or a refresh token with the same digest, already")

    def refresh_family(self, presented: Presented) -> Rotation:
        if not is_digest(presented.digest):
            return UNKNOWN

        def work(change: Change) -> Rotation:
            locked = change.rows(_LOCK, {"digest": presented.digest})
            tokens = change.rows(_TOKEN, {"digest": presented.digest}) if locked else ()
            if not tokens:
                return UNKNOWN
            before = _kept(change, locked[0][0], codec.REFRESH.record(tokens[0]))
            rotation = decide(presented, before, change.now(self._database.clock))
            _write(change, before, rotation)
            return rotation

        return self._database.change(work)

    def find_family(self, id: str) -> FamilyRecord | None:  # noqa: A002 - the name of the field
        return self._find(codec.FAMILY, _FIND, {"id": id}) if storable(id) else None

    def find_refresh(self, digest: bytes) -> Kept | None:
        if not is_digest(digest):
            return None
        (row,) = self._database.ask(_FIND_TOKEN, {"digest": digest})
        token, family = row[:_WIDTH], row[_WIDTH:]
        return None if token[0] is None else Kept(family=codec.FAMILY.record(family), token=codec.REFRESH.record(token))

    def end_family(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        parameters = {"this": id, "at": checked_time(at)}
        subject, entry = issued_subject(FamilyRecord.what, id), Entry("login.ended", id)
        return storable(id) and self._alter(_END, parameters, subject, entry, families.c.owner) > 0

    def list_families(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[FamilyRecord]:
        return self._list(codec.FAMILY, _LIST if owner is None else _LIST_OF, after, limit, owner)

    def purge_families(self, before: float) -> int:
        at = min(checked_time(before, "before"), self._database.clock.now())
        self._forget(_EXPIRED, at, _FORGET_TOKENS)
        return sum(self._forget(ended, at, *_FORGET) for ended in _ENDED)

    def _forget(self, ended: Select[Any], at: float, *deletions: Delete) -> int:
        """Delete rows that have ended, some at a time, so that others can write in between; return their number."""
        count = 0
        while ids := [id_ for (id_,) in self._database.read(ended, {"at": at, "limit": _BATCH})]:
            done = self._database.change(lambda change: [change.execute(one, {"ids": ids}) for one in deletions])
            count += done[-1]
            if done[-1] < len(ids):
                break  # another purge is at work
            Event().wait(_PAUSE)
        return count


def _kept(change: Change, family: str, token: RefreshRecord) -> Kept:
    ((*row,),) = change.rows(statements.FAMILY_OF, {"id": family})
    followed = change.rows(_TOKEN, {"digest": token.successor}) if token.successor is not None else ()
    return Kept(family=codec.FAMILY.record(row), token=token, successor=codec.REFRESH.record(followed[0]) if followed else None)


def _write(change: Change, before: Kept, rotation: Rotation) -> None:
    """Write the records that a rotation has changed."""
    if (kept := rotation.kept) is None:
        return
    if kept.token != before.token:
        change.execute(_UPDATE_TOKEN.values(codec.REFRESH.row(kept.token)), {"this": kept.token.digest})
    if kept.successor is not None and kept.successor != before.successor:
        change.execute(insert(refresh_tokens), codec.REFRESH.row(kept.successor))
    if kept.family.revoked_at != before.family.revoked_at:
        change.execute(_END, {"this": kept.family.id, "at": kept.family.revoked_at})
        change.alter(kept.family.subjects[:1])
        change.audit(Entry("login.ended", kept.family.id, kept.family.owner, "a refresh token was used again"))
