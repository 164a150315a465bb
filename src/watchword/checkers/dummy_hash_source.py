"""Keeps what unknown names are verified against in step with the accounts of a store, at a bounded price (threats W3, W14)."""

from __future__ import annotations

from contextlib import suppress
from math import inf
from os import urandom
from typing import TYPE_CHECKING

from watchword.checkers.passwords import DummyHashes
from watchword.errors import Unavailable
from watchword.operation import Operation, begin_in_thread

if TYPE_CHECKING:
    from watchword.checkers.passwords import PasswordHasher
    from watchword.clock import Clock
    from watchword.operation import Steps
    from watchword.stores.ports import AccountStore

SAMPLED_EVERY = 600.0  # seconds: formats of hashes come and go over weeks
SAMPLED_AGAIN = 60.0  # seconds after a sample that failed
PATIENCE = 0.25  # seconds for which one login in ten minutes waits for a sample


class DummyHashSource:
    """Samples the stored hashes of a store from time to time.

    One request asks for a sample. On an event loop it waits no longer than `PATIENCE` for it; without one as long as the store takes,
    because a server that forks workers without threads (uWSGI's default) runs none that is started here. A sample that comes later, or
    fails, refuses no one: until it is there, unknown names are verified against the last known dummies, or against the dummy hash of the
    hasher.

    Args:
        store: where the accounts are.
        hasher: reads the hashes.
        clock: tells the time.
    """

    def __init__(self, store: AccountStore, hasher: PasswordHasher, clock: Clock) -> None:
        self._store = store
        self._hasher = hasher
        self._clock = clock
        self._known: DummyHashes | None = None
        self._asked_at = -inf
        self._due_at = -inf
        self._profiles: set[str] = set()

    def current(self) -> Steps[DummyHashes]:
        """Return what unknown names are verified against now."""
        now = self._clock.now()
        if self._known is None or not self._asked_at <= now < self._due_at:
            # One request asks. Those that come meanwhile go on with what is known.
            self._asked_at, self._due_at = now, now + SAMPLED_AGAIN
            if self._known is None:
                self._known = DummyHashes({self._hasher.dummy(): 1}, urandom(32))
            if self._store.blocking:
                yield Operation(self._sample, self._sample_for_a_while)
            else:
                self._sample()
        return self._known

    def note(self, profile: str, *, in_use: bool) -> None:
        """Ask again with the next request if an account has a hash that costs what no sample costs.

        Args:
            profile: of a hash.
            in_use: whether it is the hash of an account, and no dummy hash.
        """
        if profile not in self._profiles and in_use:
            self._profiles.add(profile)
            self._due_at = -inf

    async def _sample_for_a_while(self) -> None:
        with suppress(Unavailable):  # no thread: the next sample is in a minute
            await begin_in_thread(self._sample, PATIENCE)

    def _sample(self) -> None:
        now = self._asked_at
        try:
            dummies = self._dummies()
        except Unavailable:
            return  # whether the store answers at all shows with its next answer
        self._known = dummies
        if self._asked_at == now and self._due_at > now:
            self._due_at = now + SAMPLED_EVERY

    def _dummies(self) -> DummyHashes:
        """Return dummy hashes of the formats and costs that are in use, as often as they are.

        A format that cannot be computed here stays among them: where known names get 503, unknown ones get it too (threat W12).
        """
        weights: dict[str, int] = {}
        own = self._hasher.dummy()
        usual, usually = self._hasher.profile(own), 0
        for sample, count in self._store.hash_samples():
            profile = self._hasher.profile(sample)
            if profile is not None:
                self._profiles.add(profile)
                if profile == usual:
                    usually += count
                else:
                    weights[sample] = count
        # What new accounts get has a dummy hash of its own: no need to hold on to a hash of an account. But only where an account has such
        # a hash, or none has any: else its cost would be what tells an unknown name apart.
        if usually or not weights:
            weights[own] = usually or 1
        return DummyHashes(weights, self._store.dummy_key())
