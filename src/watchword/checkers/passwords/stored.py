"""Describes a parsed hash, and provides the common parts of the readers of all formats."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# The longest salt that passlib can make, and a digest as long: sixteen times the defaults of all libraries.
MAX_SALT_OCTETS = MAX_DIGEST_OCTETS = 1024
MAX_SALT_BASE64 = MAX_DIGEST_BASE64 = -(-MAX_SALT_OCTETS * 4 // 3)  # characters, without padding

# Ceilings on the cost of one verification, so that no stored value can hang or exhaust the process. Each is many times any
# recommendation (docs/decisions/0011-what-a-stored-hash-may-cost.md).
MAX_ITERATIONS = 10_000_000  # of PBKDF2: seconds. OWASP asks for 1,300,000 of PBKDF2 with SHA-1
MAX_SCRYPT_WORK = 2**23  # N·r·p: 8 times the 2**20 that OWASP asks for. It holds the memory, 128·N·r octets, to 1 GiB
_MAX_SCRYPT_BUFFERS = 2**29  # octets

NUMBER = r"[1-9][0-9]{0,9}"  # decimal, without a leading zero
SALT = rf"[!-#%-~]{{1,{MAX_SALT_OCTETS}}}"  # of Django and Werkzeug: printable and no `$`; they make it of letters and digits
HASH64 = r"[./0-9A-Za-z]"  # crypt(3)'s alphabet
CRYPT_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in the order of its digits


@dataclass(frozen=True, slots=True)
class Library:
    """A library that verifies a format.

    Args:
        missing: the message if it is not installed.
        module: its top-level module; empty: nothing is imported.
        install: the package to install.
        load: imports it, or raises ImportError.
        quotable: whether its messages may be shown. Those of unknown code may hold a password.
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
        format: the name of its format.
        cost: the parameters that decide the cost of a verification.
        library: the library that verifies it.
        verify: returns True for the right password. It catches, by name, the exceptions by which its library reports a mismatch. Any
            other exception is an outage.
        limit: how many octets of the password the format reads; None: all.
        text: whether the library accepts text only.
        bounded: whether the cost is under the ceilings. Otherwise the hash is never verified.
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
    """Return the number of octets in unpadded base64; 0: it is not their canonical spelling."""
    padding = "=" * (-len(base64) % 4)
    try:
        octets = b64decode(base64 + padding)
    except ValueError:
        return 0
    return len(octets) if b64encode(octets).decode() == base64 + padding else 0


def scrypt_is_bounded(n: int, r: int, p: int) -> bool:
    """Tell whether the work and the memory of scrypt are under the ceilings.

    The buffers beside the table of N have a ceiling of their own: hashlib takes no more than 2 GiB for all of it.
    """
    return n * r * p <= MAX_SCRYPT_WORK and 128 * r * (p + 2) <= _MAX_SCRYPT_BUFFERS


def scrypt_hash(
    format: str,  # noqa: A002 - as `StoredHash.format`
    parameters: tuple[int, int, int],
    library: Library,
    verify: Callable[[bytes], object],
    *,
    cost: str = "",
    text: bool = False,
) -> StoredHash | None:
    """Describe an scrypt hash by N, r and p; None: scrypt does not accept them."""
    n, r, p = parameters
    # N is a power of two greater than one, and below 2^(16·r) (RFC 7914 §2).
    if n <= 1 or n & (n - 1) or n.bit_length() > 16 * r or p < 1:
        return None
    return StoredHash(format, cost or f"n={n} r={r} p={p}", library, verify, text=text, bounded=scrypt_is_bounded(n, r, p))


def reader(pattern: str) -> Callable[[Callable[[re.Match[str]], StoredHash | None]], Callable[[str], StoredHash | None]]:
    """Return a decorator for readers: a text that the whole pattern does not match is malformed, the match of any other is read.

    Digits and letters in a pattern are those of ASCII.
    """
    compiled = re.compile(pattern, re.ASCII)

    def decorate(read: Callable[[re.Match[str]], StoredHash | None]) -> Callable[[str], StoredHash | None]:
        @wraps(read)
        def checked(text: str) -> StoredHash | None:
            found = compiled.fullmatch(text)
            return None if found is None else read(found)

        return checked

    return decorate
