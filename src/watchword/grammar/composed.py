"""Composes text to Normalization Form C at a bounded cost for any input (RFC 7617 §2.1, UAX #15)."""

from __future__ import annotations

from unicodedata import combining, is_normalized, normalize

MOST_MARKS = 30
"""The greatest number of combining marks in a row; no text of any language has more (UAX #15 §13, the Stream-Safe Text Format)."""

# Starters (combining class 0) that decompose into combining marks alone. Counted by class, a row of them would look harmless.
_MARKS_AT_HEART = "\u0f73\u0f75\u0f81"


def composed(text: str) -> str:
    """Return a text in Normalization Form C. A text with more than 30 combining marks in a row is returned unchanged.

    Python sorts the marks in a row by exchanging neighbours: for the 3,000 that fit into a header field it takes 50 ms, on the
    event loop, for every request. Both sides of a comparison are composed by this function, so they compare alike.

    Args:
        text: untrusted.
    """
    # ASCII and composed text is its own normal form, as nearly all names are.
    if text.isascii() or is_normalized("NFC", text) or not _is_stream_safe(text):
        return text
    return normalize("NFC", text)


def _is_stream_safe(text: str) -> bool:
    marks = 0
    for character in text:
        marks = marks + 1 if combining(character) or character in _MARKS_AT_HEART else 0
        # Such a text equals only itself. A password of this kind still works, because it was composed by the same function when set.
        if marks > MOST_MARKS:
            return False
    return True
