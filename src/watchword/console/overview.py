"""Shows what the guards of this process decide: signals, outcomes over time, reasons ranked, and how long decisions take."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from watchword.console.charts import share, stacked_bars
from watchword.console.layout import PAGE_LENGTH, milliseconds, page, table, when
from watchword.console.markup import Child, Markup, join, link, tag
from watchword.reasons.table import REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.clock import Clock
    from watchword.console.messages import Asked, Response
    from watchword.console.observed import Minute, Observed, Times
    from watchword.observe.event import Kind
    from watchword.reason import Reason
    from watchword.signals import Signals

# From below to above in the chart.
_GROUPS: Final[tuple[tuple[str, str, tuple[Kind, ...]], ...]] = (
    ("granted", "granted", ("granted",)),
    ("refused", "refused (401, 403, hidden)", ("challenged", "forbidden", "hidden")),
    ("malformed", "malformed or too many (400, 429)", ("malformed", "throttled")),
    ("failed", "could not be checked (503)", ("failed",)),
)
_SLOWEST: Final = 10


class Overview:
    """The first page.

    Args:
        observed: what was counted.
        clock: tells the time.
        signals: what is watched; None: nothing is.
    """

    def __init__(self, observed: Observed, clock: Clock, signals: Signals | None) -> None:
        self._observed = observed
        self._clock = clock
        self._signals = signals

    def __call__(self, asked: Asked) -> Response:
        """Answer a request."""
        minutes = self._observed.minutes(self._clock.now())
        reasons: Counter[Reason] = Counter()
        for _, minute in minutes:
            reasons.update(minute.reasons)
        return page(
            asked,
            "/",
            "Overview",
            None if self._signals is None else _under_way(self._signals),
            tag("h2", "Outcomes in the last hour"),
            _outcomes(minutes),
            tag("h2", "Why requests were refused in the last hour"),
            _ranked(asked, reasons),
            tag("h2", "Slowest since the start"),
            _slowest("Schemes, where a checker was asked", "scheme", self._observed.schemes()),
            _slowest("Rules", "rule", self._observed.rules()),
            tag("p", "These are the figures of one process of the server.", class_="faint"),
            live=True,
        )


def _under_way(signals: Signals) -> Markup:
    rows: list[list[Child]] = [
        [
            when(signal.since),
            tag("code", signal.kind),
            tag("code", signal.subject) if signal.subject else "everybody",
            signal.cause,
            ", ".join(f"{name}: {value}" for name, value in signal.evidence.items()),
        ]
        for signal in reversed(signals.active)
    ]
    columns = ["since (UTC)", "signal", "about", "likely cause", "evidence"]
    shown = table("What is under way, the newest first", columns, rows[:PAGE_LENGTH], empty="No attack and no fault of the server is seen.")
    return join(tag("h2", "Signals"), shown)


def _outcomes(minutes: list[tuple[int, Minute]]) -> Markup:
    columns = [[sum(minute.kinds[kind] for kind in kinds) for _, _, kinds in _GROUPS] for _, minute in minutes]
    totals = [sum(column) for column in zip(*columns, strict=True)]
    chart = stacked_bars(columns, [name for name, _, _ in _GROUPS], label="Outcomes, one bar for each minute")
    legend = [
        tag("li", tag("svg", tag("rect", width=10, height=10, class_=name), viewBox="0 0 10 10", aria_hidden="true"), f"{words}: {total}")
        for (name, words, _), total in zip(_GROUPS, totals, strict=True)
    ]
    rows: list[list[Child]] = [[when(start), *column] for (start, _), column in zip(minutes, columns, strict=True) if any(column)]
    numbers = table(
        "Outcomes by minute", ["minute (UTC)", *(words for _, words, _ in _GROUPS)], rows, empty="No request yet.", numbers=(1, 2, 3, 4)
    )
    return join(chart, tag("ul", legend, class_="legend"), tag("details", tag("summary", "The same as a table"), numbers))


def _ranked(asked: Asked, reasons: Counter[Reason]) -> Markup:
    most = max(reasons.values(), default=0)
    rows: list[list[Child]] = [
        [
            tag("a", REASONS[reason].words.title, href=link(asked.base, "/refusals", reason=reason.value)),
            tag("code", reason.value),
            number,
            share(number, most),
            REASONS[reason].operator,
        ]
        for reason, number in reasons.most_common()
    ]
    columns = ["reason", "code", "refusals", "share", "what to look at"]
    return table("Reasons, the most frequent first", columns, rows, empty="Nothing was refused.", numbers=(2,))


def _slowest(caption: str, what: str, times: Mapping[str, Times]) -> Markup:
    ordered = sorted(times.items(), key=lambda item: item[1].mean, reverse=True)[:_SLOWEST]
    rows: list[list[Child]] = [
        [name or "(none)", one.decisions, milliseconds(one.mean), milliseconds(one.longest), share(one.mean, ordered[0][1].mean)]
        for name, one in ordered
    ]
    return table(caption, [what, "decisions", "mean, ms", "longest, ms", "share"], rows, empty="No request yet.", numbers=(1, 2, 3))


__all__ = ["Overview"]
