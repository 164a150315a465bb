"""Turns what a store answers about a presented refresh token into the answer for the client, and the notice for the operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from hmac import compare_digest
from typing import TYPE_CHECKING, Literal

from watchword.errors import Unavailable
from watchword.observe.notice import OperatorNotice
from watchword.stores.ports import FamilyRecord, State

if TYPE_CHECKING:
    from watchword.issuing.successors import Successors
    from watchword.observe.notice import Kind
    from watchword.stores.ports import Presented, Rotation

_LONGEST_SHOWN = 100

# Each of these is either a mistake of a client, or a thief.
_NOTICES: dict[State, tuple[Kind, str]] = {
    State.WRONG: (
        "refresh_wrong_client",
        "a refresh token was presented by another client, {client}, or with another key; nothing changed",
    ),
    State.LATE: (
        "refresh_late",
        "a refresh token was presented again after its successor was used, or after the clock was set back; refused, the family lives",
    ),
    State.REUSE: ("refresh_reuse", "a used refresh token was presented again: there is a copy of it; the family has ended"),
}


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A token was refreshed: the client gets the successor, and a new access token.

    Args:
        state: `State.LIVE`: for the first time; `State.GRACE`: again, with the same successor.
        token: the successor.
        expires_at: from when on the successor is invalid.
        family: the family, whose scopes and claims access tokens have.
        scopes: the scopes that the client asked for, or all of the family.
    """

    state: State
    token: str = field(repr=False)
    expires_at: float
    family: FamilyRecord
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unrefreshed:
    """A token was refused.

    Args:
        state: why, for operators. The client hears `error` alone.
        error: the error code of RFC 6749 §5.2.
        family: the id of the family; empty: the token is unknown.
    """

    state: State
    error: Literal["invalid_grant", "invalid_scope"] = "invalid_grant"
    family: str = ""


def answer_to(token: str, presented: Presented, rotation: Rotation, successors: Successors) -> Refreshed | Unrefreshed:
    """Return the answer for the client.

    Args:
        token: the presented token; untrusted.
        presented: the same, as the store got it.
        rotation: what the store answered.
        successors: derives the successor.

    Raises:
        Unavailable: the store answered with another token, or this process lacks the secret of the successor.
    """
    kept, state = rotation.kept, rotation.state
    if kept is None:
        return Unrefreshed(State.UNKNOWN)
    if not compare_digest(kept.token.digest, presented.digest):
        raise Unavailable("the store answered with another refresh token than the one that was presented")
    if state not in {State.LIVE, State.GRACE} or kept.successor is None:
        return Unrefreshed(state, "invalid_scope" if state is State.SCOPE else "invalid_grant", kept.family.id)
    made = successors.again(token, kept.token.nonce, kept.token.key_id)
    if not compare_digest(made.digest, kept.successor.digest):
        raise Unavailable(f"the successor of a refresh token of the family {kept.family.id!r} cannot be derived: its record is damaged")
    scopes = kept.family.scopes if presented.scopes is None else presented.scopes
    return Refreshed(state, made.text, kept.successor.expires_at, kept.family, scopes)


def notice_of(presented: Presented, rotation: Rotation) -> OperatorNotice | None:
    """Return the notice for the operator; None: there is nothing to tell.

    Args:
        presented: as the store got it; untrusted.
        rotation: what the store answered.
    """
    if rotation.kept is None or rotation.state not in _NOTICES:
        return None
    kind, detail = _NOTICES[rotation.state]
    family, words = rotation.kept.family, detail.format(client=ascii(presented.client[:_LONGEST_SHOWN]))
    return OperatorNotice(kind, f"family {family.id} of client {family.client}: {words}", subject=family.owner)
