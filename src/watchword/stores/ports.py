"""Defines what checkers ask of a store: one small protocol per need.

A store keeps records and decides nothing: the checker tells, by its own clock, whether an account is locked or a key has expired. Every
method may block, unless `blocking` is False. Every method raises `Unavailable` if the store cannot answer, and then nothing is half done.
A record beyond `watchword.stores.bounds` raises ValueError, an object of another class TypeError. Times are Unix seconds.

A store with an async client may add async forms of what a request asks and notes: `afind_account`, `afind_key`, `afind_token`,
`aadd_token`, `arevoke_token`, `anote_key_use`, `anote_login`, `aswap_hash`, `ahash_samples`, `adummy_key`, `afind_family`,
`afind_refresh`, `astart_family`, `arefresh_family`, `aend_family`, `afind_standing`, `arevoke_jti` and `arevoke_before`, with the same
arguments and answers. Checkers await them on an event loop, which costs no thread. Without them a worker thread calls the blocking form.

Stores derive from these protocols, and so inherit their docstrings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from watchword.stores.audit import AuditRecord
from watchword.stores.families import FamilyRecord, RefreshRecord
from watchword.stores.records import AccountRecord, Issued, KeyRecord, TokenRecord
from watchword.stores.rotation import Kept, Presented, Rotation, State
from watchword.stores.standing import Standing

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
        """Return the account with this id; None: the id is unknown. The id may be any text, also one that cannot be stored."""

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

        Args:
            id: of the account.
            old: the hash that was read.
            new: the hash that takes its place.
            profile: format and parameters of the new one, for `hash_samples`; None: unknown.

        Returns:
            False: the stored hash is another one by now, and nothing was done.
        """

    def remove_account(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """Remove an account with its names, revoke all of its keys and tokens, and end its families, in one step.

        Args:
            id: of the account.
            at: the time of the revocations, in Unix seconds.

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
        """Note a login. A time earlier than the stored one changes nothing. Cached answers stay current.

        Args:
            id: of the account; an unknown one is ignored.
            at: the time of the login, in Unix seconds.
        """

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
        """Revoke all keys and all tokens of an owner, and end all families of refresh tokens, in one step.

        Args:
            subject: the owner, who need not have an account.
            at: the time of the revocations, in Unix seconds.

        Returns:
            How many keys and how many tokens it revoked. A family counts as a token.
        """


class KeyStore(IssuedStore, Protocol):
    """Keeps API keys."""

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name of the field
        """Return the key with this id, through an index; None: the id is unknown. A client chose the id, so it may be any text."""

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
        """Note a use of a key. A time earlier than the stored one changes nothing. Cached answers stay current.

        Args:
            id: of the key; an unknown one is ignored.
            at: the time of the use, in Unix seconds.
        """


class TokenStore(IssuedStore, Protocol):
    """Keeps opaque tokens."""

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """Return the token with this digest, through an index; None: the digest is unknown."""

    def get_token(self, id: str) -> TokenRecord | None:  # noqa: A002 - the name of the field
        """Return the token with this handle, through an index; None: the handle is unknown."""

    def add_token(self, token: TokenRecord) -> TokenRecord:
        """Keep a new token, and return it as it is kept.

        Raises:
            AlreadyExists: the digest or the id is taken.
        """

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - the name of the field
        """Revoke a token by its handle.

        Args:
            id: the handle.
            at: the time of the revocation, in Unix seconds.

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


class RefreshStore(IssuedStore, Protocol):
    """Keeps families of refresh tokens.

    A family that was ended is a change of its subjects, in the same commit: access tokens name their family, so what is cached about
    them ends with it.
    """

    def start_family(self, family: FamilyRecord, token: RefreshRecord | None = None) -> FamilyRecord:
        """Keep a new family with its first token, and return it as it is kept.

        Args:
            family: the family.
            token: its first token; None: it cannot be refreshed.

        Raises:
            AlreadyExists: the id or the digest is taken.
        """

    def refresh_family(self, presented: Presented) -> Rotation:
        """Decide what a presented token is, and keep what follows, in one step.

        Under the lock of the family, read the records, call `watchword.stores.rotation.decide` with the time of the store, and write the
        records that differ in its answer. All processes that share the store must agree on the time: use that of the database.

        Raises:
            Unavailable: the store does not answer. The token may have been rotated: presenting it again gives the same successor.
        """

    def find_family(self, id: str) -> FamilyRecord | None:  # noqa: A002 - the name of the field
        """Return the family with this id, through an index."""

    def find_refresh(self, digest: bytes) -> Kept | None:
        """Return the refresh token with this digest and its family, through an index. The successor is left out."""

    def end_family(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """End a family.

        Args:
            id: of the family.
            at: the time of the end, in Unix seconds.

        Returns:
            False: the id is unknown, or the family was ended before.
        """

    def list_families(self, *, owner: str | None = None, after: str = "", limit: int = PAGE) -> Sequence[FamilyRecord]:
        """Return the families of an owner, or all families, in the order of their ids; see `AccountStore.list_accounts`."""

    def purge_families(self, before: float) -> int:
        """Delete the families that ended, and the tokens that expired, before a time; return the number of families.

        An access token of a deleted family is refused as one of an ended family is.

        Args:
            before: Unix seconds. A time in the future counts as now: a living family is never deleted.
        """


class AuditStore(Protocol):
    """Keeps the audit trail: who changed which account, key, token or login, and when.

    A store writes each entry in the transaction of its change, so that there is neither a change without an entry nor an entry without a
    change. What requests do by themselves is no change: logins with a password, uses of keys, refreshed tokens, outdated hashes.
    """

    def list_audit(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        about: str | None = None,
        since: float | None = None,
        until: float | None = None,
        after: str = "",
        limit: int = PAGE,
    ) -> Sequence[AuditRecord]:
        """Return entries in the order of time.

        Args:
            actor: by whom; None: by anybody. Empty: the application did not say.
            action: such as `"key.revoked"`, or `"key"` for all that was done to keys; None: all.
            about: the id of an account, key, token or login, or of an owner; None: all.
            since: from when on, in Unix seconds.
            until: before when, in Unix seconds.
            after: the id that the page follows; empty: the first page.
            limit: the length of the page.
        """

    def purge_audit(self, before: float) -> int:
        """Delete the entries before a time, and return their number. That is an entry, too.

        Args:
            before: Unix seconds. A time in the future counts as now.
        """


class RevocationStore(Watched, Protocol):
    """Keeps which tokens were revoked that prove themselves by a signature.

    Texts are compared code point for code point: no case is folded, nothing is normalized. A revocation is a change of the subjects of its
    `Standing`, in the same commit. A text beyond `watchword.stores.bounds` is never revoked: a checker refuses a token with one.
    """

    def find_standing(self, issuer: str, subject: str, jti: str, family: str = "") -> Standing:
        """Return the revocations that concern a token, through indexes and in one question.

        Args:
            issuer: its `iss`.
            subject: its `sub`.
            jti: its `jti`; empty: it has none.
            family: the id of a family to return, too; empty: none. A store without families is never asked for one.
        """

    def revoke_jti(self, issuer: str, jti: str, at: float, until: float) -> bool:
        """Revoke the token of an issuer with this `jti`.

        Args:
            issuer: its `iss`.
            jti: its `jti`.
            at: when it was revoked. The time of the first revocation stays.
            until: from when on the token is refused without this record; the latest time of all revocations stays.

        Returns:
            False: it was revoked before.
        """

    def revoke_before(self, issuer: str, subject: str, at: float) -> bool:
        """Revoke the tokens of a subject that were issued until a time. The latest time stays, so it never moves back.

        Returns:
            False: an equal or a later time was kept before.
        """

    def purge_revocations(self, before: float, issued_before: float) -> int:
        """Delete what concerns ended tokens alone, and return the number of records.

        Args:
            before: tokens with a time `until` before this have ended. A time in the future counts as now.
            issued_before: tokens that were issued before this have ended: what was revoked before it is deleted.
        """


class IssuerStore(RefreshStore, RevocationStore, Protocol):
    """Keeps what an issuer of signed access tokens needs."""


class OpaqueIssuerStore(RefreshStore, TokenStore, Protocol):
    """Keeps what an issuer of opaque access tokens needs."""


class ValueStore(Protocol):
    """Keeps small values under keys for a bounded time: what the processes of a service tell each other.

    A value that has expired is not there. The clock of the store decides that, so that processes whose clocks differ agree. Keys are
    chosen by the program and never by a client: 1 to 255 visible ASCII characters. A value has at most 65,536 octets, and a store keeps
    at most 10,000 values. Expired values are deleted as others are added. No method changes what checkers have cached.
    """

    def find_value(self, key: str) -> bytes | None:
        """Return the value of a key; None: there is none."""

    def find_values(self, prefix: str, *, limit: int = PAGE) -> Sequence[tuple[str, bytes]]:
        """Return keys and values in the order of the keys.

        Args:
            prefix: of the keys; not empty.
            limit: how many are returned at most.
        """

    def put_value(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value in place of the one that may be there.

        Args:
            key: the key.
            value: the value.
            ttl: after how many seconds it expires, above 0 and at most 31,622,400 (a year).

        Raises:
            Unavailable: the store is full, or does not answer.
        """

    def swap_value(self, key: str, old: bytes | None, new: bytes, ttl: float) -> bool:
        """Keep a value if the present one is as expected: compare and set. Of several callers that expect the same, one succeeds.

        Args:
            key: the key.
            old: the value that was read; None: there must be none.
            new: the value that takes its place.
            ttl: as in `put_value`.

        Returns:
            False: the present value is another one, and nothing was done.

        Raises:
            Unavailable: the store is full, or does not answer: then it may have been done.
        """

    def remove_value(self, key: str) -> bool:
        """Delete a value.

        Returns:
            False: there was none.
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
    "AuditRecord",
    "AuditStore",
    "CounterStore",
    "FamilyRecord",
    "Issued",
    "IssuedStore",
    "IssuerStore",
    "Kept",
    "KeyRecord",
    "KeyStore",
    "MarkStore",
    "OpaqueIssuerStore",
    "Presented",
    "RefreshRecord",
    "RefreshStore",
    "RevocationStore",
    "Rotation",
    "SessionStore",
    "Standing",
    "State",
    "TokenRecord",
    "TokenStore",
    "ValueStore",
    "Watched",
]
