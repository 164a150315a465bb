"""Parses comma-separated lists: the `#rule` extension of RFC 9110 §5.6.1, with a bounded number of empty elements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.errors import GrammarError
from watchword.grammar.limits import MAX_EMPTY_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

# *( OWS "," ) OWS, with at least one comma
_COMMAS: Final = re.compile(rb"(?:[ \t]*+,)++[ \t]*+")

# The text between two separators: quoted-strings, the last of which may be cut off by the end of the data, and other octets. One match
# for each element, because a client chooses the number of quotes.
_ELEMENTS: Final = {
    separator: re.compile(rb'(?:"(?:[^"\\]++|\\.)*+"?|[^"' + separator + rb"]++)*+", re.DOTALL) for separator in (b",", b";")
}


# RFC 9110, Section 5.6.1.2
#   #element => [ element ] *( OWS "," OWS [ element ] )
def parse_list(data: bytes, pos: int, consume: Callable[[bytes, int], int]) -> None:
    """Walk the elements of a list that reaches from `pos` to the end of `data` (RFC 9110 §5.6.1.2).

    Args:
        data: the field value; it does not end in OWS.
        pos: where the list starts.
        consume: called with `(data, pos)` at each element that is not empty; answers the position after it.

    Raises:
        GrammarError: something other than a comma follows an element, or more than `MAX_EMPTY_ELEMENTS` elements are empty;
            and any exception of `consume`.
    """
    # A recipient must ignore a reasonable number of empty elements, which old senders make (RFC 9110 §5.6.1.2).
    # The rest are refused: 8,000 commas are an attack.
    pos, empty = _skip_commas(data, pos)
    while pos < len(data):
        pos, commas = _skip_commas(data, consume(data, pos))
        if pos < len(data):
            if not commas:
                raise GrammarError("a comma", pos)
            commas -= 1  # this one stands between two elements
        empty += commas
    if empty > MAX_EMPTY_ELEMENTS:
        raise GrammarError(f"at most {MAX_EMPTY_ELEMENTS} empty list elements", pos)


def _skip_commas(data: bytes, pos: int) -> tuple[int, int]:
    """Return the position after `*( OWS "," ) OWS` and the number of commas; without a comma, `pos` itself."""
    match = _COMMAS.match(data, pos)
    return (pos, 0) if match is None else (match.end(), match[0].count(b","))


def split_outside_quotes(data: bytes, separator: bytes, most: int = -1) -> list[bytes]:
    """Split at a separator, "," or ";", that no quoted-string contains; a quoted-string left open reaches to the end.

    For readers that skip malformed parts; it takes any input and checks nothing.

    Args:
        data: untrusted.
        separator: a comma or a semicolon.
        most: how many splits are made at most, as in `bytes.split`: the last part is the rest. -1: any number.
    """
    if b'"' not in data:
        return data.split(separator, most)
    elements = _ELEMENTS[separator]
    parts: list[bytes] = []
    start = 0
    while len(parts) != most:
        end = elements.match(data, start).end()  # type: ignore[union-attr]  # it matches the empty string too
        if end == len(data):
            break
        parts.append(data[start:end])
        start = end + 1
    parts.append(data[start:])
    return parts
