"""Looks records up in a store, and takes none but the one that was asked for.

A driver, a proxy of connections or a cache may hand over the answer to another question: two processes on one connection read each
other's rows (threats W11). Such an answer is an outage, and raises `Unavailable`. It never becomes an identity, and it is no proof
that a password is wrong.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from watchword.errors import Unavailable
from watchword.stores.bounds import fold

if TYPE_CHECKING:
    from watchword.stores.ports import AccountRecord, AccountStore, KeyRecord, KeyStore, TokenRecord, TokenStore


def find_account(store: AccountStore, name: str, *, fold_case: bool = False) -> AccountRecord | None:
    """Return the account that logs in by this name; see `AccountStore.find_account`."""
    found = store.find_account(name, fold_case=fold_case)
    if found is not None and name not in found.names:
        folded = fold(name)
        _demand(fold_case and any(fold(other) == folded for other in found.names), "account")
    return found


def get_account(store: AccountStore, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
    """Return the account with this id; see `AccountStore.get_account`."""
    found = store.get_account(id)
    _demand(found is None or found.id == id, "account")
    return found


def find_key(store: KeyStore, id: str) -> KeyRecord | None:  # noqa: A002 - as above
    """Return the key with this id; see `KeyStore.find_key`."""
    found = store.find_key(id)
    _demand(found is None or found.id == id, "key")
    return found


def find_token(store: TokenStore, digest: bytes) -> TokenRecord | None:
    """Return the token with this digest; see `TokenStore.find_token`."""
    found = store.find_token(digest)
    # In constant time: the digest is what the caller has to know.
    _demand(found is None or compare_digest(found.digest, digest), "token")
    return found


def _demand(right: bool, kind: str) -> None:  # noqa: FBT001 - a condition
    if not right:
        raise Unavailable(f"the store answered with another {kind} than the one that was asked for")
