"""Keeps accounts in a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert

from watchword.errors import AlreadyExists
from watchword.stores.audit import account_added, account_changed, account_removed
from watchword.stores.bounds import MAX_HASH, checked_account, checked_time, fold, storable
from watchword.stores.naming import check_free, spellings
from watchword.stores.ports import PAGE, AccountStore
from watchword.stores.records import AccountRecord
from watchword.stores.sql import codec, statements
from watchword.stores.sql.change import NAMES
from watchword.stores.sql.part import MAX_VERSION, Part, revoke_all
from watchword.stores.sql.schema import accounts as accounts_table
from watchword.stores.sql.schema import names
from watchword.stores.subjects import account_subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Select

    from watchword.stores.sql.change import Change


_MOST_PROFILES = 64  # in `hash_samples`
_MOST_COUNTED = 20_000  # accounts of one profile: tens of milliseconds
_MOST_VALUES = 500


class SQLAccounts(Part, AccountStore):
    """Answers `AccountStore` from a database."""

    _dummy_key: bytes | None = None

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        if not storable(name):
            return None
        if not fold_case:
            ((found, *row),) = self._database.ask(statements.FIND_ACCOUNT, {"name": name})
            account = codec.ACCOUNT.record(row)
            return None if found is None else account
        rows = self._database.ask(statements.FIND_FOLDED, {"folded": fold(name)})
        exact = [row for row in rows if row[-1] == name]
        alike = {row[0]: row for row in exact or rows}
        account = codec.ACCOUNT.record(rows[0][1:-1] if len(alike) != 1 else next(iter(alike.values()))[1:-1])
        return None if len(alike) != 1 or None in alike else account

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
        return self._find(codec.ACCOUNT, statements.GET_ACCOUNT, {"id": id}) if storable(id) else None

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        (kept,) = self.add_accounts([account], fold_case=fold_case)
        return kept

    def add_accounts(self, accounts: Iterable[AccountRecord], *, fold_case: bool | None = None) -> Sequence[AccountRecord]:
        """Keep new accounts in one transaction, all or none, and return them as they are kept.

        For imports: a few hundred accounts at once cost a hundredth of single additions. Other changes wait meanwhile.

        Args:
            accounts: the accounts, some hundreds at most.
            fold_case: as in `AccountStore.add_account`.

        Raises:
            AlreadyExists: an id or a name is taken, perhaps by another of these accounts.
        """
        new = list(map(checked_account, accounts))
        ids = sorted({account.id for account in new})

        def work(change: Change) -> Sequence[AccountRecord]:
            # Above the version of a removed account with that id: each change raises both numbers.
            version = change.generation() + 1
            taken = _Taken(change, (text for account in new for text in (*spellings(account), *account.names)))
            # Some additions count as changes: see `Watched.is_current`.
            altered: set[str] = set()
            for account in new:
                if account.id in taken.ids:
                    raise AlreadyExists(f"there is an account with the id {account.id!r} already")
                unique = account.names if fold_case is None else spellings(account)
                alike = taken.refuse(account, unique, account.names, fold_case=fold_case)
                if account.disabled or alike:
                    altered |= {*alike, account_subject(account.id)}
                taken.add(account)
            if altered:
                change.alter(altered)
            kept = [replace(account, version=version) for account in new]
            if kept:
                change.execute(insert(accounts_table), list(map(codec.ACCOUNT.row, kept)))
                _add_names(change, kept)
            change.audit(*map(account_added, kept))
            return kept

        return self._database.change(work, locks=(NAMES, *map(account_subject, ids)))

    def replace_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord | None:
        account = checked_account(account)
        if not 0 < account.version < MAX_VERSION:
            return None

        def work(change: Change) -> AccountRecord | None:
            found = change.rows(statements.CURRENT_ACCOUNT, {"id": account.id, "version": account.version})
            if not found:
                return None
            stored = codec.ACCOUNT.record(found[0])
            # Kept names are not checked again: it must be possible to disable an account whose name overlaps with another one.
            new = set(account.names).difference(stored.names)
            if new:
                change.lock(NAMES)
            alike = _Taken(change, account.names).refuse(account, account.names, new, fold_case=fold_case) if new else set()
            kept = replace(account, created_at=stored.created_at, last_login_at=stored.last_login_at, version=stored.version + 1)
            row = {column: value for column, value in codec.ACCOUNT.row(kept).items() if column not in {"created_at", "last_login_at"}}
            if not change.execute(statements.UPDATE_ACCOUNT.values(row), {"this": account.id, "current": stored.version}):
                return None
            change.alter({*alike, account_subject(account.id)})
            if kept.names != stored.names:
                change.execute(delete(names).where(names.c.account_id == account.id))
                _add_names(change, [kept])
            change.audit(account_changed(stored, kept))
            return kept

        return self._database.change(work)

    def swap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - as above
        checked_account(AccountRecord(id="-", names=(), password_hash=new, hash_profile=profile))
        if not storable(id) or not storable(old, MAX_HASH):
            return False
        return self._alter(statements.SWAP_HASH, {"this": id, "old": old, "new": new, "profile": profile}, account_subject(id)) > 0

    def remove_account(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        parameters = {"this": id, "at": checked_time(at)}
        if not storable(id):
            return False

        def work(change: Change) -> bool:
            if not change.rows(statements.LOCK_ACCOUNT, {"id": id}):
                return False
            change.execute(delete(names).where(names.c.account_id == id))
            change.execute(delete(accounts_table).where(accounts_table.c.id == id))
            change.audit(account_removed(id, revoke_all(change, parameters)))
            change.alter([account_subject(id)])
            return True

        return self._database.change(work, locks=[account_subject(id)])

    def list_accounts(self, *, after: str = "", limit: int = PAGE) -> Sequence[AccountRecord]:
        return self._list(codec.ACCOUNT, statements.LIST_ACCOUNTS, after, limit)

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        self._note(statements.NOTE_LOGIN, id, at)

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        samples: list[tuple[str, int]] = []
        profile = ""
        while len(samples) < _MOST_PROFILES and (rows := self._database.read(statements.NEXT_SAMPLE, {"profile": profile})):
            ((profile, hash_),) = rows
            ((count,),) = self._database.read(statements.COUNT_SAMPLES, {"profile": profile, "most": _MOST_COUNTED})
            samples.append((hash_, count))
        return tuple(samples)

    def dummy_key(self) -> bytes:
        if self._dummy_key is None:
            ((found,),) = self._database.ask(statements.DUMMY_KEY, {})
            self._dummy_key = codec.dummy_key(found)
        return self._dummy_key


class _Taken:
    """Looks up which of some ids and names exist, and which names differ from them in case alone. Needs the lock `NAMES`."""

    def __init__(self, change: Change, texts: Iterable[str]) -> None:
        wanted = set(texts)
        self.ids: set[str] = {id_ for (id_,) in _rows(change, statements.IDS, "ids", wanted)}
        self._owners: dict[str, str] = {}
        self._alike: dict[str, set[str]] = {}
        # By the exact name as well: the stored caseless form may be of an older version of Unicode.
        for statement, parameter, values in ((statements.NAMED, "names", wanted), (statements.ALIKE, "folded", set(map(fold, wanted)))):
            for name, owner in _rows(change, statement, parameter, values):
                self._note(name, owner)

    def refuse(self, account: AccountRecord, unique: Collection[str], new: Collection[str], *, fold_case: bool | None) -> set[str]:
        """Refuse what belongs to other accounts. Return the subjects of accounts with names that differ from new ones in case alone."""
        named = {name: self._owners[name] for name in sorted(unique) if name in self._owners}
        alike = [owner for name in sorted(new) for owner in sorted(self._alike.get(fold(name), ()))]
        ids = sorted(self.ids.intersection(new)) if fold_case is not None else ()
        check_free(account, named=named, ids=ids, alike=alike if fold_case else ())
        return set(map(account_subject, alike))

    def add(self, account: AccountRecord) -> None:
        """Record an account that is added before others of the same transaction."""
        self.ids.add(account.id)
        for name in account.names:
            self._note(name, account.id)

    def _note(self, name: str, owner: str) -> None:
        self._owners[name] = owner
        self._alike.setdefault(fold(name), set()).add(owner)


def _rows(change: Change, statement: Select[Any], parameter: str, values: Collection[str]) -> Iterator[Sequence[Any]]:
    """Yield the rows for many values, some hundreds at a time: SQLite before 3.32 takes 999 parameters."""
    given = sorted(values)
    for first in range(0, len(given), _MOST_VALUES):
        yield from change.rows(statement, {parameter: given[first : first + _MOST_VALUES]})


def _add_names(change: Change, kept: Iterable[AccountRecord]) -> None:
    rows = [{"name": name, "folded": fold(name), "account_id": account.id} for account in kept for name in account.names]
    if rows:
        change.execute(insert(names), rows)
