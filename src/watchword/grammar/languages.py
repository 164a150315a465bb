"""Negotiates a language by the Accept-Language field (RFC 9110 §12.5.4), by lookup (RFC 4647 §3.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.grammar.abnf import OWS
from watchword.grammar.accept import parse_weight
from watchword.grammar.octets import lenient_octets

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LANGUAGES: Final = 32
"""Language ranges read in one field. Browsers send fewer than 10."""

MAX_LANGUAGE_OCTETS: Final = 256
"""The length of an Accept-Language field that is read. Browsers send fewer than 100."""

# RFC 4647, Section 2.1
#   language-range = (1*8ALPHA *("-" 1*8alphanum)) / "*"
_RANGE: Final = re.compile(rb"[a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*")
_ANY: Final = b"*"


def preferred_language(accept: str | bytes | None, offered: Sequence[str]) -> str:
    """Choose the language a client likes best among those there are.

    A range is looked up as it is, then without its last part, and so on: `de-CH-1996`, `de-CH`, `de`. A language is excluded by a weight of
    0 for it or for what it begins with.

    Args:
        accept: the value of the Accept-Language field (several joined with commas), from an untrusted source; None: the field is absent.
        offered: at least one language tag in lower case, the default first.

    Returns:
        The member of `offered` that the range of the greatest weight leads to, of equal ones the first. `offered[0]` if no range leads
        to one, if `*` comes before, if the field is absent, or if it is longer than `MAX_LANGUAGE_OCTETS` or `MAX_LANGUAGES` ranges.
        Members of the field that are malformed are skipped. Never raises.
    """
    if accept is None or len(accept) > MAX_LANGUAGE_OCTETS:
        return offered[0]
    members = lenient_octets(accept).split(b",", MAX_LANGUAGES)
    if len(members) > MAX_LANGUAGES:
        return offered[0]
    weights: dict[bytes, float] = {}
    for member in members:
        wanted, semicolon, parameters = member.partition(b";")
        wanted = wanted.strip(OWS).lower()
        weight = parse_weight(parameters)[0] if semicolon else 1.0
        if weight is not None and _RANGE.fullmatch(wanted):
            weights.setdefault(wanted, weight)
    there = {lenient_octets(tag): tag for tag in offered if not _is_excluded(lenient_octets(tag), weights)}
    # `sorted` is stable: of equal weights the first stays first.
    for wanted in sorted((one for one, weight in weights.items() if weight), key=weights.__getitem__, reverse=True):
        if wanted == _ANY:
            break
        found = _look_up(wanted, there)
        if found is not None:
            return found
    return offered[0]


def _is_excluded(tag: bytes, weights: dict[bytes, float]) -> bool:
    return any(weights.get(prefix) == 0 for prefix in _prefixes(tag))


def _look_up(wanted: bytes, there: dict[bytes, str]) -> str | None:
    return next((there[prefix] for prefix in _prefixes(wanted) if prefix in there), None)


def _prefixes(tag: bytes) -> list[bytes]:
    """Return a tag and what is left of it as parts are taken off its end. A single letter, which begins an extension, goes as well."""
    found, parts = [], tag.split(b"-")
    while parts:
        found.append(b"-".join(parts))
        parts.pop()
        if parts and len(parts[-1]) == 1:
            parts.pop()
    return found
