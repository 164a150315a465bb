"""Verifies one password against one stored hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.checkers.passwords.octets import prepare
from watchword.checkers.passwords.outage import outage

if TYPE_CHECKING:
    from watchword.checkers.passwords.stored import StoredHash

# The formats and their patterns are imported with the first hash: a guard for tokens alone never needs them.


def verify_password(hash: str, password: str | bytes) -> bool:  # noqa: A002 - the name of the argument is public
    """Tell whether a password belongs to a stored hash. Blocking, and slow on purpose.

    Args:
        hash: a hash in one of the formats of docs/passwords.md.
        password: the password; text is encoded as UTF-8.

    Returns:
        True if it matches. A hash that is malformed, of an unknown format or too costly matches no password.

    Raises:
        Unavailable: a well-formed hash cannot be computed now: its library is missing or fails, or memory is used up. A bad
            hash and a bad password raise nothing.

    Trust: the store of the hash is trusted, the password is not. A password that is empty, has over 1,024 octets, more octets than the
    format reads (72 with bcrypt, 8 with des-crypt) or a NUL does not match, after the same work.
    """
    from watchword.checkers.passwords.formats import examine

    stored = examine(hash).usable
    return stored is not None and matches(stored, password)


def check_hash(hash: str, owner: str) -> None:  # noqa: A002 - as above
    """Refuse a stored hash that could never match.

    Args:
        hash: the stored hash.
        owner: its owner, for the message; the hash itself is never shown.

    Raises:
        ConfigurationError: it is malformed, of an unknown format or too costly, or this machine cannot compute it.
    """
    from watchword.checkers.passwords.check import check_computable, check_found
    from watchword.checkers.passwords.formats import examine

    check_computable(check_found(hash, examine(hash), owner), owner)


def identify(hash: str) -> str | None:  # noqa: A002 - as above
    """Name the format of a stored hash, such as "argon2id", "bcrypt" or "django-scrypt".

    Args:
        hash: the stored hash.

    Returns:
        None: it is malformed, of an unknown format or too costly.
    """
    from watchword.checkers.passwords.formats import examine

    stored = examine(hash).usable
    return None if stored is None else stored.format


def matches(stored: StoredHash, password: object) -> bool:
    """Verify any value as a password, with one hash."""
    # Hashed even where it does not fit, and refused afterwards: the work must not tell which accounts have bcrypt (threats W1, W2).
    prepared = prepare(password, limit=stored.limit, text=stored.text)
    return answers(stored, prepared.octets) and prepared.fits


def answers(stored: StoredHash, octets: bytes) -> bool:
    """Tell whether the library of a hash answers True; an exception of it becomes `HashUnavailable`."""
    try:
        return stored.verify(octets) is True
    except BaseException as error:  # noqa: BLE001 - raised again if it ends the program
        unavailable = outage(error, stored.format, quote=stored.library.quotable)
    raise unavailable  # outside of `except`: a context would lead to the frames that hold the password
