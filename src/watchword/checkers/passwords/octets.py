"""Converts a password to the octets that a hash function gets, and tells whether a match of them counts."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_PASSWORD_OCTETS = 1024
"""How long a password may be: far beyond any passphrase. Without a bound a password is a way to make us work (threats W4)."""

BCRYPT_OCTETS = 72
"""How long a password may be where bcrypt hashed it: bcrypt looks at no more, and version 5 of the library raises beyond (threats W1)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is hashed in place of a password.

    Args:
        octets: never empty, never with a NUL, never longer than the bound.
        fits: whether it is the password itself. If not, the work is done all the same, and the answer is no.
    """

    octets: bytes = field(repr=False)
    fits: bool


def prepare(password: object, *, limit: int | None = None, text: bool = False) -> Prepared:
    """Bound a password; what cannot match costs as much as what can.

    Args:
        password: text, taken as UTF-8, or octets; anything else fits nothing.
        limit: how many octets the format looks at.
        text: whether the library takes text only.
    """
    octets = as_octets(password)
    bound = MAX_PASSWORD_OCTETS if limit is None else min(limit, MAX_PASSWORD_OCTETS)
    fits = 0 < len(octets) <= bound and b"\x00" not in octets
    octets = octets[:bound].replace(b"\x00", b"\x01") or b"\x01"
    if text:
        try:
            octets.decode()
        except UnicodeDecodeError:
            octets, fits = octets.decode(errors="replace").encode(), False
    return Prepared(octets, fits)


def as_octets(password: object) -> bytes:
    """Return a password as octets; empty if it is not one. Of a far too long one the beginning is enough."""
    if isinstance(password, str):
        return str.encode(password[: MAX_PASSWORD_OCTETS + 1], "utf-8", "surrogatepass")
    if isinstance(password, (bytes, bytearray)):
        return bytes(password[: MAX_PASSWORD_OCTETS + 1])
    return b""
