"""Defines what a server answered, and reads its content within a bound."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from watchword.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchword.url import Url

RETRY_AFTER: Final = 5
_MOST_PIECES: Final = 16_384
"""Chunks of an answer. A server that sends each name and value of its JSON alone needs a few thousand."""
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered; untrusted.

    Args:
        url: what was asked.
        status: the status code; no redirect.
        fields: lower-case names to values; repeated fields are joined by commas (RFC 9110 §5.3).
        content: the content, within the bound.
    """

    url: Url
    status: int
    fields: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The media type, lower case and without parameters; empty: none was stated."""
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether the media type is one of JSON (RFC 6839 §3.1)."""
        kind = self.media_type
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    def failed(self, what: str, *, retry_after: int = RETRY_AFTER) -> Unavailable:
        """Return the outage that this answer is.

        Args:
            what: what is wrong with it, and the fix; nothing of the content.
            retry_after: whole seconds.
        """
        return Unavailable(f"{self.url}: {what}", retry_after=retry_after)


class NoAnswer(Unavailable):
    """There was no whole answer: the server is silent, cannot be reached, or its certificate is not valid.

    Args are those of `Unavailable`.
    """


class Head:
    """Status and fields of an answer whose content has still to come.

    Args:
        url: what was asked.
        status: the status code.
        fields: names and values as they came.
        limit: the longest content, in octets.

    Raises:
        Unavailable: it is a redirect, is encoded, or says that it is too long.
    """

    def __init__(self, url: Url, status: int, fields: Iterable[tuple[bytes, bytes]], limit: int) -> None:
        joined: dict[str, str] = {}
        for name, value in fields:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            joined[key] = f"{joined[key]}, {text}" if key in joined else text
        self._limit = limit
        self._answer = Fetched(url, status, MappingProxyType(joined), b"")
        self._check()

    def _check(self) -> None:
        answer = self._answer
        if answer.status in _REDIRECTS:
            # Where it leads is not followed and not shown: the server that answers chose it (threats T3).
            raise answer.failed(f"it redirects ({answer.status}), and redirects are not followed. Configure the URL that it leads to.")
        # A few octets of gzip stand for gigabytes. None was asked for.
        if answer.fields.get("content-encoding", "identity").strip().lower() != "identity":
            raise answer.failed("its content is compressed, although none was asked for. Switch compression off for this URL.")
        length = answer.fields.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > len(str(self._limit)) or int(length) > self._limit:
            raise self.too_long()

    def too_long(self) -> Unavailable:
        """Return the outage for content that is too long."""
        return self.failed(f"its content is longer than {self._limit} octets. Check that the URL is the right one.")

    def failed(self, what: str) -> Unavailable:
        """Return another outage; see `Fetched.failed`."""
        return self._answer.failed(what)

    def with_content(self, content: bytes) -> Fetched:
        """Return the whole answer.

        Args:
            content: the content.
        """
        return Fetched(self._answer.url, self._answer.status, self._answer.fields, content)


class Content:
    """Collects content up to a bound, of its octets and of its pieces: a chunk of one octet costs as much as one of many.

    Args:
        head: what came before it.
        limit: the most octets.
    """

    def __init__(self, head: Head, limit: int) -> None:
        self._head = head
        self._left = limit
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Take a piece.

        Args:
            piece: as it was read.

        Raises:
            Unavailable: it is too much.
        """
        self._left -= len(piece)
        if self._left < 0:
            raise self._head.too_long()
        if len(self._pieces) == _MOST_PIECES:
            raise self._head.failed(f"its content comes in more than {_MOST_PIECES} pieces. Check that the URL is the right one.")
        self._pieces.append(piece)

    def whole(self) -> Fetched:
        """Return the answer with all of its content."""
        return self._head.with_content(b"".join(self._pieces))


__all__ = ["RETRY_AFTER", "Content", "Fetched", "Head", "NoAnswer"]
