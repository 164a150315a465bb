"""Reads Django's formats; its hasher classes verify them, which unlike its `check_password` need no settings.

passlib verifies PBKDF2 where Django is not installed.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from watchword.checkers.passwords.libpass import matches
from watchword.checkers.passwords.stored import MAX_ITERATIONS, NUMBER, SALT, Library, StoredHash, octets_in, reader, scrypt_hash

if TYPE_CHECKING:
    import re

_PBKDF2_OCTETS = {"sha1": 20, "sha256": 32}
_SCRYPT_OCTETS = 64
_SCRYPT_MEMORY = 2**31 - 1  # the most that hashlib accepts. Django allows 32 MiB, and a subclass with more work raises that


def _load_hashers() -> object:
    from django.contrib.auth.hashers import ScryptPasswordHasher

    return ScryptPasswordHasher


def _load_any() -> object:
    try:
        return _load_hashers()
    except ImportError:
        import passlib.hash

        return passlib.hash


DJANGO = Library("Django is not installed", "django", "django", _load_hashers)
DJANGO_OR_PASSLIB = Library("neither Django nor passlib is installed", "passlib", "watchword[passlib]", _load_any)


@reader(rf"pbkdf2_(sha1|sha256)\$({NUMBER})\$({SALT})\$([A-Za-z0-9+/]{{27}}|[A-Za-z0-9+/]{{43}})=")
def read_pbkdf2(found: re.Match[str]) -> StoredHash | None:
    """Read a hash of PBKDF2PasswordHasher or PBKDF2SHA1PasswordHasher."""
    name, iterations, salt, checksum = found.groups()
    if octets_in(checksum) != _PBKDF2_OCTETS[name]:
        return None

    def verify(octets: bytes) -> object:
        try:
            from django.contrib.auth.hashers import PBKDF2PasswordHasher, PBKDF2SHA1PasswordHasher
        except ImportError:
            # The same digest in passlib's own format: its handlers of Django's format refuse salts that Django accepts.
            ident = "pbkdf2" if name == "sha1" else "pbkdf2-sha256"
            spelled = b64encode(salt.encode()).decode().rstrip("=").replace("+", ".")
            return matches(f"pbkdf2_{name}", f"${ident}${iterations}${spelled}${checksum.replace('+', '.')}", octets)
        hasher = PBKDF2SHA1PasswordHasher() if name == "sha1" else PBKDF2PasswordHasher()
        return hasher.verify(octets.decode(), found.string)

    bounded = int(iterations) <= MAX_ITERATIONS
    return StoredHash(f"django-pbkdf2-{name}", iterations, DJANGO_OR_PASSLIB, verify, text=True, bounded=bounded)


@reader(rf"scrypt\$({NUMBER})\$({SALT})\$({NUMBER})\$({NUMBER})\$([A-Za-z0-9+/]{{86}})==")
def read_scrypt(found: re.Match[str]) -> StoredHash | None:
    """Read a hash of ScryptPasswordHasher."""

    def verify(octets: bytes) -> object:
        from django.contrib.auth.hashers import ScryptPasswordHasher

        hasher = ScryptPasswordHasher()
        hasher.maxmem = _SCRYPT_MEMORY
        return hasher.verify(octets.decode(), found.string)

    if octets_in(found.group(5)) != _SCRYPT_OCTETS:
        return None
    n, r, p = map(int, found.group(1, 3, 4))
    return scrypt_hash("django-scrypt", (n, r, p), DJANGO, verify, text=True)
