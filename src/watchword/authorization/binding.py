"""Finds every rule that binds a request: the rule that decides, and the rules of other handlers that may run for the same request.

A rule is written for one handler. Frameworks do not always run the handler that a reader of the rules expects:

* Views that do not look at the method answer PUT, QUERY or an unknown verb as they answer GET or POST (decision D60, threats P11, P18).
* Routers match a path with a closing slash as if it had none, or as a path whose last segment is empty (decision D64, threat P17).

A request must meet the rule of every handler that may run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.authorization.pattern import Pattern
    from watchword.authorization.rules import Route

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods that change something (RFC 9110 §9.3, RFC 5789) and that rules without methods are written for, beside GET."""


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
        default: the rule of what none of them matches.
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
        # Construction made sure that one of them is more specific than all others, so one pass finds it.
        best: tuple[Pattern, Route] | None = None
        for one in self._found:
            if one[0].takes(method) and (best is None or best[0].covers(one[0])):
                best = one
        return self._default if best is None else best[1]

    def binding(self, method: str, reading: str) -> list[Bound]:
        """Return the rules that bind a method (decision D60), the one that decides first.

        Args:
            method: as sent, GET for HEAD. Methods are case-sensitive (RFC 9110 §9.1), so `get` is one that no rule names.
            reading: see `Bound`.
        """
        route = self.rule(method)
        bound = [Bound(route, method, reading)]
        if method == "GET" or (route.pattern is not None and route.pattern.methods is not None):
            return bound
        get = self.rule("GET")
        if method in CHANGING:
            # A rule without methods beside one for GET of the same path is written for these four.
            return bound if get is route or _is_same_path(route.pattern, get.pattern) else [*bound, Bound(get, "GET", reading)]
        named = sorted(name for pattern, _ in self._found for name in pattern.methods or ())
        return [*bound, *(Bound(self.rule(other), other, reading) for other in dict.fromkeys(("GET", *named)))]


def find_binding(match: Callable[[list[str]], Matches], method: str, path: str) -> list[Bound]:
    """Find the rules that bind a request.

    Args:
        match: finds the rules that match a path, given its segments. An empty segment is matched by `{name}` and by `**`.
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
    open_, closed = match(names), match([*names, ""])
    bound, more = open_.binding(method, ""), closed.binding(method, "/".join(("", *names, "")))
    if is_closed:
        if _is_root(open_.rule(method)) and not names:
            more = []  # a rule written "/" decides alone
        elif _is_written_for(closed.rule(method), open_.rule(method)):
            bound = []
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
            bound += match(reading).binding(method, "/".join(("", *reading)))
    return bound


def _is_same_path(one: Pattern | None, other: Pattern | None) -> bool:
    return one is not None and other is not None and (one.segments, one.rest) == (other.segments, other.rest)


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
