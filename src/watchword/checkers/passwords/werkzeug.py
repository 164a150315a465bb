"""Reads Werkzeug's formats, which Flask applications store; its `check_password_hash` verifies them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from watchword.checkers.passwords.stored import MAX_ITERATIONS, NUMBER, SALT, Library, StoredHash, reader, scrypt_hash

if TYPE_CHECKING:
    import re

_HEXADECIMAL = {"sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}

WERKZEUG = Library("Werkzeug is not installed", "werkzeug", "werkzeug", partial(__import__, "werkzeug.security"))


@reader(rf"scrypt:({NUMBER}):({NUMBER}):({NUMBER})\${SALT}\$[0-9a-f]{{128}}")
def read_scrypt(found: re.Match[str]) -> StoredHash | None:
    """Read an scrypt hash of Werkzeug."""
    n, r, p = map(int, found.groups())
    # Werkzeug gives scrypt 132·N·r·p octets. With little work scrypt needs more, and fails at once.
    if 128 * r * (p + n + 2) > 132 * n * r * p:
        return None
    return scrypt_hash("werkzeug-scrypt", (n, r, p), WERKZEUG, lambda octets: _matches(found.string, octets), text=True)


@reader(rf"pbkdf2:(sha(?:1|224|256|384|512)):({NUMBER})\${SALT}\$([0-9a-f]{{40,128}})")
def read_pbkdf2(found: re.Match[str]) -> StoredHash | None:
    """Read a PBKDF2 hash of Werkzeug."""
    algorithm, iterations = found.group(1, 2)
    if len(found.group(3)) != _HEXADECIMAL[algorithm]:
        return None
    bounded = int(iterations) <= MAX_ITERATIONS
    cost = f"{algorithm} {iterations}"
    return StoredHash("werkzeug-pbkdf2", cost, WERKZEUG, lambda octets: _matches(found.string, octets), text=True, bounded=bounded)


def _matches(text: str, octets: bytes) -> object:
    from werkzeug.security import check_password_hash

    return check_password_hash(text, octets.decode())
