"""Defines parsed credentials: immutable values whose secrets never show in a repr.

A value states what was sent. A checker decides whether it is true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Carrier = Literal["authorization", "header", "cookie", "query", "form"]
"""The part of the request that brought the credentials. A cache may keep a response depending on it (RFC 9110 §16.4.2)."""

HIDDEN = "***"


class Credentials:
    """The base of all credentials; a custom scheme derives its own class from it."""

    __slots__ = ()

    @property
    def carrier(self) -> Carrier:
        """The part of the request that brought the credentials."""
        return "authorization"

    @property
    def claimed_identity(self) -> str | None:
        """The claimed identity, for the throttle (decision D15); None: the credentials state none."""
        return None

    @property
    def is_guessable(self) -> bool:
        """Whether the secret can be guessed, as people's passwords can, so that a throttle must count failures."""
        return False


@dataclass(frozen=True, slots=True, repr=False)
class BasicCredentials(Credentials):
    """A user name and a password (RFC 7617 §2), both in Normalization Form C.

    Args:
        username: the text before the first colon; may be empty.
        password: the text after it; may be empty, and may hold colons.
    """

    username: str
    password: str

    @property
    def claimed_identity(self) -> str:
        """The user name, as it was sent."""
        return self.username

    @property
    def is_guessable(self) -> bool:
        """True: people choose passwords."""
        return True

    def __repr__(self) -> str:
        # People type passwords into the user name field by mistake, so neither is shown.
        return f"BasicCredentials(username={HIDDEN}, password={HIDDEN})"


@dataclass(frozen=True, slots=True, repr=False)
class BearerToken(Credentials):
    """A bearer token (RFC 6750 §2).

    Args:
        token: the token as sent; ASCII, never empty.
        carrier: `"authorization"`, or `"form"`, `"query"` or `"header"` (a subprotocol) if the scheme reads them.
    """

    token: str
    carrier: Carrier = field(default="authorization", compare=False)

    def __repr__(self) -> str:
        return f"BearerToken({HIDDEN}, carrier={self.carrier!r})"


@dataclass(frozen=True, slots=True, repr=False)
class APIKeyCredentials(Credentials):
    """An API key.

    Args:
        key: the key as sent, never empty.
        carrier: `"header"`, `"authorization"`, or `"query"` or `"cookie"` if the scheme reads them.
    """

    key: str
    carrier: Carrier = field(default="header", compare=False)

    def __repr__(self) -> str:
        return f"APIKeyCredentials({HIDDEN}, carrier={self.carrier!r})"
