"""Verifies hashes by the handlers of passlib, one for each format."""

from __future__ import annotations

from functools import partial
from typing import Any

from watchword.checkers.passwords.stored import Library, StoredHash

PASSLIB = Library("passlib is not installed", "passlib", "watchword[passlib]", partial(__import__, "passlib.hash"))


def passlib_hash(
    text: str,
    format: str,  # noqa: A002 - as `StoredHash.format`
    cost: str = "",
    *,
    handler: str = "",
    limit: int | None = None,
    bounded: bool = True,
) -> StoredHash:
    """Describe a hash that passlib verifies, by the handler of the same name unless another one is given."""
    name = handler or format.replace("-", "_")
    return StoredHash(format, cost, PASSLIB, lambda octets: matches(name, text, octets), limit=limit, bounded=bounded)


def matches(handler: str, text: str, octets: bytes) -> object:
    """Verify octets by a handler of passlib."""
    import passlib.hash

    found: Any = getattr(passlib.hash, handler)
    return found.verify(octets, text)
