"""Checks what an authorization server says of an active token, and makes a principal of it (RFC 7662 §2.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from watchword.checkers.jwt.claims import check_audience, check_claims, check_times, check_unbound
from watchword.reason import Reason
from watchword.validators import check_sequence, invalid
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.checkers.jwt.claim_map import ClaimMap
    from watchword.principal import Principal

_NEVER: Final = 253_402_300_799  # the end of the year 9999, the latest that a claim can say


class Expected:
    """What must hold of an active token.

    Args:
        issuer: its issuer.
        audience: the identifiers of this server; None: any.
        claims: the map to a principal.
        leeway: seconds.

    Raises:
        ConfigurationError: the issuer or the audience is no text.
    """

    def __init__(self, issuer: object, audience: object, claims: ClaimMap, leeway: float) -> None:
        if not isinstance(issuer, str) or not issuer or not issuer.isprintable() or "#" in issuer:
            raise invalid("Introspection(issuer=...)", "be the issuer of the tokens, text without # (RFC 8414 §2)", issuer)
        self._issuer = issuer
        self._audiences = None if audience is None else _audiences(audience)
        self._map = claims
        self._leeway = leeway

    @property
    def audiences(self) -> frozenset[str]:
        """The identifiers of this server; empty: any audience counts."""
        return self._audiences or frozenset()

    def principal(self, answer: Mapping[str, Any], now: float) -> Principal | Refused:
        """Return whom the token stands for, or why it is refused all the same.

        Args:
            answer: the answer, in which `active` is true.
            now: Unix seconds.
        """
        if answer.get("iss", self._issuer) != self._issuer:
            return Refused(Reason.WRONG_ISSUER, detail="its iss is not Introspection(issuer=...)")
        # All but `active` may be missing (RFC 7662 §2.2). A token of a program may have no subject but the program.
        subject = answer.get("sub", answer.get("client_id"))
        if subject is None:
            return Refused(Reason.INVALID_CLAIM, detail="the answer has neither sub nor client_id")
        claims = {**answer, "iss": self._issuer, "sub": subject}
        refused = check_claims(claims, self._map.required) or self._check_use(claims) or check_unbound(claims)
        if refused is not None:
            return refused
        times = check_times({"exp": _NEVER, **claims}, now, self._leeway)
        principal = times if isinstance(times, Refused) else self._map.principal(claims, times.until)
        if isinstance(principal, Refused) or principal.evidence is None or "exp" in claims:
            return principal
        return principal.with_evidence(replace(principal.evidence, expires_at=None))

    def _check_use(self, claims: Mapping[str, Any]) -> Refused | None:
        """Refuse a token for another server or another scheme, and one that is no access token."""
        kind = claims.get("token_type", "Bearer")
        if not isinstance(kind, str) or kind.lower() != "bearer" or claims.get("token_use") == "refresh_token":
            return Refused(Reason.WRONG_TOKEN_TYPE, detail="its token_type, or token_use, is not that of a bearer token")
        if self._audiences is None:
            return None
        return check_audience(claims, self._audiences, self._map.audience)


def _audiences(audience: object) -> frozenset[str]:
    what = "Introspection(audience=...)"
    names = check_sequence(what, (audience,) if isinstance(audience, str) else audience, '"https://api.example.com"')
    if not names:
        raise invalid(what, "name this server, as the issuer does in aud; None: any", audience)
    return frozenset(names)


__all__ = ["Expected"]
