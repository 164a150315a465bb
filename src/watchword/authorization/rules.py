"""Rules: which requirement decides about which request. Compiled once; the cost of a lookup does not grow with their number.

The rule that is more specific than all others that match decides. What cannot be told apart, and what can never decide,
is an error at construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from watchword.authorization.leaves import nobody
from watchword.authorization.pattern import Pattern, left_over, parse_pattern
from watchword.authorization.requirement import AllOf, FromAnyOrigin, Hidden, Requirement
from watchword.authorization.satisfiable import check_satisfiable, is_satisfiable
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from watchword.authorization.requirement import Quick

# Methods that the HTTP standard gives a meaning beside GET, and that applications route by name. Any other, a lower-case
# `get` or an unheard-of verb, may well be served by the handler of GET, so it never needs less (threats P11).
_OWN_MEANING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A rule, compiled: what is demanded and how to test it quickly.

    Args:
        text: the pattern as written, or `"default"`.
        requirement: what is demanded.
    """

    text: str
    requirement: Requirement
    pattern: Pattern | None = None
    quick: Quick | None = field(init=False)
    accepted: frozenset[str] | None = field(init=False)
    hides: bool = field(init=False)
    any_origin: bool = field(init=False)
    reads_request: bool = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.requirement, Requirement):
            raise ConfigurationError(
                f'the rule {self.text!r} takes a requirement such as authenticated or role("admin"), not {self.requirement!r}'
            )
        check_satisfiable(self.requirement, self.text)
        object.__setattr__(self, "quick", self.requirement.quick())
        object.__setattr__(self, "accepted", self.requirement.accepted_schemes())
        object.__setattr__(self, "hides", any(isinstance(part, Hidden) for part in walk(self.requirement)))
        object.__setattr__(self, "reads_request", self.requirement.reads_request())
        object.__setattr__(self, "any_origin", any(isinstance(part, FromAnyOrigin) for part in walk(self.requirement)))

    def also(self, other: Route) -> Route:
        """Return the route that demands what both do. It is exempt from the cross-site test only if both are."""
        both = Route(f"{self.text} and {other.text}", AllOf((self.requirement, other.requirement)))
        object.__setattr__(both, "any_origin", self.any_origin and other.any_origin)
        return both


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
        default: what a request needs that no rule matches.
        schemes: the schemes, lower case, by which callers can come; None: any.

    Raises:
        ConfigurationError: a pattern is none, two rules overlap and neither is more specific, a rule can never decide, or a
            requirement can never be met.
    """

    def __init__(self, rules: Mapping[str, Requirement], default: Requirement, schemes: frozenset[str] | None = None) -> None:
        self._schemes = schemes
        self.default: Route = Route("default", default)
        self.routes: tuple[Route, ...] = tuple(Route(text, requirement, parse_pattern(text)) for text, requirement in rules.items())
        self._root = _Node()
        self._combined: dict[tuple[Route, Route], Route] = {}
        patterns = [(route.pattern, route) for route in self.routes if route.pattern is not None]
        for pattern, route in patterns:
            self._add(pattern, route)
        for pattern, route in patterns:
            self._check(pattern, route)

    def __iter__(self) -> Iterator[Route]:
        yield from self.routes
        yield self.default

    def find(self, method: str, path: str) -> Route:
        """Return the route that decides.

        Args:
            method: as sent. HEAD is GET; letter case makes no difference.
            path: decoded, below the mount; empty segments do not count.
        """
        method = method if method.isupper() else method.upper()
        if method == "HEAD":
            method = "GET"
        segments = [segment for segment in path.split("/") if segment]
        found = _reach(self._root, segments, 0)
        route = _most_specific(found, method) or self.default
        if method == "GET" or method in _OWN_MEANING or (route.pattern is not None and route.pattern.methods is not None):
            return route
        like_get = _most_specific(found, "GET") or self.default
        return self.both(route, like_get)

    def both(self, route: Route, other: Route) -> Route:
        """Return the route that demands what both do.

        Args:
            route: one of these rules.
            other: one of these rules.
        """
        if route is other:
            return route
        both = self._combined.get((route, other))
        if both is None:
            both = self._combined[route, other] = _of_both(route, other, self._schemes)
        return both

    def begin_with(self, segment: str) -> bool:
        """Tell whether a rule names this segment as the first one of its path.

        Args:
            segment: decoded.
        """
        return segment in self._root.literals

    def _add(self, pattern: Pattern, route: Route) -> None:
        node = self._root
        for segment in pattern.segments:
            if segment is None:
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.literals.setdefault(segment, _Node())
        (node.rests if pattern.rest else node.ends).append((pattern, route))

    def _check(self, pattern: Pattern, route: Route) -> None:
        """Find what is wrong with one rule beside the others."""
        others = [(other, theirs) for other, theirs in _overlapping(self._root, pattern, 0) if theirs is not route]
        narrower: list[Pattern] = []
        for other, theirs in others:
            if pattern.covers(other) and other.covers(pattern):
                raise ConfigurationError(f"the rules {route.text!r} and {theirs.text!r} match the same requests: keep one")
            if pattern.covers(other):
                narrower.append(other)
            elif not other.covers(pattern):
                _check_ambiguous(pattern, route, other, theirs, [found for found, _ in others])
        if narrower and left_over(pattern, narrower) is None:
            raise ConfigurationError(
                f"the rule {route.text!r} can never decide: more specific rules match everything that it matches. Take it out"
            )


def _check_ambiguous(pattern: Pattern, route: Route, other: Pattern, theirs: Route, candidates: Iterable[Pattern]) -> None:
    common = pattern.meet(other)
    if common is None:
        return
    undecided = left_over(common, [one for one in candidates if pattern.covers(one) and other.covers(one)])
    if undecided is not None:
        raise ConfigurationError(
            f"the rules {route.text!r} and {theirs.text!r} both match {undecided}, and neither is more specific: add a rule {str(common)!r}"
        )


def _of_both(route: Route, like_get: Route, schemes: frozenset[str] | None) -> Route:
    try:
        both = route.also(like_get)
    except ConfigurationError:
        both = None
    if both is not None and is_satisfiable(both.requirement, schemes):
        return both
    # Each of the two can be met, and nobody meets both. That is no mistake: such a method is for nobody.
    return route.also(Route(like_get.text, AllOf((like_get.requirement, nobody))))


def _reach(node: _Node, segments: list[str], at: int) -> list[tuple[Pattern, Route]]:
    """Return every rule whose path matches; the branches taken are those that exist in the rules."""
    found = list(node.rests)
    if at == len(segments):
        return found + node.ends
    literal = node.literals.get(segments[at])
    if literal is not None:
        found += _reach(literal, segments, at + 1)
    if node.any is not None:
        found += _reach(node.any, segments, at + 1)
    return found


def _most_specific(found: list[tuple[Pattern, Route]], method: str) -> Route | None:
    # Construction made sure that one of them is more specific than all others, so one pass finds it.
    best: tuple[Pattern, Route] | None = None
    for one in found:
        if one[0].takes(method) and (best is None or best[0].covers(one[0])):
            best = one
    return None if best is None else best[1]


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
