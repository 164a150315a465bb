"""Defines the records of refresh tokens: a family for each login, and the tokens that follow one another in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from watchword.stores.subjects import account_subject, issued_subject


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRecord:
    """A family of refresh tokens: what one login of one client was granted. Its access tokens name it, and end with it.

    Args:
        id: the public name, for lists, revocation and the claims of access tokens.
        owner: the id of the account or program that it acts for.
        client: the id of the client that may refresh it (RFC 6749 §6).
        jkt: the thumbprint of the key that the client must prove (RFC 9449 §5); None: none.
        scopes: the scopes that were granted. An access token may have fewer, never more.
        claims: what its access tokens say besides, such as `auth_time`: a JSON object, kept as it is.
        created_at: when it was started.
        expires_at: when it ends at the latest, whatever is refreshed.
        revoked_at: when it was ended; None: it was not. An ended family never lives again.
        owner_disabled: whether the account of the owner is disabled. The store computes it and never keeps it.
    """

    what: ClassVar[str] = "family"

    id: str
    owner: str
    client: str
    jkt: str | None = None
    scopes: frozenset[str] = frozenset()
    claims: str = "{}"
    created_at: float = 0.0
    expires_at: float
    revoked_at: float | None = None
    owner_disabled: bool = False

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects that an answer depends on: the family and its owner; see `Watched.is_current`."""
        return issued_subject(self.what, self.id), account_subject(self.owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRecord:
    """A refresh token of a family. The store has digests alone: neither the token nor its successor.

    Args:
        digest: the SHA-256 digest of the token, which finds it.
        family: the id of its family.
        expires_at: from when on it is invalid.
        rotated_at: when its successor was issued; None: it has none yet.
        successor: the digest of its successor.
        nonce: what the successor was derived from, beside the token and a secret of the application.
        key_id: which secret that was.
        uses: how often the successor was given again.
    """

    digest: bytes = field(repr=False)
    family: str
    expires_at: float
    rotated_at: float | None = None
    successor: bytes | None = field(default=None, repr=False)
    nonce: bytes | None = field(default=None, repr=False)
    key_id: str | None = None
    uses: int = 0
