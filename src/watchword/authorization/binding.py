"""Finds the rules that bind a request: the one that decides, and those of other handlers that may run for the same request.

A rule is written for one handler. Frameworks do not always run the handler that a reader of the rules expects:

* Views that do not look at the method answer PUT, QUERY or an unknown verb as they answer GET or POST (decision D60, threats P11, P18).
* Routers pass a request on to the next handler that matches its path, where the first one does not take its method.
* Routers match a path with a closing slash as if it had none, or as a path whose last segment is empty. A parameter such as `{id}` matches
  that, or leaves the path to a wider handler (decision D64, threat P17).

A request must meet the rule of every handler that may run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.authorization.pattern import Pattern
    from watchword.authorization.rules import Route

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods that change a resource (RFC 9110 §9.3, RFC 5789). Authors of a rule without methods think of these and of GET."""


class Bound(NamedTuple):
    """One rule that binds a request.

    Args:
        route: the rule.
        method: the method by which the rule was found: GET for HEAD, else that of the request or another one whose view may answer it.
        reading: the path by which it was found, where that is another reading of the path than the one without a closing slash.
    """

    route: Route
    method: str
    reading: str = ""


class Matches:
    """The rules that match one reading of a path.

    Args:
        found: the rules whose path matches, with their patterns.
        default: the rule of a request that none of them matches.
    """

    __slots__ = ("_default", "_found")

    def __init__(self, found: Iterable[tuple[Pattern, Route]], default: Route) -> None:
        self._found = tuple(found)
        self._default = default

    def rule(self, method: str) -> Route:
        """Return the rule that decides about a method: the most specific one, else the default.

        Args:
            method: as rules name it.
        """
        return self.rules(method)[0]

    def rules(self, method: str) -> list[Route]:
        """Return the rules that decide about a method.

        The check at construction leaves one. There may be several where `{name}` does not match an empty segment.

        Args:
            method: as above.
        """
        found = [one for one in self._found if one[0].takes(method)]
        narrowest = [route for pattern, route in found if not any(pattern.covers(other) for other, theirs in found if theirs is not route)]
        return narrowest or [self._default]

    def answering(self, method: str) -> list[Route]:
        """Return the rules of all handlers that may answer a request as if its method were this one, the most specific first.

        A rule with methods is written for a handler that may take these alone. Starlette, Flask and Pyramid then run a handler of a wider
        pattern. A rule without methods is written for a handler that takes them all: no wider one runs.

        Args:
            method: as above.
        """
        taking = [one for one in self._found if one[0].takes(method)]
        final = [pattern for pattern, _ in taking if pattern.methods is None]
        reached = [route for pattern, route in taking if not any(pattern.is_wider_than(other) for other in final)]
        return list(dict.fromkeys([*self.rules(method), *reached]))

    def binding(self, method: str, reading: str) -> list[Bound]:
        """Return the rules that bind a method (decision D60), the one that decides first.

        Args:
            method: as sent, GET for HEAD. Methods are case-sensitive (RFC 9110 §9.1), so no rule names `get`.
            reading: see `Bound`.
        """
        own = self.rules(method)
        bound = [Bound(route, method, reading) for route in own]
        if method == "GET" or all(route.pattern is not None and route.pattern.methods is not None for route in own):
            return bound
        if method in CHANGING:
            # A rule without methods beside one for GET of the same path is written for these four.
            written = {route.pattern.without_methods() for route in own if route.pattern is not None}
            get = [route for route in self.answering("GET") if route.pattern is None or route.pattern.without_methods() not in written]
            return [*bound, *(Bound(route, "GET", reading) for route in get if route not in own)]
        named = sorted(name for pattern, _ in self._found for name in pattern.methods or ())
        return [*bound, *(Bound(route, one, reading) for one in dict.fromkeys(("GET", *named)) for route in self.answering(one))]


def find_binding(match: Callable[..., Matches], method: str, path: str) -> list[Bound]:
    """Find the rules that bind a request.

    Args:
        match: finds the rules that match a path, given its segments and `named`, whether `{name}` matches an empty one.
        method: as sent.
        path: decoded, below the mount.

    Returns:
        The rules, the one that decides first. The same rule may be there more than once.
    """
    method = "GET" if method == "HEAD" else method
    segments = path.split("/")
    if not segments[0]:
        del segments[0]
    names = [segment for segment in segments if segment]
    is_closed = segments[-1:] == [""]
    with_slash = "/".join(("", *names, ""))
    open_, closed = match(names, named=True), match([*names, ""], named=True)
    bound, more = open_.binding(method, ""), closed.binding(method, with_slash)
    if is_closed:
        if _is_root(open_.rule(method)) and not names:
            more = []  # a rule written "/" decides alone
        elif _is_written_for(closed.rule(method), open_.rule(method)):
            bound = []
        elif names:  # of the root, a wider rule is found by the path without a slash too
            more += match([*names, ""], named=False).binding(method, with_slash)
    else:
        # A rule written with a closing slash binds the path without one too, unless a rule is written for that.
        own = open_.rule(method)
        more = [
            one
            for one in more
            if _is_closed(one.route) and not _is_narrower(own, one.route) and not _is_narrower(open_.rule(one.method), one.route)
        ]
    bound += more
    if len(names) + is_closed < len(segments):
        # The firewall's rule `empty_segment` is off. Routers merge slashes, or match a segment that is empty.
        for reading in (segments, segments[:-1]) if is_closed else (segments,):
            for named in (True, False):
                bound += match(reading, named=named).binding(method, "/".join(("", *reading)))
    return bound


def _is_root(route: Route) -> bool:
    return route.pattern is not None and not route.pattern.segments and not route.pattern.rest


def _is_closed(route: Route) -> bool:
    return route.pattern is not None and route.pattern.is_closed


def _is_written_for(closed: Route, open_: Route) -> bool:
    """Tell whether a rule is written with a closing slash, and the one for the path without it is not narrower."""
    if closed.pattern is None or not closed.pattern.is_closed:
        return False
    return open_.pattern is None or open_.pattern.covers_path(closed.pattern.without_slash())


def _is_narrower(open_: Route, closed: Route) -> bool:
    """Tell whether a rule is written for the very path of one with a closing slash, or for a part of it."""
    return open_.pattern is not None and closed.pattern is not None and closed.pattern.without_slash().covers_path(open_.pattern)


__all__ = ["CHANGING", "Bound", "Matches", "find_binding"]
