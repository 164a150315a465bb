"""Adds, lists and changes the accounts of a store: for operators, never while a request is served."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from watchword.checkers.lookups import find_account, get_account
from watchword.checkers.names import canonical, check_password, user_name
from watchword.checkers.record_checks import check_names, check_scopes, check_text, check_texts, check_time
from watchword.errors import ConfigurationError, NotFound, Unavailable
from watchword.stores.ports import PAGE, AccountRecord
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
    roles: Iterable[str] = (),
    scopes: Iterable[str] = (),
    permissions: Iterable[str] = (),
) -> AccountRecord:
    """Return an account that may be added; see `AccountManagement.add`.

    Args:
        name: by which it logs in.
        password_hash: from elsewhere; None: no password lets it in.
        hasher: knows whether a password can match it.
        now: the present, Unix seconds.
        id: the id of its principal; None: the name.
        names: more names.
        roles: its roles.
        scopes: its scopes.
        permissions: its permissions.

    Raises:
        ConfigurationError: a name that cannot be sent, or a hash that could never match.
    """
    everything = tuple(dict.fromkeys(user_name(one) for one in (name, *check_texts("names", names))))
    if id is not None:
        check_text("the id of an account", id)
    if password_hash is not None:
        hasher.check(password_hash, name)
    return AccountRecord(
        id=everything[0] if id is None else id,
        names=everything,
        password_hash=password_hash,
        hash_profile=None if password_hash is None else hasher.profile(password_hash),
        password_changed_at=None if password_hash is None else now,
        roles=check_names("roles", roles),
        scopes=check_scopes(scopes),
        permissions=check_names("permissions", permissions),
        created_at=now,
    )


class AccountManagement:
    """What operators do with accounts. Every method may block, for a disk, a network or a password hash.

    A change counts for the guard at once: in this process with the next request, in others within the
    bound that the store states. An account is named by any of its names, or by its id.

    Args:
        store: where they live.
        verifier: makes the hashes.
        clock: tells the time.
        fold_case: whether names that differ in case alone are the same.
    """

    def __init__(self, store: AccountStore, verifier: Verifier, clock: Clock, *, fold_case: bool) -> None:
        self._store = store
        self._verifier = verifier
        self._clock = clock
        self._fold_case = fold_case

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
            name: by which it logs in.
            password: None: no password lets it in until one is set.
            id: the id of its principal, which stays for good; None: the name.
            names: more names by which it logs in.
            roles: what `role(...)` asks for.
            scopes: what `scope(...)` asks for.
            permissions: what `permission(...)` asks for.
            password_hash: in place of a password, its hash from elsewhere, in any format that `verify_password` knows.

        Returns:
            The account, as it is kept.

        Raises:
            AlreadyExists: the id or a name is taken.
            ConfigurationError: a name that cannot be sent, a password that cannot be used, or a hash that could never match.
            Unavailable: the store does not answer.
        """
        if password is not None and password_hash is not None:
            raise ConfigurationError("add(...) takes password=... or password_hash=..., got both. Leave one out.")
        hasher, now = self._verifier.hasher, self._clock.now()
        account = new_account(name, password_hash, hasher, now, id=id, names=names, roles=roles, scopes=scopes, permissions=permissions)
        if password is not None:
            hash_ = self._hash(password)
            account = replace(account, password_hash=hash_, hash_profile=hasher.profile(hash_), password_changed_at=now)
        return self._store.add_account(account, fold_case=self._fold_case)

    def get(self, name: str) -> AccountRecord:
        """Return an account.

        Args:
            name: one of its names, or its id.

        Raises:
            NotFound: there is no such account.
            ConfigurationError: the name is not a string.
            Unavailable: the store does not answer.
        """
        if not isinstance(name, str):
            raise invalid("the name of an account", "be a string", name, secret=True)
        found = find_account(self._store, canonical(name), fold_case=self._fold_case) or get_account(self._store, name)
        if found is None:
            raise NotFound(f"there is no account {shown(name)}")
        return found

    def list(self) -> Iterator[AccountRecord]:
        """Return all accounts, in the order of their ids; read page by page.

        Raises:
            Unavailable: the store does not answer.
        """
        after = ""
        while page := self._store.list_accounts(after=after, limit=PAGE):
            yield from page
            after = page[-1].id

    def set_password(self, name: str, password: str) -> AccountRecord:
        """Give an account a new password. Sessions, keys and tokens that it holds stay; `revoke_all` ends them.

        Args:
            name: one of its names, or its id.
            password: the new one.

        Raises:
            NotFound: there is no such account.
            ConfigurationError: the password cannot be used: it is empty, too long, or cannot be sent in Basic.
            Unavailable: the store does not answer.
        """
        account = self.get(name)
        hash_ = self._hash(password)
        profile, now = self._verifier.hasher.profile(hash_), self._clock.now()
        return self._change(account, lambda old: replace(old, password_hash=hash_, hash_profile=profile, password_changed_at=now))

    def disable(self, name: str) -> AccountRecord:
        """Disable an account until it is enabled: its password, keys and tokens are refused.

        Args:
            name: one of its names, or its id.

        Raises:
            NotFound: there is no such account.
        """
        return self._change(self.get(name), lambda account: replace(account, disabled=True))

    def enable(self, name: str) -> AccountRecord:
        """Open a disabled account again.

        Args:
            name: one of its names, or its id.

        Raises:
            NotFound: there is no such account.
        """
        return self._change(self.get(name), lambda account: replace(account, disabled=False))

    def lock(self, name: str, until: float) -> AccountRecord:
        """Shut the password of an account for a while.

        Args:
            name: one of its names, or its id.
            until: Unix seconds.

        Raises:
            NotFound: there is no such account.
            ConfigurationError: the time is none.
        """
        end = check_time("the end of a lock", until)
        if end is None:
            raise ConfigurationError("lock(until=...) must be a time in Unix seconds, got None. Use unlock() to open the account.")
        return self._change(self.get(name), lambda account: replace(account, locked_until=end))

    def unlock(self, name: str) -> AccountRecord:
        """Open a locked account.

        Args:
            name: one of its names, or its id.

        Raises:
            NotFound: there is no such account.
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
        """Change what an account is called and what it may. What is None stays.

        Args:
            name: one of its names, or its id.
            names: all the names by which it logs in from now on.
            roles: all of its roles.
            scopes: all of its scopes.
            permissions: all of its permissions.

        Raises:
            NotFound: there is no such account.
            AlreadyExists: a name is taken.
            ConfigurationError: a name cannot be sent, or none would be left.
        """
        new_names = None if names is None else tuple(dict.fromkeys(map(user_name, check_texts("names", names))))
        if new_names == ():
            raise ConfigurationError("an account must keep at least one name. Give names=[...] with one or more.")
        given = {
            field: check_scopes(held) if field == "scopes" else check_names(field, held)
            for field, held in (("roles", roles), ("scopes", scopes), ("permissions", permissions))
            if held is not None
        }
        account = self.get(name)

        def changed(old: AccountRecord) -> AccountRecord:
            return replace(
                old,
                names=old.names if new_names is None else new_names,
                roles=given.get("roles", old.roles),
                scopes=given.get("scopes", old.scopes),
                permissions=given.get("permissions", old.permissions),
            )

        return self._change(account, changed)

    def remove(self, name: str) -> AccountRecord:
        """Remove an account, and revoke all of its keys and tokens.

        Args:
            name: one of its names, or its id.

        Returns:
            The account as it was.

        Raises:
            NotFound: there is no such account.
        """
        account = self.get(name)
        if not self._store.remove_account(account.id, self._clock.now()):
            raise NotFound(f"there is no account {name!r} any more")
        return account

    def _change(self, account: AccountRecord, change: Callable[[AccountRecord], AccountRecord]) -> AccountRecord:
        # By its id from here on, and not looked up anew: the id of one account may be a name of another.
        for _ in range(TRIES):
            kept = self._store.replace_account(change(account), fold_case=self._fold_case)
            if kept is not None:
                return kept
            again = get_account(self._store, account.id)
            if again is None:
                raise NotFound(f"there is no account {account.id!r} any more")
            account = again
        raise Unavailable(f"the account {account.id!r} was changed by others {TRIES} times meanwhile")

    def _hash(self, password: str) -> str:
        try:
            return self._verifier.hashing(check_password(password)).run()
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
