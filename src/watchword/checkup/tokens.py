"""Checks what tokens are accepted: for which audience, and signed by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.checkers.introspection import Introspection
from watchword.checkers.jwt.checker import JWT
from watchword.checkup.setup import Check, Setup
from watchword.findings import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

AUDIENCE: Final = Rule(
    "audience-missing", "Tokens count for this server alone", "warning", source="RFC 9700 §2.3", page="check.html#audience-missing"
)
SHARED: Final = Rule(
    "shared-secret", "Tokens are signed by a key that only the issuer has", "note", source="RFC 8725 §3.5", page="check.html#shared-secret"
)


def audience(setup: Setup) -> Iterator[Finding]:
    """A token for another server of the same issuer would count here. `JWT` cannot be made without an audience."""
    for scheme, checker in setup.parts:
        if isinstance(checker, Introspection) and not checker.audiences:
            yield Finding(
                AUDIENCE,
                f"{scheme.name} accepts every token that the authorization server calls active.",
                "Introspection(audience=None) trusts the server to answer for tokens of this application alone.",
                "Give Introspection(audience=...), unless the server is known to do so.",
                setup.name,
            )


def shared_secret(setup: Setup) -> Iterator[Finding]:
    """Whoever verifies by HMAC can sign. A secret that is short or can be guessed is refused when `JWT` is made."""
    for scheme, checker in setup.parts:
        names = [name for name in checker.algorithms if name.startswith("HS")] if isinstance(checker, JWT) else []
        if names:
            yield Finding(
                SHARED,
                f"{scheme.name} verifies tokens by {', '.join(names)}.",
                "Every server that can verify such a token can make one.",
                "Let the issuer sign by ES256 or Ed25519.",
                setup.name,
            )


CHECKS: Final = (Check(AUDIENCE, audience), Check(SHARED, shared_secret))
