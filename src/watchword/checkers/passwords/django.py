"""Reads and verifies Django's formats by its hasher classes: unlike its `check_password` they need no settings.

PBKDF2 goes by passlib where Django is missing.
"""

from __future__ import annotations

from base64 import b64encode

from watchword.checkers.passwords.libpass import matches
from watchword.checkers.passwords.stored import (
    MAX_ITERATIONS,
    MAX_SALT_OCTETS,
    NUMBER,
    Library,
    StoredHash,
    compiled,
    octets_in,
    scrypt_is_bounded,
    scrypt_is_possible,
)

_SALT = rf"[!-#%-~]{{1,{MAX_SALT_OCTETS}}}"  # printable and no `$`; Django makes it of letters and digits
_PBKDF2 = compiled(rf"pbkdf2_(sha1|sha256)\$({NUMBER})\$({_SALT})\$([A-Za-z0-9+/]{{27}}=|[A-Za-z0-9+/]{{43}}=)")
_SCRYPT = compiled(rf"scrypt\$({NUMBER})\$({_SALT})\$({NUMBER})\$({NUMBER})\$([A-Za-z0-9+/]{{86}})==")
_OCTETS = {"sha1": 20, "sha256": 32}
_SCRYPT_OCTETS = 64
_SCRYPT_MEMORY = 2**31 - 1  # hashlib takes no more. Django allows 32 MiB, which a subclass with more work raises when it makes the hash


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


def read_pbkdf2(text: str) -> StoredHash | None:
    """Read what PBKDF2PasswordHasher and PBKDF2SHA1PasswordHasher write."""
    found = _PBKDF2.fullmatch(text)
    if found is None:
        return None
    name, iterations, salt, checksum = found.groups()
    checksum = checksum.rstrip("=")
    if octets_in(checksum) != _OCTETS[name]:
        return None

    def verify(octets: bytes) -> object:
        try:
            from django.contrib.auth.hashers import PBKDF2PasswordHasher, PBKDF2SHA1PasswordHasher
        except ImportError:
            # The same digest in passlib's spelling, for passlib's own handlers of Django's format refuse salts that Django takes.
            ident = "pbkdf2" if name == "sha1" else "pbkdf2-sha256"
            spelled = b64encode(salt.encode()).decode().rstrip("=").replace("+", ".")
            return matches(f"pbkdf2_{name}", f"${ident}${iterations}${spelled}${checksum.replace('+', '.')}", octets)
        hasher = PBKDF2SHA1PasswordHasher() if name == "sha1" else PBKDF2PasswordHasher()
        return hasher.verify(octets.decode(), text)

    bounded = int(iterations) <= MAX_ITERATIONS
    return StoredHash(f"django-pbkdf2-{name}", iterations, DJANGO_OR_PASSLIB, verify, text=True, bounded=bounded)


def read_scrypt(text: str) -> StoredHash | None:
    """Read what ScryptPasswordHasher writes."""
    found = _SCRYPT.fullmatch(text)
    if found is None:
        return None
    n, r, p = map(int, found.group(1, 3, 4))
    if not scrypt_is_possible(n, r) or octets_in(found.group(5)) != _SCRYPT_OCTETS:
        return None

    def verify(octets: bytes) -> object:
        from django.contrib.auth.hashers import ScryptPasswordHasher

        hasher = ScryptPasswordHasher()
        hasher.maxmem = _SCRYPT_MEMORY
        return hasher.verify(octets.decode(), text)

    return StoredHash("django-scrypt", f"n={n} r={r} p={p}", DJANGO, verify, text=True, bounded=scrypt_is_bounded(n, r, p))
