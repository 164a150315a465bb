"""Opaque tokens in a database."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy import insert

from watchword.stores.bounds import checked_time, checked_token, is_digest, storable
from watchword.stores.ports import PAGE, TokenRecord
from watchword.stores.sql import records, statements
from watchword.stores.sql.log import MOST_SUBJECTS
from watchword.stores.sql.part import Part, is_disabled
from watchword.stores.sql.schema import tokens
from watchword.stores.subjects import token_subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.stores.sql.change import Change


_BATCH = 500  # tokens in one transaction: some milliseconds of the write lock
_PAUSE = 0.005  # seconds; SQLite's lock is not fair: who waits for it asks again only now and then


class SQLTokens(Part):
    """The questions of `TokenStore`."""

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """Return the token with this digest.

        Args:
            digest: the SHA-256 digest of the token.

        Raises:
            Unavailable: the database does not answer.
        """
        if not is_digest(digest):
            return None
        (row,) = self._database.ask(statements.FIND_TOKEN, {"digest": digest})
        return records.token(row) if row[0] is not None else None

    def add_token(self, token: TokenRecord) -> TokenRecord:
        """Keep a new token.

        Args:
            token: the token.

        Raises:
            AlreadyExists: the digest or the handle is taken.
            ValueError: it is beyond the bounds of a store.
            Unavailable: the database does not answer.
        """
        token = checked_token(token)

        def work(change: Change) -> TokenRecord:
            change.execute(insert(tokens), records.token_row(token))
            return replace(token, subject_disabled=is_disabled(change, token.subject))

        return self._database.change(work, f"there is a token with the handle {token.id!r}, or with the same digest, already")

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - the name of the field
        """Revoke a token by its handle.

        Args:
            id: the handle.
            at: when.

        Raises:
            Unavailable: the database does not answer.
        """
        parameters = {"this": id, "at": checked_time(at)}
        return storable(id) and self._alter(statements.REVOKE_TOKEN, parameters, token_subject(id)) > 0

    def list_tokens(self, *, subject: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[TokenRecord]:
        """Return tokens in the order of their handles.

        Args:
            subject: whose; None: everybody's.
            after: the handle after which to begin.
            limit: how many at most.

        Raises:
            Unavailable: the database does not answer.
        """
        question = statements.LIST_TOKENS if subject is None else statements.LIST_TOKENS_OF
        rows = self._list(question, after, limit, subject)
        return tuple(map(records.token, rows))

    def purge_tokens(self, before: float) -> int:
        """Forget tokens that ended before a time; see `TokenStore.purge_tokens`.

        The table is read in pages and each page is written by a transaction of its own, so that others write between two of them.
        Where it is interrupted, what was forgotten stays forgotten.

        Args:
            before: Unix seconds.

        Raises:
            Unavailable: the database does not answer.
        """
        at = min(checked_time(before), self._database.clock.now())
        count, after, gone = 0, b"", set[str]()
        while page := self._database.read(statements.DIGESTS, {"at": at, "after": after, "limit": _BATCH}):
            after = page[-1][0]
            ended = {digest: id_ for digest, id_, has_ended in page if has_ended}
            if ended:
                parameters = {"at": at, "digests": list(ended)}
                count += self._database.change(lambda change: change.execute(statements.PURGE, parameters))  # noqa: B023 - called at once
                if len(gone) <= MOST_SUBJECTS:
                    gone.update(map(token_subject, ended.values()))
                Event().wait(_PAUSE)
        if count:
            # What was forgotten was refused before, but for a process whose clock is behind.
            self._database.change(lambda change: change.alter(gone))
        return count
