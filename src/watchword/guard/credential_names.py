"""Names credentials in events: equal ones alike, and so that none can be read from its name."""

from __future__ import annotations

from hashlib import blake2b
from os import urandom
from typing import TYPE_CHECKING

from watchword.grammar.composed import folded
from watchword.schemes.known import OF_CREDENTIALS
from watchword.validators import invalid

if TYPE_CHECKING:
    from watchword.credentials import Credentials

LEAST, MOST = 16, 64  # octets of a key: a shorter one can be searched, a longer one is not taken by BLAKE2b (RFC 7693 §2.9)


class CredentialNames:
    """Hashes credentials under one key.

    Args:
        key: `Guard(event_key=...)`; a secret. None: a random one.

    Raises:
        ConfigurationError: the key does not have 16 to 64 octets.
    """

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes | None) -> None:
        key = urandom(32) if key is None else key
        if not isinstance(key, bytes) or not LEAST <= len(key) <= MOST:
            raise invalid("Guard(event_key=...)", f"be {LEAST} to {MOST} octets", key, "Use secrets.token_bytes(32).", secret=True)
        self._keyed = blake2b(key=key, digest_size=8, person=b"watchword event")

    def of(self, credentials: Credentials) -> str:
        """Return the name of credentials, 16 hexadecimal digits; empty: a custom class that claims no identity.

        Args:
            credentials: what was shown; untrusted.
        """
        claimed = credentials.claimed_identity
        if claimed is not None:
            # As the throttle counts names: people write theirs in either case.
            parts: tuple[str, ...] = ("name", folded(claimed))
        elif (known := OF_CREDENTIALS.get(type(credentials))) is not None and known.shown is not None:
            parts = known.shown(credentials)
        else:
            return ""
        state = self._keyed.copy()
        for part in parts:
            octets = part.encode("utf-8", "surrogatepass")
            state.update(b"%d:%b" % (len(octets), octets))
        return state.hexdigest()

    def __repr__(self) -> str:
        return "CredentialNames()"


__all__ = ["CredentialNames"]
