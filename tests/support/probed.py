"""Servers for the probe that exist as a function alone: it takes a request, and returns status, fields and content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from watchword.client import ResponseView
from watchword.probe import Ask, Exchange, Target, probe, probed_url

if TYPE_CHECKING:
    from watchword.findings import Report
    from watchword.probe import Presented

Fields: TypeAlias = tuple[tuple[str, str], ...]
Response: TypeAlias = tuple[int, Fields, bytes]
Server: TypeAlias = Callable[[Ask], Response]

URL = "https://api.example.com/orders"
NOW = 1_700_000_000.0
DATE = ("Date", "Tue, 14 Nov 2023 22:13:20 GMT")  # the same


@dataclass
class Asked:
    """A transport to such a server, which keeps what was asked."""

    server: Server
    asks: list[Ask] = field(default_factory=list)
    seconds: float = 0.0

    def __call__(self, ask: Ask) -> Exchange:
        """Answer a request."""
        self.asks.append(ask)
        status, fields, content = self.server(ask)
        return Exchange(ask, ResponseView(status, fields, content, ask.url.text), at=NOW)


def sent(ask: Ask, name: str) -> str:
    """Return the value of a field of a request; empty: it has none."""
    return next((value for known, value in ask.fields if known.lower() == name.lower()), "")


def probed(server: Server, presented: Presented | None = None, url: str = URL, *, mcp: bool = False) -> Report:
    """Probe a server."""
    return probe(Target(probed_url(url), presented, mcp), Asked(server), version="1", ticks=lambda: 0.0)


def levels(report: Report) -> dict[str, str]:
    """Return the severity of each finding that is no note, by rule."""
    return {finding.rule.id: finding.level for finding in reversed(report.findings) if finding.level != "note"}


def skipped(report: Report) -> set[str]:
    """Return the rules that were not checked."""
    return {checked.rule.id for checked in report.checked if checked.outcome == "skipped"}


def found(report: Report, rule: str) -> str:
    """Return the message of the one finding of a rule."""
    (message,) = [finding.message for finding in report.findings if finding.rule.id == rule]
    return message


def basic_server(*fields: tuple[str, str], status: int = 401, content: bytes = b"") -> Server:
    """Return a server that refuses each request with the same response."""
    return lambda _: (status, (DATE, *fields), content)
