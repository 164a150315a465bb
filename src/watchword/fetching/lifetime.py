"""Reads for how long an answer may be reused (RFC 9111 §4.2)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# RFC 9111 §5.2: a token with an argument, which may be quoted. A quoted comma separates nothing.
_DIRECTIVE: Final = re.compile(r'\s*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)(?:=(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]*+)))?\s*(?:,|$)')
_SECONDS: Final = re.compile(r"[0-9]{1,10}")  # RFC 9111 §1.2.2: what is greater counts as the greatest
_FOREVER: Final = 1 << 31
_LONGEST: Final = 2048  # characters of a field that are looked at


def lifetime_of(fields: Mapping[str, str]) -> float | None:
    """Return for how many seconds an answer is fresh when it comes; None: its server does not say.

    Args:
        fields: the fields of the answer, names in lower case; untrusted.

    Returns:
        0 or more. What contradicts itself, or cannot be read, counts as stale (RFC 9111 §4.2.1). Private caches do not heed `s-maxage`.
    """
    directives = _directives(fields.get("cache-control", "")[:_LONGEST])
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    if "max-age" in directives:
        return float(max(0, directives["max-age"] - _seconds(fields.get("age", "0"))))
    if "expires" in fields:
        return _until(fields["expires"], fields.get("date", ""))
    return None


def _directives(field: str) -> dict[str, int]:
    """Return the directives, each with its number; 0: it has none. Of two equal ones the smaller counts."""
    found: dict[str, int] = {}
    for match in _DIRECTIVE.finditer(field):
        name = match[1].lower()
        number = _seconds(match[2] or match[3] or "", unreadable=0)
        found[name] = min(number, found.get(name, number))
    return found


def _seconds(text: str, unreadable: int = _FOREVER) -> int:
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(int(text), _FOREVER)
    return _FOREVER if text.isascii() and text.isdigit() else unreadable


def _until(expires: str, date: str) -> float | None:
    # By the clock of the server on both sides: ours may be wrong.
    try:
        end = parsedate_to_datetime(expires)
    except (ValueError, TypeError, OverflowError):
        return 0.0  # RFC 9111 §5.3: "0" and other invalid dates are in the past
    try:
        return max(0.0, (end - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


__all__ = ["lifetime_of"]
