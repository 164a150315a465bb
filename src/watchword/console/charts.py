"""Draws charts as SVG on the server: no script, no style of their own; classes of the page give the colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.console.markup import Markup, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEP: Final = 12  # user units for each bar and its gap
_BAR: Final = 10
_HEIGHT: Final = 120


def stacked_bars(columns: Sequence[Sequence[int]], classes: Sequence[str], *, label: str) -> Markup:
    """Return a chart of stacked bars, as wide as its place.

    Args:
        columns: a column for each bar, with one number for each class, from below to above.
        classes: the class of each part.
        label: what the chart shows, for screen readers.
    """
    most = max((sum(column) for column in columns), default=0)
    bars = [_bar(at * _STEP, column, classes, most) for at, column in enumerate(columns)] if most else []
    axis = tag("path", d=f"M0 {_HEIGHT + 1}H{len(columns) * _STEP}", class_="axis")
    box = f"0 0 {len(columns) * _STEP} {_HEIGHT + 2}"
    return tag("svg", tag("title", label), bars, axis, viewBox=box, role="img", preserveAspectRatio="none", class_="chart")


def _bar(left: int, column: Sequence[int], classes: Sequence[str], most: int) -> list[Markup]:
    parts: list[Markup] = []
    top = float(_HEIGHT)
    for number, name in zip(column, classes, strict=True):
        if number:
            # At least one unit, so that one failure among thousands of requests can be seen.
            height = max(1.0, _HEIGHT * number / most)
            top = max(0.0, top - height)
            parts.append(tag("rect", x=left, y=_unit(top), width=_BAR, height=_unit(height), class_=name))
    return parts


def share(number: float, most: float) -> Markup:
    """Return a bar that shows a number beside others; it says nothing that the number beside it does not.

    Args:
        number: the number.
        most: the greatest of them.
    """
    width = _unit(100 * number / most) if most > 0 else "0"
    bar = tag("rect", width=width, height=8, class_="share")
    return tag("svg", bar, viewBox="0 0 100 8", preserveAspectRatio="none", class_="bar", aria_hidden="true")


def _unit(number: float) -> str:
    return f"{number:.1f}"


__all__ = ["share", "stacked_bars"]
