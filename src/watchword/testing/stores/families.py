"""Tests the contract of `RefreshStore`."""

# ruff: noqa: S107 - names of tokens, which are not secret

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from watchword.errors import AlreadyExists
from watchword.stores.ports import FamilyRecord, Kept, Presented, RefreshRecord, RefreshStore, State
from watchword.testing.clock import FixedClock
from watchword.testing.stores.common import TEXTS, UNSTORABLE, Contract, account, keeps, paged, raises, refuses, same, voids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.clock import Clock

NOW = 1_000_000.0
LATER = NOW + 86_400.0
SCOPES = frozenset({"read", "write"})


def digest_of(text: str) -> bytes:
    """Return the digest of a token."""
    return sha256(text.encode()).digest()


def family(id: str = "f1", owner: str = "1", client: str = "app", **fields: Any) -> FamilyRecord:  # noqa: A002, ANN401 - names of fields
    """Return a family to start, with an id, an owner, a client and further fields."""
    return FamilyRecord(**{"id": id, "owner": owner, "client": client, "scopes": SCOPES, "created_at": NOW, "expires_at": LATER, **fields})


def first(family: str = "f1", token: str = "", **fields: Any) -> RefreshRecord:  # noqa: ANN401 - as above
    """Return the first token of a family, by default one that is called as the family."""
    return RefreshRecord(**{"digest": digest_of(token or family), "family": family, "expires_at": LATER, **fields})


def presented(token: str = "f1", client: str = "app", successor: str = "", **fields: Any) -> Presented:  # noqa: ANN401 - as above
    """Return a token as a client presents it, with a successor that is called as it, and a further `+`."""
    given = {"digest": digest_of(token), "client": client, "successor": digest_of(successor or f"{token}+"), "lifetime": 3600.0}
    return Presented(**{**given, "nonce": b"n" * 16, "key_id": "k", **fields})


class RefreshStoreContract(Contract):
    """Tests the contract of `RefreshStore`; see `AccountStoreContract`."""

    ports: ClassVar[tuple[type, ...]] = (RefreshStore,)

    @abstractmethod
    def store_by(self, clock: Clock) -> Any:  # noqa: ANN401 - a store
        """Return a new and empty store whose time is that of a clock; called once per test."""

    def _timed(self) -> tuple[Any, FixedClock]:
        clock = FixedClock(NOW)
        return self.store_by(clock), clock

    def test_a_family_is_found_by_its_id_and_by_its_token(self) -> None:
        """It is returned with every field as it was started."""
        store, _ = self._timed()
        given = family(jkt="thumb", claims='{"auth_time":5}', revoked_at=NOW + 1.5)
        same(store.start_family(given, first()), given, "the family as it is kept")
        same(store.find_family("f1"), given, "the family as it is found")
        same(store.find_refresh(digest_of("f1")), Kept(family=given, token=first()), "the token")
        same(store.start_family(family("f2")), store.find_family("f2"), "a family without a token")
        for digest in (b"", digest_of("f2"), digest_of("f1")[:-1], bytes(10**6)):
            same(store.find_refresh(digest), None, "a token by another digest")

    def test_an_id_or_digest_of_a_family_in_use_is_refused(self) -> None:
        """The first family stays as it is, and nothing of the other is kept."""
        store, _ = self._timed()
        kept = store.start_family(family(), first())
        raises(AlreadyExists, lambda: store.start_family(family(owner="2"), first("f1", "x")), "a family with an id in use")
        raises(AlreadyExists, lambda: store.start_family(family("f2"), first("f2", "f1")), "a family with a token in use")
        same((store.list_families(), store.find_refresh(digest_of("x"))), ((kept,), None), "what is kept")

    def test_ids_of_families_are_any_text(self) -> None:
        """Each text finds its own family. Unstorable text is refused, and finds nothing."""
        store, _ = self._timed()
        for text in TEXTS:
            store.start_family(family(text, text, text, jkt=text))
        for text in TEXTS:
            same(store.list_families(owner=text), (store.find_family(text),), "the families of an owner")
            same((store.find_family(text).client, store.end_family(text, NOW)), (text, True), "the client, and the end")
        for text in UNSTORABLE:
            fields: Sequence[dict[str, Any]] = ({"id": text}, {"owner": text}, {"client": text}, {"jkt": text}, {"scopes": {text}})
            for field in (*fields, {"claims": text}):
                refuses(partial(store.start_family, replace(family("x"), **field)), f"starting a family with {text[:9]!r}")
            same((store.find_family(text), store.end_family(text, NOW)), (None, False), f"a family by {text[:9]!r}")
        wrong: Sequence[dict[str, Any]] = ({"expires_at": float("nan")}, {"expires_at": None}, {"scopes": "a"}, {"claims": "[]"})
        for field in (*wrong, {"claims": '{"a":"' + "x" * 5000 + '"}'}):
            refuses(partial(store.start_family, replace(family("x"), **field)), f"starting a family with {str(field)[:30]}")
        for token in (first("f9"), first("x", uses=1), first("x", digest=b"short"), first("x", rotated_at=NOW)):
            refuses(partial(store.start_family, family("x"), token), "starting a family with a token that is not its first")
        same(len(store.list_families()), len(TEXTS), "the number of families")

    def test_a_refresh_keeps_one_successor(self) -> None:
        """The same token again gives the nonce and the key of the first time, and the successor that is kept."""
        store, clock = self._timed()
        store.start_family(family(), first())
        for number in range(3):
            clock.set(NOW + 10 * number)
            found = store.refresh_family(presented(successor=f"s{number}", nonce=bytes([number]), key_id=f"k{number}"))
            same((found.state, found.kept.token.uses), (State.GRACE if number else State.LIVE, number), "the state, and the uses")
            same((found.kept.token.nonce, found.kept.token.key_id), (b"\x00", "k0"), "what the successor is derived from")
            same(found.kept.successor, first("f1", "s0", expires_at=NOW + 3600), "the successor")
        same([store.find_refresh(digest_of(f"s{number}")) is not None for number in range(3)], [True, False, False], "the successors")
        same(
            store.refresh_family(presented("s0", lifetime=10**6)).kept.successor.expires_at, LATER, "the end, which is the family's at most"
        )

    def test_what_is_no_refresh_changes_nothing(self) -> None:
        """An unknown token, another client or key, more scopes than were granted, and a disabled or ended one."""
        store, _ = self._timed()
        store.start_family(family(), first())
        store.start_family(family("f2", jkt="thumb"), first("f2"))
        store.start_family(family("f3", "2"), first("f3"))
        store.add_account(account("2", disabled=True))
        store.start_family(family("f4", revoked_at=NOW), first("f4"))
        store.start_family(family("f5", expires_at=NOW), first("f5"))
        store.start_family(family("f6"), first("f6", expires_at=NOW))
        table: list[tuple[Presented, State]] = [
            (presented("f9"), State.UNKNOWN),
            (presented(digest=b"short"), State.UNKNOWN),
            (presented(client="other"), State.WRONG),
            *((presented(client=text), State.WRONG) for text in UNSTORABLE),
            (presented(jkt="thumb"), State.WRONG),
            (presented("f2"), State.WRONG),
            (presented("f2", jkt="other"), State.WRONG),
            (presented(scopes=frozenset({"read", "admin"})), State.SCOPE),
            (presented("f3"), State.DISABLED),
            *((presented(f"f{number}"), State.ENDED) for number in (4, 5, 6)),
        ]
        families = store.list_families()
        look = partial(store.find_family, "f1")

        def work() -> None:
            for given, state in table:
                same(store.refresh_family(given).state, state, "the state")

        keeps(store, look, work, "a refused refresh")
        same(store.list_families(), families, "the families")
        same([store.find_refresh(digest_of(f"f{number}")).token.uses for number in range(1, 7)], [0] * 6, "the uses")
        same(store.refresh_family(presented(scopes=frozenset())).state, State.LIVE, "the state of what was refused")

    def test_a_late_use_leaves_the_family_alive_and_a_reuse_ends_it(self) -> None:
        """After 30 seconds, even where the successor was never used."""
        store, clock = self._timed()
        for start, id_ in ((NOW, "f1"), (NOW + 100, "f2")):
            clock.set(start)
            store.start_family(family(id_), first(id_))
            store.refresh_family(presented(id_))
            successor_used = id_ == "f2"
            if successor_used:
                store.refresh_family(presented(f"{id_}+"))
            clock.set(start + 29.9)
            same(store.refresh_family(presented(id_)).state, State.LATE if successor_used else State.GRACE, "the state before 30 seconds")
            same(store.find_family(id_).revoked_at, None, "the end of the family before")
            clock.set(start + 30)
            voids(store, partial(store.find_family, id_), partial(store.refresh_family, presented(id_)), "a reuse")
            same(store.find_family(id_).revoked_at, start + 30, "the end of the family")
            newest = f"{id_}++" if successor_used else f"{id_}+"
            same([store.refresh_family(presented(token)).state for token in (id_, newest)], [State.ENDED] * 2, "the states after")

    def test_a_successor_is_given_256_times(self) -> None:
        """Then it is late: no honest client asks so often."""
        store, _ = self._timed()
        store.start_family(family(), first())
        found = Counter(store.refresh_family(presented()).state for _ in range(260))
        same(found, {State.LIVE: 1, State.GRACE: 256, State.LATE: 3}, "the states")

    def test_families_are_listed_in_the_order_of_their_ids(self) -> None:
        """Each comes once, on pages of all families or of one owner's."""
        store, _ = self._timed()
        ids = sorted(f"{number * 7919 % 4096:03x}" for number in range(50))
        for number, id_ in enumerate(ids):
            store.start_family(family(id_, "ann" if number % 5 else "bob"))
        same(paged(lambda after: store.list_families(after=after, limit=7)), ids, "all, by pages")
        same(paged(lambda after: store.list_families(owner="bob", after=after, limit=3)), ids[::5], "those of one, by pages")
        same((store.list_families(owner="eve"), store.list_families(limit=0)), ((), ()), "none")

    def test_the_end_of_a_family_expires_cached_answers(self) -> None:
        """The end of one, of all of an owner, and the disabling of the owner; answers about others stay current."""
        store, _ = self._timed()
        for id_, owner in (("f1", "1"), ("f2", "1"), ("f3", "bob"), ("f4", "bob")):
            store.start_family(family(id_, owner), first(id_))
        one, two, three = (partial(store.find_family, id_) for id_ in ("f1", "f2", "f3"))
        voids(store, one, lambda: store.end_family("f1", NOW), "an end", two, three)
        same([store.end_family(id_, NOW + 9) for id_ in ("f1", "f9")], [False, False], "the end of an ended, and of an unknown one")
        voids(store, two, lambda: store.revoke_all("1", NOW), "the revocation of all", three)
        same((store.revoke_all("1", NOW + 9), store.revoke_all("bob", NOW)), ((0, 0), (0, 2)), "how many are revoked")
        same([found.revoked_at for found in store.list_families()], [NOW] * 4, "the ends")
        keeps(store, three, lambda: store.start_family(family("f5", "2"), first("f5")), "a start")
        keeps(store, three, lambda: store.refresh_family(presented("f5")), "a refresh")

        five = partial(store.find_family, "f5")
        kept = store.add_account(account("2"))
        voids(store, five, lambda: store.replace_account(replace(kept, disabled=True)), "the owner disabled", three)
        same((five().owner_disabled, store.list_families(owner="2")[0].owner_disabled), (True, True), "the state of the owner")
        same(store.refresh_family(presented("f5+")).state, State.DISABLED, "the state of a token of a disabled owner")
        voids(store, five, lambda: store.remove_account("2", NOW), "the owner removed", three)
        same(store.refresh_family(presented("f5+")).state, State.ENDED, "the state of a token of a removed owner")

    def test_purge_families_deletes_what_has_ended(self) -> None:
        """Ended families with their tokens, and expired tokens. A living family and its used tokens stay: they tell of reuse."""
        store, clock = self._timed()
        rows: list[tuple[str, dict[str, Any]]] = [
            ("f1", {}),
            ("f2", {"revoked_at": NOW - 1}),
            ("f3", {"expires_at": NOW - 1}),
            ("f4", {"revoked_at": NOW}),
        ]
        for id_, given in rows:
            store.start_family(family(id_, **given), first(id_))
        store.start_family(family("f5", expires_at=LATER + 9), first("f5", expires_at=NOW - 1))
        store.refresh_family(presented())
        same((store.purge_families(NOW), store.purge_families(LATER + 99)), (2, 0), "the number of families")
        same([found.id for found in store.list_families()], ["f1", "f4", "f5"], "the others")
        tokens = {token: store.find_refresh(digest_of(token)) is not None for token in ("f1", "f1+", "f2", "f3", "f4", "f5")}
        same(tokens, {"f1": True, "f1+": True, "f2": False, "f3": False, "f4": True, "f5": False}, "the tokens")
        clock.set(LATER + 1)
        same((store.purge_families(LATER + 99), store.list_families()), (2, (store.find_family("f5"),)), "a day later")

    def test_of_many_concurrent_refreshes_one_rotates(self) -> None:
        """All others get the same successor."""
        store, _ = self._timed()
        store.start_family(family(), first())
        found = self.race(lambda number: store.refresh_family(presented(successor=f"s{number}")))
        same(Counter(one.state for one in found), {State.LIVE: 1, State.GRACE: self.racers - 1}, "the states")
        same(len({one.kept.successor.digest for one in found}), 1, "the number of successors")
        same(store.find_refresh(digest_of("f1")).token.uses, self.racers - 1, "the uses")
