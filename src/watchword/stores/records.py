"""Defines the records that stores keep. They hold no secret: passwords as hashes, keys and tokens as SHA-256 digests of random values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from watchword.stores.families import FamilyRecord
from watchword.stores.subjects import account_subject, issued_subject


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """An account that has a password.

    Args:
        id: the stable id: the id of the principal, and the owner of its keys and tokens.
        names: the login names, in Normalization Form C. Two accounts never share one.
        password_hash: the stored hash; None: no password is accepted.
        hash_profile: format and cost of the hash, such as `"argon2id m=19456 t=2 p=1"`; None without a hash.
        password_changed_at: when the password was set.
        roles: what `role(...)` asks for.
        scopes: what `scope(...)` asks for.
        permissions: what `permission(...)` asks for.
        disabled: whether the account is shut until it is enabled again.
        locked_until: until when it is shut; None: it is open.
        created_at: when it was added.
        last_login_at: its last login, to within a few minutes; None: never.
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
        """The subjects that an answer about this account depends on; see `Watched.is_current`."""
        return (account_subject(self.id),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An issued secret: the fields that API keys and tokens share.

    Checkers, stores and commands handle all kinds by these names. A kind adds its own fields.

    Args:
        id: the public name, for lists and revocation.
        digest: the SHA-256 digest of the secret part.
        owner: the id of the account or program that it acts for.
        label: a note for people: where it is used, or what it was issued for.
        kind: the kind of its principal: `"user"` if it acts for a person, `"client"` for a program that acts for itself.
        roles: what `role(...)` asks for.
        scopes: what `scope(...)` asks for.
        permissions: what `permission(...)` asks for.
        created_at: when it was issued.
        expires_at: from when on it is invalid; None: it does not expire.
        revoked_at: when it was revoked; None: it is not. A revoked secret is invalid at any time.
        owner_disabled: whether the account of the owner is disabled. The store computes it and never keeps it.
    """

    what: ClassVar[str] = "secret"
    """The name of the kind, in messages and subjects."""

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
        """The subjects that an answer depends on: the record and its owner; see `Watched.is_current`."""
        return issued_subject(self.what, self.id), account_subject(self.owner)

    # Defaults for kinds without such a field.

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks it may be used from; empty: any."""
        return ()

    @property
    def not_before(self) -> float | None:
        """From when on it is valid; None: at once."""
        return None

    @property
    def last_used_at(self) -> float | None:
        """When it was last accepted; None: never, or not noted."""
        return None

    @property
    def login_ended(self) -> bool:
        """Whether it belongs to a login that has ended."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord(Issued):
    """An API key. Its id is the public part of the key, which finds it; its digest is that of the secret part.

    Args:
        networks: the networks it may be used from, such as `("10.0.0.0/8",)`; empty: any.
        not_before: from when on it is valid; None: at once.
        last_used_at: when it was last accepted, to within a few minutes; None: never.
        replaced_by: the id of its successor by rotation; None: it was not rotated.
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
    """An opaque bearer token. Its digest, that of the whole token, finds it; its id is a handle that reveals nothing of it.

    Args:
        audience: the servers that it is for; empty: those that name none.
        sid: the id of the family of refresh tokens whose access token it is, and with which it ends; None: it is no access token.
        family: that family. The store looks it up and never keeps it; None with a `sid`: there is no such family any more.
    """

    what: ClassVar[str] = "token"

    audience: tuple[str, ...] = ()
    sid: str | None = None
    family: FamilyRecord | None = None

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects that an answer depends on, its family among them; see `Watched.is_current`."""
        own = issued_subject(self.what, self.id), account_subject(self.owner)
        return own if self.sid is None else (*own, issued_subject(FamilyRecord.what, self.sid))

    @property
    def login_ended(self) -> bool:
        """Whether its family was ended, or is gone."""
        return self.sid is not None and (self.family is None or self.family.revoked_at is not None)

    @property
    def subject(self) -> str:
        """The owner, by the word for it in tokens (RFC 7662 §2.2)."""
        return self.owner
