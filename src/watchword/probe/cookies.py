"""Explains why a cookie of the server does not come back: clients do not store it, or do not send it to this URL (RFC 6265)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.probe.check import Check, found, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.findings import Finding, Rule
    from watchword.probe.seen import Seen
    from watchword.url import Url

_MOST: Final = 20  # fields of a response
_LONGEST: Final = 4096  # octets: clients drop longer ones


def _come_back(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchanges = [exchange for exchange in seen.get() if exchange.view is not None and exchange.view.one("set-cookie") is not None]
    findings: dict[tuple[str, str], Finding] = {}
    for exchange in exchanges:
        for value in exchange.view.all("set-cookie")[:_MOST] if exchange.view else ():
            name = value.partition("=")[0].strip()
            for what, remedy in _faults(name, _attributes(value), seen.url):
                # The value is a credential: the name alone is shown.
                words = f"The cookie {seen.quote(name)} does not come back: {what}."
                findings.setdefault((name, what), found(rule, exchange, words, remedy))
    return list(findings.values()) if exchanges else "no response sets a cookie"


def _attributes(value: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in value[:_LONGEST].split(";")[1:])
    return {name.strip().lower(): content.strip() for name, _, content in pairs}


def _faults(name: str, attributes: dict[str, str], url: Url) -> Iterator[tuple[str, str]]:
    secure = "secure" in attributes
    if secure and url.scheme == "http" and not url.local:
        yield "it is Secure, and the URL is http", "Use https."
    domain = attributes.get("domain", "").lstrip(".").lower()
    if domain and url.host != domain and not url.host.endswith(f".{domain}"):
        yield "its Domain is another one than the host of the URL", "Leave Domain out, or set it to the host."
    path = attributes.get("path", "")
    if path.startswith("/") and not f"{url.path}/".startswith(path.rstrip("/") + "/"):
        yield "its Path does not hold the URL", "Set Path=/."
    if attributes.get("samesite", "").lower() == "none" and not secure:
        yield "SameSite=None needs Secure", "Add Secure."
    prefixed = name.lower()
    if prefixed.startswith(("__host-", "__secure-")) and not secure:
        yield "its name demands Secure", "Add Secure."
    if prefixed.startswith("__host-") and (domain or path != "/"):
        yield "its name demands Path=/ and no Domain", "Set Path=/, and leave Domain out."


def _is_kept(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    presented = seen.target.presented
    exchange = next(iter(seen.get("presented")), None)
    if presented is None or presented.scheme != "Cookie" or exchange is None or exchange.view is None:
        return "no cookie was given"
    name = presented.value.partition("=")[0]
    for value in exchange.view.all("set-cookie")[:_MOST]:
        if value.partition("=")[0].strip() == name and _attributes(value).get("max-age", "").lstrip("-") == "0":
            return [found(rule, exchange, "The server deletes the cookie: the session has ended.", "Log in again.")]
    return []


CHECKS: Final[tuple[Check, ...]] = (
    reason("cookies", "Cookies of the server come back to this URL", "warning", _come_back, "RFC 6265 §5.3, §5.4"),
    reason("cookie-kept", "The session of the cookie goes on", "error", _is_kept, "RFC 6265 §4.1.2.2"),
)
"""The checks."""

__all__ = ["CHECKS"]
