"""Revokes tokens that prove themselves by a signature: one by its `jti`, or all of a subject that were issued until a time.

The rules of comparison:

    iss, sub, jti   code point for code point
    jti             revoked: refused, whatever its times are
    iat             refused unless it is a second and the leeway later than the time of its subject. Some issuers round up to the next
                    second, and no two clocks agree. A token without iat may be of before that time, and is refused
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from watchword.checkers.asking import ask, async_side
from watchword.checkers.lease import StoreLease
from watchword.checkers.record_checks import check_store, check_time
from watchword.clock import as_clock
from watchword.errors import ConfigurationError, Unavailable
from watchword.operation import arun, run
from watchword.reason import Reason
from watchword.stores.bounds import storable
from watchword.validators import check_number, invalid
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.clock import Clock
    from watchword.operation import Steps
    from watchword.stores.ports import RevocationStore, Standing

_ROUNDED: Final = 1.0  # seconds: `iat` is a whole number with most issuers
_SPARE: Final = 86_400.0  # seconds for which a revocation is kept beyond `exp`: a leeway is 300 at most, and clocks of verifiers are wrong
_SHOWN: Final = 50


class TokenRevocations:
    """Refuses revoked tokens of any issuer: `JWT(..., revocations=TokenRevocations(store))`.

    The store is asked once for each token. After that the lease of the answer ends it, so every process that shares the store refuses a
    token within `staleness` after its revocation. A store that does not answer is an outage, and never accepts a token.

    Args:
        store: keeps the revocations.
        clock: tells the time; None: the system clock.

    Raises:
        ConfigurationError: the store lacks a method.

    Trust: those who call `revoke` and `revoke_before` are trusted.
    """

    def __init__(self, store: RevocationStore, *, clock: Clock | None = None) -> None:
        methods = "find_standing", "revoke_jti", "revoke_before", "purge_revocations", "revision", "is_current"
        check_store(store, "TokenRevocations", *methods)
        self._store = store
        self._clock = as_clock(clock, "TokenRevocations")

    def look_up(self, subject: str, claims: Mapping[str, Any], leeway: float) -> Steps[StoreLease | Refused]:
        """Return the lease of a token that is not revoked, or the refusal.

        Args:
            subject: unused: revocations name the claims.
            claims: the claims, verified.
            leeway: by how much the clock of the issuer may differ from that of the caller of `revoke_before`, seconds.

        Raises:
            Unavailable: the store does not answer.
        """
        revision = self._store.revision()
        found = yield from ask_standing(self._store, claims)
        if isinstance(found, Refused):
            return found
        lease = StoreLease(self._store, revision, found.subjects, self._clock, since=-inf, until=inf)
        return why_revoked(found, claims, leeway) or lease

    def revoke(self, token_or_jti: str, issuer: str | None = None, *, expires_at: float | None = None) -> bool:
        """Revoke one token: it is refused from now on, also where it is cached. This may block.

        Args:
            token_or_jti: the token, or its `jti`. A token is read and not verified. So its `exp` is not used: a forgery that was found in
                its place would let a purge forget the revocation.
            issuer: its `iss`, exactly; None: it is in the token.
            expires_at: its `exp`, Unix seconds. The revocation is kept a day longer. None: it is kept until `purge(longest=...)`.

        Returns:
            False: it was revoked before.

        Raises:
            ConfigurationError: an argument is wrong, or the token has no `jti`: nothing is revoked.
            Unavailable: the store does not answer; the token may still work.
        """
        return run(self.revoking(token_or_jti, issuer, expires_at=expires_at))

    async def arevoke(self, token_or_jti: str, issuer: str | None = None, *, expires_at: float | None = None) -> bool:
        """Revoke one token without blocking the event loop; see `revoke`."""
        return await arun(self.revoking(token_or_jti, issuer, expires_at=expires_at))

    def revoking(self, token_or_jti: str, issuer: str | None = None, *, expires_at: float | None = None) -> Steps[bool]:
        """Revoke one token in steps, which `run` and `arun` drive; see `revoke`."""
        (iss, jti), ends = named_token(token_or_jti, issuer), check_time("expires_at", expires_at)
        store, facts = self._store, (iss, jti, self._clock.now(), inf if ends is None else ends + _SPARE)
        revoked: bool = yield from ask(store, lambda: store.revoke_jti(*facts), async_side(store, "revoke_jti", *facts))
        return revoked

    def revoke_before(self, issuer: str, subject: str, *, at: float | None = None) -> bool:
        """Revoke all tokens of a subject that were issued until a time. This cannot be taken back. It may block.

        The subject must wait for a second and the leeway of a verifier before a new token counts: `iat` cannot order them.

        Args:
            issuer: the `iss` of the tokens, exactly.
            subject: their `sub`, exactly.
            at: the time, Unix seconds, which must not lie in the future; None: now.

        Returns:
            False: they were revoked before, by an equal or a later time.

        Raises:
            ConfigurationError: an argument is wrong: nothing is revoked.
            Unavailable: the store does not answer; the tokens may still work.
        """
        return run(self.revoking_before(issuer, subject, at=at))

    async def arevoke_before(self, issuer: str, subject: str, *, at: float | None = None) -> bool:
        """Revoke all tokens of a subject without blocking the event loop; see `revoke_before`."""
        return await arun(self.revoking_before(issuer, subject, at=at))

    def revoking_before(self, issuer: str, subject: str, *, at: float | None = None) -> Steps[bool]:
        """Revoke all tokens of a subject in steps; see `revoke_before`."""
        now = self._clock.now()
        # Milliseconds in place of seconds would refuse the subject for ever.
        time = now if at is None else check_number("at", at, most=now, unit="Unix seconds, not in the future")
        store, facts = self._store, (_claim("the issuer", issuer), _claim("the subject", subject), time)
        revoked: bool = yield from ask(store, lambda: store.revoke_before(*facts), async_side(store, "revoke_before", *facts))
        return revoked

    def purge(self, before: float | None = None, *, longest: float | None = None) -> int:
        """Delete revocations of tokens that have ended. This may block.

        Args:
            before: delete those of a `jti` whose token ended a day before this time, Unix seconds; None, or a time in the future: now.
            longest: the longest time for which a token of any issuer is valid, seconds. What was revoked more than that and a day ago is
                deleted, too: times of subjects, and a `jti` with an unknown end. None: these are kept.

        Returns:
            The number of deleted revocations.

        Raises:
            ConfigurationError: an argument is wrong.
        """
        now, time = self._clock.now(), check_time("before", before)
        issued = -inf if longest is None else now - check_number("longest", longest, above=True) - _SPARE
        return self._store.purge_revocations(now if time is None else min(time, now), issued)

    def __repr__(self) -> str:
        return "TokenRevocations()"


def ask_standing(store: RevocationStore, claims: Mapping[str, Any], family: str = "") -> Steps[Standing | Refused]:
    """Return what a store knows about a token, in steps, or the refusal of a token that could not be revoked.

    Raises:
        Unavailable: the store does not answer, or answered another question.
    """
    issuer, subject, jti = claims.get("iss"), claims.get("sub"), claims.get("jti", "")
    if not (storable(issuer) and storable(subject) and (jti == "" or storable(jti))):
        return Refused(Reason.INVALID_CLAIM, detail="no store can keep its iss, sub or jti, so it could not be revoked")
    asked = str(issuer), str(subject), str(jti), family
    found: Standing = yield from ask(store, lambda: store.find_standing(*asked), async_side(store, "find_standing", *asked))
    if (found.issuer, found.subject, found.jti) != asked[:3] or (found.family is not None and found.family.id != family):
        raise Unavailable("the store answered about another token than the one that was asked for")
    return found


def why_revoked(found: Standing, claims: Mapping[str, Any], leeway: float) -> Refused | None:
    """Return the refusal of a token that was revoked; None: it was not. See the rules of the module."""
    if found.revoked_at is not None:
        return Refused(Reason.REVOKED, detail=f"the jti {found.jti[:_SHOWN]!r}")
    issued = claims.get("iat")
    if found.not_before is None or (_is_time(issued) and issued - leeway >= found.not_before + _ROUNDED):
        return None
    return Refused(Reason.REVOKED, detail=f"tokens of {found.subject[:_SHOWN]!r} that were issued until {found.not_before}")


def named_token(text: str, issuer: str | None) -> tuple[str, str]:
    """Return issuer and `jti` of a token that is given by itself, or by its `jti`; see `TokenRevocations.revoke`.

    Raises:
        ConfigurationError: it is neither. The message does not show it.
    """
    from watchword.checkers.jwt.claims import check_claims
    from watchword.checkers.jwt.reading import looks_like_token, read_token

    if not isinstance(text, str) or not looks_like_token(text):
        if issuer is None:
            raise ConfigurationError("a jti must come with its issuer, and a token must be whole. Give revoke(jti, issuer).")
        return _claim("the issuer", issuer), _claim("the token or jti", text, secret=True)
    read = read_token(text, {})
    wrong = read if isinstance(read, Refused) else check_claims(read.claims, ("iss", "jti"))
    if isinstance(read, Refused) or wrong is not None:
        why = "" if wrong is None else f": {wrong.detail}"
        raise ConfigurationError(f"the token must be whole, with iss and jti{why}. Give revoke(jti, issuer), or use revoke_before().")
    iss = _claim("the iss of the token", read.claims["iss"])
    if issuer not in {None, iss}:
        raise invalid("the issuer", f"be that of the token, {iss!r}", issuer)
    return iss, read.claims["jti"]


def _claim(what: str, text: object, *, secret: bool = False) -> str:
    """Return text that a token may have in `iss`, `sub` or `jti`. No verifier accepts any other."""
    from watchword.checkers.jwt.claims import is_text

    if not isinstance(text, str) or not is_text(text):
        raise invalid(what, "be text of 1 to 1024 octets without control characters", text, secret=secret or not isinstance(text, str))
    return text


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
