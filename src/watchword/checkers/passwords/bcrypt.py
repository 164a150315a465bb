"""Reads bcrypt, and the two formats of Django that hold it; the bcrypt package verifies them."""

from __future__ import annotations

from binascii import hexlify
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from watchword.checkers.passwords.octets import BCRYPT_OCTETS
from watchword.checkers.passwords.stored import Library, StoredHash, reader

if TYPE_CHECKING:
    import re

MAX_COST = 17  # logarithm of the rounds: ten seconds. OWASP asks for 10

# 2x marks hashes that a bug of crypt_blowfish made, and nothing writes 2 any more. 22 characters of salt, 31 of digest; the last
# of each holds fewer than 6 bits, so it is one of 4 and one of 16 characters.
_HASH = r"(\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26])"

BCRYPT = Library("bcrypt is not installed", "bcrypt", "watchword[bcrypt]", partial(__import__, "bcrypt"))


@reader(_HASH)
def read(found: re.Match[str]) -> StoredHash | None:
    """Read a bcrypt hash."""
    return _stored(found, "bcrypt")


@reader(rf"bcrypt\${_HASH}")
def read_django(found: re.Match[str]) -> StoredHash | None:
    """Read a hash of Django's BCryptPasswordHasher."""
    return _stored(found, "django-bcrypt")


@reader(rf"bcrypt_sha256\${_HASH}")
def read_django_sha256(found: re.Match[str]) -> StoredHash | None:
    """Read a hash of Django's BCryptSHA256PasswordHasher: bcrypt of the digest in hexadecimal, so that every octet counts."""
    return _stored(found, "django-bcrypt-sha256", digested=True)


def _stored(found: re.Match[str], name: str, *, digested: bool = False) -> StoredHash:
    text, cost = found.group(1), int(found.group(2))
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
