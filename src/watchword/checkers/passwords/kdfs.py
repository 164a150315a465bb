"""Reads and verifies scrypt and PBKDF2 in the formats of passlib."""

from __future__ import annotations

from watchword.checkers.passwords.libpass import PASSLIB, matches
from watchword.checkers.passwords.stored import (
    CRYPT_ALPHABET,
    HASH64,
    MAX_ITERATIONS,
    MAX_SALT_BASE64,
    MAX_SALT_OCTETS,
    NUMBER,
    StoredHash,
    compiled,
    octets_in,
    scrypt_is_bounded,
    scrypt_is_possible,
)

_SCRYPT = compiled(
    rf"\$scrypt\$ln=([1-9]|[12][0-9]|3[01]),r=({NUMBER}),p=({NUMBER})\$([A-Za-z0-9+/]{{0,{MAX_SALT_BASE64}}})\$([A-Za-z0-9+/]{{43}})"
)
_SCRYPT_OCTETS = 32
# N's logarithm, r and p in the digits of crypt(3), the least first. The salt is hashed as it is written: passlib and libsodium write
# the base64 of one. The last character of the digest holds 4 bits.
_CRYPT_SCRYPT = compiled(rf"\$7\$({HASH64})({HASH64}{{5}})({HASH64}{{5}})[+./0-9A-Za-z]{{0,{MAX_SALT_OCTETS}}}\${HASH64}{{42}}[./0-9A-D]")
# passlib writes `.` for the `+` of base64
_PBKDF2 = compiled(rf"\$pbkdf2(|-sha256|-sha512)\$({NUMBER})\$([A-Za-z0-9./]{{0,{MAX_SALT_BASE64}}})\$([A-Za-z0-9./]{{27,86}})")
_OCTETS = {"": 20, "-sha256": 32, "-sha512": 64}


def read_scrypt(text: str) -> StoredHash | None:
    """Read an scrypt hash in the PHC string format."""
    found = _SCRYPT.fullmatch(text)
    if found is None:
        return None
    if octets_in(found.group(5)) != _SCRYPT_OCTETS or not _is_salt(found.group(4)):
        return None
    return _scrypt(text, *map(int, found.group(1, 2, 3)))


def read_crypt_scrypt(text: str) -> StoredHash | None:
    """Read an scrypt hash as crypt(3) spells it."""
    found = _CRYPT_SCRYPT.fullmatch(text)
    return None if found is None else _scrypt(text, *map(_number, found.groups()))


def _scrypt(text: str, exponent: int, r: int, p: int) -> StoredHash | None:
    n = 2**exponent
    if not scrypt_is_possible(n, r) or p < 1:
        return None
    return StoredHash(
        "scrypt",
        f"ln={exponent} r={r} p={p}",
        PASSLIB,
        lambda octets: matches("scrypt", text, octets),
        bounded=scrypt_is_bounded(n, r, p),
    )


def read_pbkdf2(text: str) -> StoredHash | None:
    """Read a PBKDF2 hash with HMAC over SHA-1, SHA-256 or SHA-512."""
    found = _PBKDF2.fullmatch(text)
    if found is None:
        return None
    suffix, salt, checksum = found.group(1), *(part.replace(".", "+") for part in found.group(3, 4))
    if octets_in(checksum) != _OCTETS[suffix] or not _is_salt(salt):
        return None
    scheme = f"pbkdf2{suffix or '-sha1'}"
    return StoredHash(
        scheme,
        found.group(2),
        PASSLIB,
        lambda octets: matches(scheme.replace("-", "_"), text, octets),
        bounded=int(found.group(2)) <= MAX_ITERATIONS,
    )


def _number(digits: str) -> int:
    return sum(CRYPT_ALPHABET.index(digit) << 6 * place for place, digit in enumerate(digits))


def _is_salt(base64: str) -> bool:
    return not base64 or 0 < octets_in(base64) <= MAX_SALT_OCTETS
