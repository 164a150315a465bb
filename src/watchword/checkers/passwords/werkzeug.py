"""Reads and verifies Werkzeug's formats by its `check_password_hash`: Flask applications store them."""

from __future__ import annotations

from watchword.checkers.passwords.stored import (
    MAX_ITERATIONS,
    MAX_SALT_OCTETS,
    NUMBER,
    Library,
    StoredHash,
    compiled,
    scrypt_is_bounded,
    scrypt_is_possible,
)

_SALT = rf"[!-#%-~]{{1,{MAX_SALT_OCTETS}}}"  # printable and no `$`; Werkzeug makes it of letters and digits
_SCRYPT = compiled(rf"scrypt:({NUMBER}):({NUMBER}):({NUMBER})\${_SALT}\$[0-9a-f]{{128}}")
_PBKDF2 = compiled(rf"pbkdf2:(sha(?:1|224|256|384|512)):({NUMBER})\${_SALT}\$([0-9a-f]{{40,128}})")
_HEXADECIMAL = {"sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}


def _load() -> object:
    import werkzeug.security

    return werkzeug.security


WERKZEUG = Library("Werkzeug is not installed", "werkzeug", "werkzeug", _load)


def read_scrypt(text: str) -> StoredHash | None:
    """Read an scrypt hash of Werkzeug."""
    found = _SCRYPT.fullmatch(text)
    if found is None:
        return None
    n, r, p = map(int, found.groups())
    # Werkzeug lets scrypt have 132·N·r·p octets. With little work that is less than it takes, and scrypt fails at once.
    enough = 128 * r * (p + n + 2) <= 132 * n * r * p
    if not scrypt_is_possible(n, r) or not enough:
        return None
    return StoredHash(
        "werkzeug-scrypt",
        f"n={n} r={r} p={p}",
        WERKZEUG,
        lambda octets: _matches(text, octets),
        text=True,
        bounded=scrypt_is_bounded(n, r, p),
    )


def read_pbkdf2(text: str) -> StoredHash | None:
    """Read a PBKDF2 hash of Werkzeug."""
    found = _PBKDF2.fullmatch(text)
    if found is None or len(found.group(3)) != _HEXADECIMAL[found.group(1)]:
        return None
    digest, iterations = found.group(1, 2)
    return StoredHash(
        "werkzeug-pbkdf2",
        f"{digest} {iterations}",
        WERKZEUG,
        lambda octets: _matches(text, octets),
        text=True,
        bounded=int(iterations) <= MAX_ITERATIONS,
    )


def _matches(text: str, octets: bytes) -> object:
    from werkzeug.security import check_password_hash

    return check_password_hash(text, octets.decode())
