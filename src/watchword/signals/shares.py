"""Notices that nearly everybody fails for one reason, which is the server's own fault, or that of a deployment.

Time is cut into periods. A group of reasons *holds* for a scheme in a period where enough different credentials failed by it, and few
others were accepted. It begins after two such periods in a row, and ends after two without: what a burst of expired tokens in the morning
does in one period is over in the next one, because everybody gets a new token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from watchword.networks import parse_address
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.observe.event import AuthEvent
    from watchword.signals.signal import SignalKind

PERIOD = 30.0
"""Seconds."""

_MOST = 1000  # credentials and addresses of a period that are told apart
_IN_A_ROW = 2
_SPREAD = 3

GUESSES = frozenset(
    {
        Reason.INVALID_CREDENTIALS,
        Reason.UNKNOWN_IDENTITY,
        Reason.WRONG_SECRET,
        Reason.DISABLED,
        Reason.LOCKED,
        Reason.PASSWORD_EXPIRED,
    }
)
"""The reasons of a wrong name or password."""

GROUPS: Mapping[Reason, SignalKind] = {
    **dict.fromkeys((Reason.BAD_SIGNATURE, Reason.UNKNOWN_KEY, Reason.WRONG_ALGORITHM), "keys_changed"),
    **dict.fromkeys((Reason.EXPIRED, Reason.NOT_YET_VALID, Reason.STALE_NONCE), "clock_off"),
    **dict.fromkeys((Reason.WRONG_AUDIENCE, Reason.WRONG_ISSUER, Reason.WRONG_TOKEN_TYPE, Reason.INVALID_CLAIM), "configuration_changed"),
    **dict.fromkeys((Reason.UNAVAILABLE, Reason.OVERLOADED), "store_down"),
    **dict.fromkeys(GUESSES, "everybody_failing"),
}


class Held(NamedTuple):
    """What was found about a group and a scheme in a period.

    Args:
        kind: of the signal.
        scheme: of the credentials.
        failed: how many different credentials failed by the group.
        accepted: how many different ones were accepted.
        addresses: from how many addresses those came that failed.
        reasons: which reasons, and how often.
        request_id: of one that failed.
    """

    kind: SignalKind
    scheme: str
    failed: int
    accepted: int
    addresses: int
    reasons: dict[str, int]
    request_id: str


class _Failures:
    __slots__ = ("addresses", "credentials", "reasons", "request_id")

    def __init__(self, request_id: str) -> None:
        self.credentials: set[str] = set()
        self.addresses: set[str | None] = set()
        self.reasons: dict[str, int] = {}
        self.request_id = request_id


class Shares:
    """The present period.

    Args:
        least: how many different credentials must fail at least.
        share: the part of all credentials that must fail, to begin.
        lasting: the part below which it ends.
    """

    def __init__(self, *, least: int, share: float, lasting: float) -> None:
        self._least = least
        self._share = share
        self._lasting = lasting
        self._failures: dict[tuple[SignalKind, str], _Failures] = {}
        self._accepted: dict[str, set[str]] = {}
        self._addresses: set[str | None] = set()
        self._rows: dict[tuple[SignalKind, str], int] = {}  # periods in a row: those that held above zero, the others below
        self.active: set[tuple[SignalKind, str]] = set()

    def add(self, event: AuthEvent) -> None:
        """Count an event about credentials.

        Args:
            event: the event.
        """
        if len(self._addresses) < _MOST:
            self._addresses.add(event.client)
        if event.reason is None or event.principal:
            accepted = self._accepted.setdefault(event.scheme, set())
            if len(accepted) < _MOST:
                accepted.add(event.credential)
            return
        kind = GROUPS.get(event.reason)
        if kind is None:
            return
        failures = self._failures.get((kind, event.scheme))
        if failures is None:
            failures = self._failures[kind, event.scheme] = _Failures(event.request_id)
        if len(failures.credentials) < _MOST:
            # On the fast path an outage is told without the credential.
            failures.credentials.add(event.credential or event.client or "")
        if len(failures.addresses) < _MOST:
            failures.addresses.add(event.client)
        failures.reasons[event.reason.value] = failures.reasons.get(event.reason.value, 0) + 1

    def turn(self) -> Iterator[tuple[bool, Held]]:
        """End the period. Yield what begins (True) and what ends (False)."""
        for group in [*dict.fromkeys([*self._failures, *self.active])]:
            held = self._held(group)
            row = self._rows.get(group, 0)
            if self._is_quiet(held):
                continue  # at night there is nobody from whom to tell
            holds = self._holds(held, lasting=group in self.active)
            self._rows[group] = row = max(row, 0) + 1 if holds else min(row, 0) - 1
            if row == _IN_A_ROW and group not in self.active:
                self.active.add(group)
                yield True, held
            elif row == -_IN_A_ROW and group in self.active:
                self.active.discard(group)
                yield False, held
        self._rows = {group: row for group, row in self._rows.items() if group in self._failures or group in self.active}
        self._failures, self._accepted, self._addresses = {}, {}, set()

    def _held(self, group: tuple[SignalKind, str]) -> Held:
        kind, scheme = group
        failures = self._failures.get(group) or _Failures("")
        accepted = len(self._accepted.get(scheme, ()))
        return Held(kind, scheme, len(failures.credentials), accepted, len(failures.addresses), failures.reasons, failures.request_id)

    def _is_quiet(self, held: Held) -> bool:
        return held.failed < self._least and not held.accepted

    def _holds(self, held: Held, *, lasting: bool) -> bool:
        share = held.failed / max(held.failed + held.accepted, 1)
        if lasting:
            return share >= self._lasting
        return held.failed >= self._least and share >= self._share and held.addresses >= self._spread(held.kind)

    def _spread(self, kind: SignalKind) -> int:
        """Return from how many addresses failures must come: one can send any number of names and tokens of its own making."""
        if kind == "everybody_failing":
            return self._least
        if kind == "store_down":
            return 1  # no client can do that
        # Behind a proxy that is not trusted all clients have one address.
        alone = parse_address(next(iter(self._addresses))) if len(self._addresses) == 1 else None
        return 1 if alone is not None and alone.is_private else _SPREAD

    def __repr__(self) -> str:
        return f"Shares({sorted(self.active)})"


__all__ = ["GROUPS", "GUESSES", "PERIOD", "Held", "Shares"]
