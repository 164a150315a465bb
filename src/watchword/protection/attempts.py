"""Defines the interface of a throttle, which the guard calls before and after it verifies a guessable secret.

Only guessable secrets count, such as passwords, and not tokens of 128 random bits. `Throttle` implements it. With `Guard(throttle=None)`
attempts are not limited.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from watchword.operation import Operation, Steps
    from watchword.request import RequestView

Outcome: TypeAlias = Literal["accepted", "refused", "unverified"]
"""The outcome of an attempt; `"unverified"`: the checker was unavailable, or failed."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to prove an identity with a guessable secret.

    Args:
        request: the request; untrusted but for `client`, `scheme` and `mount`.
        scheme: the name of the scheme.
        claimed_identity: the claimed name, such as a user name; None: the scheme has no names. Untrusted.
        digest: identifies the credentials in this process, so that the same wrong secret counts once; it reveals nothing about them.
            None: credentials of a kind that the guard does not know.
    """

    request: RequestView
    scheme: str
    # Not in the repr: people type their password into the field of the user name, and logs show attempts.
    claimed_identity: str | None = field(repr=False)
    digest: bytes | None = field(repr=False)


class Reservation(Protocol):
    """Room for one attempt, taken before the secret is verified so that parallel attempts cannot pass the limit together."""

    def settle(self, outcome: Outcome) -> Operation[object] | None:
        """Report the outcome of the attempt.

        Args:
            outcome: `"accepted"` and `"unverified"` give the room back.

        Returns:
            Work to do after the response; None: nothing.
        """


class Throttling(Protocol):
    """Limits failures. The guard calls it for guessable credentials, in this order: `blocked`, credential cache, `reserve`."""

    def blocked(self, attempt: Attempt) -> int | None:
        """Return the whole seconds to wait, as far as this process knows; None: not blocked. Runs on the event loop and must not block.

        It precedes the credential cache: otherwise a blocked attacker could tell a right guess, which is cached, from a wrong one.

        Raises:
            Unavailable: the state is unknown; the guard answers 503.
        """

    def reserve(self, attempt: Attempt) -> Steps[Reservation | int]:
        """Take room for an attempt before it is verified.

        Returns:
            A generator of operations that returns the reservation, or whole seconds to wait.

        Raises:
            Unavailable: the state is unknown; the guard answers 503.
        """


__all__ = ["Attempt", "Outcome", "Reservation", "Throttling"]
