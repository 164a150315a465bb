"""Reads and verifies bcrypt by the bcrypt package, and the two formats of Django that hold one."""

from __future__ import annotations

from binascii import hexlify
from hashlib import sha256

from watchword.checkers.passwords.octets import BCRYPT_OCTETS
from watchword.checkers.passwords.stored import Library, StoredHash, compiled

MAX_COST = 17  # logarithm of the rounds: ten seconds. OWASP asks for 10

# 2x marks hashes that a bug of crypt_blowfish made, and 2 has no known maker left. 22 characters of salt, 31 of digest; the last of
# each holds fewer than 6 bits, so only every 16th and every 4th character can stand there.
_HASH = compiled(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]")
_DJANGO = "bcrypt$"
_DJANGO_SHA256 = "bcrypt_sha256$"


def _load() -> object:
    import bcrypt

    return bcrypt


BCRYPT = Library("bcrypt is not installed", "bcrypt", "watchword[bcrypt]", _load)


def read(text: str) -> StoredHash | None:
    """Read a bcrypt hash."""
    return _read(text, "bcrypt")


def read_django(text: str) -> StoredHash | None:
    """Read what Django's BCryptPasswordHasher writes."""
    return _read(text.removeprefix(_DJANGO), "django-bcrypt")


def read_django_sha256(text: str) -> StoredHash | None:
    """Read what Django's BCryptSHA256PasswordHasher writes: bcrypt of the digest in hexadecimal, so that every octet counts."""
    return _read(text.removeprefix(_DJANGO_SHA256), "django-bcrypt-sha256", digested=True)


def _read(text: str, name: str, *, digested: bool = False) -> StoredHash | None:
    found = _HASH.fullmatch(text)
    if found is None:
        return None
    cost = int(found.group(1))
    return StoredHash(
        name,
        str(cost),
        BCRYPT,
        lambda octets: _matches(text, hexlify(sha256(octets).digest()) if digested else octets),
        limit=None if digested else BCRYPT_OCTETS,
        bounded=cost <= MAX_COST,
    )


def _matches(text: str, octets: bytes) -> bool:
    import bcrypt

    return bcrypt.checkpw(octets, text.encode())
