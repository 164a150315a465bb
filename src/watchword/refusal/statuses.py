"""Says the status of a decision, and the reason that the client is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.decision import Challenged, Failed, Forbidden, Hidden, Malformed, Throttled
from watchword.reason import shown

if TYPE_CHECKING:
    from watchword.decision import Refusing
    from watchword.reason import Reason

# The status of every decision but Malformed, whose reason says it (RFC 9110 §15.5, RFC 6585 §4 and §5).
_STATUS: dict[type[Refusing], int] = {Challenged: 401, Forbidden: 403, Hidden: 404, Throttled: 429, Failed: 503}
_MALFORMED = frozenset({400, 413, 414, 431})
PHRASES: Final = {
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    413: "Content Too Large",
    414: "URI Too Long",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
"""The words that go with a status code in HTTP/1.1."""


def status_of(decision: Refusing) -> int:
    """Return the status code of a decision.

    Args:
        decision: one that refuses.
    """
    if isinstance(decision, Malformed):
        from watchword.reasons import REASONS  # with the first refusal

        return next((status for status in REASONS[decision.reason].statuses if status in _MALFORMED), 400)
    if isinstance(decision, Challenged) and (decision.proxy or decision.location is not None):
        return 407 if decision.proxy else 303
    return _STATUS[type(decision)]


def disclosed_reason(decision: Refusing) -> Reason:
    """Return the reason that the client is told.

    Args:
        decision: one that refuses.
    """
    return decision.disclosed or shown(decision.reason)


__all__ = ["PHRASES", "disclosed_reason", "status_of"]
