"""Turns a key ring into the key source of a verifier in the same program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.checkers.jwt.algorithms import check_algorithms
from watchword.checkers.jwt.keys import KeySet

if TYPE_CHECKING:
    from watchword.issuing.key_ring import KeyRing
    from watchword.issuing.sources import RingSource
    from watchword.operation import Steps


class RingKeys:
    """The published keys of a ring, for `JWT(keys=...)`. A key that is no longer in the ring ends what was cached by it.

    Args:
        ring: the ring, or the file that holds it.
    """

    def __init__(self, ring: RingSource) -> None:
        self._ring = ring
        self._algorithms = check_algorithms(("ES256", "Ed25519"))
        self._read: tuple[KeyRing, KeySet] | None = None

    def keys(self, _: str | None) -> Steps[KeySet]:
        """Return the keys."""
        return self.fresh()
        yield

    def fresh(self) -> KeySet:
        """Return the keys."""
        ring = self._ring.current()
        known, found = self._read or (None, None)
        if found is None or known is not ring:
            found = KeySet.read(ring.jwks(), self._algorithms)
            self._read = ring, found
        return found

    def refresh(self) -> None:
        """Return no work: the ring is read when it is asked for."""

    def __repr__(self) -> str:
        return f"RingKeys({self._ring!r})"
