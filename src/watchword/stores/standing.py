"""Defines what a store knows about a token that proves itself by a signature: whether it was revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchword.stores.subjects import issuer_subject

if TYPE_CHECKING:
    from watchword.stores.families import FamilyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The revocations that concern one token.

    Finding nothing accepts the token. So the answer repeats the question, and a checker demands that it does: the answer to another
    question would accept a revoked token.

    Args:
        issuer: its `iss`, as it was asked for.
        subject: its `sub`, as it was asked for.
        jti: its `jti`, as it was asked for; empty: it has none.
        revoked_at: when the `jti` was revoked; None: it was not.
        not_before: the tokens of the subject that were issued until then are revoked, Unix seconds; None: none are.
        family: the family that was asked for; None: there is none.
    """

    issuer: str
    subject: str
    jti: str = ""
    revoked_at: float | None = None
    not_before: float | None = None
    family: FamilyRecord | None = None

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects that an answer depends on; see `Watched.is_current`."""
        own = issuer_subject("jti", self.issuer, self.jti), issuer_subject("sub", self.issuer, self.subject)
        return own if self.family is None else (*own, *self.family.subjects)
