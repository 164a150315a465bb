"""Collects what one process tells the others: the members it remembers, and its last period."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from watchword.signals.members import TwoHalves
from watchword.signals.summary import Entry, Share, Some, Summary, text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from watchword.observe.event import AuthEvent
    from watchword.signals.members import Seen
    from watchword.signals.shares import Group, Period
    from watchword.signals.signal import SignalKind
    from watchword.signals.summary import Hasher

_RANKED = 100  # subjects of each kind


class Members:
    """The members of subjects that may become signals.

    Args:
        limits: as the arguments of `Signals`.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._names, self._welcome = TwoHalves(limits["names"]), TwoHalves(limits["names"])
        self._addresses, self._networks = TwoHalves(limits["addresses"]), TwoHalves(limits["networks"])

    def accepted(self, event: AuthEvent, address: str, network: str) -> None:
        """Note that a credential was accepted."""
        if address:
            self._welcome.now.add(address, event.credential, event.time, event.request_id)
        if network:
            self._networks.now.add(event.credential, network, event.time, event.request_id)

    def failed(self, event: AuthEvent, address: str) -> None:
        """Note that a name failed."""
        if address:
            self._names.now.add(address, event.credential, event.time, event.request_id)
        self._addresses.now.add(event.credential, address, event.time, event.request_id)

    def turn(self, *, twice: bool) -> None:
        """Begin another half of the window; see `TwoHalves.turn`."""
        for one in (self._names, self._welcome, self._addresses, self._networks):
            one.turn(twice=twice)

    def ranked(self, first: Iterable[tuple[SignalKind, str]]) -> list[tuple[SignalKind, str]]:
        """Return kinds and subjects: first those that are given, and then those with the most members."""
        kinds: list[tuple[SignalKind, TwoHalves]] = [
            ("spraying", self._names),
            ("brute_force", self._addresses),
            ("shared_credential", self._networks),
        ]
        found = [[(kind, subject) for subject in members.ranked()[:_RANKED]] for kind, members in kinds]
        mixed = [one for row in zip_longest(*found) for one in row if one is not None]
        return list(dict.fromkeys([*first, *mixed]))

    def of(self, kind: SignalKind, subject: str) -> tuple[Seen | None, Seen | None]:
        """Return what is known of a subject; for `spraying` what was accepted, too."""
        if kind == "spraying":
            return self._names.get(subject), self._welcome.get(subject)
        members = {"brute_force": self._addresses, "shared_credential": self._networks}.get(kind)
        return (None if members is None else members.get(subject)), None

    def __repr__(self) -> str:
        return "Members()"


class Published(NamedTuple):
    """What a process knows, not hashed yet: that takes some milliseconds, and is done without the lock.

    Args:
        now: the time, in Unix seconds.
        period: the last whole period.
        active: what has begun in it, about everybody.
        entries: kind, subject, members, further members, and the numbers of both.
    """

    now: float
    period: Period
    active: frozenset[Group]
    entries: tuple[tuple[SignalKind, str, Seen, frozenset[str], tuple[int, int]], ...]

    def summary(self, hasher: Hasher, told: Collection[tuple[SignalKind, str]]) -> Summary:
        """Return the summary.

        Args:
            hasher: of the group.
            told: the signals that this process has raised by itself.
        """
        period = self.period
        shares = [
            Share(
                kind=group[0],
                scheme=group[1],
                credentials=hasher.some(found.credentials),
                addresses=hasher.some(found.addresses),
                reasons=dict(found.reasons),
                request_id=text(found.request_id),
                is_active=group in self.active,
                told=group in told,
            )
            for group, found in sorted(period.failures.items(), key=lambda one: -len(one[1].credentials))
        ]
        return Summary(
            period=period.number,
            addresses=hasher.some(period.addresses),
            is_behind_one=period.is_behind_one(),
            accepted={scheme: hasher.some(accepted) for scheme, accepted in period.accepted.items()},
            shares=tuple(shares),
            entries=tuple(self._entry(hasher, told, *one) for one in self.entries),
        )

    def _entry(  # noqa: PLR0917 - a row of `entries`
        self,
        hasher: Hasher,
        told: Collection[tuple[SignalKind, str]],
        kind: SignalKind,
        subject: str,
        seen: Seen,
        more: frozenset[str],
        counts: tuple[int, int],
    ) -> Entry:
        return Entry(
            kind=kind,
            subject=text(subject),
            members=hasher.some(seen.members, counts[0]),
            more=Some(counts[1], frozenset()) if kind == "brute_force" else hasher.some(more, counts[1]),
            example=text(seen.example),
            request_id=text(seen.request_id),
            age=max(0.0, self.now - seen.at),
            told=(kind, subject) in told,
        )


__all__ = ["Members", "Published"]
