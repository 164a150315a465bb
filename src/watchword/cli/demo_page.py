"""The front page of `watchword demo`: links to try, and one to the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.console.assets import HEADERS, STYLE_ELEMENT
from watchword.console.markup import Markup, link, tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword import Principal, Requirement

_TRY: Final = {
    "/healthz": "looks at no credentials",
    "/": "this page: anybody may come, and who shows false credentials is refused",
    "/me": "asks who you are; press Escape in the dialog to see the page of the 401",
    "/orders": "ann has the scope, and bob has not",
    "/admin": "ann is an admin; log in as bob to see the page of the 403",
}

PAGE_HEADERS: Final = HEADERS
"""The header fields of the page."""


def front_page(rules: Mapping[str, Requirement], caller: Principal) -> str:
    """Return the page.

    Args:
        rules: the paths and what they need.
        caller: who asks; the page is for anonymous callers, too, so no secret is in it.
    """
    rows = [
        tag("li", tag("a", path, href=link("", path)), " needs ", tag("code", str(requirement)), f": {_TRY[path]}.")
        for path, requirement in rules.items()
    ]
    who = f"You are {caller.display_name}." if caller.is_authenticated else "You are not logged in."
    main: tuple[Markup, ...] = (
        tag("h1", "watchword demo"),
        tag("p", who, " The passwords of ann and bob were printed in the terminal when the demo began."),
        tag("h2", "Links to try"),
        tag("ul", rows),
        tag("h2", "What happened"),
        tag(
            "p",
            tag("a", "The console", href=link("", "/console/")),
            " shows each refusal with its explanation, while you try. Log in as ann.",
        ),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", "watchword demo"),
        STYLE_ELEMENT,
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', tag('main', main)), lang='en').html}\n"
