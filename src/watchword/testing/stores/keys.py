"""Tests the contract of `KeyStore`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from watchword.errors import AlreadyExists
from watchword.stores.ports import KeyStore
from watchword.testing.stores import issued
from watchword.testing.stores.common import UNSTORABLE, Contract, keeps, key, raises, same, voids


def keys_of(store: Any) -> issued.Side:  # noqa: ANN401 - a store
    """Return the keys of a store."""
    return issued.Side(store, key, lambda like: store.find_key(like.id))


class KeyStoreContract(Contract):
    """Tests the contract of `KeyStore`; see `AccountStoreContract`."""

    ports: ClassVar[tuple[type, ...]] = (KeyStore,)

    def test_a_key_is_found_by_its_id(self) -> None:
        """It is returned with every field as it was added."""
        store = self.store()
        issued.kept_whole(
            keys_of(store),
            key(
                "k1", "ann", label="the build, 'ü'", kind="client", roles=frozenset({"b", "a"}), scopes=frozenset({"s"}),
                permissions=frozenset({"p"}), networks=("10.0.0.0/8", "::1/128"), not_before=1.5, expires_at=2.5, created_at=3.5,
                last_used_at=4.5, revoked_at=5.5, replaced_by="k2",
            ),
        )  # fmt: skip
        same(store.find_key("K1"), None, "a key by another id")

    def test_ids_of_keys_are_any_text(self) -> None:
        """Each text finds its own key. Unstorable text is refused, and finds nothing."""
        store = self.store()
        issued.any_text(keys_of(store), lambda text: key("x", networks=(text,)))
        for text in UNSTORABLE:
            same(store.find_key(text), None, f"a key by {text[:9]!r}")
            store.note_key_use(text, 1)

    def test_an_id_of_a_key_in_use_is_refused(self) -> None:
        """The first key stays as it is."""
        issued.taken_once(keys_of(self.store()))

    def test_of_two_changes_of_one_version_of_a_key_the_first_is_kept(self) -> None:
        """The second change returns None."""
        store = self.store()
        first = store.add_key(key("k1", created_at=1.0))
        store.note_key_use("k1", 7.0)
        kept = store.replace_key(replace(first, label="new", revoked_at=4.0, created_at=9.0, scopes=frozenset({"s"})))
        expected = replace(first, label="new", revoked_at=4.0, scopes=frozenset({"s"}), last_used_at=7.0, version=kept.version)
        same(kept, expected, "the key as it is kept")
        same(store.replace_key(replace(first, revoked_at=None)), None, "a change of an old version")
        for version in (0, -1, 2**70):
            same(store.replace_key(replace(kept, version=version)), None, "a change of a record that was never read")
        same(store.replace_key(key("k9", version=1)), None, "a change of an unknown key")
        same(store.find_key("k1"), kept, "the key in the end")

    def test_rotate_key_keeps_the_key_and_its_successor_or_neither(self) -> None:
        """It keeps neither if the old one has changed, or if the id of the new one is in use."""
        store = self.store()
        first = store.add_key(key("k1"))
        other = store.add_key(key("k2"))
        changed = replace(first, expires_at=9.0, replaced_by="k3")
        for taken in ("k2", "k1"):
            raises(AlreadyExists, partial(store.rotate_key, changed, key(taken)), "a successor whose id is taken")
        same(store.rotate_key(replace(changed, version=99), key("k3")), None, "the rotation of an old version")
        same(store.list_keys(), (first, other), "the keys after rotations that failed")
        added = store.rotate_key(changed, key("k3", label="new"))
        same(replace(added, version=0), key("k3", label="new"), "the successor")
        same(replace(store.find_key("k1"), version=first.version), changed, "the old one")
        same(store.rotate_key(changed, key("k4")), None, "the second rotation")
        same(store.find_key("k4"), None, "the successor of the second rotation")

    def test_keys_are_listed_in_the_order_of_their_ids(self) -> None:
        """Each comes once, on pages of all keys or of one owner's."""
        store = self.store()
        ids = sorted(f"{number * 7919 % 65536:04x}" for number in range(self.many))
        issued.in_order(keys_of(store), ids, partial(self.fill, store))

    def test_the_latest_use_of_a_key_is_noted(self) -> None:
        """An earlier time changes nothing, and a use does not conflict with a change."""
        store = self.store()
        kept = store.add_key(key())
        for at, noted in ((5.5, 5.5), (3.0, 5.5), (7, 7.0)):
            store.note_key_use("k1", at)
            same(store.find_key("k1").last_used_at, noted, "the use")
        store.note_key_use("k2", 1.0)
        same(store.replace_key(kept).last_used_at, 7.0, "the use, after a change")

    def test_revoke_all_revokes_the_keys_of_an_owner(self) -> None:
        """Keys that were revoked before, and those of other owners, stay as they are."""
        issued.all_revoked(keys_of(self.store()), lambda count: (count, 0))

    def test_a_change_of_an_old_version_does_not_undo_a_revocation(self) -> None:
        """A record that was read before the revocation has an old version."""
        store = self.store()
        old = store.add_key(key())
        store.revoke_all("1", 5)
        same(store.replace_key(replace(old, label="new")), None, "a change that would take the revocation back")

    def test_a_change_of_a_key_expires_cached_answers(self) -> None:
        """A revocation of all expires answers about the keys of one owner. Answers about others stay current."""
        store = self.store()
        first = store.add_key(key("k1"))
        store.add_key(key("k5"))
        store.add_key(key("k4", "bob"))

        look, of_the_same, of_bob = (partial(store.find_key, id_) for id_ in ("k1", "k5", "k4"))
        voids(store, look, lambda: store.replace_key(replace(first, label="x")), "a change", of_the_same, of_bob)
        current = store.find_key("k1")
        voids(store, look, lambda: store.rotate_key(current, key("k2")), "a rotation", of_the_same, of_bob)
        voids(store, of_the_same, lambda: store.revoke_all("1", 1), "a revocation of all", of_bob)
        keeps(store, look, lambda: store.add_key(key("k3", "bob")), "an addition")
        keeps(store, look, lambda: store.note_key_use("k1", 1), "a use")
        for failing in (
            lambda: store.replace_key(first),
            lambda: store.rotate_key(first, key("k9")),
            lambda: store.revoke_all("eve", 1),
        ):
            keeps(store, look, failing, "a change that is not made")

    def test_one_of_many_concurrent_changes_and_rotations_of_a_key_wins(self) -> None:
        """The others return None."""
        store = self.store()
        kept = store.add_key(key())
        told = self.race(
            lambda number: store.rotate_key(kept, key(f"n{number}")) if number % 2 else store.replace_key(replace(kept, label=str(number)))
        )
        (won,) = [answer for answer in told if answer is not None]
        same([found for found in store.list_keys() if found.id == won.id], [won], "the key of the one")
        same(len(store.list_keys()), 1 + (won.id != "k1"), "how many keys there are")
