"""Describes changes of accounts, keys and tokens for the audit trail of a store: what was changed, by whom, and when.

A store writes the entry in the same transaction as the change. An entry holds names and counts, and neither hashes nor digests.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from os import urandom
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from watchword.stores.bounds import check_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.stores.families import FamilyRecord
    from watchword.stores.records import AccountRecord, KeyRecord, TokenRecord

Action = Literal[
    "account.added",
    "account.changed",
    "account.removed",
    "key.added",
    "key.changed",
    "key.rotated",
    "key.revoked",
    "token.added",
    "token.revoked",
    "login.started",
    "login.ended",
    "subject.revoked",
    "issuer.token_revoked",
    "issuer.subject_revoked",
    "audit.purged",
]
"""What was done. A login is a family of refresh tokens."""

_LONGEST = 500  # characters of a detail
_GRANTS = ("names", "roles", "scopes", "permissions", "networks")
_TOLD = {  # the other fields of records that people change, as an entry calls them
    "password_hash": "password",
    "disabled": "disabled",
    "locked_until": "locked_until",
    "label": "label",
    "kind": "kind",
    "expires_at": "expires_at",
    "not_before": "not_before",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One change. No secret is in it.

    Args:
        id: in the order of time, so that a listing goes on after it.
        at: when it was done, in Unix seconds.
        actor: who did it, as `changed_by` said; empty: the application did not say.
        action: what was done.
        target: the id of the account, key, token or login; for `subject.revoked` and `issuer...` what was revoked.
        owner: whom it belongs to; empty: nobody.
        detail: the grants that were added (`+`) and taken away (`-`), and the names of other fields that changed.
    """

    id: str
    at: float
    actor: str
    action: str
    target: str
    owner: str = ""
    detail: str = ""


class Entry(NamedTuple):
    """A change, before it is known who made it and when."""

    action: Action
    target: str
    owner: str = ""
    detail: str = ""

    def record(self, at: float) -> AuditRecord:
        """Return the record, with the actor of this context.

        Args:
            at: Unix seconds.
        """
        # Two of one microsecond keep their order within a process, and never have one id.
        id_ = f"{moment(at)}-{next(_COUNT) & 0xFFFF:04x}{urandom(4).hex()}"
        return AuditRecord(
            id=id_, at=at, actor=_ACTOR.get(), action=self.action, target=self.target, owner=self.owner, detail=self.detail[:_LONGEST]
        )


_COUNT = count()
_ACTOR: ContextVar[str] = ContextVar("watchword_actor", default="")


def moment(at: float) -> str:
    """Return the beginning of the ids of entries of a time, which are in its order.

    Args:
        at: Unix seconds.
    """
    return f"{round(min(max(at * 1_000_000, 0), 10**16 - 1)):016d}"  # at first bounded: infinity has no whole number


@contextmanager
def changed_by(actor: str) -> Iterator[None]:
    """State who makes the changes within the block, for the audit trail.

    It holds for this thread or task, and for what it awaits or hands to a worker thread.

    Args:
        actor: such as the id of the principal who administers.

    Raises:
        ValueError: it is not text that a store can keep.
    """
    check_text("changed_by(actor)", actor)
    before = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(before)


def account_added(account: AccountRecord) -> Entry:
    """Return the entry of a new account."""
    return Entry("account.added", account.id, account.id, difference(None, account))


def account_changed(before: AccountRecord, account: AccountRecord) -> Entry:
    """Return the entry of a changed account."""
    return Entry("account.changed", account.id, account.id, difference(before, account))


def account_removed(id: str, revoked: tuple[int, int]) -> Entry:  # noqa: A002 - the name of the field
    """Return the entry of a removed account, with what was revoked with it."""
    return Entry("account.removed", id, id, counted(revoked))


def issued(record: KeyRecord | TokenRecord) -> Entry:
    """Return the entry of a new key or token."""
    return Entry("key.added" if record.what == "key" else "token.added", record.id, record.owner, difference(None, record))


def key_changed(before: KeyRecord, key: KeyRecord) -> Entry:
    """Return the entry of a changed key: it was revoked, rotated, or something else."""
    if key.revoked_at is not None and before.revoked_at is None:
        return Entry("key.revoked", key.id, key.owner)
    if key.replaced_by is not None and before.replaced_by is None:
        return Entry("key.rotated", key.id, key.owner, f"to {key.replaced_by}")
    return Entry("key.changed", key.id, key.owner, difference(before, key))


def login_started(family: FamilyRecord) -> Entry:
    """Return the entry of a new family of refresh tokens."""
    return Entry("login.started", family.id, family.owner, f"client {family.client}")


def subject_revoked(subject: str, revoked: tuple[int, int]) -> Entry:
    """Return the entry of the revocation of everything of an owner."""
    return Entry("subject.revoked", subject, subject, counted(revoked))


def counted(revoked: tuple[int, int]) -> str:
    """Return how much was revoked, in words."""
    return f"{revoked[0]} keys and {revoked[1]} tokens revoked"


def difference(before: Any, after: Any) -> str:  # noqa: ANN401 - two records of one kind
    """Return what differs between two records, without the values of anything but names.

    Args:
        before: as it was; None: it is new.
        after: as it is.
    """
    parts = []
    for name in _GRANTS:
        new, old = set(getattr(after, name, ())), set(getattr(before, name, ()))
        changes = [*(f"+{one}" for one in sorted(new - old)), *(f"-{one}" for one in sorted(old - new))]
        if changes:
            parts.append(f"{name} {' '.join(changes)}")
    for name, told in _TOLD.items():
        blank = "user" if name == "kind" else None
        if (getattr(after, name, None) or blank) != ((getattr(before, name, None)) or blank):
            parts.append(told if getattr(after, name, None) else f"no {told}")
    return ", ".join(parts)


__all__ = ["Action", "AuditRecord", "Entry", "changed_by"]
