"""Watches events for attacks, and for faults of the server: a sink that raises a signal when something begins, and one when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakMethod

from watchword.clock import ticks
from watchword.locking import ProcessLock
from watchword.observe.log import log_sink_failure
from watchword.process import PerProcess
from watchword.signals.counting import Counting
from watchword.signals.group import Group
from watchword.signals.merging import Merging
from watchword.signals.published import Members
from watchword.signals.shares import Judge
from watchword.signals.signal import log_signal, log_store
from watchword.stores.bounds import is_key
from watchword.validators import check_methods, check_number, check_whole, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.observe.event import AuthEvent
    from watchword.signals.signal import Signal, SignalKind, SignalSink
    from watchword.signals.summary import Hasher, Summary
    from watchword.stores.ports import ValueStore

_SHORTEST, _LONGEST = 60.0, 86_400.0
_MOST_NAME = 64


class Signals:
    """A sink of events that raises signals, in bounded memory: `Guard(on_event=Signals())`.

    A person who mistypes, a token that has expired and a page without a login raise none. Each signal is raised once when it begins, and
    once when nothing of it was seen for half a window. Without a store, counts are those of this process. With a store the processes that
    use it count together, and one of them raises each signal. What they read from the store is bounded and checked, but whoever can write
    there can raise signals, and suppress them.

    Args:
        on_signal: takes the signals; None: the log. What it raises is logged.
        window: over how many seconds is counted; a count covers at least half of it.
        names: how many user names one address must fail with, for `spraying`. Where it was accepted with half as many, it is an office.
        addresses: from how many addresses one name must fail, for `brute_force`.
        failures: how many failures about one name are `brute_force`, from however many addresses.
        networks: from how many networks one credential must be used, for `shared_credential`.
        least: how many different credentials must fail before everybody does.
        share: which part of all credentials must fail before everybody does.
        store: shared by several processes, such as `SQLStore`. Their guards need the same `event_key`. It is never asked during a request.
        every: how many seconds are between two exchanges with the store, in a thread; None: the application calls `exchange`.
        group: names the processes that count together, where several services share the store.

    Raises:
        ConfigurationError: an argument cannot be used.
    """

    def __init__(
        self,
        on_signal: SignalSink | None = None,
        *,
        window: float = 600.0,
        names: int = 10,
        addresses: int = 10,
        failures: int = 30,
        networks: int = 10,
        least: int = 10,
        share: float = 0.6,
        store: ValueStore | None = None,
        every: float | None = 2.0,
        group: str = "default",
    ) -> None:
        if on_signal is not None and not callable(on_signal):
            raise invalid("Signals(on_signal=...)", "be a function that takes a Signal", on_signal)
        check_number("Signals(window=...)", window, least=_SHORTEST, most=_LONGEST, unit="seconds")
        given = {"names": names, "addresses": addresses, "failures": failures, "networks": networks, "least": least}
        for name, value in given.items():
            check_whole(f"Signals({name}=...)", value, least=2, most=200)
        check_number("Signals(share=...)", share, least=0.1, most=1.0)
        if every is not None:
            check_number("Signals(every=...)", every, least=0.1, most=10.0, unit="seconds")
        if not is_key(group) or len(group) > _MOST_NAME or "/" in group:
            raise invalid("Signals(group=...)", f"be 1 to {_MOST_NAME} visible ASCII characters without a slash", group)
        self._tell: SignalSink = log_signal if on_signal is None else on_signal
        self._limits = given
        self._half = window / 2
        self._judge = _judges(least, share)
        self._every = every
        self._lock = ProcessLock()
        self._failed = 0
        self._sharing: PerProcess[_Sharing] | None = None
        if store is not None:
            methods = ("find_value", "find_values", "put_value", "swap_value")
            check_methods("Signals(store=...)", store, "be a ValueStore, such as SQLStore(url)", *methods)
            self._sharing = PerProcess(_makes(store, f"signals/{group}/", every, given, window / 2, self._judge))
        self._counting = self._new_counting()
        self._of = None if self._sharing is None else self._sharing.get()

    def __call__(self, event: AuthEvent, /) -> None:
        """Count an event, and raise the signals that begin or end with it."""
        sharing = self._joined()
        with self._lock:
            signals = self._counting.count(event)
            if sharing is not None:
                sharing.seen = event.time, ticks()
                signals = sharing.held_back(signals)
        self._raise(signals)

    def check(self, now: float) -> None:
        """Raise the signals that have ended; for a site where no event may come for long. With a store, a thread does this.

        Args:
            now: the time, in Unix seconds.
        """
        sharing = self._joined()
        with self._lock:
            signals = self._counting.turn(now)
            if sharing is not None:
                signals = sharing.held_back(signals)
        self._raise(signals)

    def exchange(self, now: float) -> None:
        """Exchange counts with the other processes, and raise what begins or ends for all of them; without a store, do nothing.

        A thread does this. Call it where there is none: `Signals(every=None)`. It may block, and raises nothing if the store is away: each
        process raises its own signals then.

        Args:
            now: the time, in Unix seconds.
        """
        sharing = self._joined(thread=False)
        if sharing is None:
            return
        self.check(now)
        with self._lock:
            held, sharing.held = sharing.held, []
            told = frozenset(sharing.told)
            published = self._counting.published(now, [(one.kind, one.subject) for one in sharing.group.active])

        def summarize(hasher: Hasher) -> Summary:
            return published.summary(hasher, told)

        try:
            sharing.group.exchange(now, summarize, lambda signal: self._raise([signal]))
        except Exception as error:  # noqa: BLE001 - whatever a store raises, signals go on
            with self._lock:
                first, sharing.is_alone = not sharing.is_alone, True
                signals = sharing.held_back(held)
            if first:
                log_store(error)
            self._raise(signals)
            return
        with self._lock:
            back, sharing.is_alone = sharing.is_alone, False
            sharing.told -= told
        if back:
            log_store(None)

    @property
    def needs_event_key(self) -> bool:
        """Whether a guard must have `event_key`: without one, each process would name the same credential in another way."""
        return self._sharing is not None

    @property
    def active(self) -> list[Signal]:
        """The signals that have begun and not ended, the oldest first; with a store, those of the group."""
        sharing = self._joined(thread=False)
        with self._lock:
            if sharing is not None and not sharing.is_alone:
                return [*sharing.group.active]
            return self._counting.active

    @property
    def skipped(self) -> int:
        """How many summaries of other processes this one could not read."""
        sharing = self._joined(thread=False)
        return 0 if sharing is None else sharing.group.skipped

    def _joined(self, *, thread: bool = True) -> _Sharing | None:
        """Return what this process shares. A child that was forked begins with counts of its own, and with a thread of its own."""
        if self._sharing is None:
            return None
        sharing = self._sharing.get()
        if sharing is not self._of or (thread and sharing.starts):
            with self._lock:
                if sharing is not self._of:
                    self._of, self._counting = sharing, self._new_counting()
                if thread and sharing.starts and self._every is not None:
                    from watchword.signals.exchanging import start  # threads are imported where one is needed

                    sharing.starts = not start(WeakMethod(self._exchange_now), self._every)
        return sharing

    def _exchange_now(self) -> None:
        """Exchange at the time that the clock of the events has by now, which may not be the clock of this machine."""
        sharing = self._joined(thread=False)
        if sharing is not None:
            with self._lock:
                time, at = sharing.seen
            if at:
                self.exchange(time + ticks() - at)

    def _new_counting(self) -> Counting:
        members = None if self._sharing is None else Members(self._limits)
        return Counting(self._limits, self._half, self._judge(), members)

    def _raise(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            try:
                self._tell(signal)
            except Exception as error:  # noqa: BLE001 - the next one is told, and the decision stands
                self._failed += 1
                log_sink_failure(error, self._failed)

    def __repr__(self) -> str:
        return f"Signals({len(self._counting.active)} active)"


class _Sharing:
    """What one process of a group has to itself.

    Args:
        group: its part of the group.
        starts: whether a thread is to be started.
    """

    def __init__(self, group: Group, *, starts: bool) -> None:
        self.group = group
        self.starts = starts
        self.seen = 0.0, 0.0  # the time of the last event, and when that was
        self.is_alone = False  # the store is away
        self.held: list[Signal] = []  # what began since the last exchange, in case that the next one fails
        self.told: set[tuple[SignalKind, str]] = set()  # what this process has raised by itself

    def held_back(self, signals: list[Signal]) -> list[Signal]:
        """Return the signals to raise now: none, unless this process is alone. Needs the lock."""
        if not self.is_alone:
            self.held += [signal for signal in signals if signal.state == "begun"]
            return []
        common = {(one.kind, one.subject) for one in self.group.active}
        raised: list[Signal] = []
        for signal in signals:
            key = signal.kind, signal.subject
            if signal.state == "begun" and key not in common:
                self.told.add(key)
                raised.append(signal)
            elif signal.state == "ended" and key in self.told:
                self.told.discard(key)
                raised.append(signal)
        return raised


def _judges(least: int, share: float) -> Callable[[], Judge]:
    return lambda: Judge(least=least, share=share, lasting=share / 3)


def _makes(  # noqa: PLR0917 - what `Signals` was given
    store: ValueStore, prefix: str, every: float | None, limits: dict[str, int], half: float, judge: Callable[[], Judge]
) -> Callable[[], _Sharing]:
    """Return a function that makes what a process shares. It does not refer to `Signals`; see `PerProcess`."""

    def merging(active: Iterable[Signal], now: float) -> Merging:
        return Merging(limits, judge(), half, active, now)

    ttl, lag = (60.0, 0.0) if every is None else (max(3 * every, 3.0), 2 * every)
    return lambda: _Sharing(Group(store, prefix, ttl=ttl, lag=lag, merging=merging), starts=every is not None)


__all__ = ["Signals"]
