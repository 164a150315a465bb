"""Reads the challenges of a response: several fields, several in one field (RFC 9110 §11.6.1), and those that break the grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from watchword.errors import ConfigurationError, GrammarError
from watchword.grammar import MAX_CHALLENGES, MAX_FIELD_OCTETS, MAX_PARAMETERS, Challenge, is_token, parse_challenges
from watchword.grammar.lists import split_outside_quotes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.client.response import ResponseView

_MOST_ELEMENTS: Final = MAX_CHALLENGES * MAX_PARAMETERS // 8  # of a line that is read leniently
_TCHAR: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"  # RFC 9110 §5.6.2
# A parameter, quoted or not; what stands between two of them is skipped. It begins where a token does: a line of one long token would be
# scanned from each of its characters otherwise.
_PARAMETER: Final = re.compile(
    rb"(?<!%b)(%b++)[ \t]*+=[ \t]*+" % (_TCHAR, _TCHAR) + rb"""(?:"((?:[^"\\]++|\\.)*+)"?|([^\s,"]++))""", re.DOTALL
)
_NAME: Final = re.compile(rb"[ \t]*+(%b++)(?:[ \t]++|$)(?!=)" % _TCHAR)
_NOT_TEXT: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Challenges:
    """The challenges of a response.

    Args:
        found: the challenges in the order sent, at most 64.
        faults: what breaks the grammar, in words, by line; empty: nothing does.
        lines: how many fields there were.
        joined: whether a line holds more than one challenge, which is legal, and read wrongly by many clients (RFC 9110 §11.6.1).
    """

    found: tuple[Challenge, ...] = ()
    faults: tuple[str, ...] = ()
    lines: int = 0
    joined: bool = False


def read_challenges(view: ResponseView, *, proxy: bool = False) -> Challenges:
    """Read the challenges of a response. What breaks the grammar is read as well as it can be, and named in `faults`.

    Args:
        view: the response; untrusted.
        proxy: read `Proxy-Authenticate` in place of `WWW-Authenticate`.

    Returns:
        The challenges. Never raises.
    """
    name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
    lines = view.all(name)
    found: list[Challenge] = []
    faults: list[str] = []
    joined = False
    for number, line in enumerate(lines[:MAX_CHALLENGES], 1):
        try:
            these = parse_challenges(line)
        except GrammarError as error:
            faults.append(f"{name}, line {number} of {len(lines)}: {error}")
            these = list(islice(_lenient(line[:MAX_FIELD_OCTETS].encode("latin-1", "replace")), MAX_CHALLENGES + 1))
        joined = joined or len(these) > 1
        found += these
        if len(found) > MAX_CHALLENGES:
            break
    if len(lines) > MAX_CHALLENGES or len(found) > MAX_CHALLENGES:
        faults.append(f"{name}: more than {MAX_CHALLENGES} challenges; the rest was left out")
    return Challenges(tuple(found[:MAX_CHALLENGES]), tuple(faults), len(lines), joined)


def _lenient(line: bytes) -> Iterator[Challenge]:
    """Yield the challenges of a line that breaks the grammar: a missing comma, a repeated parameter, a quote left open."""
    scheme, params = "", dict[str, str]()
    for element in split_outside_quotes(line, b",", _MOST_ELEMENTS)[:_MOST_ELEMENTS]:
        start = _NAME.match(element)
        if start is not None:
            yield from _made(scheme, params)
            scheme, params = start[1].decode("ascii"), {}
        for match in _PARAMETER.finditer(element, 0 if start is None else start.end()):
            value = re.sub(rb"\\(.)", rb"\1", match[2], flags=re.DOTALL) if match[2] is not None else match[3]
            # The first one counts: a later one may have been added by what stands in front.
            if len(params) < MAX_PARAMETERS:
                params.setdefault(match[1].decode("ascii").lower(), _NOT_TEXT.sub(b"", value).decode("latin-1"))
    yield from _made(scheme, params)


def _made(scheme: str, params: dict[str, str]) -> Iterator[Challenge]:
    if is_token(scheme):
        try:
            yield Challenge(scheme, params)
        except ConfigurationError:  # pragma: no cover - the patterns above admit what a challenge may hold
            return


__all__ = ["Challenges", "read_challenges"]
