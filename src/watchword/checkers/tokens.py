"""Checks tokens or API keys by a table of their digests in memory."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, ClassVar

from watchword.checkers.adapt import nonblocking
from watchword.credentials import APIKeyCredentials, BearerToken
from watchword.errors import ConfigurationError
from watchword.principal import Principal
from watchword.reason import Reason
from watchword.validators import invalid
from watchword.verdict import ALWAYS, Accepted, Refused, Verdict

if TYPE_CHECKING:
    from watchword.credentials import Credentials


_UNKNOWN = Refused(Reason.UNKNOWN_IDENTITY)


class Tokens:
    """Tokens and their principals, for `Bearer` and for `APIKey`.

    Only SHA-256 digests are kept. A token is looked up by its digest and then compared as bytes, in constant time.

    Args:
        principals: token to principal.

    Raises:
        ConfigurationError: the table is empty, a token is empty or cannot be sent, or a value is not a principal.

    Trust: the table is trusted; credentials are not. Tokens must be random, of 128 bits or more: a digest does not protect a guessable
    one.
    """

    __slots__ = ("_table",)

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BearerToken, APIKeyCredentials)

    def __init__(self, principals: Mapping[str, Principal]) -> None:
        if not isinstance(principals, Mapping) or not principals:
            # An empty table refuses every request: a secret was not read, more often than this is intended.
            raise invalid("Tokens(principals)", "be a mapping of at least one token to a Principal", principals, secret=True)
        self._table: dict[bytes, tuple[bytes, Accepted]] = {}
        for number, (token, principal) in enumerate(principals.items(), 1):
            if not isinstance(token, str) or not token or "," in token or not token.isprintable() or " " in {token[0], token[-1]}:
                raise ConfigurationError(
                    f"Tokens(principals): token number {number} cannot be sent. Remove commas, control characters and outer spaces."
                )
            if not isinstance(principal, Principal) or not principal.is_authenticated:
                raise ConfigurationError(
                    f"Tokens(principals): token number {number} must have a Principal with an id, got {type(principal).__name__}."
                )
            digest = sha256(token.encode()).digest()
            self._table[digest] = (digest, Accepted(principal, ALWAYS))

    @property
    def principals(self) -> tuple[Principal, ...]:
        """Whom the tokens stand for."""
        return tuple(accepted.principal for _, accepted in self._table.values())

    @nonblocking
    def check(self, credentials: BearerToken | APIKeyCredentials) -> Verdict:
        """Look a token up.

        Args:
            credentials: the credentials; untrusted.
        """
        token = credentials.token if isinstance(credentials, BearerToken) else credentials.key
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        found = self._table.get(digest)
        # The table compares digests, not tokens: its timing tells nothing about a token that a client could use (CWE-208).
        if found is None or not compare_digest(found[0], digest):
            return _UNKNOWN
        return found[1]

    async def acheck(self, credentials: BearerToken | APIKeyCredentials) -> Verdict:
        """Do as `check` does, for programs that await their checkers."""
        return self.check(credentials)

    def __repr__(self) -> str:
        return f"Tokens({len(self._table)} tokens)"
