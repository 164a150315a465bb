"""API keys: made, shown once, checked, rotated and revoked. The store holds no key, only what it takes to know one again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from hmac import compare_digest
from os import urandom
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from watchword.cache import Bounded
from watchword.checkers.adapt import FlowChecker
from watchword.checkers.asking import ask
from watchword.checkers.key_format import KeyFormat, is_id
from watchword.checkers.lookups import find_key
from watchword.checkers.record_checks import (
    check_kind,
    check_names,
    check_networks,
    check_scopes,
    check_seconds,
    check_store,
    check_text,
    check_window,
)
from watchword.checkers.validity import Validity
from watchword.clock import as_clock
from watchword.credentials import APIKeyCredentials, BearerToken
from watchword.errors import ConfigurationError, NotFound, Unavailable
from watchword.operation import Operation
from watchword.principal import Evidence, Principal
from watchword.process import PerProcess
from watchword.reason import Reason
from watchword.stores.ports import KeyRecord
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import EllipsisType

    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.operation import Steps
    from watchword.stores.ports import KeyStore
    from watchword.verdict import Verdict

T = TypeVar("T")

OVERLAP = 86_400.0  # seconds: a day to put the new key in place
USED_EVERY = 60.0  # seconds between two notes of the use of a key

_NOTED = 10_000  # keys; of one that was forgotten the store says when it was used
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


class APIKeys(FlowChecker[APIKeyCredentials | BearerToken]):
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

    def __init__(self, store: KeyStore, *, prefix: str = "ww", clock: Clock | None = None, used_every: float = USED_EVERY) -> None:
        check_store(store, "APIKeys", "find_key", "add_key", "rotate_key", "revision", "is_current")
        self._store = store
        self._form = KeyFormat(prefix)
        self._clock: Clock = as_clock(clock, "APIKeys")
        self._used_every = check_seconds("used_every", used_every)
        self._noted: Bounded[float] = Bounded(_NOTED)
        # A thread that was at it in the parent does not exist in a child.
        self._noting: PerProcess[dict[str, object]] = PerProcess(dict)
        self._nobody = urandom(32)  # the digest of no key

    def recognises(self, credentials: APIKeyCredentials | BearerToken) -> bool:
        """Tell whether this is a key of the form and prefix of these, for `AnyOf`; whether it is true makes no difference.

        Args:
            credentials: what was shown; untrusted.
        """
        return self._form.fits(credentials.token if isinstance(credentials, BearerToken) else credentials.key)

    def flow(self, credentials: APIKeyCredentials | BearerToken) -> Steps[Verdict]:
        """Look a key up, if it has the form of one, and say whose it is."""
        read = self._form.read(credentials.token if isinstance(credentials, BearerToken) else credentials.key)
        if read is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        name, digest = read
        store = self._store
        revision = store.revision()
        record = yield from ask(store, partial(find_key, store, name))
        is_right = compare_digest(digest, self._nobody if record is None else record.digest)
        if record is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        if not is_right:
            return Refused(Reason.WRONG_SECRET, detail=f"key {record.id}")
        now = self._clock.now()
        validity = _validity(record)
        refusal = validity.refusal(now)
        if refusal is not None:
            return Refused(refusal, detail=f"key {record.id} of {record.owner}")
        lease = validity.lease(store, revision, record.subjects, self._clock)
        return Accepted(_principal(record), lease=lease, after_response=self._note(record, now))

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
        made = self._form.make()
        record = KeyRecord(
            id=made.id,
            digest=made.digest,
            owner=check_text("the owner", owner),
            label=check_text("the label", label, may_be_empty=True),
            kind=check_kind(kind),
            roles=check_names("roles", roles),
            scopes=check_scopes(scopes),
            permissions=check_names("permissions", permissions),
            networks=check_networks(networks),
            not_before=begins,
            expires_at=ends,
            created_at=self._clock.now(),
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
        overlap = check_seconds("overlap", overlap)

        def change() -> NewKey | None:
            old, now = self.get(id), self._clock.now()
            _check_replaceable(old, now)
            begins = old.not_before if old.not_before is not None and old.not_before > now else None
            begins, ends = check_window(begins, _successor_ends(old, now) if expires_at is ... else expires_at)
            made = self._form.make()
            new = KeyRecord(
                id=made.id,
                digest=made.digest,
                owner=old.owner,
                label=old.label,
                kind=old.kind,
                roles=old.roles,
                scopes=old.scopes,
                permissions=old.permissions,
                networks=old.networks,
                not_before=begins,
                expires_at=ends,
                created_at=now,
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
        """Yield the records of keys, in the order of their ids; read from the store in pages.

        Args:
            owner: whose; None: everybody's.
        """
        after = ""
        while page := self._store.list_keys(owner=owner, after=after):
            yield from page
            after = page[-1].id

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

    def _note(self, record: KeyRecord, now: float) -> Operation[None] | None:
        """Return what is left to do: to note that the key was used, unless that was noted a moment ago."""
        if record.last_used_at is not None and now < record.last_used_at + self._used_every:
            return None
        name = record.id
        if self._is_noted(name, now):
            return None

        def note() -> None:
            # Of several threads one does it: `setdefault` is atomic.
            mine, noting = object(), self._noting.get()
            if noting.setdefault(name, mine) is not mine:
                return
            try:
                if not self._is_noted(name, now):
                    self._store.note_key_use(name, now)
                    self._noted.keep(name.encode(), now)
            finally:
                del noting[name]

        return Operation(note) if self._store.blocking else Operation(note, partial(_at_once, note))

    def _is_noted(self, name: str, now: float) -> bool:
        noted = self._noted.get(name.encode())
        # Either way: of a burst the last may be noted first, and a clock may have been set back.
        return noted is not None and abs(now - noted) < self._used_every

    def __repr__(self) -> str:
        return f"APIKeys(prefix={self._form.prefix!r})"


def _validity(record: KeyRecord) -> Validity:
    return Validity(
        revoked_at=record.revoked_at, disabled=record.owner_disabled, not_before=record.not_before, expires_at=record.expires_at
    )


def _principal(record: KeyRecord) -> Principal:
    return Principal(
        record.owner,
        roles=record.roles,
        scopes=record.scopes,
        permissions=record.permissions,
        claims={"key_id": record.id},
        evidence=Evidence(expires_at=record.expires_at, networks=record.networks or None),
        kind=record.kind,
    )


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


async def _at_once(work: Callable[[], None]) -> None:
    work()
