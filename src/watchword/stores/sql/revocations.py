"""Keeps revocations of signed tokens in a database."""

from __future__ import annotations

from threading import Event
from types import NoneType
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, String, and_, bindparam, case, cast, delete, insert, or_, select, tuple_, union_all, update

from watchword.errors import Unavailable
from watchword.stores.audit import Entry
from watchword.stores.bounds import check_text, checked_time, storable
from watchword.stores.ports import RevocationStore
from watchword.stores.sql import codec
from watchword.stores.sql.part import Part
from watchword.stores.sql.schema import accounts, families, meta, not_before, revoked_tokens
from watchword.stores.sql.statements import AT, STATE
from watchword.stores.standing import Standing
from watchword.stores.subjects import issuer_subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Delete, Table

    from watchword.stores.sql.change import Change

_BATCH = 200  # rows in one transaction: some milliseconds of the write lock
_PAUSE = 0.005  # seconds; SQLite's lock is not fair: a waiting connection polls it

_ISSUER: BindParameter[Any] = bindparam("of")  # not "issuer", which would name the column that is set
_JTI: BindParameter[Any] = bindparam("token")
_SUBJECT: BindParameter[Any] = bindparam("who")
_UNTIL: BindParameter[Any] = bindparam("ends")
_ISSUED: BindParameter[Any] = bindparam("issued")

_THIS_TOKEN = and_(revoked_tokens.c.issuer == _ISSUER, revoked_tokens.c.jti == _JTI)
_THIS_SUBJECT = and_(not_before.c.issuer == _ISSUER, not_before.c.subject == _SUBJECT)
# The answer repeats the question: see `Standing`.
_FIND = select(
    *STATE,
    *(cast(asked, String) for asked in (_ISSUER, _SUBJECT, _JTI)),
    revoked_tokens.c.revoked_at,
    not_before.c.revoked_before,
    *codec.FAMILY.columns,
).select_from(
    meta.outerjoin(revoked_tokens, _THIS_TOKEN)
    .outerjoin(not_before, _THIS_SUBJECT)
    .outerjoin(families, families.c.id == bindparam("family"))
    .outerjoin(accounts, accounts.c.id == families.c.owner)
)
_LATEST = case((revoked_tokens.c.until < _UNTIL, _UNTIL), else_=revoked_tokens.c.until)
_EXTEND = update(revoked_tokens).where(_THIS_TOKEN).values(until=_LATEST)
_KEPT_TIME = select(not_before.c.revoked_before).where(_THIS_SUBJECT)
_ADVANCE = update(not_before).where(_THIS_SUBJECT, not_before.c.revoked_before < AT).values(revoked_before=AT)

_OVER = or_(revoked_tokens.c.until < AT, revoked_tokens.c.revoked_at < _ISSUED)
_PASSED = not_before.c.revoked_before < _ISSUED
_ANY_OVER = union_all(select(revoked_tokens.c.issuer).where(_OVER), select(not_before.c.issuer).where(_PASSED)).limit(1)


def _forget(table: Table, over: ColumnElement[bool]) -> Delete:
    key = tuple_(*table.primary_key)
    # Twice: a row may be extended while this waits for its lock, and only the outer condition is tried again then.
    return delete(table).where(key.in_(select(*table.primary_key).where(over).limit(_BATCH)), over)


_FORGET = _forget(revoked_tokens, _OVER), _forget(not_before, _PASSED)


class SQLRevocations(Part, RevocationStore):
    """Answers `RevocationStore` from a database."""

    def find_standing(self, issuer: str, subject: str, jti: str, family: str = "") -> Standing:
        if not (storable(issuer) and storable(subject) and (jti == "" or storable(jti))):
            return Standing(issuer=issuer, subject=subject, jti=jti)
        asked = {"of": issuer, "who": subject, "token": jti, "family": family if storable(family) else ""}
        ((issuer, subject, jti, revoked_at, at, *found),) = self._database.ask(_FIND, asked)
        if not all(isinstance(time, (float, int, NoneType)) for time in (revoked_at, at)):
            raise Unavailable(f"the store does not answer: its revocation of a token of {issuer!r} is damaged; restore it from a backup")
        known = codec.FAMILY.record(found) if found[0] is not None else None
        return Standing(issuer=issuer, subject=subject, jti=jti, revoked_at=revoked_at, not_before=at, family=known)

    def revoke_jti(self, issuer: str, jti: str, at: float, until: float) -> bool:
        check_text("issuer", issuer)
        check_text("jti", jti)
        at, until, subject = checked_time(at), checked_time(until, "until"), issuer_subject("jti", issuer, jti)

        def work(change: Change) -> bool:
            # Written even where nothing changes: it locks the row, which a purge could delete otherwise.
            if change.execute(_EXTEND, {"of": issuer, "token": jti, "ends": until}):
                return False
            change.execute(insert(revoked_tokens), {"issuer": issuer, "jti": jti, "revoked_at": at, "until": until})
            change.alter([subject])
            change.audit(Entry("issuer.token_revoked", jti, "", f"of {issuer}"))
            return True

        return self._database.change(work, locks=[subject])

    def revoke_before(self, issuer: str, subject: str, at: float) -> bool:
        check_text("issuer", issuer)
        check_text("subject", subject)
        at, named, whose = checked_time(at), {"of": issuer, "who": subject}, issuer_subject("sub", issuer, subject)

        def work(change: Change) -> bool:
            if not change.execute(_ADVANCE, {**named, "at": at}):
                if change.rows(_KEPT_TIME, named):
                    return False
                change.execute(insert(not_before), {"issuer": issuer, "subject": subject, "revoked_before": at})
            change.alter([whose])
            change.audit(Entry("issuer.subject_revoked", subject, "", f"of {issuer}"))
            return True

        return self._database.change(work, locks=[whose])

    def purge_revocations(self, before: float, issued_before: float) -> int:
        now, count = self._database.clock.now(), 0
        at = {"at": min(checked_time(before, "before"), now), "issued": min(checked_time(issued_before, "issued_before"), now)}
        while self._database.read(_ANY_OVER, at):
            done = self._database.change(lambda change: _purge(change, at, change.now(self._database.clock)))
            if not done:
                break  # another purge is at work, or the clock of the server is behind
            count += done
            Event().wait(_PAUSE)
        return count


def _purge(change: Change, at: Mapping[str, float], now: float) -> int:
    times = {name: min(time, now) for name, time in at.items()}
    return change.execute(_FORGET[0], times) + change.execute(_FORGET[1], {"issued": times["issued"]})
