"""Tests what every store of accounts owes to the checkers."""

# ruff: noqa: FBT003, S106 - what is expected, and hashes that are none

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from watchword.errors import AlreadyExists
from watchword.testing.stores.common import TEXTS, UNSTORABLE, Contract, account, keeps, paged, raises, refuses, same, voids

if TYPE_CHECKING:
    from watchword.stores.ports import AccountRecord


class AccountStoreContract(Contract):
    """What every `AccountStore` owes. Inherit it in a class whose name begins with `Test`, and pytest runs it.

    class TestMyStore(AccountStoreContract):
        def store(self):
            return MyStore(...)
    """

    def test_an_account_is_found_by_each_of_its_names_and_by_its_id(self) -> None:
        """As it was added, with every field."""
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
            same(found, None, "an account by what is none of its names")

    def test_an_account_may_have_nothing(self) -> None:
        """No names, no password, no roles: it is a principal that keys belong to."""
        store = self.store()
        same(replace(store.add_account(account("1")), version=0), account("1"), "an account of nothing but an id")
        same(store.hash_samples(), (), "the hashes of accounts without one")

    def test_ids_and_names_are_any_text(self) -> None:
        """Each is found by itself and by nothing that merely looks like it."""
        store = self.store()
        for text in TEXTS:
            store.add_account(account(text, text, roles=frozenset({text}), password_hash=text))
        for text in TEXTS:
            found = store.find_account(text)
            same((found.id, found.names, found.roles, found.password_hash), (text, (text,), {text}, text), "an account")
            same(store.get_account(text), found, "an account by its id")

    def test_what_cannot_be_kept_is_refused(self) -> None:
        """NUL, lone surrogates, nothing, too much: a ValueError, and nothing is kept."""
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
            account("1", "ᾳ" * 341),  # longer without its case
        ):
            refuses(partial(store.add_account, bad), "adding an account that cannot be kept")
        same(store.list_accounts(), (), "what is kept of the accounts that cannot be")

    def test_a_lookup_by_anything_finds_nothing_and_raises_nothing(self) -> None:
        """A client shows what it likes."""
        store = self.store()
        store.add_account(account("a", "a", password_hash="h"))
        for text in UNSTORABLE:
            for found in (store.find_account(text), store.find_account(text, fold_case=True), store.get_account(text)):
                same(found, None, f"an account by {text[:9]!r}")
            same(store.swap_hash(text, "h", "h2", None), False, "a swap of the hash of nobody")
            same(store.swap_hash("a", text, "h2", None), False, "a swap of no hash")
            same(store.remove_account(text, 1), False, "the removal of nobody")
            store.note_login(text, 1)
            if text:
                same(store.list_accounts(after=text), (), "accounts after what cannot be kept")

    def test_ids_and_names_are_taken_once(self) -> None:
        """By whoever was first; then nothing of the second account is kept."""
        store = self.store()
        first = store.add_account(account("1", "ann", "anna"))
        raises(AlreadyExists, lambda: store.add_account(account("1", "bob")), "adding an id that is taken")
        raises(AlreadyExists, lambda: store.add_account(account("2", "bob", "anna")), "adding a name that is taken")
        same(store.list_accounts(), (first,), "the accounts")
        same(store.find_account("bob"), None, "a name of an account that was refused")
        store.add_account(account("2", "bob", "Anna"))
        same(store.find_account("Anna").id, "2", "a name that differs in case")

    def test_case_is_folded_where_that_is_asked_for(self) -> None:
        """As Unicode folds it; the exact name wins, and nobody is found by a name that is two people's."""
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
        same(store.find_account("strasse"), None, "a name in another case, which was not asked for")

    def test_a_change_is_kept_once(self) -> None:
        """By the version that was read: whoever comes second is told that it is not so any more."""
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
        same(store.find_account("ann"), None, "an account by a name that it gave up")
        same(store.replace_account(replace(first, disabled=False)), None, "a change of what is not so any more")
        same(store.replace_account(account("2", "bob", version=1)), None, "a change of nobody")
        same(store.replace_account(replace(kept, version=0)), None, "a change of what was never read")
        same(store.replace_account(replace(kept, version=2**70)), None, "a change of what cannot be")
        same(store.get_account("1"), kept, "the account in the end")
        store.add_account(account("3", "ann"))

    def test_a_change_takes_no_name_of_somebody_else(self) -> None:
        """And then changes nothing at all."""
        store = self.store()
        ann, bob = store.add_account(account("1", "ann")), store.add_account(account("2", "bob"))
        raises(AlreadyExists, lambda: store.replace_account(replace(bob, names=("bobby", "ann"))), "taking a name")
        same((store.find_account("ann"), store.find_account("bob"), store.find_account("bobby")), (ann, bob, None), "the accounts")

    def test_an_old_record_does_not_change_a_new_account_of_that_id(self) -> None:
        """Removed and added again it is another one, however alike."""
        store = self.store()
        old = store.add_account(account("1", "ann"))
        for _ in range(3):
            store.remove_account("1", 1)
            new = store.add_account(account("1", "ann"))
            same(store.replace_account(replace(old, disabled=True)), None, "a change of an account that was removed")
            old = new

    def test_a_hash_is_swapped_for_a_better_one(self) -> None:
        """By the hash that was read; when the password was set stays as it was."""
        store = self.store()
        first = store.add_account(account("1", "ann", password_hash="h1", hash_profile="p1", password_changed_at=4.0))
        same(store.swap_hash("1", "h0", "h2", "p2"), False, "the swap of another hash")
        same(store.swap_hash("2", "h1", "h2", "p2"), False, "the swap of nobody's hash")
        same(store.swap_hash("1", "h1", "h2", "p2"), True, "the swap")
        found = store.get_account("1")
        same((found.password_hash, found.hash_profile, found.password_changed_at), ("h2", "p2", 4.0), "the account")
        same(store.swap_hash("1", "h1", "h3", "p3"), False, "the swap of the old hash")
        same(store.replace_account(first), None, "a change by a record with the old hash")
        refuses(lambda: store.swap_hash("1", "h2", "\x00", None), "a swap for what cannot be kept")

    def test_a_removed_account_is_gone(self) -> None:
        """With its names, which are free then."""
        store = self.store()
        store.add_account(account("1", "ann", "anna", password_hash="h", hash_profile="p"))
        same(store.remove_account("2", 1), False, "the removal of nobody")
        same(store.remove_account("1", 1), True, "the removal")
        same(store.remove_account("1", 1), False, "the second removal")
        same((store.get_account("1"), store.find_account("ann"), store.hash_samples()), (None, None, ()), "what is left")
        store.add_account(account("2", "ann", "anna"))

    def test_accounts_are_listed_in_the_order_of_their_ids(self) -> None:
        """By the octets of UTF-8, whatever language the database speaks; page by page each comes once."""
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

    def test_a_login_is_noted(self) -> None:
        """The latest one; and whoever changes the account meanwhile need not read it again."""
        store = self.store()
        kept = store.add_account(account("1", "ann"))
        for at, noted in ((5.5, 5.5), (3.0, 5.5), (7, 7.0)):
            store.note_login("1", at)
            same(store.get_account("1").last_login_at, noted, "the login")
        store.note_login("2", 5.0)
        same(store.replace_account(replace(kept, disabled=True)).last_login_at, 7.0, "the login, after a change")
        refuses(lambda: store.note_login("1", float("nan")), "a login at no time")

    def test_hashes_are_sampled_by_profile(self) -> None:
        """One of each that is in use, and of how many."""
        store = self.store()
        same(store.hash_samples(), (), "the samples of an empty store")
        for number, (hash_, profile) in enumerate([("a1", "a"), ("a2", "a"), ("b1", "b"), (None, "c"), ("d1", None)]):
            store.add_account(account(str(number), password_hash=hash_, hash_profile=profile))
        found = store.hash_samples()
        same(sorted(many for _, many in found), [1, 2], "how many")
        same({(hash_[0], many) for hash_, many in found}, {("a", 2), ("b", 1)}, "the samples")
        store.swap_hash("0", "a1", "b2", "b")
        store.replace_account(replace(_found(store.get_account("1")), password_hash="c1", hash_profile="c"))
        same({(hash_[0], many) for hash_, many in store.hash_samples()}, {("b", 2), ("c", 1)}, "the samples after changes")
        store.remove_account("1", 1)
        same({(hash_[0], many) for hash_, many in store.hash_samples()}, {("b", 2)}, "the samples after a removal")

    def test_the_decoy_key_stays(self) -> None:
        """It is of 32 octets, random, and another one in another store."""
        store = self.store()
        one = store.dummy_key()
        same((type(one), len(one), store.dummy_key()), (bytes, 32, one), "the key")
        if len(set(one)) < len(one) // 2:
            raise AssertionError("the dummy hash key is not random")

    def test_revisions_of_accounts(self) -> None:
        """A change voids what is cached about its account, and about accounts whose names it resembles; about others nothing."""
        store = self.store()
        kept = store.add_account(account("1", "ann", password_hash="h", hash_profile="p"))
        bob = store.add_account(account("6", "bob6"))
        store.add_account(account("7", "carl"))

        def look() -> AccountRecord:
            return _found(store.find_account("ann"))

        def other() -> AccountRecord:
            return _found(store.find_account("carl"))

        def third() -> AccountRecord:
            store.get_account("3")
            return account("3")

        voids(store, look, lambda: store.replace_account(replace(kept, roles=frozenset({"r"}))), "a change", other)
        voids(store, look, lambda: store.swap_hash("1", "h", "h2", "p"), "a swap", other)
        voids(store, look, lambda: store.add_account(account("2", "ANN")), "a name that differs in case alone", other)
        voids(store, look, lambda: store.replace_account(replace(bob, names=("bob6", "Ann"))), "a new name that does", other)
        voids(store, third, lambda: store.add_account(account("3", disabled=True)), "a disabled account, whose keys die by it", look, other)
        voids(store, lambda: _or(store.get_account("2"), account("2")), lambda: store.remove_account("2", 1), "a removal", look, other)
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

    def test_of_many_who_swap_a_hash_one_does(self) -> None:
        """The others are told so."""
        store = self.store()
        store.add_account(account("1", "ann", password_hash="h"))
        told = self.race(lambda number: store.swap_hash("1", "h", f"h{number}", None))
        same(Counter(told), {True: 1, False: self.racers - 1}, "what they are told")
        same(store.get_account("1").password_hash, f"h{told.index(True)}", "the hash of the one")

    def test_of_many_who_change_an_account_one_does(self) -> None:
        """The others are told so, and none of theirs is kept."""
        store = self.store()
        kept = store.add_account(account("1", "ann"))
        told = self.race(lambda number: store.replace_account(replace(kept, names=(f"ann{number}",))))
        (won,) = [answer for answer in told if answer is not None]
        same(store.get_account("1"), won, "the account of the one")
        same([store.find_account(f"ann{number}") for number in range(self.racers)], told, "who is found by the names")

    def test_of_many_who_take_a_name_one_gets_it(self) -> None:
        """And of many who come with the same id."""
        store = self.store()

        def add(number: int) -> bool:
            try:
                store.add_account(account(str(number // 2), f"n{number % (self.racers // 2)}"))
            except AlreadyExists:
                return False
            return True

        told = self.race(add)
        listed = store.list_accounts()
        same(sum(told), len(listed), "how many were added")
        same(len({name for found in listed for name in found.names}), len(listed), "how many names they have")

    def test_ids_and_names_are_kept_apart_where_asked(self) -> None:
        """With `fold_case` given, a name is no id of another account, and an id no name of one."""
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

    def test_what_overlaps_can_be_changed(self) -> None:
        """An application may have kept an id that is a name of another account: both can be disabled all the same."""
        store = self.store()
        both = [store.add_account(account("id-1", "ann")), store.add_account(account("ann", "ANN"))]
        for one in both:
            same(store.replace_account(replace(one, disabled=True), fold_case=True) is not None, True, f"the change of {one.id!r}")

    def test_of_many_who_add_an_id_and_a_name_alike_one_does(self) -> None:
        """The check is made under the lock that writes: no two processes pass it at once (threat W15)."""
        store = self.store()

        def add(number: int) -> bool:
            # Half of them take the text as an id, the others as a name, in one case or the other.
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
        same(len(folded), len(set(folded)), "how many names differ in more than case")


def _found(account: AccountRecord | None) -> AccountRecord:
    if account is None:
        raise AssertionError("an account is not found")
    return account


def _or(account: AccountRecord | None, other: AccountRecord) -> AccountRecord:
    return other if account is None else account
