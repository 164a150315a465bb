"""Checks stored password hashes before the first login depends on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.checkers.passwords.probe import trouble
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.checkers.passwords.formats import Found
    from watchword.checkers.passwords.stored import StoredHash

_NEW = "Make a new one with `watchword hash`."


def check_found(given: object, found: Found, owner: str) -> StoredHash:
    """Return a hash that can match.

    Args:
        given: the stored value, which no message shows.
        found: the recognised value.
        owner: its owner, for the message.

    Raises:
        ConfigurationError: it is not a string, of an unknown format, malformed, or over the ceilings.
    """
    if not isinstance(given, str):
        raise ConfigurationError(f"the password hash of {owner!r} must be a string, got {type(given).__name__}.")
    if found.family is None:
        raise ConfigurationError(f"the password of {owner!r} is not a hash of a known format. {_NEW}")
    if found.stored is None:
        raise ConfigurationError(f"the {found.family.name} hash of {owner!r} is malformed. {_NEW}")
    if not found.stored.bounded:
        raise ConfigurationError(
            f"the {found.family.name} hash of {owner!r} is too costly ({found.stored.cost}), and is never verified. {_NEW}"
        )
    return found.stored


def check_computable(stored: StoredHash, owner: str) -> None:
    """Refuse a format that this machine cannot compute: its library is missing or broken, or lacks the algorithm."""
    refuse_format(stored.format, trouble(stored), owner)


def refuse_format(name: str, why: str, owner: str) -> None:
    """Refuse a format for a reason; an empty reason refuses nothing."""
    if why:
        article = "an" if name[0] in "aeiou" else "a"
        raise ConfigurationError(f"{owner!r} has {article} {name} hash, and {why}.")
