"""Opaque bearer tokens: random, shown once, found again by their digest, and revoked whenever one likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from watchword.checkers.asking import ask, async_side
from watchword.checkers.issued import IssuedChecker, principal_of
from watchword.checkers.key_format import TokenFormat, is_id
from watchword.checkers.lookups import ask_token, find_token, get_token
from watchword.checkers.record_checks import check_store, check_text, check_time
from watchword.credentials import APIKeyCredentials, BearerToken
from watchword.errors import ConfigurationError, NotFound
from watchword.operation import arun, run
from watchword.reason import Reason
from watchword.stores.ports import TokenRecord
from watchword.validators import check_number
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.operation import Steps
    from watchword.stores.ports import TokenStore
    from watchword.verdict import Verdict

EXPIRES_IN = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just issued.

    Args:
        token: the token, for its holder. This is the only time that it is there: the store has a digest of it.
        record: what is kept.
    """

    token: str = field(repr=False)
    record: TokenRecord


class OpaqueTokens(IssuedChecker[TokenRecord]):
    """Random tokens in a store, for `Bearer` and for `APIKey`.

    A token looks like `wwt_<secret><checksum>`. What does not is refused without a look into the store. What does is found by
    its SHA-256 digest, which is compared in constant time, with something even where there is none.

    The methods beside `check` issue and manage tokens. They block, and are not for the event loop.

    Args:
        store: where the tokens live.
        prefix: what they begin with: a name by which people, and scanners for lost tokens, know whose they are.
        clock: tells the time; None: the machine's.

    Raises:
        ConfigurationError: the store is none, or the prefix cannot be one.

    Trust: what the store holds is trusted, credentials are not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BearerToken, APIKeyCredentials)

    _owner_is: ClassVar[str] = "subject"

    def __init__(self, store: TokenStore, *, prefix: str = "wwt", clock: Clock | None = None) -> None:
        check_store(store, "OpaqueTokens", "find_token", "add_token", "revoke_token", "revision", "is_current")
        super().__init__(store, TokenFormat(prefix), clock)
        self._store = store

    def _look_up(self, id: str, digest: bytes) -> Steps[TokenRecord | None]:  # noqa: A002 - a token is found by its digest
        return ask_token(self._store, digest)

    def _page(self, owner: str | None, after: str) -> Sequence[TokenRecord]:
        return self._store.list_tokens(owner=owner, after=after)

    def redeem(self, token: str) -> Verdict:
        """Accept a token once, for links that reset a password or confirm an address; this may block.

        The token is revoked before anybody is told that it was good, in one step that succeeds for one caller only: of two who
        show it at the same time one is refused (threat S2).

        Args:
            token: what was shown; untrusted.

        Raises:
            Unavailable: the store does not answer; the token may be spent or not, and nobody was let in.
        """
        return run(self._redeeming(token))

    async def aredeem(self, token: str) -> Verdict:
        """Do the same as `redeem`, without blocking the event loop.

        Args:
            token: what was shown; untrusted.
        """
        return await arun(self._redeeming(token))

    def _redeeming(self, token: str) -> Steps[Verdict]:
        found = yield from self._find_valid(token)
        if isinstance(found, Refused):
            return found
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
    ) -> NewToken:
        """Issue a token and keep what is needed to know it again.

        Args:
            subject: the id of the account or program that it stands for: the id of the principal.
            expires_in: for how many seconds it is valid; None: it does not expire.
            expires_at: from when on it is not valid any more, Unix seconds; counts in place of `expires_in`.
            label: a note for people: what it was issued for.
            kind: `"user"` if it acts for a person, `"client"` for a program acting for itself.
            roles: what `role(...)` asks for.
            scopes: what `scope(...)` asks for.
            permissions: what `permission(...)` asks for.

        Returns:
            The token, which is not kept anywhere else, and the record of it.

        Raises:
            ConfigurationError: something of it cannot be right; nothing is kept.
            Unavailable: the store does not answer; nothing is kept.
        """
        grants = self._grants(subject, label, kind, roles=roles, scopes=scopes, permissions=permissions)
        now = self._clock.now()
        end = _end(now, expires_in) if expires_at is None else check_time("expires_at", expires_at)
        made = self._form.make()
        record = TokenRecord(id=made.id, digest=made.digest, **grants, expires_at=end, created_at=now)
        return NewToken(made.text, self._store.add_token(record))

    def revoke(self, token_or_handle: str) -> bool:
        """Revoke a token: from now on it is refused, and so is a memory of it.

        Args:
            token_or_handle: the token, or the id of its record.

        Returns:
            False: there is none, or it was revoked before.

        Raises:
            Unavailable: the store does not answer; the token may still work.
        """
        handle = token_or_handle
        read = self._form.read(token_or_handle)
        if read is not None:
            record = find_token(self._store, read[1])
            handle = "" if record is None else record.id
        # What is neither may be a token of somebody else: it must not reach the store, whose errors may show what they were asked.
        return is_id(handle) and self._store.revoke_token(handle, self._clock.now())

    def revoke_all(self, subject: str) -> tuple[int, int]:
        """Revoke all keys and all tokens that stand for somebody: what one does when an account is compromised.

        Args:
            subject: the id of the account or program.

        Returns:
            How many keys and how many tokens were revoked by it.
        """
        return self._store.revoke_all(check_text("the subject", subject), self._clock.now())

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
            # What was given may be a token: it is shown only if it cannot be.
            raise NotFound(f"there is no token with the id {handle!r}" if is_id(handle) else "there is no such token")
        return found

    def list(self, subject: str | None = None) -> Iterator[TokenRecord]:
        """Yield the records of tokens, in the order of their handles; they are read from the store in pages.

        Args:
            subject: whose; None: everybody's.
        """
        return self._list(subject)

    def purge(self, before: float | None = None) -> int:
        """Forget tokens that ended, by expiry or revocation. They are refused before and after.

        Args:
            before: those that ended before this time, Unix seconds; None, or a time in the future: before now.

        Returns:
            How many.
        """
        now, time = self._clock.now(), check_time("before", before)
        return self._store.purge_tokens(now if time is None else min(time, now))

    def recognise(self, text: object) -> bool:
        """Tell whether a text has the form of a token and the right checksum, whether there is such a token or not.

        For logs, and for scanners that look for lost tokens. Nothing is looked up.

        Args:
            text: anything.
        """
        return self._form.read(text) is not None


def _end(now: float, expires_in: float | None) -> float | None:
    if expires_in is None:
        return None
    seconds = check_number("expires_in", expires_in)
    if not seconds:
        raise ConfigurationError("expires_in is more than 0: the token would never be valid")
    return now + seconds
