"""Defines what checkers ask of a store: one small protocol per need.

A store keeps records and decides nothing: the checker tells, by its own clock, whether an account is locked or a key has expired. Every
method may block, unless `blocking` is False. Every method raises `Unavailable` if the store cannot answer, and then nothing is half done.
A record beyond `watchword.stores.bounds` raises ValueError, an object of another class TypeError. Times are Unix seconds.

A store with an async client may add async forms of what a request asks and notes: `afind_account`, `afind_key`, `afind_token`,
`arevoke_token`, `anote_key_use`, `anote_login`, `aswap_hash`, `ahash_samples` and `adummy_key`, with the same arguments and answers.
Checkers await them on an event loop, which costs no thread. Without them a worker thread calls the blocking form.

Stores derive from these protocols, and so inherit their docstrings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from watchword.stores.records import AccountRecord, Issued, KeyRecord, TokenRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

PAGE = 1000
"""The default length of a listing."""


class Watched(Protocol):
    """Cache validation: a store tells whether records have changed since they were read.

    `revision` and `is_current` never block: they tell what this process knows. It knows its own changes at once. It learns of other
    changes when it queries the store, so nothing is current if the last query is some seconds old. That bounds the time in which a
    revocation reaches every process.
    """

    @property
    def blocking(self) -> bool:
        """Whether methods may wait for a disk or a network, and so must not run on an event loop."""

    def revision(self) -> int:
        """Return the number of the newest known change. Take it *before* reading a record to cache."""

    def is_current(self, revision: int, subjects: Collection[str] | None = None) -> bool:
        """Return whether nothing that a checker may cache about some subjects has changed since a revision.

        A change of one subject leaves what is cached about others current. Additions, logins and uses revoke nothing and are not
        changes, with two exceptions: adding a disabled account changes its id, and adding a name that differs from other names in case
        alone changes their accounts. If the store does not know what changed, everything has.

        Args:
            revision: the value of `revision()`.
            subjects: of the record that was read, such as `KeyRecord.subjects`; None: everything in the store. False may also mean that
                the last query is too old: a lookup is a query.
        """


class AccountStore(Watched, Protocol):
    """Keeps accounts."""

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Return the account with this login name.

        Args:
            name: in Normalization Form C.
            fold_case: whether to ignore case (Unicode case folding). A name with exactly this spelling wins; several others are
                ambiguous, and none is returned.
        """

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - the name of the field
        """Return the account with this id."""

    def add_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord:
        """Keep a new account, and return it as it is kept.

        Names are unique. Check them under the lock that writes (`watchword.stores.naming`).

        Args:
            account: the account.
            fold_case: None: a name must differ from all names. False: from all ids too, and an id from all names. True: in any case.

        Raises:
            AlreadyExists: the id or a name is taken.
        """

    def replace_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord | None:
        """Keep a changed account: compare and set, by its version.

        Args:
            account: as it was read, with the changes. The id and the times of creation and login stay as they are stored.
            fold_case: as in `add_account`, for new names.

        Returns:
            The account as it is kept now; None: it was changed or removed meanwhile, and nothing was done.

        Raises:
            AlreadyExists: a name is taken.
        """

    def swap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - as above
        """Replace a hash by one of the same password: compare and set, by the old hash. `password_changed_at` stays.

        Returns:
            False: the stored hash is another one by now, and nothing was done.
        """

    def remove_account(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """Remove an account with its names, and revoke all of its keys and tokens, in one step.

        Returns:
            False: the id is unknown.
        """

    def list_accounts(self, *, after: str = "", limit: int = PAGE) -> Sequence[AccountRecord]:
        """Return accounts in the order of their ids.

        Args:
            after: the id that the page follows; empty: the first page.
            limit: the length of the page.
        """

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a login. A time earlier than the stored one changes nothing. Cached answers stay current."""

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """Return one stored hash of each `hash_profile` in use, and the number of its accounts: counted, or estimated.

        A login waits for it once in ten minutes, on an event loop for a quarter of a second at most. Its cost is bounded and does not
        grow with the number of accounts, so a profile of few accounts may be missing. Raise `Unavailable` if it takes longer.
        """

    def dummy_key(self) -> bytes:
        """Return a random key of 32 octets, made with the store and equal in every process that uses it."""


class IssuedStore(Watched, Protocol):
    """Keeps issued secrets of any kind."""

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        """Revoke all keys and all tokens of an owner, in one step.

        Returns:
            How many keys and how many tokens it revoked.
        """


class KeyStore(IssuedStore, Protocol):
    """Keeps API keys."""

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        """Return the key with this id, through an index."""

    def add_key(self, key: KeyRecord) -> KeyRecord:
        """Keep a new key, and return it as it is kept.

        Raises:
            AlreadyExists: the id is taken.
        """

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        """Keep a changed key: compare and set, by its version.

        Returns:
            The key as it is kept now; None: it was changed meanwhile, and nothing was done.
        """

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        """Keep a changed key and its successor, both or neither: compare and set, by the version of the old one.

        Returns:
            The successor as it is kept; None: the old one was changed meanwhile, and nothing was done.

        Raises:
            AlreadyExists: the id of the successor is taken.
        """

    def list_keys(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[KeyRecord]:
        """Return the keys of an owner, or all keys, in the order of their ids; see `AccountStore.list_accounts`."""

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a use of a key. A time earlier than the stored one changes nothing. Cached answers stay current."""


class TokenStore(IssuedStore, Protocol):
    """Keeps opaque tokens."""

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """Return the token with this digest, through an index."""

    def get_token(self, id: str) -> TokenRecord | None:  # noqa: A002 - the name of the field
        """Return the token with this handle, through an index."""

    def add_token(self, token: TokenRecord) -> TokenRecord:
        """Keep a new token, and return it as it is kept.

        Raises:
            AlreadyExists: the digest or the id is taken.
        """

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - the name of the field
        """Revoke a token by its handle.

        Returns:
            False: the handle is unknown, or the token was revoked before.
        """

    def list_tokens(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[TokenRecord]:
        """Return the tokens of an owner, or all tokens, in the order of their handles; see `AccountStore.list_accounts`."""

    def purge_tokens(self, before: float) -> int:
        """Delete the tokens that ended, by expiry or revocation, before a time, and return their number.

        Args:
            before: Unix seconds. A time in the future counts as now: a valid token is never deleted.
        """


class CounterStore(Protocol):
    """Counts, for a throttle, the attempts to guess a secret.

    Counting is one step: room for an attempt is taken before the secret is verified, by the clock of the store, so that parallel attempts
    cannot pass a limit together. Counts matter for seconds to a day: a store may lose them when it stops. The methods come with the
    throttle.
    """


class MarkStore(Protocol):
    """Marks what may be used once: the id of a token (RFC 7519 §4.1.7), a proof (RFC 9449 §11.1), a code.

    Setting a mark is one step that succeeds for one caller. A mark is kept until the thing it belongs to has expired: a store that loses
    marks lets a replay in. The methods come with the first scheme that needs them.
    """


class SessionStore(Watched, Protocol):
    """Keeps the sessions of people who log in by a form; the digest of their cookie finds them.

    Writing the last use never creates a session: that would revive one that was logged out. The methods come with the scheme.
    """


__all__ = [
    "PAGE",
    "AccountRecord",
    "AccountStore",
    "CounterStore",
    "Issued",
    "IssuedStore",
    "KeyRecord",
    "KeyStore",
    "MarkStore",
    "SessionStore",
    "TokenRecord",
    "TokenStore",
    "Watched",
]
