"""Verifies the access tokens of one issuer, or of several (RFC 9068, RFC 7519, RFC 8725)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from watchword.cache import Bounded
from watchword.checkers.adapt import FlowChecker
from watchword.checkers.jwt.algorithms import check_algorithms, is_symmetric
from watchword.checkers.jwt.claim_map import RFC9068, ClaimMap
from watchword.checkers.jwt.claims import check_audience, check_claims, check_times, check_unbound, required_claims
from watchword.checkers.jwt.lease import TokenLease
from watchword.checkers.jwt.reading import UnverifiedToken, looks_like_token, read_token, select_key
from watchword.checkers.jwt.sources import KeySource, StaticKeys
from watchword.clock import as_clock
from watchword.credentials import BearerToken
from watchword.errors import ConfigurationError
from watchword.operation import arun, run
from watchword.reason import Reason
from watchword.validators import check_choice, check_methods, check_number, check_sequence, check_type, invalid
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from watchword.checkers.jwt.algorithms import Algorithms
    from watchword.checkers.jwt.claim_map import Profile
    from watchword.checkers.jwt.jwk import VerificationKey
    from watchword.checkers.jwt.reading import Selection
    from watchword.checkers.jwt.revocations import Revocations
    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.fetching import Fetcher
    from watchword.operation import Steps
    from watchword.verdict import Lease, Verdict

_MOST_HEADERS: Final = 64  # an issuer has a few keys
_LONGEST_HEADER: Final = 512  # octets: with certificates in it a header is not worth the memory
_OTHER_ISSUER: Final = "its iss is not JWT(issuer=...)"
_MOST_LEEWAY: Final = 300  # seconds: "no more than a few minutes" (RFC 7519 §4.1.4)


class TokenChecker(FlowChecker[BearerToken]):
    """What checkers of JWTs share: the ways to ask, and the form of what they check."""

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BearerToken,)

    def __init__(self) -> None:
        # All tokens of one key have one header. Only those of accepted tokens are kept, so a caller who makes headers up evicts none.
        self._headers: Bounded[bytes, Mapping[str, Any]] = Bounded(_MOST_HEADERS)

    def recognises(self, credentials: BearerToken) -> bool:
        """Tell whether credentials have the form of a JWT: three segments, and a header that is a JSON object, whatever is in it.

        Args:
            credentials: the credentials; untrusted.
        """
        return looks_like_token(credentials.token)

    def verify(self, token: str) -> Verdict:
        """Verify a token, alone or in a program without a guard. This may block, to fetch the keys of the issuer.

        Args:
            token: the token, in its compact serialization; untrusted. One that is longer than 16 KiB is refused unread.

        Returns:
            `Accepted` with the principal, or `Refused` with the reason. No token raises an exception.

        Raises:
            Unavailable: the keys of the issuer, or the store of revocations, cannot be had now.
        """
        return run(self._verified(token))

    async def averify(self, token: str) -> Verdict:
        """Verify a token without blocking the event loop; see `verify`.

        Args:
            token: the token; untrusted.
        """
        return await arun(self._verified(token))

    def flow(self, credentials: BearerToken) -> Steps[Verdict]:
        """Verify a token in steps."""
        return self._verified(credentials.token)

    def _verified(self, token: str) -> Steps[Verdict]:
        read = read_token(token, self._headers)
        if isinstance(read, Refused):
            return read
        verdict = yield from self._check(read)
        if isinstance(verdict, Accepted) and read.segment not in self._headers and len(read.segment) <= _LONGEST_HEADER:
            self._headers.keep(read.segment, read.header)
        return verdict

    def _check(self, token: UnverifiedToken) -> Steps[Verdict]:
        raise TypeError(f"{type(self).__name__} has no _check()")


class JWT(TokenChecker):
    """The access tokens of one identity provider, verified here by its keys.

    What costs nothing comes first: syntax, header, issuer, types, audience. For a token that fails there, no key is fetched and no
    signature verified. Then the signature, then the times, so that only the holder of a genuine token learns that it has expired.

    Args:
        issuer: the `iss` of its tokens, compared code point for code point.
        audience: the identifiers of this server, one of which must be in `aud`: one, or a collection.
        jwks_url: the address of its keys; None: its metadata says it (RFC 8414, OpenID Connect Discovery), unless `keys` has them.
        keys: its keys, a JWK Set as the mapping that it is in JSON, or a `KeySource`.
        algorithms: the allowed algorithms, the preferred one first. None: all signatures by public keys (`ES256`, `ES384`, `ES512`,
            `Ed25519`, `RS256` to `RS512`, `PS256` to `PS512`). HMAC is allowed by name alone, with `keys`.
        profile: `"at+jwt"` demands what RFC 9068 does: the type, `client_id`, `iat` and `jti`. `"any"` takes tokens of type JWT, or of
            none, with `iss`, `exp`, `aud` and `sub`. None: what `claims` says of the issuer, which is `"at+jwt"` by default.
        claims: where the issuer writes scopes, roles and the client; see `ClaimMap`.
        leeway: by how many seconds clocks may differ, 300 at most.
        required: names of claims that a token must have, beside those of the profile.
        revocations: asked once for each new token whether it was revoked; see `Revocations`.
        fetcher: how its keys are fetched, such as `Fetcher(allow=["10.0.0.0/8"])`; None: `Fetcher()`.
        clock: tells the time; None: the system clock.

    Raises:
        ConfigurationError: an argument is wrong, no key can be used, or `watchword[jwt]` is not installed.

    Trust: the issuer is trusted to say who the caller is, and its keys are fetched from where the configuration says, never from where a
    token says.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | Collection[str],
        jwks_url: str | None = None,
        keys: Mapping[str, object] | KeySource | None = None,
        algorithms: Iterable[str] | None = None,
        profile: Profile | None = None,
        claims: ClaimMap = RFC9068,
        leeway: float = 60,
        required: Collection[str] = (),
        revocations: Revocations | None = None,
        fetcher: Fetcher | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        self._selections: Bounded[bytes, Selection] = Bounded(_MOST_HEADERS)  # what headers of genuine tokens say, as above
        self.issuer: str = _checked_issuer(issuer)
        self._audiences = frozenset(_audiences(audience))
        self._map = check_type("JWT(claims=...)", claims, ClaimMap, "ClaimMap(roles=(...,))")
        check_choice("JWT(profile=...)", profile, (None, "at+jwt", "any"))
        self._profile = profile or claims.profile
        extra = check_sequence("JWT(required=...)", required, '["jti"]')
        self._required = required_claims(self._profile, (*claims.required, *extra))
        self._leeway = check_number("JWT(leeway=...)", leeway, most=_MOST_LEEWAY)
        if revocations is not None:
            check_methods("JWT(revocations=...)", revocations, "be an object with look_up(subject, claims, leeway)", "look_up")
        self._revocations = revocations
        self._clock = as_clock(clock, "JWT")
        self._algorithms = check_algorithms(algorithms)
        _import_library()
        self._source = self._key_source(jwks_url, keys, fetcher, clock)

    @property
    def needs_loop(self) -> bool:
        """Whether it can only be awaited, because the HTTP client for its keys can. Adapters for WSGI refuse it when they are made."""
        return getattr(self._source, "needs_loop", False) is True

    @property
    def audiences(self) -> frozenset[str]:
        """The identifiers of this server."""
        return self._audiences

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The names of the allowed algorithms."""
        return tuple(one.name for one in self._algorithms)

    @property
    def key_source(self) -> KeySource:
        """Where its keys come from."""
        return self._source

    @property
    def leeway(self) -> float:
        """By how many seconds clocks may differ."""
        return self._leeway

    @staticmethod
    def any_of(*checkers: JWT) -> AnyIssuer:
        """Return a checker of the tokens of several issuers. The exact `iss` of a token selects one, before any key is fetched.

        Args:
            checkers: two or more, of different issuers.

        Raises:
            ConfigurationError: there are fewer, or two are of one issuer.
        """
        return AnyIssuer(checkers)

    def _key_source(
        self, jwks_url: str | None, keys: Mapping[str, object] | KeySource | None, fetcher: Fetcher | None, clock: Clock | None
    ) -> KeySource:
        if keys is not None and (jwks_url is not None or fetcher is not None):
            raise ConfigurationError("JWT(keys=...) takes neither jwks_url nor fetcher, as nothing is fetched. Leave them out, or keys.")
        if keys is not None:
            return _given(keys, self._algorithms)
        if is_symmetric(self._algorithms):
            raise ConfigurationError('JWT(algorithms=["HS256"]) must get keys=...: a shared secret is not published. Give {"keys": [...]}.')
        from watchword.checkers.jwt.remote import RemoteKeys  # where it is needed: it loads what fetches

        issuer = self.issuer if jwks_url is None else None
        return RemoteKeys(jwks_url, issuer=issuer, algorithms=[one.name for one in self._algorithms], fetcher=fetcher, clock=clock)

    def read_signed(self, document: str | bytes, typ: str) -> Steps[dict[str, Any] | Refused]:
        """Return the claims of another document that the issuer signs for this server, or why it is refused. No time in it is looked at.

        Args:
            document: a JWT in its compact serialization, of 16 KiB at most; untrusted.
            typ: its `typ`, a media type without `application/`.

        Raises:
            Unavailable: the keys of the issuer cannot be had now.
        """
        read = read_token(document, {})
        if isinstance(read, Refused):
            return read
        if read.claims.get("iss") != self.issuer:
            return Refused(Reason.WRONG_ISSUER, detail=_OTHER_ISSUER)
        selection = select_key(read.header, self._algorithms, strict=True, typ=typ)
        if isinstance(selection, Refused):
            return selection
        signer = check_audience(read.claims, self._audiences, None) or (yield from self._signer(read, selection))
        return signer if isinstance(signer, Refused) else read.claims

    def _check(self, token: UnverifiedToken) -> Steps[Verdict]:
        """Check a token that was read, the cheap tests first."""
        selection = self._screen(token)
        if isinstance(selection, Refused):
            return selection
        signer = yield from self._signer(token, selection)
        if isinstance(signer, Refused):
            return signer
        if token.segment not in self._selections and len(token.segment) <= _LONGEST_HEADER:
            self._selections.keep(token.segment, selection)
        return (yield from self._conclude(token.claims, signer))

    def _signer(self, token: UnverifiedToken, selection: Selection) -> Steps[VerificationKey | Refused]:
        """Return the key that has signed a token, or why it is refused."""
        keys = self._source.fresh()
        if keys is None or (selection.kid is not None and not keys.has_kid(selection.kid)):
            keys = yield from self._source.keys(selection.kid)
        candidates = keys.candidates(selection.kid, selection.algorithm)
        if not candidates:
            return _no_key(selection, has_kid=selection.kid is not None and keys.has_kid(selection.kid))
        for signer in candidates:
            if signer.verify(token.signing_input, token.signature):
                break
        else:
            return Refused(Reason.BAD_SIGNATURE, detail=f"by none of {len(candidates)} keys")
        return signer

    def _screen(self, token: UnverifiedToken) -> Selection | Refused:
        """Return what the header says about the key, or refuse what needs no key to be refused."""
        claims = token.claims
        # First: a token of an unknown issuer is not looked at any further, and touches no socket (threats T3, T4).
        if claims.get("iss") != self.issuer:
            return Refused(Reason.WRONG_ISSUER, detail=_OTHER_ISSUER)
        selection = self._selections.get(token.segment) or select_key(token.header, self._algorithms, strict=self._profile == "at+jwt")
        if isinstance(selection, Refused):
            return selection
        return (
            check_claims(claims, self._required)
            or check_audience(claims, self._audiences, self._map.audience)
            or check_unbound(claims)
            or selection
        )

    def _conclude(self, claims: dict[str, Any], signer: VerificationKey) -> Steps[Verdict]:
        """Return the verdict about a token whose signature is right."""
        times = check_times(claims, self._clock.now(), self._leeway)
        if isinstance(times, Refused):
            return times
        principal = self._map.principal(claims, times.until)
        if isinstance(principal, Refused):
            return principal
        lease: Lease | None = None
        if self._revocations is not None:
            found = yield from self._revocations.look_up(principal.id, claims, self._leeway)
            if isinstance(found, Refused):
                return found
            lease = found
        lease = TokenLease(self._source, signer, times, self._clock, lease)
        return Accepted(principal, lease=lease, after_response=self._source.refresh())

    def __repr__(self) -> str:
        return f"JWT(issuer={self.issuer!r}, audience={sorted(self._audiences)!r}, profile={self._profile!r})"


class AnyIssuer(TokenChecker):
    """The tokens of several issuers, each verified by the checker of its issuer alone (RFC 8725 §3.8).

    `JWT.any_of` makes it.

    Args:
        checkers: two or more, of different issuers.

    Raises:
        ConfigurationError: there are fewer, or two are of one issuer.
    """

    def __init__(self, checkers: Collection[JWT]) -> None:
        super().__init__()
        for checker in checkers:
            check_type("JWT.any_of(...)", checker, JWT, "JWT(issuer=..., audience=...)")
        self._by_issuer = {checker.issuer: checker for checker in checkers}
        if len(checkers) < 2 or len(self._by_issuer) < len(checkers):  # noqa: PLR2004 - as the message says
            issuers = [checker.issuer for checker in checkers]
            raise invalid("JWT.any_of(...)", "get two or more checkers of different issuers", issuers)

    @property
    def checkers(self) -> tuple[JWT, ...]:
        """The checkers of the issuers."""
        return tuple(self._by_issuer.values())

    @property
    def needs_loop(self) -> bool:
        """Whether one of them can only be awaited."""
        return any(checker.needs_loop for checker in self._by_issuer.values())

    def _check(self, token: UnverifiedToken) -> Steps[Verdict]:
        issuer = token.claims.get("iss")
        checker = self._by_issuer.get(issuer) if isinstance(issuer, str) else None
        if checker is None:
            return Refused(Reason.WRONG_ISSUER, detail="its iss is that of no checker")
        return (yield from checker._check(token))  # noqa: SLF001 - of its own kind

    def __repr__(self) -> str:
        return f"JWT.any_of({', '.join(map(repr, self._by_issuer.values()))})"


def _no_key(selection: Selection, *, has_kid: bool) -> Refused:
    if has_kid:
        return Refused(Reason.WRONG_ALGORITHM, detail="the key of its kid is bound to another algorithm")
    return Refused(Reason.UNKNOWN_KEY, detail="no key of the issuer has " + ("its algorithm" if selection.kid is None else "its kid"))


def _checked_issuer(issuer: object) -> str:
    if not isinstance(issuer, str) or not issuer or not issuer.isprintable() or "#" in issuer:
        raise invalid("JWT(issuer=...)", "be the iss of its tokens, text without # (RFC 8414 §2)", issuer)
    return issuer


def _audiences(audience: object) -> tuple[str, ...]:
    what = "JWT(audience=...)"
    names = check_sequence(what, (audience,) if isinstance(audience, str) else audience, '"https://api.example.com"')
    if not names:
        raise invalid(what, "name this server, as the issuer does in aud", audience)
    return names


def _given(keys: object, algorithms: Algorithms) -> KeySource:
    if isinstance(keys, dict) or not hasattr(keys, "fresh"):
        return StaticKeys(keys, algorithms)  # type: ignore[arg-type] # checked there
    check_methods("JWT(keys=...)", keys, "be a JWK Set, or an object with keys(), fresh() and refresh()", "keys", "fresh", "refresh")
    return keys  # type: ignore[return-value] # it has the methods


def _import_library() -> None:
    """Import the library of signatures now: later a failure would come with a request."""
    try:
        import joserfc.jws  # noqa: F401
    except ImportError as error:
        raise ConfigurationError('JWT(...) needs joserfc: pip install "watchword[jwt]"') from error
