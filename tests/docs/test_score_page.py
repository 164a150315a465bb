"""docs/score-your-401.md lists every rule of the probe, and shows what the command prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.support.probed import DATE, probed, sent
from watchword.findings.writing import write_text
from watchword.probe import CHECKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "score-your-401.md").read_text(encoding="utf-8")


def test_the_page_lists_every_reason_and_no_other() -> None:
    """Each rule without a score has a section, to which SARIF links, with its title and its clause."""
    reasons = [check.rule for check in CHECKS if not check.rule.scored]
    assert re.findall(r"^### `([\w-]+)`$", PAGE, flags=re.MULTILINE) == [rule.id for rule in reasons]
    for rule in reasons:
        assert rule.page == f"score-your-401.html#{rule.id}"
        assert f"\n{rule.title}{f' ({rule.source})' if rule.source else ''}. " in PAGE


def test_the_page_lists_every_rule_of_the_score() -> None:
    """Each has a row."""
    rows = [f"| `{rule.id}` | {rule.title} | {rule.severity} | {rule.source} |" for rule in (check.rule for check in CHECKS) if rule.scored]
    assert re.findall(r"^\| `R.*$", PAGE, flags=re.MULTILINE) == rows


def test_the_report_of_the_page_is_what_such_a_server_gets() -> None:
    """A server whose Bearer challenge has no parameter."""
    shown = PAGE.partition("$ watchword probe https://api.example.com/orders\n")[2].partition("```")[0]
    refused = ("WWW-Authenticate", 'Bearer realm="orders", error="invalid_token"')

    def server(ask: Any) -> Any:
        challenge = refused if sent(ask, "Authorization").startswith("Bearer") else ("WWW-Authenticate", "Bearer")
        return (204 if ask.method == "OPTIONS" else 401), (DATE, challenge), b""

    assert write_text(probed(server)) == shown
