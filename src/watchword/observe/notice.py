"""Tells operators what happens beside the requests: one value, one hook, and the log as the hook that is there.

A hook is any function that takes an `OperatorNotice`. It is called where the thing happens, so it returns quickly; on the event
loop it must not block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from watchword.observe.log import HANDLER_FAILURES

Kind = Literal[
    "unusable_hash",
    "hash_unavailable",
    "source_line",
    "source_kept",
    "source_reread",
    "login_not_noted",
    "acting_as",
    "refresh_wrong_client",
    "refresh_late",
    "refresh_reuse",
    "unusable_key",
    "key_set_kept",
    "key_set_refreshed",
    "introspection_refused",
    "console_change",
]


@dataclass(frozen=True, slots=True)
class OperatorNotice:
    """Something that an operator should know. No secret is in it.

    Args:
        kind: a stable name.
        detail: what happened, in a sentence.
        subject: the account or key that it concerns; empty: none.
        source: the file or store that it comes from; empty: none.
    """

    kind: Kind
    detail: str
    subject: str = ""
    source: str = ""


class Hook(Protocol):
    """Takes events."""

    def __call__(self, event: OperatorNotice, /) -> object:
        """Take one event. What it returns is ignored; what it raises is a bug in it, and propagates."""
        ...


_INFORMATION = {"source_reread", "key_set_refreshed", "console_change"}


def log_notice(event: OperatorNotice) -> None:
    """Log an event to the logger `watchword`: a warning, unless it is good news.

    Args:
        event: the event.
    """
    from logging import INFO, WARNING, getLogger  # on the first event, as in `log_refusal`

    facts = {"event": event.kind, "detail": event.detail, "subject": event.subject, "source": event.source}
    level = INFO if event.kind in _INFORMATION else WARNING
    words = ": ".join(ascii(part)[1:-1] for part in (event.source, event.subject, event.detail) if part)
    with HANDLER_FAILURES:
        getLogger("watchword").log(level, "%s: %s", event.kind, words, extra={"watchword": facts})
