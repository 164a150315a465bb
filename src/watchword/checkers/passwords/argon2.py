"""Reads and makes Argon2 in the PHC string format, also with Django's prefix; argon2-cffi verifies it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from watchword.checkers.passwords.stored import (
    MAX_DIGEST_BASE64,
    MAX_DIGEST_OCTETS,
    MAX_SALT_BASE64,
    MAX_SALT_OCTETS,
    NUMBER,
    Library,
    StoredHash,
    octets_in,
    reader,
)

if TYPE_CHECKING:
    import re

MAX_WORK = 2**22  # memory in KiB times passes: 100 times what new hashes cost here
MAX_MEMORY = 2**21  # KiB: 2 GiB, what RFC 9106 §4 recommends first
MAX_LANES = 64

_LEAST_SALT, _LEAST_DIGEST = 8, 4  # octets (RFC 9106 §3.1)
_LEAST_MEMORY = 8  # KiB for each lane (RFC 9106 §3.1)
SALT, DIGEST = 16, 32  # octets in new hashes (RFC 9106 §4)


ARGON2 = Library("argon2-cffi is not installed", "argon2", "argon2-cffi", partial(__import__, "argon2"))


# As the reference implementation decodes it (`decode_string` of encoding.c): the parameters in this order, without leading zeros.
@reader(
    rf"\$(argon2(?:id|i|d))(?:\$v=(16|19))?\$m=({NUMBER}),t=({NUMBER}),p=({NUMBER})"
    rf"\$([A-Za-z0-9+/]{{1,{MAX_SALT_BASE64}}})\$([A-Za-z0-9+/]{{1,{MAX_DIGEST_BASE64}}})"
)
def read(found: re.Match[str]) -> StoredHash | None:
    """Read an Argon2 hash."""
    memory, passes, lanes = map(int, found.group(3, 4, 5))
    salt, digest = map(octets_in, found.group(6, 7))
    fits = max(memory, passes) < 2**32 and lanes < 2**24 and memory >= _LEAST_MEMORY * lanes
    if not fits or not _LEAST_SALT <= salt <= MAX_SALT_OCTETS or not _LEAST_DIGEST <= digest <= MAX_DIGEST_OCTETS:
        return None
    newest = found.group(2) == "19"
    return StoredHash(
        found.group(1),
        f"m={memory} t={passes} p={lanes}" + ("" if newest else " v=16"),
        ARGON2,
        lambda octets: _matches(found.string, octets),
        bounded=memory * passes <= MAX_WORK and memory <= MAX_MEMORY and lanes <= MAX_LANES,
        current=salt >= SALT and digest >= DIGEST,
    )


def read_django(text: str) -> StoredHash | None:
    """Read a hash of Django's Argon2PasswordHasher: the prefix `argon2`, then the hash with its own `$`."""
    stored = read(text.removeprefix("argon2"))
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
    except VerifyMismatchError:  # not its base VerificationError, which also reports "Memory allocation error"
        return False
