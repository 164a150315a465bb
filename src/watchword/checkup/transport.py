"""Checks how credentials travel: in the clear, through proxies, in URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.checkup.setup import Check, Setup, Untold
from watchword.findings import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL: Final = ("http://localhost", "http://127.", "http://[::1]")
_EVERYBODY: Final = ("0.0.0.0/0", "::/0")

BASIC_IN_CLEAR: Final = Rule(
    "basic-without-tls", "Passwords travel over TLS alone", "warning", source="RFC 7617 §4", page="check.html#basic-without-tls"
)
TOKENS_IN_CLEAR: Final = Rule(
    "tokens-without-tls", "Tokens and keys travel over TLS alone", "note", source="RFC 6750 §5.3", page="check.html#tokens-without-tls"
)
ORIGIN_IN_CLEAR: Final = Rule(
    "origin-without-tls", "Origins that may act for callers are https", "warning", source="D61", page="check.html#origin-without-tls"
)
PROXIES: Final = Rule(
    "proxies-trust-all",
    "Forwarded fields count from known proxies alone",
    "error",
    source="RFC 7239 §8.1",
    page="check.html#proxies-trust-all",
)
UNDECLARED: Final = Rule(
    "proxy-undeclared",
    "A proxy in front is declared, so that clients are told apart",
    "warning",
    source="RFC 9700 §4.13",
    page="check.html#proxy-undeclared",
)
IN_QUERY: Final = Rule(
    "secret-in-query", "No credential is in a URL", "warning", source="RFC 9700 §4.3.2", page="check.html#secret-in-query"
)


def basic_in_clear(setup: Setup) -> Iterator[Finding]:
    """Passwords, where the guard does not refuse plain http. Whether a proxy in front ends TLS cannot be seen from here."""
    names = setup.schemes_of("password")
    if names and not setup.guard.policy.require_tls:
        yield Finding(
            BASIC_IN_CLEAR,
            f"{names} is accepted over plain http too.",
            "Guard(require_tls=False), the default, leaves it to what stands in front. Whether that ends TLS cannot be seen here.",
            "Set Guard(require_tls=True) where the server states the scheme. Or ignore this finding, if nothing but a proxy that ends TLS "
            "reaches the server.",
            setup.name,
        )


def tokens_in_clear(setup: Setup) -> Iterator[Finding]:
    """The same of tokens and keys, which are not typed and can be replaced."""
    names = setup.schemes_of("token")
    if names and not setup.guard.policy.require_tls:
        yield Finding(
            TOKENS_IN_CLEAR,
            f"{names} is accepted over plain http too.",
            "Guard(require_tls=False), the default, leaves it to what stands in front.",
            "Set Guard(require_tls=True) where the server states the scheme.",
            setup.name,
        )


def origin_in_clear(setup: Setup) -> Iterator[Finding]:
    """Whoever is on the network of a visitor can put scripts into a page of plain http."""
    for origin in sorted(setup.guard.policy.origins):
        if origin.startswith("http://") and not origin.startswith(_LOCAL):
            yield Finding(
                ORIGIN_IN_CLEAR,
                f"Pages of {origin} may act for callers.",
                "Anyone on the network of a visitor can put a script into a page of plain http.",
                "Name the https origin in Guard(origins=...).",
                setup.name,
            )


def proxies(setup: Setup) -> Iterator[Finding]:
    """Trust in everybody's forwarded fields lets any client choose its address."""
    trusted = setup.guard.policy.proxies
    if trusted is None:
        return
    networks = getattr(trusted, "networks", None)
    if not isinstance(networks, (tuple, list, frozenset, set)):
        raise Untold(f"{type(trusted).__name__} does not say which networks it trusts")
    wide = [str(network) for network in networks if str(network) in _EVERYBODY]
    if wide:
        yield Finding(
            PROXIES,
            f"Forwarded fields are believed from {', '.join(wide)}.",
            "Every client can then choose the address by which rules and throttle know it.",
            "Name the addresses of the proxies.",
            setup.name,
        )


def undeclared(setup: Setup) -> Iterator[Finding]:
    """Without a declaration every client has the address of the proxy, unless the server itself reads forwarded fields."""
    if setup.guard.policy.proxies is None and setup.platform:
        yield Finding(
            UNDECLARED,
            f"{setup.platform} puts a proxy in front of each application, and no proxy is declared.",
            "Rules about networks, events and throttles take the address of the proxy for that of every client.",
            "Give Guard(proxies=TrustedProxies([...])) with its addresses. Or ignore this finding, if the server reads its fields.",
            setup.name,
        )


def in_query(setup: Setup) -> Iterator[Finding]:
    """URLs are in logs, histories and Referer."""
    for scheme in setup.guard.schemes:
        if scheme.parameters:
            names = ", ".join(name.decode("utf-8", "replace") for name in scheme.parameters)
            yield Finding(
                IN_QUERY,
                f"{scheme.name} takes credentials from the query parameter {names}.",
                "URLs are kept by logs, browsers and proxies.",
                "Leave the parameter out. For browsers use a cookie, for WebSockets a subprotocol.",
                setup.name,
            )


CHECKS: Final = (
    Check(BASIC_IN_CLEAR, basic_in_clear),
    Check(TOKENS_IN_CLEAR, tokens_in_clear),
    Check(ORIGIN_IN_CLEAR, origin_in_clear),
    Check(PROXIES, proxies),
    Check(UNDECLARED, undeclared),
    Check(IN_QUERY, in_query),
)
