"""Starts, refreshes and ends families of refresh tokens. Each token is used once, and a copy is detected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from watchword.checkers.asking import ask, async_side
from watchword.checkers.key_format import TokenFormat, is_id
from watchword.checkers.lookups import pages
from watchword.checkers.record_checks import check_store, check_text
from watchword.clock import as_clock
from watchword.errors import NotFound
from watchword.issuing.new_families import new_family
from watchword.issuing.refresh_answers import Refreshed, Unrefreshed, answer_to, notice_of
from watchword.issuing.successors import Successors
from watchword.observe.notice import log_notice
from watchword.operation import arun, run
from watchword.stores.ports import FamilyRecord, Presented, RefreshRecord, State
from watchword.validators import check_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Unpack

    from watchword.clock import Clock
    from watchword.issuing.new_families import FamilyOptions
    from watchword.observe.notice import Hook
    from watchword.operation import Steps
    from watchword.stores.ports import Kept, RefreshStore

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class NewRefreshToken:
    """A new family with its first token.

    Args:
        token: the refresh token, for the client. The store has only a digest.
        family: the stored record.
    """

    token: str = field(repr=False)
    family: FamilyRecord


class RefreshTokens:
    """Refresh tokens in a store, with rotation and detection of reuse (RFC 9700 §4.14.2).

    A token looks like `wwr_<secret><checksum>`. Other text is refused before the store is asked. Each token is used once, and has one
    successor. For 30 seconds a used token gives that successor again, to tabs that race and to a client that lost the answer. After that,
    or if the successor was used, it is refused; after 30 seconds its family ends, with all of its access tokens.

    Every method has a form that awaits, such as `arefresh`, except those for operators: `list`, `get`, `purge`.

    Args:
        store: keeps the families.
        secrets: a random secret of at least 32 octets, the same in every process, kept where the database is not; or several. The first is
            used for new successors. To replace it, first add the new one behind it in every process, then move it to the front, and
            remove the old one a minute later.
        prefix: the beginning of each token, by which users and secret scanners recognise it.
        lifetime: seconds until an unused token expires.
        absolute: seconds until a family ends, however often it is refreshed.
        on_event: is called for each use of a token by another client, late, or by a copy; None: logs a warning.
        clock: tells the time; None: the system clock.

    Raises:
        ConfigurationError: an argument is wrong.

    Trust: the store is trusted, tokens are not. The caller has authenticated the client.
    """

    def __init__(
        self,
        store: RefreshStore,
        secrets: str | bytes | Iterable[str | bytes],
        *,
        prefix: str = "wwr",
        lifetime: float = 30 * DAY,
        absolute: float = 30 * DAY,
        on_event: Hook | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_store(store, "RefreshTokens", "start_family", "refresh_family", "find_family", "end_family", "revision", "is_current")
        self._store = store
        self._form = TokenFormat(prefix)
        self._successors = Successors(secrets, self._form)
        self._lifetime = check_number("RefreshTokens(lifetime=...)", lifetime, above=True)
        self._absolute = check_number("RefreshTokens(absolute=...)", absolute, above=True)
        self._on_event: Hook = log_notice if on_event is None else on_event
        self._clock = as_clock(clock, "RefreshTokens")

    def start(
        self,
        subject: str,
        client: str,
        *,
        scopes: Iterable[str] = (),
        jkt: str | None = None,
        claims: Mapping[str, Any] | None = None,
        absolute: float | None = None,
    ) -> NewRefreshToken:
        """Start a family for a login, and return its first token. This may block.

        Args:
            subject: the id of the account that logged in.
            client: the id of the client that may refresh it.
            scopes: what was granted.
            jkt: the thumbprint of the key that the client must prove (RFC 9449 §5); None: none.
            claims: what access tokens of the family say besides, such as `{"auth_time": 1700000000}`.
            absolute: seconds until the family ends; None: as for all families.

        Raises:
            ConfigurationError: an argument is wrong; nothing is stored.
            Unavailable: the store does not answer.
        """
        return run(self.starting(subject, client, scopes=scopes, jkt=jkt, claims=claims, absolute=absolute))

    async def astart(self, subject: str, client: str, **options: Unpack[FamilyOptions]) -> NewRefreshToken:
        """Start a family without blocking the event loop; see `start`."""
        return await arun(self.starting(subject, client, **options))

    def starting(self, subject: str, client: str, **options: Unpack[FamilyOptions]) -> Steps[NewRefreshToken]:
        """Start a family in steps, which `run` and `arun` drive; see `start`."""
        family = new_family(subject, client, self._clock.now(), self._absolute, options)
        made = self._form.make()
        first = RefreshRecord(digest=made.digest, family=family.id, expires_at=min(family.created_at + self._lifetime, family.expires_at))
        store = self._store
        kept = yield from ask(store, lambda: store.start_family(family, first), async_side(store, "start_family", family, first))
        return NewRefreshToken(made.text, kept)

    def refresh(self, token: str, client: str, *, jkt: str | None = None, scopes: Iterable[str] | None = None) -> Refreshed | Unrefreshed:
        """Refresh a token: rotate it, or give the same successor again. This may block.

        Args:
            token: the token; untrusted.
            client: the id of the client, which was authenticated unless it is a public one.
            jkt: the thumbprint of the key that the client has proven; None: none.
            scopes: fewer scopes for the access token (RFC 6749 §6); None: all of the family. The family keeps its scopes.

        Raises:
            Unavailable: the store does not answer, and the token may have been rotated. The client presents it again, and gets the same
                successor.
        """
        return run(self.refreshing(token, client, jkt=jkt, scopes=scopes))

    async def arefresh(
        self, token: str, client: str, *, jkt: str | None = None, scopes: Iterable[str] | None = None
    ) -> Refreshed | Unrefreshed:
        """Refresh a token without blocking the event loop; see `refresh`."""
        return await arun(self.refreshing(token, client, jkt=jkt, scopes=scopes))

    def refreshing(
        self, token: str, client: str, *, jkt: str | None = None, scopes: Iterable[str] | None = None
    ) -> Steps[Refreshed | Unrefreshed]:
        """Refresh a token in steps, which `run` and `arun` drive; see `refresh`."""
        read = self._form.read(token)
        if read is None:
            return Unrefreshed(State.UNKNOWN)
        proposed = self._successors.propose(token)
        presented = Presented(
            digest=read[1],
            client=client,
            jkt=jkt,
            scopes=None if scopes is None else frozenset(scopes),
            successor=proposed.made.digest,
            nonce=proposed.nonce,
            key_id=proposed.key_id,
            lifetime=self._lifetime,
        )
        store = self._store
        rotation = yield from ask(store, lambda: store.refresh_family(presented), async_side(store, "refresh_family", presented))
        answer = answer_to(token, presented, rotation, self._successors)
        if (notice := notice_of(presented, rotation)) is not None:
            self._on_event(notice)
        return answer

    def revoke(self, token_or_id: str) -> bool:
        """End the family of a token: none of its tokens is accepted from now on. This may block.

        Args:
            token_or_id: any token of the family, used ones included, or the id of the family.

        Returns:
            False: there is no such family, or it was ended before.

        Raises:
            Unavailable: the store does not answer; its tokens may still work.
        """
        return run(self.revoking(token_or_id))

    async def arevoke(self, token_or_id: str) -> bool:
        """End the family of a token without blocking the event loop; see `revoke`."""
        return await arun(self.revoking(token_or_id))

    def revoking(self, token_or_id: str, client: str | None = None) -> Steps[bool]:
        """End a family in steps; see `revoke`.

        Args:
            token_or_id: the token, or the id of the family.
            client: ends a family of this client alone (RFC 7009 §2.1); None: of any.
        """
        store = self._store
        id_, read = token_or_id, self._form.read(token_or_id)
        if read is not None:
            found = yield from ask(store, lambda: store.find_refresh(read[1]), async_side(store, "find_refresh", read[1]))
            if found is None or (client is not None and found.family.client != client):
                return False
            id_ = found.family.id
        # Any other text may be a token of another application. It must not reach the store: errors of databases show arguments.
        if not is_id(id_):
            return False
        now = self._clock.now()
        ended: bool = yield from ask(store, lambda: store.end_family(id_, now), async_side(store, "end_family", id_, now))
        return ended

    def describing(self, token: str, client: str) -> Steps[dict[str, Any] | None]:
        """Return what a token of a client stands for, by the names of RFC 7662 §2.2, in steps; None: it is not valid, or not the client's.

        A token that was used is not valid, although it may give its successor again.

        Args:
            token: the token; untrusted.
            client: the id of the client, which was authenticated.
        """
        read, store, now = self._form.read(token), self._store, self._clock.now()
        if read is None:
            return None
        found: Kept | None = yield from ask(store, lambda: store.find_refresh(read[1]), async_side(store, "find_refresh", read[1]))
        if found is None or found.family.client != client or found.token.rotated_at is not None:
            return None
        family, ends = found.family, min(found.token.expires_at, found.family.expires_at)
        if family.revoked_at is not None or family.owner_disabled or not now < ends:
            return None
        members = {"client_id": client, "sub": family.owner, "exp": int(ends), "iat": int(family.created_at)}
        return members | {"scope": " ".join(sorted(family.scopes))} if family.scopes else members

    def revoke_all(self, subject: str) -> tuple[int, int]:
        """End all families of a subject, and revoke its keys and its other tokens, for example because an account is compromised.

        Args:
            subject: the id of the account.

        Returns:
            The number of keys, and the number of tokens and families.
        """
        return self._store.revoke_all(check_text("the subject", subject), self._clock.now())

    def get(self, id: str) -> FamilyRecord:  # noqa: A002 - the name of the field
        """Return a family.

        Args:
            id: the id of its record.

        Raises:
            NotFound: there is no such family.
        """
        found = self._store.find_family(id) if is_id(id) else None
        if found is None:
            raise NotFound(f"there is no family with the id {id!r}" if is_id(id) else "there is no such family")
        return found

    def list(self, subject: str | None = None) -> Iterator[FamilyRecord]:
        """Yield families in the order of their ids; the store is read in pages.

        Args:
            subject: the id of the account; None: all families.
        """
        return pages(lambda after: self._store.list_families(owner=subject, after=after))

    def purge(self, before: float | None = None) -> int:
        """Delete families that have ended, and tokens that have expired. They are refused before and after.

        Args:
            before: delete what ended before this time, Unix seconds; None, or a time in the future: before now.

        Returns:
            The number of deleted families.
        """
        now = self._clock.now()
        return self._store.purge_families(now if before is None else min(check_number("before", before, unit="Unix seconds"), now))

    def recognise(self, text: object) -> bool:
        """Tell whether a text has the format and the checksum of a refresh token. Nothing is looked up.

        Args:
            text: any value.
        """
        return self._form.read(text) is not None

    def __repr__(self) -> str:
        return f"RefreshTokens(prefix={self._form.prefix!r})"
