"""Rules for paths that browsers and tools ask for by themselves: `Guard(rules=browser_files | {...})`.

They are plain mappings of a pattern to a requirement. A rule of the application for the same pattern takes the place of theirs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from watchword.authorization import public

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.authorization import Requirement


def _public(paths: Iterable[str]) -> MappingProxyType[str, Requirement]:
    return MappingProxyType({f"GET {path}": public for path in paths})


browser_files: Final[MappingProxyType[str, Requirement]] = _public(
    [
        "/apple-touch-icon-precomposed.png",
        "/apple-touch-icon.png",
        "/favicon.ico",  # HTML Standard §4.6.7.8, Link type "icon"
        "/robots.txt",  # RFC 9309 §2.3
        "/site.webmanifest",
        "/sitemap.xml",
        "/.well-known/security.txt",  # RFC 9116 §3
    ]
)
"""Opens the files that browsers and crawlers ask for without credentials. Otherwise each visit logs a 401."""

api_docs: Final[MappingProxyType[str, Requirement]] = _public(["/docs", "/docs/oauth2-redirect", "/openapi.json", "/redoc"])
"""Opens the documentation pages of FastAPI, their schema, and the page to which an authorization server redirects. They show each route."""


__all__ = ["api_docs", "browser_files"]
