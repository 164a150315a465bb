"""Parses URLs of servers. Anything that two parsers could read in two ways is refused (RFC 3986, RFC 9110 §4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from watchword.networks import parse_address
from watchword.validators import invalid

_LONGEST: Final = 2048  # characters
_PORTS: Final = {"https": 443, "http": 80}
# Neither userinfo, fragment, backslash nor IPv6 zone: none of them is in these sets.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?"
)
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")  # RFC 3986 §2.2, §2.3


@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """A URL that may be fetched.

    Args:
        scheme: `"https"`, or `"http"` for this machine; `"http"` of any machine where `came_from` made it.
        host: a name or an address, lower case; an IPv6 address without its brackets.
        port: the port.
        path: the path, never empty.
        query: the query with its question mark, or empty. It may hold a secret, so it is never shown.
        local: whether addresses of this machine may be connected to, because the operator named it.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str
    local: bool

    @property
    def authority(self) -> str:
        """Host and port, as the Host field has them (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454 §6.2)."""
        return f"{self.scheme}://{self.authority}"

    @property
    def target(self) -> str:
        """Path and query."""
        return self.path + self.query

    @property
    def text(self) -> str:
        """The whole URL."""
        return self.origin + self.target

    def __str__(self) -> str:
        """Return the URL for people: without its query."""
        return self.origin + self.path

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    def beside(self, path: str) -> Url:
        """Return a URL of the same server.

        Args:
            path: the path.
        """
        return Url(self.scheme, self.host, self.port, path, "", self.local)


def configured_url(argument: str, value: object) -> Url:
    """Return a URL that the operator gave.

    Args:
        argument: where it was given.
        value: what was given.

    Raises:
        ConfigurationError: it is no https URL, or one with a user name or a fragment. `http` is for this machine alone.
    """
    try:
        return _parsed(value, None)
    except ValueError as error:
        # A URL with a user name holds a password: it is shown without.
        raise invalid(argument, f"be a URL to fetch: {error}", _without_secrets(value)) from None


def linked_url(value: object, base: Url) -> Url:
    """Return a URL that stands in a document.

    Args:
        value: what stands there; untrusted.
        base: where the document was fetched. Only one of this machine may lead to this machine.

    Raises:
        ValueError: as above; the message holds nothing of the value.
    """
    return _parsed(value, base)


def came_from(value: str) -> Url | None:
    """Return the URL that a response came from, over https or http; None: it cannot be read in one way only.

    Args:
        value: what the HTTP client states. User name, password and fragment are left out.
    """
    scheme, mark, rest = value.partition("#")[0].partition("://")
    authority = rest.partition("/")[0].partition("?")[0]
    try:
        return _parsed(scheme + mark + rest[authority.rfind("@") + 1 :], None, plain=True)
    except ValueError:
        return None


def _parsed(value: object, base: Url | None, *, plain: bool = False) -> Url:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(f"a string of at most {_LONGEST} characters")
    if not _CHARACTERS.fullmatch(value):
        raise ValueError("of the characters of RFC 3986, with names of hosts in ASCII (xn--...) and all else percent-encoded")
    if "#" in value:
        raise ValueError("without a fragment")
    found = _URL.fullmatch(value)
    if found is None:
        userinfo = "@" in value.partition("//")[2].partition("/")[0]
        raise ValueError("without user name and password" if userinfo else "https, with a host")
    host, port = found["host"].strip("[]").lower(), int(found["port"] or _PORTS[found["scheme"]])
    if found["host"].startswith("[") and parse_address(host) is None:
        raise ValueError("with an IPv6 address between the brackets")
    if not 1 <= port <= 65535:  # noqa: PLR2004 - RFC 9293 §3.1
        raise ValueError("with a port from 1 to 65535")
    of_here = is_loopback(host)
    if found["scheme"] == "http" and not (of_here or plain):
        raise ValueError("https, because the network could answer over http. Only this machine, such as localhost, is exempt")
    if of_here and base is not None and not base.local:
        raise ValueError("of another machine than this one, which only a document of this machine may name")
    return Url(found["scheme"], host, port, found["path"] or "/", found["query"] or "", of_here)


def is_loopback(host: str) -> bool:
    """Tell whether a host is called this machine. Where its name leads is looked at when it is connected to.

    Args:
        host: lower case, without a port.
    """
    address = parse_address(host.strip("[]"))
    if address is not None:
        return address.is_loopback
    return host == "localhost" or host.endswith(".localhost")  # RFC 6761 §6.3


def _without_secrets(value: object) -> object:
    if not isinstance(value, str):
        return value
    bare = value.partition("?")[0].partition("#")[0]
    scheme, mark, rest = bare.partition("//")
    return f"{scheme}{mark}***@{rest.rpartition('@')[2]}" if "@" in rest else bare


__all__ = ["Url", "came_from", "configured_url", "is_loopback", "linked_url"]
