"""Notices that nearly everybody fails for one reason, which is the server's own fault, or that of a deployment.

Time is cut into periods. A group of reasons *holds* for a scheme in a period where enough different credentials failed by it, and few
others were accepted. It begins after two such periods in a row, and ends after two without: what a burst of expired tokens in the morning
does in one period is over in the next one, because everybody gets a new token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from watchword.networks import parse_address
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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


Group: TypeAlias = "tuple[SignalKind, str]"
"""What fails together: the kind of the signal, and the scheme."""


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
        is_behind_one: whether all requests of the period came from one private address, as behind a proxy that is not trusted.
    """

    kind: SignalKind
    scheme: str
    failed: int
    accepted: int
    addresses: int
    reasons: dict[str, int]
    request_id: str
    is_behind_one: bool = False


class Failures:
    """What failed by one group in a period."""

    __slots__ = ("addresses", "credentials", "reasons", "request_id")

    def __init__(self, request_id: str) -> None:
        self.credentials: set[str] = set()
        self.addresses: set[str] = set()
        self.reasons: dict[str, int] = {}
        self.request_id: str = request_id


class Period:
    """What a period had.

    Args:
        number: of the period, by the clock of the events.
    """

    __slots__ = ("accepted", "addresses", "failures", "number")

    def __init__(self, number: int = 0) -> None:
        self.number: int = number
        self.failures: dict[Group, Failures] = {}
        self.accepted: dict[str, set[str]] = {}
        self.addresses: set[str] = set()

    def is_behind_one(self) -> bool:
        """Return whether all requests came from one private address."""
        alone = parse_address(next(iter(self.addresses))) if len(self.addresses) == 1 else None
        return alone is not None and alone.is_private

    def held(self, group: Group) -> Held:
        """Return what was found about a group."""
        kind, scheme = group
        failures = self.failures.get(group) or Failures("")
        numbers = len(failures.credentials), len(self.accepted.get(scheme, ())), len(failures.addresses)
        return Held(kind, scheme, *numbers, failures.reasons, failures.request_id, self.is_behind_one())


class Judge:
    """Tells from one period after the other what begins and what ends.

    Args:
        least: how many different credentials must fail at least.
        share: the part of all credentials that must fail, to begin.
        lasting: the part below which it ends.
    """

    def __init__(self, *, least: int, share: float, lasting: float) -> None:
        self._least = least
        self._share = share
        self._lasting = lasting
        self._rows: dict[Group, int] = {}  # periods in a row: those that held above zero, the others below
        self.active: set[Group] = set()

    def turn(self, period: Iterable[Held]) -> Iterator[tuple[bool, Held]]:
        """Judge a period. Yield what begins (True) and what ends (False).

        Args:
            period: what was found about each group that failed or is active.
        """
        rows: dict[Group, int] = {}
        for held in period:
            group = held.kind, held.scheme
            row = self._rows.get(group, 0)
            # At night there is nobody from whom to tell.
            if not (held.failed < self._least and not held.accepted):
                row = max(row, 0) + 1 if self._holds(held, lasting=group in self.active) else min(row, 0) - 1
                if row >= _IN_A_ROW and group not in self.active:
                    self.active.add(group)
                    yield True, held
                elif row <= -_IN_A_ROW and group in self.active:
                    self.active.discard(group)
                    yield False, held
            rows[group] = row
        self._rows = rows

    def is_beginning(self, group: Group) -> bool:
        """Return whether the last period of a group held."""
        return self._rows.get(group, 0) > 0

    def _holds(self, held: Held, *, lasting: bool) -> bool:
        share = held.failed / max(held.failed + held.accepted, 1)
        if lasting:
            return share >= self._lasting
        return held.failed >= self._least and share >= self._share and held.addresses >= self._spread(held)

    def _spread(self, held: Held) -> int:
        """Return from how many addresses failures must come: one can send any number of names and tokens of its own making."""
        if held.kind == "everybody_failing":
            return self._least
        # No client can make a store fail. Behind a proxy that is not trusted all clients have one address.
        return 1 if held.kind == "store_down" or held.is_behind_one else _SPREAD


class Shares:
    """The present period of this process, and the one before.

    Args:
        judge: tells what begins and what ends.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._now = Period()
        self.before: Period = Period()

    @property
    def active(self) -> set[Group]:
        """What has begun and not ended."""
        return self._judge.active

    def add(self, event: AuthEvent) -> None:
        """Count an event about credentials.

        Args:
            event: the event.
        """
        now, client = self._now, event.client or ""
        if len(now.addresses) < _MOST:
            now.addresses.add(client)
        if event.reason is None or event.principal:
            accepted = now.accepted.setdefault(event.scheme, set())
            if len(accepted) < _MOST:
                accepted.add(event.credential)
            return
        kind = GROUPS.get(event.reason)
        if kind is None:
            return
        failures = now.failures.get((kind, event.scheme))
        if failures is None:
            failures = now.failures[kind, event.scheme] = Failures(event.request_id)
        if len(failures.credentials) < _MOST:
            # On the fast path an outage is told without the credential.
            failures.credentials.add(event.credential or client)
        if len(failures.addresses) < _MOST:
            failures.addresses.add(client)
        failures.reasons[event.reason.value] = failures.reasons.get(event.reason.value, 0) + 1

    def turn(self, number: int) -> Iterator[tuple[bool, Held]]:
        """End the period. Yield what begins (True) and what ends (False).

        Args:
            number: of the period that begins.
        """
        ended, self._now = self._now, Period(number)
        # What ended before the last period is no longer the last one.
        self.before = ended if ended.number == number - 1 else Period(number - 1)
        yield from self._judge.turn([ended.held(group) for group in {**ended.failures, **dict.fromkeys(self.active)}])

    def __repr__(self) -> str:
        return f"Shares({sorted(self.active)})"


__all__ = ["GROUPS", "GUESSES", "PERIOD", "Failures", "Group", "Held", "Judge", "Period", "Shares"]
