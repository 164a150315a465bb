"""Recognises the format of a stored hash, by the table of all formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchword.checkers.passwords import argon2, bcrypt, crypts, django, kdfs, plain, werkzeug

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.checkers.passwords.stored import StoredHash

MAX_HASH_CHARACTERS = 3072  # more than the longest salt and digest of any format need


@dataclass(frozen=True, slots=True)
class Family:
    """Formats with one reader.

    Args:
        name: its name in messages.
        read: reads a hash; None: it is malformed.
        fields: how many `$` come before the last field, if an earlier field may hold a colon; 0: no field may.
    """

    name: str
    read: Callable[[str], StoredHash | None]
    fields: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A recognised value.

    Args:
        family: the family by its prefix; None: unknown.
        stored: the hash; None: malformed or unknown.
    """

    family: Family | None
    stored: StoredHash | None

    @property
    def usable(self) -> StoredHash | None:
        """The hash, if it may be verified: one over the ceilings counts as malformed."""
        return self.stored if self.stored is not None and self.stored.bounded else None


_ARGON2 = Family("Argon2", argon2.read)
_BCRYPT = Family("bcrypt", bcrypt.read)
_PBKDF2 = Family("PBKDF2", kdfs.read_pbkdf2)
_DJANGO_PBKDF2 = Family("Django PBKDF2", django.read_pbkdf2, fields=3)
_MD5 = Family("md5-crypt", crypts.read_md5)
_PHPASS = Family("phpass", crypts.read_phpass)
_DES = Family("des-crypt", crypts.read_des)

# No prefix is the beginning of another.
FAMILIES: Mapping[str, Family] = {
    "$argon2id$": _ARGON2,
    "$argon2i$": _ARGON2,
    "$argon2d$": _ARGON2,
    "$2$": _BCRYPT,
    "$2a$": _BCRYPT,
    "$2b$": _BCRYPT,
    "$2x$": _BCRYPT,
    "$2y$": _BCRYPT,
    "$scrypt$": Family("scrypt", kdfs.read_scrypt),
    "$7$": Family("scrypt", kdfs.read_crypt_scrypt),
    "$pbkdf2$": _PBKDF2,
    "$pbkdf2-sha256$": _PBKDF2,
    "$pbkdf2-sha512$": _PBKDF2,
    "pbkdf2_sha256$": _DJANGO_PBKDF2,
    "pbkdf2_sha1$": _DJANGO_PBKDF2,
    "bcrypt_sha256$": Family("Django bcrypt", bcrypt.read_django_sha256),
    "bcrypt$": Family("Django bcrypt", bcrypt.read_django),
    "argon2$": Family("Django Argon2", argon2.read_django),
    "scrypt$": Family("Django scrypt", django.read_scrypt, fields=5),
    "scrypt:": Family("Werkzeug scrypt", werkzeug.read_scrypt, fields=2),
    "pbkdf2:": Family("Werkzeug PBKDF2", werkzeug.read_pbkdf2, fields=2),
    "$apr1$": Family("Apache MD5", crypts.read_md5),
    "$1$": _MD5,
    "$5$": Family("sha256-crypt", crypts.read_sha256),
    "$6$": Family("sha512-crypt", crypts.read_sha512),
    "$P$": _PHPASS,
    "$H$": _PHPASS,
    "{SHA}": Family("SHA-1", crypts.read_ldap_sha1),
    "{SSHA}": Family("salted SHA-1", crypts.read_ldap_salted_sha1),
}
_MARKED = Family("plain-text", plain.read)
_NOTHING = Found(None, None)


def family_of(text: str) -> Family | None:
    """Return the family of a stored value by its prefix; None: unknown."""
    return next((family for prefix, family in FAMILIES.items() if text.startswith(prefix)), None)


def end_of_hash(text: str) -> int | None:
    """Return the place of the colon that ends a hash before a comment; None: no colon ends it, or the format is unknown."""
    family = family_of(text)
    if family is None:
        return None
    place = 0
    for _ in range(family.fields):  # a method or a salt may hold colons: Werkzeug's `pbkdf2:sha256:600000$salt$digest`
        place = text.find("$", place) + 1
        if not place:
            return None
    found = text.find(":", place)
    return found if found >= 0 else None


def examine(text: object, *, plain_text: bool = False) -> Found:
    """Recognise a stored value.

    Args:
        text: the value.
        plain_text: whether it may be a password in plain text: marked, or of an unknown family.
    """
    if not isinstance(text, str):
        return _NOTHING
    text = str.__str__(text)  # a subclass may override methods
    if not 0 < len(text) <= MAX_HASH_CHARACTERS + len(plain.MARK):
        return _NOTHING
    family = family_of(text)
    if family is not None:
        return Found(family, family.read(text))
    if text.startswith(plain.MARK):
        return Found(_MARKED, plain.read(text)) if plain_text else _NOTHING
    stored = crypts.read_des(text)
    if stored is not None:
        return Found(_DES, stored)
    return Found(_MARKED, plain.read(text)) if plain_text else _NOTHING
