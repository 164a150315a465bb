"""Tests the contract of `AccountStore`."""

# ruff: noqa: FBT003, S106 - expected values, and hashes that are not real

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from math import inf
from typing import ClassVar

from watchword.errors import AlreadyExists
from watchword.stores.ports import AccountRecord, AccountStore
from watchword.testing.stores.common import TEXTS, UNSTORABLE, Contract, account, keeps, paged, raises, refuses, same, voids


class AccountStoreContract(Contract):
    """Tests the contract of `AccountStore`. Inherit it in a class whose name begins with `Test`, and pytest runs it.

    class TestMyStore(AccountStoreContract):
        def store(self):
            return MyStore(...)
    """

    ports: ClassVar[tuple[type, ...]] = (AccountStore,)

    def test_an_account_is_found_by_each_of_its_names_and_by_its_id(self) -> None:
        """It is returned with every field as it was added."""
        store = self.store()
        given = account(
            "id-1", "ann", "ann@example.com", password_hash="$x$1", hash_profile="x 1", password_changed_at=1.5,
            roles=frozenset({"b", "a"}), scopes=frozenset({"s:1", "s:2"}), permissions=frozenset({"p"}),
            disabled=True, locked_until=inf, created_at=2.25, last_login_at=3.0,
        )  # fmt: skip
        kept = store.add_account(given)
        same(replace(kept, version=0), given, "the account as it is kept")
        if kept.version < 1:
            raise AssertionError("a kept account has a version of 1 or more")
        for found in (store.find_account("ann"), store.find_account("ann@example.com"), store.get_account("id-1")):
            same(found, kept, "the account as it is found")
        for found in (store.find_account("id-1"), store.get_account("ann"), store.find_account("ANN"), store.find_account("bob")):
            same(found, None, "an account by a text that is not one of its names")

    def test_an_account_without_names_and_password_is_kept(self) -> None:
        """Such an account is a principal that owns keys."""
        store = self.store()
        same(replace(store.add_account(account("1")), version=0), account("1"), "an account that has only an id")
        same(store.hash_samples(), (), "the samples of an account without a hash")

    def test_ids_and_names_of_accounts_are_any_text(self) -> None:
        """Each text finds its own account, and a similar text does not."""
        store = self.store()
        for text in TEXTS:
            store.add_account(account(text, text, roles=frozenset({text}), password_hash=text))
        for text in TEXTS:
            found = store.find_account(text)
            same((found.id, found.names, found.roles, found.password_hash), (text, (text,), {text}, text), "an account")
            same(store.get_account(text), found, "an account by its id")

    def test_an_account_that_cannot_be_kept_is_refused(self) -> None:
        """NUL, lone surrogates, and empty or too much text raise ValueError, and nothing is kept."""
        store = self.store()
        for text in UNSTORABLE:
            for bad in (account(text), account("1", text), account("1", "ann", text), account("1", roles=frozenset({text}))):
                refuses(partial(store.add_account, bad), f"adding an account with {text[:9]!r}")
        for bad in (
            account("1", "ann", "ann"),
            account("1", password_hash="a" * 5000),
            account("1", password_hash="\x00"),
            account("1", password_hash="a", hash_profile="\ud800"),
            account("1", created_at=float("nan")),
            account("1", locked_until="soon"),
            account("1", roles="admin"),
            account("1", *(f"n{number}" for number in range(101))),
            account("1", scopes=frozenset(f"s{number}" for number in range(1001))),
            account("1", "ᾳ" * 341),  # longer when folded
        ):
            refuses(partial(store.add_account, bad), "adding an account that cannot be kept")
        same(store.list_accounts(), (), "the accounts after the refusals")

    def test_a_lookup_by_unstorable_text_finds_nothing(self) -> None:
        """It raises nothing, because a client may send any text."""
        store = self.store()
        store.add_account(account("a", "a", password_hash="h"))
        for text in UNSTORABLE:
            for found in (store.find_account(text), store.find_account(text, fold_case=True), store.get_account(text)):
                same(found, None, f"an account by {text[:9]!r}")
            same(store.swap_hash(text, "h", "h2", None), False, "a swap of the hash of an unknown account")
            same(store.swap_hash("a", text, "h2", None), False, "a swap of an unstorable hash")
            same(store.remove_account(text, 1), False, "the removal of an unknown account")
            store.note_login(text, 1)
            if text:
                same(store.list_accounts(after=text), (), "accounts after an unstorable id")

    def test_an_id_or_name_in_use_is_refused(self) -> None:
        """The first account stays, and nothing of the second one is kept."""
        store = self.store()
        first = store.add_account(account("1", "ann", "anna"))
        raises(AlreadyExists, lambda: store.add_account(account("1", "bob")), "adding an id that is taken")
        raises(AlreadyExists, lambda: store.add_account(account("2", "bob", "anna")), "adding a name that is taken")
        same(store.list_accounts(), (first,), "the accounts")
        same(store.find_account("bob"), None, "a name of an account that was refused")
        store.add_account(account("2", "bob", "Anna"))
        same(store.find_account("Anna").id, "2", "a name that differs in case")

    def test_fold_case_ignores_case(self) -> None:
        """Case is folded as in Unicode. The exact name wins, and a name of two accounts finds neither."""
        store = self.store()
        store.add_account(account("1", "Straße", "Ann"))
        store.add_account(account("2", "ΣΊΣΥΦΟΣ", "aNN"))
        store.add_account(account("3", "ÉLAN", "élan"))
        for name, id_ in {
            "strasse": "1", "STRASSE": "1", "STRAßE": "1", "σίσυφος": "2", "σίσυφοσ": "2", "Élan": "3", "élan": "3",
            "Ann": "1", "aNN": "2", "ann": None, "ANN": None, "stras": None, "Σ": None, "%": None,
        }.items():  # fmt: skip
            found = store.find_account(name, fold_case=True)
            same(found and found.id, id_, f"the account by {name!r}")
        same(store.find_account("strasse"), None, "a name in another case, without fold_case")

    def test_of_two_changes_of_one_version_of_an_account_the_first_is_kept(self) -> None:
        """The second change returns None."""
        store = self.store()
        first = store.add_account(account("1", "ann", "anna", created_at=5.0, password_hash="h", roles=frozenset({"r"})))
        wanted = replace(
            first, names=("anna", "annie"), disabled=True, roles=frozenset(), password_hash=None, created_at=9.0, last_login_at=9.0
        )
        kept = store.replace_account(wanted)
        same(replace(kept, version=0), replace(wanted, version=0, created_at=5.0, last_login_at=None), "the account as it is kept")
        same(kept.version > first.version, True, "a version that grows")
        for name in ("anna", "annie"):
            same(store.find_account(name), kept, "the changed account")
        same(store.find_account("ann"), None, "an account by a former name")
        same(store.replace_account(replace(first, disabled=False)), None, "a change of an old version")
        same(store.replace_account(account("2", "bob", version=1)), None, "a change of an unknown account")
        same(store.replace_account(replace(kept, version=0)), None, "a change of a record that was never read")
        same(store.replace_account(replace(kept, version=2**70)), None, "a change of an impossible version")
        same(store.get_account("1"), kept, "the account in the end")
        store.add_account(account("3", "ann"))

    def test_a_change_to_a_name_in_use_is_refused(self) -> None:
        """Such a change does nothing at all."""
        store = self.store()
        ann, bob = store.add_account(account("1", "ann")), store.add_account(account("2", "bob"))
        raises(AlreadyExists, lambda: store.replace_account(replace(bob, names=("bobby", "ann"))), "taking a name")
        same((store.find_account("ann"), store.find_account("bob"), store.find_account("bobby")), (ann, bob, None), "the accounts")

    def test_a_record_of_a_removed_account_does_not_change_its_successor(self) -> None:
        """An account that is removed and added again has another version."""
        store = self.store()
        old = store.add_account(account("1", "ann"))
        for _ in range(3):
            store.remove_account("1", 1)
            new = store.add_account(account("1", "ann"))
            same(store.replace_account(replace(old, disabled=True)), None, "a change of an account that was removed")
            old = new

    def test_swap_hash_replaces_the_hash_that_was_read(self) -> None:
        """It compares the old hash, and keeps the time at which the password was set."""
        store = self.store()
        first = store.add_account(account("1", "ann", password_hash="h1", hash_profile="p1", password_changed_at=4.0))
        same(store.swap_hash("1", "h0", "h2", "p2"), False, "the swap of another hash")
        same(store.swap_hash("2", "h1", "h2", "p2"), False, "the swap for an unknown account")
        same(store.swap_hash("1", "h1", "h2", "p2"), True, "the swap")
        found = store.get_account("1")
        same((found.password_hash, found.hash_profile, found.password_changed_at), ("h2", "p2", 4.0), "the account")
        same(store.swap_hash("1", "h1", "h3", "p3"), False, "the swap of the old hash")
        same(store.replace_account(first), None, "a change by a record with the old hash")
        refuses(lambda: store.swap_hash("1", "h2", "\x00", None), "a swap for an unstorable hash")

    def test_a_removed_account_and_its_names_are_free(self) -> None:
        """Nothing of it is found, and its names can be used again."""
        store = self.store()
        store.add_account(account("1", "ann", "anna", password_hash="h", hash_profile="p"))
        same(store.remove_account("2", 1), False, "the removal of an unknown account")
        same(store.remove_account("1", 1), True, "the removal")
        same(store.remove_account("1", 1), False, "the second removal")
        same((store.get_account("1"), store.find_account("ann"), store.hash_samples()), (None, None, ()), "lookups after the removal")
        store.add_account(account("2", "ann", "anna"))

    def test_accounts_are_listed_in_the_order_of_their_ids(self) -> None:
        """The order is that of the octets in UTF-8, whatever the language of the database. Each account comes once."""
        store = self.store()
        texts = sorted([*TEXTS, "a", "B", "b", "A", "Z", "z", "ä", "aa", "-", "10", "9"], key=lambda text: text.encode())
        for text in reversed(texts):
            store.add_account(account(text, text))
        same([found.id for found in store.list_accounts()], texts, "the order")
        same(paged(lambda after: store.list_accounts(after=after, limit=7)), texts, "the order, by pages")
        same([found.id for found in store.list_accounts(after="B", limit=1)], [texts[texts.index("B") + 1]], "one account")
        for limit in (0, -1):
            same(store.list_accounts(limit=limit), (), "no accounts")
        same(len(store.list_accounts(limit=10**30)), len(texts), "all accounts")

    def test_the_latest_login_is_noted(self) -> None:
        """An earlier time changes nothing, and a login does not conflict with a change."""
        store = self.store()
        kept = store.add_account(account("1", "ann"))
        for at, noted in ((5.5, 5.5), (3.0, 5.5), (7, 7.0)):
            store.note_login("1", at)
            same(store.get_account("1").last_login_at, noted, "the login")
        store.note_login("2", 5.0)
        same(store.replace_account(replace(kept, disabled=True)).last_login_at, 7.0, "the login, after a change")
        refuses(lambda: store.note_login("1", float("nan")), "a login at an invalid time")

    def test_hash_samples_has_one_hash_of_each_profile(self) -> None:
        """It also has the number of accounts of each."""
        store = self.store()
        same(store.hash_samples(), (), "the samples of an empty store")
        for number, (hash_, profile) in enumerate([("a1", "a"), ("a2", "a"), ("b1", "b"), (None, "c"), ("d1", None)]):
            store.add_account(account(str(number), password_hash=hash_, hash_profile=profile))
        found = store.hash_samples()
        same(sorted(many for _, many in found), [1, 2], "the counts")
        same({(hash_[0], many) for hash_, many in found}, {("a", 2), ("b", 1)}, "the samples")
        store.swap_hash("0", "a1", "b2", "b")
        store.replace_account(replace(store.get_account("1"), password_hash="c1", hash_profile="c"))
        same({(hash_[0], many) for hash_, many in store.hash_samples()}, {("b", 2), ("c", 1)}, "the samples after changes")
        store.remove_account("1", 1)
        same({(hash_[0], many) for hash_, many in store.hash_samples()}, {("b", 2)}, "the samples after a removal")

    def test_the_dummy_key_is_random_and_stays(self) -> None:
        """It has 32 octets."""
        store = self.store()
        one = store.dummy_key()
        same((type(one), len(one), store.dummy_key()), (bytes, 32, one), "the key")
        if len(set(one)) < len(one) // 2:
            raise AssertionError("the dummy hash key is not random")

    def test_a_change_of_an_account_expires_cached_answers(self) -> None:
        """Answers about it, and about accounts with names that differ in case alone, expire. Others stay current."""
        store = self.store()
        kept = store.add_account(account("1", "ann", password_hash="h", hash_profile="p"))
        bob = store.add_account(account("6", "bob6"))
        store.add_account(account("7", "carl"))

        look, other = partial(store.find_account, "ann"), partial(store.find_account, "carl")
        second, third = (lambda: store.get_account("2") or account("2")), (lambda: store.get_account("3") or account("3"))
        voids(store, look, lambda: store.replace_account(replace(kept, roles=frozenset({"r"}))), "a change", other)
        voids(store, look, lambda: store.swap_hash("1", "h", "h2", "p"), "a swap", other)
        voids(store, look, lambda: store.add_account(account("2", "ANN")), "an added name that differs in case alone", other)
        voids(
            store, look, lambda: store.replace_account(replace(bob, names=("bob6", "Ann"))), "a new name that differs in case alone", other
        )
        voids(store, third, lambda: store.add_account(account("3", disabled=True)), "an added account that is disabled", look, other)
        voids(store, second, lambda: store.remove_account("2", 1), "a removal", look, other)
        keeps(store, look, lambda: store.add_account(account("4", password_hash="x", hash_profile="q")), "another profile of hashes")
        keeps(store, look, lambda: store.add_account(account("5", "bob", password_hash="h", hash_profile="p")), "an addition")
        keeps(store, look, lambda: store.note_login("1", 1), "a login")
        keeps(store, look, store.list_accounts, "a listing")
        for failing in (
            lambda: store.replace_account(replace(kept, version=999)),
            lambda: store.swap_hash("1", "other", "h3", None),
            lambda: store.remove_account("9", 1),
        ):
            keeps(store, look, failing, "a change that is not made")

    def test_one_of_many_concurrent_swaps_of_a_hash_wins(self) -> None:
        """The others return False."""
        store = self.store()
        store.add_account(account("1", "ann", password_hash="h"))
        told = self.race(lambda number: store.swap_hash("1", "h", f"h{number}", None))
        same(Counter(told), {True: 1, False: self.racers - 1}, "the answers")
        same(store.get_account("1").password_hash, f"h{told.index(True)}", "the hash of the winner")

    def test_one_of_many_concurrent_changes_of_an_account_wins(self) -> None:
        """The others return None, and nothing of them is kept."""
        store = self.store()
        kept = store.add_account(account("1", "ann"))
        told = self.race(lambda number: store.replace_account(replace(kept, names=(f"ann{number}",))))
        (won,) = [answer for answer in told if answer is not None]
        same(store.get_account("1"), won, "the account of the winner")
        same([store.find_account(f"ann{number}") for number in range(self.racers)], told, "the accounts by the names")

    def test_one_of_many_concurrent_additions_of_a_name_wins(self) -> None:
        """The same holds for an id."""
        store = self.store()

        def add(number: int) -> bool:
            try:
                store.add_account(account(str(number // 2), f"n{number % (self.racers // 2)}"))
            except AlreadyExists:
                return False
            return True

        told = self.race(add)
        listed = store.list_accounts()
        same(sum(told), len(listed), "the number of additions")
        same(len({name for found in listed for name in found.names}), len(listed), "the number of names")

    def test_fold_case_refuses_names_that_are_ids_of_others(self) -> None:
        """It also refuses an id that is a name of another account."""
        store = self.store()
        ann = store.add_account(account("id-1", "ann"), fold_case=False)

        def refused(*accounts: AccountRecord, fold_case: bool) -> None:
            for one in accounts:
                raises(AlreadyExists, partial(store.add_account, one, fold_case=fold_case), f"the addition of {one.id!r}")

        refused(account("id-2", "id-1"), account("id-2", "ann"), account("ann", "bob"), fold_case=False)
        refused(account("id-2", "ANN"), account("ann", "bob"), fold_case=True)
        bob = store.add_account(account("id-2", "bob"), fold_case=True)
        raises(AlreadyExists, lambda: store.replace_account(replace(bob, names=("bob", "id-1")), fold_case=False), "a new name")
        raises(AlreadyExists, lambda: store.replace_account(replace(bob, names=("bob", "Ann")), fold_case=True), "its case")
        same(store.replace_account(replace(ann, names=("ann", "id-1")), fold_case=True) is not None, True, "the account's own id")
        same([found.id for found in store.list_accounts()], ["id-1", "id-2"], "the accounts")

    def test_accounts_with_overlapping_names_and_ids_can_be_changed(self) -> None:
        """An application may have kept such accounts without `fold_case`, and must be able to disable them."""
        store = self.store()
        both = [store.add_account(account("id-1", "ann")), store.add_account(account("ann", "ANN"))]
        for one in both:
            same(store.replace_account(replace(one, disabled=True), fold_case=True) is not None, True, f"the change of {one.id!r}")

    def test_one_of_many_concurrent_additions_of_an_id_and_an_equal_name_wins(self) -> None:
        """The check is made under the lock that writes (threat W15)."""
        store = self.store()

        def add(number: int) -> bool:
            # Half of them use the text as an id, the others as a name, in both cases.
            taken = f"t{number // 4}"
            made = account(taken, f"n{number}") if number % 2 else account(f"i{number}", taken.upper() if number % 4 else taken)
            try:
                store.add_account(made, fold_case=True)
            except AlreadyExists:
                return False
            return True

        self.race(add)
        kept = store.list_accounts()
        ids, folded = {found.id for found in kept}, [name.casefold() for found in kept for name in found.names]
        same([name for found in kept for name in found.names if name in ids], [], "names that are ids of others")
        same(len(folded), len(set(folded)), "the number of caseless names")
