"""Reads scrypt and PBKDF2 in the formats of passlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.checkers.passwords.libpass import PASSLIB, matches, passlib_hash
from watchword.checkers.passwords.stored import (
    CRYPT_ALPHABET,
    HASH64,
    MAX_ITERATIONS,
    MAX_SALT_BASE64,
    MAX_SALT_OCTETS,
    NUMBER,
    octets_in,
    reader,
    scrypt_hash,
)

if TYPE_CHECKING:
    import re

    from watchword.checkers.passwords.stored import StoredHash

_SCRYPT_OCTETS = 32
_PBKDF2_OCTETS = {"": 20, "-sha256": 32, "-sha512": 64}


@reader(rf"\$scrypt\$ln=([1-9]|[12][0-9]|3[01]),r=({NUMBER}),p=({NUMBER})\$([A-Za-z0-9+/]{{0,{MAX_SALT_BASE64}}})\$([A-Za-z0-9+/]{{43}})")
def read_scrypt(found: re.Match[str]) -> StoredHash | None:
    """Read an scrypt hash in the PHC string format."""
    if octets_in(found.group(5)) != _SCRYPT_OCTETS or not _is_salt(found.group(4)):
        return None
    return _scrypt(found.string, *map(int, found.group(1, 2, 3)))


# N's logarithm, r and p in the digits of crypt(3), the least first. The salt is hashed as it is written: passlib and libsodium write
# the base64 of one. The last character of the digest holds 4 bits.
@reader(rf"\$7\$({HASH64})({HASH64}{{5}})({HASH64}{{5}})[+./0-9A-Za-z]{{0,{MAX_SALT_OCTETS}}}\${HASH64}{{42}}[./0-9A-D]")
def read_crypt_scrypt(found: re.Match[str]) -> StoredHash | None:
    """Read an scrypt hash as crypt(3) writes it."""
    return _scrypt(found.string, *map(_number, found.groups()))


def _scrypt(text: str, exponent: int, r: int, p: int) -> StoredHash | None:
    cost = f"ln={exponent} r={r} p={p}"
    return scrypt_hash("scrypt", (2**exponent, r, p), PASSLIB, lambda octets: matches("scrypt", text, octets), cost=cost)


# passlib writes `.` for the `+` of base64
@reader(rf"\$pbkdf2(|-sha256|-sha512)\$({NUMBER})\$([A-Za-z0-9./]{{0,{MAX_SALT_BASE64}}})\$([A-Za-z0-9./]{{27,86}})")
def read_pbkdf2(found: re.Match[str]) -> StoredHash | None:
    """Read a PBKDF2 hash with HMAC over SHA-1, SHA-256 or SHA-512."""
    suffix, iterations = found.group(1, 2)
    salt, checksum = (part.replace(".", "+") for part in found.group(3, 4))
    if octets_in(checksum) != _PBKDF2_OCTETS[suffix] or not _is_salt(salt):
        return None
    return passlib_hash(found.string, f"pbkdf2{suffix or '-sha1'}", iterations, bounded=int(iterations) <= MAX_ITERATIONS)


def _number(digits: str) -> int:
    return sum(CRYPT_ALPHABET.index(digit) << 6 * place for place, digit in enumerate(digits))


def _is_salt(base64: str) -> bool:
    return not base64 or 0 < octets_in(base64) <= MAX_SALT_OCTETS
