"""Records who changed what by the console: in the audit trail of the store, and in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.console.messages import BadRequest
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.stores.audit import changed_by
from watchword.stores.bounds import storable

if TYPE_CHECKING:
    from watchword.console.messages import Answer, Asked, Response


def note_change(asked: Asked, what: str, subject: str) -> None:
    """Log a change that was made.

    Args:
        asked: the request that made it; the form is not logged.
        what: was done, such as `"disabled the account"`.
        subject: the id of the account, key or token.
    """
    log_notice(OperatorNotice("console_change", f"{asked.principal.id} {what}", subject))


def changing(answer: Answer) -> Answer:
    """Return what answers with the caller as the author of the changes that the store notes.

    Args:
        answer: makes the changes.
    """

    def stated(asked: Asked) -> Response:
        # Asked first: the text of an error of the change itself is for another mistake.
        if not storable(asked.principal.id):
            raise BadRequest("The audit trail cannot keep your id. Log in by another account to change something.")
        with changed_by(asked.principal.id):
            return answer(asked)

    return stated
