"""Tests that every store keeps the contract, in memory, SQLite and a real PostgreSQL, and that a store that breaks it is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from watchword.stores import MemoryStore, SQLStore
from watchword.stores.changes import Changes
from watchword.stores.ports import AccountStore, KeyRecord, TokenRecord
from watchword.stores.sql import codec, schema
from watchword.testing.stores import StoreContract

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from watchword.clock import Clock
    from watchword.stores.ports import AccountRecord, Issued, Presented, Rotation


class TestMemory(StoreContract):
    def store(self) -> MemoryStore:
        """A dictionary or two."""
        return MemoryStore()

    def store_by(self, clock: Clock) -> MemoryStore:
        """The same, with another time."""
        return MemoryStore(clock=clock)


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

    def opens(self, url: str, clock: Clock | None = None) -> SQLStore:
        """Open a store."""
        store = SQLStore(url, create=True, timeout=self.timeout, staleness=3600, clock=clock)
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

    def store_by(self, clock: Clock) -> SQLStore:
        """The same, with another time."""
        return self.opens("sqlite://", clock)


class TestSQLite(OfSQL):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self._path = tmp_path / "auth.db"

    def store(self) -> SQLStore:
        """A file."""
        return self.opens(f"sqlite:///{self._path}")

    def store_by(self, clock: Clock) -> SQLStore:
        """The same, with another time."""
        return self.opens(f"sqlite:///{self._path}", clock)


class TestPostgreSQL(OfSQL):
    @pytest.fixture(autouse=True)
    def _server(self, empty_postgresql: str) -> None:
        self._url = empty_postgresql

    def store(self) -> SQLStore:
        """A database of a server."""
        return self.opens(self._url)

    def store_by(self, clock: Clock) -> SQLStore:
        """The same, with another time."""
        return self.opens(self._url, clock)


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


class _Inheriting(MemoryStore, AccountStore):
    """Takes a method from the protocol, whose body is empty."""

    list_accounts = AccountStore.list_accounts


class _Renewing(MemoryStore):
    """Keeps a successor of its own for each of several uses."""

    def refresh_family(self, presented: Presented) -> Rotation:
        with self._lock:
            if (token := self._refresh.get(presented.digest)) is not None:
                self._refresh[presented.digest] = replace(token, rotated_at=None)
            return super().refresh_family(presented)


class _Silent(MemoryStore):
    """Ends a family, and tells nobody."""

    def refresh_family(self, presented: Presented) -> Rotation:
        changes, self._changes = self._changes, Changes()
        rotation = super().refresh_family(presented)
        self._changes = changes
        return rotation


class _Unheard(MemoryStore):
    """Revokes a signed token, and tells nobody."""

    def revoke_jti(self, *given: Any) -> bool:
        changes, self._changes = self._changes, Changes()
        revoked = super().revoke_jti(*given)
        self._changes = changes
        return revoked


class _Backwards(MemoryStore):
    """Lets a later call move the time of a subject back."""

    def revoke_before(self, issuer: str, subject: str, at: float) -> bool:
        self._not_before.pop((issuer, subject), None)
        return super().revoke_before(issuer, subject, at)


class _Hasty(MemoryStore):
    """Forgets a revocation by the first end that it was told."""

    def revoke_jti(self, issuer: str, jti: str, at: float, until: float) -> bool:
        _, first = self._revoked.get((issuer, jti), (at, until))
        return super().revoke_jti(issuer, jti, at, min(first, until))


class _Immortal(MemoryStore):
    """Returns values that have expired."""

    def _living(self, key: str) -> bytes | None:
        return self._values.get(key, (None, 0.0))[0]


class _Overwriting(MemoryStore):
    """Sets without comparing."""

    def swap_value(self, key: str, old: bytes | None, new: bytes, ttl: float) -> bool:
        return super().swap_value(key, self.find_value(key), new, ttl)


class _Orphans(MemoryStore):
    """Finds the token of an ended login without the login."""

    def get_token(self, id: str) -> TokenRecord | None:  # noqa: A002 - as the protocol has it
        found = super().get_token(id)
        return found and replace(found, family=None)


class _Reviving(MemoryStore):
    """Leaves the families of a removed or revoked owner alive."""

    def _end_all(self, owner: str, at: float) -> int:
        return 0


BROKEN = {
    "test_the_store_has_every_method_of_its_protocols": _Inheriting,
    "test_one_of_many_concurrent_swaps_of_a_hash_wins": _Two,
    "test_a_change_of_a_key_expires_cached_answers": _Forgetful,
    "test_a_change_of_a_token_expires_cached_answers": _Forgetful,
    "test_an_account_is_found_by_each_of_its_names_and_by_its_id": _CaseBlind,
    "test_ids_of_keys_are_any_text": _Raising,
    "test_removing_an_account_revokes_its_keys_and_tokens": _Orphaning,
    "test_of_two_changes_of_one_version_of_an_account_the_first_is_kept": _Blind,
    "test_one_of_many_concurrent_changes_of_an_account_wins": _Blind,
    "test_a_record_of_a_removed_account_does_not_change_its_successor": _Blind,
    "test_a_refresh_keeps_one_successor": _Renewing,
    "test_of_many_concurrent_refreshes_one_rotates": _Renewing,
    "test_a_late_use_leaves_the_family_alive_and_a_reuse_ends_it": _Silent,
    "test_the_end_of_a_family_expires_cached_answers": _Reviving,
    "test_a_revocation_expires_cached_answers": _Unheard,
    "test_a_token_tells_of_its_family": _Orphans,
    "test_the_latest_revocation_of_a_subject_stays": _Backwards,
    "test_a_value_expires": _Immortal,
    "test_a_swap_compares_before_it_sets": _Overwriting,
    "test_one_of_many_concurrent_swaps_wins": _Overwriting,
    "test_a_second_revocation_keeps_the_latest_end": _Hasty,
}


@pytest.mark.parametrize("promise", BROKEN)
def test_a_store_that_breaks_the_contract_is_found(promise: str) -> None:
    """Each of these mistakes would grant or deny access wrongly, or lose a change."""

    class Broken(StoreContract):
        def store(self) -> MemoryStore:
            return BROKEN[promise]()

        def store_by(self, clock: Clock) -> MemoryStore:
            return BROKEN[promise](clock=clock)

    with pytest.raises((AssertionError, UnicodeError, ValueError)):
        getattr(Broken(), promise)()


@pytest.mark.parametrize("kind", [_Jumpy, _Panicking])
def test_a_store_that_expires_answers_for_nothing_is_found(kind: type[MemoryStore]) -> None:
    """It is correct, and as slow as without a cache."""

    class Broken(StoreContract):
        def store(self) -> MemoryStore:
            return kind()

        def store_by(self, clock: Clock) -> MemoryStore:
            return kind(clock=clock)

    with pytest.raises(AssertionError, match="the revision must be current"):
        Broken().test_a_change_of_a_key_expires_cached_answers()
