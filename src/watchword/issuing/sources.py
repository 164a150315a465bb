"""Defines the source of a key ring, or of the secrets of refresh tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from watchword.issuing.key_ring import KeyRing


class RingSource(Protocol):
    """Gives the key ring of an issuer: a `KeyRing` gives itself, a `KeyRingFile` what its file holds."""

    def current(self) -> KeyRing:
        """Return the ring that is to be used now. It is asked for each token, and does not block."""
        ...


@dataclass(frozen=True, slots=True)
class GivenSecrets:
    """The secrets of refresh tokens of an issuer that signs nothing, in the place of a ring.

    Args:
        refresh_secrets: as `RefreshTokens` takes them.
    """

    refresh_secrets: Any = field(repr=False)

    def current(self) -> Self:
        """Return these."""
        return self
