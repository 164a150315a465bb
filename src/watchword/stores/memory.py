"""Keeps accounts, keys, tokens, families of refresh tokens and revocations in the memory of one process, for tests and demos."""

from __future__ import annotations

from dataclasses import replace
from os import urandom
from typing import TYPE_CHECKING, Any, TypeVar

from watchword.clock import as_clock
from watchword.errors import AlreadyExists
from watchword.locking import ProcessLock
from watchword.stores import audit
from watchword.stores.bounds import checked_account, checked_issued, checked_time, fold, is_digest, storable
from watchword.stores.changes import Changes
from watchword.stores.memory_families import known, page_of
from watchword.stores.memory_revocations import MemoryRevocations
from watchword.stores.memory_values import MemoryValues
from watchword.stores.naming import check_free, spellings
from watchword.stores.ports import PAGE, AccountStore, KeyStore, TokenStore
from watchword.stores.records import AccountRecord, KeyRecord, TokenRecord
from watchword.stores.subjects import account_subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from watchword.clock import Clock

R = TypeVar("R", AccountRecord, KeyRecord, TokenRecord)
S = TypeVar("S", KeyRecord, TokenRecord)  # a secret
T = TypeVar("T")


class MemoryStore(MemoryRevocations, MemoryValues, AccountStore, KeyStore, TokenStore):
    """Keeps accounts, keys, tokens, families and revocations in dictionaries. Usable by several threads at once.

    Every process has its own: a server with several workers needs `SQLStore`.

    Args:
        clock: tells the time; None: the system clock.

    Raises:
        ConfigurationError: `clock` is not a clock.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__(ProcessLock(), Changes(), as_clock(clock, "MemoryStore"))
        MemoryValues.__init__(self, self._lock, self._clock)
        self._version = 0  # above the version of every account, removed ones included
        self._dummy_key = urandom(32)
        self._accounts: dict[str, AccountRecord] = {}
        self._names: dict[str, str] = {}  # name to id
        self._folded: dict[str, dict[str, str]] = {}  # caseless name to its spellings, to ids
        self._profiles: dict[str, dict[str, None]] = {}  # hash profile to the ids of its accounts
        self._keys: dict[str, KeyRecord] = {}
        self._tokens: dict[str, TokenRecord] = {}
        self._handles: dict[bytes, str] = {}  # digest of a token to its handle

    @property
    def blocking(self) -> bool:
        """False: no method waits for a disk or a network."""
        return False

    def revision(self) -> int:
        return self._changes.revision

    def is_current(self, revision: int, subjects: Collection[str] | None = None) -> bool:
        with self._lock:
            return self._changes.is_current(revision, subjects)

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        if not storable(name):
            return None
        with self._lock:
            found = self._names.get(name)
            if found is None and fold_case:
                alike = set(self._folded.get(fold(name), {}).values())
                found = alike.pop() if len(alike) == 1 else None
            return None if found is None else self._accounts[found]

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
        with self._lock:
            return known(self._accounts, id)

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        account = checked_account(account)
        with self._lock:
            if account.id in self._accounts:
                raise AlreadyExists(f"there is an account with the id {account.id!r} already")
            unique = account.names if fold_case is None else spellings(account)
            self._refuse_taken(account, unique, account.names, fold_case=fold_case)
            # Some additions count as changes: see `Watched.is_current`.
            if (alike := self._alike(account.names)) or account.disabled:
                self._changes.note({*alike, account_subject(account.id)})
            self._version += 1
            account = replace(account, version=self._version)
            self._accounts[account.id] = account
            self._enter(account)
            self._add_entries(audit.account_added(account))
            return account

    def replace_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord | None:
        account = checked_account(account)
        with self._lock:
            stored = self._accounts.get(account.id)
            if stored is None or stored.version != account.version:
                return None
            # Kept names are not checked again: it must be possible to disable an account whose name overlaps with another one.
            new = set(account.names).difference(stored.names)
            self._refuse_taken(account, account.names, new, fold_case=fold_case)
            self._changes.note({*self._alike(new), account_subject(account.id)})
            self._version += 1
            account = replace(account, created_at=stored.created_at, last_login_at=stored.last_login_at, version=stored.version + 1)
            self._leave(stored)
            self._accounts[account.id] = account
            self._enter(account)
            self._add_entries(audit.account_changed(stored, account))
            return account

    def swap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - as above
        checked_account(AccountRecord(id="-", names=(), password_hash=new, hash_profile=profile))
        with self._lock:
            stored = known(self._accounts, id)
            if stored is None or stored.password_hash is None or stored.password_hash != old:
                return False
            self._changes.note([account_subject(id)])
            self._version += 1
            self._leave(stored)
            self._accounts[id] = swapped = replace(stored, password_hash=new, hash_profile=profile, version=stored.version + 1)
            self._enter(swapped)
            return True

    def remove_account(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        at = checked_time(at)
        with self._lock:
            stored = known(self._accounts, id)
            if stored is None:
                return False
            del self._accounts[id]
            self._changes.note([account_subject(id)])
            self._leave(stored)
            self._add_entries(audit.account_removed(id, self._revoke_all(id, at)))
            return True

    def list_accounts(self, *, after: str = "", limit: int = PAGE) -> Sequence[AccountRecord]:
        with self._lock:
            return page_of(self._accounts.values(), after, limit)

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        self._note_time(self._accounts, id, "last_login_at", at)

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        with self._lock:
            # `_profiles` follows every change, so that the time does not grow with the accounts: an event loop may wait for this.
            found = ((self._accounts[next(iter(ids))].password_hash, len(ids)) for _, ids in sorted(self._profiles.items()))
            return tuple((hash_, count) for hash_, count in found if hash_ is not None)

    def dummy_key(self) -> bytes:
        return self._dummy_key

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        with self._lock:
            key = known(self._keys, id)
            return None if key is None else self._with_owner(key)

    def add_key(self, key: KeyRecord) -> KeyRecord:
        key = checked_issued(key, KeyRecord)
        with self._lock:
            added = self._add_key(key)
            self._add_entries(audit.issued(added))
            return self._with_owner(added)

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        key = checked_issued(key, KeyRecord)
        with self._lock:
            return self._with_owner(self._put_key(key)) if self._is_current(key) else None

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        old, new = checked_issued(old, KeyRecord), checked_issued(new, KeyRecord)
        with self._lock:
            if not self._is_current(old):
                return None
            added = self._add_key(new)
            self._put_key(old)
            self._add_entries(audit.issued(added))
            return self._with_owner(added)

    def list_keys(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[KeyRecord]:
        return self._list(self._keys, owner, after, limit)

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        self._note_time(self._keys, id, "last_used_at", at)

    def find_token(self, digest: bytes) -> TokenRecord | None:
        if not is_digest(digest):
            return None
        with self._lock:
            handle = self._handles.get(digest)
            return None if handle is None else self._with_owner(self._tokens[handle])

    def get_token(self, id: str) -> TokenRecord | None:  # noqa: A002 - as above
        with self._lock:
            token = known(self._tokens, id)
            return None if token is None else self._with_owner(token)

    def add_token(self, token: TokenRecord) -> TokenRecord:
        token = checked_issued(token, TokenRecord)
        with self._lock:
            if token.id in self._tokens or token.digest in self._handles:
                raise AlreadyExists(f"there is a token with the handle {token.id!r}, or with the same digest, already")
            self._tokens[token.id] = token
            self._handles[token.digest] = token.id
            if token.sid is None:  # an access token of a login is made with every refresh
                self._add_entries(audit.issued(token))
            return self._with_owner(token)

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - the name of the field
        at = checked_time(at)
        with self._lock:
            token = known(self._tokens, id)
            if token is None or token.revoked_at is not None:
                return False
            self._changes.note(token.subjects[:1])
            self._tokens[id] = replace(token, revoked_at=at)
            self._add_entries(audit.Entry("token.revoked", id, token.owner))
            return True

    def list_tokens(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[TokenRecord]:
        return self._list(self._tokens, owner, after, limit)

    def purge_tokens(self, before: float) -> int:
        before = min(checked_time(before, "before"), self._clock.now())
        with self._lock:
            ended = [token for token in self._tokens.values() if _ended(token, before)]
            for token in ended:
                del self._tokens[token.id], self._handles[token.digest]
            if ended:
                self._changes.note([token.subjects[0] for token in ended])
            return len(ended)

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        at = checked_time(at)
        with self._lock:
            revoked = self._revoke_all(subject, at)
            if any(revoked):
                self._changes.note([account_subject(subject)])
                self._add_entries(audit.subject_revoked(subject, revoked))
            return revoked

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._accounts)} accounts, {len(self._keys)} keys, {len(self._tokens)} tokens)"

    def _note_time(self, table: dict[str, R], id: str, field: str, at: float) -> None:  # noqa: A002 - as above
        at = checked_time(at)
        with self._lock:
            stored = known(table, id)
            if stored is not None and ((noted := getattr(stored, field)) is None or noted < at):
                changes: dict[str, Any] = {field: at}
                table[id] = replace(stored, **changes)

    # The methods below need the lock.

    def _refuse_taken(self, account: AccountRecord, unique: Iterable[str], new: Iterable[str], *, fold_case: bool | None) -> None:
        named = {name: self._names[name] for name in unique if name in self._names}
        ids = () if fold_case is None else self._accounts.keys() & set(new)
        alike = {owner for name in new for owner in self._folded.get(fold(name), {}).values()} if fold_case else ()
        check_free(account, named=named, ids=ids, alike=alike)

    def _alike(self, new: Iterable[str]) -> set[str]:
        """Return the subjects of accounts with names that differ from new ones in case alone."""
        return {account_subject(owner) for name in new for owner in self._folded.get(fold(name), {}).values()}

    def _enter(self, account: AccountRecord) -> None:
        for name in account.names:
            self._names[name] = account.id
            self._folded.setdefault(fold(name), {})[name] = account.id
        if account.hash_profile is not None and account.password_hash is not None:
            self._profiles.setdefault(account.hash_profile, {})[account.id] = None

    def _leave(self, account: AccountRecord) -> None:
        for name in account.names:
            del self._names[name]
            _discard(self._folded, fold(name), name)
        if account.hash_profile is not None and account.password_hash is not None:
            _discard(self._profiles, account.hash_profile, account.id)

    def _is_current(self, key: KeyRecord) -> bool:
        stored = self._keys.get(key.id)
        return stored is not None and stored.version == key.version

    def _add_key(self, key: KeyRecord) -> KeyRecord:
        if key.id in self._keys:
            raise AlreadyExists(f"there is a key with the id {key.id!r} already")
        self._keys[key.id] = key = replace(key, version=1)  # keys are never removed, so a version never returns
        return key

    def _put_key(self, key: KeyRecord) -> KeyRecord:
        stored = self._keys[key.id]
        self._changes.note(key.subjects[:1])
        key = replace(key, created_at=stored.created_at, last_used_at=stored.last_used_at, version=stored.version + 1)
        self._keys[key.id] = key
        self._add_entries(audit.key_changed(stored, key))
        return key

    def _with_owner(self, record: S) -> S:
        """Return a key or token with the state of its owner, and a token with its family."""
        if isinstance(record, TokenRecord) and record.sid is not None:
            family = known(self._families, record.sid)
            record = replace(record, family=None if family is None else self._of_owner(family))
        return replace(record, owner_disabled=True) if self._is_disabled(record.owner) else record

    def _is_disabled(self, owner: str) -> bool:
        account = self._accounts.get(owner)
        return account is not None and account.disabled

    def _list(self, table: Mapping[str, S], owner: str | None, after: str, limit: int) -> tuple[S, ...]:
        with self._lock:
            found = (record for record in table.values() if owner is None or record.owner == owner)
            return tuple(map(self._with_owner, page_of(found, after, limit)))

    def _revoke_all(self, owner: str, at: float) -> tuple[int, int]:
        keys = [key for key in self._keys.values() if key.owner == owner and key.revoked_at is None]
        tokens = [token for token in self._tokens.values() if token.owner == owner and token.revoked_at is None]
        self._keys.update({key.id: replace(key, revoked_at=at, version=key.version + 1) for key in keys})
        self._tokens.update({token.id: replace(token, revoked_at=at) for token in tokens})
        return len(keys), len(tokens) + self._end_all(owner, at)


def _discard(table: dict[str, dict[str, T]], group: str, name: str) -> None:
    del table[group][name]
    if not table[group]:
        del table[group]


def _ended(token: TokenRecord, before: float) -> bool:
    return any(end is not None and end < before for end in (token.expires_at, token.revoked_at))
