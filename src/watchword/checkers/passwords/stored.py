"""Describes a parsed hash, and provides what the readers of all formats share."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# The longest salt that passlib makes when it is asked to, and as much of a digest: sixteen times what any library makes unasked.
MAX_SALT_OCTETS = MAX_DIGEST_OCTETS = 1024
MAX_SALT_BASE64 = MAX_DIGEST_BASE64 = -(-MAX_SALT_OCTETS * 4 // 3)  # characters, without padding

# Ceilings on what one verification may cost, so that no stored value can hang or exhaust the process. Each is many times what
# anybody recommends (docs/decisions/0011-what-a-stored-hash-may-cost.md).
MAX_ITERATIONS = 10_000_000  # of PBKDF2: seconds. OWASP asks for 1,300,000 of PBKDF2 with SHA-1
MAX_SCRYPT_WORK = 2**23  # N·r·p: 8 times the 2**20 that OWASP asks for. It holds the memory, 128·N·r octets, to 1 GiB
_MAX_SCRYPT_BUFFERS = 2**29  # octets

NUMBER = r"[1-9][0-9]{0,9}"  # decimal, without a leading zero
HASH64 = r"[./0-9A-Za-z]"  # crypt(3)'s alphabet
CRYPT_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in the order of its digits


@dataclass(frozen=True, slots=True)
class Library:
    """What verifies a format.

    Args:
        missing: what is said where it is not there.
        module: its top-level module; empty: nothing is imported.
        install: what to install where it is missing.
        load: imports it, or raises ImportError.
        quotable: whether its messages may be shown. Those of code that is not known here may hold a password.
    """

    missing: str
    module: str
    install: str
    load: Callable[[], object]
    quotable: bool = True


@dataclass(frozen=True, slots=True)
class StoredHash:
    """A well-formed hash.

    Args:
        format: its name.
        cost: all that decides what verifying costs.
        library: what verifies it.
        verify: does so: True if it matches. The exceptions by which its library reports a mismatch are caught in it, by name. Any
            other exception is an outage.
        limit: how many octets of the password count, if not all.
        text: whether the library takes text only.
        bounded: whether the cost is under the ceilings. If not, it is never verified.
        current: whether salt and digest are as long as those of new hashes.
    """

    format: str
    cost: str
    library: Library
    verify: Callable[[bytes], object] = field(repr=False)
    limit: int | None = None
    text: bool = False
    bounded: bool = True
    current: bool = True

    @property
    def profile(self) -> str:
        """Format and cost: two hashes of one profile cost the same to verify."""
        return f"{self.format} {self.cost}".rstrip()


def octets_in(base64: str) -> int:
    """Return how many octets unpadded base64 holds; 0 where it is not the one spelling of them."""
    padding = "=" * (-len(base64) % 4)
    try:
        octets = b64decode(base64 + padding)
    except ValueError:
        return 0
    return len(octets) if b64encode(octets).decode() == base64 + padding else 0


def scrypt_is_possible(n: int, r: int) -> bool:
    """Tell whether scrypt takes the parameters: N is a power of two greater than one, and below 2^(16·r) (RFC 7914 §2)."""
    return n > 1 and n & (n - 1) == 0 and n.bit_length() <= 16 * r


def scrypt_is_bounded(n: int, r: int, p: int) -> bool:
    """Tell whether the work and the memory of scrypt are under the ceilings.

    The buffers beside the table of N have a ceiling of their own: hashlib takes no more than 2 GiB for all of it.
    """
    return n * r * p <= MAX_SCRYPT_WORK and 128 * r * (p + 2) <= _MAX_SCRYPT_BUFFERS


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern in which digits and letters are those of ASCII."""
    return re.compile(pattern, re.ASCII)
