"""Stored hashes in every format, made by the libraries and tools that people use, and a count of what verifying them takes."""

from __future__ import annotations

import hashlib
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import bcrypt
import passlib.hash
from argon2 import PasswordHasher, Type
from argon2.low_level import verify_secret
from django.contrib.auth import hashers
from werkzeug.security import generate_password_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PASSWORD = "s3cret"
"""Of all the hashes here; of six octets, so that des-crypt takes it."""


def argon2(password: str, kind: Type) -> str:
    """Return a cheap hash; its salt stays, for one digest in sixteen is canonical base64 without its last character as well."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=kind)
    return hasher.hash(password, salt=b"0123456789abcdef")


def django(hasher: hashers.BasePasswordHasher, password: str, **settings: int) -> str:
    """Return a hash by a hasher class of Django with settings of its own."""
    for name, value in settings.items():
        setattr(hasher, name, value)
    return str(hasher.encode(password, b"$2b$04$abcdefghijklmnopqrstuu" if "rounds" in settings else "0123456789abcdef"))


def by_passlib(name: str, **settings: int) -> Callable[[str], str]:
    """Return what makes a hash by a handler of passlib."""
    return lambda password: str(getattr(passlib.hash, name).using(**settings).hash(password))


MAKERS: dict[str, Callable[[str], str]] = {
    "argon2id": lambda password: argon2(password, Type.ID),
    "argon2i": lambda password: argon2(password, Type.I),
    "argon2d": lambda password: argon2(password, Type.D),
    "bcrypt": lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode(),
    "scrypt": by_passlib("scrypt", rounds=4),
    "pbkdf2-sha1": by_passlib("pbkdf2_sha1", rounds=2),
    "pbkdf2-sha256": by_passlib("pbkdf2_sha256", rounds=2),
    "pbkdf2-sha512": by_passlib("pbkdf2_sha512", rounds=2),
    "django-pbkdf2-sha256": lambda password: django(hashers.PBKDF2PasswordHasher(), password, iterations=2),
    "django-pbkdf2-sha1": lambda password: django(hashers.PBKDF2SHA1PasswordHasher(), password, iterations=2),
    "django-bcrypt-sha256": lambda password: django(hashers.BCryptSHA256PasswordHasher(), password, rounds=4),
    "django-bcrypt": lambda password: django(hashers.BCryptPasswordHasher(), password, rounds=4),
    "django-argon2": lambda password: django(hashers.Argon2PasswordHasher(), password, time_cost=1, memory_cost=64, parallelism=1),
    "django-scrypt": lambda password: django(hashers.ScryptPasswordHasher(), password, work_factor=16, parallelism=1),
    "werkzeug-scrypt": lambda password: generate_password_hash(password, "scrypt:128:8:1"),
    "werkzeug-pbkdf2": lambda password: generate_password_hash(password, "pbkdf2:sha256:2"),
    "apr1": by_passlib("apr_md5_crypt"),
    "md5-crypt": by_passlib("md5_crypt"),
    "sha256-crypt": by_passlib("sha256_crypt", rounds=1000),
    "sha512-crypt": by_passlib("sha512_crypt", rounds=1000),
    "ldap-sha1": by_passlib("ldap_sha1"),
    "ldap-salted-sha1": by_passlib("ldap_salted_sha1"),
    "phpass": by_passlib("phpass", rounds=7),
    "des-crypt": by_passlib("des_crypt"),
}
"""What makes a cheap hash of a password, by format: a library that is not the one under test where there is another."""

LIMITS = {"bcrypt": 72, "django-bcrypt": 72, "des-crypt": 8}
"""How many octets of a password count, where not all do."""


@cache
def stored(name: str, password: str = PASSWORD) -> str:
    """Return a hash in a format, always the same one."""
    return MAKERS[name](password)


_IN_C = {hashlib.scrypt, hashlib.pbkdf2_hmac, bcrypt.checkpw, bcrypt.hashpw}


@contextmanager
def derivations() -> Iterator[list[str]]:
    """Note every call of a key derivation in this thread, and every checksum that passlib computes.

    The interpreter reports the calls; the libraries and the code under test are left as they are.
    """
    seen: list[str] = []

    def note(frame: FrameType, event: str, called: object) -> None:
        if event == "call" and (frame.f_code is verify_secret.__code__ or frame.f_code.co_name == "_calc_checksum"):
            seen.append(frame.f_code.co_name)
        elif event == "c_call" and called in _IN_C:
            seen.append(getattr(called, "__name__", ""))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)
