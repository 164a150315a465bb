"""The store: one statement per question, one transaction per change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Select, delete, insert

from watchword.clock import SystemClock
from watchword.errors import AlreadyExists, ConfigurationError
from watchword.stores.bounds import (
    MAX_COUNT,
    MAX_HASH,
    checked_account,
    checked_key,
    checked_time,
    checked_token,
    fold,
    is_digest,
    storable,
)
from watchword.stores.ports import PAGE, AccountRecord, KeyRecord, TokenRecord
from watchword.stores.sql import records, statements
from watchword.stores.sql.database import Change, Database
from watchword.stores.sql.schema import StoreStatus, accounts, keys, names, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from watchword.clock import Clock

_MAX_VERSION = 2**63 - 1


class SQLStore:
    """Accounts, keys and tokens in SQLite or PostgreSQL, for as many threads and processes as one likes.

    A revocation made here is known here at once, and in every other process within `staleness` seconds: until then that
    process may still take a key that it has seen before from memory.

    A database that does not answer makes every method raise `Unavailable`, which the guard answers with 503; as soon as it
    answers again, so does the store. That holds when the store is constructed as well: what the database is like is looked
    at when it can be.

    Args:
        url: `"sqlite:///relative/path"`, `"sqlite:////absolute/path"`, `"sqlite://"` for one in memory, or
            `"postgresql://user:password@host/database"`. The password shows nowhere.
        create: whether to make the tables where there are none. None: in a SQLite file that is new or empty, and in memory.
        staleness: for how many seconds an answer of the database may be relied upon without asking again.
        timeout: how many seconds to wait, at each step, for a connection, a lock or an answer.
        clock: tells how long ago the database was asked.
        pool_size: how many connections to have at most.
        check: whether to look at the tables now, rather than when the store is first used.

    Raises:
        ConfigurationError: the URL is none, the driver is missing, or the tables are not what this version needs; it says what to do.
    """

    def __init__(
        self,
        url: str,
        *,
        create: bool | None = None,
        staleness: float = 1.0,
        timeout: float = 2.0,
        clock: Clock | None = None,
        pool_size: int = 10,
        check: bool = True,
    ) -> None:
        if not staleness >= 0 or not timeout > 0 or pool_size < 1:
            raise ConfigurationError("a store has a staleness of 0 seconds or more, a timeout above 0, and a pool of 1 connection or more")
        self._database = Database(
            url,
            create=create,
            check=check,
            clock=SystemClock() if clock is None else clock,
            staleness=staleness,
            timeout=timeout,
            pool_size=pool_size,
        )
        self._decoy: bytes | None = None

    # The database

    @property
    def url(self) -> str:
        """Where it is, without a password."""
        return self._database.url

    def init(self) -> bool:
        """Make the tables, in a database that has none of them; where they are there already, do nothing.

        Returns:
            Whether they were made.

        Raises:
            ConfigurationError: there are tables, but not as this version needs them.
            Unavailable: the database does not answer.
        """
        return self._database.migrate("empty")

    def upgrade(self) -> bool:
        """Bring the tables of an older version to this one; where they are already, do nothing.

        Returns:
            Whether anything was changed.

        Raises:
            ConfigurationError: there are no tables, or newer ones, or tables of somebody else.
            Unavailable: the database does not answer.
        """
        return self._database.migrate("outdated")

    def status(self) -> StoreStatus:
        """Return which version the tables have, and how much is in them.

        Raises:
            Unavailable: the database does not answer.
        """
        return self._database.status()

    def close(self) -> None:
        """Close all connections. Every method raises `Unavailable` afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SQLStore({self.url!r})"

    # What a checker may remember

    @property
    def blocking(self) -> bool:
        """True: a database is asked, in a worker thread where there is an event loop."""
        return True

    def mark(self) -> int:
        """Return a mark of the state that this process knows; see `Watched.mark`."""
        return self._database.freshness.mark()

    def holds(self, mark: int) -> bool:
        """Tell whether nothing has changed since, as of less than `staleness` seconds ago; see `Watched.holds`.

        Args:
            mark: what `mark()` answered.
        """
        return self._database.freshness.holds(mark)

    # Accounts

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Return the account that logs in by this name; see `AccountStore.find_account`.

        Args:
            name: in Normalization Form C.
            fold_case: whether names that differ in case alone are the same.

        Raises:
            Unavailable: the database does not answer.
        """
        if not storable(name):
            return None
        if not fold_case:
            return self._account(statements.FIND_ACCOUNT, {"name": name})
        rows = self._database.ask(statements.FIND_FOLDED, {"folded": fold(name)})
        exact = [row for row in rows if row[-1] == name]
        alike = {row[1]: row for row in exact or rows}
        if len(alike) != 1 or None in alike:
            return None
        (row,) = alike.values()
        return records.account(row[1:-1])

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
        """Return the account with this id.

        Args:
            id: the id.

        Raises:
            Unavailable: the database does not answer.
        """
        return self._account(statements.GET_ACCOUNT, {"id": id}) if storable(id) else None

    def _account(self, question: Select[Any], parameters: dict[str, Any]) -> AccountRecord | None:
        rows = self._database.ask(question, parameters)
        return records.account(rows[0][1:]) if rows[0][1] is not None else None

    def add_account(self, account: AccountRecord) -> AccountRecord:
        """Keep a new account; see `AccountStore.add_account`.

        Args:
            account: the account.

        Raises:
            AlreadyExists: the id or one of the names is taken.
            ValueError: it is beyond the bounds of a store.
            Unavailable: the database does not answer.
        """
        account = checked_account(account)

        def work(change: Change) -> AccountRecord:
            generation = change.lock()
            if change.rows(statements.DISABLED, {"owner": account.id}):
                raise AlreadyExists(f"there is an account with the id {account.id!r} already")
            alike = _refuse_taken(change, account)
            # Some additions change what was true: see `Watched.holds`.
            profile = None if account.password_hash is None else account.hash_profile
            if account.disabled or alike or (profile is not None and not change.rows(statements.PROFILE, {"profile": profile})):
                generation = change.alter()
            # Larger than any version that a removed account of that id had: each change counts both.
            kept = replace(account, version=generation + 1)
            change.count(insert(accounts), records.account_row(kept))
            _add_names(change, account.id, account.names)
            return kept

        return self._database.change(work)

    def replace_account(self, account: AccountRecord) -> AccountRecord | None:
        """Keep a changed account: compare and set; see `AccountStore.replace_account`.

        Args:
            account: as it was read, with the changes.

        Raises:
            AlreadyExists: one of the names belongs to another account.
            ValueError: it is beyond the bounds of a store.
            Unavailable: the database does not answer.
        """
        account = checked_account(account)
        if not 0 < account.version < _MAX_VERSION:
            return None

        def work(change: Change) -> AccountRecord | None:
            change.lock()
            found = change.rows(statements.CURRENT_ACCOUNT, {"id": account.id, "version": account.version})
            if not found:
                return None
            stored = records.account(found[0])
            _refuse_taken(change, account)
            change.alter()
            kept = replace(account, created_at=stored.created_at, last_login_at=stored.last_login_at, version=stored.version + 1)
            change.count(statements.UPDATE_ACCOUNT.values(records.account_row(kept)), {"this": account.id})
            if kept.names != stored.names:
                change.count(delete(names).where(names.c.account_id == account.id))
                _add_names(change, account.id, account.names)
            return kept

        return self._database.change(work)

    def swap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - as above
        """Put a new hash of the same password in place: compare and set; see `AccountStore.swap_hash`.

        Args:
            id: the account.
            old: the hash that was read.
            new: the hash that takes its place.
            profile: its profile.

        Raises:
            ValueError: the new hash is beyond the bounds of a store.
            Unavailable: the database does not answer.
        """
        checked_account(AccountRecord(id="-", names=(), password_hash=new, hash_profile=profile))
        if not storable(id) or not storable(old, MAX_HASH):
            return False
        return self._alter(statements.SWAP_HASH, {"this": id, "old": old, "new": new, "profile": profile}) > 0

    def remove_account(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """Remove an account and revoke its keys and tokens, in one step.

        Args:
            id: the account.
            at: when.

        Raises:
            Unavailable: the database does not answer.
        """
        parameters = {"this": id, "at": checked_time(at)}
        if not storable(id):
            return False

        def work(change: Change) -> bool:
            change.lock()
            change.count(delete(names).where(names.c.account_id == id))
            if not change.count(delete(accounts).where(accounts.c.id == id)):
                return False
            change.alter()
            change.count(statements.REVOKE_KEYS, parameters)
            change.count(statements.REVOKE_TOKENS, parameters)
            return True

        return self._database.change(work)

    def list_accounts(self, *, after: str = "", limit: int = PAGE) -> Sequence[AccountRecord]:
        """Return accounts in the order of their ids; see `AccountStore.list_accounts`.

        Args:
            after: the id after which to begin.
            limit: how many at most.

        Raises:
            Unavailable: the database does not answer.
        """
        return tuple(records.account(row[1:]) for row in self._list(statements.LIST_ACCOUNTS, after, limit))

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a login.

        Args:
            id: the account.
            at: when.

        Raises:
            Unavailable: the database does not answer.
        """
        self._note(statements.NOTE_LOGIN, id, at)

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """Return one stored hash of every profile in use, and how many accounts have it.

        Raises:
            Unavailable: the database does not answer.
        """
        return tuple((hash_, many) for _, hash_, many in self._database.ask(statements.SAMPLES, many=True))

    def decoy_key(self) -> bytes:
        """Return the random key of this store.

        Raises:
            Unavailable: the database does not answer.
        """
        if self._decoy is None:
            ((_, found),) = self._database.ask(statements.DECOY_KEY)
            self._decoy = bytes(found)
        return self._decoy

    # Keys

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        """Return the key with this id.

        Args:
            id: the public part of the key.

        Raises:
            Unavailable: the database does not answer.
        """
        if not storable(id):
            return None
        rows = self._database.ask(statements.FIND_KEY, {"id": id})
        return records.key(rows[0][1:]) if rows[0][1] is not None else None

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

        return self._database.change(work, f"there is a key with the id {new.id!r} already")

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
        return tuple(records.key(row[1:]) for row in rows)

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note that a key was used.

        Args:
            id: the key.
            at: when.

        Raises:
            Unavailable: the database does not answer.
        """
        self._note(statements.NOTE_USE, id, at)

    # Tokens

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """Return the token with this digest.

        Args:
            digest: the SHA-256 digest of the token.

        Raises:
            Unavailable: the database does not answer.
        """
        if not is_digest(digest):
            return None
        rows = self._database.ask(statements.FIND_TOKEN, {"digest": digest})
        return records.token(rows[0][1:]) if rows[0][1] is not None else None

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
            change.count(insert(tokens), records.token_row(token))
            return replace(token, subject_disabled=_is_disabled(change, token.subject))

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
        return storable(id) and self._alter(statements.REVOKE_TOKEN, parameters) > 0

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
        return tuple(records.token(row[1:]) for row in rows)

    def purge_tokens(self, before: float) -> int:
        """Forget tokens that ended before a time.

        Args:
            before: Unix seconds.

        Raises:
            Unavailable: the database does not answer.
        """
        return self._alter(statements.PURGE, {"at": checked_time(before)})

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        """Revoke all keys and all tokens that stand for somebody, in one step.

        Args:
            subject: whose.
            at: when.

        Raises:
            Unavailable: the database does not answer.
        """
        parameters = {"this": subject, "at": checked_time(at)}
        if not storable(subject):
            return 0, 0

        def work(change: Change) -> tuple[int, int]:
            change.lock()
            revoked = change.count(statements.REVOKE_KEYS, parameters), change.count(statements.REVOKE_TOKENS, parameters)
            if any(revoked):
                change.alter()
            return revoked

        return self._database.change(work)

    # What several of them do

    def _alter(self, statement: Any, parameters: dict[str, Any]) -> int:  # noqa: ANN401 - an update or a delete
        def work(change: Change) -> int:
            change.lock()
            changed = change.count(statement, parameters)
            if changed:
                change.alter()
            return changed

        return self._database.change(work)

    def _note(self, statement: Any, id: str, at: float) -> None:  # noqa: A002, ANN401 - as above
        parameters = {"this": id, "at": checked_time(at)}
        if storable(id):
            self._database.change(lambda change: change.count(statement, parameters))

    def _list(self, question: Select[Any], after: str, limit: int, owner: str | None = None) -> Sequence[Sequence[Any]]:
        if limit < 1 or (after and not storable(after)) or (owner is not None and not storable(owner)):
            return ()
        parameters = {"after": after, "limit": min(limit, MAX_COUNT)} | ({} if owner is None else {"owner": owner})
        return self._database.ask(question, parameters, many=True)


def _refuse_taken(change: Change, account: AccountRecord) -> bool:
    """Refuse names of other accounts, and tell whether some differ from those of others in case alone."""
    if not account.names:
        return False
    found = change.rows(statements.ALIKE, {"folded": sorted({fold(name) for name in account.names})})
    for name, owner in found:
        if name in account.names and owner != account.id:
            raise AlreadyExists(f"the name {name!r} belongs to another account")
    return bool(found)


def _add_names(change: Change, account: str, given: Sequence[str]) -> None:
    if given:
        change.count(insert(names), [{"name": name, "folded": fold(name), "account_id": account} for name in given])


def _is_disabled(change: Change, owner: str) -> bool:
    return any(disabled for (disabled,) in change.rows(statements.DISABLED, {"owner": owner}))


def _add_key(change: Change, key: KeyRecord) -> KeyRecord:
    kept = replace(key, version=1)  # keys are never removed, so no version comes again
    change.count(insert(keys), records.key_row(kept))
    return replace(kept, owner_disabled=_is_disabled(change, key.owner))


def _put_key(change: Change, key: KeyRecord) -> KeyRecord | None:
    if not 0 < key.version < _MAX_VERSION:
        return None
    change.lock()
    found = change.rows(statements.CURRENT_KEY, {"id": key.id, "version": key.version})
    if not found:
        return None
    ((created, used),) = found
    change.alter()
    kept = replace(key, created_at=created, last_used_at=used, version=key.version + 1)
    change.count(statements.UPDATE_KEY.values(records.key_row(kept)), {"this": key.id})
    return replace(kept, owner_disabled=_is_disabled(change, key.owner))
