"""Reports what guards the routes of an application. `Guard.check_routes` makes the report; `compare` finds what has become weaker."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchword.routes.comparing import Change, compare
    from watchword.routes.recording import read_report, write_report
    from watchword.routes.report import Finding, GuardedRoute, RouteReport

# Imported when asked for: adapters use the walk over routers, and no report.
_HOME = {
    "Change": "comparing",
    "Finding": "report",
    "GuardedRoute": "report",
    "RouteReport": "report",
    "compare": "comparing",
    "read_report": "recording",
    "write_report": "recording",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


__all__ = ["Change", "Finding", "GuardedRoute", "RouteReport", "compare", "read_report", "write_report"]
