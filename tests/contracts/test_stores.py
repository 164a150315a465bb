"""Tests that every store keeps the contract, in memory, SQLite and a real PostgreSQL, and that a store that breaks it is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from watchword.stores import MemoryStore, SQLStore
from watchword.stores.changes import Changes
from watchword.stores.ports import AccountStore, KeyRecord, KeyStore, TokenRecord, TokenStore
from watchword.stores.sql import codec, schema
from watchword.testing.stores import StoreContract

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from watchword.stores.ports import AccountRecord, Issued


class TestMemory(StoreContract):
    def store(self) -> MemoryStore:
        """A dictionary or two."""
        return MemoryStore()


class OfSQL(StoreContract):
    """A store that is closed at the end of its test."""

    # A hundred who want to write at once wait for each other longer than a request ought to.
    timeout = 30.0

    @pytest.fixture(autouse=True)
    def _closed(self) -> Iterator[None]:
        self.opened: list[SQLStore] = []
        yield
        for store in self.opened:
            store.close()

    def opens(self, url: str) -> SQLStore:
        """Open a store."""
        store = SQLStore(url, create=True, timeout=self.timeout, staleness=3600)
        self.opened.append(store)
        return store

    def fill(self, store: SQLStore, given: Sequence[Issued]) -> None:
        """Add them in one transaction."""
        if isinstance(given[0], KeyRecord):
            table, rows = schema.keys, [codec.KEY.row(replace(one, version=1)) for one in given if isinstance(one, KeyRecord)]
        else:
            table, rows = schema.tokens, [codec.TOKEN.row(one) for one in given if isinstance(one, TokenRecord)]
        store._database.change(lambda change: change.execute(insert(table), rows))


class TestSQLiteInMemory(OfSQL):
    def store(self) -> SQLStore:
        """One connection for all threads."""
        return self.opens("sqlite://")


class TestSQLite(OfSQL):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self._path = tmp_path / "auth.db"

    def store(self) -> SQLStore:
        """A file."""
        return self.opens(f"sqlite:///{self._path}")


class TestPostgreSQL(OfSQL):
    @pytest.fixture(autouse=True)
    def _server(self, empty_postgresql: str) -> None:
        self._url = empty_postgresql

    def store(self) -> SQLStore:
        """A database of a server."""
        return self.opens(self._url)


@pytest.mark.parametrize("store", [MemoryStore, SQLStore])
def test_a_store_implements_every_method_of_its_ports(store: type) -> None:
    """The inherited body of a protocol would return None."""
    for port in (AccountStore, KeyStore, TokenStore):
        for name in dir(port):
            if not name.startswith("_"):
                assert getattr(store, name) is not getattr(port, name), name


# The contract finds what is wrong.


class _Two(MemoryStore):
    """Lets two win."""

    def swap_hash(self, *swap: Any) -> bool:
        return super().swap_hash(*swap) or self.get_account(swap[0]) is not None


class _Forgetful(MemoryStore):
    """Voids nothing for a revocation."""

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        changes, self._changes = self._changes, Changes()
        revoked = super().revoke_all(subject, at)
        self._changes = changes
        return revoked


class _Panicking(MemoryStore):
    """Voids what is cached about everybody for the revocation of one."""

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        self._changes.note(None)
        return super().revoke_all(subject, at)


class _Jumpy(MemoryStore):
    """Voids what is cached for nothing."""

    def note_key_use(self, *use: Any) -> None:
        super().note_key_use(*use)
        self._changes.note(None)


class _CaseBlind(MemoryStore):
    """Folds case always."""

    def find_account(self, name: str, *, fold_case: bool | None = None) -> AccountRecord | None:
        return super().find_account(name, fold_case=True)


class _Raising(MemoryStore):
    """Encodes what a client shows."""

    def find_key(self, *key: str) -> KeyRecord | None:
        key[0].encode()
        return super().find_key(*key)


class _Orphaning(MemoryStore):
    """Leaves the keys of a removed account alive."""

    def _revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        return 0, 0


class _Blind(MemoryStore):
    """Does not look at the version."""

    def replace_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord | None:
        stored = self.get_account(account.id)
        return None if stored is None else super().replace_account(replace(account, version=stored.version))


BROKEN = {
    "test_one_of_many_concurrent_swaps_of_a_hash_wins": _Two,
    "test_a_change_of_a_key_expires_cached_answers": _Forgetful,
    "test_a_change_of_a_token_expires_cached_answers": _Forgetful,
    "test_an_account_is_found_by_each_of_its_names_and_by_its_id": _CaseBlind,
    "test_ids_of_keys_are_any_text": _Raising,
    "test_removing_an_account_revokes_its_keys_and_tokens": _Orphaning,
    "test_of_two_changes_of_one_version_of_an_account_the_first_is_kept": _Blind,
    "test_one_of_many_concurrent_changes_of_an_account_wins": _Blind,
    "test_a_record_of_a_removed_account_does_not_change_its_successor": _Blind,
}


@pytest.mark.parametrize("promise", BROKEN)
def test_a_store_that_breaks_the_contract_is_found(promise: str) -> None:
    """Each of these mistakes would grant or deny access wrongly, or lose a change."""

    class Broken(StoreContract):
        def store(self) -> MemoryStore:
            return BROKEN[promise]()

    with pytest.raises((AssertionError, UnicodeError, ValueError)):
        getattr(Broken(), promise)()


@pytest.mark.parametrize("kind", [_Jumpy, _Panicking])
def test_a_store_that_expires_answers_for_nothing_is_found(kind: type[MemoryStore]) -> None:
    """It is correct, and as slow as without a cache."""

    class Broken(StoreContract):
        def store(self) -> MemoryStore:
            return kind()

    with pytest.raises(AssertionError, match="the revision must be current"):
        Broken().test_a_change_of_a_key_expires_cached_answers()
