"""Reads the clock of a server, and writes lengths of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.client.waiting import http_date

if TYPE_CHECKING:
    from watchword.client import ResponseView

_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def date_of(view: ResponseView | None) -> float | None:
    """Return the Date of a response as Unix seconds; None: it has none that can be read.

    Args:
        view: untrusted.
    """
    value = None if view is None else view.one("date")
    return None if value is None else http_date(value)


def span(seconds: float) -> str:
    """Return a length of time in its greatest unit.

    Args:
        seconds: how long it is.
    """
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds / size:.0f} {unit}"


__all__ = ["date_of", "span"]
