"""Defines the style of the page, and the policy that allows this style and nothing else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

STYLE: Final = (
    ":root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--soft:#57606a;--mark:#0b57d0;--on:#fff}"
    "@media(prefers-color-scheme:dark){:root{--back:#15181c;--text:#e6e8eb;--soft:#a8b0ba;--mark:#8ab4f8;--on:#0b1a33}}"
    "body{margin:0;background:var(--back);color:var(--text);font:1.125rem/1.6 system-ui,sans-serif}"
    "main{max-width:34rem;margin:0 auto;padding:clamp(2rem,12vh,8rem) 1.25rem 2rem;overflow-wrap:anywhere}"
    ".service{display:flex;gap:.75rem;align-items:center;color:var(--soft)}"
    ".service img{height:2.5rem}"
    "h1{margin:0 0 1rem;font-size:1.75rem;line-height:1.2}"
    "p{margin:0 0 1rem}"
    ".next{padding-left:1rem;border-left:.25rem solid var(--mark)}"
    "a{color:var(--mark)}"
    ".action{display:inline-block;padding:.5rem 1.25rem;border:1px solid transparent;border-radius:.375rem;"
    "background:var(--mark);color:var(--on);font-weight:600;text-decoration:none}"
    ".action:hover{text-decoration:underline}"
    "a:focus-visible{outline:.1875rem solid var(--mark);outline-offset:.1875rem}"
    ".more a{margin-right:1.25rem}"
    "footer{margin-top:2.5rem;font-size:.9375rem;color:var(--soft)}"
)
"""The style of every page."""

LONGEST_COUNTDOWN: Final = 3600  # seconds: a person does not watch a page for longer

# A registered property is animated as a whole number, and a counter shows it: no script runs. The first rule makes minutes of seconds: to
# a whole number a value is rounded, so that half of one is taken off.
_COUNTDOWN: Final = (
    '@property --left{{syntax:"<integer>";inherits:true;initial-value:0}}'
    '@property --minutes{{syntax:"<integer>";inherits:true;initial-value:0}}'
    "@keyframes left{{from{{--left:{wait}}}to{{--left:0}}}}"
    ".left{{animation:left {wait}s steps({wait}) forwards;font-size:1.75rem;font-variant-numeric:tabular-nums}}"
    ".left::after{{--minutes:max(calc(var(--left)/60 - .5),0);counter-reset:m var(--minutes) s calc(var(--left) - var(--minutes)*60);"
    'content:counter(m) ":" counter(s,decimal-leading-zero)}}'
    "@media(prefers-reduced-motion:reduce){{.left{{display:none}}}}"
)


def countdown(wait: int | None) -> str:
    """Return the style of a countdown; empty: there is nothing to count.

    Args:
        wait: seconds.
    """
    return _COUNTDOWN.format(wait=wait) if wait is not None and 0 < wait <= LONGEST_COUNTDOWN else ""


def policy(*styles: str, images: str = "") -> str:
    """Return the Content-Security-Policy of a page: its styles are allowed by their digests, and nothing else loads, runs or frames.

    Args:
        styles: those of the page.
        images: from where its logo comes; empty: it has none.
    """
    digests = " ".join(f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" for style in styles)
    return (
        f"default-src 'none'; style-src {digests}; {f'img-src {images}; ' if images else ''}"
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
