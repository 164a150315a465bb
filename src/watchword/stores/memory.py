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
from watchword.stores.bounds import check_page, checked_account, checked_key, checked_time, checked_token, fold, is_digest, storable
from watchword.stores.changes import Changes
from watchword.stores.naming import check_free, spellings
from watchword.stores.ports import PAGE, AccountRecord, KeyRecord, TokenRecord
from watchword.stores.subjects import account_subject, key_subject, token_subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from watchword.clock import Clock

R = TypeVar("R", AccountRecord, KeyRecord, TokenRecord)
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
        self._decoy = urandom(32)
        self._accounts: dict[str, AccountRecord] = {}
        self._names: dict[str, str] = {}  # name to id
        self._folded: dict[str, dict[str, str]] = {}  # name without case, to the names that are spelled so or otherwise, to ids
        self._profiles: dict[str, dict[str, None]] = {}  # of a hash, to the ids of the accounts that have one
        self._keys: dict[str, KeyRecord] = {}
        self._tokens: dict[bytes, TokenRecord] = {}
        self._handles: dict[str, bytes] = {}  # handle of a token to its digest

    # What a checker may remember

    @property
    def blocking(self) -> bool:
        """False: nothing here waits for a disk or a network."""
        return False

    def revision(self) -> int:
        """Return the number of the newest change."""
        return self._changes.revision

    def is_current(self, revision: int, subjects: Collection[str] | None = None) -> bool:
        """Return whether these subjects did not change since; see `Watched.is_current`.

        Args:
            revision: what `revision()` returned.
            subjects: of a record; None: everything.
        """
        with self._lock:
            return self._changes.is_current(revision, subjects)

    # Accounts

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Return the account that logs in by this name; see `AccountStore.find_account`.

        Args:
            name: in Normalization Form C.
            fold_case: whether names that differ in case alone are the same.
        """
        if not storable(name):
            return None
        with self._lock:
            found = self._names.get(name)
            if found is None and fold_case:
                alike = set(self._folded.get(fold(name), {}).values())
                found = alike.pop() if len(alike) == 1 else None
            return None if found is None else self._accounts[found]

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
        """Return the account with this id.

        Args:
            id: the id.
        """
        with self._lock:
            return _known(self._accounts, id)

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        """Keep a new account; see `AccountStore.add_account`.

        Args:
            account: the account.
            fold_case: how ids and names are kept apart.

        Raises:
            AlreadyExists: the id or one of the names is taken.
            ValueError: it is beyond the bounds of a store.
        """
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
        """Keep a changed account: compare and set; see `AccountStore.replace_account`.

        Args:
            account: as it was read, with the changes.
            fold_case: how ids and names are kept apart.

        Raises:
            AlreadyExists: one of the names belongs to another account.
            ValueError: it is beyond the bounds of a store.
        """
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
        """Put a new hash of the same password in place: compare and set; see `AccountStore.swap_hash`.

        Args:
            id: the account.
            old: the hash that was read.
            new: the hash that takes its place.
            profile: its profile.

        Raises:
            ValueError: the new hash is beyond the bounds of a store.
        """
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
        """Remove an account and revoke its keys and tokens, in one step.

        Args:
            id: the account.
            at: when.
        """
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
        """Return accounts in the order of their ids; see `AccountStore.list_accounts`.

        Args:
            after: the id after which to begin.
            limit: how many at most.
        """
        with self._lock:
            return _page(self._accounts.values(), after, limit)

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a login.

        Args:
            id: the account.
            at: when.
        """
        at = checked_time(at)
        with self._lock:
            stored = _known(self._accounts, id)
            if stored is not None and (stored.last_login_at is None or stored.last_login_at < at):
                self._accounts[id] = replace(stored, last_login_at=at)

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """Return one stored hash of every profile in use, and how many accounts have it."""
        with self._lock:
            # Any of its hashes stands for a profile. Counted as accounts change: an event loop waits for this, whatever their number.
            found = ((self._accounts[next(iter(ids))].password_hash, len(ids)) for _, ids in sorted(self._profiles.items()))
            return tuple((hash_, count) for hash_, count in found if hash_ is not None)

    def dummy_key(self) -> bytes:
        """Return the random key of this store."""
        return self._decoy

    # Keys

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        """Return the key with this id.

        Args:
            id: the public part of the key.
        """
        with self._lock:
            key = _known(self._keys, id)
            return None if key is None else self._told(key)

    def add_key(self, key: KeyRecord) -> KeyRecord:
        """Keep a new key.

        Args:
            key: the key.

        Raises:
            AlreadyExists: the id is taken.
            ValueError: it is beyond the bounds of a store.
        """
        key = checked_key(key)
        with self._lock:
            return self._told(self._add_key(key))

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        """Keep a changed key: compare and set; see `KeyStore.replace_key`.

        Args:
            key: as it was read, with the changes.

        Raises:
            ValueError: it is beyond the bounds of a store.
        """
        key = checked_key(key)
        with self._lock:
            if not self._is_current(key):
                return None
            return self._told(self._put_key(key))

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        """Keep a changed key and its successor, both or neither; see `KeyStore.rotate_key`.

        Args:
            old: as it was read, with the changes.
            new: the successor.

        Raises:
            AlreadyExists: the id of the successor is taken.
            ValueError: one of them is beyond the bounds of a store.
        """
        old, new = checked_key(old), checked_key(new)
        with self._lock:
            if not self._is_current(old):
                return None
            added = self._add_key(new)
            self._put_key(old)
            return self._told(added)

    def list_keys(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[KeyRecord]:
        """Return keys in the order of their ids.

        Args:
            owner: whose; None: everybody's.
            after: the id after which to begin.
            limit: how many at most.
        """
        with self._lock:
            keys = (key for key in self._keys.values() if owner is None or key.owner == owner)
            return tuple(self._told(key) for key in _page(keys, after, limit))

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note that a key was used.

        Args:
            id: the key.
            at: when.
        """
        at = checked_time(at)
        with self._lock:
            stored = _known(self._keys, id)
            if stored is not None and (stored.last_used_at is None or stored.last_used_at < at):
                self._keys[id] = replace(stored, last_used_at=at)

    # Tokens

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """Return the token with this digest.

        Args:
            digest: the SHA-256 digest of the token.
        """
        if not is_digest(digest):
            return None
        with self._lock:
            token = self._tokens.get(digest)
            return None if token is None else self._told_token(token)

    def add_token(self, token: TokenRecord) -> TokenRecord:
        """Keep a new token.

        Args:
            token: the token.

        Raises:
            AlreadyExists: the digest or the handle is taken.
            ValueError: it is beyond the bounds of a store.
        """
        token = checked_token(token)
        with self._lock:
            if token.id in self._handles or token.digest in self._tokens:
                raise AlreadyExists(f"there is a token with the handle {token.id!r}, or with the same digest, already")
            self._tokens[token.digest] = token
            self._handles[token.id] = token.digest
            return self._told_token(token)

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - the name of the field
        """Revoke a token by its handle.

        Args:
            id: the handle.
            at: when.
        """
        at = checked_time(at)
        with self._lock:
            digest = _known(self._handles, id)
            if digest is None or self._tokens[digest].revoked_at is not None:
                return False
            self._changes.note([token_subject(id)])
            self._tokens[digest] = replace(self._tokens[digest], revoked_at=at)
            return True

    def list_tokens(self, *, subject: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[TokenRecord]:
        """Return tokens in the order of their handles.

        Args:
            subject: whose; None: everybody's.
            after: the handle after which to begin.
            limit: how many at most.
        """
        with self._lock:
            tokens = (token for token in self._tokens.values() if subject is None or token.subject == subject)
            return tuple(self._told_token(token) for token in _page(tokens, after, limit))

    def purge_tokens(self, before: float) -> int:
        """Forget tokens that ended before a time; see `TokenStore.purge_tokens`.

        Args:
            before: Unix seconds.
        """
        before = min(checked_time(before), self._clock.now())
        with self._lock:
            ended = [token for token in self._tokens.values() if _ended(token, before)]
            for token in ended:
                del self._tokens[token.digest], self._handles[token.id]
            if ended:
                self._changes.note([token_subject(token.id) for token in ended])
            return len(ended)

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        """Revoke all keys and all tokens that stand for somebody, in one step.

        Args:
            subject: whose.
            at: when.
        """
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
        self._changes.note([key_subject(key.id)])
        key = replace(key, created_at=stored.created_at, last_used_at=stored.last_used_at, version=stored.version + 1)
        self._keys[key.id] = key
        return key

    def _told(self, key: KeyRecord) -> KeyRecord:
        owner = self._accounts.get(key.owner)
        return key if owner is None or not owner.disabled else replace(key, owner_disabled=True)

    def _told_token(self, token: TokenRecord) -> TokenRecord:
        subject = self._accounts.get(token.subject)
        return token if subject is None or not subject.disabled else replace(token, subject_disabled=True)

    def _revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        keys = [key for key in self._keys.values() if key.owner == subject and key.revoked_at is None]
        tokens = [token for token in self._tokens.values() if token.subject == subject and token.revoked_at is None]
        for key in keys:
            self._keys[key.id] = replace(key, revoked_at=at, version=key.version + 1)
        for token in tokens:
            self._tokens[token.digest] = replace(token, revoked_at=at)
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
