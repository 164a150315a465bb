"""Makes, reads and revokes the access tokens of an issuer: signed ones (RFC 9068), or opaque ones in its store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from watchword.checkers.asking import ask, async_side
from watchword.checkers.key_format import TokenFormat, make_id
from watchword.checkers.opaque_tokens import OpaqueTokens
from watchword.checkers.record_checks import check_store
from watchword.checkers.token_revocations import TokenRevocations
from watchword.credentials import BearerToken
from watchword.issuing.living_families import FAMILY, LivingFamilies
from watchword.stores.ports import TokenRecord
from watchword.validators import check_methods, invalid
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.checkers.jwt import JWT
    from watchword.clock import Clock
    from watchword.issuing.sources import RingSource
    from watchword.operation import Steps
    from watchword.principal import Principal
    from watchword.stores.ports import FamilyRecord, IssuerStore, TokenStore


class SignedTokens:
    """Access tokens that prove themselves by a signature. Verifiers that ask the store learn that one was revoked.

    Args:
        ring: the keys.
        store: of the issuer.
        issuer: their `iss`.
        audience: their `aud`.
        clock: tells the time.
    """

    def __init__(self, ring: RingSource, store: IssuerStore, issuer: str, audience: tuple[str, ...], clock: Clock) -> None:
        must = 'be a KeyRing, or a KeyRingFile("keys.json"), for access tokens that are signed'
        check_methods("TokenIssuer(key_ring)", ring, must, "current", secret=True)
        check_store(store, "TokenIssuer", "find_standing", "revoke_jti", "revision", "is_current")
        self._ring = ring
        self._store = store
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._known: JWT | None = None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys."""
        return self._ring.current().jwks()

    def making(self, family: FamilyRecord, scopes: frozenset[str], now: float, ends: int) -> Steps[str]:
        """Make a token, in steps.

        Args:
            family: the login that it names.
            scopes: what it grants.
            now: when it is issued, Unix seconds.
            ends: when it ends.
        """
        claims = {
            **json.loads(family.claims),
            "iss": self._issuer,
            "sub": family.owner,
            "aud": self._audience[0] if len(self._audience) == 1 else list(self._audience),
            "client_id": family.client,
            "iat": int(now),
            "exp": ends,
            "jti": make_id(),
            FAMILY: family.id,
        }
        claims.pop("scope", None)  # a login that claims one does not hold it
        if scopes:
            claims["scope"] = " ".join(sorted(scopes))
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return self._ring.current().active.sign({"typ": "at+jwt"}, payload)
        yield

    def checker(self) -> JWT:
        """Return a checker that follows the ring, and asks the store."""
        from watchword.checkers.jwt import JWT
        from watchword.issuing.ring_keys import RingKeys

        revocations = LivingFamilies(self._store, clock=self._clock)
        return JWT(issuer=self._issuer, audience=self._audience, keys=RingKeys(self._ring), revocations=revocations, clock=self._clock)

    def reading(self, token: str) -> Steps[dict[str, Any] | None]:
        """Return the claims of a token that is valid now, in steps; None: it is not."""
        self._known = self._known or self.checker()
        verdict = yield from self._known.flow(BearerToken(token))
        return None if isinstance(verdict, Refused) else dict(verdict.principal.claims)

    def revoking(self, claims: Mapping[str, Any]) -> Steps[bool]:
        """Revoke a token by its claims, in steps."""
        return TokenRevocations(self._store, clock=self._clock).revoking(claims["jti"], claims["iss"], expires_at=claims["exp"])


class StoredTokens:
    """Access tokens that are records of a store, and end with their family.

    Args:
        store: of the issuer.
        issuer: their `iss`, in answers of introspection.
        audience: the servers that accept them.
        prefix: the beginning of each token.
        clock: tells the time.
    """

    def __init__(self, store: TokenStore, issuer: str, audience: tuple[str, ...], prefix: str, clock: Clock) -> None:
        self._store = store
        self._issuer = issuer
        self._audience = audience
        self._form = TokenFormat(prefix)
        self._clock = clock
        self._checker = self.checker()

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return no keys: nothing is signed."""
        return {"keys": []}

    def making(self, family: FamilyRecord, scopes: frozenset[str], now: float, ends: int) -> Steps[str]:
        """Make a token, in steps; see `SignedTokens.making`."""
        made, store, held = self._form.make(), self._store, holder_of(json.loads(family.claims))
        record = TokenRecord(
            id=made.id,
            digest=made.digest,
            owner=family.owner,
            label=family.client,
            kind="client" if family.owner == family.client else "user",
            roles=frozenset() if isinstance(held, Refused) else held.roles,
            scopes=scopes,
            permissions=frozenset() if isinstance(held, Refused) else held.permissions,
            created_at=now,
            expires_at=ends,
            audience=self._audience,
            sid=family.id,
        )
        yield from ask(store, lambda: store.add_token(record), async_side(store, "add_token", record))
        return made.text

    def checker(self) -> OpaqueTokens:
        """Return a checker of these tokens."""
        return OpaqueTokens(self._store, prefix=self._form.prefix, audience=self._audience, clock=self._clock)

    def reading(self, token: str) -> Steps[dict[str, Any] | None]:
        """Return the claims of a token that is valid now, in steps; None: it is not."""
        verdict = yield from self._checker.flow(BearerToken(token))
        if isinstance(verdict, Refused) or FAMILY not in verdict.principal.claims:
            return None
        claims = {name: value for name, value in verdict.principal.claims.items() if name != "token_id"}
        return claims | {"iss": self._issuer}  # last: a login may claim anything

    def revoking(self, claims: Mapping[str, Any]) -> Steps[bool]:
        """Revoke a token by its claims, in steps."""
        store, facts = self._store, (claims["jti"], self._clock.now())
        revoked: bool = yield from ask(store, lambda: store.revoke_token(*facts), async_side(store, "revoke_token", *facts))
        return revoked


def holder_of(claims: Mapping[str, Any]) -> Principal | Refused:
    """Return what the claims of a login grant, as a verifier of RFC 9068 reads them, or why it would refuse them.

    Args:
        claims: the claims, without those that an issuer writes itself.
    """
    from watchword.checkers.jwt.claim_map import RFC9068
    from watchword.checkers.jwt.claims import check_claims

    return check_claims(claims, ()) or RFC9068.principal({**claims, "iss": "", "sub": ""}, 0)


def check_login(claims: Mapping[str, Any] | None) -> None:
    """Refuse claims of a login that every verifier would refuse.

    Raises:
        ConfigurationError: says which one.
    """
    wrong = holder_of(claims or {})
    if isinstance(wrong, Refused):
        raise invalid("claims", f"be those of an access token ({wrong.detail})", sorted(claims or ()))
