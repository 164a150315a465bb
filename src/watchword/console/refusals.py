"""Lists the latest refusals with their explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.console.layout import PAGE_LENGTH, page, table, when
from watchword.console.markup import Child, Markup, link, tag
from watchword.reasons.table import REASONS

if TYPE_CHECKING:
    from watchword.console.messages import Asked, Response
    from watchword.console.observed import Observed
    from watchword.observe.event import AuthEvent

_SHOWN = 200  # characters of a text that a client chose


class Refusals:
    """The page.

    Args:
        observed: has the refusals.
    """

    def __init__(self, observed: Observed) -> None:
        self._observed = observed

    def __call__(self, asked: Asked) -> Response:
        """Answer a request, for one reason or for all."""
        wanted = asked.query.get("reason", "")
        found = [event for event in self._observed.refusals.latest() if not wanted or event.reason == wanted]
        filtered = (
            tag("p", "Only ", tag("code", wanted), ". ", tag("a", "Show all", href=link(asked.base, "/refusals"))) if wanted else None
        )
        return page(
            asked,
            "/refusals",
            "Latest refusals",
            filtered,
            table(
                f"The latest {min(len(found), PAGE_LENGTH)} of {len(found)} refusals that are kept, the newest first",
                ["time (UTC)", "decision", "why", "who", "from", "rule", "request id"],
                [_row(event) for event in found[:PAGE_LENGTH]],
                empty="No refusal is kept.",
            ),
            live=True,
        )


def _row(event: AuthEvent) -> list[Child]:
    return [
        when(event.time),
        event.decision,
        _why(event),
        _cut(event.principal) or "(unknown)",
        _cut(event.client or ""),
        [tag("code", _cut(event.route)), " needs ", tag("code", _cut(event.requirement))] if event.route else "(no rule)",
        tag("code", _cut(event.request_id)),
    ]


def _why(event: AuthEvent) -> Markup | str:
    if event.reason is None:
        return ""
    entry = REASONS[event.reason]
    return tag(
        "details",
        tag("summary", entry.words.title),
        tag("p", tag("code", event.reason.value)),
        tag("p", tag("strong", "What happened: "), entry.words.happened),
        tag("p", tag("strong", "What to look at: "), entry.operator),
        tag("p", tag("strong", "What the developer of the client is told: "), entry.words.developer),
        tag("p", tag("strong", "Scheme: "), event.scheme or "none was used"),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


__all__ = ["Refusals"]
