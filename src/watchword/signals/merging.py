"""Decides from the summaries of all processes which signals begin and end for the group."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from watchword.signals.shares import Held, Judge
from watchword.signals.signal import CAUSES, Signal
from watchword.signals.summary import union

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchword.signals.shares import Group
    from watchword.signals.signal import SignalKind
    from watchword.signals.summary import Entry, Share, Summary

MOST_ACTIVE = 100
_EXAMPLES = 10


class Merging:
    """The signals of a group, in the process that decides for it.

    Args:
        limits: as the arguments of `Signals`.
        judge: tells about everybody.
        half: seconds without a sign after which a signal ends.
        active: the signals that the process before this one has begun.
        now: the time, in Unix seconds.
    """

    def __init__(self, limits: Mapping[str, int], judge: Judge, half: float, active: Iterable[Signal], now: float) -> None:
        self._limits = limits
        self._judge = judge
        self._half = half
        self._last: dict[tuple[SignalKind, str], float] = {}
        self._judged: dict[str, int] = {}  # process to its last period that was judged
        self.active: OrderedDict[tuple[SignalKind, str], Signal] = OrderedDict()
        for signal in active:
            key = signal.kind, signal.subject
            self.active[key] = signal
            if "failed" in signal.evidence:
                self._judge.active.add(key)
            else:
                self._last[key] = now

    def entries(self, now: float, summaries: Mapping[str, Summary]) -> list[Signal]:
        """Return the signals about single subjects that begin or end.

        Args:
            now: the time, in Unix seconds.
            summaries: of the processes, by their ids.
        """
        found: dict[tuple[SignalKind, str], list[Entry]] = {}
        for summary in summaries.values():
            for entry in summary.entries:
                found.setdefault((entry.kind, entry.subject), []).append(entry)
        signals: list[Signal] = []
        for key, several in found.items():
            seen = now - min(entry.age for entry in several)
            if key in self.active:
                self._last[key] = max(seen, self._last.get(key, seen))
                self._add_evidence(key, several)
            elif now - seen < self._half and (begins := self._reaches(key[0], several)):
                told = any(entry.told for entry in several)
                signals += self._begin(key, now, {**begins, **_facts(several)}, told=told)
                self._last[key] = seen
        for key in [key for key, last in self._last.items() if abs(now - last) >= self._half or key not in self.active]:
            del self._last[key]
            signals += self._end(key, now, {})
        return signals

    def everybody(self, now: float, summaries: Mapping[str, Summary]) -> list[Signal]:
        """Judge the last period of the processes, once; return the signals about everybody that begin or end."""
        fresh = [one for id_, one in summaries.items() if self._judged.get(id_) != one.period]
        self._judged = {id_: one.period for id_, one in summaries.items()}
        shares: dict[Group, list[Share]] = {}
        for one in fresh:
            for share in one.shares:
                shares.setdefault((share.kind, share.scheme), []).append(share)
        groups = dict.fromkeys([*shares, *self._judge.active, *self._partly()])
        helds = {group: _held(group, shares.get(group, ()), fresh) for group in groups}
        for _ in self._judge.turn(helds.values()):
            pass  # `active` tells
        signals: list[Signal] = []
        for group, held in helds.items():
            local = [share for share in shares.get(group, ()) if share.is_active]
            evidence = {**_evidence(held), "processes": len(fresh), "failing": len(shares.get(group, ())), "request_id": held.request_id}
            told = any(share.told for share in shares.get(group, ()))
            if group in self._judge.active:
                if group not in self.active:
                    signals += self._begin(group, now, evidence, told=told)
            elif local and group not in self.active and not self._judge.is_beginning(group):
                signals += self._begin(group, now, {**evidence, "failing": len(local)}, told=told, part=True)
            elif not local and group in self.active:
                signals += self._end(group, now, _evidence(held))
        return signals

    def _partly(self) -> list[Group]:
        return [key for key in self.active if key not in self._last]

    def _reaches(self, kind: SignalKind, several: list[Entry]) -> dict[str, int]:
        """Return the evidence of several processes together; empty: the limit is not reached."""
        members = union(entry.members for entry in several)
        if kind == "spraying":
            accepted = union(entry.more for entry in several)
            return {"names": members} if members >= self._limits["names"] and members > 2 * accepted else {}
        if kind == "shared_credential":
            return {"networks": members} if members >= self._limits["networks"] else {}
        failures = sum(entry.more.size for entry in several)
        reached = members >= self._limits["addresses"] or failures >= self._limits["failures"]
        return {"failures": failures, "addresses": members} if kind == "brute_force" and reached else {}

    def _add_evidence(self, key: tuple[SignalKind, str], several: list[Entry]) -> None:
        """Keep the greatest numbers, and ten examples, for the end of a signal."""
        evidence: dict[str, Any] = dict(self.active[key].evidence)
        for name, number in self._reaches(key[0], several).items():
            evidence[name] = max(number, int(evidence.get(name, 0)))
        given = evidence.get("examples")
        examples = [*given] if isinstance(given, list) else []
        evidence["examples"] = [*dict.fromkeys([*examples, *(entry.example for entry in several if entry.example)])][:_EXAMPLES]
        begun = self.active[key]
        self.active[key] = Signal(begun.kind, "begun", begun.time, begun.since, begun.subject, evidence, begun.cause)

    def _begin(self, key: tuple[SignalKind, str], now: float, evidence: dict[str, Any], *, told: bool, part: bool = False) -> list[Signal]:
        cause = CAUSES[key[0]]
        if part:
            cause = (
                f"{evidence['failing']} of {evidence['processes']} processes: they differ from the others, by keys, clock or setup. {cause}"
            )
        signal = Signal(key[0], "begun", now, now, key[1], evidence, cause)
        self.active[key] = signal
        if len(self.active) > MOST_ACTIVE:
            forgotten, _ = self.active.popitem(last=False)
            self._judge.active.discard(forgotten)
            self._last.pop(forgotten, None)
        return [] if told else [signal]

    def _end(self, key: tuple[SignalKind, str], now: float, evidence: dict[str, Any]) -> list[Signal]:
        begun = self.active.pop(key, None)
        if begun is None:
            return []
        return [Signal(begun.kind, "ended", now, begun.since, begun.subject, {**begun.evidence, **evidence}, begun.cause)]

    def __repr__(self) -> str:
        return f"Merging({len(self.active)} active)"


def _facts(several: list[Entry]) -> dict[str, Any]:
    latest = min(several, key=lambda entry: entry.age)
    examples = [*dict.fromkeys(entry.example for entry in several if entry.example)][:_EXAMPLES]
    return {"processes": len(several), "examples": examples, "request_id": latest.request_id}


def _held(group: Group, shares: Iterable[Share], summaries: Iterable[Summary]) -> Held:
    given, all_ = [*shares], [*summaries]
    reasons: dict[str, int] = {}
    for share in given:
        for reason, count in share.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    busy = [one for one in all_ if one.addresses.size]
    return Held(
        *group,
        failed=union(share.credentials for share in given),
        accepted=union(one.accepted[group[1]] for one in all_ if group[1] in one.accepted),
        addresses=union(share.addresses for share in given),
        reasons=reasons,
        request_id=next((share.request_id for share in given if share.request_id), ""),
        is_behind_one=bool(busy) and all(one.is_behind_one for one in busy) and union(one.addresses for one in busy) == 1,
    )


def _evidence(held: Held) -> dict[str, Any]:
    return {"failed": held.failed, "accepted": held.accepted, "addresses": held.addresses, "reasons": held.reasons}


__all__ = ["MOST_ACTIVE", "Merging"]
