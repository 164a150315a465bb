"""Refuses requests that a page of another origin makes with credentials that the browser adds by itself (decision D61).

Browsers send cookies, Basic credentials and client certificates with requests of any page, form posts and WebSocket handshakes included.
CORS does not stop them: it controls who may *read* the answer. So *ambient* credentials count for a request that may change something,
and for a handshake, only if the request comes from the service's own pages.

A page cannot set `Sec-Fetch-Site` (Fetch Metadata), so it decides where it is sent. Browsers send it to https and localhost only, and not
all of them send it with handshakes: there `Origin` is compared with `Host` (RFC 6455 §10.2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.request import RequestView
    from watchword.schemes.resource_metadata import ResourceMetadata

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Safe methods (RFC 9110 §9.2.1). Methods are case-sensitive (§9.1), and some applications run a handler for `get` too, so `get` is not one
of them. TRACE is missing because browsers do not send it."""

# A page cannot ask for `same-origin` or `none` where it is not true (Fetch Metadata, Sec-Fetch-Site). The values are case-sensitive tokens.
_OWN_SITES = frozenset({"same-origin", "none"})

_LONGEST = 512  # octets: a host name has at most 253 (RFC 1035 §2.3.4), so no browser writes a longer origin, host or Sec-Fetch-Site
_SHOWN = 100  # characters of a client's value that are put into a log line

# uri-host [":" port] of RFC 9110 §7.2, narrowed to what browsers write: a bracketed IPv6 address, or a name or IPv4 address
_HOST = r"(?:\[[0-9a-f:.]+\]|[^\x00-\x20\x7f-\uffff/?#@:\[\]\\*,\"<>^`{|}%]+)"
_AUTHORITY = re.compile(rf"({_HOST})(?::([0-9]{{0,5}}))?")
_ORIGIN = re.compile(rf"([a-z][a-z0-9+.-]*)://({_HOST})(?::([0-9]{{1,5}}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535


def parse_origin(text: str) -> str | None:
    """Return an origin in the form in which origins are compared: lower case, without a default port.

    Args:
        text: as a browser sends it or as a configuration lists it; one closing slash is ignored.

    Returns:
        The origin; None for any other text, such as `null`, an empty string, or several origins joined with a comma.
    """
    if len(text) > _LONGEST:
        return None
    match = _ORIGIN.fullmatch(text.removesuffix("/").lower())
    return None if match is None else _joined(*match.groups())


def own_origins(host: str, scheme: str) -> frozenset[str]:
    """Return the origins that the pages of a host may have, by what a request tells (decision 16).

    A server that ends TLS itself has pages at https alone. One that says http may stand behind a proxy that ends it, so that its
    pages are at either.

    Args:
        host: the Host field.
        scheme: of the request, as the server states it.
    """
    match = _AUTHORITY.fullmatch(host.strip(" \t").lower()) if len(host) <= _LONGEST else None
    if match is None:
        return frozenset()
    schemes = ("https",) if scheme in {"https", "wss"} else ("http", "https")
    return frozenset(own for own in (_joined(one, *match.groups()) for one in schemes) if own is not None)


def _joined(scheme: str, host: str, port: str | None) -> str | None:
    number = int(port) if port else None
    if number is not None and number > _LAST_PORT:
        return None
    return f"{scheme}://{host}" if number is None or number == _DEFAULT_PORTS.get(scheme) else f"{scheme}://{host}:{number}"


def configured_origin(text: str) -> str:
    """Return an origin of `Guard(origins=...)`.

    Args:
        text: as written in the configuration.

    Raises:
        ConfigurationError: the text is not an origin, or is `null`.
    """
    if text == "null":
        raise ConfigurationError(
            "Guard(origins=...) cannot list 'null': sandboxed frames of any site have it. "
            "Exempt the one rule: requirement.from_any_origin()"
        )
    origin = parse_origin(text) if text.isascii() else None
    if origin is None:
        hint = "" if text.isascii() else " Write the host in ASCII, as browsers send it (xn--...)."
        raise ConfigurationError(
            "Guard(origins=...) must hold a scheme and a host, and a port other than the default one, such as "
            f'"https://app.example.com" or "capacitor://localhost", got {text!r}.{hint}'
        )
    return origin


def needs_own_origin(view: RequestView) -> bool:
    """Tell whether a request is one for which ambient credentials count only from the service's own pages.

    Args:
        view: the request, scanned.
    """
    return view.method not in SAFE_METHODS or view.is_handshake


def find_cross_site(view: RequestView, origins: frozenset[str], *, cookie: bool) -> str | None:
    """Return why the ambient credentials of a request do not count; the table is in `docs/security.md`.

    Args:
        view: the request, scanned, for which `needs_own_origin` is True.
        origins: further origins whose pages may use the credentials, as `parse_origin` returns them.
        cookie: whether the credentials came in a cookie. Programs send Basic credentials and certificates on purpose, but rarely cookies.

    Returns:
        A line for the log: the values that decided, escaped and cut, and the option to set. None: the credentials count.
    """
    sent, site = view.field("origin"), view.field("sec-fetch-site")
    origin = None if sent is None or len(sent) > _LONGEST else parse_origin(sent.strip(" \t"))
    # A page cannot change Origin (a forbidden request-header of WHATWG Fetch), so a listed origin suffices.
    if origin is not None and origin in origins:
        return None
    # Not all browsers send Sec-Fetch-Site with a handshake; all of them send Origin (RFC 6455 §4.1, §10.2).
    if sent is not None and (site is None or view.is_handshake):
        host = view.field("host")
        if origin is not None and host is not None and origin in own_origins(host, view.scheme):
            return None
        return f"Origin {_shown(sent)} is not that of Host {_shown(host)}; {_remedy(origin)}"
    if site is not None:
        if len(site) <= _LONGEST and site.strip(" \t") in _OWN_SITES:
            return None
        return f"Sec-Fetch-Site {_shown(site)}, Origin {_shown(sent)}; {_remedy(origin)}"
    # Every current browser sends one of the two with a request that changes something; old ones and programs send neither.
    if cookie:
        return "a cookie came with neither Origin nor Sec-Fetch-Site; a client that is no browser sends Sec-Fetch-Site: same-origin"
    return None


def find_foreign(view: RequestView, origins: frozenset[str], resource: ResourceMetadata | None) -> str | None:
    """Return why a request to a resource for programs and for its own pages is refused, whatever credentials it has.

    A page whose name resolves to this machine (DNS rebinding) reads what a server on it answers: for a browser both have one origin, so
    `Host` and `Origin` agree. They name the page all the same, and never the resource. Over https the certificate protects `Host` too.

    Args:
        view: the request, scanned.
        origins: further origins whose pages may use the resource, as `parse_origin` returns them.
        resource: the metadata of the resource; None: its origin is not known.

    Returns:
        A line for the log. None: no page of another origin has sent it.
    """
    sent, host = view.field("origin"), view.field("host")
    is_local = host is not None and _is_local(f"http://{host}")
    if sent is not None:
        origin = None if len(sent) > _LONGEST else parse_origin(sent.strip(" \t"))
        own = origin is not None and (
            origin in origins or (resource is not None and origin == resource.origin) or (is_local and _is_local(origin))
        )
        if not own:
            return f"Origin {_shown(sent)} is not that of the resource; {_remedy(origin)}"
    if resource is not None and resource.is_local and not is_local:
        return f"Host {_shown(host)} is not this machine, on which the resource {resource.resource} is"
    return None


def _is_local(origin: str) -> bool:
    from watchword.url import is_loopback  # rules of MCP servers alone ask

    match = _ORIGIN.fullmatch(origin.strip(" \t").lower()) if len(origin) <= 2 * _LONGEST else None
    return match is not None and is_loopback(match[2])


def _remedy(origin: str | None) -> str:
    if origin is None:
        return "no origin that could be listed; if the rule is meant for any origin: requirement.from_any_origin()"
    return f"if that page may act for its visitor: Guard(origins=[{_shown(origin)}])"


def _shown(value: str | None) -> str:
    # ascii(): a line break or an escape sequence of the client must not reach the log (CWE-117).
    if value is None:
        return "(not sent)"
    return ascii(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")


__all__ = ["SAFE_METHODS", "configured_origin", "find_cross_site", "find_foreign", "needs_own_origin", "own_origins", "parse_origin"]
