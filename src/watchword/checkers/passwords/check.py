"""What is wrong with a stored hash, said to whom can mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.checkers.passwords.formats import Found
    from watchword.checkers.passwords.stored import Library

_NEW = "`watchword hash` makes a new one"


def check_found(given: object, found: Found, owner: str) -> None:
    """Refuse what could never match; the message never shows it.

    Args:
        given: the stored value.
        found: what it was recognised as.
        owner: whose it is.

    Raises:
        ConfigurationError: it is no text, of no known format, malformed, over the ceilings, or its library is missing.
    """
    if not isinstance(given, str):
        raise ConfigurationError(f"the password hash of {owner!r} is a string, not {type(given).__name__}")
    if found.family is None:
        raise ConfigurationError(f"the password of {owner!r} is no hash of a known format. Passwords are never stored as they are: {_NEW}")
    if found.stored is None:
        raise ConfigurationError(f"the {found.family.name} hash of {owner!r} is malformed; {_NEW}")
    if not found.stored.bounded:
        raise ConfigurationError(
            f"the {found.family.name} hash of {owner!r} asks for too much work ({found.stored.cost}), and is never verified; {_NEW}"
        )
    _check_library(found.stored.library, found.stored.format, owner)


def _check_library(library: Library, name: str, owner: str) -> None:
    try:
        library.load()
    except ImportError:
        why = f"{library.missing}: pip install '{library.install}'"
    except Exception as error:  # noqa: BLE001 - what a broken installation raises
        why = f"its library cannot be imported ({type(error).__name__}): pip install --force-reinstall '{library.install}'"
    else:
        return
    article = "an" if name[0] in "aeiou" else "a"
    raise ConfigurationError(f"{owner!r} has {article} {name} hash, and {why}")
