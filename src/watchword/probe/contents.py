"""Checks the content of refusals, and the fields for caches and for waiting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.client import read_problem
from watchword.probe.check import MUST, SHOULD, Check, found, scored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.findings import Finding, Rule
    from watchword.probe.exchange import Exchange
    from watchword.probe.seen import Seen

_DELTA: Final = re.compile(r"[0-9]{1,10}")
# RFC 9110 §5.6.7
_IMF_FIXDATE: Final = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII)
_STORED: Final = re.compile(r"(?:^|[,\s])(?:public|s-maxage=\"?[1-9]|max-age=\"?[1-9])", re.IGNORECASE)
_NOT_STORED: Final = re.compile(r"(?:^|[,\s])(?:no-store|private|no-cache)(?:$|[,\s=])", re.IGNORECASE)
# Bounded within a line: a server chooses the content, and a pattern that tries again from each blank would take hours.
_INTERNALS: Final = {
    "a stack trace of Python": re.compile(rb"Traceback \(most recent call last\)"),
    "a stack trace of Java": re.compile(rb"\n\s{1,16}at [\w.$]{1,200}\(\w{1,100}\.java:\d"),
    "a stack trace of Node.js": re.compile(rb"\n\s{1,16}at [^\n]{1,120}:\d{1,6}:\d{1,6}\)?"),
    "a stack trace of .NET": re.compile(rb"\n\s{1,16}at [^\n]{1,200} in [^\n]{1,200}:line \d"),
    "a page for debugging": re.compile(rb"You're seeing this error because you have <code>DEBUG = True</code>|Werkzeug Debugger"),
}


def _refusals(seen: Seen) -> list[Exchange]:
    return [exchange for exchange in seen.get() if 400 <= exchange.status < 600]  # noqa: PLR2004 - RFC 9110 §15.5, §15.6


def _is_not_stored(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchanges = seen.with_status(401, 403)
    for exchange in exchanges:
        control = ", ".join(exchange.view.all("cache-control")) if exchange.view else ""
        if _STORED.search(control) and not _NOT_STORED.search(control):
            what = f"Cache-Control is {seen.quote(control)}: caches keep the refusal, and serve it after a login."
            return [found(rule, exchange, what, "Send Cache-Control: no-store with refusals.")]
    return [] if exchanges else "no response is 401 or 403"


def _429_is_not_stored(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchanges = seen.with_status(429)
    for exchange in exchanges:
        if exchange.view is not None and _STORED.search(", ".join(exchange.view.all("cache-control"))):
            return [found(rule, exchange, "Caches keep it.", "Send Cache-Control: no-store with 429.")]
    return [] if exchanges else "no response is 429"


def _says_when(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    values = [(exchange, value) for exchange in seen.get() if exchange.view is not None for value in exchange.view.all("retry-after")]
    for exchange, value in values:
        if not (_DELTA.fullmatch(value.strip()) or _IMF_FIXDATE.fullmatch(value.strip())):
            what = f"Retry-After is {seen.quote(value)}."
            return [found(rule, exchange, what, "Send whole seconds, or a date such as Fri, 27 Nov 2026 12:00:00 GMT.")]
    return [] if values else "no response has Retry-After"


def _is_problem(exchange: Exchange) -> bool:
    if exchange.view is None or exchange.view.one("content-encoding") is not None:
        return False  # compressed, although it was asked not to be
    kind = exchange.view.one("content-type") or ""
    return kind.partition(";")[0].strip().lower() == "application/problem+json" and exchange.ask.method != "HEAD"


def _states_its_status(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    problems = [exchange for exchange in _refusals(seen) if _is_problem(exchange)]
    for exchange in problems:
        if exchange.view is None:
            continue
        problem = read_problem(exchange.view)
        if problem.fault:
            return [found(rule, exchange, f"Its content cannot be read: {problem.fault}.", "Send a JSON object in UTF-8.")]
        if "status" in problem.members and problem.members["status"] != exchange.status:
            what = f"The member status is {seen.quote(problem.members['status'])}."
            return [found(rule, exchange, what, "Send the status code of the response, as a number.")]
    return [] if problems else "no response is application/problem+json"


def _has_a_type(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    problems = [exchange for exchange in _refusals(seen) if _is_problem(exchange)]
    for exchange in problems:
        kind = "about:blank" if exchange.view is None else read_problem(exchange.view).members.get("type", "about:blank")
        if not isinstance(kind, str) or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", kind):
            what = f"The type is {seen.quote(kind)}."
            return [found(rule, exchange, what, "Send an absolute URI: a relative one means another type at each path.")]
    return [] if problems else "no response is application/problem+json"


def _reveals_nothing(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchanges = _refusals(seen)
    for exchange in exchanges:
        for what, pattern in _INTERNALS.items():
            if exchange.view is not None and pattern.search(exchange.view.body):
                return [found(rule, exchange, f"Its content has {what}.", "Switch debugging off, and log the trace.")]
    return [] if exchanges else "no response is a refusal"


CHECKS: Final[tuple[Check, ...]] = (
    scored("R9111-3-1", "Caches do not keep refusals", SHOULD, "RFC 9111 §3", _is_not_stored),
    scored("R6585-4-2", "Caches do not keep a 429", MUST, "RFC 6585 §4", _429_is_not_stored),
    scored("R9110-10.2.3-1", "Retry-After is whole seconds or a date", MUST, "RFC 9110 §10.2.3", _says_when),
    scored("R9457-3.1.2-1", "A problem states the status of its response", MUST, "RFC 9457 §3.1.2", _states_its_status),
    scored("R9457-3.1-1", "The type of a problem is an absolute URI", SHOULD, "RFC 9457 §3.1.1", _has_a_type),
    scored("R9457-5-1", "A refusal does not show the inside of the server", MUST, "RFC 9457 §5", _reveals_nothing),
)
"""The checks."""

__all__ = ["CHECKS"]
