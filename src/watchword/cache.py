"""Provides keyed digests, which caches use in place of secrets, and a bounded table.

A cache finds the result of a credential under a keyed digest of it. The key is random and never leaves the process, so the digest cannot
be looked up in a table of guesses. The fields are length-prefixed, so two different sets never give the same input (threats C1). A table
is bounded, so requests cannot fill the memory (threats C7).
"""

from __future__ import annotations

from hashlib import blake2b
from os import urandom
from typing import TYPE_CHECKING, TypeVar

from watchword.validators import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")

MOST = 10_000
"""The default bound on cached callers or passwords."""

FOR = 300.0
"""The default lifetime of an entry in seconds."""

_LONGEST = 86_400  # seconds: for longer than a day, a cache would be a second store of accounts


def check_bounds(owner: str, remember: object, remember_for: object) -> None:
    """Check the bounds of a cache.

    Args:
        owner: the class that takes them, for the message.
        remember: the most entries; 0 switches the cache off.
        remember_for: the lifetime of an entry in seconds.

    Raises:
        ConfigurationError: a bound is not a number, is negative, or is longer than a day.
    """
    check_whole(f"{owner}(remember=...)", remember, unit="entries", fix="Use 0 to switch the cache off.")
    check_number(f"{owner}(remember_for=...)", remember_for, most=_LONGEST)


class KeyedDigest:
    """Digests under a key of this object alone (BLAKE2b in its keyed mode, RFC 7693 §2.9)."""

    __slots__ = ("_keyed", "begin")

    def __init__(self) -> None:
        self._keyed = blake2b(key=urandom(32), digest_size=32)
        # BLAKE2b keeps its last block until more comes, and the key is the first block: an octet more, and no digest pays for it again.
        self._keyed.update(b"\0")
        self.begin: Callable[[], blake2b] = self._keyed.copy
        """Returns a state, for a caller who does by itself what `of_one` does, because each call costs every request."""

    def of(self, *fields: bytes) -> bytes:
        """Return the digest of some fields, 32 octets.

        Args:
            fields: the fields. Their number and the end of each count.
        """
        state = self._keyed.copy()
        for field in fields:
            state.update(b"%d:%b" % (len(field), field))
        return state.digest()

    def of_one(self, field: bytes) -> bytes:
        """Return the digest of one field, 32 octets; for a table in which every key is one field.

        Args:
            field: the field.
        """
        state = self._keyed.copy()
        state.update(field)
        return state.digest()

    def __repr__(self) -> str:
        return "KeyedDigest()"


class Bounded(dict[K, V]):
    """A mapping that drops its oldest entry when it is full. Usable by several threads at once.

    Every table that grows while requests are served is one of these, also where few keys are possible.

    Args:
        most: the greatest number of entries; 0: the table stays empty.
    """

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: K, value: V) -> None:
        """Store a value. It replaces the one under the same key.

        Args:
            key: the key; a digest where the key would be a secret.
            value: the value.
        """
        if self._most <= 0:
            return
        self.pop(key, None)  # so that it counts as new
        while len(self) >= self._most:
            try:
                del self[next(iter(self))]
            except (KeyError, StopIteration, RuntimeError):
                continue  # another thread was quicker
        self[key] = value

    def __repr__(self) -> str:
        return f"Bounded({len(self)} of {self._most})"
