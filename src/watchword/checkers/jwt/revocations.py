"""Defines the protocol by which a checker of tokens learns that one was revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.operation import Steps
    from watchword.verdict import Lease, Refused


class Revocations(Protocol):
    """Knows which tokens count no longer."""

    def look_up(self, subject: str, claims: Mapping[str, Any], leeway: float) -> Steps[Lease | Refused]:
        """Return why a token is refused, or the lease of the answer that it is not. Asked once for each new token.

        Args:
            subject: the id of its principal.
            claims: its claims, verified.
            leeway: by how much the clock of the issuer may differ, seconds.

        Raises:
            Unavailable: it cannot be told now.
        """
        ...
