"""Tests the contract of `TokenStore`."""

# ruff: noqa: FBT003 - expected values

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from watchword.stores.ports import TokenStore
from watchword.testing.stores import issued
from watchword.testing.stores.common import TEXTS, UNSTORABLE, Contract, keeps, paged, same, token, voids


def tokens_of(store: Any) -> issued.Side:  # noqa: ANN401 - a store
    """Return the tokens of a store."""
    return issued.Side(store, token, lambda like: store.find_token(like.digest))


class TokenStoreContract(Contract):
    """Tests the contract of `TokenStore`; see `AccountStoreContract`."""

    ports: ClassVar[tuple[type, ...]] = (TokenStore,)

    def test_a_token_is_found_by_its_digest(self) -> None:
        """It is returned with every field as it was added."""
        store = self.store()
        given = token(
            "t1", "ann", label="a phone", kind="client", roles=frozenset({"b", "a"}), scopes=frozenset({"s"}),
            permissions=frozenset({"p"}), created_at=1.5, expires_at=2.5, revoked_at=3.5,
        )  # fmt: skip
        issued.kept_whole(tokens_of(store), given)
        for digest in (b"", b"t1", bytes(32), given.digest[:-1], given.digest + b"\x00", bytes(10**6)):
            same(store.find_token(digest), None, "a token by another digest")

    def test_a_token_is_found_by_its_handle(self) -> None:
        """As it is found by its digest; no other text finds it."""
        store = self.store()
        for number in range(3):
            store.add_token(token(f"t{number}"))
        same(store.get_token("t1"), store.find_token(token("t1").digest), "the token")
        for text in ("", "t", "T1", "t1 ", "t3", *UNSTORABLE):
            same(store.get_token(text), None, f"a token by the handle {text[:9]!r}")
        store.revoke_token("t1", 5.0)
        same(store.get_token("t1"), store.find_token(token("t1").digest), "the revoked token")

    def test_a_digest_or_handle_in_use_is_refused(self) -> None:
        """The first token stays as it is."""
        issued.taken_once(tokens_of(self.store()), replace(token("2"), id="1"), replace(token("1"), id="2"))

    def test_handles_are_any_text(self) -> None:
        """Each text finds its own token. Unstorable text is refused, and finds nothing."""
        store = self.store()
        issued.any_text(tokens_of(store))
        for text in UNSTORABLE:
            same(store.revoke_token(text, 1), False, f"the revocation of {text[:9]!r}")
        for text in TEXTS:
            same(store.revoke_token(text, 1), True, "the revocation")

    def test_a_token_is_revoked_by_its_handle(self) -> None:
        """The first revocation wins, whatever the clocks of the callers say, so that a token is redeemed once."""
        store = self.store()
        first = store.add_token(token("t1"))
        same([store.revoke_token("t1", at) for at in (5, 6, 4)], [True, False, False], "the revocations")
        same(store.find_token(first.digest), replace(first, revoked_at=5.0), "the token")
        same(store.revoke_token("t3", 5), False, "the revocation of an unknown token")

    def test_tokens_are_listed_in_the_order_of_their_handles(self) -> None:
        """Each comes once, on pages of all tokens or of one owner's."""
        store = self.store()
        issued.in_order(tokens_of(store), sorted(f"{number * 7919 % 4096:03x}" for number in range(50)), partial(self.fill, store))

    def test_revoke_all_revokes_the_tokens_of_an_owner(self) -> None:
        """Tokens that were revoked before, and those of other owners, stay as they are."""
        issued.all_revoked(tokens_of(self.store()), lambda count: (0, count))

    def test_purge_tokens_deletes_ended_tokens(self) -> None:
        """It deletes those that expired or were revoked before a time."""
        store = self.store()
        ended = token("t2", expires_at=4.0), token("t3", revoked_at=4.0)
        for one in (token("t1"), *ended, token("t4", expires_at=5.0, revoked_at=6.0)):
            store.add_token(one)
        same((store.purge_tokens(5), store.purge_tokens(5)), (2, 0), "how many are forgotten")
        same([found.id for found in store.list_tokens()], ["t1", "t4"], "the others")
        same(store.find_token(token("t2").digest), None, "a forgotten token")
        store.add_token(token("t2"))

    def test_purge_tokens_keeps_valid_tokens(self) -> None:
        """A time in the future counts as now (threat W16)."""
        store = self.store()
        for one in (token("t1"), token("t2", expires_at=4e9), token("t3", expires_at=4.0)):
            store.add_token(one)
        same(store.purge_tokens(5e9), 1, "how many are forgotten")
        same([found.id for found in store.list_tokens()], ["t1", "t2"], "the others")

    def test_purge_tokens_deletes_more_than_one_batch(self) -> None:
        """Valid tokens in between stay."""
        store = self.store()
        self.fill(store, [token(f"t{number}", expires_at=None if number % 3 == 0 else 4.0) for number in range(1203)])
        same(store.purge_tokens(5), 802, "how many are forgotten")
        same(len(paged(lambda after: store.list_tokens(after=after))), 401, "how many stay")

    def test_a_change_of_a_token_expires_cached_answers(self) -> None:
        """A revocation of all expires answers about the tokens of one owner. Answers about others stay current."""
        store = self.store()
        for id_, subject in (("t1", "1"), ("t2", "1"), ("t4", "bob")):
            store.add_token(token(id_, subject))

        look, of_the_same, of_bob = ((lambda id_=id_: store.find_token(token(id_).digest) or token(id_)) for id_ in ("t1", "t2", "t4"))
        voids(store, look, lambda: store.revoke_token("t1", 5), "a revocation", of_the_same, of_bob)
        voids(store, of_the_same, lambda: store.revoke_all("1", 5), "the revocation of all", of_bob)
        voids(store, look, lambda: store.purge_tokens(99), "a purge", of_bob)
        keeps(store, look, lambda: store.add_token(token("t3")), "an addition")
        for failing in (lambda: store.revoke_token("t9", 1), lambda: store.revoke_all("eve", 1), lambda: store.purge_tokens(0)):
            keeps(store, look, failing, "a change that is not made")

    def test_one_of_many_concurrent_revocations_of_a_token_wins(self) -> None:
        """The others return False."""
        store = self.store()
        store.add_token(token())
        same(Counter(self.race(lambda _: store.revoke_token("t1", 5))), {True: 1, False: self.racers - 1}, "the answers")
