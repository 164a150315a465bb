"""Collects the exchanges of one conversation, and what all checks ask of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.client import Challenges, read_challenges
from watchword.findings.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.client import ResponseView
    from watchword.grammar import Challenge
    from watchword.probe.exchange import Exchange
    from watchword.probe.target import Target
    from watchword.url import Url

_LONGEST: Final = 200  # characters of a text of a server that a report quotes
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
_ELSEWHERE: Final = ("metadata", "trace", "landing")  # purposes of requests to other URLs
_NO_CHALLENGES: Final = Challenges()


class Seen:
    """What was asked and answered so far.

    Args:
        target: what is probed.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.url: Url = target.url
        self.is_posted = False  # whether the URL is asked for by POST, as servers of MCP are
        self.exchanges: dict[str, Exchange] = {}
        self._challenges: dict[ResponseView, Challenges] = {}

    def add(self, exchange: Exchange) -> Exchange:
        """Keep an exchange, and return it.

        Args:
            exchange: the one of its purpose.
        """
        self.exchanges[exchange.ask.purpose] = exchange
        return exchange

    def get(self, *purposes: str) -> list[Exchange]:
        """Return the exchanges of some purposes that have a response.

        Args:
            purposes: those that were not asked are left out; none: all that are about the resource.
        """
        wanted = purposes or tuple(name for name in self.exchanges if not name.startswith(_ELSEWHERE))
        return [self.exchanges[name] for name in wanted if name in self.exchanges and self.exchanges[name].view is not None]

    def view(self, purpose: str) -> ResponseView | None:
        """Return the response to a request; None: it was not asked, or not answered.

        Args:
            purpose: of the request.
        """
        exchange = self.exchanges.get(purpose)
        return None if exchange is None else exchange.view

    def status(self, purpose: str) -> int:
        """Return a status code; 0: there is none.

        Args:
            purpose: of the request.
        """
        view = self.view(purpose)
        return 0 if view is None else view.status

    @property
    def anonymous(self) -> Exchange:
        """The request without credentials, at the end of its redirects."""
        return self.exchanges["anonymous"]

    @property
    def is_guarded(self) -> bool:
        """Whether the request without credentials was not served."""
        return not 200 <= self.anonymous.status < 300  # noqa: PLR2004 - RFC 9110 §15.3

    def with_status(self, *statuses: int) -> list[Exchange]:
        """Return the exchanges about the resource that have one of these status codes.

        Args:
            statuses: the codes.
        """
        return [exchange for exchange in self.get() if exchange.status in statuses]

    def challenged(self) -> Iterator[tuple[Exchange, Challenge]]:
        """Yield each challenge with its exchange; equal ones once."""
        known: set[Challenge] = set()
        for exchange in self.get():
            for challenge in self.challenges(exchange).found:
                if challenge not in known:
                    known.add(challenge)
                    yield exchange, challenge

    def challenges(self, exchange: Exchange | None) -> Challenges:
        """Return the challenges of a response.

        Args:
            exchange: with or without a response.
        """
        if exchange is None or exchange.view is None:
            return _NO_CHALLENGES
        # Every check asks for them, and a malformed field of 8 KiB takes a while.
        known = self._challenges.get(exchange.view)
        if known is None:
            known = self._challenges[exchange.view] = read_challenges(exchange.view)
        return known

    @property
    def offered(self) -> dict[str, Challenge]:
        """The challenges to a caller without valid credentials, by scheme in lower case."""
        found: dict[str, Challenge] = {}
        for exchange in self.get("anonymous", "mcp", "unknown", "invalid-bearer", "invalid-basic", "presented"):
            for challenge in self.challenges(exchange).found:
                found.setdefault(challenge.scheme.lower(), challenge)
        return found

    def quote(self, text: object) -> str:
        """Return a text of the server for a report: cut, printable, without credentials, in quotation marks.

        Args:
            text: untrusted.
        """
        presented = self.target.presented
        # Hidden before it is cut: half of a credential is not found.
        plain = str(text)[: 10 * _LONGEST]
        hidden = printable(plain if presented is None else presented.hide(plain))
        return f'"{hidden[:_LONGEST]}{"..." if len(hidden) > _LONGEST else ""}"'


__all__ = ["FORBIDDEN", "UNAUTHORIZED", "Seen"]
