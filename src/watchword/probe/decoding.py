"""Decodes a token on this machine, without its signature: only to tell its owner what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import GrammarError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIMIT: Final = 65_536  # octets
_ID_TOKEN: Final = ("at_hash", "c_hash", "nonce")  # OpenID Connect Core §2: claims of ID Tokens alone


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a token says. None of it is verified.

    Args:
        header: the JOSE header.
        claims: the claims.
    """

    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    def time(self, name: str) -> float | None:
        """Return a time as Unix seconds; None: it is not there, or is no number.

        Args:
            name: `"exp"`, `"nbf"` or `"iat"`.
        """
        value = self.claims.get(name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    @property
    def audience(self) -> tuple[str, ...]:
        """The audience (RFC 7519 §4.1.3)."""
        value = self.claims.get("aud")
        return tuple(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes (RFC 9068 §2.2.3); None: it states none."""
        value = self.claims.get("scope", self.claims.get("scp"))
        if isinstance(value, str):
            return frozenset(value.split())
        return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else None

    @property
    def is_id_token(self) -> bool:
        """Whether it looks like an ID Token, which is for the client and not for an API."""
        return str(self.header.get("typ", "")).lower() not in {"at+jwt", "application/at+jwt"} and any(
            name in self.claims for name in _ID_TOKEN
        )

    @property
    def is_bound(self) -> bool:
        """Whether it is bound to a key, and so is no plain bearer token (RFC 9449 §6, RFC 8705 §3)."""
        return isinstance(self.claims.get("cnf"), dict)


def decode(token: str) -> Decoded | None:
    """Return what a token says; None: it is no JWT.

    Args:
        token: as the user gave it.
    """
    from watchword.grammar.compact_jws import parse_compact_jws
    from watchword.grammar.strict_json import parse_json_object

    try:
        parts = parse_compact_jws(token.encode(), limit=_LIMIT)
        return Decoded(parts.header, parse_json_object(parts.payload, limit=_LIMIT))
    except GrammarError:
        return None


__all__ = ["Decoded", "decode"]
