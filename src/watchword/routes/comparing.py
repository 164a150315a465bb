"""Compares two reports: finds the routes whose protection got weaker.

Requirements are compared by what follows from them, not by their text. The rules of the earlier report are asked for the paths of the later
one and the reverse, so that a route that is new, or for which rules now tell parts apart, is compared as well. Both sides are compared by
what scopes imply now; that a scope implies more than before is a change of the guard.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from watchword.authorization.hierarchy import ScopeHierarchy
from watchword.authorization.pattern import parse_pattern
from watchword.authorization.requirement import FromAnyOrigin, Hidden
from watchword.authorization.rules import Rules, walk
from watchword.authorization.tree import PatternTree
from watchword.authorization.worlds import implies, is_open
from watchword.errors import ConfigurationError
from watchword.routes.guarding import Demands
from watchword.routes.listed import opened
from watchword.routes.recording import read_report, write_report
from watchword.routes.report import ANY_METHOD

if TYPE_CHECKING:
    from watchword.authorization import Requirement
    from watchword.routes.report import GuardedRoute, RouteReport

Effect: TypeAlias = Literal["weaker", "changed", "stronger", "added", "removed"]

EFFECTS: Final[tuple[Effect, ...]] = ("weaker", "changed", "stronger", "added", "removed")
"""The gravest first. A report with one of the first two does not pass."""

_Key: TypeAlias = tuple[bool, str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between two reports.

    Args:
        effect: `"weaker"`: callers pass who did not, or the cross-site test is off. `"changed"`: some pass who did not and others no
            longer do, or that cannot be told. `"stronger"`, `"added"`, `"removed"`.
        subject: the method and the path; `"guard"` for the schemes.
        before: what was in force; empty: there was no route.
        after: what is in force; empty: there is no route.
    """

    effect: Effect
    subject: str
    before: str
    after: str

    @property
    def fails(self) -> bool:
        """Whether protection may be weaker than before."""
        return self.effect in {"weaker", "changed"}


def compare(before: RouteReport, after: RouteReport) -> tuple[Change, ...]:
    """Return what has changed between two reports, the gravest first.

    Args:
        before: the earlier report.
        after: the later one.
    """
    hierarchy = ScopeHierarchy(dict(after.scope_implies))
    old, new = _Side(before, hierarchy), _Side(read_report(write_report(after)), hierarchy)
    changes = [change for key, rows in new.rows.items() for change in _compared(key, rows, old, new)]
    moved = {row.endpoint for key, rows in new.rows.items() if key not in old.rows for row in rows}
    for key, rows in old.rows.items():
        if key not in new.rows:
            changes += [change for row in rows if (change := _replaced(row, new)) is not None]
            if rows[0].endpoint not in moved:
                changes.append(Change("removed", f"{rows[0].method} {rows[0].subject}", str(rows[0].requirement), ""))
    more = sorted(set(after.schemes) - set(before.schemes))
    if more:
        changes.append(Change("changed", "guard", ", ".join(before.schemes), ", ".join(after.schemes)))
    implied = ScopeHierarchy(dict(before.scope_implies))
    for name in hierarchy.table:
        then, now = implied.implied([name]), hierarchy.implied([name])
        if not now <= then:
            changes.append(Change("changed", "guard", *(f"{name} implies {', '.join(sorted(one)) or 'nothing'}" for one in (then, now))))
    return tuple(sorted(set(changes), key=lambda one: (EFFECTS.index(one.effect), one.subject)))


class _Side:
    """One of the two reports."""

    def __init__(self, report: RouteReport, hierarchy: ScopeHierarchy) -> None:
        schemes = frozenset(name.lower() for name in report.schemes)
        rules = dict(report.rules), report.default, schemes
        try:
            self.demands = Demands(Rules(*rules, hierarchy), schemes)
        except ConfigurationError:  # a rule of the earlier report, which no caller could meet now
            self.demands = Demands(Rules(*rules), schemes)
        self.schemes = schemes
        self.rows: defaultdict[_Key, list[GuardedRoute]] = defaultdict(list)
        self.by_endpoint: defaultdict[tuple[str, str], list[GuardedRoute]] = defaultdict(list)
        for row in (replace(one, requirement=one.requirement.bound_to(hierarchy)) for one in report.routes):
            if not row.shadowed_by:
                self.rows[_key(row)].append(row)
                self.by_endpoint[row.endpoint, row.method].append(row)
        self._tree: PatternTree[tuple[int, GuardedRoute]] = PatternTree()
        for at, row in enumerate(report.routes):
            with suppress(ConfigurationError):  # a path that no rule could name
                self._tree.add(opened(parse_pattern(row.pattern)), (at, row))

    def known(self, key: _Key, path: str) -> list[GuardedRoute]:
        """Return the rows of a route: of this path, else of another one that differs in the names of its parameters."""
        found = self.rows.get(key) or self.rows.get((*key[:2], ANY_METHOD, key[3])) or []
        return [row for row in found if row.path == path] or found

    def taking(self, gone: GuardedRoute) -> GuardedRoute | None:
        """Return the row of the route that takes the requests of a route of the other report; None: none does."""
        segments = [segment for segment in gone.sample.split("/") if segment]
        found = [(at, row) for _, (at, row) in self._tree.matching(segments) if not row.shadowed_by and _serves(row, gone)]
        return min(found, key=lambda one: one[0])[1] if found else None

    def at(self, method: str, sample: str, view: Requirement | None) -> Requirement:
        return self.demands.at(method, sample, view)[1]


def _key(row: GuardedRoute) -> _Key:
    return row.kind == "websocket", row.host, row.method, row.pattern


def _serves(row: GuardedRoute, gone: GuardedRoute) -> bool:
    alike = row.kind == "mount" or (row.kind == "websocket") is (gone.kind == "websocket")
    return alike and row.method in {gone.method, ANY_METHOD} and row.host in {"", gone.host}


def _replaced(gone: GuardedRoute, new: _Side) -> Change | None:
    """Return what is weaker for the requests of a route that is gone, where another route takes them."""
    taker = new.taking(gone)
    if taker is None:
        return None
    now = new.at(gone.method, gone.sample, taker.view)
    effect = _effect(gone.requirement, now, new.schemes)
    return Change(effect, f"{gone.method} {gone.subject}", str(gone.requirement), str(now)) if effect in {"weaker", "changed"} else None


def _compared(key: _Key, rows: list[GuardedRoute], old: _Side, new: _Side) -> list[Change]:
    changes: list[Change] = []
    for path in dict.fromkeys(row.path for row in rows):
        mine = [row for row in rows if row.path == path]
        theirs = old.known(key, path)
        pairs: list[tuple[str, Requirement, Requirement]] = []
        for row in [*mine, *theirs]:
            now = new.at(mine[0].method, row.sample, mine[0].view)
            then = old.at(mine[0].method, row.sample, theirs[0].view if theirs else None)
            pairs.append((row.subject if row.at else mine[0].subject, then, now))
        if not theirs:
            moved = [row for row in old.by_endpoint[mine[0].endpoint, mine[0].method] if _key(row) not in new.rows]
            pairs += [(mine[0].subject, row.requirement, mine[0].requirement) for row in moved]
            changes.append(Change("added", f"{mine[0].method} {mine[0].subject}", "", str(mine[0].requirement)))
        for subject, then, now in dict.fromkeys(pairs):
            effect = _effect(then, now, new.schemes)
            if effect is not None and (theirs or effect in {"weaker", "changed"}):
                changes.append(Change(effect, f"{mine[0].method} {subject}", str(then), str(now)))
    return changes


def _effect(before: Requirement, after: Requirement, schemes: frozenset[str]) -> Effect | None:
    if before == after:
        return None
    narrower, wider = implies(after, before, schemes), implies(before, after, schemes)
    if not narrower:
        return "weaker" if narrower is False and wider else "changed"
    if _has(after, FromAnyOrigin) and not _has(before, FromAnyOrigin):
        return "weaker"
    if _has(before, Hidden) and not _has(after, Hidden) and not is_open(before):
        return "changed"
    return "stronger" if wider is False else None


def _has(requirement: Requirement, kind: type[Requirement]) -> bool:
    return any(isinstance(part, kind) for part in walk(requirement))
