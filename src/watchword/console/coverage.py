"""Lists the routes of an application with what guards them, and what of that was used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.console.layout import PAGE_LENGTH, page, table
from watchword.console.markup import Child, Markup, link, tag
from watchword.console.messages import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.console.messages import Asked, Response
    from watchword.console.observed import Observed
    from watchword.routes.report import GuardedRoute, RouteReport


class Coverage:
    """The page.

    Args:
        observed: has the number of decisions by rule.
        routes: reports the routes; None: there is no application to look at.
    """

    def __init__(self, observed: Observed, routes: Callable[[], RouteReport] | None) -> None:
        self._observed = observed
        self._routes = routes

    def __call__(self, asked: Asked) -> Response:
        """Answer a request for some of the routes."""
        if self._routes is None:
            content: Child = tag("p", "Give the console the routes: Console(..., routes=lambda: guard.check_routes(app)).", class_="note")
            return page(asked, "/routes", "Routes", content)
        report, start = self._routes(), _start(asked)
        seen = {name: times.decisions for name, times in self._observed.rules().items()}
        shown = [route for route in report.routes if not route.automatic]
        decided = sum(any(seen.get(rule) for rule in route.rules) for route in shown)
        return page(
            asked,
            "/routes",
            "Routes",
            tag("p", f"{len(shown)} routes. The rules of {decided} of them have decided since the start. {len(report.findings)} findings."),
            table(
                "What may be a mistake, the gravest first",
                ["severity", "where", "what"],
                [[one.severity, tag("code", one.subject), str(one)] for one in report.findings[:PAGE_LENGTH]],
                empty="Nothing looks like a mistake.",
            ),
            tag("h2", "What is in force"),
            table(
                f"Routes {start + 1} to {min(start + PAGE_LENGTH, len(shown))}",
                ["route", "needs", "by", "anonymous callers", "decisions of its rule"],
                [_row(route, seen) for route in shown[start : start + PAGE_LENGTH]],
                empty="There is no such route.",
                numbers=(4,),
            ),
            _further(asked, start, len(shown)),
        )


def _row(route: GuardedRoute, seen: dict[str, int]) -> list[Child]:
    return [
        tag("code", f"{route.method} {route.subject}"),
        tag("code", str(route.requirement)),
        [route.source, ": ", tag("code", " and ".join(route.rules))],
        route.anonymous,
        sum(seen.get(rule, 0) for rule in route.rules),
    ]


def _start(asked: Asked) -> int:
    text = asked.query.get("from", "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):  # noqa: PLR2004 - no list is that long
        raise BadRequest("The number of the first route is not a number. Follow a link of the page.")
    return int(text)


def _further(asked: Asked, start: int, length: int) -> Markup | None:
    after = start + PAGE_LENGTH
    return tag("p", tag("a", "Further routes", href=link(asked.base, "/routes", **{"from": str(after)}))) if after < length else None


__all__ = ["Coverage"]
