"""Derives the successor of a refresh token, so that it can be given again and is never stored.

    successor = HMAC-SHA256(key, nonce || token)

The store has the nonce, the name of the key, and digests. The client has the token. The application has the key. So neither a stolen
database nor a used token that was found in a log leads to a successor.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import urandom
from typing import TYPE_CHECKING

from watchword.errors import Unavailable
from watchword.validators import invalid

if TYPE_CHECKING:
    from watchword.checkers.key_format import Made, TokenFormat

LEAST_SECRET = 32
"""Octets: as many as the output of the hash (RFC 2104 §3)."""

_NONCE = 16  # octets
_KEY_ID = 16  # hexadecimal digits: two secrets of one ring never share it by chance
_ARGUMENT = "RefreshTokens(secrets=...)"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A successor, and what it was derived from.

    Args:
        made: the successor.
        nonce: the random octets.
        key_id: the name of the key.
    """

    made: Made
    nonce: bytes = field(repr=False)
    key_id: str


class Successors:
    """Derives successors with the secrets of an application.

    Args:
        secrets: one secret, or several: the first is used for new successors, all for those that are given again.
        form: the format of the tokens.

    Raises:
        ConfigurationError: there is no secret, or one is shorter than 32 octets.
    """

    __slots__ = ("_active", "_form", "_keys")

    def __init__(self, secrets: str | bytes | Iterable[str | bytes], form: TokenFormat) -> None:
        self._form = form
        given = [secrets] if isinstance(secrets, (str, bytes)) or not isinstance(secrets, Iterable) else list(secrets)
        keys = [_key(secret) for secret in given]
        if not keys:
            raise invalid(_ARGUMENT, "hold at least one secret", given)
        self._keys = dict(reversed(keys))
        self._active = keys[0][0]

    def propose(self, token: str) -> Proposal:
        """Return a new successor of a token."""
        nonce = urandom(_NONCE)
        return Proposal(self._derive(token, nonce, self._active), nonce, self._active)

    def again(self, token: str, nonce: bytes | None, key_id: str | None) -> Made:
        """Return the successor of a token that was proposed before, here or in another process.

        Raises:
            Unavailable: this process lacks the secret: it was removed too early, or not yet given to this process.
        """
        if nonce is None or key_id not in self._keys:
            raise Unavailable(f"this process lacks the refresh secret {key_id!r}; give it to all processes, as a further one of `secrets`")
        return self._derive(token, nonce, key_id)

    def _derive(self, token: str, nonce: bytes, key_id: str) -> Made:
        # The nonce has a fixed length: no two pairs make one message.
        return self._form.derive(hmac.digest(self._keys[key_id], nonce + token.encode(), "sha256"))

    def __repr__(self) -> str:
        return f"Successors({len(self._keys)} secrets)"


def _key(secret: object) -> tuple[str, bytes]:
    octets = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
    if not isinstance(octets, bytes) or len(octets) < LEAST_SECRET:
        must = f"be random secrets of at least {LEAST_SECRET} octets"
        raise invalid(_ARGUMENT, must, secret, "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'.", secret=True)
    # Derived, so that a secret may serve other purposes too, and needs no name of its own.
    key = hmac.digest(octets, b"watchword refresh token", "sha256")
    return hmac.digest(key, b"name", "sha256").hex()[:_KEY_ID], key
