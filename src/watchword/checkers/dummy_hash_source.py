"""Keeps the dummy hashes for unknown names like the hashes of a store, at a bounded cost (threats W3, W14)."""

from __future__ import annotations

from contextlib import suppress
from math import inf
from os import urandom
from typing import TYPE_CHECKING

from watchword.checkers.asking import ask, async_side
from watchword.checkers.passwords import DummyHashes
from watchword.errors import Unavailable
from watchword.operation import Operation, begin_in_thread, ends_within, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.checkers.passwords import PasswordHasher
    from watchword.clock import Clock
    from watchword.operation import Steps
    from watchword.stores.ports import AccountStore

SAMPLED_EVERY = 600.0  # seconds: formats of hashes come and go over weeks
SAMPLED_AGAIN = 60.0  # seconds after a sample that failed
PATIENCE = 0.25  # seconds for which one login in ten minutes waits for a sample


class DummyHashSource:
    """Samples the stored hashes of a store from time to time.

    One request asks for a sample. On an event loop it waits no longer than `PATIENCE` for it. Where the store has an async side that does
    not answer in time, a thread asks again, which goes on without the request, and is waited for as long again. Without a loop the request
    waits as long as the store takes, because a server that forks workers without threads (uWSGI's default) runs none that is started here.
    A sample that comes later, or fails, refuses no one: until it is there, unknown names are verified against the last known dummies, or
    against the dummy hash of the hasher.

    Args:
        store: holds the accounts.
        hasher: parses the hashes.
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
        """Return the dummy hashes for now."""
        now = self._clock.now()
        if self._known is None or not self._asked_at <= now < self._due_at:
            # One request asks. Requests meanwhile use the last dummy hashes.
            self._asked_at, self._due_at = now, now + SAMPLED_AGAIN
            if self._known is None:
                self._known = DummyHashes({self._hasher.dummy(): 1}, urandom(32))
            if self._store.blocking:
                yield Operation(lambda: run(self._sample()), self._sample_for_a_while)
            else:
                yield from self._sample()
        return self._known

    def note(self, profile: str, *, in_use: bool) -> None:
        """Sample again with the next request if a hash of an account has a profile that no sample has.

        Args:
            profile: the profile of a hash.
            in_use: whether it is the hash of an account, not a dummy hash.
        """
        if profile not in self._profiles and in_use:
            self._profiles.add(profile)
            self._due_at = -inf

    async def _sample_for_a_while(self) -> None:
        if async_side(self._store, "hash_samples") is not None and await ends_within(PATIENCE, self._sample()):
            return
        with suppress(Unavailable):  # no thread: the next sample is in a minute
            await begin_in_thread(lambda: run(self._sample()), PATIENCE)

    def _sample(self) -> Steps[None]:
        now, store = self._asked_at, self._store
        try:
            samples = yield from ask(store, store.hash_samples, async_side(store, "hash_samples"))
            key = yield from ask(store, store.dummy_key, async_side(store, "dummy_key"))
        except Unavailable:
            return  # whether the store answers at all shows with its next answer
        self._known = self._dummies(samples, key)
        if self._asked_at == now and self._due_at > now:
            self._due_at = now + SAMPLED_EVERY

    def _dummies(self, samples: Sequence[tuple[str, int]], key: bytes) -> DummyHashes:
        """Return dummy hashes of the formats and costs that are in use, as often as they are.

        A format that cannot be computed here stays among them: where known names get 503, unknown ones get it too (threat W12).

        Args:
            samples: as `AccountStore.hash_samples` answers.
            key: of the store.
        """
        weights: dict[str, int] = {}
        own = self._hasher.dummy()
        usual, usually = self._hasher.profile(own), 0
        for sample, count in samples:
            profile = self._hasher.profile(sample)
            if profile is not None:
                self._profiles.add(profile)
                if profile == usual:
                    usually += count
                else:
                    weights[sample] = count
        # The hasher has its own dummy hash for the profile of new hashes, so that the hash of an account is not kept in memory. Only if
        # an account has that profile, or none has a hash: otherwise its cost would reveal an unknown name.
        if usually or not weights:
            weights[own] = usually or 1
        return DummyHashes(weights, key)
