"""Bounds for how long a verified token may be accepted again without verifying it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchword.checkers.jwt.claims import Times
    from watchword.checkers.jwt.jwk import VerificationKey
    from watchword.checkers.jwt.keys import KeySet
    from watchword.checkers.jwt.sources import KeySource
    from watchword.clock import Clock
    from watchword.verdict import Lease


class TokenLease:
    """Current while the issuer's keys hold the one that signed, the clock is within the times, and nothing was revoked.

    Args:
        source: the keys of the issuer. Where it would ask for them, the lease has ended, and the next verification asks.
        key: the key that verified the token.
        times: when the token counts.
        clock: the clock of the checker.
        revocations: the lease of the answer that nothing is revoked; None: no revocations are looked up.
    """

    __slots__ = ("_clock", "_holding", "_key", "_revocations", "_since", "_source", "_until")

    def __init__(self, source: KeySource, key: VerificationKey, times: Times, clock: Clock, revocations: Lease | None) -> None:
        self._source = source
        self._key = key
        self._holding: KeySet | None = None
        self._since = times.since
        self._until = times.until
        self._clock = clock
        self._revocations = revocations

    def is_current(self) -> bool:
        """Tell whether the checker would give the same answer now."""
        keys = self._source.fresh()
        if keys is None or not self._since <= self._clock.now() < self._until:
            return False
        if keys is not self._holding:
            if self._key not in keys:
                return False
            self._holding = keys  # a set is a value, and this is asked for each request
        return self._revocations is None or self._revocations.is_current()

    def __repr__(self) -> str:
        return f"TokenLease({self._key!r}, since={self._since}, until={self._until})"
