"""Defines the needs that an unmet requirement returns: facts that credentials would have to show.

The set is closed. Each need names the challenge parameter that expresses it (RFC 6750 §3, RFC 9470 §3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity. Every challenge asks for one."""


@dataclass(frozen=True, slots=True)
class Via:
    """Credentials of one of these schemes. Only these schemes are offered.

    Args:
        schemes: scheme names, in any letter case; kept in lower case (RFC 9110 §11.1).

    Raises:
        TypeError: `schemes` is one string, which would be read letter by letter.
    """

    schemes: frozenset[str]

    def __post_init__(self) -> None:
        if isinstance(self.schemes, str):
            raise TypeError(f"Via(schemes=...) must be a set of scheme names, got {self.schemes!r}. Write {{{self.schemes!r}}}.")
        object.__setattr__(self, "schemes", frozenset(name.lower() for name in self.schemes))


@dataclass(frozen=True, slots=True)
class HoldScope:
    """A scope, sent as the `scope` parameter (RFC 6750 §3).

    Args:
        name: one scope-token.
    """

    name: str


@dataclass(frozen=True, slots=True)
class LoginWithin:
    """A recent login, sent as the `max_age` parameter (RFC 9470 §3).

    Args:
        max_age: seconds.
    """

    max_age: int


@dataclass(frozen=True, slots=True)
class ReachAcr:
    """One of these authentication context classes, sent as the `acr_values` parameter (RFC 9470 §3).

    Args:
        values: in order of preference.
    """

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UseFactor:
    """A kind of factor. No parameter names it; only the error code tells that the login is too weak.

    Args:
        kind: such as `"otp"`.
    """

    kind: str


Need: TypeAlias = Identity | Via | HoldScope | LoginWithin | ReachAcr | UseFactor
"""A fact that credentials would have to show. A predicate of `where` may return one."""

Alternative: TypeAlias = frozenset[Need]
"""Needs that suffice together."""

IDENTITY = Identity()
STEP_UP = (LoginWithin, ReachAcr, UseFactor)
