"""Says what a throttle is: what the guard asks before a guessable secret is verified, and what it says about the outcome.

Only guessable secrets count, such as passwords: nobody guesses a token of 128 random bits. The guard brings no throttle of its own
yet; `Guard(throttle=None)` asks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from watchword.operation import Operation, Steps
    from watchword.request import RequestView

Outcome: TypeAlias = Literal["accepted", "refused", "unverified"]
"""How an attempt ended; `"unverified"`: the checker could not tell, or failed."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to prove an identity with a secret that can be guessed.

    Args:
        request: the request; untrusted but for `client`, `scheme` and `mount`.
        scheme: the name of the scheme.
        claimed_identity: who the caller claims to be, such as a user name; None: the scheme has no such name. Untrusted.
        digest: names the credentials in this process, so that the same wrong secret counts once; it reveals nothing about them. None:
            credentials of a kind that the guard does not know.
    """

    request: RequestView
    scheme: str
    claimed_identity: str | None = field(repr=False)
    digest: bytes | None = field(repr=False)


class Reservation(Protocol):
    """Room for one attempt, taken before the secret is verified so that parallel attempts cannot pass the limit together."""

    def settle(self, outcome: Outcome) -> Operation[object] | None:
        """Say how the attempt ended.

        Args:
            outcome: `"accepted"` and `"unverified"` give the room back.

        Returns:
            What is left to do after the response; None: nothing.
        """
        ...


class Throttle(Protocol):
    """Limits failures. Called by the guard for credentials that are guessable, in this order: `blocked`, credential cache, `reserve`."""

    def blocked(self, attempt: Attempt) -> int | None:
        """Tell whether an attempt is blocked as far as this process knows. Runs on the event loop and must not block.

        It comes before the credential cache: else a blocked attacker could tell a right guess, which is cached, from a wrong one.

        Args:
            attempt: the attempt.

        Returns:
            Whole seconds to wait; None: not blocked.
        """
        ...

    def reserve(self, attempt: Attempt) -> Steps[Reservation | int]:
        """Take room for an attempt that is about to be verified.

        Args:
            attempt: the attempt.

        Returns:
            A generator of operations that ends in the reservation, or in whole seconds to wait.

        Raises:
            Unavailable: it cannot be told; the guard answers 503.
        """
        ...


__all__ = ["Attempt", "Outcome", "Reservation", "Throttle"]
