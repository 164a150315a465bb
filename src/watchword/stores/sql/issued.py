"""Keeps API keys and opaque tokens in a database."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy import insert

from watchword.stores.audit import Entry, issued, key_changed, subject_revoked
from watchword.stores.bounds import checked_issued, checked_time, is_digest, storable
from watchword.stores.ports import PAGE, KeyStore, TokenStore
from watchword.stores.records import KeyRecord, TokenRecord
from watchword.stores.sql import codec, statements
from watchword.stores.sql.log import MOST_SUBJECTS
from watchword.stores.sql.part import MAX_VERSION, Part, is_disabled, revoke_all
from watchword.stores.sql.schema import keys, tokens
from watchword.stores.subjects import account_subject, issued_subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.stores.sql.change import Change


_BATCH = 500  # tokens in one transaction: some milliseconds of the write lock
_PAUSE = 0.005  # seconds; SQLite's lock is not fair: a waiting connection polls it


class SQLIssued(Part, KeyStore, TokenStore):
    """Answers `KeyStore` and `TokenStore` from a database."""

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        return self._find(codec.KEY, statements.FIND_KEY, {"id": id}) if storable(id) else None

    def add_key(self, key: KeyRecord) -> KeyRecord:
        key = checked_issued(key, KeyRecord)
        return self._database.change(lambda change: _add_key(change, key), _taken(key))

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        key = checked_issued(key, KeyRecord)
        return self._database.change(lambda change: _put_key(change, key))

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        old, new = checked_issued(old, KeyRecord), checked_issued(new, KeyRecord)

        def work(change: Change) -> KeyRecord | None:
            return None if _put_key(change, old) is None else _add_key(change, new)

        # The lock of the owner: a concurrent `revoke_all` must find the successor too.
        return self._database.change(work, _taken(new), locks=[account_subject(old.owner)])

    def list_keys(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[KeyRecord]:
        question = statements.LIST_KEYS if owner is None else statements.LIST_KEYS_OF
        return self._list(codec.KEY, question, after, limit, owner)

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        self._note(statements.NOTE_USE, id, at)

    def find_token(self, digest: bytes) -> TokenRecord | None:
        return self._find(codec.TOKEN, statements.FIND_TOKEN, {"digest": digest}) if is_digest(digest) else None

    def get_token(self, id: str) -> TokenRecord | None:  # noqa: A002 - as above
        return self._find(codec.TOKEN, statements.GET_TOKEN, {"id": id}) if storable(id) else None

    def add_token(self, token: TokenRecord) -> TokenRecord:
        token = checked_issued(token, TokenRecord)

        def work(change: Change) -> TokenRecord:
            change.execute(insert(tokens), codec.TOKEN.row(token))
            families = change.rows(statements.FAMILY_OF, {"id": token.sid}) if token.sid is not None else ()
            family = codec.FAMILY.record(families[0]) if families else None
            if token.sid is None:  # an access token of a login is made with every refresh
                change.audit(issued(token))
            return replace(token, owner_disabled=is_disabled(change, token.owner), family=family)

        return self._database.change(work, f"there is a token with the handle {token.id!r}, or with the same digest, already")

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        parameters = {"this": id, "at": checked_time(at)}
        subject, entry = issued_subject(TokenRecord.what, id), Entry("token.revoked", id)
        return storable(id) and self._alter(statements.REVOKE_TOKEN, parameters, subject, entry, tokens.c.subject) > 0

    def list_tokens(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[TokenRecord]:
        question = statements.LIST_TOKENS if owner is None else statements.LIST_TOKENS_OF
        return self._list(codec.TOKEN, question, after, limit, owner)

    def purge_tokens(self, before: float) -> int:
        # Each page is read and written by itself, so that others can write in between. An interrupted purge keeps its progress.
        at = min(checked_time(before, "before"), self._database.clock.now())
        count, after, gone = 0, b"", set[str]()
        while page := self._database.read(statements.DIGESTS, {"at": at, "after": after, "limit": _BATCH}):
            after = page[-1][0]
            ended = {digest: id_ for digest, id_, has_ended in page if has_ended}
            if ended:
                parameters = {"at": at, "digests": list(ended)}
                count += self._database.change(lambda change: change.execute(statements.PURGE, parameters))  # noqa: B023 - called at once
                if len(gone) <= MOST_SUBJECTS:
                    gone.update(issued_subject(TokenRecord.what, id_) for id_ in ended.values())
                Event().wait(_PAUSE)
        if count:
            # A process whose clock is behind may still accept a deleted token from its cache.
            self._database.change(lambda change: change.alter(gone))
        return count

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        parameters = {"this": subject, "at": checked_time(at)}
        if not storable(subject):
            return 0, 0

        def work(change: Change) -> tuple[int, int]:
            revoked = revoke_all(change, parameters)
            if any(revoked):
                change.alter([account_subject(subject)])
                change.audit(subject_revoked(subject, revoked))
            return revoked

        return self._database.change(work, locks=[account_subject(subject)])


def _taken(key: KeyRecord) -> str:
    return f"there is a key with the id {key.id!r} already"


def _add_key(change: Change, key: KeyRecord) -> KeyRecord:
    kept = replace(key, version=1)  # keys are never removed, so a version never returns
    change.execute(insert(keys), codec.KEY.row(kept))
    change.audit(issued(kept))
    return replace(kept, owner_disabled=is_disabled(change, key.owner))


def _put_key(change: Change, key: KeyRecord) -> KeyRecord | None:
    if not 0 < key.version < MAX_VERSION:
        return None
    found = change.rows(statements.CURRENT_KEY, {"id": key.id, "version": key.version, "owner": key.owner})
    if not found:
        return None
    stored = codec.KEY.record(found[0])
    kept = replace(key, created_at=stored.created_at, last_used_at=stored.last_used_at, version=key.version + 1)
    row = {column: value for column, value in codec.KEY.row(kept).items() if column not in {"created_at", "last_used_at"}}
    if not change.execute(statements.UPDATE_KEY.values(row), {"this": key.id, "current": key.version}):
        return None
    change.alter(key.subjects[:1])
    change.audit(key_changed(stored, kept))
    return replace(kept, owner_disabled=stored.owner_disabled)
