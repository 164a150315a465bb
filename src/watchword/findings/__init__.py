"""Describes what a tool found: rules, findings and reports, and writes reports as text, JSON, JUnit, Markdown and SARIF."""

from watchword.findings.report import SEVERITIES, Checked, Finding, Report, Rule, Severity

__all__ = ["SEVERITIES", "Checked", "Finding", "Report", "Rule", "Severity"]
