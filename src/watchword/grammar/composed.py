"""Brings text to one form at a bounded cost for any input: composed for comparisons, and folded for counters (RFC 7617 §2.1, UAX #15)."""

from __future__ import annotations

from unicodedata import category, combining, is_normalized, normalize

MOST_MARKS = 30
"""The greatest number of combining marks in a row; no text of any language has more (UAX #15 §13, the Stream-Safe Text Format)."""

_MOST_READ, _MOST_FOLDED = 4096, 256
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
# Of Default_Ignorable_Code_Point (UAX #44 §5.7) those that are no format characters: joiners, fillers, selectors of variants.
_IGNORABLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)))
)

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


def folded(name: str) -> str:
    """Return what all spellings have in common that some directory takes for one name. For counters: it is no name to look up.

    Case, width, accents, spaces and unseen characters make no difference. Django composes names by Form KC, LDAP ignores case and spaces
    (RFC 4518 §2), and MySQL ignores accents: each spelling with a counter of its own would be another ten guesses.

    Args:
        name: untrusted; the first 256 characters count that are left.
    """
    if name.isascii() and name.isprintable():
        return "".join(name.casefold().split())[:_MOST_FOLDED]
    # Marks first: long rows of them cost quadratic time in each normal form. One character may become 18 others.
    name = _bare(name[:_MOST_READ])[:_MOST_FOLDED]
    for _ in range(2):
        name = _bare(normalize("NFKD", name)[:_MOST_FOLDED].casefold())
    return "".join(name.casefold().split())[:_MOST_FOLDED]


def _bare(text: str) -> str:
    """Return a text without combining marks, and without characters that are not seen."""
    return "".join(one for one in text if not (combining(one) or one in _MARKS_AT_HEART or one in _IGNORABLE or category(one) in _UNSEEN))


def _is_stream_safe(text: str) -> bool:
    marks = 0
    for character in text:
        marks = marks + 1 if combining(character) or character in _MARKS_AT_HEART else 0
        # Such a text equals only itself. A password of this kind still works, because it was composed by the same function when set.
        if marks > MOST_MARKS:
            return False
    return True
