"""Joins the processes that share a store: each publishes a summary of its counts, and one of them decides for all.

The one that decides holds a lease in the store, which ends by the store's clock when its process does not renew it. What has begun is
kept in the store before it is told, by compare and set, so that a process that has lost its lease unnoticed tells nothing. The successor
continues with what has begun, and tells what its predecessor may not have told.
"""

from __future__ import annotations

import json
from os import urandom
from typing import TYPE_CHECKING, Any

from watchword.signals.shares import PERIOD
from watchword.signals.signal import CAUSES, Signal
from watchword.signals.summary import Garbled, Hasher, decode, encode
from watchword.stores.bounds import MAX_VALUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.signals.merging import Merging
    from watchword.signals.summary import Summary
    from watchword.stores.ports import ValueStore

MOST_PROCESSES = 128

_YEAR = 31_622_400.0  # seconds
_WEEK = 604_800.0
_OCTETS = 32  # of the key of the hashes
_MOST_TIME = 1e12
_LONGEST = 1000  # characters of a text in the state


class Group:
    """One process in a group.

    Args:
        store: keeps the summaries, the lease and what has begun.
        prefix: of the keys in the store.
        ttl: seconds after which the summary and the lease of a process that has died end.
        lag: seconds after the end of a period after which all processes have published it.
        merging: makes the part that decides, from what has begun and the time.
    """

    def __init__(
        self,
        store: ValueStore,
        prefix: str,
        *,
        ttl: float,
        lag: float,
        merging: Callable[[Iterable[Signal], float], Merging],
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._ttl = ttl
        self._lag = lag
        self._make = merging
        self._id = urandom(8).hex()
        self._hasher: Hasher | None = None
        self._state: bytes | None = None  # as it is in the store
        self._merging: Merging | None = None  # None: another process decides
        self._period = 0
        self.active: tuple[Signal, ...] = ()
        self.skipped: int = 0

    def exchange(self, now: float, summarize: Callable[[Hasher], Summary], tell: Callable[[Signal], None]) -> None:
        """Publish a summary, and decide if it is this process that does.

        Args:
            now: the time, in Unix seconds.
            summarize: returns the summary of this process.
            tell: takes the signals that begin or end.

        Raises:
            Unavailable: the store does not answer.
        """
        if self._hasher is None:
            self._hasher = Hasher(self._shared_key())
        summary = summarize(self._hasher)
        self._store.put_value(f"{self._prefix}process/{self._id}", encode(summary), self._ttl)
        is_first = self._is_first()
        state = self._store.find_value(f"{self._prefix}state")
        if not is_first:
            self._merging = None
            self.active = read_state(state)[0]
            return
        if self._merging is None or state != self._state:
            active, pending = read_state(state)
            self._state, self._merging = state, self._make(active, now)
            self._tell(pending, tell)
        try:
            self._decide(self._merging, now, summary, tell)
        except BaseException:
            # What it has decided may not have been kept: the next decision follows from what is in the store.
            self._merging = None
            raise

    def _decide(self, merging: Merging, now: float, summary: Summary, tell: Callable[[Signal], None]) -> None:
        summaries = {**self._others(), self._id: summary}
        signals = merging.entries(now, summaries)
        if (period := int((now - self._lag) // PERIOD)) != self._period:
            self._period = period
            signals += merging.everybody(now, summaries)
        self.active = (*merging.active.values(),)
        begun = {(one.kind, one.subject) for one in read_state(self._state)[0]}
        if (signals or begun != set(merging.active)) and self._commit(signals):
            self._tell(signals, tell)

    def _tell(self, signals: Iterable[Signal], tell: Callable[[Signal], None]) -> None:
        told = [*signals]
        for signal in told:
            tell(signal)
        if told:
            self._commit(())

    def _commit(self, pending: Iterable[Signal]) -> bool:
        """Keep what has begun. Return False if another process decides by now."""
        written = write_state(self.active if self._merging is None else self._merging.active.values(), pending)
        if self._store.swap_value(f"{self._prefix}state", self._state, written, _WEEK):
            self._state = written
            return True
        self._merging = None
        return False

    def _is_first(self) -> bool:
        """Return whether this process holds the lease; take it if no other one does."""
        key, own = f"{self._prefix}lease", self._id.encode()
        holder = self._store.find_value(key)
        return holder in {None, own} and self._store.swap_value(key, holder, own, self._ttl)

    def _others(self) -> dict[str, Summary]:
        found: dict[str, Summary] = {}
        for key, octets in self._store.find_values(f"{self._prefix}process/", limit=MOST_PROCESSES):
            try:
                found[key.rpartition("/")[2]] = decode(octets)
            except Garbled:
                self.skipped += 1
        return found

    def _shared_key(self) -> bytes:
        """Return the key of the hashes, which the first process of the group has made."""
        name = f"{self._prefix}key"
        for _ in range(3):
            found = self._store.find_value(name)
            if found is not None and len(found) == _OCTETS:
                return found
            self._store.swap_value(name, found, urandom(_OCTETS), _YEAR)
        return urandom(_OCTETS)  # others overwrite it: nothing is comparable, and nothing breaks

    def __repr__(self) -> str:
        return f"Group({self._prefix!r})"


def write_state(active: Iterable[Signal], pending: Iterable[Signal]) -> bytes:
    """Return what has begun, and what is about to be told, as it is kept. What does not fit is left out, the oldest first."""
    kept, telling = [one.as_dict() for one in active], [one.as_dict() for one in pending]
    while len(written := json.dumps([1, kept, telling], separators=(",", ":")).encode()) > MAX_VALUE:
        del (kept or telling)[0]
    return written


def read_state(octets: bytes | None) -> tuple[tuple[Signal, ...], tuple[Signal, ...]]:
    """Return what has begun, and what may not have been told; nothing if it cannot be read."""
    if octets is None or len(octets) > MAX_VALUE:
        return (), ()
    try:
        version, active, pending = json.loads(octets)
        if version != 1:
            return (), ()
        return tuple(map(_signal, active)), tuple(map(_signal, pending))
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        return (), ()


def _signal(fields: dict[str, Any]) -> Signal:
    state, times, subject = fields["state"], (fields["time"], fields["since"]), fields["subject"]
    if fields["kind"] not in CAUSES or state not in {"begun", "ended"} or not all(0 <= float(time) < _MOST_TIME for time in times):
        raise ValueError("no signal")
    texts = [subject, fields["cause"]]
    evidence: dict[str, Any] = {}
    for name, value in fields["evidence"].items():
        parts = [*value] if isinstance(value, list) else [*value, *value.values()] if isinstance(value, dict) else [value]
        texts += [name, *(part for part in parts if not isinstance(part, (int, float)))]
        evidence[name] = value
    if not all(isinstance(text, str) and text.isascii() and len(text) <= _LONGEST and (text.isprintable() or not text) for text in texts):
        raise ValueError("no signal")
    return Signal(fields["kind"], state, float(times[0]), float(times[1]), subject, evidence, fields["cause"])


__all__ = ["MOST_PROCESSES", "Group", "read_state", "write_state"]
