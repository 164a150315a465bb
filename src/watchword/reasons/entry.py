"""Defines a row of the table of reasons: what each of its readers is told, and what programs do by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.reason import Secret

Level: TypeAlias = Literal["info", "warning"]
"""The level of the line in the log."""

Action: TypeAlias = Literal["", "log_in", "switch", "home", "again"]
"""The one thing that the page offers: log in, use another account, go to the home page, try again; empty: nothing helps by itself."""


def mark(text: str) -> str:
    """Return a text as it is. As `_`, it marks a text for the catalogues of translations."""
    return text


@dataclass(frozen=True, slots=True)
class Words:
    """What a client is told. Visitors read it in their language.

    Args:
        title: a few words, the heading for everyone (RFC 9457 §3.1.3).
        happened: to the visitor, what happened.
        next_step: to the visitor, what to do now.
        developer: to the developer of the client, in English (RFC 9457 §3.1.4, `detail`).
    """

    title: str
    happened: str
    next_step: str
    developer: str


@dataclass(frozen=True, slots=True)
class ReasonEntry:
    """One row.

    Args:
        words: what a client is told, whatever its credentials hold.
        operator: what the operator of the service looks at; never sent to a client.
        statuses: the statuses that it comes with, the usual one first. What is hidden is 404, and for a proxy 407 stands for 401.
        action: what the page offers.
        oauth: the error code of the Bearer scheme (RFC 6750 §3.1, RFC 9470 §3); empty: none.
        level: of the line in the log.
        by_secret: the words for those who use a password, or a token or key, where they are others.
    """

    words: Words
    operator: str
    statuses: tuple[int, ...]
    action: Action = ""
    oauth: str = ""
    level: Level = "info"
    by_secret: Mapping[Secret, Words] = field(default_factory=dict)

    def words_for(self, secret: Secret) -> Words:
        """Return the words that fit the credentials in use.

        Args:
            secret: what the credentials hold.
        """
        return self.by_secret.get(secret, self.words)
