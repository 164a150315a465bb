"""Keeps a flood of refusals from flooding the log (protocols §7).

In each second the first five lines for one reason and one client network are logged whole. The rest of that second becomes one line, with
the number of refusals, the networks and names among them, and the ids of the first and the last one. So nobody hides guessing at one name
beneath noise from elsewhere, and no flood fills a disk. Events are not concerned: each decision has one.
"""

from __future__ import annotations

import atexit
from contextlib import suppress
from threading import Timer
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakMethod

from watchword.locking import ProcessLock
from watchword.process import PerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from watchword.reason import Reason

WHOLE = 5
"""How many lines of one reason and network stay whole in a second."""

MOST_KEYS = 200
"""How many reasons and networks have whole lines in a second; the log gets 1,000 lines in a second at most, and one."""

MOST_COUNTED = 1000
"""How many networks, and how many names, are told apart in a second."""

_AFTER = 1.5  # seconds after which the line is written although nothing else is refused

K = TypeVar("K", bound="Hashable")


class Top(Generic[K]):
    """Counts the most frequent of any number of keys in bounded memory (Misra and Gries, 1982).

    A key that makes up more than one part in `size` of all is certainly kept. A count may be too small by that part, and never too great.

    Args:
        size: how many keys are kept.
    """

    __slots__ = ("_size", "counts", "distinct", "overflown")

    def __init__(self, size: int) -> None:
        self._size = size
        self.counts: dict[K, int] = {}
        self.distinct: int = 0
        self.overflown: bool = False

    def add(self, key: K) -> None:
        """Count a key.

        Args:
            key: the key.
        """
        counts = self.counts
        if key in counts:
            counts[key] += 1
        elif len(counts) < self._size:
            counts[key] = 1
            self.distinct += 1
        else:
            self.overflown = True
            self.counts = {kept: count - 1 for kept, count in counts.items() if count > 1}

    def most(self, number: int) -> list[tuple[K, int]]:
        """Return the most frequent keys with their counts.

        Args:
            number: how many.
        """
        return sorted(self.counts.items(), key=lambda one: -one[1])[:number]

    @property
    def told(self) -> str:
        """How many distinct keys there were, in words."""
        return f"over {self.distinct}" if self.overflown else str(self.distinct)


class Rest:
    """What one second had beyond its whole lines.

    Args:
        first: the id of the first request.
    """

    top = 10
    """How many of the most frequent ones the line names."""

    def __init__(self, first: str) -> None:
        self.count: int = 0
        self.first: str = first
        self.last: str = first
        self.reasons: Top[str] = Top(MOST_COUNTED)
        self.networks: Top[str] = Top(MOST_COUNTED)
        self.names: Top[str] = Top(MOST_COUNTED)

    def add(self, reason: str, network: str, name: str, request_id: str) -> None:
        """Count a refusal."""
        self.count += 1
        self.last = request_id
        self.reasons.add(reason)
        self.networks.add(network)
        if name:
            self.names.add(name)


class Flood:
    """Decides which refusals are logged whole.

    Args:
        log: writes the line about the rest of a second.
    """

    def __init__(self, log: Callable[[Rest], object]) -> None:
        self._lock = ProcessLock()
        self._state = PerProcess(_Second)
        self._log = log
        self._is_registered = False

    def lets_through(self, reason: Reason, network: str, name: str, request_id: str, now: float) -> bool:
        """Return whether a refusal is logged whole; else it is counted for the line about the rest.

        Args:
            reason: why it was refused.
            network: of the client.
            name: of the principal, or a hash of a claimed name; empty: none.
            request_id: the id of the request.
            now: the time, in Unix seconds.
        """
        with self._lock:
            state = self._state.get()
            # `!=`: a clock that is set back begins another second, too.
            rest = state.begin(int(now)) if int(now) != state.second else None
            key = (reason, network)
            seen = state.seen.get(key, 0)
            whole = seen < WHOLE and (seen > 0 or len(state.seen) < MOST_KEYS)
            if whole:
                state.seen[key] = seen + 1
            else:
                self._count(state, request_id).add(reason.value, network, name, request_id)
        if rest is not None:
            self._log(rest)
        return whole

    def _count(self, state: _Second, request_id: str) -> Rest:
        if state.rest is None:
            state.rest = Rest(request_id)
            if not self._is_registered:
                self._is_registered = True
                atexit.register(_flush, WeakMethod(self.flush))
            timer = Timer(_AFTER, _flush, [WeakMethod(self.flush)])
            timer.daemon = True
            with suppress(RuntimeError):  # no thread can be had: the line comes with the next refusal, or at the end
                timer.start()
        return state.rest

    def flush(self) -> None:
        """Write the line about the rest of the second now."""
        with self._lock:
            rest = self._state.get().take()
        if rest is not None:
            self._log(rest)

    def __repr__(self) -> str:
        return "Flood()"


class _Second:
    def __init__(self) -> None:
        self.second = 0
        self.seen: dict[tuple[Reason, str], int] = {}
        self.rest: Rest | None = None

    def begin(self, second: int) -> Rest | None:
        self.second, self.seen = second, {}
        return self.take()

    def take(self) -> Rest | None:
        rest, self.rest = self.rest, None
        return rest


def _flush(method: WeakMethod[Callable[[], None]]) -> None:
    flush = method()
    if flush is not None:
        flush()


__all__ = ["Flood", "Rest", "Top"]
