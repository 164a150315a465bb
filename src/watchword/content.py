"""Bounds the content that the guard reads before the application does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from watchword.errors import WatchwordError
from watchword.operation import Operation

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
