"""Maps requests to requirements by rules. They are compiled once; the cost of a lookup does not grow with their number.

The most specific of the rules that match decides, together with the rules that `binding` finds. Two rules that overlap without a most
specific one, and a rule that can never decide, are errors at construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from watchword.authorization.binding import Bound, Matches, find_binding
from watchword.authorization.identified import nobody, public
from watchword.authorization.pattern import Pattern, left_over, parse_pattern
from watchword.authorization.requirement import AllOf, FromAnyOrigin, Hidden, Requirement
from watchword.authorization.tree import PatternTree
from watchword.authorization.worlds import check_satisfiable, is_satisfiable
from watchword.cache import Bounded
from watchword.errors import ConfigurationError
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from watchword.authorization.hierarchy import ScopeHierarchy
    from watchword.authorization.requirement import FastCheck
    from watchword.decision import Rule

MOST_COMBINED = 1024  # combinations that are kept. A client chooses the path, and a table may have millions of combinations


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A compiled rule: the requirement, and facts about it that are computed once.

    Args:
        text: the pattern as written, or `"default"`; of several rules, all of them.
        requirement: the requirement of the rule.
        pattern: the pattern; None: the default, or several rules.
        parts: the rules that this one combines; empty: it combines none.
        owner: of the table that it belongs to; None: of none. A decision holds its route, and so tells which guard has made it.
    """

    text: str
    requirement: Requirement
    pattern: Pattern | None = None
    parts: tuple[Route, ...] = ()
    owner: object = field(default=None, repr=False)
    demand: str = field(init=False)
    fast_check: FastCheck | None = field(init=False)
    accepted: frozenset[str] | None = field(init=False)
    hides: bool = field(init=False)
    any_origin: bool = field(init=False)
    reads_request: bool = field(init=False)
    own_origin: bool = field(init=False)
    content_readers: tuple[Requirement, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.requirement, Requirement):
            raise invalid(f"the rule {self.text!r}", 'have a requirement, such as authenticated or role("admin")', self.requirement)
        check_satisfiable(self.requirement, self.text)
        object.__setattr__(self, "demand", str(self.requirement))
        object.__setattr__(self, "fast_check", self.requirement.fast_check())
        hides = any(isinstance(part, Hidden) for part in walk(self.requirement))
        accepted = self.requirement.accepted_schemes()
        object.__setattr__(self, "hides", hides)
        # A rule by one scheme and a view by another: no credentials would count, and the 403 would show a known caller what is hidden.
        object.__setattr__(self, "accepted", None if hides and not accepted else accepted)
        object.__setattr__(self, "reads_request", self.requirement.reads_request())
        exempt = [any(isinstance(part, FromAnyOrigin) for part in walk(one.requirement)) for one in self.rules]
        object.__setattr__(self, "any_origin", all(exempt))
        object.__setattr__(self, "own_origin", not all(exempt) and any(part.own_origin for part in walk(self.requirement)))
        # Compared, not called: whether a request has such content is known when it comes.
        reading = (part for part in walk(self.requirement) if type(part).wants_content is not Requirement.wants_content)
        object.__setattr__(self, "content_readers", tuple(dict.fromkeys(reading)))

    @property
    def rules(self) -> tuple[Route, ...]:
        """The rules that this one combines; the rule itself, where it combines none."""
        return self.parts or (self,)


def combine(rules: Sequence[Route], schemes: frozenset[str] | None = None) -> Route:
    """Return one rule with the requirements of several, exempt from the cross-site test only if all of them are.

    Args:
        rules: the rules, at least one. `public`, and a requirement that occurs twice, are left out.
        schemes: the schemes of the guard, lower case; None: any.
    """
    demanding: dict[Requirement, Route] = {}
    for rule in rules:
        if rule.requirement != public:
            demanding.setdefault(rule.requirement, rule)
    parts = tuple(demanding.values()) or (rules[0],)
    if len(parts) == 1:
        return parts[0]
    demands = AllOf(tuple(demanding)).parts
    requirement = AllOf(tuple(dict.fromkeys(demands)))
    if not is_satisfiable(requirement, schemes):
        # Each rule can be met, and no caller meets all of them. This is not a mistake of the table: the request is denied.
        requirement = AllOf((*requirement.parts, nobody))
    return Route(" and ".join(part.text for part in parts), requirement, parts=parts, owner=parts[0].owner)


def walk(requirement: Requirement) -> Iterator[Requirement]:
    """Yield a requirement, all its parts, and all among which it chooses.

    Args:
        requirement: where to start.
    """
    yield requirement
    for part in (*requirement.parts, *requirement.choices):
        yield from walk(part)


class Rules:
    """A table of rules.

    Args:
        rules: pattern to requirement.
        default: the requirement of a request that no rule matches.
        schemes: the schemes of the guard, lower case; None: any.
        hierarchy: which scopes imply others; None: none does.

    Raises:
        ConfigurationError: a pattern is malformed, two rules overlap and neither is more specific, a rule can never decide, or a
            requirement can never be met.
    """

    def __init__(
        self,
        rules: Mapping[str, Requirement],
        default: Requirement,
        schemes: frozenset[str] | None = None,
        hierarchy: ScopeHierarchy | None = None,
    ) -> None:
        self._schemes = schemes
        self.hierarchy: ScopeHierarchy | None = hierarchy
        self.owner: object = object()  # and not the table itself: a guard that is dropped is freed at once, without a cycle
        self.default: Route = Route("default", self.bound(default), owner=self.owner)
        self.routes: tuple[Route, ...] = tuple(
            Route(text, self.bound(one), parse_pattern(text), owner=self.owner) for text, one in rules.items()
        )
        self._tree: PatternTree[Route] = PatternTree()
        self._combined: Bounded[tuple[Route, ...], Route] = Bounded(MOST_COMBINED)
        # A view may make a new requirement for each request, so the table is bounded.
        self._narrowed: Bounded[tuple[Route, Requirement], Route] = Bounded(MOST_COMBINED)
        # The same by identity, with what is identified: to hash a requirement costs as much as the rest of a decision on the fast path.
        self._same: Bounded[tuple[int, int], tuple[Route, Requirement, Route]] = Bounded(MOST_COMBINED)
        patterns = [(route.pattern, route) for route in self.routes if route.pattern is not None]
        # Sorted, so that several bind one request in the same order, whatever the order of the table.
        for pattern, route in sorted(patterns, key=lambda one: one[1].text):
            self._tree.add(pattern, route)
        for pattern, route in patterns:
            self._check(pattern, route)

    def bound(self, requirement: Requirement) -> Requirement:
        """Return a requirement, bound to the hierarchy of scopes if there is one.

        Args:
            requirement: of a rule or a view.
        """
        # What is no requirement is refused by `Route`, which names the rule.
        return requirement if self.hierarchy is None or not isinstance(requirement, Requirement) else requirement.bound_to(self.hierarchy)

    def can_be_met(self, requirement: Requirement) -> bool:
        """Tell whether some caller of the guard can meet what a view demands; True where that cannot be told.

        Args:
            requirement: the requirement of the view.
        """
        return is_satisfiable(self.bound(requirement), self._schemes)

    def __iter__(self) -> Iterator[Route]:
        yield from self.routes
        yield self.default

    def find(self, method: str, path: str) -> Route:
        """Return the route that decides: one rule, or several that bind the request, combined.

        Args:
            method: as sent. HEAD is GET.
            path: decoded, below the mount.
        """
        return self.combined(*(bound.route for bound in self.binding(method, path)))

    def binding(self, method: str, path: str) -> list[Bound]:
        """Return the rules that bind a request, the one that decides first, and by which method and path each was found.

        Args:
            method: as above.
            path: as above.
        """
        return find_binding(self._match, method, path)

    def combined(self, *routes: Route) -> Route:
        """Return one route with the requirements of several; made once for each set of rules.

        Args:
            routes: routes of this table.
        """
        rules = tuple(dict.fromkeys(rule for route in routes for rule in route.rules))
        if len(rules) == 1:
            return rules[0]
        known = self._combined.get(rules)
        if known is None:
            known = combine(rules, self._schemes)
            self._combined.keep(rules, known)
        return known

    def narrowed(self, route: Route, requirement: Requirement) -> Route:
        """Return one route with the requirements of a rule and of a view; made once for each pair, and kept boundedly.

        Args:
            route: a route of this table.
            requirement: the requirement of the view.

        Raises:
            ConfigurationError: the requirement is not a `Requirement`, or no caller of the guard can ever meet it.
            ValueError: the route is one of another guard.
        """
        same = self._same.get((id(route), id(requirement)))
        if same is not None and same[0] is route and same[1] is requirement:
            return same[2]
        known = self._narrowed.get((route, requirement))
        if known is None:
            self.check_own(route)
            own = Route(route.text, self.bound(requirement), route.pattern, owner=self.owner)
            if not self.can_be_met(requirement):
                raise ConfigurationError(
                    f"a view demands {requirement}, which no scheme of this guard can meet. Add the scheme to the guard."
                )
            known = combine((*route.rules, own), self._schemes)
            known = replace(known, text=route.text)
            self._narrowed.keep((route, requirement), known)
        self._same.keep((id(route), id(requirement)), (route, requirement, known))
        return known

    def check_own(self, route: Rule | None) -> None:
        """Refuse the route of a decision that another guard has made: its callers, rules and schemes say nothing about this table.

        Args:
            route: of the decision. One that was made by hand, or comes from another process, has none, and is not refused here.

        Raises:
            ValueError: another guard has made the decision.
        """
        if route is not None and getattr(route, "owner", None) is not self.owner:
            raise ValueError(f"the decision was made by another guard, by its rule {route.text!r}. Pass a decision that this guard made.")

    @property
    def methods(self) -> frozenset[str]:
        """The methods that rules name."""
        return frozenset(name for route in self.routes if route.pattern is not None for name in route.pattern.methods or ())

    def begin_with(self, segment: str) -> bool:
        """Tell whether a rule names this segment as the first one of its path.

        Args:
            segment: decoded.
        """
        return self._tree.begins_with(segment)

    def overlapping(self, pattern: Pattern) -> list[Route]:
        """Return the rules that have a path in common with a pattern, whatever the methods.

        Args:
            pattern: of paths below the mount.
        """
        return [route for _, route in self._tree.overlapping(pattern)]

    def _match(self, segments: list[str], *, named: bool) -> Matches:
        return Matches(self._tree.matching(segments, named=named), self.default)

    def _check(self, pattern: Pattern, route: Route) -> None:
        """Refuse a rule that is repeated, ambiguous or never decides beside the others."""
        others = [(other, theirs) for other, theirs in self._tree.overlapping(pattern) if theirs is not route]
        narrower: list[Pattern] = []
        for other, theirs in others:
            if pattern.covers(other) and other.covers(pattern):
                raise ConfigurationError(f"the rules {route.text!r} and {theirs.text!r} match the same requests. Remove one.")
            if pattern.covers(other):
                narrower.append(other)
            elif not other.covers(pattern):
                _check_ambiguous(pattern, route, other, theirs, [found for found, _ in others])
        if narrower and left_over(pattern, narrower) is None:
            raise ConfigurationError(
                f"the rule {route.text!r} never decides: more specific rules match every request that it matches. Remove it."
            )


def _check_ambiguous(pattern: Pattern, route: Route, other: Pattern, theirs: Route, candidates: Iterable[Pattern]) -> None:
    common = pattern.meet(other)
    if common is None:
        return
    undecided = left_over(common, [one for one in candidates if pattern.covers(one) and other.covers(one)])
    if undecided is not None:
        raise ConfigurationError(
            f"the rules {route.text!r} and {theirs.text!r} both match {undecided}, and neither is more specific. Add {str(common)!r}."
        )
