"""Defines the report of a tool that checks rules: frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]
"""How grave a finding is, with the words of SARIF (§3.27.10)."""

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a tool checks.

    Args:
        id: names the rule in every format; stable.
        title: what must hold, without a full stop.
        severity: of its findings, unless they state another.
        source: the clause that demands it, such as `"RFC 9110 §11.6.1"`; empty: none.
        page: where the documentation describes it, such as `"check.html#no-throttle"`; empty: nowhere.
        scored: whether it counts in the score.
    """

    id: str
    title: str
    severity: Severity
    source: str = ""
    page: str = ""
    scored: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of a rule, or one piece of advice.

    Args:
        rule: what does not hold.
        message: what was seen. It may quote untrusted text, and holds no secret.
        cause: why it is so, as far as that is known.
        remedy: what to do next.
        place: where it was seen: a URL, a rule of a guard, an import string.
        severity: how grave it is; None: as the rule says.
    """

    rule: Rule
    message: str
    cause: str = ""
    remedy: str = ""
    place: str = ""
    severity: Severity | None = None

    @property
    def level(self) -> Severity:
        """How grave it is."""
        return self.severity or self.rule.severity


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule that was checked.

    Args:
        rule: the rule.
        findings: what was found; empty: it holds.
        skipped: why it could not be checked; empty: it was checked.
    """

    rule: Rule
    findings: tuple[Finding, ...] = ()
    skipped: str = ""

    @property
    def outcome(self) -> Literal["passed", "failed", "skipped"]:
        """The outcome. A note alone is advice, and no failure."""
        if any(finding.level != "note" for finding in self.findings):
            return "failed"
        return "skipped" if self.skipped else "passed"


@dataclass(frozen=True, slots=True)
class Report:
    """What a tool found.

    Args:
        tool: the command, such as `"watchword check"`.
        version: of watchword.
        subject: what was looked at; no secret.
        checked: the rules in the order in which they are listed, each once.
        facts: names and texts that are shown above the findings.
    """

    tool: str
    version: str
    subject: str
    checked: tuple[Checked, ...]
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the gravest first, else in the order of their rules."""
        found = [finding for checked in self.checked for finding in checked.findings]
        return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.level)))

    @property
    def applicable(self) -> int:
        """How many rules of the score could be checked."""
        return sum(checked.rule.scored and checked.outcome != "skipped" for checked in self.checked)

    @property
    def passed(self) -> int:
        """How many of them hold."""
        return sum(checked.rule.scored and checked.outcome == "passed" for checked in self.checked)

    @property
    def percent(self) -> int | None:
        """The score, rounded down: 100 is reached by passing all. None: no rule of the score could be checked."""
        return 100 * self.passed // self.applicable if self.applicable else None

    def fails(self, on: Severity | Literal["never"]) -> bool:
        """Tell whether there is a finding of a severity, or a graver one.

        Args:
            on: the severity; `"never"`: none counts.
        """
        grave = () if on == "never" else SEVERITIES[: SEVERITIES.index(on) + 1]
        return any(finding.level in grave for finding in self.findings)


__all__ = ["SEVERITIES", "Checked", "Finding", "Report", "Rule", "Severity"]
