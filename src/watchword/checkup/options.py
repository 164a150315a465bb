"""Checks options that open something, or that point elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.checkup.setup import Check, Setup
from watchword.findings import Finding, Rule
from watchword.refusal import DOCUMENTATION

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLE: Final = re.compile(
    r"(?i)https?://(?:[^/]*\.)?(?:example\.(?:com|net|org)|[^/]*\.(?:example|test|invalid)|localhost|127\.[0-9.]+)(?:[:/]|$)"
)

CORS_INSIDE: Final = Rule("cors-inside", "The CORS layer stands outside the guard", "note", source="D57", page="check.html#cors-inside")
FIREWALL: Final = Rule("firewall-off", "All rules of the firewall are on", "warning", page="check.html#firewall-off")
ANY_ORIGIN: Final = Rule(
    "any-origin", "Credentials that browsers add by themselves count from own pages alone", "warning", source="ASVS 3.5.1",
    page="check.html#any-origin",
)  # fmt: skip
DOCUMENTATION_URL: Final = Rule(
    "documentation-elsewhere", "The page about reasons is one of the service", "note", source="RFC 9457 §3.1.1",
    page="check.html#documentation-elsewhere",
)  # fmt: skip


def cors_inside(setup: Setup) -> Iterator[Finding]:
    """The application is asked about preflights that the rules refuse."""
    if setup.guard.policy.cors_inside:
        yield Finding(
            CORS_INSIDE,
            "Guard(cors_inside=True): the application is asked about preflights that the rules refuse.",
            "A view for every path that does not look at the method runs then, without a caller.",
            "Put the CORS layer outermost, and leave cors_inside out.",
            setup.name,
        )


def firewall(setup: Setup) -> Iterator[Finding]:
    """What the guard reads in one way, a router may read in another."""
    off = sorted(setup.guard.policy.firewall.off)
    if off:
        yield Finding(
            FIREWALL,
            f"Firewall(off=...) lets pass: {', '.join(off)}.",
            "Guard and router may read such a request in two ways, so that a rule does not hold for the view.",
            "Leave out what the application does not need.",
            setup.name,
        )


def any_origin(setup: Setup) -> Iterator[Finding]:
    """A rule that is exempt from the cross-site test, where browsers add credentials by themselves."""
    ambient = [scheme.name for scheme in setup.guard.schemes if scheme.is_kept_by_browsers or scheme.cookies]
    for route in setup.guard.policy.rules if ambient else ():
        if route.any_origin:
            yield Finding(
                ANY_ORIGIN,
                f"{route.text!r} is exempt from the cross-site test, and {', '.join(ambient)} is accepted.",
                "Any page that a visitor opens can act as the visitor there.",
                'Leave .from_any_origin() out, or accept only what a script must send: & via("Bearer").',
                route.text,
            )


def documentation(setup: Setup) -> Iterator[Finding]:
    """The `type` of every problem body points to it."""
    url = setup.guard.documentation
    if url.startswith(DOCUMENTATION):
        yield Finding(
            DOCUMENTATION_URL,
            "The type of problem bodies is a page of watchword, and not of the service.",
            "Guard(documentation=...) was left out.",
            "Nothing, or give a page of the service: `watchword reasons --write FOLDER` makes the pages.",
            setup.name,
        )
    elif _EXAMPLE.match(url):
        yield Finding(
            DOCUMENTATION_URL,
            f"The type of problem bodies begins with {url}, which no client can open.",
            "The address is that of an example, or of this machine.",
            "Give Guard(documentation=...) a page that clients can open.",
            setup.name,
            "warning",
        )


CHECKS: Final = (
    Check(CORS_INSIDE, cors_inside),
    Check(FIREWALL, firewall),
    Check(ANY_ORIGIN, any_origin),
    Check(DOCUMENTATION_URL, documentation),
)
