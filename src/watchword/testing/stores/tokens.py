"""Tests what every store of tokens owes to the checkers."""

# ruff: noqa: FBT003 - what is expected, and hashes that are none

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

from watchword.testing.stores import issued
from watchword.testing.stores.common import TEXTS, UNSTORABLE, Contract, keeps, paged, same, token, voids


def tokens_of(store: Any) -> issued.Side:  # noqa: ANN401 - a store
    """Return the tokens of a store."""
    return issued.Side(store, token, lambda like: store.find_token(like.digest))


class TokenStoreContract(Contract):
    """What every `TokenStore` owes; see `AccountStoreContract`."""

    def test_a_token_is_found_by_its_digest(self) -> None:
        """As it was added, with every field."""
        store = self.store()
        given = token(
            "t1", "ann", label="a phone", kind="client", roles=frozenset({"b", "a"}), scopes=frozenset({"s"}),
            permissions=frozenset({"p"}), created_at=1.5, expires_at=2.5, revoked_at=3.5,
        )  # fmt: skip
        issued.kept_whole(tokens_of(store), given)
        for digest in (b"", b"t1", bytes(32), given.digest[:-1], given.digest + b"\x00", bytes(10**6)):
            same(store.find_token(digest), None, "a token by another digest")

    def test_digests_and_handles_are_taken_once(self) -> None:
        """The first stays as it is."""
        issued.taken_once(tokens_of(self.store()), replace(token("2"), id="1"), replace(token("1"), id="2"))

    def test_handles_are_any_text(self) -> None:
        """Each is found by itself alone; what cannot be kept is refused, and finds nothing."""
        store = self.store()
        issued.any_text(tokens_of(store))
        for text in UNSTORABLE:
            same(store.revoke_token(text, 1), False, f"the revocation of {text[:9]!r}")
        for text in TEXTS:
            same(store.revoke_token(text, 1), True, "the revocation")

    def test_a_token_is_revoked_by_its_handle(self) -> None:
        """Once, whatever the clocks of those say who do it: of two who redeem a token one is the first."""
        store = self.store()
        first = store.add_token(token("t1"))
        same([store.revoke_token("t1", at) for at in (5, 6, 4)], [True, False, False], "the revocations")
        same(store.find_token(first.digest), replace(first, revoked_at=5.0), "the token")
        same(store.revoke_token("t3", 5), False, "of none")

    def test_tokens_are_listed_in_the_order_of_their_handles(self) -> None:
        """Everybody's or somebody's; page by page each comes once."""
        store = self.store()
        issued.in_order(tokens_of(store), sorted(f"{number * 7919 % 4096:03x}" for number in range(50)), partial(self.fill, store))

    def test_all_tokens_of_somebody_are_revoked(self) -> None:
        """Those that were not yet; and nobody else's."""
        issued.all_revoked(tokens_of(self.store()), lambda count: (0, count))

    def test_ended_tokens_are_forgotten(self) -> None:
        """Those that ended before a time, in one way or the other."""
        store = self.store()
        ended = token("t2", expires_at=4.0), token("t3", revoked_at=4.0)
        for one in (token("t1"), *ended, token("t4", expires_at=5.0, revoked_at=6.0)):
            store.add_token(one)
        same((store.purge_tokens(5), store.purge_tokens(5)), (2, 0), "how many are forgotten")
        same([found.id for found in store.list_tokens()], ["t1", "t4"], "the others")
        same(store.find_token(token("t2").digest), None, "a forgotten token")
        store.add_token(token("t2"))

    def test_a_token_that_is_valid_is_never_forgotten(self) -> None:
        """A time in the future counts as now (threat W16)."""
        store = self.store()
        for one in (token("t1"), token("t2", expires_at=4e9), token("t3", expires_at=4.0)):
            store.add_token(one)
        same(store.purge_tokens(5e9), 1, "how many are forgotten")
        same([found.id for found in store.list_tokens()], ["t1", "t2"], "the others")

    def test_many_ended_tokens_are_forgotten(self) -> None:
        """More than a store takes in one transaction, between others that stay."""
        store = self.store()
        self.fill(store, [token(f"t{number}", expires_at=None if number % 3 == 0 else 4.0) for number in range(1203)])
        same(store.purge_tokens(5), 802, "how many are forgotten")
        same(len(paged(lambda after: store.list_tokens(after=after))), 401, "how many stay")

    def test_revisions_of_tokens(self) -> None:
        """A change voids what is cached about its token, and a revocation of all about the tokens of one subject; about others nothing."""
        store = self.store()
        for id_, subject in (("t1", "1"), ("t2", "1"), ("t4", "bob")):
            store.add_token(token(id_, subject))

        def look() -> Any:  # noqa: ANN401 - a store's record
            return store.find_token(token("t1").digest) or token("t1")

        def of_the_same() -> Any:  # noqa: ANN401 - as above
            return store.find_token(token("t2").digest) or token("t2")

        def of_bob() -> Any:  # noqa: ANN401 - as above
            return store.find_token(token("t4").digest)

        voids(store, look, lambda: store.revoke_token("t1", 5), "a revocation", of_the_same, of_bob)
        voids(store, of_the_same, lambda: store.revoke_all("1", 5), "the revocation of all", of_bob)
        voids(store, look, lambda: store.purge_tokens(99), "a purge", of_bob)
        keeps(store, look, lambda: store.add_token(token("t3")), "an addition")
        for failing in (lambda: store.revoke_token("t9", 1), lambda: store.revoke_all("eve", 1), lambda: store.purge_tokens(0)):
            keeps(store, look, failing, "a change that is not made")

    def test_of_many_who_revoke_a_token_one_does(self) -> None:
        """The others are told that it was done before."""
        store = self.store()
        store.add_token(token())
        same(Counter(self.race(lambda _: store.revoke_token("t1", 5))), {True: 1, False: self.racers - 1}, "what they are told")
