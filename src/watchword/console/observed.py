"""Counts decisions in bounded memory, for the pages of the console."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Final, NamedTuple

from watchword.locking import ProcessLock
from watchword.observe.recent import Recent
from watchword.validators import check_whole

if TYPE_CHECKING:
    from watchword.observe.event import AuthEvent, Kind
    from watchword.reason import Reason

MINUTES: Final = 60
"""For how many minutes outcomes and reasons are counted."""

_MOST_NAMES: Final = 256  # rules and schemes of which times are kept: a guard has fewer, and combinations of rules are without bound
OTHER: Final = "(other)"
"""Stands for all rules or schemes beyond the bound."""

_MOST_MINUTES: Final = 2 * MINUTES  # one event of a clock that jumps does not end the hour
_BATCH: Final = 256  # events that wait to be counted, of some 500 octets each
_MOST_REFUSALS: Final = 10_000
_MINUTE: Final = 60


class Times(NamedTuple):
    """How long decisions took.

    Args:
        decisions: their number.
        total: of their durations, in seconds.
        longest: the greatest duration, in seconds.
    """

    decisions: int = 0
    total: float = 0.0
    longest: float = 0.0

    @property
    def mean(self) -> float:
        """The mean duration, in seconds."""
        return self.total / self.decisions if self.decisions else 0.0


class Minute:
    """What was decided in one minute."""

    __slots__ = ("kinds", "reasons")

    def __init__(self) -> None:
        self.kinds: Counter[Kind] = Counter()
        self.reasons: Counter[Reason] = Counter()


class Observed:
    """A sink that counts what the guards of this process decide, and keeps the latest refusals.

    Give it to each guard whose decisions the console shows: `Guard(..., on_event=observed)`.

    Args:
        refusals: how many refusals are kept; each takes about 500 octets.
    """

    def __init__(self, refusals: int = 500) -> None:
        check_whole("Observed(refusals=...)", refusals, least=1, most=_MOST_REFUSALS, unit="refusals")
        self.refusals: Recent = Recent(refusals)
        """The latest refusals."""
        # Counted in batches: a request pays for one append, which needs no lock.
        self._waiting: deque[AuthEvent] = deque()
        self._lock = ProcessLock()
        self._counted = 0
        self._minutes: dict[int, Minute] = {}
        self._rules: dict[str, list[float]] = {}
        self._schemes: dict[str, list[float]] = {}

    def __call__(self, event: AuthEvent, /) -> None:
        """Take an event."""
        waiting = self._waiting
        waiting.append(event)
        if event.reason is not None:
            self.refusals(event)
        if len(waiting) >= _BATCH:
            self._count()

    @property
    def revision(self) -> int:
        """The number of events so far: whoever has seen it learns whether something is new."""
        with self._lock:
            return self._counted + len(self._waiting)

    def minutes(self, now: float) -> list[tuple[int, Minute]]:
        """Return the last hour, the oldest minute first, each with its beginning in Unix seconds.

        Args:
            now: the time, in Unix seconds.
        """
        self._count()
        last = int(now // _MINUTE)
        with self._lock:
            found = {number: _copy(minute) for number, minute in self._minutes.items()}
        return [(number * _MINUTE, found.get(number) or Minute()) for number in range(last - MINUTES + 1, last + 1)]

    def rules(self) -> dict[str, Times]:
        """Return how long decisions took since the start, by the rule as written; empty: those that reached no rule."""
        self._count()
        return self._times(self._rules)

    def schemes(self) -> dict[str, Times]:
        """Return how long decisions took in which a checker was asked, by scheme."""
        self._count()
        return self._times(self._schemes)

    def _times(self, table: dict[str, list[float]]) -> dict[str, Times]:
        with self._lock:
            return {name: Times(int(number), total, longest) for name, (number, total, longest) in table.items()}

    def _count(self) -> None:
        waiting = self._waiting
        with self._lock:
            # Only so many: other threads may add as fast as this one counts.
            for _ in range(len(waiting)):
                self._add(waiting.popleft())
                self._counted += 1

    def _add(self, event: AuthEvent) -> None:
        number = int(event.time // _MINUTE)
        minute = self._minutes.get(number)
        if minute is None:
            minute = self._begin(number)
        minute.kinds[event.decision] += 1
        if event.reason is not None:
            minute.reasons[event.reason] += 1
        _add_time(self._rules, event.route, event.duration)
        # The cache answers in microseconds: counted among them, a slow checker would look fast.
        if event.scheme and not event.cached:
            _add_time(self._schemes, event.scheme, event.duration)

    def _begin(self, number: int) -> Minute:
        if len(self._minutes) >= _MOST_MINUTES:
            # Not the smallest numbers: where the clock was wrong for a while, minutes of the future would never leave.
            self._minutes = {one: minute for one, minute in self._minutes.items() if abs(one - number) < MINUTES}
        minute = self._minutes[number] = Minute()
        return minute

    def __repr__(self) -> str:
        return f"Observed({self.revision} events)"


def _copy(minute: Minute) -> Minute:
    copied = Minute()
    copied.kinds, copied.reasons = minute.kinds.copy(), minute.reasons.copy()
    return copied


def _add_time(times: dict[str, list[float]], name: str, duration: float) -> None:
    found = times.get(name)
    if found is None:
        if len(times) >= _MOST_NAMES:
            name = OTHER
        found = times.setdefault(name, [0, 0.0, 0.0])
    found[0] += 1
    found[1] += duration
    found[2] = max(found[2], duration)


__all__ = ["MINUTES", "OTHER", "Minute", "Observed", "Times"]
