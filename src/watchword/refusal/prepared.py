"""Keeps refusals ready to be sent: all of them but the request id, which is all that differs from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.request import RequestView

Headers: TypeAlias = list[tuple[str, str]]
Octets: TypeAlias = list[tuple[bytes, bytes]]

PROBLEM: Final = "application/problem+json"
JSON: Final = "application/json"
HTML: Final = "text/html"
TEXT: Final = "text/plain"
MARKDOWN: Final = "text/markdown"
PLAIN: Final = ""
"""The kind of body that says nothing but that there is nothing."""

HERE = "\0"
"""Where the request id goes while a body is prepared. Nothing that stands in a body holds it."""

PATH = "\1"
"""Where the path of the request goes in a page, percent-encoded."""


class Refusal:
    """A response that refuses.

    Args:
        prepared: what it has in common with others.
        length: of the content, also where it is not sent.
        body: the content; empty in answer to HEAD.
    """

    # No dataclass: of the two forms of the header section the one is built that is sent.
    __slots__ = ("_length", "_prepared", "body")

    def __init__(self, prepared: Prepared, length: int, body: bytes) -> None:
        self._prepared = prepared
        self._length = length
        self.body: bytes = body

    @property
    def status(self) -> int:
        """The status code."""
        return self._prepared.status

    @property
    def reason_phrase(self) -> str:
        """The words that go with the status code in HTTP/1.1."""
        return self._prepared.reason_phrase

    @property
    def headers(self) -> Headers:
        """Name and value pairs, one challenge per pair (RFC 9110 §11.6.1); a new list each time."""
        first, *rest = self._prepared.fields
        return [first, ("Content-Length", str(self._length)), *rest]

    @property
    def octets(self) -> Octets:
        """The same as ASGI has them, in lower case: HTTP/2 knows no other."""
        first, rest = self._prepared.octets
        return [first, (b"content-length", b"%d" % self._length), *rest]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Refusal):
            return NotImplemented
        return (self.status, self.headers, self.body) == (other.status, other.headers, other.body)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # as a list has none

    def __repr__(self) -> str:
        # Without the body, which is long, and may name a contact.
        return f"Refusal(status={self.status}, reason_phrase={self.reason_phrase!r}, headers={self.headers})"


class Text:
    """A body but for what differs from one request to the next: the request id, and in a page the path.

    Args:
        kind: the media type.
        text: the body, with `HERE` where the id goes, escaped as the id will be.
        escape: how the id is written in it; None: it is not told here.
        more: header fields that go with it.
        path: returns the path of a request, for a text that has `PATH` where it goes, before the id; None: it has not.
    """

    __slots__ = ("_after", "_before", "_escape", "_lead", "_path", "kind", "more")

    def __init__(
        self,
        kind: str,
        text: str,
        escape: Callable[[str], str] | None = None,
        *more: tuple[str, str],
        path: Callable[[RequestView], str] | None = None,
    ) -> None:
        lead, _, text = ("", "", text) if path is None else text.rpartition(PATH)
        self._lead = lead.encode()
        self._path = path
        # The id comes last of all that is not fixed: an address of the documentation may look like the mark in JSON.
        before, _, after = (text, "", "") if escape is None else text.rpartition(escape(HERE))
        self._before = before.encode()
        self._after = after.encode()
        self._escape = escape
        self.kind: tuple[str, str] = ("Content-Type", kind)
        self.more: tuple[tuple[str, str], ...] = more

    def body(self, request_id: str, view: Callable[[], RequestView] | None = None) -> bytes:
        """Return the body.

        Args:
            request_id: by which the operator finds the log entry.
            view: makes the view of the request, whose path stands in some bodies; None: it is not at hand.
        """
        before = self._before
        if self._path is not None and view is not None:
            before = b"%b%b%b" % (self._lead, self._path(view()).encode(), before)
        if self._escape is None:
            return before
        # Ids are letters and digits, except those of `Guard(request_id=...)` and of clients.
        plain = request_id.isascii() and request_id.isalnum()
        return b"%b%b%b" % (before, (request_id if plain else self._escape(request_id)).encode(), self._after)


class Prepared:
    """A refusal but for the request id, and for the length that depends on it.

    Args:
        status: the status code.
        reason_phrase: the words that go with it.
        text: the body.
        fields: the header fields, but for those of the body.
    """

    __slots__ = ("_octets", "_text", "fields", "reason_phrase", "status")

    def __init__(self, status: int, reason_phrase: str, text: Text, fields: Iterable[tuple[str, str]]) -> None:
        self.status: int = status
        self.reason_phrase: str = reason_phrase
        self._text = text
        self.fields: tuple[tuple[str, str], ...] = (text.kind, *text.more, *fields)
        self._octets: tuple[tuple[bytes, bytes], Octets] | None = None

    @property
    def octets(self) -> tuple[tuple[bytes, bytes], Octets]:
        """The first header field and the others, encoded when they are first asked for: WSGI never does."""
        known = self._octets
        if known is None:
            first, *rest = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.fields]
            known = self._octets = first, rest
        return known

    def refusal(self, request_id: str, *, content: bool, view: Callable[[], RequestView] | None = None) -> Refusal:
        """Return the response.

        Args:
            request_id: by which the operator finds the log entry.
            content: whether the content is sent, which it is not in answer to HEAD.
            view: as in `Text.body`.
        """
        body = self._text.body(request_id, view)
        return Refusal(self, len(body), body if content else b"")


__all__ = ["HERE", "HTML", "JSON", "MARKDOWN", "PATH", "PLAIN", "PROBLEM", "TEXT", "Headers", "Octets", "Prepared", "Refusal", "Text"]
