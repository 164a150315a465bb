"""Tells browsers and programs apart: who can be sent to a login page, and who must see no login dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.guard.policy import Entry
    from watchword.request import RequestView

_LONGEST_ACCEPT = 1024  # octets: browsers send a quarter of it. A longer one is not searched: any client chooses its length


def login_location(entries: Iterable[Entry], request: RequestView) -> str | None:
    """Return the location of the login page; None: the client is a program, or no scheme has such a page (decision D28).

    Args:
        entries: the schemes that could help.
        request: the request.
    """
    # A program would take a 303 for success and follow it to a page (decision D28).
    if not _is_navigation(request):
        return None
    places = (entry.scheme.login_location(request) for entry in entries)
    return next((place for place in places if place is not None and _is_reference(place)), None)


def _is_reference(place: str) -> bool:
    # A scheme may build the reference from the request. A line break in it would end the field (RFC 9110 §5.5), and an empty one leads to
    # the same page for ever: then the answer is 401.
    return place != "" and place.isascii() and place.isprintable() and " " not in place


def _is_navigation(request: RequestView) -> bool:
    # A page cannot set Sec-Fetch-Mode, so it decides where it is sent (Fetch Metadata).
    mode = request.field("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    accept = request.field("accept")
    return request.method in {"GET", "HEAD"} and accept is not None and "text/html" in accept[:_LONGEST_ACCEPT].lower()


def is_script(request: RequestView) -> bool:
    """Tell whether a script of a page has sent a request. A browser opens its login dialog for it too (decision D24).

    Args:
        request: the request.
    """
    mode = request.field("sec-fetch-mode")
    # Set by scripts, by convention since jQuery; a navigation never has it.
    if request.carries("x-requested-with"):
        return True
    if mode is not None:
        return mode != "navigate"
    # Browsers send Sec-Fetch-Mode to https and localhost alone. A navigation accepts HTML by name, wherever it goes.
    accept = request.field("accept")
    if accept is None or len(accept) > _LONGEST_ACCEPT or "html" in accept.lower():
        return False
    return any(member.partition(";")[0].strip() not in {"", "*/*"} for member in accept.split(","))


__all__ = ["is_script", "login_location"]
