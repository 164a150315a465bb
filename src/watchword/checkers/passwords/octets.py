"""Converts a password to the octets that are hashed, and tells whether a match of them counts."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_PASSWORD_OCTETS = 1024
"""The longest password: far beyond any passphrase. Without a bound, long passwords overload the server (threats W4)."""

BCRYPT_OCTETS = 72
"""The longest password for bcrypt: it ignores the rest, and version 5 of the library raises for it (threats W1)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The octets that are hashed for a password.

    Args:
        octets: never empty, never with a NUL, never longer than the bound.
        fits: whether they are the password itself. Otherwise they are hashed for the time that it takes, and do not match.
    """

    octets: bytes = field(repr=False)
    fits: bool


def prepare(password: object, *, limit: int | None = None, text: bool = False) -> Prepared:
    """Bound a password. One that cannot match costs as much as one that can.

    Args:
        password: text, encoded as UTF-8, or octets; any other value does not fit.
        limit: how many octets the format reads.
        text: whether the library accepts text only.
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
    """Return a password as octets, cut after one that is too many; empty: it is neither text nor octets."""
    if isinstance(password, str):
        return str.encode(password[: MAX_PASSWORD_OCTETS + 1], "utf-8", "surrogatepass")
    if isinstance(password, (bytes, bytearray)):
        return bytes(password[: MAX_PASSWORD_OCTETS + 1])
    return b""
