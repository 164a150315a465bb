"""Puts a page together: head, navigation, content; and the parts that several pages have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from watchword.console.assets import SCRIPT_ELEMENT, STYLE_ELEMENT
from watchword.console.markup import Child, Link, Markup, join, link, tag
from watchword.console.messages import Asked, Response
from watchword.console.permissions import ACCOUNTS_READ, AUDIT_READ, SECRETS_READ, VIEW

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PAGES: Final = (
    ("/", "Overview", VIEW),
    ("/refusals", "Refusals", VIEW),
    ("/routes", "Routes", VIEW),
    ("/accounts", "Accounts", ACCOUNTS_READ),
    ("/keys", "Keys", SECRETS_READ),
    ("/tokens", "Tokens", SECRETS_READ),
    ("/audit", "Audit trail", AUDIT_READ),
)

PAGE_LENGTH: Final = 50
"""The number of rows of a list."""


def page(asked: Asked, path: str, title: str, *content: Child, status: int = 200, live: bool = False) -> Response:
    """Return a page.

    Args:
        asked: the request.
        path: of the page, by which the navigation shows where one is.
        title: the heading.
        content: what follows it.
        status: the status code.
        live: whether it shows by itself what is new.
    """
    events: Link | None = link(asked.base, "/events") if live and not asked.polls else None
    body: Child = content
    if live:
        body = (
            tag("label", tag("input", type="checkbox", checked=True), " Update by itself", id="pause", hidden=True),
            tag("div", content, id="live", data_events=events),
        )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title} · watchword"),
        STYLE_ELEMENT,
    )
    main = tag("main", tag("h1", title), body, id="content", tabindex="-1")
    whole = tag("html", head, tag("body", _header(asked, path), main, SCRIPT_ELEMENT if live else None), lang="en")
    return Response(status, f"<!doctype html>\n{whole.html}\n")


def _header(asked: Asked, path: str) -> Markup:
    items = [
        tag("li", tag("a", name, href=link(asked.base, to), aria_current="page" if to == path else None))
        for to, name, needed in _PAGES
        if needed in asked.may and to in asked.pages
    ]
    who = tag("p", tag("strong", "watchword console"), " for ", asked.principal.display_name or asked.principal.id)
    skip = tag("a", "Skip to the content", href=Link("#content"), class_="skip")
    return join(skip, tag("header", who, tag("nav", tag("ul", items), aria_label="Pages")))


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Child]], *, empty: str, numbers: Sequence[int] = ()) -> Markup:
    """Return a table in a box that scrolls by itself, also by keyboard.

    Args:
        caption: what it shows.
        columns: the headings.
        rows: the cells of each row; the first one is its heading.
        empty: what to say where there is no row.
        numbers: the columns that hold numbers.
    """
    body = [tag("tr", [_cell(at, child, at in numbers) for at, child in enumerate(row)]) for row in rows]
    if not body:
        return tag("p", empty, class_="faint")
    head = tag("tr", [tag("th", name, scope="col", class_="number" if at in numbers else None) for at, name in enumerate(columns)])
    inner = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", body))
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _cell(at: int, child: Child, is_number: bool) -> Markup:  # noqa: FBT001 - one of two looks
    look = "number" if is_number else None
    return tag("th", child, scope="row", class_=look) if at == 0 else tag("td", child, class_=look)


def when(time: float | None) -> Child:
    """Return a time, in UTC and to the second; nothing for None.

    Args:
        time: Unix seconds; a time that no calendar has is shown as the number.
    """
    if time is None:
        return None
    try:
        moment = datetime.fromtimestamp(time, UTC)
    except (OverflowError, OSError, ValueError):
        return str(time)
    return tag("time", f"{moment:%Y-%m-%d %H:%M:%S}", datetime=f"{moment:%Y-%m-%dT%H:%M:%SZ}")


def milliseconds(seconds: float) -> str:
    """Return a duration in milliseconds.

    Args:
        seconds: the duration.
    """
    return f"{seconds * 1000:.2f}"


__all__ = ["PAGE_LENGTH", "milliseconds", "page", "table", "when"]
