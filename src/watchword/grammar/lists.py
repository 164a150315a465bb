"""The `#rule` extension of RFC 9110 §5.6.1: comma-separated lists, with empty elements, and never an unbounded number of those."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.errors import GrammarError
from watchword.grammar.limits import MAX_EMPTY_ELEMENTS
from watchword.grammar.rules import skip_ows

if TYPE_CHECKING:
    from collections.abc import Callable

# A quoted-string, which the end of the data may cut off, or one octet that can separate.
_QUOTED_OR_SEPARATOR: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[,;]', re.DOTALL)


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
            besides, whatever `consume` raises.
    """
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
    commas = 0
    while True:
        at = skip_ows(data, pos)
        if data[at : at + 1] != b",":
            return (at if commas else pos), commas
        commas += 1
        pos = at + 1


def split_outside_quotes(data: bytes, separator: bytes) -> list[bytes]:
    """Split at a separator, "," or ";", that no quoted-string contains; a quoted-string left open reaches to the end.

    For readers that skip what they do not understand; it takes anything and checks nothing.
    """
    if b'"' not in data:
        return data.split(separator)
    parts: list[bytes] = []
    start = 0
    for match in _QUOTED_OR_SEPARATOR.finditer(data):
        if match[0] == separator:
            parts.append(data[start : match.start()])
            start = match.end()
    parts.append(data[start:])
    return parts
