"""A store in the memory of one process: for tests, for demos, and for what need not outlive the program."""

from __future__ import annotations

from dataclasses import replace
from heapq import nsmallest
from operator import attrgetter
from os import urandom
from typing import TYPE_CHECKING, TypeVar

from watchword.clock import as_clock
from watchword.errors import AlreadyExists
from watchword.locking import ProcessLock
from watchword.stores.bounds import check_page, checked_account, checked_issued, checked_time, fold, is_digest, storable
from watchword.stores.changes import Changes
from watchword.stores.naming import check_free, spellings
from watchword.stores.ports import PAGE, AccountRecord, KeyRecord, TokenRecord
from watchword.stores.subjects import account_subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from watchword.clock import Clock

R = TypeVar("R", AccountRecord, KeyRecord, TokenRecord)
S = TypeVar("S", KeyRecord, TokenRecord)  # a secret
T = TypeVar("T")


class MemoryStore:
    """Accounts, keys and tokens in dictionaries, for as many threads as one likes.

    Every process has its own: a server with several workers needs `SQLStore`.

    Args:
        clock: tells the time; None: the machine's.

    Raises:
        ConfigurationError: the clock is none.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = as_clock(clock, "MemoryStore")
        self._lock = ProcessLock()
        self._changes = Changes()
        self._version = 0  # above the version of every account that there ever was
        self._dummy_key = urandom(32)
        self._accounts: dict[str, AccountRecord] = {}
        self._names: dict[str, str] = {}  # name to id
        self._folded: dict[str, dict[str, str]] = {}  # name without case, to the names that are spelled so or otherwise, to ids
        self._profiles: dict[str, dict[str, None]] = {}  # of a hash, to the ids of the accounts that have one
        self._keys: dict[str, KeyRecord] = {}
        self._tokens: dict[str, TokenRecord] = {}
        self._handles: dict[bytes, str] = {}  # digest of a token to its handle

    # What a checker may remember

    @property
    def blocking(self) -> bool:
        """False: nothing here waits for a disk or a network."""
        return False

    def revision(self) -> int:
        """See `Watched.revision`."""
        return self._changes.revision

    def is_current(self, revision: int, subjects: Collection[str] | None = None) -> bool:
        """See `Watched.is_current`."""
        with self._lock:
            return self._changes.is_current(revision, subjects)

    # Accounts

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """See `AccountStore.find_account`."""
        if not storable(name):
            return None
        with self._lock:
            found = self._names.get(name)
            if found is None and fold_case:
                alike = set(self._folded.get(fold(name), {}).values())
                found = alike.pop() if len(alike) == 1 else None
            return None if found is None else self._accounts[found]

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
        """See `AccountStore.get_account`."""
        with self._lock:
            return _known(self._accounts, id)

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        """See `AccountStore.add_account`."""
        account = checked_account(account)
        with self._lock:
            if account.id in self._accounts:
                raise AlreadyExists(f"there is an account with the id {account.id!r} already")
            unique = account.names if fold_case is None else spellings(account)
            self._refuse_taken(account, unique, account.names, fold_case=fold_case)
            # Some additions change what was true: see `Watched.is_current`.
            alike = self._alike(account.names)
            if account.disabled or alike:
                self._changes.note({*alike, account_subject(account.id)})
            self._version += 1
            account = replace(account, version=self._version)
            self._accounts[account.id] = account
            self._enter(account)
            return account

    def replace_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord | None:
        """See `AccountStore.replace_account`."""
        account = checked_account(account)
        with self._lock:
            stored = self._accounts.get(account.id)
            if stored is None or stored.version != account.version:
                return None
            # Names that were kept before are not checked anew: an account must be disabled whatever others are called.
            new = set(account.names).difference(stored.names)
            self._refuse_taken(account, account.names, new, fold_case=fold_case)
            self._changes.note({*self._alike(new), account_subject(account.id)})
            self._version += 1
            account = replace(account, created_at=stored.created_at, last_login_at=stored.last_login_at, version=stored.version + 1)
            self._leave(stored)
            self._accounts[account.id] = account
            self._enter(account)
            return account

    def swap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - as above
        """See `AccountStore.swap_hash`."""
        checked_account(AccountRecord(id="-", names=(), password_hash=new, hash_profile=profile))
        with self._lock:
            stored = _known(self._accounts, id)
            if stored is None or stored.password_hash is None or stored.password_hash != old:
                return False
            self._changes.note([account_subject(id)])
            self._version += 1
            self._leave(stored)
            self._accounts[id] = swapped = replace(stored, password_hash=new, hash_profile=profile, version=stored.version + 1)
            self._enter(swapped)
            return True

    def remove_account(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """See `AccountStore.remove_account`."""
        at = checked_time(at)
        with self._lock:
            stored = _known(self._accounts, id)
            if stored is None:
                return False
            del self._accounts[id]
            self._changes.note([account_subject(id)])
            self._leave(stored)
            self._revoke_all(id, at)
            return True

    def list_accounts(self, *, after: str = "", limit: int = PAGE) -> Sequence[AccountRecord]:
        """See `AccountStore.list_accounts`."""
        with self._lock:
            return _page(self._accounts.values(), after, limit)

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """See `AccountStore.note_login`."""
        at = checked_time(at)
        with self._lock:
            stored = _known(self._accounts, id)
            if stored is not None and (stored.last_login_at is None or stored.last_login_at < at):
                self._accounts[id] = replace(stored, last_login_at=at)

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """See `AccountStore.hash_samples`."""
        with self._lock:
            # Any of its hashes stands for a profile. Counted as accounts change: an event loop waits for this, whatever their number.
            found = ((self._accounts[next(iter(ids))].password_hash, len(ids)) for _, ids in sorted(self._profiles.items()))
            return tuple((hash_, count) for hash_, count in found if hash_ is not None)

    def dummy_key(self) -> bytes:
        """See `AccountStore.dummy_key`."""
        return self._dummy_key

    # Keys

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        """See `KeyStore.find_key`."""
        with self._lock:
            key = _known(self._keys, id)
            return None if key is None else self._told(key)

    def add_key(self, key: KeyRecord) -> KeyRecord:
        """See `KeyStore.add_key`."""
        key = checked_issued(key, KeyRecord)
        with self._lock:
            return self._told(self._add_key(key))

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        """See `KeyStore.replace_key`."""
        key = checked_issued(key, KeyRecord)
        with self._lock:
            return self._told(self._put_key(key)) if self._is_current(key) else None

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        """See `KeyStore.rotate_key`."""
        old, new = checked_issued(old, KeyRecord), checked_issued(new, KeyRecord)
        with self._lock:
            if not self._is_current(old):
                return None
            added = self._add_key(new)
            self._put_key(old)
            return self._told(added)

    def list_keys(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[KeyRecord]:
        """See `KeyStore.list_keys`."""
        return self._list(self._keys, owner, after, limit)

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """See `KeyStore.note_key_use`."""
        at = checked_time(at)
        with self._lock:
            stored = _known(self._keys, id)
            if stored is not None and (stored.last_used_at is None or stored.last_used_at < at):
                self._keys[id] = replace(stored, last_used_at=at)

    # Tokens

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """See `TokenStore.find_token`."""
        if not is_digest(digest):
            return None
        with self._lock:
            handle = self._handles.get(digest)
            return None if handle is None else self._told(self._tokens[handle])

    def add_token(self, token: TokenRecord) -> TokenRecord:
        """See `TokenStore.add_token`."""
        token = checked_issued(token, TokenRecord)
        with self._lock:
            if token.id in self._tokens or token.digest in self._handles:
                raise AlreadyExists(f"there is a token with the handle {token.id!r}, or with the same digest, already")
            self._tokens[token.id] = token
            self._handles[token.digest] = token.id
            return self._told(token)

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - the name of the field
        """See `TokenStore.revoke_token`."""
        at = checked_time(at)
        with self._lock:
            token = _known(self._tokens, id)
            if token is None or token.revoked_at is not None:
                return False
            self._changes.note(token.subjects[:1])
            self._tokens[id] = replace(token, revoked_at=at)
            return True

    def list_tokens(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[TokenRecord]:
        """See `TokenStore.list_tokens`."""
        return self._list(self._tokens, owner, after, limit)

    def purge_tokens(self, before: float) -> int:
        """See `TokenStore.purge_tokens`."""
        before = min(checked_time(before), self._clock.now())
        with self._lock:
            ended = [token for token in self._tokens.values() if _ended(token, before)]
            for token in ended:
                del self._tokens[token.id], self._handles[token.digest]
            if ended:
                self._changes.note([token.subjects[0] for token in ended])
            return len(ended)

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        """See `KeyStore.revoke_all`."""
        at = checked_time(at)
        with self._lock:
            revoked = self._revoke_all(subject, at)
            if any(revoked):
                self._changes.note([account_subject(subject)])
            return revoked

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._accounts)} accounts, {len(self._keys)} keys, {len(self._tokens)} tokens)"

    # What needs the lock to be held

    def _refuse_taken(self, account: AccountRecord, unique: Iterable[str], new: Iterable[str], *, fold_case: bool | None) -> None:
        named = {name: self._names[name] for name in unique if name in self._names}
        ids = () if fold_case is None else self._accounts.keys() & set(new)
        alike = {owner for name in new for owner in self._folded.get(fold(name), {}).values()} if fold_case else ()
        check_free(account, named=named, ids=ids, alike=alike)

    def _alike(self, new: Iterable[str]) -> set[str]:
        """Return the subjects of the accounts whose names differ from new ones in case alone."""
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
            alike = self._folded[fold(name)]
            del alike[name]
            if not alike:
                del self._folded[fold(name)]
        if account.hash_profile is not None and account.password_hash is not None:
            others = self._profiles[account.hash_profile]
            del others[account.id]
            if not others:
                del self._profiles[account.hash_profile]

    def _is_current(self, key: KeyRecord) -> bool:
        stored = self._keys.get(key.id)
        return stored is not None and stored.version == key.version

    def _add_key(self, key: KeyRecord) -> KeyRecord:
        if key.id in self._keys:
            raise AlreadyExists(f"there is a key with the id {key.id!r} already")
        self._keys[key.id] = key = replace(key, version=1)  # keys are never removed, so no version comes again
        return key

    def _put_key(self, key: KeyRecord) -> KeyRecord:
        stored = self._keys[key.id]
        self._changes.note(key.subjects[:1])
        key = replace(key, created_at=stored.created_at, last_used_at=stored.last_used_at, version=stored.version + 1)
        self._keys[key.id] = key
        return key

    def _told(self, record: S) -> S:
        """Return a key or token with what is known of its owner."""
        owner = self._accounts.get(record.owner)
        return record if owner is None or not owner.disabled else replace(record, owner_disabled=True)

    def _list(self, table: Mapping[str, S], owner: str | None, after: str, limit: int) -> tuple[S, ...]:
        with self._lock:
            found = (record for record in table.values() if owner is None or record.owner == owner)
            return tuple(map(self._told, _page(found, after, limit)))

    def _revoke_all(self, owner: str, at: float) -> tuple[int, int]:
        keys = [key for key in self._keys.values() if key.owner == owner and key.revoked_at is None]
        tokens = [token for token in self._tokens.values() if token.owner == owner and token.revoked_at is None]
        self._keys.update({key.id: replace(key, revoked_at=at, version=key.version + 1) for key in keys})
        self._tokens.update({token.id: replace(token, revoked_at=at) for token in tokens})
        return len(keys), len(tokens)


def _known(table: Mapping[str, T], id: object) -> T | None:  # noqa: A002 - what it is
    return table.get(id) if isinstance(id, str) else None


def _ended(token: TokenRecord, before: float) -> bool:
    return any(end is not None and end < before for end in (token.expires_at, token.revoked_at))


def _page(records: Iterable[R], after: str, limit: int) -> tuple[R, ...]:
    # Code points order text as its octets in UTF-8 do, so this is the order of the databases.
    check_page(after, limit)
    if after and not storable(after):
        return ()
    return tuple(nsmallest(max(limit, 0), (record for record in records if record.id > after), key=attrgetter("id")))
