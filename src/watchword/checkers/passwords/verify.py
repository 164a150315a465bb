"""Verifies one password against one stored hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.checkers.passwords.octets import prepare
from watchword.checkers.passwords.outage import outage

if TYPE_CHECKING:
    from watchword.checkers.passwords.stored import StoredHash

# The formats, and the patterns that read them, are loaded with the first hash: a guard for tokens alone never needs them.


def verify_password(hash: str, password: str | bytes) -> bool:  # noqa: A002 - the name of the argument is public
    """Tell whether a password belongs to a stored hash. Blocking, and slow on purpose.

    Args:
        hash: a hash in one of the formats of docs/passwords.md.
        password: the password; text is taken as UTF-8.

    Returns:
        True if it matches. A hash that is malformed, of an unknown format or of an absurd cost matches nothing.

    Raises:
        Unavailable: a well-formed hash cannot be computed here and now: its library is missing or fails, or memory is used up. A bad
            hash and a bad password raise nothing.

    Trust: the hash comes from a trusted store, the password from an untrusted client. An empty one, one of over 1,024 octets, of more
    octets than the format looks at (72 with bcrypt, 8 with des-crypt), or with a NUL in it, matches nothing, and the work
    is the same.
    """
    from watchword.checkers.passwords.formats import examine

    stored = examine(hash).usable
    return stored is not None and matches(stored, password)


def check_hash(hash: str, owner: str) -> None:  # noqa: A002 - as above
    """Refuse a stored hash that could never match.

    Args:
        hash: the stored hash.
        owner: whose it is, for the message; the hash itself is never shown.

    Raises:
        ConfigurationError: it is malformed, of an unknown format or an absurd cost, or this machine cannot compute it.
    """
    from watchword.checkers.passwords.check import check_computable, check_found
    from watchword.checkers.passwords.formats import examine

    check_computable(check_found(hash, examine(hash), owner), owner)


def identify(hash: str) -> str | None:  # noqa: A002 - as above
    """Name the format of a stored hash, such as "argon2id", "bcrypt" or "django-scrypt".

    Args:
        hash: the stored hash.

    Returns:
        None if it is malformed, of an unknown format or of an absurd cost: it matches nothing then.
    """
    from watchword.checkers.passwords.formats import examine

    stored = examine(hash).usable
    return None if stored is None else stored.format


def matches(stored: StoredHash, password: object) -> bool:
    """Verify, once, whatever the password is."""
    prepared = prepare(password, limit=stored.limit, text=stored.text)
    return answers(stored, prepared.octets) and prepared.fits


def answers(stored: StoredHash, octets: bytes) -> bool:
    """Ask the library of a hash; only True is a match.

    Raises:
        HashUnavailable: it raises an exception.
    """
    try:
        return stored.verify(octets) is True
    except BaseException as error:  # noqa: BLE001 - goes through where it ends the program
        unavailable = outage(error, stored.format, quote=stored.library.quotable)
    raise unavailable  # here, where it has no context: that would lead to the frames that hold the password
