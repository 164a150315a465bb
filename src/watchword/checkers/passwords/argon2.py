"""Reads and verifies Argon2 in the PHC string format, by argon2-cffi, with Django's prefix too."""

from __future__ import annotations

from watchword.checkers.passwords.stored import (
    MAX_DIGEST_BASE64,
    MAX_DIGEST_OCTETS,
    MAX_SALT_BASE64,
    MAX_SALT_OCTETS,
    NUMBER,
    Library,
    StoredHash,
    compiled,
    octets_in,
)

MAX_WORK = 2**22  # memory in KiB times passes: 100 times what new hashes cost here
MAX_MEMORY = 2**21  # KiB: 2 GiB, what RFC 9106 §4 recommends first
MAX_LANES = 64

# What the reference implementation decodes (`decode_string` of encoding.c): the parameters in this order, without leading zeros.
_HASH = compiled(
    rf"\$(argon2(?:id|i|d))(?:\$v=(16|19))?\$m=({NUMBER}),t=({NUMBER}),p=({NUMBER})"
    rf"\$([A-Za-z0-9+/]{{1,{MAX_SALT_BASE64}}})\$([A-Za-z0-9+/]{{1,{MAX_DIGEST_BASE64}}})"
)
_LEAST_SALT, _LEAST_DIGEST = 8, 4  # octets (RFC 9106 §3.1)
_BLOCKS = 8  # of memory per lane at least, in KiB (RFC 9106 §3.1)
_DJANGO = "argon2"  # `argon2` and the hash, whose own `$` follows
SALT, DIGEST = 16, 32  # octets in new hashes (RFC 9106 §4)


def _load() -> object:
    import argon2

    return argon2


ARGON2 = Library("argon2-cffi is not installed", "argon2", "argon2-cffi", _load)


def read(text: str) -> StoredHash | None:
    """Read an Argon2 hash."""
    found = _HASH.fullmatch(text)
    if found is None:
        return None
    memory, passes, lanes = map(int, found.group(3, 4, 5))
    salt, digest = map(octets_in, found.group(6, 7))
    fits = max(memory, passes) < 2**32 and lanes < 2**24 and memory >= _BLOCKS * lanes
    if not fits or not _LEAST_SALT <= salt <= MAX_SALT_OCTETS or not _LEAST_DIGEST <= digest <= MAX_DIGEST_OCTETS:
        return None
    newest = found.group(2) == "19"
    return StoredHash(
        found.group(1),
        f"m={memory} t={passes} p={lanes}" + ("" if newest else " v=16"),
        ARGON2,
        lambda octets: _matches(text, octets),
        bounded=memory * passes <= MAX_WORK and memory <= MAX_MEMORY and lanes <= MAX_LANES,
        current=salt >= SALT and digest >= DIGEST,
    )


def read_django(text: str) -> StoredHash | None:
    """Read what Django's Argon2PasswordHasher writes."""
    stored = read(text.removeprefix(_DJANGO))
    if stored is None:
        return None
    return StoredHash("django-argon2", f"{stored.format} {stored.cost}", ARGON2, stored.verify, bounded=stored.bounded)


def make(octets: bytes, *, time_cost: int, memory_cost: int, parallelism: int) -> str:
    """Make an Argon2id hash."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost, memory_cost, parallelism, hash_len=DIGEST, salt_len=SALT).hash(octets)


def _matches(text: str, octets: bytes) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    try:
        return PasswordHasher().verify(text, octets)
    except VerifyMismatchError:  # and not its base VerificationError, which reports "Memory allocation error" too
        return False
