"""Writes reports as SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from watchword.findings.escaping import for_sarif
from watchword.findings.facts import score_facts

if TYPE_CHECKING:
    from watchword.findings.report import Finding, Report, Rule

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_DOCUMENTATION: Final = "https://watchword.readthedocs.io/en/latest/"
_URL: Final = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")  # RFC 3986: artifactLocation.uri is checked to be one


def write_sarif(report: Report) -> str:
    """Write a report as SARIF.

    Args:
        report: the report.
    """
    import json

    rules = [checked.rule for checked in report.checked]
    driver = {
        "name": report.tool,
        "version": report.version,
        "informationUri": _DOCUMENTATION,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(finding, rules.index(finding.rule)) for finding in report.findings],
        "properties": {
            "subject": report.subject,
            "score": score_facts(report),
            "outcomes": {checked.rule.id: checked.outcome for checked in report.checked},
        },
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    source = f" ({rule.source})" if rule.source else ""
    written: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": f"{rule.title}{source}."},
        "defaultConfiguration": {"level": rule.severity},
    }
    return {**written, "helpUri": _DOCUMENTATION + rule.page} if rule.page else written


def _result(finding: Finding, index: int) -> dict[str, Any]:
    text = " ".join(part for part in (finding.message, finding.cause, finding.remedy) if part)
    result = {"ruleId": finding.rule.id, "ruleIndex": index, "level": finding.level, "message": {"text": for_sarif(text)}}
    if not finding.place:
        return result
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": finding.place}]}
    if _URL.fullmatch(finding.place):
        location["physicalLocation"] = {"artifactLocation": {"uri": finding.place}}
    return {**result, "locations": [location]}


__all__ = ["write_sarif"]
