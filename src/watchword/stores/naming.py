"""Checks that the id and the names of an account are free. Stores call it under the lock that writes.

`Accounts` finds an account by a name or by its id, so both share one namespace. With an id that is a name of another account, a command
would disable or revoke the wrong one. Without the lock two processes could pass the check at once (threat W15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

from watchword.errors import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchword.stores.ports import AccountRecord


def spellings(account: AccountRecord) -> frozenset[str]:
    """Return the texts that must not be names of another account: the names, and the id as it is and as a lookup normalizes it."""
    return frozenset((*account.names, account.id, normalize("NFC", account.id)))


def check_free(account: AccountRecord, *, named: Mapping[str, str], ids: Iterable[str] = (), alike: Iterable[str] = ()) -> None:
    """Refuse an id or a name that belongs to another account.

    Args:
        account: the account to keep.
        named: existing names, among those of the account or its `spellings`, to the ids of their accounts.
        ids: ids of accounts that equal a new name.
        alike: ids of accounts with a name that differs from a new one in case alone, if case is ignored.

    Raises:
        AlreadyExists: says which one.
    """
    for name, owner in named.items():
        if owner != account.id:
            what = f"the name {name!r} belongs to" if name in account.names else f"the id {account.id!r} is a name of"
            raise AlreadyExists(f"{what} another account")
    for id_ in ids:
        if id_ != account.id:
            raise AlreadyExists(f"the name {id_!r} is the id of another account")
    for owner in alike:
        if owner != account.id:
            raise AlreadyExists(f"a name of the account {account.id!r} differs from a name of another account in case alone")
