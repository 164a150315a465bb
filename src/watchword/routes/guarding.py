"""Finds out what is in force at each route.

The rules are asked with a path of the route, as a request would ask them. Where rules treat some paths of a route in another way than the
rest, as `/files/secret/**` does those of `/files/{path}`, each part gets a row of its own.
"""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, Final

from watchword.authorization.identified import public
from watchword.authorization.leaves import ViaScheme
from watchword.authorization.marks import demand_of
from watchword.authorization.pattern import Pattern, left_over
from watchword.authorization.requirement import AllOf
from watchword.authorization.rules import Route, combine
from watchword.authorization.tree import PatternTree
from watchword.authorization.worlds import admits_anonymous, can_be_met, is_open
from watchword.errors import ConfigurationError
from watchword.routes.findings import find_mistakes
from watchword.routes.listed import Param, Shape, matches, opened
from watchword.routes.report import ANY_METHOD, GuardedRoute, RouteReport

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from watchword.authorization import Requirement, Rules
    from watchword.routes.listed import Listed, Piece

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""The rows of a route that takes all methods, beside those that rules name."""

_GET: Final = frozenset({"GET"})
_TRIED: Final = 16  # samples for one parameter
_SAMPLES: Final = ("x", "1", "2000", "2000-01-01", "00000000-0000-4000-8000-000000000000", "1.5", "12:00:00", "x.html")


def make_report(listed: Sequence[Listed], rules: Rules, schemes: Sequence[str], *, answered: Collection[str] = ()) -> RouteReport:
    """Return what is in force at each route, and what may be a mistake.

    Args:
        listed: the routes of an application.
        rules: of the guard.
        schemes: the names of its schemes.
        answered: the paths at which the guard answers by itself.
    """
    reading = _Reading(rules, schemes)
    routes = tuple(chain.from_iterable(map(reading.rows, listed)))
    return RouteReport(
        routes=routes,
        findings=find_mistakes(listed, routes, rules, schemes, answered),
        rules=tuple((route.text, route.requirement) for route in rules.routes),
        default=rules.default.requirement,
        schemes=tuple(schemes),
        scope_implies=() if rules.hierarchy is None else tuple(rules.hierarchy.table.items()),
    )


class Demands:
    """Combines what rules and views demand, once for each pair.

    Args:
        rules: of the guard.
        schemes: the names of its schemes, lower case.
    """

    def __init__(self, rules: Rules, schemes: frozenset[str]) -> None:
        self.rules = rules
        self.schemes = schemes
        names = chain(["OTHER"], map("OTHER{}".format, count()))
        self._unnamed = next(name for name in names if name not in rules.methods)
        self._found: dict[tuple[Route, Requirement], Requirement] = {}

    def at(self, method: str, path: str, view: Requirement | None) -> tuple[tuple[str, ...], Requirement]:
        """Return the rules that bind a request, and what is in force.

        Args:
            method: of the request; `ANY_METHOD`: one that no rule names.
            path: of the request, below the mount.
            view: what the view demands beside the rules; None: nothing.
        """
        route = self.rules.find(self._unnamed if method == ANY_METHOD else method, path)
        texts = tuple(rule.text for rule in route.rules)
        if view is None:
            return texts, route.requirement
        known = self._found.get((route, view))
        if known is None:
            known = self._found[route, view] = self._combined(route, view)
        return texts, known

    def _combined(self, route: Route, view: Requirement) -> Requirement:
        view = self.rules.bound(view)
        try:
            return combine((*route.rules, Route(route.text, view, route.pattern)), self.schemes).requirement
        except ConfigurationError:  # the view demands what no caller can meet: a finding
            return AllOf((route.requirement, view))


class _Reading:
    """Reads the rows of routes."""

    def __init__(self, rules: Rules, schemes: Sequence[str]) -> None:
        self._schemes = tuple(schemes)
        self._demands = Demands(rules, frozenset(name.lower() for name in schemes))
        self._rules = rules
        self._literals = {one for rule in rules.routes if rule.pattern is not None for one in rule.pattern.segments if one is not None}
        self._methods = (*METHODS, *sorted(rules.methods - set(METHODS)), ANY_METHOD)
        self._able: dict[Requirement, tuple[str, ...]] = {}
        self._earlier: PatternTree[Listed] = PatternTree()

    def rows(self, listed: Listed) -> Iterator[GuardedRoute]:
        """Yield the rows of a route. The routes must come in the order in which the router tries them."""
        view = demand_of(listed.views)
        parts = sorted(self._parts(listed.shape), key=lambda part: _narrowness(part[0].pattern))
        for method in self._methods if listed.methods is None else listed.methods:
            kept: PatternTree[Requirement] = PatternTree()
            for shape, sample in parts:
                pattern, earlier = shape.pattern, self._earlier_than(listed, shape, method)
                if shape is not listed.shape and earlier is not None:
                    continue
                row = self._row(listed, method, shape, sample, view, "" if earlier is None else earlier.path)
                around = [(wider, one) for wider, one in kept.matching(pattern.segments) if wider.covers(pattern)]
                nearest = {one for wider, one in around if not any(wider.is_wider_than(other) for other, _ in around)}
                if nearest != {row.requirement}:
                    kept.add(pattern, row.requirement)
                    yield row
        self._earlier.add(listed.shape.pattern, listed)

    def _row(self, listed: Listed, method: str, shape: Shape, sample: str, view: Requirement | None, shadow: str) -> GuardedRoute:  # noqa: PLR0917 - what a row is made of
        texts, requirement = self._demands.at(method, sample, view)
        return GuardedRoute(
            kind=listed.kind,
            method=method,
            path=listed.path,
            pattern=str(listed.shape.pattern),
            at="" if shape is listed.shape else str(shape.pattern),
            host=listed.host,
            endpoint=listed.endpoint,
            automatic=method in listed.automatic,
            rules=texts,
            view=view,
            requirement=requirement,
            schemes=self._schemes_for(requirement),
            anonymous="always" if is_open(requirement) else "never" if admits_anonymous(requirement) is False else "sometimes",
            sample=sample,
            shadowed_by=shadow,
        )

    def _schemes_for(self, requirement: Requirement) -> tuple[str, ...]:
        if requirement == public:
            return ()
        if requirement not in self._able:
            asked = [(name, AllOf((requirement, ViaScheme((name,))))) for name in self._schemes]
            self._able[requirement] = tuple(name for name, one in asked if can_be_met(one, frozenset({name.lower()})) is not False)
        return self._able[requirement]

    def _parts(self, shape: Shape) -> Iterator[tuple[Shape, str]]:
        """Yield the parts of the paths of a route that rules tell apart, the widest first, each with a path that is in no narrower part."""
        whole = opened(shape.pattern)
        parts, known = [whole], {whole}
        for part in parts:
            meets = [meet for theirs in self._overlapping(part) if (meet := part.meet(theirs)) is not None and shape.takes(meet)]
            narrower = [meet for meet in dict.fromkeys(meets) if meet != part]
            parts += [one for one in narrower if one not in known]
            known.update(narrower)
            left = next(filter(None, (left_over(one, narrower) for one in _lengths(shape, part))), None)
            if left is not None:
                here = shape if part is whole else _shape_at(shape, part)
                sample = self._sample(here, len(left.segments))
                yield here, f"{sample}/" if part is whole and shape.is_bare(left) and shape.least else sample

    def _overlapping(self, part: Pattern) -> list[Pattern]:
        """Return the rules that have a path in common with a part, or with the same paths and a closing slash, for all methods."""
        asked = [part] if part.rest or part.is_closed else [part, Pattern(None, (*part.segments, ""))]
        found = [rule.pattern.without_methods() for one in asked for rule in self._rules.overlapping(one) if rule.pattern is not None]
        return [*map(opened, found), *(one for one in found if part.rest and one.is_closed)]

    def _sample(self, shape: Shape, length: int) -> str:
        segments = (*shape.segments, *[Param()] * (length - len(shape.segments)))
        return "/" + "/".join(one if isinstance(one, str) else self._fresh(one) for one in segments)

    def _fresh(self, param: Param) -> str:
        """Return a segment that a parameter matches and no rule names."""
        fresh = (text for text in chain(_SAMPLES, map("x{}".format, count())) if text not in self._literals)
        found = [text for text, _ in zip(fresh, range(_TRIED), strict=False)]
        return next((text for text in found if matches(param, text)), found[0])

    def _earlier_than(self, listed: Listed, shape: Shape, method: str) -> Listed | None:
        """Return an earlier route that takes all requests of a method; None: there is none, or that is not certain."""
        for _, earlier in self._earlier.matching(shape.pattern.segments):
            other = earlier.route is None or earlier.route is not listed.route
            takes = earlier.methods is None or method in earlier.methods or (earlier.stops and other)
            same = "mount" in {earlier.kind, listed.kind} or (earlier.kind == "websocket") is (listed.kind == "websocket")
            if takes and same and earlier.host in {"", listed.host} and earlier.shape.covers(shape):
                return earlier
        return None


def _narrowness(pattern: Pattern) -> tuple[int, bool, int]:
    """Return a key by which a pattern comes before all patterns that it covers."""
    return sum(one is not None for one in pattern.segments), not pattern.rest, len(pattern.segments)


def _shape_at(shape: Shape, part: Pattern) -> Shape:
    """Return the shape of a part of the paths of another shape."""
    mine: list[Piece] = [*shape.segments, *[Param()] * len(part.segments)]
    segments = tuple(mine[at] if segment is None else segment for at, segment in enumerate(part.segments))
    is_bare = shape.is_bare(part)
    is_closed = shape.pattern.is_closed or (not part.rest and is_bare and shape.least > 0)
    return Shape((*segments, "") if is_closed else segments, part.rest, shape.exact, shape.least if is_bare else 0)


def _lengths(shape: Shape, part: Pattern) -> Iterator[Pattern]:
    """Yield patterns of GET for the paths of a part: longer ones first, which requests for what is mounted mostly have."""
    if part.rest:
        yield Pattern(_GET, (*part.segments, None), rest=True)
    needs_segment = shape.least > 1 and (shape.is_bare(part) or (part.is_closed and shape.is_bare(opened(part))))
    if not needs_segment:
        yield Pattern(_GET, part.segments, part.rest)
