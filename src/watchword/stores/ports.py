"""Defines what checkers ask of a store: one small protocol per need, and the records that pass through them.

A store keeps what it is given and decides nothing: whether an account is locked or a key has run out is for the checker
to say, by its clock. Every method may block, unless the store says that it does not; every method raises `Unavailable` where
the store cannot answer, and then nothing is half done. What is to be kept and is beyond `watchword.stores.bounds` is a `ValueError`, and
what is no record a `TypeError`. Times are Unix seconds.

A store with an async client may have the lookups of a request in an async form beside: `afind_account`, `afind_key`, `afind_token`,
`arevoke_token`, with the same arguments and answers. Checkers await them on an event loop, which costs no thread; without them a worker
thread asks.

These methods are described here alone: a store names the one that it answers to.

Secrets do not come here: passwords as hashes, keys and tokens as SHA-256 digests of random values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from watchword.stores.subjects import account_subject, issued_subject

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

PAGE = 1000
"""How many records a listing holds at most, unless asked for another number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """An account that has a password.

    Args:
        id: the stable id: the id of the principal, and the owner of its keys and tokens.
        names: the names by which it logs in, in Normalization Form C; no two accounts share one.
        password_hash: the stored hash; None: no password lets it in.
        hash_profile: format and cost of the hash, such as `"argon2id m=19456 t=2 p=1"`; None where there is none.
        password_changed_at: when the password was set.
        roles: what `role(...)` asks for.
        scopes: what `scope(...)` asks for.
        permissions: what `permission(...)` asks for.
        disabled: whether it is shut until somebody enables it.
        locked_until: until when it is shut; None: it is not.
        created_at: when it was added.
        last_login_at: when it last logged in, to within a few minutes; None: never.
        version: counts the changes; 0 for a record that was never stored.
    """

    id: str
    names: tuple[str, ...]
    password_hash: str | None = field(default=None, repr=False)
    hash_profile: str | None = None
    password_changed_at: float | None = None
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    disabled: bool = False
    locked_until: float | None = None
    created_at: float = 0.0
    last_login_at: float | None = None
    version: int = 0

    @property
    def subjects(self) -> tuple[str, ...]:
        """What an answer about this account depends on; see `Watched.is_current`."""
        return (account_subject(self.id),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A secret that was issued to somebody: what an API key, a token and their like have in common.

    Checkers, stores and commands handle every kind of it in one way, by these names. A kind adds its own fields.

    Args:
        id: the public name, by which it is listed and revoked.
        digest: the SHA-256 digest of what is secret in it.
        owner: the id of the account or program that it stands for.
        label: a note for people: where it is used, or what it was issued for.
        kind: what its principal is: `"user"` where it acts for a person, `"client"` for a program acting for itself.
        roles: what `role(...)` asks for.
        scopes: what `scope(...)` asks for.
        permissions: what `permission(...)` asks for.
        created_at: when it was issued.
        expires_at: from when on it is not valid any more; None: it does not expire.
        revoked_at: when it was revoked; None: it is not. Whatever the time, it is over.
        owner_disabled: whether there is an account of that id and it is disabled. Told by the store, never kept with the record.
    """

    what: ClassVar[str] = "secret"
    """What it is called in messages and subjects."""

    id: str
    digest: bytes = field(repr=False)
    owner: str
    label: str = ""
    kind: Literal["user", "client"] = "user"
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None
    owner_disabled: bool = False

    @property
    def subjects(self) -> tuple[str, ...]:
        """What an answer about it depends on: it, and whoever owns it; see `Watched.is_current`."""
        return issued_subject(self.what, self.id), account_subject(self.owner)

    # What a kind may add. Without the field, it is as if nobody had said anything.

    @property
    def networks(self) -> tuple[str, ...]:
        """From where it may be used; empty: from anywhere."""
        return ()

    @property
    def not_before(self) -> float | None:
        """From when on it is valid; None: at once."""
        return None

    @property
    def last_used_at(self) -> float | None:
        """When it was last accepted; None: never, or it is not noted."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord(Issued):
    """An API key. Its id is the public part of the key, by which it is found; its digest is that of the secret part.

    Args:
        networks: from where it may be used, such as `("10.0.0.0/8",)`; empty: from anywhere.
        not_before: from when on it is valid; None: at once.
        last_used_at: when it was last accepted, to within a few minutes; None: never.
        replaced_by: the id of the key that rotation put in its place; None: there is none.
        version: counts the changes; 0 for a record that was never stored.
    """

    what: ClassVar[str] = "key"

    networks: tuple[str, ...] = ()
    not_before: float | None = None
    last_used_at: float | None = None
    replaced_by: str | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord(Issued):
    """An opaque bearer token. Its digest is that of the whole token, by which it is found; its id is a handle that tells nothing of it."""

    what: ClassVar[str] = "token"

    @property
    def subject(self) -> str:
        """The owner, by the word for it in tokens (RFC 7662 §2.2)."""
        return self.owner


class Watched(Protocol):
    """Cache validation: a store tells whether what was read has changed.

    `revision` and `is_current` never block: they say what this process knows. A change made in this process is known at once. Of changes
    made elsewhere a store learns by asking, so nothing is current where it has not asked for some seconds: that is the bound within
    which a revocation reaches every process.
    """

    @property
    def blocking(self) -> bool:
        """Whether its methods may wait for a disk or a network, so that they must not be called on an event loop."""
        ...

    def revision(self) -> int:
        """Return the number of the newest change that is known; take it *before* reading what is to be cached."""
        ...

    def is_current(self, revision: int, subjects: Collection[str] | None = None) -> bool:
        """Return whether nothing that a checker may cache about some subjects has changed since a revision.

        A change of one subject leaves what is cached about others current. Additions, logins and uses take nothing away and are no
        changes, with two exceptions: a disabled account is a change of its id, and a name that differs from others in case alone is a
        change of the accounts that have those. Where a store does not know what changed, everything has.

        Args:
            revision: what `revision()` returned.
            subjects: of the record that was read, such as `KeyRecord.subjects`; None: everything in the store. False may also mean that
                nobody has asked for a while: looking a record up asks.
        """
        ...


class AccountStore(Watched, Protocol):
    """Where accounts live."""

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Return the account that logs in by this name.

        Args:
            name: in Normalization Form C.
            fold_case: whether names that differ in case alone (Unicode case folding) are the same. A name that is spelled
                exactly so wins; of several that are not, none is found.
        """
        ...

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
        """Return the account with this id."""
        ...

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        """Keep a new account, and return it as it is kept.

        Names are unique. Check all of it under the lock that writes (`watchword.stores.naming`).

        Args:
            account: the account.
            fold_case: None: names are kept apart from names alone. False: from ids too, and ids from names. True: in any case.

        Raises:
            AlreadyExists: the id or one of the names is taken.
        """
        ...

    def replace_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord | None:
        """Keep a changed account: compare and set, by its version.

        Args:
            account: as it was read, with the changes; the id and the times of creation and login stay as they are stored.
            fold_case: as in `add_account`, for new names.

        Returns:
            The account as it is kept now; None: it was changed or removed meanwhile, and nothing was done.

        Raises:
            AlreadyExists: one of the names is taken.
        """
        ...

    def swap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - as above
        """Put a new hash of the same password in place: compare and set, by the old hash. When it was set stays as it is.

        Returns:
            False: the stored hash is another one by now, and nothing was done.
        """
        ...

    def remove_account(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """Remove an account with its names, and revoke all of its keys and tokens, in one step.

        Returns:
            False: there was none.
        """
        ...

    def list_accounts(self, *, after: str = "", limit: int = PAGE) -> Sequence[AccountRecord]:
        """Return accounts in the order of their ids.

        Args:
            after: the id after which to begin; empty: from the first.
            limit: how many at most.
        """
        ...

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a login. An earlier time than the one that is stored changes nothing; nothing cached is voided by it."""
        ...

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """Return one stored hash of each `hash_profile` in use, and how many accounts have that profile: counted, or estimated.

        A login waits for it once in ten minutes, on an event loop for a quarter of a second at most: its cost is bounded, and does not
        grow with the number of accounts. A profile may be missing that few accounts have. Where that cannot be had in time,
        `Unavailable` is a good answer.
        """
        ...

    def dummy_key(self) -> bytes:
        """Return a random key of 32 octets, made with the store and the same in every process that uses it."""
        ...


class KeyStore(Watched, Protocol):
    """Where API keys live."""

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        """Return the key with this id, through an index."""
        ...

    def add_key(self, key: KeyRecord) -> KeyRecord:
        """Keep a new key, and return it as it is kept.

        Raises:
            AlreadyExists: the id is taken.
        """
        ...

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        """Keep a changed key: compare and set, by its version.

        Returns:
            The key as it is kept now; None: it was changed meanwhile, and nothing was done.
        """
        ...

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        """Keep a changed key and its successor, both or neither: compare and set, by the version of the old one.

        Returns:
            The successor as it is kept; None: the old one was changed meanwhile, and nothing was done.

        Raises:
            AlreadyExists: the id of the successor is taken.
        """
        ...

    def list_keys(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[KeyRecord]:
        """Return keys in the order of their ids; see `AccountStore.list_accounts`.

        Args:
            owner: whose; None: everybody's.
            after: the id after which to begin.
            limit: how many at most.
        """
        ...

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note that a key was used. An earlier time than the one that is stored changes nothing; nothing cached is voided by it."""
        ...

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        """Revoke all keys and all tokens that stand for somebody, in one step.

        Returns:
            How many keys and how many tokens were revoked by it.
        """
        ...


class TokenStore(Watched, Protocol):
    """Where opaque tokens live."""

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """Return the token with this digest, through an index."""
        ...

    def add_token(self, token: TokenRecord) -> TokenRecord:
        """Keep a new token, and return it as it is kept.

        Raises:
            AlreadyExists: the digest or the id is taken.
        """
        ...

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - the name of the field
        """Revoke a token by its handle.

        Returns:
            False: there is none, or it was revoked before.
        """
        ...

    def list_tokens(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[TokenRecord]:
        """Return tokens in the order of their handles; see `KeyStore.list_keys`."""
        ...

    def purge_tokens(self, before: float) -> int:
        """Forget tokens that ended, by expiry or revocation, before a time.

        Args:
            before: Unix seconds. A time in the future counts as now: a token that is valid is never forgotten.

        Returns:
            How many.
        """
        ...

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        """Revoke all keys and all tokens that stand for somebody; see `KeyStore.revoke_all`."""
        ...


class CounterStore(Protocol):
    """Where a throttle counts the attempts to guess a secret.

    Counting is one step: room for an attempt is taken before the secret is verified, by the clock of the store, so that parallel attempts
    cannot pass a limit together. Counts are worth seconds to a day: a store may lose them with itself, and need not write them to a disk.
    Its methods come with the throttle.
    """


class MarkStore(Protocol):
    """Where it is noted that something was used, which counts once: an id of a token (RFC 7519 §4.1.7), a proof (RFC 9449 §11.1), a code.

    To set a mark is one step that succeeds for one caller only. A mark is kept until what it belongs to has expired, and never lost before:
    a store that may forget marks lets somebody in twice. Its methods come with the first scheme that needs it.
    """


class SessionStore(Watched, Protocol):
    """Where sessions live: of people who log in by a form, found by the digest of what their cookie holds.

    To write the last use never creates a session: else it would revive one that was logged out. The methods come with the scheme.
    """
