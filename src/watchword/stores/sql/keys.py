"""API keys in a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import insert

from watchword.stores.bounds import checked_key, storable
from watchword.stores.ports import PAGE, KeyRecord
from watchword.stores.sql import records, statements
from watchword.stores.sql.part import MAX_VERSION, Part, is_disabled
from watchword.stores.sql.schema import keys
from watchword.stores.subjects import account_subject, key_subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.stores.sql.change import Change


class SQLKeys(Part):
    """The questions of `KeyStore`."""

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        """Return the key with this id.

        Args:
            id: the public part of the key.

        Raises:
            Unavailable: the database does not answer.
        """
        if not storable(id):
            return None
        (row,) = self._database.ask(statements.FIND_KEY, {"id": id})
        return records.key(row) if row[0] is not None else None

    def add_key(self, key: KeyRecord) -> KeyRecord:
        """Keep a new key.

        Args:
            key: the key.

        Raises:
            AlreadyExists: the id is taken.
            ValueError: it is beyond the bounds of a store.
            Unavailable: the database does not answer.
        """
        key = checked_key(key)
        return self._database.change(lambda change: _add_key(change, key), f"there is a key with the id {key.id!r} already")

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        """Keep a changed key: compare and set; see `KeyStore.replace_key`.

        Args:
            key: as it was read, with the changes.

        Raises:
            ValueError: it is beyond the bounds of a store.
            Unavailable: the database does not answer.
        """
        key = checked_key(key)
        return self._database.change(lambda change: _put_key(change, key))

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        """Keep a changed key and its successor, both or neither; see `KeyStore.rotate_key`.

        Args:
            old: as it was read, with the changes.
            new: the successor.

        Raises:
            AlreadyExists: the id of the successor is taken.
            ValueError: one of them is beyond the bounds of a store.
            Unavailable: the database does not answer.
        """
        old, new = checked_key(old), checked_key(new)

        def work(change: Change) -> KeyRecord | None:
            return None if _put_key(change, old) is None else _add_key(change, new)

        # Whoever revokes all keys of the owner meanwhile finds the successor, too.
        return self._database.change(work, f"there is a key with the id {new.id!r} already", locks=[account_subject(old.owner)])

    def list_keys(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[KeyRecord]:
        """Return keys in the order of their ids.

        Args:
            owner: whose; None: everybody's.
            after: the id after which to begin.
            limit: how many at most.

        Raises:
            Unavailable: the database does not answer.
        """
        question = statements.LIST_KEYS if owner is None else statements.LIST_KEYS_OF
        rows = self._list(question, after, limit, owner)
        return tuple(map(records.key, rows))

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note that a key was used.

        Args:
            id: the key.
            at: when.

        Raises:
            Unavailable: the database does not answer.
        """
        self._note(statements.NOTE_USE, id, at)


def _add_key(change: Change, key: KeyRecord) -> KeyRecord:
    kept = replace(key, version=1)  # keys are never removed, so no version comes again
    change.execute(insert(keys), records.key_row(kept))
    return replace(kept, owner_disabled=is_disabled(change, key.owner))


def _put_key(change: Change, key: KeyRecord) -> KeyRecord | None:
    if not 0 < key.version < MAX_VERSION:
        return None
    found = change.rows(statements.CURRENT_KEY, {"id": key.id, "version": key.version, "owner": key.owner})
    if not found:
        return None
    ((created, used, disabled),) = found
    kept = replace(key, created_at=created, last_used_at=used, version=key.version + 1)
    row = {column: value for column, value in records.key_row(kept).items() if column not in {"created_at", "last_used_at"}}
    if not change.execute(statements.UPDATE_KEY.values(row), {"this": key.id, "current": key.version}):
        return None
    change.alter([key_subject(key.id)])
    return replace(kept, owner_disabled=bool(disabled))
