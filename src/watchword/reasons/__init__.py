"""Holds the table of reasons: the one source of the problem type, the page, the log, the explanation, the command and the documentation.

It is loaded with the first refusal. The codes themselves, and which of them a client may know, are in `watchword.reason`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.reasons.callers import ENTRIES as _OF_CALLERS
from watchword.reasons.entry import Action, Level, ReasonEntry, Words
from watchword.reasons.requests import ENTRIES as _OF_REQUESTS
from watchword.reasons.rights import ENTRIES as _OF_RIGHTS

if TYPE_CHECKING:
    from watchword.reason import Reason

REASONS: Final[dict[Reason, ReasonEntry]] = {**_OF_REQUESTS, **_OF_CALLERS, **_OF_RIGHTS}
"""The table, by reason, in the order of the codes."""

__all__ = ["REASONS", "Action", "Level", "ReasonEntry", "Words"]
