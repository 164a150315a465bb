"""Checks that the id and the names of an account are free, on what a store finds under the lock that it writes with.

`Accounts` looks an account up by a name or by its id, so both share one space: an id that is a name of another account would
disable, or revoke, in the place of that account. A check outside the lock lets two processes pass at once (threat W15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

from watchword.errors import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchword.stores.ports import AccountRecord


def spellings(account: AccountRecord) -> frozenset[str]:
    """Return the texts that must not be names of another account when one is added: the names, and the id as a lookup spells it.

    Args:
        account: what is to be kept.
    """
    return frozenset((*account.names, account.id, normalize("NFC", account.id)))


def check_free(account: AccountRecord, *, named: Mapping[str, str], ids: Iterable[str] = (), alike: Iterable[str] = ()) -> None:
    """Refuse an id or a name that belongs to another account.

    Args:
        account: what is to be kept.
        named: name to id of its account, for the names among those of the account, or its `spellings`, that exist.
        ids: ids of accounts that are equal to a new name of the account.
        alike: ids of accounts with a name that differs from a new one in case alone, where case makes no difference.

    Raises:
        AlreadyExists: says which it is.
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
            raise AlreadyExists(f"a name of {account.id!r} is taken: case makes no difference here")
