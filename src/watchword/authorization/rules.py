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
from watchword.authorization.satisfiable import check_satisfiable, is_satisfiable
from watchword.cache import Bounded
from watchword.errors import ConfigurationError
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from watchword.authorization.requirement import FastCheck

MOST_COMBINED = 1024  # combinations that are kept. A client chooses the path, and a table may have millions of combinations


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A compiled rule: the requirement, and facts about it that are computed once.

    Args:
        text: the pattern as written, or `"default"`; of several rules, all of them.
        requirement: the requirement of the rule.
        pattern: the pattern; None: the default, or several rules.
        parts: the rules that this one combines; empty: it combines none.
    """

    text: str
    requirement: Requirement
    pattern: Pattern | None = None
    parts: tuple[Route, ...] = ()
    demand: str = field(init=False)
    fast_check: FastCheck | None = field(init=False)
    accepted: frozenset[str] | None = field(init=False)
    hides: bool = field(init=False)
    any_origin: bool = field(init=False)
    reads_request: bool = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.requirement, Requirement):
            raise invalid(f"the rule {self.text!r}", 'have a requirement, such as authenticated or role("admin")', self.requirement)
        check_satisfiable(self.requirement, self.text)
        object.__setattr__(self, "demand", str(self.requirement))
        object.__setattr__(self, "fast_check", self.requirement.fast_check())
        object.__setattr__(self, "accepted", self.requirement.accepted_schemes())
        object.__setattr__(self, "hides", any(isinstance(part, Hidden) for part in walk(self.requirement)))
        object.__setattr__(self, "reads_request", self.requirement.reads_request())
        exempt = [any(isinstance(part, FromAnyOrigin) for part in walk(one.requirement)) for one in self.rules]
        object.__setattr__(self, "any_origin", all(exempt))

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
    return Route(" and ".join(part.text for part in parts), requirement, parts=parts)


def walk(requirement: Requirement) -> Iterator[Requirement]:
    """Yield a requirement and all its parts.

    Args:
        requirement: where to start.
    """
    yield requirement
    for part in requirement.parts:
        yield from walk(part)


class _Node:
    """One place in the tree of segments."""

    __slots__ = ("any", "ends", "literals", "rests")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.ends: list[tuple[Pattern, Route]] = []
        self.rests: list[tuple[Pattern, Route]] = []

    def children(self) -> Iterator[_Node]:
        yield from self.literals.values()
        if self.any is not None:
            yield self.any


class Rules:
    """A table of rules.

    Args:
        rules: pattern to requirement.
        default: the requirement of a request that no rule matches.
        schemes: the schemes of the guard, lower case; None: any.

    Raises:
        ConfigurationError: a pattern is malformed, two rules overlap and neither is more specific, a rule can never decide, or a
            requirement can never be met.
    """

    def __init__(self, rules: Mapping[str, Requirement], default: Requirement, schemes: frozenset[str] | None = None) -> None:
        self._schemes = schemes
        self.default: Route = Route("default", default)
        self.routes: tuple[Route, ...] = tuple(Route(text, requirement, parse_pattern(text)) for text, requirement in rules.items())
        self._root = _Node()
        self._combined: Bounded[tuple[Route, ...], Route] = Bounded(MOST_COMBINED)
        # A view may make a new requirement for each request, so the table is bounded.
        self._narrowed: Bounded[tuple[Route, Requirement], Route] = Bounded(MOST_COMBINED)
        patterns = [(route.pattern, route) for route in self.routes if route.pattern is not None]
        for pattern, route in patterns:
            self._add(pattern, route)
        for pattern, route in patterns:
            self._check(pattern, route)

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
            ConfigurationError: the requirement is not a `Requirement`, or can never be met.
        """
        known = self._narrowed.get((route, requirement))
        if known is None:
            known = combine((*route.rules, Route(route.text, requirement, route.pattern)), self._schemes)
            known = replace(known, text=route.text)
            self._narrowed.keep((route, requirement), known)
        return known

    @property
    def methods(self) -> frozenset[str]:
        """The methods that rules name."""
        return frozenset(name for route in self.routes if route.pattern is not None for name in route.pattern.methods or ())

    def begin_with(self, segment: str) -> bool:
        """Tell whether a rule names this segment as the first one of its path.

        Args:
            segment: decoded.
        """
        return segment in self._root.literals

    def _match(self, segments: list[str], *, named: bool) -> Matches:
        return Matches(_reach(self._root, segments, 0, named=named), self.default)

    def _add(self, pattern: Pattern, route: Route) -> None:
        node = self._root
        for segment in pattern.segments:
            if segment is None:
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.literals.setdefault(segment, _Node())
        here = node.rests if pattern.rest else node.ends
        here.append((pattern, route))
        here.sort(key=lambda one: one[1].text)  # several bind one request in the same order, whatever the order of the table

    def _check(self, pattern: Pattern, route: Route) -> None:
        """Refuse a rule that is repeated, ambiguous or never decides beside the others."""
        others = [(other, theirs) for other, theirs in _overlapping(self._root, pattern, 0) if theirs is not route]
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


def _reach(node: _Node, segments: list[str], at: int, *, named: bool) -> list[tuple[Pattern, Route]]:
    """Return every rule whose path matches. It follows only branches that the rules have, so a long path costs no more.

    Args:
        node: where to start.
        segments: the path.
        at: the segment to match at this node.
        named: whether `{name}` matches a segment that is empty.
    """
    found = list(node.rests)
    if at == len(segments):
        return found + node.ends
    literal = node.literals.get(segments[at])
    if literal is not None:
        found += _reach(literal, segments, at + 1, named=named)
    if node.any is not None and (named or segments[at]):
        found += _reach(node.any, segments, at + 1, named=named)
    return found


def _overlapping(node: _Node, pattern: Pattern, at: int) -> Iterator[tuple[Pattern, Route]]:
    """Yield the rules that have a path in common with a pattern."""
    if at == len(pattern.segments):
        if pattern.rest:
            yield from _below(node)
        else:
            yield from node.rests
            yield from node.ends
        return
    yield from node.rests
    segment = pattern.segments[at]
    if segment is None:
        for child in node.children():
            yield from _overlapping(child, pattern, at + 1)
        return
    for next_node in (node.literals.get(segment), node.any):
        if next_node is not None:
            yield from _overlapping(next_node, pattern, at + 1)


def _below(node: _Node) -> Iterator[tuple[Pattern, Route]]:
    yield from node.rests
    yield from node.ends
    for child in node.children():
        yield from _below(child)
