"""Writes reports as JSON: stable names, in ASCII."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchword.findings.report import Finding, Report


def report_facts(report: Report) -> dict[str, Any]:
    """Return a report as JSON has it.

    Args:
        report: the report.
    """
    return {
        "tool": report.tool,
        "version": report.version,
        "subject": report.subject,
        "facts": dict(report.facts),
        "score": score_facts(report),
        "findings": [_finding(finding) for finding in report.findings],
        "checks": [
            {"id": one.rule.id, "title": one.rule.title, "source": one.rule.source, "outcome": one.outcome, "skipped": one.skipped or None}
            for one in report.checked
        ],
    }


def score_facts(report: Report) -> dict[str, int] | None:
    """Return the score as JSON has it; None: there is none.

    Args:
        report: the report.
    """
    if report.percent is None:
        return None
    return {"percent": report.percent, "passed": report.passed, "applicable": report.applicable}


def write_json(report: Report) -> str:
    """Write a report as one line of JSON.

    Args:
        report: the report.
    """
    import json

    return json.dumps(report_facts(report)) + "\n"


def _finding(finding: Finding) -> dict[str, str]:
    names = ("message", "cause", "remedy", "place")
    return {"rule": finding.rule.id, "severity": finding.level, **{name: getattr(finding, name) for name in names}}


__all__ = ["report_facts", "score_facts", "write_json"]
