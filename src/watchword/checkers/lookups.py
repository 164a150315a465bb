"""Looks records up in a store, and accepts only the record that was asked for.

A driver, a connection proxy or a cache may return the answer to another question: two processes on one connection read each other's
rows (threats W11). Such an answer is an outage, and raises `Unavailable`. It is never an identity, nor proof that a password is wrong.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, TypeVar

from watchword.checkers.asking import ask, async_side
from watchword.checkers.names import canonical
from watchword.errors import Unavailable
from watchword.stores.bounds import fold
from watchword.validators import check_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from watchword.operation import Steps
    from watchword.stores.ports import (
        AccountRecord,
        AccountStore,
        AuditRecord,
        FamilyRecord,
        Issued,
        KeyRecord,
        KeyStore,
        TokenRecord,
        TokenStore,
    )

R = TypeVar("R", bound="AccountRecord | AuditRecord | Issued | FamilyRecord")


def pages(read: Callable[[str], Sequence[R]], after: str = "") -> Iterator[R]:
    """Yield all records, or those after an id, page by page; `read` returns those after an id.

    Raises:
        ConfigurationError: that id is not a string.
    """
    check_type("after=...", after, str, '"" for the first page', secret=True)
    while page := read(after):
        yield from page
        after = page[-1].id


def account_named(store: AccountStore, name: str, *, fold_case: bool = False) -> AccountRecord | None:
    """Return the account that logs in by this name or, without one, that has this id."""
    return find_account(store, canonical(name), fold_case=fold_case) or get_account(store, name)


def find_account(store: AccountStore, name: str, *, fold_case: bool = False) -> AccountRecord | None:
    """Return the account that logs in by this name; see `AccountStore.find_account`."""
    return _account_of(store.find_account(name, fold_case=fold_case), name, fold_case=fold_case)


def ask_account(store: AccountStore, name: str, *, fold_case: bool = False) -> Steps[AccountRecord | None]:
    """Do as `find_account` does, in steps."""
    awaited = async_side(store, "find_account", name, fold_case=fold_case)
    found = yield from ask(store, lambda: store.find_account(name, fold_case=fold_case), awaited)
    return _account_of(found, name, fold_case=fold_case)


def get_account(store: AccountStore, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
    """Return the account with this id; see `AccountStore.get_account`."""
    found = store.get_account(id)
    _demand(found is None or found.id == id, "account")
    return found


def find_key(store: KeyStore, id: str) -> KeyRecord | None:  # noqa: A002 - as above
    """Return the key with this id; see `KeyStore.find_key`."""
    return _key_of(store.find_key(id), id)


def ask_key(store: KeyStore, id: str) -> Steps[KeyRecord | None]:  # noqa: A002 - as above
    """Do as `find_key` does, in steps."""
    return _key_of((yield from ask(store, lambda: store.find_key(id), async_side(store, "find_key", id))), id)


def find_token(store: TokenStore, digest: bytes) -> TokenRecord | None:
    """Return the token with this digest; see `TokenStore.find_token`."""
    return _token_of(store.find_token(digest), digest)


def get_token(store: TokenStore, id: str) -> TokenRecord | None:  # noqa: A002 - as above
    """Return the token with this handle; see `TokenStore.get_token`."""
    found = store.get_token(id)
    _demand(found is None or found.id == id, "token")
    return found


def ask_token(store: TokenStore, digest: bytes) -> Steps[TokenRecord | None]:
    """Do as `find_token` does, in steps."""
    return _token_of((yield from ask(store, lambda: store.find_token(digest), async_side(store, "find_token", digest))), digest)


def _account_of(found: AccountRecord | None, name: str, *, fold_case: bool) -> AccountRecord | None:
    if found is not None and name not in found.names:
        folded = fold(name)
        _demand(fold_case and any(fold(other) == folded for other in found.names), "account")
    return found


def _key_of(found: KeyRecord | None, id: str) -> KeyRecord | None:  # noqa: A002 - as above
    _demand(found is None or found.id == id, "key")
    return found


def _token_of(found: TokenRecord | None, digest: bytes) -> TokenRecord | None:
    # In constant time: the digest is derived from the secret.
    _demand(found is None or compare_digest(found.digest, digest), "token")
    _demand(found is None or found.family is None or found.family.id == found.sid, "family of a token")
    return found


def _demand(right: bool, kind: str) -> None:  # noqa: FBT001 - a condition
    if not right:
        raise Unavailable(f"the store answered with another {kind} than the one that was asked for")
