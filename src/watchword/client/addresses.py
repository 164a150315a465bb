"""Reads the addresses that a response names. A server is believed about itself alone, so each one says whether it is of the same origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchword.url import Url, came_from, linked_url

if TYPE_CHECKING:
    from watchword.client.response import ResponseView

# Stands for a response of unknown origin: nothing is of its origin, and it may not lead to this machine.
_NOWHERE = Url("https", "", 443, "/", "", local=False)


@dataclass(frozen=True, slots=True)
class Address:
    """An https URL that a response names; `http` is accepted for this machine alone, where the response came from this machine.

    Args:
        url: the URL, absolute. It is untrusted: the server chose it.
        same_origin: whether it has the scheme, host and port of the response. Credentials of the user belong to one origin; send them to
            another one only where the user, or the configuration, has named it.
    """

    url: str
    same_origin: bool

    def __str__(self) -> str:
        """Return the URL."""
        return self.url


def origin_of(url: str) -> str | None:
    """Return scheme, host and port of a URL over https or http, as RFC 6454 §6.2 writes them; None: the URL cannot be read in one way only.

    Args:
        url: any text.
    """
    found = came_from(url)
    return None if found is None else found.origin


def address_of(reference: object, view: ResponseView) -> Address:
    """Return an address that a response names.

    Args:
        reference: an absolute URL, or a reference relative to that of the response (RFC 3986 §4.2); untrusted. Its fragment is left out.
        view: the response.

    Raises:
        ValueError: it is neither, or leads over plain http, or to this machine from another one. The message holds nothing of it.
    """
    base = came_from(view.url) or _NOWHERE
    found = linked_url(_absolute(reference, base), base)
    return Address(found.text, base is not _NOWHERE and found.origin == base.origin)


def _absolute(reference: object, base: Url) -> object:
    if not isinstance(reference, str):
        return reference
    text = reference.partition("#")[0]
    if "://" in text.partition("?")[0] or base is _NOWHERE:
        return text
    # `urljoin` drops tabs and line breaks without a word, and a browser reads a backslash as a slash.
    if not text.isascii() or not text.isprintable() or "\\" in text or " " in text:
        raise ValueError("of printable ASCII without spaces and backslashes")
    from urllib.parse import urljoin

    return urljoin(base.text, text)


__all__ = ["Address", "address_of", "origin_of"]
