"""Writes a report as JSON, and reads it again. The schema is documented in docs/routes.md; later versions may add keys."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import ConfigurationError
from watchword.routes.portable import from_json, to_json
from watchword.routes.report import Finding, GuardedRoute, RouteReport

if TYPE_CHECKING:
    from watchword.routes.portable import JSON

VERSION: Final = 1

_TEXTS: Final = ("kind", "method", "path", "pattern", "at", "host", "endpoint", "anonymous", "sample", "shadowed_by")


def write_report(report: RouteReport) -> dict[str, JSON]:
    """Return a report as a value of JSON.

    Args:
        report: the report.
    """
    return {
        "version": VERSION,
        "schemes": list(report.schemes),
        "scope_implies": {name: list(implied) for name, implied in report.scope_implies},
        "default": to_json(report.default),
        "rules": [{"pattern": text, "requirement": str(one), "value": to_json(one)} for text, one in report.rules],
        "routes": [_written(route) for route in report.routes],
        "findings": [{"severity": one.severity, "code": one.code, "subject": one.subject, "detail": one.detail} for one in report.findings],
    }


def read_report(value: JSON) -> RouteReport:
    """Read a report that `write_report` has written.

    Args:
        value: the value of JSON; untrusted.

    Raises:
        ConfigurationError: it is no such value, or of another version.
    """
    try:
        if value["version"] != VERSION:
            raise ConfigurationError(f"the report has version {value['version']!r}, and this program reads {VERSION}. Write it again.")
        return RouteReport(
            routes=tuple(map(_read, value["routes"])),
            findings=tuple(Finding(one["code"], _text(one["subject"]), _text(one["detail"])) for one in value["findings"]),
            rules=tuple((_text(one["pattern"]), from_json(one["value"])) for one in value["rules"]),
            default=from_json(value["default"]),
            schemes=tuple(map(_text, value["schemes"])),
            # Reports of guards without a hierarchy were written without the key.
            scope_implies=tuple((_text(name), tuple(map(_text, implied))) for name, implied in value.get("scope_implies", {}).items()),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"not a report of `watchword routes`: {type(error).__name__} {error}. Write it again.") from None


def _written(route: GuardedRoute) -> dict[str, JSON]:
    return {
        **{name: getattr(route, name) for name in _TEXTS},
        "automatic": route.automatic,
        "source": route.source,
        "rules": list(route.rules),
        "view": None if route.view is None else to_json(route.view),
        "requirement": str(route.requirement),
        "value": to_json(route.requirement),
        "schemes": list(route.schemes),
    }


def _read(value: JSON) -> GuardedRoute:
    facts: dict[str, Any] = {name: _text(value[name]) for name in _TEXTS}
    facts["automatic"] = bool(value["automatic"])
    facts["view"] = None if value["view"] is None else from_json(value["view"])
    facts["requirement"] = from_json(value["value"])
    facts |= {name: tuple(map(_text, value[name])) for name in ("rules", "schemes")}
    return GuardedRoute(**{field.name: facts[field.name] for field in fields(GuardedRoute)})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is not a string")
    return value
