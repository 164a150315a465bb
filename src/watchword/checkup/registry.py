"""Lists all checks, and runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.checkup import guessing, options, rules, servers, stores, tokens, transport
from watchword.checkup.setup import Check, Setup, Untold
from watchword.findings import Checked, Report

if TYPE_CHECKING:
    from collections.abc import Collection

CHECKS: Final[tuple[Check, ...]] = (
    *transport.CHECKS,
    *guessing.CHECKS,
    *rules.CHECKS,
    *tokens.CHECKS,
    *servers.CHECKS,
    *stores.CHECKS,
    *options.CHECKS,
)
"""Every check, in the order of reports. The names of their rules are stable."""


def check_guard(setup: Setup, version: str, *, ignored: Collection[str] = ()) -> Report:
    """Run all checks.

    Args:
        setup: what to look at.
        version: of watchword, for the report.
        ignored: the names of rules to leave out.
    """
    checked = tuple(_checked(check, setup) for check in CHECKS if check.rule.id not in ignored)
    return Report("watchword check", version, setup.name, checked)


def _checked(check: Check, setup: Setup) -> Checked:
    try:
        return Checked(check.rule, tuple(check.look(setup)))
    except Untold as why:
        return Checked(check.rule, skipped=str(why))
