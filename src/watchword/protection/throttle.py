"""Limits failed attempts with guessable secrets, so that a password cannot be found by trying, and no caller is locked out by others.

Failures count for a pair of client and claimed name, and for the client alone. Never for a name alone: anybody could lock its owner out
(decision D15). Room is reserved before the secret is verified and given back where it was right, so parallel attempts cannot pass the limit
together (threat O7).
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from watchword.cache import Bounded, KeyedDigest
from watchword.clock import ticks
from watchword.locking import ProcessLock
from watchword.operation import pausing
from watchword.process import PerProcess
from watchword.protection.buckets import Buckets, Refused
from watchword.protection.limits import DAY, Limits
from watchword.validators import check_whole, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.operation import Steps
    from watchword.protection.attempts import Attempt, Outcome, Reservation
    from watchword.protection.buckets import Bucket
    from watchword.protection.limits import Counted

_RETRIES: Final = (0.05, 0.1, 0.2, 0.4)  # seconds, while attempts in flight may give room back
_MOST_WAITING: Final = 100
_MOST_KEPT: Final = 10_000  # pairs that were accepted, wrong secrets, and buckets that are known to be full
_KNOWN_FOR: Final = 3600.0  # seconds in which a pair that was accepted is not refused for its client


class Throttle:
    """Limits failed attempts, in the memory of this process. For `Guard(throttle=...)`.

    At a limit the answer is 429 with `Retry-After`, before anything is verified: the same for a right and a wrong password. A right
    password takes no room. The same wrong password again counts once. Tokens and keys do not count: they cannot be guessed.

    Each process counts by itself, so that N workers let N times as many failures pass.

    Args:
        limit: the most failures of one client with one name within `window`. Clients are told apart by their IPv4 address or the first 64
            bits of their IPv6 address; names without regard to case.
        window: seconds.
        daily: the most failures of one client with one name within a day.
        address_limits: the most failures of one client within `window`, whatever the names: by 64, 56 and 48 bits of its IPv6 address. An
            IPv4 address has the first limit. A client is not refused for these with a name that it was accepted with in the last hour.

    Raises:
        ConfigurationError: a number is not a whole one from 1; `daily` is less than `limit`, or `window` more than a day.

    Trust: clients are known by the address that the server or a trusted proxy states. Where all of them may have one address (loopback, a
    Unix socket, a private address with forwarding fields and no `Guard(proxies=...)`), nothing counts for a client alone, and a pair is
    refused for 30 seconds at most.
    """

    __slots__ = ("_buckets", "_limits", "_now", "_state")

    def __init__(
        self,
        *,
        limit: int = 10,
        window: int = 600,
        daily: int = 30,
        address_limits: tuple[int, int, int] = (100, 400, 1600),
    ) -> None:
        check_whole("Throttle(limit=...)", limit, least=1, unit="failures")
        check_whole("Throttle(window=...)", window, least=1, most=DAY, unit="seconds")
        check_whole("Throttle(daily=...)", daily, least=limit, unit="failures", fix="It must not be less than limit.")
        if not isinstance(address_limits, tuple) or len(address_limits) != 3:  # noqa: PLR2004 - one for each prefix
            raise invalid("Throttle(address_limits=...)", "be three whole numbers", address_limits, "Write (100, 400, 1600).")
        for number in address_limits:
            check_whole("Throttle(address_limits=...)", number, least=1, unit="failures")
        self._limits = Limits(limit, window, daily, address_limits, KeyedDigest())
        self._now: Callable[[], float] = ticks
        self._buckets = Buckets(now=ticks)
        self._state = PerProcess(_State)

    def blocked(self, attempt: Attempt) -> int | None:
        """Return the whole seconds to wait, before the credential cache is asked; None: not blocked.

        Args:
            attempt: the attempt.
        """
        counted, state, now = self._limits.of(attempt), self._state.get(), self._now()
        buckets = self._all_of(counted, state, now)
        # A refusal is remembered: else an attacker who keeps an attempt in flight could tell a right guess, which the cache knows.
        until = max((state.full.get(bucket.key, 0.0) for bucket in buckets), default=0.0)
        if until > now:
            return _seconds(until - now)
        refused = self._buckets.look(buckets)
        return None if refused is None or refused.pending else _seconds(refused.wait)

    def reserve(self, attempt: Attempt) -> Steps[Reservation | int]:
        """Take room for an attempt, and wait for a moment where attempts in flight may give some back.

        Args:
            attempt: the attempt.
        """
        counted, state, digest = self._limits.of(attempt), self._state.get(), attempt.digest
        joined = state.join(digest)
        if joined is not None:
            return _Member(self, joined)
        again = None if digest is None else digest + counted.known
        if again in state.wrong:
            return _Again(state, again)
        pauses = iter(_RETRIES)
        while True:
            buckets = self._all_of(counted, state, self._now())
            taken = self._buckets.reserve(buckets)
            if not isinstance(taken, Refused):
                return self._member(state, _Room(counted, buckets, taken, digest))
            pause = next(pauses, None) if taken.pending else None
            if pause is None or not state.begins_to_wait():
                return self._refuse(counted, taken, state)
            try:
                yield pausing(pause)
            finally:
                state.has_waited()

    def _member(self, state: _State, room: _Room) -> _Member:
        """Return the part in an attempt; where another request was quicker with the same credentials, in that one's."""
        shared = state.begin(room)
        if shared is not room:
            self._buckets.settle(room.buckets, room.taken, back=True)
        return _Member(self, shared)

    def _all_of(self, counted: Counted, state: _State, now: float) -> tuple[Bucket, ...]:
        """Return the buckets that must have room."""
        # A device that was in use before is not shut out because others fail beside it, or on the same name (decision D15).
        accepted = state.accepted.get(counted.known, -_KNOWN_FOR) > now - _KNOWN_FOR
        if accepted:
            return counted.pair
        few = (counted.few,) if self._buckets.look((counted.name,)) is not None else ()
        return (*counted.pair, *few, *counted.client)

    def _refuse(self, counted: Counted, refused: Refused, state: _State) -> int:
        state.full.keep(refused.key, self._now() + refused.wait)
        if refused.key in {bucket.key for bucket in counted.client}:
            # Refused guesses count for the pair: the end of a block by address is not the beginning of ten new guesses.
            self._buckets.count(counted.pair)
        return _seconds(refused.wait)

    def end(self, room: _Room, outcome: Outcome) -> None:
        """End an attempt: once, although several requests may share it.

        Args:
            room: what it has taken.
            outcome: of one of the requests.
        """
        state = self._state.get()
        if not state.leave(room, is_last=outcome != "unverified"):
            return
        self._buckets.settle(room.buckets, room.taken, back=outcome != "refused")
        if outcome == "accepted":
            state.accepted.keep(room.counted.known, self._now())
        elif outcome == "refused":
            self._buckets.count((room.counted.name,))
            if room.digest is not None:
                state.wrong.keep(room.digest + room.counted.known, True)  # noqa: FBT003 - a set with a bound

    def __repr__(self) -> str:
        limit, window, daily, clients, _ = self._limits
        return f"Throttle({limit=}, {window=}, {daily=}, address_limits={clients})"


class _Room:
    """Room that one attempt has taken, which several requests with the same credentials share while it is in flight."""

    __slots__ = ("buckets", "counted", "digest", "is_open", "members", "taken")

    def __init__(self, counted: Counted, buckets: Iterable[Bucket], taken: float, digest: bytes | None) -> None:
        self.counted: Counted = counted
        self.buckets: tuple[Bucket, ...] = tuple(buckets)
        self.taken: float = taken
        self.digest: bytes | None = digest
        self.members: int = 1
        self.is_open: bool = True


class _State:
    """What one process remembers beside the buckets."""

    __slots__ = ("_lock", "_waiting", "accepted", "flying", "full", "wrong")

    def __init__(self) -> None:
        self._lock = ProcessLock()
        self.accepted: Bounded[bytes, float] = Bounded(_MOST_KEPT)
        self.full: Bounded[bytes, float] = Bounded(_MOST_KEPT)
        self.wrong: Bounded[bytes | None, bool] = Bounded(_MOST_KEPT)
        self.flying: Bounded[bytes, _Room] = Bounded(_MOST_KEPT)
        self._waiting = 0

    def join(self, digest: bytes | None) -> _Room | None:
        """Join the attempt with the same credentials that is in flight; None: there is none."""
        if digest is None:
            return None
        with self._lock:
            room = self.flying.get(digest)
            if room is not None:
                room.members += 1
            return room

    def begin(self, room: _Room) -> _Room:
        """Let others join an attempt, or join the one that has begun since; return which it is."""
        if room.digest is None:
            return room
        with self._lock:
            begun = self.flying.get(room.digest)
            if begun is not None:
                begun.members += 1
                return begun
            self.flying.keep(room.digest, room)
            return room

    def begins_to_wait(self) -> bool:
        """Count a request that waits for room; return False where too many do."""
        with self._lock:
            may = self._waiting < _MOST_WAITING
            self._waiting += may
            return may

    def has_waited(self) -> None:
        """Count it no more."""
        with self._lock:
            self._waiting -= 1

    def leave(self, room: _Room, *, is_last: bool) -> bool:
        """Leave an attempt, and tell whether it ends with that: with the first outcome that says anything, or with the last request."""
        with self._lock:
            room.members -= 1
            if not room.is_open or not (is_last or room.members == 0):
                return False
            room.is_open = False
            if room.digest is not None and self.flying.get(room.digest) is room:
                del self.flying[room.digest]
            return True


class _Member:
    """The part that one request has in an attempt."""

    __slots__ = ("_room", "_throttle")

    def __init__(self, throttle: Throttle, room: _Room) -> None:
        self._throttle, self._room = throttle, room

    def settle(self, outcome: Outcome) -> None:
        """End it; nothing is left for after the response."""
        self._throttle.end(self._room, outcome)


class _Again:
    """The same wrong secret once more, as password managers send it: it was counted."""

    __slots__ = ("_key", "_state")

    def __init__(self, state: _State, key: bytes | None) -> None:
        self._state, self._key = state, key

    def settle(self, outcome: Outcome) -> None:
        """Forget that it was wrong, if it is right now."""
        if outcome == "accepted":
            self._state.wrong.pop(self._key, None)


def _seconds(wait: float) -> int:
    return max(1, ceil(wait))


__all__ = ["Throttle"]
