"""Tests the contract of a store that keeps accounts, keys, tokens, families of refresh tokens, revocations and the audit trail."""

# ruff: noqa: FBT003, S106 - expected values, and hashes that are not real

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar

from watchword.stores.ports import AccountStore, AuditStore, KeyStore, RefreshStore, RevocationStore, TokenStore, ValueStore
from watchword.testing.stores import issued
from watchword.testing.stores.accounts import AccountStoreContract
from watchword.testing.stores.audit import AuditStoreContract
from watchword.testing.stores.common import UNSTORABLE, account, key, refuses, same, token, voids
from watchword.testing.stores.families import RefreshStoreContract, family
from watchword.testing.stores.keys import KeyStoreContract, keys_of
from watchword.testing.stores.revocations import RevocationStoreContract
from watchword.testing.stores.tokens import TokenStoreContract, tokens_of
from watchword.testing.stores.values import ValueStoreContract


class StoreContract(
    AccountStoreContract,
    KeyStoreContract,
    TokenStoreContract,
    RefreshStoreContract,
    RevocationStoreContract,
    AuditStoreContract,
    ValueStoreContract,
):
    """Tests the seven contracts, and the promises between them."""

    ports: ClassVar[tuple[type, ...]] = (AccountStore, KeyStore, TokenStore, RefreshStore, RevocationStore, AuditStore, ValueStore)

    def test_a_token_tells_of_its_family(self) -> None:
        """However it is found, and with what has become of the family: an access token ends with its login."""
        store = self.store()
        store.start_family(family("f1", "1"))
        given = token("t1", "1", sid="f1", audience=("orders", "bills"))
        kept = store.add_token(given)
        same(kept, replace(given, family=store.find_family("f1")), "the token as it is kept")
        for found in (store.find_token(given.digest), store.get_token("t1"), *store.list_tokens(owner="1")):
            same(found, kept, "the token as it is found")
        same((kept.subjects[2], kept.login_ended), (kept.family.subjects[0], False), "the subjects, and whether the login has ended")
        other = store.add_token(token("t2", "1"))
        gone = store.add_token(token("t3", "1", sid="f9"))
        same((other.login_ended, gone.family, gone.login_ended), (False, None, True), "tokens without a family")
        voids(
            store,
            partial(store.get_token, "t1"),
            lambda: store.end_family("f1", 5),
            "the end of the family",
            partial(store.get_token, "t2"),
        )
        same((store.get_token("t1").family.revoked_at, store.get_token("t1").login_ended), (5.0, True), "the end of the family")
        same(store.purge_families(6), 1, "how many families are deleted")
        same((store.get_token("t1").family, store.get_token("t1").login_ended), (None, True), "the family of a token after a purge")
        for text in UNSTORABLE:
            refuses(partial(store.add_token, token("t8", sid=text)), "adding a token with an unstorable family")
            refuses(partial(store.add_token, token("t8", audience=(text,))), "adding a token with an unstorable audience")

    def test_a_standing_has_the_family_that_was_asked_for(self) -> None:
        """As the family is found by itself, and with its subjects."""
        store = self.store()
        store.start_family(family("f1", "1"))
        store.start_family(family("f2", "2"))
        store.add_account(account("1", disabled=True))
        found = store.find_standing("i", "1", "j", "f1")
        same(found.family, store.find_family("f1"), "the family")
        same((found.family.owner_disabled, found.subjects[2:]), (True, found.family.subjects), "the owner, and the subjects")
        for id_ in ("", "f3", "\x00", "a" * 1025):
            same(store.find_standing("i", "1", "j", id_).family, None, "a family by another id")

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
