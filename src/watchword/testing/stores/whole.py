"""Tests the contract of a store that keeps accounts, keys and tokens."""

# ruff: noqa: FBT003, S106 - expected values, and hashes that are not real

from __future__ import annotations

from dataclasses import replace

from watchword.testing.stores import issued
from watchword.testing.stores.accounts import AccountStoreContract
from watchword.testing.stores.common import account, key, same, token
from watchword.testing.stores.keys import KeyStoreContract, keys_of
from watchword.testing.stores.tokens import TokenStoreContract, tokens_of


class StoreContract(AccountStoreContract, KeyStoreContract, TokenStoreContract):
    """Tests the three contracts, and the promises between them."""

    def test_a_key_tells_whether_its_owner_is_disabled(self) -> None:
        """An owner without an account is not disabled."""
        issued.told_of_its_owner(keys_of(self.store()))

    def test_a_changed_key_tells_whether_its_owner_is_disabled(self) -> None:
        """So does its successor."""
        store = self.store()
        store.add_account(account("1", disabled=True))
        changed = store.replace_key(replace(store.add_key(key()), label="x"))
        same((changed.owner_disabled, store.rotate_key(changed, key("k3")).owner_disabled), (True, True), "of keys that change")

    def test_a_token_tells_whether_its_owner_is_disabled(self) -> None:
        """An owner without an account is not disabled."""
        issued.told_of_its_owner(tokens_of(self.store()))

    def test_removing_an_account_revokes_its_keys_and_tokens(self) -> None:
        """A new account with that id does not get them."""
        store = self.store()
        store.add_account(account("1", "ann", disabled=True))
        for id_, owner in (("1a", "1"), ("2a", "2")):
            store.add_key(key(id_, owner))
            store.add_token(token(id_, owner))
        same(store.remove_account("2", 5), False, "the removal of an account that is not there")
        same(store.remove_account("1", 5), True, "the removal")
        same([(found.revoked_at, found.owner_disabled) for found in store.list_keys()], [(5.0, False), (None, False)], "the keys")
        same([(found.revoked_at, found.owner_disabled) for found in store.list_tokens()], [(5.0, False), (None, False)], "the tokens")
        same(store.remove_account("1", 5), False, "the second removal")
        store.add_account(account("1", "ann"))
        same(store.find_key("1a").revoked_at, 5.0, "a key after the account came back")

    def test_revoke_all_is_one_step(self) -> None:
        """A reader never sees keys revoked without tokens, or a part of them."""
        store = self.store()
        for number in range(20):
            store.add_key(key(f"k{number}"))
            store.add_token(token(f"t{number}"))

        revoked: list[tuple[int, int]] = []

        def look(number: int) -> tuple[frozenset[float | None], frozenset[float | None]]:
            if number == self.racers // 2:
                revoked.append(store.revoke_all("1", 5))
            # Tokens are read first: if they are revoked, the keys must be as well.
            tokens = frozenset(found.revoked_at for found in store.list_tokens())
            return tokens, frozenset(found.revoked_at for found in store.list_keys())

        seen = set(self.race(look))
        same(revoked, [(20, 20)], "how many")
        whole, gone = frozenset({None}), frozenset({5.0})
        if not seen <= {(whole, whole), (whole, gone), (gone, gone)}:
            raise AssertionError(f"revoke_all must be one step, and a reader saw {seen}")

    def test_a_store_and_its_records_print_no_secret(self) -> None:
        """Neither a hash nor a digest is printed."""
        store = self.store()
        shown = [store, store.add_account(account("1", password_hash="s3cret")), store.add_key(key()), store.add_token(token())]
        printed = " ".join(repr(one) for one in shown)
        for secret in ("s3cret", repr(key().digest)[2:-1], repr(token().digest)[2:-1], key().digest.hex()):
            if secret in printed:
                raise AssertionError("a secret is printed")
