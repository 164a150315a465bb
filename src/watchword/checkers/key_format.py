"""Makes API keys and opaque tokens, and recognises them before a lookup.

    key   = prefix "_" id "_" secret checksum       ww_<16>_<27><6>
    token = prefix "_" secret checksum              wwt_<43><6>

Only digits and letters (base62): a double click selects the whole, and it needs no escape in a URL, a shell or a field. The checksum
is CRC-32 over all before it. It does not protect the key, since anyone can compute it. It finds typos and cut copies without a lookup, and
lets a scanner tell a key from other text.
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

from watchword.validators import invalid

ALPHABET = digits + ascii_letters
ID_LENGTH = 16  # 95 bits: no collision by chance
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
    """A new key or token. Only the digest and the id may be stored.

    Args:
        text: the whole key or token, for its holder.
        digest: the SHA-256 digest of the secret part.
        id: its public name.
    """

    text: str = field(repr=False)
    digest: bytes = field(repr=False)
    id: str


class Format(ABC):
    """The common part of the formats of keys and tokens: a prefix before, a checksum behind.

    Args:
        prefix: a letter, then letters, digits and underscores.

    Raises:
        ConfigurationError: the prefix is malformed.
    """

    __slots__ = ("_pattern", "prefix")

    rest: ClassVar[str]
    """The pattern between the prefix and the checksum."""

    digested: ClassVar[str | int]
    """The group whose digest is stored; 0: the whole."""

    def __init__(self, prefix: str) -> None:
        if not isinstance(prefix, str) or _PREFIX.fullmatch(prefix) is None or len(prefix) > MAX_PREFIX_LENGTH:
            must = f"be a letter, then letters, digits and underscores, {MAX_PREFIX_LENGTH} characters at most"
            raise invalid("prefix", must, prefix)
        self.prefix: str = prefix
        # A prefix may hold underscores. The rest has a fixed length, so there is only one way to parse it.
        self._pattern = re.compile(f"(?P<before>{prefix}_{self.rest})(?P<checksum>{_CHARACTER}{{{CHECKSUM_LENGTH}}})")

    @abstractmethod
    def make(self) -> Made:
        """Make a new secret."""

    def read(self, text: object) -> tuple[str, bytes] | None:
        """Return the id in a secret, or an empty one, and its digest; None: it lacks the format or the checksum.

        Args:
            text: any value; untrusted.
        """
        found = self._pattern.fullmatch(text) if isinstance(text, str) else None
        if found is None or _checksum(found["before"]) != found["checksum"]:
            return None
        return found["id"], _digest(found[self.digested])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.prefix!r})"


class KeyFormat(Format):
    """The format of API keys, `ww_<id>_<secret><checksum>`: the id finds a key, the secret proves it."""

    __slots__ = ()

    rest: ClassVar[str] = f"(?P<id>{_CHARACTER}{{{ID_LENGTH}}})_(?P<secret>{_CHARACTER}{{{KEY_SECRET_LENGTH}}})"
    digested: ClassVar[str | int] = "secret"

    def make(self) -> Made:
        """Make a new key."""
        name, secret = make_id(), _random(KEY_SECRET_LENGTH)
        return Made(_sealed(f"{self.prefix}_{name}_{secret}"), _digest(secret), name)


class TokenFormat(Format):
    """The format of opaque tokens, `wwt_<secret><checksum>`: the whole finds and proves a token. It holds no id."""

    __slots__ = ()

    rest: ClassVar[str] = f"(?P<id>){_CHARACTER}{{{TOKEN_SECRET_LENGTH}}}"
    digested: ClassVar[str | int] = 0

    def make(self) -> Made:
        """Make a new token. Its handle cannot be derived from it."""
        text = _sealed(f"{self.prefix}_{_random(TOKEN_SECRET_LENGTH)}")
        return Made(text, _digest(text), make_id())

    def derive(self, octets: bytes) -> Made:
        """Return the token of 32 octets, the same each time. They must be as random as those of a new one.

        Args:
            octets: 32 octets, such as an HMAC-SHA256.
        """
        # 62**43 > 2**256: no two numbers share a token.
        text = _sealed(f"{self.prefix}_{_in_base62(int.from_bytes(octets), TOKEN_SECRET_LENGTH)}")
        return Made(text, _digest(text), "")


def make_id() -> str:
    """Return a new public name."""
    return _random(ID_LENGTH)


def is_id(text: object) -> bool:
    """Tell whether a value can be the id of a key or the handle of a token; a whole key or token cannot."""
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
    return _in_base62(crc32(text.encode()), CHECKSUM_LENGTH)


def _in_base62(number: int, length: int) -> str:
    characters = ""
    for _ in range(length):
        number, remainder = divmod(number, len(ALPHABET))
        characters = ALPHABET[remainder] + characters
    return characters


def _digest(secret: str) -> bytes:
    # A fast hash is enough: 160 random bits cannot be guessed.
    return sha256(secret.encode()).digest()
