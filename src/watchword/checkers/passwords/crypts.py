"""Reads the hashes of crypt(3), its descendants and LDAP: sha-crypt, md5-crypt, apr1, phpass, des-crypt, {SHA} and {SSHA}."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.checkers.passwords.libpass import passlib_hash
from watchword.checkers.passwords.stored import CRYPT_ALPHABET, HASH64, NUMBER, octets_in, reader

if TYPE_CHECKING:
    import re

    from watchword.checkers.passwords.stored import StoredHash

DES_OCTETS = 8  # des-crypt ignores the rest
MAX_ROUNDS = 1_000_000  # passlib writes 656,000. Each round hashes the password again: seconds, for the longest password
MAX_PHPASS = 20  # logarithm of the rounds; WordPress writes 13
_PHPASS_EXPONENTS = range(7, 31)  # phpass itself accepts these
_LEAST_ROUNDS, _IMPLICIT_ROUNDS = 1000, 5000  # Drepper's specification of sha-crypt
_SHA1_OCTETS = 20
_LDAP_SALT = range(4, 17)  # octets: OpenLDAP writes 4, others 8; RFC 3112 asks for up to 16

# The last character of a digest holds the remaining bits: 2 of md5, sha512 and phpass, 4 of sha256, the upper 4 of six of des.


@reader(rf"\$5\$(?:rounds=({NUMBER})\$)?({HASH64}{{0,16}})\${HASH64}{{42}}[./0-9A-D]")
def read_sha256(found: re.Match[str]) -> StoredHash | None:
    """Read a sha256-crypt hash."""
    return _read_sha(found, "sha256-crypt")


@reader(rf"\$6\$(?:rounds=({NUMBER})\$)?({HASH64}{{0,16}})\${HASH64}{{85}}[./01]")
def read_sha512(found: re.Match[str]) -> StoredHash | None:
    """Read a sha512-crypt hash."""
    return _read_sha(found, "sha512-crypt")


def _read_sha(found: re.Match[str], name: str) -> StoredHash | None:
    rounds = int(found.group(1) or _IMPLICIT_ROUNDS)
    if rounds < _LEAST_ROUNDS:  # the algorithm takes 1,000 then, and writes that
        return None
    return passlib_hash(found.string, name, f"{rounds}{_salt(found.group(2), 16)}", bounded=rounds <= MAX_ROUNDS)


@reader(rf"\$(1|apr1)\$({HASH64}{{0,8}})\${HASH64}{{21}}[./01]")
def read_md5(found: re.Match[str]) -> StoredHash | None:
    """Read an md5-crypt hash or Apache's variant of it."""
    name, handler = ("md5-crypt", "md5_crypt") if found.group(1) == "1" else ("apr1", "apr_md5_crypt")
    return passlib_hash(found.string, name, _salt(found.group(2), 8).lstrip(), handler=handler)


@reader(rf"\$[PH]\$({HASH64}){HASH64}{{8}}{HASH64}{{21}}[./01]")
def read_phpass(found: re.Match[str]) -> StoredHash | None:
    """Read phpass's portable hash: WordPress until 6.7 ($P$), phpBB 3 ($H$)."""
    exponent = CRYPT_ALPHABET.index(found.group(1))
    if exponent not in _PHPASS_EXPONENTS:
        return None
    return passlib_hash(found.string, "phpass", str(exponent), bounded=exponent <= MAX_PHPASS)


@reader(rf"{HASH64}{{12}}[.26AEIMQUYcgkosw]")
def read_des(found: re.Match[str]) -> StoredHash | None:
    """Read a des-crypt hash: two characters of salt and eleven of digest, without a mark."""
    return passlib_hash(found.string, "des-crypt", limit=DES_OCTETS)


@reader(r"\{SHA\}([A-Za-z0-9+/]{27})=")
def read_ldap_sha1(found: re.Match[str]) -> StoredHash | None:
    """Read an unsalted digest, as LDAP servers and `htpasswd -s` write it."""
    return passlib_hash(found.string, "ldap-sha1") if octets_in(found.group(1)) == _SHA1_OCTETS else None


@reader(r"\{SSHA\}(([A-Za-z0-9+/]{32,48})={0,2})")
def read_ldap_salted_sha1(found: re.Match[str]) -> StoredHash | None:
    """Read a digest with its salt behind it, as LDAP servers write it."""
    if len(found.group(1)) % 4 or octets_in(found.group(2)) - _SHA1_OCTETS not in _LDAP_SALT:
        return None
    return passlib_hash(found.string, "ldap-salted-sha1")


def _salt(salt: str, usual: int) -> str:
    """Name the length of an unusual salt: it is hashed in every round, and so is a part of the cost."""
    return "" if len(salt) == usual else f" salt={len(salt)}"
