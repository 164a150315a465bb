"""Reads records and pages, changes single rows, and notes uses: the base of `SQLAccounts`, `SQLIssued` and `SQLFamilies`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from watchword.stores.bounds import MAX_COUNT, check_page, checked_time, storable
from watchword.stores.ports import AccountRecord, FamilyRecord, KeyRecord, TokenRecord
from watchword.stores.sql import statements

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from watchword.stores.audit import Entry
    from watchword.stores.sql.change import Change
    from watchword.stores.sql.codec import Codec
    from watchword.stores.sql.database import Database

R = TypeVar("R", bound=AccountRecord | KeyRecord | TokenRecord | FamilyRecord)

MAX_VERSION = 2**63 - 1


class Part:
    """A part of a store, over its database."""

    _database: Database

    def _alter(
        self,
        statement: Any,  # noqa: ANN401 - an update or a delete
        parameters: dict[str, Any],
        subject: str,
        entry: Entry | None = None,
        owner: ColumnElement[str] | None = None,
    ) -> int:
        """Change one row, and write the entry of the audit trail, with the owner from a column of the row."""
        stated = statement if owner is None else statement.returning(owner)

        def work(change: Change) -> int:
            owners = [] if owner is None else change.rows(stated, parameters)
            changed = change.execute(stated, parameters) if owner is None else len(owners)
            if changed:
                change.alter([subject])
                if entry is not None:
                    change.audit(entry._replace(owner=str(owners[0][0])) if owners else entry)
            return changed

        return self._database.change(work)

    def _note(self, statement: Any, id: str, at: float) -> None:  # noqa: A002, ANN401 - as above
        at = checked_time(at)
        if storable(id):
            self._database.notes.add(statement, id, at)

    def _find(self, codec: Codec[R], question: Select[Any], parameters: dict[str, Any]) -> R | None:
        (row,) = self._database.ask(question, parameters)
        return codec.record(row) if row[0] is not None else None

    def _list(self, codec: Codec[R], question: Select[Any], after: str, limit: int, owner: str | None = None) -> tuple[R, ...]:
        check_page(after, limit)
        if limit < 1 or (after and not storable(after)) or (owner is not None and not storable(owner)):
            return ()
        parameters = {"after": after, "limit": min(limit, MAX_COUNT)} | ({} if owner is None else {"owner": owner})
        return tuple(map(codec.record, self._database.read(question, parameters)))


def is_disabled(change: Change, owner: str) -> bool:
    """Return whether an account with this id exists and is disabled."""
    return any(disabled for (disabled,) in change.rows(statements.DISABLED, {"owner": owner}))


def revoke_all(change: Change, parameters: dict[str, Any]) -> tuple[int, int]:
    """Revoke everything that was issued to an owner; return the numbers of keys, and of tokens and families."""
    keys, tokens = change.execute(statements.REVOKE_KEYS, parameters), change.execute(statements.REVOKE_TOKENS, parameters)
    return keys, tokens + change.execute(statements.END_FAMILIES, parameters)
