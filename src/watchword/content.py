"""Bounds the content that the guard reads before the application does."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from watchword.errors import WatchwordError
from watchword.operation import Operation
from watchword.reason import Reason

ContentReader: TypeAlias = Callable[[int], Operation[bytes | None]]
"""Returns the operation that reads the content, up to one octet beyond a limit, and keeps it for the application. Its result is None where
the content cannot be read whole. It raises `ContentInPieces` where the content comes in too many pieces."""

MAX_PIECES = 2048
"""The number of pieces in which content may come. A client that sends octet by octet makes each cost a turn of the event loop."""

_LEAST_PIECE = 512  # octets of content on the average; a packet of IPv4 holds more


def most_pieces(limit: int) -> int:
    """Return the number of pieces in which content may come: `MAX_PIECES`, or more where the limit is greater than so many packets.

    Args:
        limit: the greatest number of octets that are read.
    """
    return max(MAX_PIECES, limit // _LEAST_PIECE)


class ContentInPieces(WatchwordError):
    """Raised where the content comes in more than `most_pieces` pieces, which would cost too much; the guard answers 413."""


class Body(NamedTuple):
    """The content of a refusal in the terms of a protocol, in place of the guard's own.

    Args:
        media_type: such as `"application/json"`.
        text: the content. What a client sent is in it only where the protocol demands it, and bounded.
    """

    media_type: str
    text: str


class ContentError(WatchwordError):
    """Raised by a requirement for content that it cannot read in one way only; the guard answers 400.

    Args:
        detail: why, for the operator; without the content.
        reason: the reason code.
        body: what the client gets in place of the guard's own content; None: the guard's own.
    """

    def __init__(self, detail: str, *, reason: Reason = Reason.MALFORMED_CONTENT, body: Body | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.body = body
