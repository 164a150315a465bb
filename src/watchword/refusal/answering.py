"""Writes the responses with which a guard answers by itself: documents, and what only looks like a request for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.refusal.prepared import Prepared, Text

if TYPE_CHECKING:
    from watchword.decision import Answered
    from watchword.refusal.prepared import Refusal

_PHRASES: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed"}
_OK: Final = 200


def write_answer(decision: Answered, method: str) -> Refusal:
    """Return the response of a guard that answers by itself.

    Args:
        decision: what it answers.
        method: of the request; the answer to HEAD has no content.
    """
    phrase = _PHRASES[decision.status]
    if decision.content:
        text = Text("application/json", decision.content)
    else:
        text = Text("text/plain; charset=utf-8", "" if decision.status == _OK else f"{decision.status} {phrase}\n")
    fields = [*decision.headers, ("X-Content-Type-Options", "nosniff")]
    return Prepared(decision.status, phrase, text, fields).refusal("", content=method != "HEAD")
