"""Defines a check: a rule, and the function that looks for violations of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.findings import Checked, Finding, Rule, Severity

if TYPE_CHECKING:
    from watchword.probe.exchange import Exchange
    from watchword.probe.seen import Seen

Look: TypeAlias = Callable[["Seen", Rule], "Iterable[Finding] | str"]
"""Returns what was found; a text: why it could not be looked at."""

PAGE: Final = "score-your-401.html"
MUST: Final = "error"
SHOULD: Final = "warning"


@dataclass(frozen=True, slots=True)
class Check:
    """A rule, and what looks for violations.

    Args:
        rule: the rule.
        look: the function.
    """

    rule: Rule
    look: Look

    def run(self, seen: Seen) -> Checked:
        """Look at a conversation.

        Args:
            seen: the conversation.
        """
        found = self.look(seen, self.rule)
        return Checked(self.rule, skipped=found) if isinstance(found, str) else Checked(self.rule, tuple(found))


def scored(id_: str, title: str, severity: Severity, source: str, look: Look) -> Check:
    """Return a check of a requirement of a standard.

    Args:
        id_: of the requirement, as in docs/standards.md.
        title: what must hold.
        severity: error for MUST, warning for SHOULD, note for advice.
        source: the clause.
        look: the function.
    """
    return Check(Rule(id_, title, severity, source, PAGE, scored=True), look)


def reason(id_: str, title: str, severity: Severity, look: Look, source: str = "") -> Check:
    """Return a check for a reason why a caller is refused.

    Args:
        id_: its name.
        title: what must hold.
        severity: how grave it is.
        look: the function.
        source: the clause; empty: none.
    """
    return Check(Rule(id_, title, severity, source, f"{PAGE}#{id_}"), look)


def found(rule: Rule, exchange: Exchange, what: str, remedy: str, *, cause: str = "", severity: Severity | None = None) -> Finding:
    """Return a finding about an exchange.

    Args:
        rule: the rule.
        exchange: where it was seen.
        what: continues "GET /x without credentials: 401": a whole sentence.
        remedy: what to do next.
        cause: why it is so.
        severity: other than that of the rule.
    """
    return Finding(rule, f"{exchange}. {what}", cause=cause, remedy=remedy, place=str(exchange.ask.url), severity=severity)


__all__ = ["MUST", "PAGE", "SHOULD", "Check", "Look", "found", "reason", "scored"]
