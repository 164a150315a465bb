"""Finds where a response leads, and where the metadata of a resource is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.url import came_from

if TYPE_CHECKING:
    from watchword.client import ResponseView
    from watchword.url import Url

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
"""Where the metadata of a resource is (RFC 9728 §3)."""


def redirect_of(view: ResponseView) -> Url | None:
    """Return where a response redirects to; None: it does not, or the place cannot be read in one way only.

    Args:
        view: the response; untrusted.
    """
    location = view.one("location")
    if view.status not in _REDIRECTS or not location or not (location.isascii() and location.isprintable()):
        return None
    from urllib.parse import urljoin

    try:
        return came_from(urljoin(view.url, location))
    except ValueError:  # an IPv6 address without its bracket
        return None


def metadata_path(path: str) -> str:
    """Return the path of the metadata of a resource (RFC 9728 §3.1).

    Args:
        path: the path of the resource.
    """
    return WELL_KNOWN if path == "/" else WELL_KNOWN + path


__all__ = ["WELL_KNOWN", "metadata_path", "redirect_of"]
