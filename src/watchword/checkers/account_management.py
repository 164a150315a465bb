"""Adds, lists and changes the accounts of a store: for operators, never while a request is served."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from watchword.checkers.lookups import account_named, get_account, pages
from watchword.checkers.names import check_password, user_name
from watchword.checkers.record_checks import check_grants, check_text, check_texts, check_time
from watchword.errors import ConfigurationError, NotFound, Unavailable
from watchword.stores.ports import AccountRecord
from watchword.validators import invalid, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from watchword.checkers.passwords import PasswordHasher
    from watchword.checkers.verifying import Verifier
    from watchword.clock import Clock
    from watchword.stores.ports import AccountStore

TRIES = 20  # after lost races: more of them for one account are not a coincidence


def new_account(
    name: str,
    password_hash: str | None,
    hasher: PasswordHasher,
    now: float,
    *,
    id: str | None = None,  # noqa: A002 - the name of the field
    names: Iterable[str] = (),
    **grants: Iterable[str],
) -> AccountRecord:
    """Return a checked account that a store can add; see `AccountManagement.add`."""
    everything = tuple(dict.fromkeys(user_name(one) for one in (name, *check_texts("names", names))))
    if id is not None:
        check_text("the id of an account", id)
    if password_hash is not None:
        hasher.check(password_hash, name)
    account = AccountRecord(id=everything[0] if id is None else id, names=everything, created_at=now, **check_grants(**grants))
    return account if password_hash is None else with_hash(account, password_hash, hasher, now)


def with_hash(account: AccountRecord, hash: str, hasher: PasswordHasher, now: float) -> AccountRecord:  # noqa: A002 - what it is
    """Return an account with another password hash, set now."""
    return replace(account, password_hash=hash, hash_profile=hasher.profile(hash), password_changed_at=now)


def change_account(
    store: AccountStore, account: AccountRecord, change: Callable[[AccountRecord], AccountRecord], *, fold_case: bool = False
) -> AccountRecord:
    """Replace an account by what a function makes of it, again if another process changed it meanwhile.

    Raises:
        NotFound: it was removed meanwhile.
        Unavailable: other changes came first too often.
    """
    # Read again by its id alone: the id of one account may be a name of another.
    for _ in range(TRIES):
        kept = store.replace_account(change(account), fold_case=fold_case)
        if kept is not None:
            return kept
        again = get_account(store, account.id)
        if again is None:
            raise NotFound(f"there is no account {account.id!r} any more")
        account = again
    raise Unavailable(f"the account {account.id!r} was changed by others {TRIES} times meanwhile")


class AccountManagement:
    """Manages accounts, for operators. Every method may block, for a disk, a network or a password hash.

    A change takes effect at once: in this process with the next request, in others within the bound that the store states.
    An account is named by one of its names, or by its id. A method raises `NotFound` if there is no such account, and
    `Unavailable` if the store does not answer.

    Args:
        store: holds the accounts.
        verifier: makes the hashes.
        clock: tells the time.
        fold_case: whether names that differ in case alone are the same.
    """

    def __init__(self, store: AccountStore, verifier: Verifier, clock: Clock, *, fold_case: bool) -> None:
        self._store = store
        self._verifier = verifier
        self._clock = clock
        self._fold_case = fold_case

    @property
    def store(self) -> AccountStore:
        """The store, as it was given."""
        return self._store

    @property
    def hasher(self) -> PasswordHasher:
        """Makes and verifies the hashes."""
        return self._verifier.hasher

    def add(
        self,
        name: str,
        password: str | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the name of the field
        names: Iterable[str] = (),
        roles: Iterable[str] = (),
        scopes: Iterable[str] = (),
        permissions: Iterable[str] = (),
        password_hash: str | None = None,
    ) -> AccountRecord:
        """Add an account.

        Args:
            name: the login name.
            password: None: no password is accepted until one is set.
            id: the id of its principal, which never changes; None: the name.
            names: more login names.
            roles: the roles that `role(...)` compares.
            scopes: the scopes that `scope(...)` compares.
            permissions: the permissions that `permission(...)` compares.
            password_hash: a hash from elsewhere in place of a password, in any format that `verify_password` knows.

        Returns:
            The account, as it is stored.

        Raises:
            AlreadyExists: the id or a name is taken.
            ConfigurationError: a name or password cannot be sent, or the hash could never match.
        """
        if password is not None and password_hash is not None:
            raise ConfigurationError("add(...) takes password=... or password_hash=..., got both. Leave one out.")
        hasher, now = self._verifier.hasher, self._clock.now()
        account = new_account(name, password_hash, hasher, now, id=id, names=names, roles=roles, scopes=scopes, permissions=permissions)
        if password is not None:
            account = with_hash(account, self._hash(password), hasher, now)
        return self._store.add_account(account, fold_case=self._fold_case)

    def get(self, name: str) -> AccountRecord:
        """Return an account.

        Args:
            name: one of its names, or its id.

        Raises:
            ConfigurationError: the name is not a string.
        """
        if not isinstance(name, str):
            raise invalid("the name of an account", "be a string", name, secret=True)
        found = account_named(self._store, name, fold_case=self._fold_case)
        if found is None:
            raise NotFound(f"there is no account {shown(name)}")
        return found

    def list(self, *, after: str = "") -> Iterator[AccountRecord]:
        """Return all accounts, in the order of their ids; read page by page.

        Args:
            after: the id that the first one follows; empty: from the beginning.
        """
        return pages(lambda last: self._store.list_accounts(after=last), after)

    def set_password(self, name: str, password: str) -> AccountRecord:
        """Set the password of an account. Its sessions, keys and tokens stay; `revoke_all` ends them.

        Args:
            name: one of its names, or its id.
            password: the new password.

        Raises:
            ConfigurationError: the password is empty, too long, or cannot be sent in Basic.
        """
        account = self.get(name)
        hash_, now = self._hash(password), self._clock.now()
        return self._change(account, lambda old: with_hash(old, hash_, self._verifier.hasher, now))

    def disable(self, name: str) -> AccountRecord:
        """Disable an account until it is enabled: its password, keys and tokens are refused.

        Args:
            name: one of its names, or its id.
        """
        return self._change(self.get(name), lambda account: replace(account, disabled=True))

    def enable(self, name: str) -> AccountRecord:
        """Enable a disabled account again.

        Args:
            name: one of its names, or its id.
        """
        return self._change(self.get(name), lambda account: replace(account, disabled=False))

    def lock(self, name: str, until: float) -> AccountRecord:
        """Refuse the password of an account for a while.

        Args:
            name: one of its names, or its id.
            until: the end, Unix seconds.

        Raises:
            ConfigurationError: the end is not a time.
        """
        end = check_time("the end of a lock", until)
        if end is None:
            raise ConfigurationError("lock(until=...) must be a time in Unix seconds, got None. Use unlock() to open the account.")
        return self._change(self.get(name), lambda account: replace(account, locked_until=end))

    def unlock(self, name: str) -> AccountRecord:
        """Unlock a locked account.

        Args:
            name: one of its names, or its id.
        """
        return self._change(self.get(name), lambda account: replace(account, locked_until=None))

    def change(
        self,
        name: str,
        *,
        names: Iterable[str] | None = None,
        roles: Iterable[str] | None = None,
        scopes: Iterable[str] | None = None,
        permissions: Iterable[str] | None = None,
    ) -> AccountRecord:
        """Change names, roles, scopes and permissions of an account. Each given value replaces the old one; None keeps it.

        Args:
            name: one of its names, or its id.
            names: all login names.
            roles: all roles.
            scopes: all scopes.
            permissions: all permissions.

        Raises:
            AlreadyExists: a name is taken.
            ConfigurationError: a name cannot be sent, or the account would have no name.
        """
        new_names = None if names is None else tuple(dict.fromkeys(map(user_name, check_texts("names", names))))
        if new_names == ():
            raise ConfigurationError("an account must keep at least one name. Give names=[...] with one or more.")
        given = {"roles": roles, "scopes": scopes, "permissions": permissions}
        changes = check_grants(**{what: names for what, names in given.items() if names is not None})
        if new_names is not None:
            changes["names"] = new_names
        return self._change(self.get(name), lambda account: replace(account, **changes))

    def remove(self, name: str) -> AccountRecord:
        """Remove an account, and revoke all of its keys and tokens.

        Args:
            name: one of its names, or its id.

        Returns:
            The account as it was.
        """
        account = self.get(name)
        if not self._store.remove_account(account.id, self._clock.now()):
            raise NotFound(f"there is no account {name!r} any more")
        return account

    def _change(self, account: AccountRecord, change: Callable[[AccountRecord], AccountRecord]) -> AccountRecord:
        return change_account(self._store, account, change, fold_case=self._fold_case)

    def _hash(self, password: str) -> str:
        try:
            return self._verifier.hashing(check_password(password)).run()
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
