"""Decides whether a key or token that was found is valid now, and until when: one order of checks for both."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from watchword.checkers.lease import StoreLease
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.clock import Clock
    from watchword.stores.ports import Watched


class Validity:
    """What a store says about the life of a key or token.

    Args:
        revoked_at: when it was revoked; None: it is not. Whatever the time, it is over.
        disabled: whether the account that it stands for is disabled.
        not_before: from when on it is valid; None: at once.
        expires_at: from when on it is not valid any more; None: it does not expire.
    """

    __slots__ = ("_disabled", "_ends", "_revoked", "_starts")

    def __init__(self, *, revoked_at: float | None, disabled: bool, not_before: float | None = None, expires_at: float | None) -> None:
        self._revoked = revoked_at is not None
        self._disabled = disabled
        self._starts = -inf if not_before is None else not_before
        self._ends = inf if expires_at is None else expires_at

    def refusal(self, now: float) -> Reason | None:
        """Return why it is refused although its secret was right; None: it is not. A time that is no number lets nobody in.

        Args:
            now: the present.
        """
        if self._revoked:
            return Reason.REVOKED
        if self._disabled:
            return Reason.DISABLED
        if not self._starts <= now:
            return Reason.NOT_YET_VALID
        return None if now < self._ends else Reason.EXPIRED

    def lease(self, store: Watched, revision: int, subjects: Collection[str], clock: Clock) -> StoreLease:
        """Return for how long it stays valid.

        Args:
            store: where it lives.
            revision: `store.revision()`, from before the record was read.
            subjects: of the record.
            clock: tells the time.
        """
        return StoreLease(store, revision, subjects, clock, since=self._starts, until=self._ends)
