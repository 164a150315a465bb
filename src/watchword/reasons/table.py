"""Puts the rows of the table of reasons together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.reasons import callers, requests, rights

if TYPE_CHECKING:
    from watchword.reason import Reason
    from watchword.reasons.entry import ReasonEntry

REASONS: Final[dict[Reason, ReasonEntry]] = {**requests.ENTRIES, **callers.ENTRIES, **rights.ENTRIES}
"""The table, by reason, in the order of the codes."""
