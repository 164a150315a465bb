"""Finds names that look like a mistyped one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_NAMES: Final = 2000
_LONGEST: Final = 64
_PER_MISTAKE: Final = 4  # characters: `orders:read` and `orders:reed` are alike, `read` and `write` are two names


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like another: it differs by one or two keystrokes, or by letter case; None: none does.

    Args:
        name: the name that is not known.
        known: the names; longer lists are cut, so that the time is bounded.
    """
    most = min(2, len(name) // _PER_MISTAKE)
    lower = name.lower()
    ranked = [
        (_distance(lower, one.lower(), most), one)
        for one in sorted(known)[:_MOST_NAMES]
        if one != name and max(len(one), len(name)) <= _LONGEST and abs(len(one) - len(name)) <= most
    ]
    best = min(ranked, default=None)
    return best[1] if best is not None and best[0] <= most else None


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters must be changed, added, left out or exchanged with the next one; more than `most`: too many."""
    rows = [list(range(len(other) + 1))]
    for at, letter in enumerate(one, 1):
        row = [at]
        for to, theirs in enumerate(other, 1):
            cost = min(rows[-1][to] + 1, row[-1] + 1, rows[-1][to - 1] + (letter != theirs))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == theirs:
                cost = min(cost, rows[-2][to - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        rows = [rows[-1], row]
    return rows[-1][-1]


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
