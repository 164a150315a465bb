"""Makes API keys and opaque tokens, and recognises them before anything is looked up.

    key   = prefix "_" id "_" secret checksum       ww_<16>_<27><6>
    token = prefix "_" secret checksum              wwt_<43><6>

Digits and letters alone (base62): whoever clicks on one twice has selected it whole, and it needs no escaping in a URL, a shell
or a field. The checksum is CRC-32 over everything before it. It protects nothing: whoever can read this can compute it. It
finds typos and cut copies without a look into the store, and lets a scanner tell a key from any other text.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom
from string import ascii_letters, digits
from typing import ClassVar
from zlib import crc32

from watchword.errors import ConfigurationError

ALPHABET = digits + ascii_letters
ID_LENGTH = 16  # 95 bits: no two keys meet by chance
KEY_SECRET_LENGTH = 27  # 160.8 bits
TOKEN_SECRET_LENGTH = 43  # 256.0 bits
CHECKSUM_LENGTH = 6  # 62**6 > 2**32
MAX_PREFIX_LENGTH = 32

_FAIR = 256 - 256 % len(ALPHABET)
_CHARACTER = "[0-9A-Za-z]"
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ID = re.compile(f"{_CHARACTER}{{{ID_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Made:
    """What was just made. Only the digest and the id are to be kept.

    Args:
        text: the whole key or token, for its holder.
        digest: SHA-256 of what is secret in it.
        id: its public name.
    """

    text: str = field(repr=False)
    digest: bytes = field(repr=False)
    id: str


class Format(ABC):
    """What keys and tokens have in common: a prefix before, a checksum behind.

    Args:
        prefix: a letter, then letters, digits and underscores.

    Raises:
        ConfigurationError: the prefix is none.
    """

    __slots__ = ("_pattern", "prefix")

    rest: ClassVar[str]
    """The expression for what follows the prefix, up to the checksum."""

    digested: ClassVar[str | int]
    """The group of which the digest is kept; 0: the whole."""

    def __init__(self, prefix: str) -> None:
        if not isinstance(prefix, str) or _PREFIX.fullmatch(prefix) is None or len(prefix) > MAX_PREFIX_LENGTH:
            raise ConfigurationError(
                f"a prefix is a letter, then letters, digits and underscores, {MAX_PREFIX_LENGTH} characters at most; not {prefix!r}"
            )
        self.prefix: str = prefix
        # A prefix may hold underscores. What follows it has a fixed length, so it can be read in one way only.
        self._pattern = re.compile(f"(?P<before>{prefix}_{self.rest})(?P<checksum>{_CHARACTER}{{{CHECKSUM_LENGTH}}})")

    @abstractmethod
    def make(self) -> Made:
        """Make a secret that nobody else has."""

    def read(self, text: object) -> tuple[str, bytes] | None:
        """Return the id that a secret names, or an empty one, and its digest; None: it is no such secret, and need not be looked up.

        Args:
            text: what was shown; untrusted.
        """
        found = self._pattern.fullmatch(text) if isinstance(text, str) else None
        if found is None or _checksum(found["before"]) != found["checksum"]:
            return None
        return found["id"], _digest(found[self.digested])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.prefix!r})"


class KeyFormat(Format):
    """The form of API keys, `ww_<id>_<secret><checksum>`: found by the id, true by the secret."""

    __slots__ = ()

    rest: ClassVar[str] = f"(?P<id>{_CHARACTER}{{{ID_LENGTH}}})_(?P<secret>{_CHARACTER}{{{KEY_SECRET_LENGTH}}})"
    digested: ClassVar[str | int] = "secret"

    def make(self) -> Made:
        """Make a key that nobody else has."""
        name, secret = make_id(), _random(KEY_SECRET_LENGTH)
        return Made(_sealed(f"{self.prefix}_{name}_{secret}"), _digest(secret), name)


class TokenFormat(Format):
    """The form of opaque tokens, `wwt_<secret><checksum>`: found, and true, by the whole. It names no id."""

    __slots__ = ()

    rest: ClassVar[str] = f"(?P<id>){_CHARACTER}{{{TOKEN_SECRET_LENGTH}}}"
    digested: ClassVar[str | int] = 0

    def make(self) -> Made:
        """Make a token that nobody else has. Its handle has nothing to do with it."""
        text = _sealed(f"{self.prefix}_{_random(TOKEN_SECRET_LENGTH)}")
        return Made(text, _digest(text), make_id())


def make_id() -> str:
    """Return a public name that nothing else has."""
    return _random(ID_LENGTH)


def is_id(text: object) -> bool:
    """Tell whether a text can be the id of a key or the handle of a token; no key and no token is one.

    Args:
        text: anything.
    """
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def _random(length: int) -> str:
    characters = ""
    while len(characters) < length:
        # Octets from 248 on are dropped: 248 is 4 times 62, so no character is more likely than another.
        characters += "".join(ALPHABET[octet % len(ALPHABET)] for octet in urandom(2 * length) if octet < _FAIR)
    return characters[:length]


def _sealed(text: str) -> str:
    return text + _checksum(text)


def _checksum(text: str) -> str:
    number, characters = crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, remainder = divmod(number, len(ALPHABET))
        characters = ALPHABET[remainder] + characters
    return characters


def _digest(secret: str) -> bytes:
    # Fast on purpose: no dictionary holds 160 random bits.
    return sha256(secret.encode()).digest()
