"""Defines the needs that credentials can meet, as a closed set: an unmet requirement returns them.

Each need knows which challenge parameter expresses it (RFC 6750 §3, RFC 9470 §3); the guard reads it off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Identity:
    """Log in: every challenge asks for that."""


@dataclass(frozen=True, slots=True)
class Via:
    """Come by one of these schemes: only they are offered.

    Args:
        schemes: scheme names, in any letter case; kept in lower case (RFC 9110 §11.1).

    Raises:
        TypeError: they are given as one string, which would be taken letter by letter.
    """

    schemes: frozenset[str]

    def __post_init__(self) -> None:
        if isinstance(self.schemes, str):
            raise TypeError(f"Via takes a set of scheme names, such as {{{self.schemes!r}}}, not one string")
        object.__setattr__(self, "schemes", frozenset(name.lower() for name in self.schemes))


@dataclass(frozen=True, slots=True)
class HoldScope:
    """Hold a scope: the `scope` parameter (RFC 6750 §3).

    Args:
        name: one scope-token.
    """

    name: str


@dataclass(frozen=True, slots=True)
class LoginWithin:
    """Have logged in recently: the `max_age` parameter (RFC 9470 §3).

    Args:
        max_age: seconds.
    """

    max_age: int


@dataclass(frozen=True, slots=True)
class ReachAcr:
    """Have reached one of these authentication context classes: the `acr_values` parameter (RFC 9470 §3).

    Args:
        values: in order of preference.
    """

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UseFactor:
    """Have used a kind of factor: no parameter says so, the error code alone does.

    Args:
        kind: such as `"otp"`.
    """

    kind: str


Need: TypeAlias = Identity | Via | HoldScope | LoginWithin | ReachAcr | UseFactor
"""Something that credentials would have to show; a predicate of `where` may answer one."""

Alternative: TypeAlias = frozenset[Need]
"""Needs that suffice together."""

IDENTITY = Identity()
STEP_UP = (LoginWithin, ReachAcr, UseFactor)
