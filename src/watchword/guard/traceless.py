"""Decides for explanations, and leaves no trace: no attempt is counted, and no caller is cached for requests.

Nobody who asks why a request is refused may use up the attempts of a person, or put off the note of the next login. What a checker leaves
for after the response is the caller's to run, and an explanation runs none of it.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from watchword.guard.cache import CredentialCache
from watchword.guard.deciding import Deciding

if TYPE_CHECKING:
    from watchword.guard.policy import Policy
    from watchword.operation import Steps
    from watchword.protection.attempts import Attempt, Outcome, Reservation, Throttling


class _Room:
    """Room for one attempt that was never taken, and that nothing gives back."""

    __slots__ = ()

    def settle(self, outcome: Outcome) -> None:
        """Do nothing: no attempt was counted."""


class _Watching:
    """A throttle that tells who is blocked, and counts nothing."""

    __slots__ = ("_throttle",)

    def __init__(self, throttle: Throttling) -> None:
        self._throttle = throttle

    def blocked(self, attempt: Attempt) -> int | None:
        return self._throttle.blocked(attempt)

    def reserve(self, attempt: Attempt) -> Steps[Reservation | int]:
        return _Room()
        yield  # a generator, as the guard expects


def deciding_without_trace(policy: Policy) -> Deciding:
    """Return the decisions of a guard, with a credential cache of their own, so that one password is hashed once for all explanations.

    Args:
        policy: the configuration of the guard.
    """
    watched = copy(policy)
    if policy.throttle is not None:
        watched.throttle = _Watching(policy.throttle)
    return Deciding(watched, CredentialCache(policy.clock))
