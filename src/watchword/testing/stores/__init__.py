"""Tests the contract of stores: suites to inherit, one per port, and one for a store that implements all of them."""

from __future__ import annotations

from watchword.testing.stores.accounts import AccountStoreContract
from watchword.testing.stores.audit import AuditStoreContract
from watchword.testing.stores.common import account, key, token
from watchword.testing.stores.families import RefreshStoreContract, family, first, presented
from watchword.testing.stores.keys import KeyStoreContract
from watchword.testing.stores.revocations import RevocationStoreContract
from watchword.testing.stores.tokens import TokenStoreContract
from watchword.testing.stores.values import ValueStoreContract
from watchword.testing.stores.whole import StoreContract

__all__ = [
    "AccountStoreContract",
    "AuditStoreContract",
    "KeyStoreContract",
    "RefreshStoreContract",
    "RevocationStoreContract",
    "StoreContract",
    "TokenStoreContract",
    "ValueStoreContract",
    "account",
    "family",
    "first",
    "key",
    "presented",
    "token",
]
