"""What the tests of route reports share: a guard that knows nobody, and reports in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword import APIKey, Bearer, Guard, Principal
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from watchword import Requirement
    from watchword.routes import RouteReport


def guard_of(rules: dict[str, Requirement] | None = None, **settings: Any) -> Guard:
    """Return a guard with two schemes."""
    tokens = Tokens({"token": Principal("ann")})
    return Guard(Bearer(tokens, realm="r"), APIKey(tokens, realm="r"), rules=rules, **settings)


def report_of(app: object, rules: dict[str, Requirement] | None = None, **settings: Any) -> RouteReport:
    """Return the report about an application."""
    return guard_of(rules, **settings).check_routes(app)


def lines(report: RouteReport) -> list[str]:
    """Return the rows of a report: kind unless http, method in brackets if automatic, path, part, requirement."""
    return [
        " ".join(
            filter(
                None,
                [
                    "" if row.kind == "http" else row.kind,
                    f"({row.method})" if row.automatic else row.method,
                    row.host + row.path,
                    f"at {row.at}" if row.at else "",
                    f"= {row.requirement}",
                ],
            )
        )
        for row in report.routes
    ]


def found(report: RouteReport) -> list[str]:
    """Return code and subject of each finding."""
    return [f"{one.code} {one.subject}" for one in report.findings]
