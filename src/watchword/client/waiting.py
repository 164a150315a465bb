"""Reads how long to wait: the field Retry-After, in seconds or as a date (RFC 9110 §10.2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from watchword.client.response import ResponseView
    from watchword.clock import Clock

MAX_WAIT: Final = 86_400
"""The longest wait, in seconds. A server that names a longer one could stop a program for ever."""

_LONGEST: Final = 64  # characters; an IMF-fixdate has 29


def retry_after(view: ResponseView, clock: Clock) -> int | None:
    """Return for how many whole seconds to wait, from 0 to `MAX_WAIT`; None: the server does not say, or not in one of the two forms.

    A date is compared with the `Date` of the same response: both are by the clock of the server.

    Args:
        view: the response; untrusted.
        clock: tells the time where the response has no `Date`.
    """
    value = (view.one("retry-after") or "").strip(" \t")
    if value.isascii() and value.isdigit():
        # Long digits are not converted: that is quadratic (CVE-2020-10735).
        digits = value.lstrip("0") or "0"
        return MAX_WAIT if len(digits) > len(str(MAX_WAIT)) else min(int(digits), MAX_WAIT)
    until = http_date(value)
    if until is None:
        return None
    now = http_date((view.one("date") or "").strip(" \t"))
    left = until - (clock.now() if now is None else now)
    return int(min(max(0.0, left), MAX_WAIT))


def http_date(text: str) -> float | None:
    """Return an HTTP-date as Unix seconds (RFC 9110 §5.6.7); None: it is none.

    Args:
        text: the value of a field, without whitespace around it; untrusted.
    """
    if not text or len(text) > _LONGEST:
        return None
    from calendar import timegm
    from email.utils import parsedate_to_datetime  # few servers send a date

    try:
        return float(timegm(parsedate_to_datetime(text).utctimetuple()))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


__all__ = ["MAX_WAIT", "http_date", "retry_after"]
