"""Reads the content of a request for schemes and requirements, once, up to a limit, before the application does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.content import ContentError, ContentInPieces
from watchword.decision import Malformed
from watchword.principal import ANONYMOUS
from watchword.reason import Reason

if TYPE_CHECKING:
    from watchword.authorization.rules import Route
    from watchword.decision import Caller, Decision
    from watchword.operation import Steps
    from watchword.request import RequestView

_UNREAD: Final = "the rule depends on the content, which was not read"


def take(view: RequestView, limit: int) -> Steps[str]:
    """Read the content into `view.content`, if that has not happened.

    Args:
        view: the request. Its content stays None where it cannot be read as a whole.
        limit: the greatest content, in octets.

    Returns:
        Why it is too large; empty: it is not.
    """
    reader, view.reader = view.reader, None  # once: a second reader would wait for what the client never sends
    if view.content is None and reader is not None:
        try:
            view.content = yield reader(limit)
        except ContentInPieces as error:
            return str(error)
    # The reader returns one octet beyond the limit at most, which is how a larger content shows.
    if view.content is not None and len(view.content) > limit:
        view.content = None
        return f"more than {limit} octets"
    return ""


def awaiting(route: Route, caller: Caller | None) -> Malformed:
    """Return the decision for a known caller while the rule depends on content. It refuses, should nothing read that.

    Args:
        route: the rule.
        caller: the caller, known or anonymous.
    """
    return _malformed(route, caller, Reason.MALFORMED_CONTENT, _UNREAD)


def is_awaiting(decision: Decision) -> bool:
    """Tell whether a decision waits for the content.

    Args:
        decision: without the content.
    """
    # By identity: no text of a client is mistaken for it.
    return isinstance(decision, Malformed) and decision.detail is _UNREAD


def read_for_rule(view: RequestView, route: Route, caller: Caller | None) -> Steps[Malformed | None]:
    """Read the content that a rule depends on.

    Args:
        view: the request.
        route: the rule.
        caller: for whom the rule is evaluated.

    Returns:
        None: `view.parsed` holds what the requirements need. Else the refusal.
    """
    limits = [limit for limit in (part.wants_content(view) for part in route.content_readers) if limit is not None]
    if not limits:
        # No requirement reads this content, and the rule cannot be decided without it: refused (fail closed).
        return awaiting(route, caller)
    # The smallest: no requirement gets more than it has said it can bound.
    too_large = yield from take(view, min(limits))
    if too_large:
        return _malformed(route, caller, Reason.OVERSIZED_CONTENT, too_large)
    parsed: dict[object, object] = {}
    try:
        for part in route.content_readers:
            # A requirement may stand at several places of a rule: the content is parsed once.
            if type(part) not in parsed:
                parsed[type(part)] = part.read_content(view)
    except ContentError as error:
        return _malformed(route, caller, error.reason, str(error), error)
    view.parsed = parsed
    return None


def _malformed(route: Route, caller: Caller | None, reason: Reason, detail: str, error: ContentError | None = None) -> Malformed:
    return Malformed(
        reason=reason,
        rule=route.text,
        route=route,
        detail=detail,
        caller=caller,
        principal=ANONYMOUS if caller is None else caller.principal,
        scheme="" if caller is None else caller.scheme,
        body=None if error is None else error.body,
    )


__all__ = ["awaiting", "is_awaiting", "read_for_rule", "take"]
