"""Tests the contract of `RevocationStore`."""

# ruff: noqa: FBT003 - expected values

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from watchword.stores.ports import RevocationStore, Standing
from watchword.testing.clock import FixedClock
from watchword.testing.stores.common import TEXTS, UNSTORABLE, Contract, keeps, refuses, same, voids

if TYPE_CHECKING:
    from watchword.clock import Clock

NOW = 1_000_000.0
ISSUER = "https://id.example"


class RevocationStoreContract(Contract):
    """Tests the contract of `RevocationStore`; see `AccountStoreContract`."""

    ports: ClassVar[tuple[type, ...]] = (RevocationStore,)

    @abstractmethod
    def store_by(self, clock: Clock) -> Any:  # noqa: ANN401 - a store
        """Return a new and empty store whose time is that of a clock; called once per test."""

    def test_a_standing_repeats_the_question_and_has_what_was_revoked(self) -> None:
        """A token of another issuer, subject or id is another token."""
        store = self.store()
        same(store.find_standing(ISSUER, "ann", "j1"), Standing(issuer=ISSUER, subject="ann", jti="j1"), "a token before")
        same((store.revoke_jti(ISSUER, "j1", 5, 6), store.revoke_before(ISSUER, "ann", 7)), (True, True), "the revocations")
        table = [
            (ISSUER, "ann", "j1", 5.0, 7.0),
            (ISSUER, "ann", "j2", None, 7.0),
            (ISSUER, "ann", "", None, 7.0),
            (ISSUER, "bob", "j1", 5.0, None),
            (ISSUER, "Ann", "J1", None, None),
            (ISSUER, "j1", "ann", None, None),
            (ISSUER + "/", "ann", "j1", None, None),
        ]
        for issuer, subject, jti, at, before in table:
            expected = Standing(issuer=issuer, subject=subject, jti=jti, revoked_at=at, not_before=before)
            same(store.find_standing(issuer, subject, jti), expected, "the standing")

    def test_claims_are_any_text(self) -> None:
        """Each text is itself alone. Unstorable text is refused, and asking about it finds nothing."""
        store = self.store()
        for number, text in enumerate(TEXTS):
            same((store.revoke_jti(text, text, number, 9), store.revoke_before(text, text, number)), (True, True), "the revocations")
        for number, text in enumerate(TEXTS):
            expected = Standing(issuer=text, subject=text, jti=text, revoked_at=float(number), not_before=float(number))
            same(store.find_standing(text, text, text), expected, "the standing")
        for text in UNSTORABLE:
            for given in ((text, "x"), ("x", text)):
                refuses(partial(store.revoke_jti, *given, 1, 2), f"revoking with {text[:9]!r}")
                refuses(partial(store.revoke_before, *given, 1), f"revoking with {text[:9]!r}")
            found = store.find_standing(text, text, text, text)
            same(found, Standing(issuer=text, subject=text, jti=text), f"the standing by {text[:9]!r}")
        for time in (float("nan"), "5", None, True):
            refuses(partial(store.revoke_jti, "i", "j", time, 2), f"revoking at {time!r}")
            refuses(partial(store.revoke_jti, "i", "j", 2, time), f"revoking until {time!r}")
            refuses(partial(store.revoke_before, "i", "s", time), f"revoking before {time!r}")

    def test_the_latest_revocation_of_a_subject_stays(self) -> None:
        """A time never moves back, whatever the order of the calls is."""
        store = self.store()
        same([store.revoke_before(ISSUER, "ann", at) for at in (5, 4, 5, 6.5, 6)], [True, False, False, True, False], "the answers")
        same(store.find_standing(ISSUER, "ann", "").not_before, 6.5, "the time")

    def test_a_revocation_expires_cached_answers(self) -> None:
        """About this token, or the tokens of this subject, and about no others."""
        store = self.store()
        one, other = partial(store.find_standing, ISSUER, "ann", "j1"), partial(store.find_standing, ISSUER, "bob", "j2")
        foreign = partial(store.find_standing, "https://other.example", "ann", "j1")
        voids(store, one, lambda: store.revoke_jti(ISSUER, "j1", 1, 9), "a revocation by jti", other, foreign)
        voids(store, one, lambda: store.revoke_before(ISSUER, "ann", 1), "a revocation of a subject", other, foreign)
        voids(store, one, lambda: store.revoke_before(ISSUER, "ann", 2), "a later revocation of a subject", other, foreign)
        keeps(store, one, lambda: store.revoke_jti(ISSUER, "j1", 2, 99), "a second revocation")
        keeps(store, one, lambda: store.revoke_before(ISSUER, "ann", 2), "an earlier revocation")

    def test_purge_revocations_deletes_what_concerns_ended_tokens_alone(self) -> None:
        """A time in the future counts as now: a revocation that is needed is never deleted."""
        clock = FixedClock(NOW)
        store = self.store_by(clock)
        for jti, until in (("over", NOW - 1), ("now", NOW), ("later", NOW + 9), ("ever", inf)):
            store.revoke_jti(ISSUER, jti, NOW - 100, until)
        for subject, at in (("ann", NOW - 100), ("bob", NOW)):
            store.revoke_before(ISSUER, subject, at)

        def left() -> list[str]:
            jtis = ("over", "now", "later", "ever")
            found = [jti for jti in jtis if store.find_standing(ISSUER, "x", jti).revoked_at is not None]
            return found + [one for one in ("ann", "bob") if store.find_standing(ISSUER, one, "").not_before is not None]

        same((store.purge_revocations(NOW - 5, -inf), store.purge_revocations(-inf, NOW - 100)), (0, 0), "what is deleted too early")
        same((store.purge_revocations(NOW + 99, -inf), left()), (1, ["now", "later", "ever", "ann", "bob"]), "after a purge")
        same(store.revoke_jti(ISSUER, "over", NOW, NOW + 9), True, "the revocation of what was forgotten")
        same((store.purge_revocations(-inf, NOW + 99), left()), (4, ["over", "bob"]), "after a purge of old ones")

    def test_a_second_revocation_keeps_the_latest_end(self) -> None:
        """A purge that follows the earlier end would let the token in again."""
        clock = FixedClock(NOW)
        store = self.store_by(clock)
        for jti, ends in (("a", (NOW + 1, NOW + 5)), ("b", (NOW + 5, NOW + 1))):
            same([store.revoke_jti(ISSUER, jti, NOW + number, until) for number, until in enumerate(ends)], [True, False], "the answers")
        clock.advance(3)
        same(store.purge_revocations(NOW + 3, -inf), 0, "what is deleted")
        same([store.find_standing(ISSUER, "x", jti).revoked_at for jti in "ab"], [NOW, NOW], "the times")

    def test_purge_revocations_deletes_more_than_one_batch(self) -> None:
        """What is needed stays in between."""
        store = self.store()
        for number in range(450):
            store.revoke_jti(ISSUER, f"j{number}", 1, 9e9 if number % 3 == 0 else 5)
        same((store.purge_revocations(9, -inf), store.purge_revocations(9, -inf)), (300, 0), "how many are deleted")
        same(sum(store.find_standing(ISSUER, "x", f"j{number}").revoked_at is not None for number in range(450)), 150, "what stays")

    def test_one_of_many_concurrent_revocations_of_a_jti_wins(self) -> None:
        """And the latest of many times for a subject stays."""
        store = self.store()
        told = Counter(self.race(lambda number: store.revoke_jti(ISSUER, "j", number, number)))
        same(told, {True: 1, False: self.racers - 1}, "the answers")
        self.race(lambda number: store.revoke_before(ISSUER, "ann", number * 37 % self.racers))
        same(store.find_standing(ISSUER, "ann", "").not_before, float(self.racers - 1), "the time")
