"""Writes reports. Each writer takes a report, and returns a text that ends in a line break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.findings.escaping import for_markdown, for_xml, printable
from watchword.findings.facts import write_json
from watchword.findings.sarif import write_sarif

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.findings.report import Checked, Finding, Report


def write_text(report: Report) -> str:
    """Write a report for a terminal.

    Args:
        report: the report.
    """
    return "".join(f"{line}\n" for line in _text(report))


def _text(report: Report) -> Iterator[str]:
    yield f"{report.tool} {printable(report.subject)}"
    width = max((len(name) for name, _ in report.facts), default=0) + 2
    for name, text in report.facts:
        yield f"{name:<{width}}{printable(text)}"
    for finding in report.findings:
        yield ""
        yield f"{finding.level}: {printable(finding.message)}"
        for name, text in _details(finding):
            yield f"  {name:<7}{printable(text)}"
    yield ""
    yield summary(report)


def summary(report: Report) -> str:
    """Return the outcome of a report in one sentence or two.

    Args:
        report: the report.
    """
    counts = {level: sum(finding.level == level for finding in report.findings) for level in ("error", "warning", "note")}
    found = ", ".join(f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts.items() if count)
    score = "" if report.percent is None else f" Score: {report.percent} % ({report.passed} of {report.applicable} rules)."
    return f"Found: {found or 'nothing'}.{score}"


def write_markdown(report: Report) -> str:
    """Write a report as a page of Markdown (GFM).

    Args:
        report: the report.
    """
    return "".join(f"{line}\n" for line in _markdown(report))


def _markdown(report: Report) -> Iterator[str]:
    yield f"# {for_markdown(report.tool)} {for_markdown(report.subject)}"
    yield ""
    yield summary(report)
    if report.facts:
        yield ""
        yield from (f"* {for_markdown(name)}: {for_markdown(text)}" for name, text in report.facts)
    for finding in report.findings:
        yield ""
        yield f"## {finding.level}: {for_markdown(finding.message)}"
        yield ""
        yield from (f"* {name.rstrip(':')}: {for_markdown(text)}" for name, text in _details(finding))
    yield ""
    yield "| rule | outcome | what must hold | source |"
    yield "|---|---|---|---|"
    for checked in report.checked:
        rule = checked.rule
        outcome = checked.outcome + (f" ({checked.skipped})" if checked.outcome == "skipped" else "")
        yield f"| {' | '.join(for_markdown(text) for text in (rule.id, outcome, rule.title, rule.source))} |"


def write_junit(report: Report) -> str:
    """Write a report as JUnit XML: a test case for each rule.

    Args:
        report: the report.
    """
    outcomes = [checked.outcome for checked in report.checked]
    name = f"{for_xml(report.tool)} {for_xml(report.subject)}"
    counts = f'tests="{len(outcomes)}" failures="{outcomes.count("failed")}" errors="0" skipped="{outcomes.count("skipped")}"'
    cases = "".join(_case(report, checked) for checked in report.checked)
    suite = f' <testsuite name="{name}" {counts} time="0">\n{cases} </testsuite>\n'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{name}" {counts} time="0">\n{suite}</testsuites>\n'


def _case(report: Report, checked: Checked) -> str:
    rule = checked.rule
    head = f'  <testcase classname="{for_xml(report.tool)}" name="{for_xml(rule.id)}: {for_xml(rule.title)}" time="0"'
    texts = [for_xml(" ".join(filter(None, (one.message, one.cause, one.remedy)))) for one in checked.findings]
    if checked.outcome == "failed":
        worst = next(one for one in report.findings if one.rule == rule)
        message = for_xml(worst.message)
        return f'{head}>\n   <failure type="{worst.level}" message="{message}">{"&#10;".join(texts)}</failure>\n  </testcase>\n'
    if checked.outcome == "skipped":
        return f'{head}>\n   <skipped message="{for_xml(checked.skipped)}"/>\n  </testcase>\n'
    notes = f"\n   <system-out>{'&#10;'.join(texts)}</system-out>\n  " if texts else ""
    return f"{head}>{notes}</testcase>\n" if notes else f"{head}/>\n"


def _details(finding: Finding) -> Iterator[tuple[str, str]]:
    rule = finding.rule
    source = f" ({rule.source})" if rule.source else ""
    for name, text in (
        ("rule:", f"{rule.id}: {rule.title}{source}"),
        ("cause:", finding.cause),
        ("next:", finding.remedy),
        ("at:", finding.place),
    ):
        if text:
            yield name, text


FORMATS: Final[dict[str, Callable[[Report], str]]] = {
    "text": write_text,
    "json": write_json,
    "junit": write_junit,
    "markdown": write_markdown,
    "sarif": write_sarif,
}
"""The writer of each format."""

__all__ = ["FORMATS", "summary", "write_junit", "write_markdown", "write_text"]
