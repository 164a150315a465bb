"""Draws figures that have a target as bars: up to the line where it is met, beyond it where it is missed."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measuring import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WIDTH, LEFT, LINE = 760, 410, 590  # of the picture; where bars begin, and where the target stands
STEP, BAR, MARGIN = 12, 9, 20  # from bar to bar, the height of one, and the space around a group of them

# Inside a page, whose styles these join, it has the colour of the text. A file that is shown alone follows the reader's settings.
STYLE = """
.benchmarks { font: 12px system-ui, sans-serif; fill: currentColor }
.benchmarks .title { font-weight: 600 }
.benchmarks .value { font-size: 10px }
.benchmarks .met { fill: #2c7a55 }
.benchmarks .missed { fill: #c2571a }
.benchmarks .other { opacity: 0.65 }
.benchmarks line { stroke: currentColor; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { .benchmarks:root { color: #ddd; background: #131416 } }
"""


def draw(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return an SVG of several runs, one bar for each of them.

    Args:
        runs: what `python -m tests.benchmarks --json` writes. The last one says which figures are drawn.
    """
    versions = " and ".join(str(run["python"]) for run in runs)
    order = ", the upper and the lower bar" if len(runs) > 1 else ""
    parts = [_text(LINE, MARGIN, "target", "middle"), _text(0, MARGIN, f"CPython {versions}{order}: share of the target that is used")]
    top = MARGIN + 12
    for title, figures in runs[-1]["subjects"].items():
        with_bound = [one for one in figures if one["bound"] is not None]
        if not with_bound:
            continue
        top += MARGIN
        parts.append(_text(0, top, title, kind="title"))
        top += 8
        for one in with_bound:
            height = max(14, STEP * len(runs))
            against = f" / {one['against']}" if one["against"] else ""
            parts.append(_text(LEFT - 8, top + height // 2 + 4, f"{one['what']}{against}", "end"))
            parts += _bars([_find(run, title, one) for run in runs], top + (height - STEP * len(runs)) // 2)
            top += height + 4
    parts.append(f'<line x1="{LINE}" x2="{LINE}" y1="{MARGIN + 6}" y2="{top}"/>')
    body = "\n".join(parts)
    label = escape(f"Benchmarks against their targets, CPython {versions}")
    box = f"0 0 {WIDTH} {top + MARGIN}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="benchmarks" viewBox="{box}" role="img" aria-label="{label}">\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def _find(run: Mapping[str, Any], title: str, figure: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the figure of the same name in a run."""
    names = ("what", "against")
    return next((one for one in run["subjects"].get(title, ()) if all(one[name] == figure[name] for name in names)), None)


def _bars(figures: Sequence[Mapping[str, Any] | None], top: int) -> Iterator[str]:
    for place, one in enumerate(figures):
        if one is None:
            continue
        # Where the target is a least value, what is used of it is its inverse: a longer bar is always worse.
        used = one["bound"] / one["value"] if one["least"] else one["value"] / one["bound"]
        width = min(used * (LINE - LEFT), WIDTH - LEFT - 60)
        kinds = f"{'met' if used <= 1 else 'missed'}{' other' if place else ''}"
        y = top + place * STEP
        yield f'<rect class="{kinds}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}"/>'
        yield _text(LEFT + width + 4, y + BAR, f"{number(one['value'])}{one['unit'] and ' ' + one['unit']}", kind="value")


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
