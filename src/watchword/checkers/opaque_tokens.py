"""Issues, checks, redeems and revokes opaque bearer tokens: random, shown once, and found by their digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from watchword.checkers.asking import ask, async_side
from watchword.checkers.issued import IssuedChecker, principal_of
from watchword.checkers.key_format import TokenFormat, is_id
from watchword.checkers.login_claims import login_claims, why_wrong_login
from watchword.checkers.lookups import ask_token, find_token, get_token
from watchword.checkers.record_checks import check_store, check_texts, check_time
from watchword.credentials import APIKeyCredentials, BearerToken
from watchword.errors import NotFound
from watchword.operation import arun, run
from watchword.reason import Reason
from watchword.stores.ports import TokenRecord, TokenStore
from watchword.validators import check_number
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.operation import Steps
    from watchword.principal import Principal
    from watchword.verdict import Verdict

EXPIRES_IN = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token.

    Args:
        token: the token, for its holder. It cannot be had again: the store has only a digest.
        record: the stored record.
    """

    token: str = field(repr=False)
    record: TokenRecord


class OpaqueTokens(IssuedChecker[TokenRecord, TokenStore]):
    """Random tokens in a store, for `Bearer` and for `APIKey`.

    A token looks like `wwt_<secret><checksum>`. Other text is refused before the store is asked. A token is found by its SHA-256
    digest, which is compared in constant time, with a random one if there is no such token.

    The methods beside `check` manage tokens, for operators. They block, and are not for the event loop. They raise `Unavailable` if the
    store does not answer.

    Args:
        store: holds the tokens.
        prefix: the beginning of each token, by which users and secret scanners recognise it.
        audience: the identifiers of this server, one or several: it accepts tokens for one of them, and no other. Empty: it accepts
            tokens without an audience alone.
        clock: tells the time; None: the system clock.

    Raises:
        ConfigurationError: the store lacks a method, or the prefix is malformed.

    Trust: the store is trusted, credentials are not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BearerToken, APIKeyCredentials)

    _owner_is: ClassVar[str] = "subject"

    def __init__(self, store: TokenStore, *, prefix: str = "wwt", audience: str | Iterable[str] = (), clock: Clock | None = None) -> None:
        check_store(store, "OpaqueTokens", "find_token", "add_token", "revoke_token", "revision", "is_current")
        super().__init__(store, TokenFormat(prefix), clock)
        self._audience = frozenset(check_texts("audience", (audience,) if isinstance(audience, str) else audience))

    def _look_up(self, id: str, digest: bytes) -> Steps[TokenRecord | None]:  # noqa: A002 - a token is found by its digest
        return ask_token(self._store, digest)

    def _find_valid(self, text: str) -> Steps[TokenRecord | Refused]:
        found = yield from super()._find_valid(text)
        if isinstance(found, Refused):
            return found
        # A token for another server, or a link of this one, must not open this server (RFC 8725 §3.9 says so for JWTs).
        if not self._audience.intersection(found.audience) and (self._audience or found.audience):
            return Refused(Reason.WRONG_AUDIENCE, detail=f"token {found.id} is for {list(found.audience)}: see OpaqueTokens(audience=...)")
        claims = login_claims(found)
        return (claims and why_wrong_login(claims, self._clock.now())) or found

    def _principal(self, record: TokenRecord) -> Principal:
        return principal_of(record, login_claims(record))

    def _page(self, owner: str | None, after: str) -> Sequence[TokenRecord]:
        return self._store.list_tokens(owner=owner, after=after)

    def redeem(self, token: str) -> Verdict:
        """Accept a token once, for links that reset a password or confirm an address. This may block.

        The token is revoked before the answer, in one step that succeeds for one caller only: of two callers that redeem it at the
        same time one is refused (threat S2).

        Args:
            token: the token; untrusted.

        Raises:
            Unavailable: the store does not answer. The token may be spent, but no caller was accepted.
        """
        return run(self._redeeming(token))

    async def aredeem(self, token: str) -> Verdict:
        """Redeem a token without blocking the event loop; see `redeem`.

        Args:
            token: the token; untrusted.
        """
        return await arun(self._redeeming(token))

    def _redeeming(self, token: str) -> Steps[Verdict]:
        found = yield from self._find_valid(token)
        if isinstance(found, Refused):
            return found
        if found.sid is not None:
            return Refused(Reason.WRONG_TOKEN_TYPE, detail=f"token {found.id} is an access token, and no link")
        store, now = self._store, self._clock.now()
        spent = yield from ask(store, lambda: store.revoke_token(found.id, now), async_side(store, "revoke_token", found.id, now))
        return Accepted(principal_of(found)) if spent else Refused(Reason.REVOKED)

    def create(
        self,
        subject: str,
        *,
        expires_in: float | None = EXPIRES_IN,
        expires_at: float | None = None,
        label: str = "",
        kind: Literal["user", "client"] = "user",
        roles: Iterable[str] = (),
        scopes: Iterable[str] = (),
        permissions: Iterable[str] = (),
        audience: str | Iterable[str] = (),
    ) -> NewToken:
        """Issue a token, and store its record.

        Args:
            subject: the id of the account or program that it stands for: the id of the principal.
            expires_in: how many seconds it is valid; None: it does not expire.
            expires_at: when it expires, Unix seconds; takes precedence over `expires_in`.
            label: a note for people: what it was issued for.
            kind: `"user"` if it acts for a person, `"client"` for a program acting for itself.
            roles: the roles that `role(...)` compares.
            scopes: the scopes that `scope(...)` compares.
            permissions: the permissions that `permission(...)` compares.
            audience: the servers that accept it, one or several; empty: those that name no audience.

        Returns:
            The token, which cannot be had again, and its record.

        Raises:
            ConfigurationError: an argument is wrong; nothing is stored.
        """
        fields = self._issued(subject, label, kind, roles=roles, scopes=scopes, permissions=permissions)
        end = check_time("expires_at", expires_at)
        if end is None and expires_in is not None:
            end = fields["created_at"] + check_number("expires_in", expires_in, above=True)
        servers = check_texts("audience", (audience,) if isinstance(audience, str) else audience)
        made = self._form.make()
        record = TokenRecord(id=made.id, digest=made.digest, **fields, expires_at=end, audience=servers)
        return NewToken(made.text, self._store.add_token(record))

    def revoke(self, token_or_handle: str) -> bool:
        """Revoke a token: it is refused from now on, also where it is cached.

        Args:
            token_or_handle: the token, or the id of its record.

        Returns:
            False: there is no such token, or it was revoked before.

        Raises:
            Unavailable: the store does not answer; the token may still work.
        """
        handle, read = token_or_handle, self._form.read(token_or_handle)
        if read is not None:
            record = find_token(self._store, read[1])
            handle = "" if record is None else record.id
        # Any other text may be a token of another application. It must not reach the store: errors of databases show arguments.
        return is_id(handle) and self._store.revoke_token(handle, self._clock.now())

    def get(self, token_or_handle: str) -> TokenRecord:
        """Return the record of a token.

        Args:
            token_or_handle: the token, or the id of its record.

        Raises:
            NotFound: there is no such token.
        """
        read, handle = self._form.read(token_or_handle), token_or_handle
        found: TokenRecord | None = None
        if read is not None:
            found = find_token(self._store, read[1])
        elif is_id(handle):
            found = get_token(self._store, handle)
        if found is None:
            # The argument may be a token. Only a text that cannot be one is shown.
            raise NotFound(f"there is no token with the id {handle!r}" if is_id(handle) else "there is no such token")
        return found

    def purge(self, before: float | None = None) -> int:
        """Delete tokens that have expired or were revoked. They are refused before and after.

        Args:
            before: delete those that ended before this time, Unix seconds; None, or a time in the future: before now.

        Returns:
            The number of deleted tokens.
        """
        now, time = self._clock.now(), check_time("before", before)
        return self._store.purge_tokens(now if time is None else min(time, now))

    def recognise(self, text: object) -> bool:
        """Tell whether a text has the format and the checksum of a token. Nothing is looked up.

        For logs, and for scanners that look for leaked tokens.

        Args:
            text: any value.
        """
        return self._form.read(text) is not None
