"""Decides what happens to a refresh token that a client presents: one table, for every store.

    UNKNOWN   no such token                                            refused
    WRONG     another client, or another key                           refused, and nothing changes: it does not prove a theft
    ENDED     the family was ended, or it or the token has expired     refused
    DISABLED  the account of the owner is disabled                     refused, until it is enabled
    SCOPE     more scopes than the family has                          refused (RFC 6749 §5.2, invalid_scope)
    LIVE      never used: a successor is kept                          refreshed
    GRACE     used less than 30 s ago, the successor was not           refreshed, with the same successor
    LATE      used less than 30 s ago, and the successor was, too      refused; the family lives
    LATE      used more than 30 s from now: the clock was set back     refused; the family lives
    REUSE     used before that: a copy of it exists                    refused, and the family ends (RFC 9700 §4.14.2)

Honest clients present one token several times: tabs that race, and answers that were lost. They meet GRACE. A thief who comes within the
30 s shares one successor with the client, and the first of both to be late ends the family.

A store calls `decide` while it holds the lock of the family, and writes what differs in the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from watchword.stores.families import RefreshRecord

if TYPE_CHECKING:
    from watchword.stores.families import FamilyRecord

GRACE = 30.0
"""Seconds for which a used token gives its successor again: longer than any client waits for an answer."""

MOST_USES = 256
"""How often it does so: more than the tabs and threads of any honest client."""


class State(Enum):
    """The state of a presented refresh token: a row of the table above."""

    UNKNOWN = "unknown"
    WRONG = "wrong"
    ENDED = "ended"
    DISABLED = "disabled"
    SCOPE = "scope"
    LIVE = "live"
    GRACE = "grace"
    LATE = "late"
    REUSE = "reuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A refresh token as a client presents it, and the successor to keep if it is used for the first time.

    Args:
        digest: the digest of the token; untrusted.
        client: the client, which was authenticated or, if it is public, says so itself.
        jkt: the thumbprint of the key that it has proven; None: none.
        scopes: the scopes that it asks for; None: all of the family.
        successor: the digest of the proposed successor.
        nonce: what that was derived from.
        key_id: which secret that was.
        lifetime: seconds until the successor expires, if the family lasts so long.
    """

    digest: bytes = field(repr=False)
    client: str
    jkt: str | None = None
    scopes: frozenset[str] | None = None
    successor: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    key_id: str
    lifetime: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The records of a presented token, read under the lock of its family.

    Args:
        family: the family.
        token: the presented token.
        successor: the token that followed it; None: no token did.
    """

    family: FamilyRecord
    token: RefreshRecord
    successor: RefreshRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The state of a presented token, and the records that the store keeps from now on.

    Args:
        state: the row of the table.
        kept: the records as they are to be kept, or as they are; None: the token is unknown.
    """

    state: State
    kept: Kept | None = None


UNKNOWN = Rotation(state=State.UNKNOWN)


def decide(presented: Presented, kept: Kept, now: float) -> Rotation:
    """Return what a presented token is, with the changed records.

    Args:
        presented: the token.
        kept: what the store has about it.
        now: the time by the clock of the store, taken under the lock.
    """
    state = _state(presented, kept, now)
    family, token = kept.family, kept.token
    match state:
        case State.LIVE:
            ends = min(now + presented.lifetime, family.expires_at)
            made = presented.successor, presented.nonce, presented.key_id
            rotated = replace(token, rotated_at=now, successor=made[0], nonce=made[1], key_id=made[2])
            kept = Kept(family=family, token=rotated, successor=RefreshRecord(digest=made[0], family=family.id, expires_at=ends))
        case State.GRACE:
            kept = replace(kept, token=replace(token, uses=token.uses + 1))
        case State.REUSE:
            kept = replace(kept, family=replace(family, revoked_at=now))
        case _:
            pass
    return Rotation(state=state, kept=kept)


def _state(presented: Presented, kept: Kept, now: float) -> State:
    family, token = kept.family, kept.token
    if presented.client != family.client or presented.jkt != family.jkt:
        return State.WRONG
    # Written so that a time that is not a number ends it.
    if family.revoked_at is not None or not (now < token.expires_at and now < family.expires_at):
        return State.ENDED
    if family.owner_disabled:
        return State.DISABLED
    if token.rotated_at is not None:
        age = now - token.rotated_at
        if not age < GRACE:
            return State.REUSE
        # A clock that was set back by an hour would give the successor for an hour. Nor is it a proof of a copy.
        if age < -GRACE or kept.successor is None or kept.successor.rotated_at is not None or token.uses >= MOST_USES:
            return State.LATE
    if presented.scopes is not None and not presented.scopes <= family.scopes:
        return State.SCOPE
    return State.LIVE if token.rotated_at is None else State.GRACE
