"""Shows the audit trail of a store: who changed which account, key, token or login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.console.forms import DAY, days_field, days_of, text_field
from watchword.console.layout import PAGE_LENGTH, page, table, when
from watchword.console.markup import link, tag

if TYPE_CHECKING:
    from watchword.clock import Clock
    from watchword.console.messages import Asked, Response
    from watchword.stores.ports import AuditStore

_DAYS: Final = 7


class Trail:
    """The page.

    Args:
        store: keeps the trail.
        clock: tells the time.
    """

    def __init__(self, store: AuditStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, asked: Asked) -> Response:
        """Answer a request for some of the entries."""
        query = asked.query
        days = days_of(query) if "days" in query else _DAYS
        actor, about = query.get("actor", ""), query.get("about", "")
        found = self._store.list_audit(
            actor=actor or None,
            about=about or None,
            since=self._clock.now() - days * DAY,
            after=query.get("after", ""),
            limit=PAGE_LENGTH + 1,
        )
        shown = found[:PAGE_LENGTH]
        more = (
            link(asked.base, "/audit", actor=actor, about=about, days=str(days), after=shown[-1].id) if len(found) > PAGE_LENGTH else None
        )
        fields = [
            text_field("actor", "By whom", value=actor),
            text_field("about", "About: an id or an owner", value=about),
            days_field(days),
        ]
        return page(
            asked,
            "/audit",
            "Audit trail",
            tag("form", fields, tag("button", "Look up"), method="get", action=link(asked.base, "/audit")),
            table(
                f"Changes in the last {days} days, the oldest first",
                ["time (UTC)", "by", "what", "id", "owner", "detail"],
                [[when(one.at), one.actor or "(not stated)", one.action, tag("code", one.target), one.owner, one.detail] for one in shown],
                empty="There is no further entry.",
            ),
            tag("p", tag("a", "Later entries", href=more)) if more is not None else None,
        )


__all__ = ["Trail"]
