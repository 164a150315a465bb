"""Accounts in a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert

from watchword.errors import AlreadyExists
from watchword.stores.bounds import MAX_HASH, checked_account, checked_time, fold, storable
from watchword.stores.naming import check_free, spellings
from watchword.stores.ports import PAGE, AccountRecord
from watchword.stores.sql import records, statements
from watchword.stores.sql.change import NAMES
from watchword.stores.sql.part import MAX_VERSION, Part
from watchword.stores.sql.schema import accounts, names
from watchword.stores.subjects import account_subject

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from watchword.stores.sql.change import Change


_MOST_PROFILES = 64
_MOST_COUNTED = 20_000  # accounts of one profile: tens of milliseconds


class SQLAccounts(Part):
    """The questions of `AccountStore`."""

    _decoy: bytes | None = None

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """See `AccountStore.find_account`."""
        if not storable(name):
            return None
        if not fold_case:
            ((found, *row),) = self._database.ask(statements.FIND_ACCOUNT, {"name": name})
            account = records.ACCOUNT.record(row)
            return None if found is None else account
        rows = self._database.ask(statements.FIND_FOLDED, {"folded": fold(name)})
        exact = [row for row in rows if row[-1] == name]
        alike = {row[0]: row for row in exact or rows}
        account = records.ACCOUNT.record(rows[0][1:-1] if len(alike) != 1 else next(iter(alike.values()))[1:-1])
        return None if len(alike) != 1 or None in alike else account

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
        """See `AccountStore.get_account`."""
        return self._find(records.ACCOUNT, statements.GET_ACCOUNT, {"id": id}) if storable(id) else None

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        """See `AccountStore.add_account`."""
        account = checked_account(account)

        def work(change: Change) -> AccountRecord:
            if change.rows(statements.DISABLED, {"owner": account.id}):
                raise AlreadyExists(f"there is an account with the id {account.id!r} already")
            unique = account.names if fold_case is None else spellings(account)
            alike = _refuse_taken(change, account, unique, account.names, fold_case=fold_case)
            # Some additions change what was true: see `Watched.is_current`.
            if account.disabled or alike:
                change.alter({*alike, account_subject(account.id)})
            # Larger than any version that a removed account of that id had: each change counts both.
            kept = replace(account, version=change.generation() + 1)
            change.execute(insert(accounts), records.ACCOUNT.row(kept))
            _add_names(change, account.id, account.names)
            return kept

        return self._database.change(work, locks=(NAMES, account_subject(account.id)))

    def replace_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord | None:
        """See `AccountStore.replace_account`."""
        account = checked_account(account)
        if not 0 < account.version < MAX_VERSION:
            return None

        def work(change: Change) -> AccountRecord | None:
            found = change.rows(statements.CURRENT_ACCOUNT, {"id": account.id, "version": account.version})
            if not found:
                return None
            stored = records.ACCOUNT.record(found[0])
            # Names that were kept before are not checked anew: an account must be disabled whatever others are called.
            new = set(account.names).difference(stored.names)
            if new:
                change.lock(NAMES)
            alike = _refuse_taken(change, account, account.names, new, fold_case=fold_case) if new else set()
            kept = replace(account, created_at=stored.created_at, last_login_at=stored.last_login_at, version=stored.version + 1)
            row = {column: value for column, value in records.ACCOUNT.row(kept).items() if column not in {"created_at", "last_login_at"}}
            if not change.execute(statements.UPDATE_ACCOUNT.values(row), {"this": account.id, "current": stored.version}):
                return None
            change.alter({*alike, account_subject(account.id)})
            if kept.names != stored.names:
                change.execute(delete(names).where(names.c.account_id == account.id))
                _add_names(change, account.id, account.names)
            return kept

        return self._database.change(work)

    def swap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - as above
        """See `AccountStore.swap_hash`."""
        checked_account(AccountRecord(id="-", names=(), password_hash=new, hash_profile=profile))
        if not storable(id) or not storable(old, MAX_HASH):
            return False
        return self._alter(statements.SWAP_HASH, {"this": id, "old": old, "new": new, "profile": profile}, account_subject(id)) > 0

    def remove_account(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """See `AccountStore.remove_account`."""
        parameters = {"this": id, "at": checked_time(at)}
        if not storable(id):
            return False

        def work(change: Change) -> bool:
            if not change.rows(statements.LOCK_ACCOUNT, {"id": id}):
                return False
            change.execute(delete(names).where(names.c.account_id == id))
            change.execute(delete(accounts).where(accounts.c.id == id))
            change.execute(statements.REVOKE_KEYS, parameters)
            change.execute(statements.REVOKE_TOKENS, parameters)
            change.alter([account_subject(id)])
            return True

        return self._database.change(work, locks=[account_subject(id)])

    def list_accounts(self, *, after: str = "", limit: int = PAGE) -> Sequence[AccountRecord]:
        """See `AccountStore.list_accounts`."""
        return self._list(records.ACCOUNT, statements.LIST_ACCOUNTS, after, limit)

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """See `AccountStore.note_login`."""
        self._note(statements.NOTE_LOGIN, id, at)

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """See `AccountStore.hash_samples`. At most 64 profiles are found, and at most 20,000 accounts of each are counted."""
        samples: list[tuple[str, int]] = []
        profile = ""
        while len(samples) < _MOST_PROFILES and (rows := self._database.read(statements.NEXT_SAMPLE, {"profile": profile})):
            ((profile, hash_),) = rows
            ((count,),) = self._database.read(statements.COUNT_SAMPLES, {"profile": profile, "most": _MOST_COUNTED})
            samples.append((hash_, count))
        return tuple(samples)

    def dummy_key(self) -> bytes:
        """See `AccountStore.dummy_key`."""
        if self._decoy is None:
            ((found,),) = self._database.ask(statements.DUMMY_KEY, {})
            self._decoy = records.dummy_key(found)
        return self._decoy


def _refuse_taken(
    change: Change, account: AccountRecord, unique: Collection[str], new: Collection[str], *, fold_case: bool | None
) -> set[str]:
    """Refuse what belongs to other accounts; return the subjects of those whose names differ from new ones in case alone."""
    named = {str(name): str(owner) for name, owner in change.rows(statements.NAMED, {"names": sorted(unique)})}
    ids = change.rows(statements.IDS, {"ids": sorted(new)}) if new and fold_case is not None else ()
    alike = change.rows(statements.ALIKE, {"folded": sorted(set(map(fold, new)))}) if new else ()
    check_free(account, named=named, ids=[id_ for (id_,) in ids], alike=[owner for _, owner in alike] if fold_case else ())
    return {account_subject(owner) for _, owner in alike}


def _add_names(change: Change, account: str, given: Sequence[str]) -> None:
    if given:
        change.execute(insert(names), [{"name": name, "folded": fold(name), "account_id": account} for name in given])
