"""Reads and purges the audit trail in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, bindparam, delete, or_, select

from watchword.stores.audit import AuditRecord, Entry, moment
from watchword.stores.bounds import MAX_COUNT, check_page, checked_time, storable
from watchword.stores.ports import PAGE, AuditStore
from watchword.stores.sql.part import Part
from watchword.stores.sql.schema import audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.stores.sql.change import Change

_BATCH = 500  # entries in one transaction: some milliseconds of the write lock
_FORGET = delete(audit).where(audit.c.id.in_(select(audit.c.id).where(audit.c.id < bindparam("until")).limit(_BATCH)))


class SQLAudit(Part, AuditStore):
    """Answers `AuditStore` from a database."""

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
        given = (actor or None, action, about, after or None)
        if limit < 1 or not all(text is None or storable(text) for text in given):
            return ()
        wanted: list[ColumnElement[bool]] = [audit.c.id > (after if since is None else max(after, moment(checked_time(since, "since"))))]
        if until is not None:
            wanted.append(audit.c.id < moment(checked_time(until, "until")))
        if actor is not None:
            wanted.append(audit.c.actor == actor)
        if action is not None:
            wanted.append(or_(audit.c.action == action, audit.c.action.startswith(f"{action}.", autoescape=True)))
        if about is not None:
            wanted.append(or_(audit.c.target == about, audit.c.owner == about))
        question: Any = select(audit).where(*wanted).order_by(audit.c.id).limit(min(limit, MAX_COUNT))
        names = audit.c.keys()
        return tuple(AuditRecord(**dict(zip(names, row, strict=True))) for row in self._database.read(question, {}))

    def purge_audit(self, before: float) -> int:
        until = moment(min(checked_time(before, "before"), self._database.clock.now()))
        gone = 0
        while done := self._database.change(lambda change: change.execute(_FORGET, {"until": until})):
            gone += done

        def work(change: Change) -> None:
            change.audit(Entry("audit.purged", str(gone)))

        if gone:
            self._database.change(work)
        return gone
