"""Parses JSON that has exactly one reading (RFC 8259, as RFC 7493 narrows it).

The `json` module keeps the last of two equal members, takes NaN and 1e999, guesses UTF-16, and leaves by RecursionError or by the limit of
Python on digits. Two readers of such a text see two documents: what one verifies, the other does not use. This reader accepts what every
reader reads alike, and counts brackets and digits, in C, before a value is made.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from math import isfinite
from typing import Any, Final, NoReturn

from watchword.errors import FieldTooLong, GrammarError

DEPTH: Final = 32
"""The default bound on the nesting of arrays and objects. Claims of identity providers nest 4 deep."""

_MOST_IN_NUMBER: Final = 64
"""The length of a number. The longest that a double needs has 24 characters. An integer of 64 digits is still a finite double, so no
comparison or addition of a number can overflow."""

# Every opening quote matches, at the end of the text too: a text of quotes without their ends would be scanned from each of them otherwise.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.?+)*+"?+', re.DOTALL)
_LONG_NUMBER: Final = re.compile(rb"(?<![-+.0-9Ee])[-+.0-9Ee]{%d}" % (_MOST_IN_NUMBER + 1))
_FOREIGN: Final = re.compile(rb"[^\t\n\r -~]")
_SURROGATE: Final = re.compile(rb"\\u[dD][89A-Fa-f]")
_NATIVE: Final = bytes(octet for octet in range(256) if _FOREIGN.match(bytes([octet])) is None)
_RUN: Final = b"0" * (_MOST_IN_NUMBER + 1)
_RUNS: Final = bytes(0x30 if octet in b"-+.0123456789Ee" else 0x20 for octet in range(256))
_STEPS: Final = bytes.maketrans(b"{}[]", b"\x01\xff\x01\xff")  # as signed octets: one deeper, one higher
_NOT_BRACKETS: Final = bytes(octet for octet in range(256) if octet not in b"{}[]")


def parse_json(octets: bytes, *, limit: int, depth: int = DEPTH) -> Any:  # noqa: ANN401 - the value is what was sent
    """Parse a JSON text in UTF-8 that every parser reads alike.

    Args:
        octets: the text, from an untrusted source.
        limit: the longest text to be read, in octets.
        depth: how deep arrays and objects may be nested.

    Returns:
        A value of `dict`, `list`, `str`, `int`, `float`, `bool` and `None`. Numbers are finite, and integers below 10**64. Strings can be
        encoded.

    Raises:
        FieldTooLong: there are more than `limit` octets.
        GrammarError: the text is not JSON or not UTF-8, begins with a byte order mark, repeats a member of an object, is nested too deep,
            has a number that is too long or that no double holds, or half of a surrogate pair. The position is 0 where the fault has none.
            Text of the source is in no error.
    """
    if len(octets) > limit:
        raise FieldTooLong(limit)
    # UTF-8 before `json` sees it: on octets it guesses UTF-16 and UTF-32, which RFC 8259 §8.1 rules out.
    text = _decoded(octets)
    _check_shape(octets, depth)
    value = _parsed(text)
    # Only an escape can make one, since UTF-8 holds none (RFC 3629 §3). So most texts are not encoded again.
    if _SURROGATE.search(octets) is not None:
        _check_surrogates(value)
    return value


def parse_json_object(octets: bytes, *, limit: int, depth: int = DEPTH) -> dict[str, Any]:
    """Parse a JSON text that is an object; see `parse_json`.

    Args:
        octets: the text, from an untrusted source.
        limit: the longest text to be read, in octets.
        depth: how deep arrays and objects may be nested; the object itself counts.

    Raises:
        FieldTooLong: there are more than `limit` octets.
        GrammarError: as `parse_json`, and where the value is not an object.
    """
    value = parse_json(octets, limit=limit, depth=depth)
    if not isinstance(value, dict):
        raise GrammarError("a JSON object", 0)
    return value


def _decoded(octets: bytes) -> str:
    """Return the text. The byte order mark is refused by the parser: it is not JSON whitespace (RFC 8259 §8.1)."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        position = error.start
    # Raised outside of the except clause: the UnicodeDecodeError, as __context__, would carry the text, which may be a secret.
    raise GrammarError("UTF-8", position)


def _check_shape(octets: bytes, depth: int) -> None:
    """Refuse deep nesting and long numbers, in a fixed number of passes over the text, whatever is in it."""
    # Most texts hold nothing of the kind, not even in their strings, which then need not be found.
    few = octets.count(b"{") + octets.count(b"[") <= depth
    if few and not octets.translate(None, _NATIVE) and _RUN not in octets.translate(_RUNS):
        return
    bare = _STRING.sub(b"", octets)
    # Strings out first: brackets and digits in them nest nothing.
    # Outside of strings JSON is ASCII. Python's own parser takes other digits where its C part is missing.
    if _FOREIGN.search(bare) is not None:
        raise GrammarError("JSON", 0)
    # Conversion of digits is quadratic (CVE-2020-10735), and Python's own limit raises a ValueError that is not a decoding error.
    if _LONG_NUMBER.search(bare) is not None:
        raise GrammarError(f"numbers of at most {_MOST_IN_NUMBER} characters", 0)
    # Brackets that do not match are left to the parser, which goes no deeper than they open.
    steps = memoryview(bare.translate(_STEPS, _NOT_BRACKETS)).cast("b")
    if max(accumulate(steps), default=0) > depth:
        raise GrammarError(f"arrays and objects nested at most {depth} deep", 0)


def _parsed(text: str) -> Any:  # noqa: ANN401 - the value is what was sent
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        position = len(text[: error.pos].encode())
    except RecursionError:  # pragma: no cover - the caller's stack was nearly full; the nesting is bounded above
        position = 0
    # Outside of the except clause, because the JSONDecodeError carries the text.
    raise GrammarError("JSON", position)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # RFC 8259 §4 leaves the meaning open, RFC 7493 §2.3 forbids it.
        raise GrammarError("members of distinct names", 0)
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    # `1e999` becomes infinity, and an expiry of infinity never comes.
    if not isfinite(number):
        raise GrammarError("a number that a double can hold", 0)
    return number


def _no_constant(_: str) -> NoReturn:
    raise GrammarError("a JSON number", 0)  # NaN, Infinity and -Infinity are not JSON (RFC 8259 §6)


def _check_surrogates(value: object) -> None:
    """Refuse half a surrogate pair: it has no encoding, so logging, hashing or storing the text would fail (RFC 7493 §2.1)."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        pass
    else:
        return
    raise GrammarError("whole surrogate pairs", 0)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_float=_finite, parse_constant=_no_constant)
