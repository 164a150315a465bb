"""One password against one stored hash. The formats that are known here: Argon2 and bcrypt."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

from watchword.errors import ConfigurationError

MAX_PASSWORD_OCTETS = 1024  # far beyond any passphrase; without a bound a password is a way to make us work (threats W4)
BCRYPT_OCTETS = 72  # bcrypt looks at no more, and version 5 of the library raises beyond (threats W1)

_ARGON2 = ("$argon2id$", "$argon2i$", "$argon2d$")
_BCRYPT = ("$2a$", "$2b$", "$2y$")
_BCRYPT_COSTS = frozenset(f"{cost:02}" for cost in range(4, 32))  # logarithms of the rounds
# 22 characters of salt, 31 of digest; the last of each holds fewer than 6 bits, so only every 16th and every 4th character can stand there
_BCRYPT_REST = re.compile(r"[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]")

# What the reference implementation decodes (`decode_string` of encoding.c): the parameters in this order, without leading zeros.
_ARGON2_HASH = re.compile(
    r"\$argon2(?:id|i|d)(?:\$v=(?:16|19))?\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,7})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
)
_ARGON2_SALT, _ARGON2_DIGEST = 8, 4  # octets at least (RFC 9106 §3.1)
_ARGON2_BLOCKS = 8  # of memory per lane at least, in KiB (RFC 9106 §3.1)


def verify_password(hash: str, password: str | bytes) -> bool:  # noqa: A002 - the name of the argument is public
    """Tell whether a password belongs to a stored hash. Blocking, and slow on purpose.

    Args:
        hash: an Argon2 hash (PHC string format) or a bcrypt hash.
        password: the password; text is taken as UTF-8.

    Returns:
        True if it matches. A hash that is malformed or of an unknown format matches nothing.

    Raises:
        Nothing: a bad hash or password is False, never an exception.

    Trust: the hash comes from a trusted store, the password from anybody. Over 1,024 octets, over 72 with bcrypt, or with
    a NUL in it, it matches nothing, and the work is the same.
    """
    octets = password.encode("utf-8", "surrogatepass") if isinstance(password, str) else bytes(password)
    if not isinstance(hash, str) or "\x00" in hash:  # C would read it up to there
        return False
    fits = len(octets) <= MAX_PASSWORD_OCTETS and b"\x00" not in octets
    octets = octets.replace(b"\x00", b"\x01")[:MAX_PASSWORD_OCTETS]
    if hash.startswith(_ARGON2):
        return _argon2(hash, octets) and fits
    if hash.startswith(_BCRYPT):
        return _bcrypt(hash, octets[:BCRYPT_OCTETS]) and fits and len(octets) <= BCRYPT_OCTETS
    return False


def check_hash(hash: str, owner: str) -> None:  # noqa: A002 - as above
    """Refuse a stored hash that could never match.

    Args:
        hash: the stored hash.
        owner: whose it is, for the message; the hash itself is never shown.

    Raises:
        ConfigurationError: it is malformed, of an unknown format, or its library is not installed.
    """
    if not isinstance(hash, str):
        raise ConfigurationError(f"the password hash of {owner!r} is a string, not {type(hash).__name__}")
    if hash.startswith(_ARGON2):
        if not _is_argon2(hash):
            raise ConfigurationError(
                f"the Argon2 hash of {owner!r} is malformed; make a new one with argon2.PasswordHasher().hash(password)"
            )
        return
    if hash.startswith(_BCRYPT):
        try:
            import bcrypt  # noqa: F401 - whether it is there is the question
        except ImportError:
            raise ConfigurationError(f"{owner!r} has a bcrypt hash, and bcrypt is not installed: pip install 'watchword[bcrypt]'") from None
        if not _is_bcrypt(hash):
            raise ConfigurationError(
                f"the bcrypt hash of {owner!r} is malformed; make a new one with bcrypt.hashpw(password, bcrypt.gensalt())"
            )
        return
    raise ConfigurationError(
        f"the password of {owner!r} is no Argon2 or bcrypt hash ($argon2id$..., $2b$...). Passwords are never stored as they are: "
        "make a hash with argon2.PasswordHasher().hash(password)"
    )


# A malformed hash would cost nothing to verify: its owner could never log in, and everybody could tell who that is. So these
# two are exact.


def _is_bcrypt(hash: str) -> bool:  # noqa: A002 - as above
    cost, _, rest = hash[4:].partition("$")
    return cost in _BCRYPT_COSTS and _BCRYPT_REST.fullmatch(rest) is not None


def _is_argon2(hash: str) -> bool:  # noqa: A002 - as above
    found = _ARGON2_HASH.fullmatch(hash)
    if found is None:
        return False
    memory, passes, lanes = map(int, found.group(1, 2, 3))
    salt, digest = map(_octets_of, found.group(4, 5))
    fits = max(memory, passes) < 2**32 and lanes < 2**24 and memory >= _ARGON2_BLOCKS * lanes
    return fits and salt >= _ARGON2_SALT and digest >= _ARGON2_DIGEST


def _octets_of(base64: str) -> int:
    """Return how many octets unpadded base64 holds; 0 where it is not the one spelling of them."""
    padding = "=" * (-len(base64) % 4)
    try:
        octets = b64decode(base64 + padding)
    except ValueError:
        return 0
    return len(octets) if b64encode(octets).decode() == base64 + padding else 0


def _argon2(hash: str, octets: bytes) -> bool:  # noqa: A002 - as above
    # Imported on first use, as is bcrypt: a guard for tokens alone never needs it.
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(hash, octets)
    except (InvalidHashError, VerificationError, ValueError):
        return False


def _bcrypt(hash: str, octets: bytes) -> bool:  # noqa: A002 - as above
    try:
        import bcrypt
    except ImportError:
        return False
    try:
        return bcrypt.checkpw(octets, hash.encode())
    except ValueError:
        return False
