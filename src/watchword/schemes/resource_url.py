"""Checks the URLs of a configuration that clients compare with theirs, character by character (RFC 9728 §3.3, RFC 8414 §3.3)."""

from __future__ import annotations

import re
from typing import Final

from watchword.url import is_loopback
from watchword.validators import invalid

LONGEST: Final = 2048
"""Characters of a URL: clients and proxies cut longer ones."""

_MUST: Final = "be an absolute https URL without user name and fragment (RFC 9728 §1.2)"
# RFC 3986 §3, narrowed to what has one spelling: lower case, and no character that a client might write in another way.
_HOST: Final = r"\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?"
_CHARACTER: Final = r"[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-F]{2}"
_URL: Final = re.compile(rf"(https?)://({_HOST})(?::([1-9][0-9]{{0,4}}))?(/(?:{_CHARACTER})*)?(?:\?((?:{_CHARACTER}|\?)*))?")
_DEFAULT_PORTS: Final = {"https": "443", "http": "80"}
_LAST_PORT: Final = 65535


class UrlParts:
    """The parts of a URL of the configuration.

    Args:
        origin: scheme, host and port.
        path: with its leading slash.
        query: without the question mark; None: the URL has no query.
        is_local: whether the host is this machine.
    """

    __slots__ = ("is_local", "origin", "path", "query")

    def __init__(self, origin: str, path: str, query: str | None, *, is_local: bool) -> None:
        self.origin: str = origin
        self.path: str = path
        self.query: str | None = query
        self.is_local: bool = is_local


def check_url(argument: str, value: object) -> UrlParts:
    """Return the parts of a URL that clients compare with theirs.

    Args:
        argument: where it was given.
        value: what was given.

    Raises:
        ConfigurationError: it is not such a URL. `http` is for this machine alone: over the network another server could answer.
    """
    # Only the spelling that every client produces: one that compares octets would refuse the document otherwise (RFC 9728 §3.3).
    match = _URL.fullmatch(value) if isinstance(value, str) and len(value) <= LONGEST else None
    if match is None:
        is_upper = isinstance(value, str) and len(value) <= LONGEST and _URL.fullmatch(value.lower()) is not None
        raise invalid(argument, _MUST, value, "Write scheme and host in lower case, as clients compare them." if is_upper else "")
    scheme, host, port, path, query = match.groups()
    # RFC 3986 §6.2.3: the default port may be left out, so a URL with it has two spellings.
    if port is not None and (int(port) > _LAST_PORT or port == _DEFAULT_PORTS[scheme]):
        raise invalid(argument, _MUST, value, "Leave the port out where it is the default one: clients leave it out.")
    is_local = is_loopback(host)
    # Identifiers are https (RFC 9728 §1.2): otherwise the network could send clients to another authorization server.
    if scheme == "http" and not is_local:
        raise invalid(argument, _MUST, value, "Use https: http is accepted for this machine alone, such as http://localhost:8000.")
    if any(segment in {".", ".."} for segment in (path or "").split("/")):
        raise invalid(argument, _MUST, value, "Leave out dot segments: clients remove them (RFC 3986 §6.2.2.3).")
    return UrlParts(f"{scheme}://{host}{'' if port is None else f':{port}'}", path or "/", query, is_local=is_local)


__all__ = ["LONGEST", "UrlParts", "check_url"]
