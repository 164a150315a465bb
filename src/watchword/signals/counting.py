"""Counts the events of one process, and tells from them what begins and what ends in it."""

from __future__ import annotations

from collections import OrderedDict
from os import urandom
from typing import TYPE_CHECKING, Any

from watchword.networks import network_of, parse_address
from watchword.reason import Reason
from watchword.signals.members import Seen
from watchword.signals.published import Published
from watchword.signals.shares import GUESSES, PERIOD, Held, Shares
from watchword.signals.signal import CAUSES, Signal
from watchword.signals.sketches import Distinct

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from watchword.observe.event import AuthEvent
    from watchword.signals.published import Members
    from watchword.signals.shares import Judge
    from watchword.signals.signal import SignalKind

_MOST_ACTIVE = 1000  # signals at the same time; the oldest is forgotten
_MOST_CLIENTS = 4096  # addresses whose networks are remembered
_EXAMPLES = 10


class Counting:
    """The counts of one process, in bounded memory. Not for several threads at once.

    Args:
        limits: as the arguments of `Signals`.
        half: seconds of half a window.
        judge: tells about everybody.
        members: remembers members for other processes; None: there are none.
    """

    def __init__(self, limits: Mapping[str, int], half: float, judge: Judge, members: Members | None) -> None:
        self._limits = limits
        self._half = half
        self._period = self._half_window = 0
        self._checked = 0.0
        self._names, self._welcome, self._addresses, self._networks, self._failures = (Distinct(urandom(32)) for _ in range(5))
        self._shares = Shares(judge)
        self._members = members
        self._active: OrderedDict[tuple[SignalKind, str], _Active] = OrderedDict()
        self._clients: dict[str, tuple[str, str]] = {}

    @property
    def active(self) -> list[Signal]:
        """The signals that have begun and not ended, the oldest first."""
        return [active.begun for active in self._active.values()]

    def count(self, event: AuthEvent) -> list[Signal]:
        """Count an event, and return the signals that begin or end with it.

        Args:
            event: the event.
        """
        signals = self.turn(event.time)
        if event.credential or event.decision == "failed":
            signals += self._take(event)
        return signals

    def published(self, now: float, first: Collection[tuple[SignalKind, str]]) -> Published:
        """Return what other processes are told, for a summary.

        Args:
            now: the time, in Unix seconds.
            first: the signals that are under way somewhere, which must not be left out.
        """
        entries: list[tuple[SignalKind, str, Seen, frozenset[str], tuple[int, int]]] = []
        if self._members is not None:
            for kind, subject in self._members.ranked([*self._active, *first]):
                members, more = self._members.of(kind, subject)
                if members is None and (active := self._active.get((kind, subject))) is not None and not active.is_of_everybody:
                    members = Seen([], active.last, "", "")
                counts = self._counts(kind, subject)
                if members is not None and any(counts):
                    more_members = frozenset[str]() if more is None else frozenset(more.members)
                    entries.append((kind, subject, members._replace(members=[*members.members]), more_members, counts))
        return Published(now, self._shares.before, frozenset(self._shares.active), tuple(entries))

    def _counts(self, kind: SignalKind, subject: str) -> tuple[int, int]:
        if kind == "spraying":
            return self._names.count(subject), self._welcome.count(subject)
        if kind == "shared_credential":
            return self._networks.count(subject), 0
        return self._addresses.count(subject), self._failures.count(subject)

    def _take(self, event: AuthEvent) -> list[Signal]:
        address, network = self._places(event.client)
        self._shares.add(event)
        if event.reason is None or event.principal:
            if address:
                self._welcome.add(address, event.credential)
            if self._members is not None:
                self._members.accepted(event, address, network)
            count = self._networks.add(event.credential, network) if network else 0
            return self._seen("shared_credential", event, event.credential, network, count >= self._limits["networks"], networks=count)
        # What the throttle refuses goes on all the same.
        if event.reason not in GUESSES and event.reason is not Reason.THROTTLED:
            return []
        names = self._names.add(address, event.credential) if address else 0
        if self._members is not None:
            self._members.failed(event, address)
        # Behind one address may be an office, whose people mistype now and then: most of its names are accepted as well.
        many = names >= self._limits["names"] and names > 2 * self._welcome.count(address)
        signals = self._seen("spraying", event, address, event.credential, many, names=names)
        addresses = self._addresses.add(event.credential, address) if address else 0
        failures = self._failures.count(event.credential, more=1)
        guessed = addresses >= self._limits["addresses"] or failures >= self._limits["failures"]
        evidence = {"failures": failures, "addresses": addresses or self._addresses.count(event.credential)}
        return signals + self._seen("brute_force", event, event.credential, network, guessed, **evidence)

    def _seen(
        self,
        kind: SignalKind,
        event: AuthEvent,
        subject: str,
        example: str,
        begins: bool,  # noqa: FBT001
        **evidence: int,
    ) -> list[Signal]:
        """Note one more sign of an active signal, or begin it."""
        active = self._active.get((kind, subject))
        if active is not None:
            active.note(event, example, evidence)
            return []
        if not begins or not subject:
            return []
        active = _Active(kind, subject, event.time, {**evidence, "examples": [example], "request_id": event.request_id})
        self._keep(active)
        return [active.begun]

    def _keep(self, active: _Active) -> None:
        self._active[active.begun.kind, active.begun.subject] = active
        if len(self._active) > _MOST_ACTIVE:
            self._active.popitem(last=False)

    def turn(self, now: float) -> list[Signal]:
        """Begin another period and window where one is over, and end what was not seen for long. A clock that is set back ends them too.

        Args:
            now: the time, in Unix seconds.
        """
        signals: list[Signal] = []
        if (window := int(now // self._half)) != self._half_window:
            for sketch in (self._names, self._welcome, self._addresses, self._networks, self._failures):
                sketch.turn(twice=window != self._half_window + 1)
            if self._members is not None:
                self._members.turn(twice=window != self._half_window + 1)
            self._half_window = window
        if (period := int(now // PERIOD)) != self._period:
            self._period = period
            signals += [self._of_everybody(begins, held, now) for begins, held in self._shares.turn(period)]
        if abs(now - self._checked) >= 1:
            self._checked = now
            for key, active in [*self._active.items()]:
                if not active.is_of_everybody and abs(now - active.last) >= self._half:
                    del self._active[key]
                    signals.append(active.ended(now))
        return signals

    def _of_everybody(self, begins: bool, held: Held, now: float) -> Signal:  # noqa: FBT001 - as `Shares.turn` yields it
        evidence: dict[str, Any] = {"failed": held.failed, "accepted": held.accepted, "addresses": held.addresses, "reasons": held.reasons}
        active = None if begins else self._active.pop((held.kind, held.scheme), None)
        if active is None:
            active = _Active(held.kind, held.scheme, now, {**evidence, "request_id": held.request_id}, is_of_everybody=True)
        if begins:
            self._keep(active)
            return active.begun
        active.evidence.update(evidence)
        return active.ended(now)

    def _places(self, client: str | None) -> tuple[str, str]:
        """Return the address (for IPv6 the /64, which one host has) and the network of a client; empty: unknown."""
        if client is None:
            return "", ""
        known = self._clients.get(client)
        if known is None:
            address = parse_address(client)
            # What `Pseudonyms` has cut is a network already.
            known = (client, client) if address is None else (network_of(address, 32, 64), network_of(address))
            if len(self._clients) >= _MOST_CLIENTS:
                self._clients.clear()
            self._clients[client] = known
        return known

    def __repr__(self) -> str:
        return f"Counting({len(self._active)} active)"


class _Active:
    """A signal that has begun.

    Args:
        kind: of the signal.
        subject: of the signal.
        now: when it began.
        evidence: numbers and examples.
        is_of_everybody: whether `Shares` tells when it ends.
    """

    def __init__(self, kind: SignalKind, subject: str, now: float, evidence: dict[str, Any], *, is_of_everybody: bool = False) -> None:
        self.last = now
        self.is_of_everybody = is_of_everybody
        self.evidence = evidence
        self.begun = Signal(kind, "begun", now, now, subject, _copied(evidence), CAUSES[kind])

    def note(self, event: AuthEvent, example: str, evidence: dict[str, int]) -> None:
        self.last = event.time
        for name, value in evidence.items():
            self.evidence[name] = max(value, self.evidence.get(name, 0))
        examples = self.evidence["examples"]
        if len(examples) < _EXAMPLES and example not in examples:
            examples.append(example)

    def ended(self, now: float) -> Signal:
        begun = self.begun
        return Signal(begun.kind, "ended", now, begun.since, begun.subject, _copied(self.evidence), begun.cause)


def _copied(evidence: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in evidence.items()}


__all__ = ["Counting"]
