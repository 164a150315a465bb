"""The page that a person sees: plain, readable on a phone, without script; what happened and what to do next."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchword.reasons import Words

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;font:1.125rem/1.6 system-ui,sans-serif}"
    "main{max-width:34rem;margin:0 auto;padding:clamp(2rem,12vh,8rem) 1.25rem 2rem;overflow-wrap:anywhere}"
    "h1{margin:0 0 1rem;font-size:1.75rem;line-height:1.2}"
    "p{margin:0 0 1rem}"
    ".next{padding-left:1rem;border-left:.25rem solid #2f6fdb}"
    "footer{margin-top:2.5rem;font-size:.9375rem;opacity:.75}"
)

_DIGEST = b64encode(sha256(_STYLE.encode()).digest()).decode()
# The one style on the page is allowed by its digest; nothing else loads, runs or frames.
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def page(status: int, words: Words, *, wait: int | None, contact: str | None, request_id: str) -> str:
    """Return the page.

    Args:
        status: the status code.
        words: what to say.
        wait: seconds after which a new try makes sense; 0 or None: nothing to wait for.
        contact: whom to ask; None: the page names no contact.
        request_id: by which the operator finds the log entry; empty: none.

    Returns:
        HTML. Everything that is not a constant of this library is escaped.
    """
    pause = f"<br>Wait at least {_duration(wait)}." if wait else ""
    ask = "" if contact is None else f"<p>For help: {_contact(contact)}</p>"
    reference = f" &middot; Reference {escape(request_id)}" if request_id else ""
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(words.title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>{escape(words.title)}</h1>\n"
        f"<p>{escape(words.happened)}</p>\n"
        f'<p class="next">{escape(words.next_step)}{pause}</p>\n'
        f"{ask}"
        f"<footer>Error {status}{reference}</footer></main></body></html>\n"
    )


def _contact(contact: str) -> str:
    shown = escape(contact)
    if contact.startswith(("https://", "http://", "mailto:")):
        return f'<a href="{shown}">{shown.removeprefix("mailto:")}</a>'
    if "@" in contact and " " not in contact:
        return f'<a href="mailto:{shown}">{shown}</a>'
    return shown


def _duration(seconds: int) -> str:
    """Return a time in the unit in which people count it, rounded up: each up to two of the next."""
    if seconds < 120:  # noqa: PLR2004 - as above
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = -(-seconds // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{-(-minutes // 60)} hours"  # noqa: PLR2004 - as above
