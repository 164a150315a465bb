"""Finds names that look like a mistyped one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_NAMES = 2000
_LONGEST = 128
_ALIKE = 0.75  # from 0 to 1, as difflib counts: one letter of four differs


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like another; None: none does.

    Args:
        name: the name that is not known.
        known: the names; longer lists are cut, so that the time is bounded.
    """
    from difflib import get_close_matches

    if len(name) > _LONGEST:
        return None
    others = sorted(one for one in known if one != name and len(one) <= _LONGEST)[:_MOST_NAMES]
    same = [one for one in others if one.lower() == name.lower()]
    found = same or get_close_matches(name, others, 1, _ALIKE)
    return found[0] if found else None


def seconds_in_words(seconds: float) -> str:
    """Return a length of time in its greatest unit.

    Args:
        seconds: how long, not negative.
    """
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = round(seconds / size)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    number = round(seconds)
    return f"{number} second{'' if number == 1 else 's'}"
