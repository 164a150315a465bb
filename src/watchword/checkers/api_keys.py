"""API keys: made, shown once, checked, rotated and revoked. The store holds no key, only what it takes to know one again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from watchword.checkers.issued import IssuedChecker
from watchword.checkers.key_format import KeyFormat, is_id
from watchword.checkers.lookups import ask_key, find_key
from watchword.checkers.record_checks import check_networks, check_store, check_text, check_window
from watchword.checkers.use_notes import UseNotes
from watchword.credentials import APIKeyCredentials, BearerToken
from watchword.errors import ConfigurationError, NotFound, Unavailable
from watchword.stores.ports import KeyRecord
from watchword.validators import check_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import EllipsisType

    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.operation import Operation, Steps
    from watchword.stores.ports import KeyStore

T = TypeVar("T")

OVERLAP = 86_400.0  # seconds: a day to put the new key in place
USED_EVERY = 60.0  # seconds between two notes of the use of a key

_TRIES = 100  # at a change that somebody else was quicker at: each failure is the success of another


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made.

    Args:
        key: the key, for its holder. This is the only time that it is there: the store has a digest of it.
        record: what is kept.
    """

    key: str = field(repr=False)
    record: KeyRecord


class APIKeys(IssuedChecker[KeyRecord]):
    """Keys of programs in a store, for `APIKey` and for `Bearer`.

    A key looks like `ww_<id>_<secret><checksum>`. What does not is refused without a look into the store. What does is found by
    its id, and the SHA-256 digest of its secret compared in constant time, with something even where there is no such id.

    The methods beside `check` make and manage keys, for programs and people who may. They block, and are not for the event loop.

    Args:
        store: where the keys live.
        prefix: what they begin with: a name by which people, and scanners for lost keys, know whose they are.
        clock: tells the time; None: the machine's.
        used_every: how many seconds pass at least between two notes of the use of a key. They are taken after the response.

    Raises:
        ConfigurationError: the store is none, or the prefix cannot be one.

    Trust: what the store holds is trusted, credentials are not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (APIKeyCredentials, BearerToken)

    _owner_is: ClassVar[str] = "owner"

    def __init__(self, store: KeyStore, *, prefix: str = "ww", clock: Clock | None = None, used_every: float = USED_EVERY) -> None:
        check_store(store, "APIKeys", "find_key", "add_key", "rotate_key", "note_key_use", "revision", "is_current")
        super().__init__(store, KeyFormat(prefix), clock)
        self._store = store
        self._uses = UseNotes(
            store.note_key_use,
            every=check_number("used_every", used_every),
            blocking=store.blocking,
            awaited=getattr(store, "anote_key_use", None),
        )

    def _look_up(self, id: str, digest: bytes) -> Steps[KeyRecord | None]:  # noqa: A002 - a key is found by its id
        return ask_key(self._store, id)

    def _page(self, owner: str | None, after: str) -> Sequence[KeyRecord]:
        return self._store.list_keys(owner=owner, after=after)

    def _after_response(self, record: KeyRecord) -> Operation[None] | None:
        return self._uses.after_response(record.id, record.last_used_at, self._clock.now())

    def create(
        self,
        owner: str,
        *,
        label: str = "",
        kind: Literal["user", "client"] = "user",
        roles: Iterable[str] = (),
        scopes: Iterable[str] = (),
        permissions: Iterable[str] = (),
        networks: Iterable[str] = (),
        not_before: float | None = None,
        expires_at: float | None = None,
    ) -> NewKey:
        """Make a key and keep what is needed to know it again.

        Args:
            owner: the id of the account or program that it stands for: the id of the principal.
            label: a note for people: where it is used.
            kind: `"user"` if it acts for a person, `"client"` for a program acting for itself.
            roles: what `role(...)` asks for.
            scopes: what `scope(...)` asks for.
            permissions: what `permission(...)` asks for.
            networks: from where it may be used, such as `["10.0.0.0/8"]`; none: from anywhere.
            not_before: from when on it is valid, Unix seconds; None: at once.
            expires_at: from when on it is not valid any more, Unix seconds; None: it does not expire.

        Returns:
            The key, which is not kept anywhere else, and the record of it.

        Raises:
            ConfigurationError: something of it cannot be right; nothing is kept.
            Unavailable: the store does not answer; nothing is kept.
        """
        begins, ends = check_window(not_before, expires_at)
        grants = self._grants(owner, label, kind, roles=roles, scopes=scopes, permissions=permissions)
        kept_networks, now, made = check_networks(networks), self._clock.now(), self._form.make()
        record = KeyRecord(
            id=made.id, digest=made.digest, **grants, networks=kept_networks, not_before=begins, expires_at=ends, created_at=now
        )
        return NewKey(made.text, self._store.add_key(record))

    def rotate(self, id: str, *, overlap: float = OVERLAP, expires_at: float | EllipsisType | None = ...) -> NewKey:  # noqa: A002 - the name of the field
        """Put a new key in the place of one. Both work for a while, so that nothing fails until the new one is in place.

        Args:
            id: of the old key.
            overlap: for how many seconds the old one still works, unless it expires earlier. 0: it is revoked at once.
            expires_at: when the new one expires; None: never. Left out: it lives as long as the old one was made for.

        Returns:
            The new key, which holds what the old one held.

        Raises:
            NotFound: there is no such key.
            ConfigurationError: it was revoked, has expired or was replaced already, or an argument cannot be right.
            Unavailable: the store does not answer; nothing is changed.
        """
        overlap = check_number("overlap", overlap)

        def change() -> NewKey | None:
            old, now = self.get(id), self._clock.now()
            _check_replaceable(old, now)
            begins = old.not_before if old.not_before is not None and old.not_before > now else None
            begins, ends = check_window(begins, _successor_ends(old, now) if expires_at is ... else expires_at)
            made = self._form.make()
            new = replace(
                old, id=made.id, digest=made.digest, not_before=begins, expires_at=ends, created_at=now, last_used_at=None, version=0
            )
            until = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
            # Without an overlap it is revoked as well: then it is over everywhere, whatever the clocks of other machines say.
            old = replace(old, replaced_by=new.id, expires_at=until, revoked_at=None if overlap else now)
            kept = self._store.rotate_key(old, new)
            return None if kept is None else NewKey(made.text, kept)

        return _persist(change)

    def revoke(self, id: str) -> bool:  # noqa: A002 - as above
        """Revoke a key: from now on it is refused, and so is a memory of it.

        Args:
            id: of the key.

        Returns:
            False: there is none, or it was revoked before.

        Raises:
            Unavailable: the store does not answer; the key may still work.
        """

        def change() -> bool | None:
            record = self._find(id)
            if record is None or record.revoked_at is not None:
                return False
            return True if self._store.replace_key(replace(record, revoked_at=self._clock.now())) is not None else None

        return _persist(change)

    def revoke_all(self, owner: str) -> tuple[int, int]:
        """Revoke all keys and all tokens that stand for somebody: what one does when an account is compromised.

        Args:
            owner: the id of the account or program.

        Returns:
            How many keys and how many tokens were revoked by it.
        """
        return self._store.revoke_all(check_text("the owner", owner), self._clock.now())

    def get(self, id: str) -> KeyRecord:  # noqa: A002 - as above
        """Return the record of a key.

        Args:
            id: of the key.

        Raises:
            NotFound: there is no such key.
        """
        record = self._find(id)
        if record is None:
            # What was given may be a whole key: it is shown only if it cannot be.
            raise NotFound(f"there is no API key with the id {id!r}" if is_id(id) else "that is not the id of an API key")
        return record

    def list(self, owner: str | None = None) -> Iterator[KeyRecord]:
        """Yield the records of keys, in the order of their ids; they are read from the store in pages.

        Args:
            owner: whose; None: everybody's.
        """
        return self._list(owner)

    def recognise(self, text: object) -> str | None:
        """Return the id of what has the form of a key and the right checksum, whether there is such a key or not.

        For logs, and for scanners that look for lost keys. Nothing is looked up.

        Args:
            text: anything.
        """
        read = self._form.read(text)
        return None if read is None else read[0]

    def _find(self, name: str) -> KeyRecord | None:
        # A whole key, given by mistake, must not reach the store, whose errors and logs may show what they were asked.
        return find_key(self._store, name) if is_id(name) else None


def _check_replaceable(old: KeyRecord, now: float) -> None:
    if old.revoked_at is not None:
        raise ConfigurationError(f"the API key {old.id!r} was revoked: it has no successor, create a new key")
    if old.replaced_by is not None:
        raise ConfigurationError(f"the API key {old.id!r} was replaced by {old.replaced_by!r} already: rotate that one")
    if old.expires_at is not None and not now < old.expires_at:
        raise ConfigurationError(f"the API key {old.id!r} has expired: it has no successor, create a new key")


def _successor_ends(old: KeyRecord, now: float) -> float | None:
    """Return when the successor of a key expires, if it lives as long as that one was made for."""
    if old.expires_at is None:
        return None
    began = old.created_at if old.not_before is None else max(old.created_at, old.not_before)
    return max(began, now) + (old.expires_at - began)


def _persist(change: Callable[[], T | None]) -> T:
    """Try a change until nobody else was quicker."""
    for _ in range(_TRIES):
        done = change()
        if done is not None:
            return done
    raise Unavailable(f"the API key was changed by others {_TRIES} times while it was to be changed here")
