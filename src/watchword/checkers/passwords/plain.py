"""Verifies passwords that are stored in plain text: for migrations, only if enabled by `plain=True`."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest

from watchword.checkers.passwords.octets import MAX_PASSWORD_OCTETS
from watchword.checkers.passwords.stored import Library, StoredHash

MARK = "{PLAIN}"
_NOTHING = Library("", "", "", lambda: None)


def read(text: str) -> StoredHash | None:
    """Read a marked or bare password."""
    stored = text.removeprefix(MARK).encode("utf-8", "surrogatepass")
    if not 0 < len(stored) <= MAX_PASSWORD_OCTETS or b"\x00" in stored:
        return None
    # Digests are of one length, so that not even the length of the stored one shows in the time.
    return StoredHash("plain", "", _NOTHING, lambda octets: compare_digest(sha256(octets).digest(), sha256(stored).digest()))
