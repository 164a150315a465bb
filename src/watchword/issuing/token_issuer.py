"""Issues access tokens and refresh tokens, and ends them: an authorization server without its endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from watchword.cache import Bounded
from watchword.checkers.asking import ask, async_side
from watchword.checkers.key_format import make_id
from watchword.checkers.record_checks import check_grants, check_store, check_text
from watchword.clock import as_clock
from watchword.errors import ConfigurationError
from watchword.issuing.access_tokens import SignedTokens, StoredTokens, check_login
from watchword.issuing.living_families import FAMILY, LivingFamilies
from watchword.issuing.refresh_answers import Unrefreshed
from watchword.issuing.refresh_tokens import DAY, RefreshTokens
from watchword.issuing.sources import GivenSecrets
from watchword.operation import arun, run
from watchword.stores.ports import FamilyRecord
from watchword.validators import check_choice, check_number, check_sequence, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Unpack

    from watchword.checkers import JWT, OpaqueTokens
    from watchword.clock import Clock
    from watchword.issuing.key_ring import KeyRing
    from watchword.issuing.new_families import GrantOptions
    from watchword.issuing.sources import RingSource
    from watchword.observe.notice import Hook
    from watchword.operation import Steps
    from watchword.stores.ports import IssuerStore, OpaqueIssuerStore

RESERVED: Final = frozenset({"iss", "exp", "aud", "sub", "client_id", "iat", "nbf", "jti", "scope", "cnf", FAMILY})
"""Claims that the issuer writes itself (RFC 9068 §2.2)."""

_MOST_CLIENTS: Final = 1000


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a client gets (RFC 6749 §5.1).

    Args:
        access_token: a JWT of RFC 9068, or an opaque token.
        expires_in: seconds for which it is valid.
        scopes: its scopes.
        refresh_token: the refresh token; None: there is none.
        family: the id of the family, which `TokenIssuer.revoke` takes.
    """

    access_token: str = field(repr=False)
    expires_in: int
    scopes: frozenset[str]
    refresh_token: str | None = field(repr=False)
    family: str

    def response(self) -> dict[str, Any]:
        """Return the members of a token response (RFC 6749 §5.1)."""
        members: dict[str, Any] = {"access_token": self.access_token, "token_type": "Bearer", "expires_in": self.expires_in}
        members |= {} if self.refresh_token is None else {"refresh_token": self.refresh_token}
        return members | {"scope": " ".join(sorted(self.scopes))} if self.scopes else members


class TokenIssuer:
    """Issues access tokens (RFC 9068) for some minutes, and refresh tokens that keep a login alive.

    Each access token names the family of its refresh token. Ending the family ends both: at once here, and within `staleness` in every
    process that verifies with `revocations=LivingFamilies(store)`.

    Args:
        key_ring: the keys: a `KeyRing`, or a `KeyRingFile` that follows a file. For opaque access tokens, which need no key, the `secrets`
            of `RefreshTokens` will do.
        store: keeps the families.
        issuer: the address of the issuer, an https URL without query and fragment (RFC 8414 §2): the `iss` of its tokens.
        audience: the identifiers of the servers that accept its tokens, one or several: their `aud`.
        access_tokens: `"at+jwt"` signs them (RFC 9068). `"opaque"` makes them records of the store, which every server must ask: by
            `OpaqueTokens(store, prefix=..., audience=...)`, or by introspection.
        access_prefix: the beginning of each opaque access token. It differs from that of `OpaqueTokens` by default, so that a link is never
            taken for one.
        access_lifetime: seconds for which an access token is valid, a day at most.
        lifetime: seconds until an unused refresh token expires.
        absolute: seconds until a login ends, however often it is refreshed.
        on_event: as in `RefreshTokens`.
        clock: tells the time; None: the system clock.

    Raises:
        ConfigurationError: an argument is wrong.
    """

    def __init__(
        self,
        key_ring: RingSource | str | bytes | Iterable[str | bytes],
        store: IssuerStore | OpaqueIssuerStore,
        *,
        issuer: str,
        audience: str | Iterable[str],
        access_tokens: Literal["at+jwt", "opaque"] = "at+jwt",
        access_prefix: str = "wwa",
        access_lifetime: float = 600,
        lifetime: float = 30 * DAY,
        absolute: float = 30 * DAY,
        on_event: Hook | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_store(store, "TokenIssuer", "start_family", "refresh_family", "find_family", "end_family", "revision", "is_current")
        check_choice("TokenIssuer(access_tokens=...)", access_tokens, ("at+jwt", "opaque"))
        self.issuer: str = _checked_issuer(issuer)
        """The `iss` of its tokens."""
        self.audience: tuple[str, ...] = (
            (audience,) if isinstance(audience, str) and audience else check_sequence("TokenIssuer(audience=...)", audience, '["orders"]')
        )
        """The servers that its tokens are for: their `aud`."""
        if not self.audience:
            raise invalid("TokenIssuer(audience=...)", "name at least one server", audience)
        check_number("TokenIssuer(access_lifetime=...)", access_lifetime, most=DAY, above=True)
        self._access_lifetime = access_lifetime
        self._store = store
        self._clock = as_clock(clock, "TokenIssuer")
        given: Any = key_ring
        known: Any = store
        named = self.issuer, self.audience
        is_signed = {"at+jwt": True, "opaque": False}[access_tokens]
        self._access: SignedTokens | StoredTokens = (
            SignedTokens(given, known, *named, self._clock) if is_signed else StoredTokens(known, *named, access_prefix, self._clock)
        )
        self._ring: RingSource | GivenSecrets = given if hasattr(given, "current") else GivenSecrets(given)
        self._lifetimes: dict[str, Any] = {"lifetime": lifetime, "absolute": absolute, "on_event": on_event, "clock": clock}
        self._standing: Bounded[str, str] = Bounded(_MOST_CLIENTS)  # client to the family of its own tokens
        self._refresh: tuple[KeyRing | GivenSecrets, RefreshTokens] | None = None
        self._tokens()  # reports a wrong argument now

    @property
    def signs(self) -> bool:
        """Whether its access tokens are signed, so that it has keys to publish."""
        return isinstance(self._access, SignedTokens)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JWK Set (RFC 7517 §5), to be served at `jwks_uri`; there are none for opaque tokens."""
        return self._access.jwks()

    def issue(
        self,
        subject: str,
        client: str,
        *,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        absolute: float | None = None,
    ) -> IssuedTokens:
        """Issue tokens to a client for an account that has logged in. This may block.

        Args:
            subject: the id of the account.
            client: the id of the client.
            scopes: what is granted.
            claims: what the access tokens say besides: `auth_time`, `acr` and `amr` of the login, or claims of your own.
            absolute: seconds until the login ends; None: as for all.

        Raises:
            ConfigurationError: an argument is wrong: nothing is issued.
            Unavailable: the store does not answer.
        """
        return run(self.issuing(subject, client, scopes=scopes, claims=claims, absolute=absolute))

    async def aissue(self, subject: str, client: str, **options: Unpack[GrantOptions]) -> IssuedTokens:
        """Issue tokens without blocking the event loop; see `issue`."""
        return await arun(self.issuing(subject, client, **options))

    def issuing(self, subject: str, client: str, **options: Unpack[GrantOptions]) -> Steps[IssuedTokens]:
        """Issue tokens in steps, which `run` and `arun` drive; see `issue`."""
        if subject == client:
            # RFC 9068 §5: verifiers take a token whose subject is its client for one of a program.
            raise invalid("the subject", "differ from the client: programs get tokens by client_credentials", subject)
        if taken := sorted(RESERVED.intersection(options.get("claims") or ())):
            raise invalid("claims", "leave out what the issuer writes itself", taken)
        if not self.signs:
            check_login(options.get("claims"))
        started = yield from self._tokens().starting(subject, client, **options)
        return (yield from self._issued(started.family, started.family.scopes, started.token))

    def refresh(self, token: str, client: str, *, scopes: Iterable[str] | None = None) -> IssuedTokens | Unrefreshed:
        """Refresh a token: a new access token, and the next refresh token. This may block.

        Args:
            token: the refresh token; untrusted.
            client: the id of the client, which was authenticated unless it is a public one.
            scopes: fewer scopes for the access token; None: all that were granted.

        Raises:
            Unavailable: the store does not answer; the client presents the token again.
        """
        return run(self.refreshing(token, client, scopes=scopes))

    async def arefresh(self, token: str, client: str, *, scopes: Iterable[str] | None = None) -> IssuedTokens | Unrefreshed:
        """Refresh a token without blocking the event loop; see `refresh`."""
        return await arun(self.refreshing(token, client, scopes=scopes))

    def refreshing(self, token: str, client: str, *, scopes: Iterable[str] | None = None) -> Steps[IssuedTokens | Unrefreshed]:
        """Refresh a token in steps, which `run` and `arun` drive; see `refresh`."""
        found = yield from self._tokens().refreshing(token, client, scopes=scopes)
        if isinstance(found, Unrefreshed):
            return found
        return (yield from self._issued(found.family, found.scopes, found.token))

    def granting(self, client: str, scopes: Iterable[str]) -> Steps[IssuedTokens]:
        """Issue an access token to a client for itself, in steps (RFC 6749 §4.4). There is no refresh token.

        Its tokens name one family, until that ends: so they can be revoked, by `revoke_all(client)` too.

        Args:
            client: the id of the client, which was authenticated.
            scopes: what is granted.
        """
        granted: frozenset[str] = check_grants(scopes=scopes)["scopes"]
        family = yield from self._standing_family(check_text("the client", client))
        return (yield from self._issued(family, granted, None))

    def _standing_family(self, client: str) -> Steps[FamilyRecord]:
        """Return the family of a client's own tokens: the one that this process started last, or a new one."""
        store, now = self._store, self._clock.now()
        if (known := self._standing.get(client)) is not None:
            found: FamilyRecord | None = yield from ask(store, lambda: store.find_family(known), async_side(store, "find_family", known))
            if found is not None and found.revoked_at is None and now + self._access_lifetime <= found.expires_at:
                return found
        new = FamilyRecord(id=make_id(), owner=client, client=client, created_at=now, expires_at=now + self._access_lifetime + DAY)
        kept: FamilyRecord = yield from ask(store, lambda: store.start_family(new), async_side(store, "start_family", new))
        self._standing.keep(client, kept.id)
        return kept

    def revoke(self, token_or_family: str) -> bool:
        """End a login: by any of its refresh tokens, or by the id of its family. This may block.

        Args:
            token_or_family: the token or the id; untrusted.

        Returns:
            False: there is no such login, or it was ended before.

        Raises:
            Unavailable: the store does not answer; its tokens may still work.
        """
        return self._tokens().revoke(token_or_family)

    async def arevoke(self, token_or_family: str) -> bool:
        """End a login without blocking the event loop; see `revoke`."""
        return await self._tokens().arevoke(token_or_family)

    def reading_access(self, token: str) -> Steps[dict[str, Any] | None]:
        """Return the claims of an access token that is valid now, in steps; None: it is not.

        Args:
            token: the token; untrusted.
        """
        return self._access.reading(token)

    def revoking_access(self, claims: Mapping[str, Any]) -> Steps[bool]:
        """Revoke one access token in steps. Its login goes on.

        Args:
            claims: its claims, from `reading_access`.
        """
        return self._access.revoking(claims)

    def revoke_all(self, subject: str) -> tuple[int, int]:
        """End all logins of a subject, and revoke its keys and its other tokens; see `RefreshTokens.revoke_all`."""
        return self._tokens().revoke_all(subject)

    @property
    def refresh_tokens(self) -> RefreshTokens:
        """The refresh tokens, to be listed and purged."""
        return self._tokens()

    def access_tokens(self) -> JWT | OpaqueTokens:
        """Return a checker of its access tokens, for a guard in the same program: `Bearer(issuer.access_tokens())`.

        It follows the key ring, and accepts no token of a login that has ended.
        """
        return self._access.checker()

    def revocations(self) -> LivingFamilies:
        """Return what a verifier in the same program asks: `JWT(..., keys=issuer.jwks(), revocations=issuer.revocations())`."""
        store: Any = self._store
        return LivingFamilies(store, clock=self._clock)

    def _tokens(self) -> RefreshTokens:
        ring = self._ring.current()
        known, made = self._refresh or (None, None)
        if made is None or known is not ring:
            made = RefreshTokens(self._store, ring.refresh_secrets, **self._lifetimes)
            self._refresh = ring, made  # at once: a thread never sees the tokens of one ring beside another
        return made

    def _issued(self, family: FamilyRecord, scopes: frozenset[str], refresh_token: str | None) -> Steps[IssuedTokens]:
        now = self._clock.now()
        # An access token never outlives its family: a verifier that does not know the store relies upon `exp` alone.
        ends = int(min(now + self._access_lifetime, family.expires_at))
        made = yield from self._access.making(family, scopes, now, ends)
        return IssuedTokens(made, max(0, ends - int(now)), scopes, refresh_token, family.id)

    def __repr__(self) -> str:
        return f"TokenIssuer(issuer={self.issuer!r}, audience={list(self.audience)!r})"


def _checked_issuer(issuer: object) -> str:
    """Return an issuer identifier (RFC 8414 §2). http is for loopback alone, in development and tests."""
    from urllib.parse import urlsplit

    argument, must = "TokenIssuer(issuer=...)", "be an https URL without query, fragment and user name"
    if not isinstance(issuer, str) or not issuer.isascii() or not issuer.isprintable() or " " in issuer:
        raise invalid(argument, must, issuer)
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
        bad = not host or parts.query or parts.fragment or parts.username is not None or "?" in issuer or "#" in issuer
        if (
            bad
            or parts.port == 0
            or not (parts.scheme == "https" or (parts.scheme == "http" and host in {"localhost", "127.0.0.1", "::1"}))
        ):
            raise ConfigurationError(argument)
    except ValueError:  # urlsplit, too
        raise invalid(argument, must, issuer, 'Write "https://auth.example.com".') from None
    return issuer
