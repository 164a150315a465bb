"""Holds the table of reasons: the one source of the problem type, the page, the log, the explanation, the command and the documentation.

It is loaded with the first refusal. The codes themselves, and which of them a client may know, are in `watchword.reason`.
"""

from watchword.reasons.entry import Action, Level, ReasonEntry, Words
from watchword.reasons.table import REASONS

__all__ = ["REASONS", "Action", "Level", "ReasonEntry", "Words"]
