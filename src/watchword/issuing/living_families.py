"""Looks up whether the family that an access token names has ended."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

from watchword.checkers.lease import StoreLease
from watchword.checkers.record_checks import check_store
from watchword.checkers.token_revocations import ask_standing, why_revoked
from watchword.clock import as_clock
from watchword.reason import Reason
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.clock import Clock
    from watchword.operation import Steps
    from watchword.stores.ports import IssuerStore

FAMILY: Final = "sid"
"""The claim that names the family: the session id of the JWT claims registry (OpenID Connect Front-Channel Logout 1.0 §3)."""


class LivingFamilies:
    """Refuses access tokens whose family has ended, or whose owner is disabled: `JWT(..., revocations=LivingFamilies(store))`.

    It obeys `TokenRevocations` as well, in the same question: the store is asked once for each token. After that the lease of the answer
    ends it: within `staleness` of the store.

    Args:
        store: the store of the issuer, or a copy that follows it.
        clock: tells the time; None: the system clock.

    Raises:
        ConfigurationError: the store lacks a method.
    """

    def __init__(self, store: IssuerStore, *, clock: Clock | None = None) -> None:
        check_store(store, "LivingFamilies", "find_standing", "revision", "is_current")
        self._store = store
        self._clock = as_clock(clock, "LivingFamilies")

    def look_up(self, subject: str, claims: Mapping[str, Any], leeway: float) -> Steps[StoreLease | Refused]:
        """Return the lease of a token whose family is alive, or the refusal.

        Args:
            subject: the id of the principal.
            claims: the claims, verified.
            leeway: as in `TokenRevocations.look_up`; families compare no clocks.
        """
        id_, store = claims.get(FAMILY), self._store
        if not isinstance(id_, str):
            # Every token of the issuer names one. One that does not could not be revoked.
            return Refused(Reason.REVOKED, detail=f"it names no family in {FAMILY!r}")
        revision = store.revision()
        found = yield from ask_standing(store, claims, id_)
        if isinstance(found, Refused):
            return found
        if (revoked := why_revoked(found, claims, leeway)) is not None:
            return revoked
        family = found.family
        if family is None or family.revoked_at is not None or family.owner != claims.get("sub"):
            return Refused(Reason.REVOKED, detail=f"family {id_[:50]}")
        if family.owner_disabled:
            return Refused(Reason.DISABLED, detail=f"family {family.id} of {family.owner}")
        return StoreLease(store, revision, found.subjects, self._clock, since=-inf, until=family.expires_at)

    def __repr__(self) -> str:
        return "LivingFamilies()"
