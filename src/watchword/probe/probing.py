"""Probes a server: asks, within bounds, by any transport, and runs all checks on the exchanges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.errors import Unavailable
from watchword.findings import Checked, Report
from watchword.grammar import MAX_CHALLENGES, MAX_FIELD_OCTETS
from watchword.probe import causes, challenges, contents, cookies, mcp, metadata, schemes, statuses, tokens
from watchword.probe.conversation import MOST_REQUESTS, converse
from watchword.probe.exchange import Exchange
from watchword.probe.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.findings import Finding
    from watchword.probe.check import Check
    from watchword.probe.exchange import Ask
    from watchword.probe.target import Presented, Target

Transport: TypeAlias = "Callable[[Ask], Exchange]"
"""Sends one request, within a bound of octets and seconds, and returns what came of it."""

MOST_SECONDS: Final = 60.0
"""How long a conversation may take. After that no further request is sent."""

_MOST_FAILURES: Final = 3
CHECKS: Final[tuple[Check, ...]] = (
    *causes.CHECKS,
    *tokens.CHECKS,
    *cookies.CHECKS,
    *mcp.CHECKS,
    *statuses.CHECKS,
    *challenges.CHECKS,
    *schemes.CHECKS,
    *metadata.CHECKS,
    *contents.CHECKS,
)
"""All checks: first the reasons why a caller is refused, then the requirements that make the score."""


def probe(target: Target, transport: Transport, *, version: str, ticks: Callable[[], float]) -> Report:
    """Look at a server from outside.

    Args:
        target: what to probe.
        transport: sends requests.
        version: of watchword, for the report.
        ticks: a clock that never goes back, in seconds.

    Returns:
        The report. It holds no credentials.

    Raises:
        Unavailable: the server does not answer the first request, redirects in a circle, or sends challenges without a bound. The message
            says so.
    """
    seen = Seen(target)
    count = _drive(seen, transport, ticks)
    checked = tuple(check.run(seen) for check in CHECKS)
    report = Report("watchword probe", version, str(target.url), checked, tuple(_facts(seen, count)))
    return report if target.presented is None else _without(target.presented, report)


def _drive(seen: Seen, transport: Transport, ticks: Callable[[], float]) -> int:
    """Make the conversation, and return how many requests were sent."""
    talk = converse(seen)
    ends = ticks() + MOST_SECONDS
    sent = failures = 0
    try:
        ask = next(talk)
        while True:
            if sent == MOST_REQUESTS or failures == _MOST_FAILURES or ticks() >= ends:
                exchange = Exchange(ask, failure="it was not sent: the bound of requests, failures or seconds was reached")
            else:
                sent += 1
                exchange = transport(ask)
                failures += exchange.view is None
                _check_bounds(exchange)
            ask = talk.send(exchange)
    except StopIteration:
        return sent


def _check_bounds(exchange: Exchange) -> None:
    lines = [] if exchange.view is None else exchange.view.all("www-authenticate")
    if len(lines) > MAX_CHALLENGES or any(len(line) > MAX_FIELD_OCTETS for line in lines):
        what = f"its challenges are more than {MAX_CHALLENGES} fields, or longer than {MAX_FIELD_OCTETS} octets"
        raise Unavailable(f"{exchange.ask.url}: {what}. Check that the URL is the right one.", retry_after=0)


def _facts(seen: Seen, count: int) -> list[tuple[str, str]]:
    offered = ", ".join(challenge.scheme for challenge in seen.offered.values())
    answers = [("answer", str(seen.anonymous)), *(("with credentials", str(one)) for one in seen.get("presented"))]
    return [("requests", f"{count} of at most {MOST_REQUESTS}"), *answers, ("offers", seen.quote(offered) if offered else "nothing")]


def _without(presented: Presented, report: Report) -> Report:
    """Hide credentials once more in all texts. A short one is left: it would be found in other words, and quotes of the server hide it."""
    if not presented.is_long:
        return report

    def clean(finding: Finding) -> Finding:
        message, cause, remedy, place = map(presented.hide, (finding.message, finding.cause, finding.remedy, finding.place))
        return replace(finding, message=message, cause=cause, remedy=remedy, place=place)

    checked = tuple(Checked(one.rule, tuple(map(clean, one.findings)), presented.hide(one.skipped)) for one in report.checked)
    facts = tuple((name, presented.hide(text)) for name, text in report.facts)
    return replace(report, subject=presented.hide(report.subject), checked=checked, facts=facts)


__all__ = ["CHECKS", "MOST_SECONDS", "Transport", "probe"]
