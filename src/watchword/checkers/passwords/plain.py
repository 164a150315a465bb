"""Verifies passwords that are stored in plain text: for migrations, only if enabled by `plain=True`."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest

from watchword.checkers.passwords.octets import MAX_PASSWORD_OCTETS
from watchword.checkers.passwords.stored import Library, StoredHash

MARK = "{PLAIN}"
_NO_LIBRARY = Library("", "", "", lambda: None)


def read(text: str) -> StoredHash | None:
    """Read a marked or bare password."""
    stored = text.removeprefix(MARK).encode("utf-8", "surrogatepass")
    if not 0 < len(stored) <= MAX_PASSWORD_OCTETS or b"\x00" in stored:
        return None
    # Digests have one length, so the time does not show the length of the stored password.
    return StoredHash("plain", "", _NO_LIBRARY, lambda octets: compare_digest(sha256(octets).digest(), sha256(stored).digest()))
