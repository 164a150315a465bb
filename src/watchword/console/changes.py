"""Records who changed what by the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.observe.notice import OperatorNotice, log_notice

if TYPE_CHECKING:
    from watchword.console.messages import Asked


def note_change(asked: Asked, what: str, subject: str) -> None:
    """Log a change that was made.

    Args:
        asked: the request that made it; the form is not logged.
        what: was done, such as `"disabled the account"`.
        subject: the id of the account, key or token.
    """
    log_notice(OperatorNotice("console_change", f"{asked.principal.id} {what}", subject))
