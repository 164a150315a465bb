"""Defines what is asked of a server, and what it answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from watchword.client import ResponseView
    from watchword.url import Url

MARKER: Final = "watchword-probe"
"""Stands in every made-up credential, so that operators find the requests in their logs."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request that a transport is to send, over a connection of its own.

    Args:
        purpose: names it within a conversation, such as `"anonymous"`.
        words: says what was sent, for people; no secret.
        method: the method.
        url: where to send it. Redirects are not followed.
        fields: names and values in their order, without Host and Content-Length; they may hold credentials.
        content: the content; empty: none.
        host: the value of Host; empty: that of the URL.
        reads: the media type of a success whose content is needed; empty: none. Others may be large, or a stream without an end.
    """

    purpose: str
    words: str
    method: str
    url: Url
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    host: str = ""
    reads: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and what came of it.

    Args:
        ask: the request.
        view: the response, untrusted; None: there was no whole one.
        failure: why there was none, in words without anything that the server sent; empty: there was one.
        at: when it was there, as Unix seconds by the clock of this machine.
    """

    ask: Ask
    view: ResponseView | None = None
    failure: str = ""
    at: float = 0.0

    @property
    def status(self) -> int:
        """The status code; 0: there was no response."""
        return 0 if self.view is None else self.view.status

    def __str__(self) -> str:
        """Return request and status in words."""
        return f"{self.ask.words}: {self.status or 'no answer'}"


__all__ = ["MARKER", "Ask", "Exchange"]
