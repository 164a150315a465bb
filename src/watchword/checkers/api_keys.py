"""Makes, checks, rotates and revokes API keys. The store holds only the digest of the secret part."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from watchword.checkers.issued import IssuedChecker
from watchword.checkers.key_format import KeyFormat, is_id
from watchword.checkers.lookups import ask_key, find_key
from watchword.checkers.record_checks import check_networks, check_store, check_window
from watchword.checkers.use_notes import UseNotes
from watchword.credentials import APIKeyCredentials, BearerToken
from watchword.errors import ConfigurationError, NotFound, Unavailable
from watchword.stores.ports import KeyRecord, KeyStore
from watchword.validators import check_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import EllipsisType

    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.operation import Operation, Steps

T = TypeVar("T")

OVERLAP = 86_400.0  # seconds: a day to put the new key in place
USED_EVERY = 60.0  # seconds between two notes of the use of a key

_TRIES = 100  # after lost races: each of them is a change that another process made


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key.

    Args:
        key: the key, for its holder. It cannot be had again: the store has only a digest.
        record: the stored record.
    """

    key: str = field(repr=False)
    record: KeyRecord


class APIKeys(IssuedChecker[KeyRecord, KeyStore]):
    """API keys of programs in a store, for `APIKey` and for `Bearer`.

    A key looks like `ww_<id>_<secret><checksum>`. Other text is refused before the store is asked. A key is found by its id, and
    the SHA-256 digest of its secret is compared in constant time, with a random one if there is no such id.

    The methods beside `check` manage keys, for operators. They block, and are not for the event loop. They raise `Unavailable` if the
    store does not answer; nothing is changed then.

    Args:
        store: holds the keys.
        prefix: the beginning of each key, by which users and secret scanners recognise it.
        clock: tells the time; None: the system clock.
        used_every: the least number of seconds between two notes of the use of a key. They are written after the response.

    Raises:
        ConfigurationError: the store lacks a method, or the prefix is malformed.

    Trust: the store is trusted, credentials are not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (APIKeyCredentials, BearerToken)

    _owner_is: ClassVar[str] = "owner"

    def __init__(self, store: KeyStore, *, prefix: str = "ww", clock: Clock | None = None, used_every: float = USED_EVERY) -> None:
        check_store(store, "APIKeys", "find_key", "add_key", "rotate_key", "note_key_use", "revision", "is_current")
        super().__init__(store, KeyFormat(prefix), clock)
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
        """Make a key, and store its record.

        Args:
            owner: the id of the account or program that it stands for: the id of the principal.
            label: a note for people: where it is used.
            kind: `"user"` if it acts for a person, `"client"` for a program acting for itself.
            roles: the roles that `role(...)` compares.
            scopes: the scopes that `scope(...)` compares.
            permissions: the permissions that `permission(...)` compares.
            networks: the networks from which it is accepted, such as `["10.0.0.0/8"]`; empty: any address.
            not_before: when it becomes valid, Unix seconds; None: at once.
            expires_at: when it expires, Unix seconds; None: never.

        Returns:
            The key, which cannot be had again, and its record.

        Raises:
            ConfigurationError: an argument is wrong; nothing is stored.
        """
        begins, ends = check_window(not_before, expires_at)
        fields = self._issued(owner, label, kind, roles=roles, scopes=scopes, permissions=permissions)
        kept_networks, made = check_networks(networks), self._form.make()
        record = KeyRecord(id=made.id, digest=made.digest, **fields, networks=kept_networks, not_before=begins, expires_at=ends)
        return NewKey(made.text, self._store.add_key(record))

    def rotate(self, id: str, *, overlap: float = OVERLAP, expires_at: float | EllipsisType | None = ...) -> NewKey:  # noqa: A002 - the name of the field
        """Replace a key by a new one with the same grants. Both work for a while, so that programs can change over.

        Args:
            id: the id of the old key.
            overlap: how many seconds the old one still works, unless it expires earlier. 0: it is revoked at once.
            expires_at: when the new one expires; None: never. By default it lives as long as the old one was made for.

        Returns:
            The new key and its record.

        Raises:
            NotFound: there is no such key.
            ConfigurationError: the old key was revoked, has expired or was replaced, or an argument is wrong.
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
            # Without an overlap it is revoked as well: expiry alone depends on the clocks of other machines.
            old = replace(old, replaced_by=new.id, expires_at=until, revoked_at=None if overlap else now)
            kept = self._store.rotate_key(old, new)
            return None if kept is None else NewKey(made.text, kept)

        return _persist(change)

    def revoke(self, id: str) -> bool:  # noqa: A002 - as above
        """Revoke a key: it is refused from now on, also where it is cached.

        Args:
            id: the id of the key.

        Returns:
            False: there is no such key, or it was revoked before.
        """

        def change() -> bool | None:
            record = self._find(id)
            if record is None or record.revoked_at is not None:
                return False
            return True if self._store.replace_key(replace(record, revoked_at=self._clock.now())) is not None else None

        return _persist(change)

    def get(self, id: str) -> KeyRecord:  # noqa: A002 - as above
        """Return the record of a key.

        Args:
            id: the id of the key.

        Raises:
            NotFound: there is no such key.
        """
        record = self._find(id)
        if record is None:
            # The argument may be a whole key. Only a text that cannot be one is shown.
            raise NotFound(f"there is no API key with the id {id!r}" if is_id(id) else "that is not the id of an API key")
        return record

    def recognise(self, text: object) -> str | None:
        """Return the id in a text that has the format and the checksum of a key. Nothing is looked up.

        For logs, and for scanners that look for leaked keys.

        Args:
            text: any value.
        """
        read = self._form.read(text)
        return None if read is None else read[0]

    def _find(self, name: str) -> KeyRecord | None:
        # A whole key, given by mistake, must not reach the store: errors and logs of databases show arguments.
        return find_key(self._store, name) if is_id(name) else None


def _check_replaceable(old: KeyRecord, now: float) -> None:
    if old.revoked_at is not None:
        raise ConfigurationError(f"the API key {old.id!r} was revoked and cannot be rotated. Create a new key.")
    if old.replaced_by is not None:
        raise ConfigurationError(f"the API key {old.id!r} was replaced by {old.replaced_by!r} already. Rotate that one.")
    if old.expires_at is not None and not now < old.expires_at:
        raise ConfigurationError(f"the API key {old.id!r} has expired and cannot be rotated. Create a new key.")


def _successor_ends(old: KeyRecord, now: float) -> float | None:
    """Return when a successor expires that lives as long as the old key was made for."""
    if old.expires_at is None:
        return None
    began = old.created_at if old.not_before is None else max(old.created_at, old.not_before)
    return max(began, now) + (old.expires_at - began)


def _persist(change: Callable[[], T | None]) -> T:
    """Try a change again while other processes change the same key."""
    for _ in range(_TRIES):
        done = change()
        if done is not None:
            return done
    raise Unavailable(f"the API key was changed by others {_TRIES} times meanwhile")
