"""Reads and verifies the hashes of crypt(3) and its descendants by passlib: sha-crypt, md5-crypt, apr1, phpass, des-crypt."""

from __future__ import annotations

from watchword.checkers.passwords.libpass import PASSLIB, matches
from watchword.checkers.passwords.stored import CRYPT_ALPHABET, HASH64, NUMBER, StoredHash, compiled

DES_OCTETS = 8  # des-crypt looks at no more
MAX_ROUNDS = 1_000_000  # passlib writes 656,000. Each round hashes the password again: seconds, for the longest one that there is
MAX_PHPASS = 20  # logarithm of the rounds; WordPress writes 13
_LEAST_PHPASS = 7
_LEAST_ROUNDS, _IMPLICIT_ROUNDS = 1000, 5000  # Drepper's specification of sha-crypt

# The last character of a digest holds what is left of it: 2 bits of md5, sha512 and phpass, 4 of sha256, the upper 4 of six of des.
_SHA256 = compiled(rf"\$5\$(?:rounds=({NUMBER})\$)?({HASH64}{{0,16}})\${HASH64}{{42}}[./0-9A-D]")
_SHA512 = compiled(rf"\$6\$(?:rounds=({NUMBER})\$)?({HASH64}{{0,16}})\${HASH64}{{85}}[./01]")
_MD5 = compiled(rf"\$(?:1|apr1)\$({HASH64}{{0,8}})\${HASH64}{{21}}[./01]")
_PHPASS = compiled(rf"\$[PH]\$({HASH64}){HASH64}{{8}}{HASH64}{{21}}[./01]")
_DES = compiled(rf"{HASH64}{{12}}[.26AEIMQUYcgkosw]")


def read_sha256(text: str) -> StoredHash | None:
    """Read a sha256-crypt hash."""
    return _read_sha(text, "sha256-crypt")


def read_sha512(text: str) -> StoredHash | None:
    """Read a sha512-crypt hash."""
    return _read_sha(text, "sha512-crypt")


def _read_sha(text: str, name: str) -> StoredHash | None:
    found = (_SHA256 if name == "sha256-crypt" else _SHA512).fullmatch(text)
    if found is None:
        return None
    rounds = int(found.group(1) or _IMPLICIT_ROUNDS)
    if rounds < _LEAST_ROUNDS:  # the algorithm takes 1,000 then, and writes that
        return None
    cost = f"{rounds}{_salt(found.group(2), 16)}"
    scheme = name.replace("-", "_")
    return StoredHash(name, cost, PASSLIB, lambda octets: matches(scheme, text, octets), bounded=rounds <= MAX_ROUNDS)


def read_md5(text: str) -> StoredHash | None:
    """Read an md5-crypt hash or Apache's variant of it."""
    found = _MD5.fullmatch(text)
    if found is None:
        return None
    name, scheme = ("md5-crypt", "md5_crypt") if text.startswith("$1$") else ("apr1", "apr_md5_crypt")
    return StoredHash(name, _salt(found.group(1), 8).lstrip(), PASSLIB, lambda octets: matches(scheme, text, octets))


def read_phpass(text: str) -> StoredHash | None:
    """Read phpass's portable hash: WordPress until 6.7 ($P$), phpBB 3 ($H$)."""
    found = _PHPASS.fullmatch(text)
    if found is None:
        return None
    exponent = CRYPT_ALPHABET.index(found.group(1))
    if not _LEAST_PHPASS <= exponent <= 30:  # noqa: PLR2004 - phpass itself takes these
        return None
    return StoredHash("phpass", str(exponent), PASSLIB, lambda octets: matches("phpass", text, octets), bounded=exponent <= MAX_PHPASS)


def read_des(text: str) -> StoredHash | None:
    """Read a des-crypt hash: two characters of salt, eleven of digest, and nothing that marks it."""
    if not _DES.fullmatch(text):
        return None
    return StoredHash("des-crypt", "", PASSLIB, lambda octets: matches("des_crypt", text, octets), limit=DES_OCTETS)


def _salt(salt: str, usual: int) -> str:
    """Name the length of an unusual salt: it is hashed in every round, and decides how many blocks that are."""
    return "" if len(salt) == usual else f" salt={len(salt)}"
