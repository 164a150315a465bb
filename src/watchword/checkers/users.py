"""A small table of users and password hashes, kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from os import urandom
from typing import TYPE_CHECKING, ClassVar
from unicodedata import normalize

from watchword.checkers.adapt import FlowChecker
from watchword.checkers.passwords import check_hash, verify_password
from watchword.credentials import BasicCredentials
from watchword.errors import ConfigurationError
from watchword.operation import Operation, Steps
from watchword.principal import Principal
from watchword.reason import Reason
from watchword.verdict import Accepted, Refused, Verdict

if TYPE_CHECKING:
    from watchword.credentials import Credentials


class Users(FlowChecker[BasicCredentials]):
    """User names and password hashes, for tests, demos and the two people who look after a small service.

    Every check costs one verification, whether the user exists or not, in a worker thread under ASGI. A name that does
    not exist is verified against the hash of some other user, always the same one for the same name, and refused: the
    cost of unknown names is spread like that of known ones, whatever mixture of formats the table holds (threats W2, W3).

    Args:
        hashes: user name to Argon2 or bcrypt hash. Names are compared in Normalization Form C, with their case.
        principals: user name to principal, where more is known of somebody than the name.

    Raises:
        ConfigurationError: the table is empty, a hash is malformed, a name cannot be sent in Basic, or a principal belongs to nobody.

    Trust: the table is trusted; credentials are not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BasicCredentials,)

    def __init__(self, hashes: Mapping[str, str], *, principals: Mapping[str, Principal] | None = None) -> None:
        if not isinstance(hashes, Mapping):
            raise ConfigurationError(f"Users takes a mapping of user names to password hashes, not {type(hashes).__name__}")
        if not hashes:
            raise ConfigurationError(
                "Users needs at least one user: an empty table would refuse everybody, and is a mistake more often than meant"
            )
        self._hashes: dict[str, str] = {}
        self._accepted: dict[str, Accepted] = {}
        given = {_canonical(name): principal for name, principal in (principals or {}).items()}
        for name, hash_ in hashes.items():
            canonical = _canonical(name)
            if canonical in self._hashes:
                raise ConfigurationError(f"Users holds {name!r} twice: the names are the same in Normalization Form C")
            check_hash(hash_, name)
            self._hashes[canonical] = hash_
            self._accepted[canonical] = Accepted(given.pop(canonical) if canonical in given else Principal(canonical))
        if given:
            raise ConfigurationError(f"there are principals for users that have no hash: {', '.join(sorted(given))}")
        self._decoys = tuple(self._hashes.values())
        self._key = urandom(16)  # so that nobody outside can tell which decoy a name gets

    def flow(self, credentials: BasicCredentials) -> Steps[Verdict]:
        """Verify once, then say whether the user exists and the password is right."""
        name = normalize("NFC", credentials.username)
        stored = self._hashes.get(name)
        hash_ = stored or self._decoy(name)
        # A closure and no partial, which would print what it is bound to.
        matches = yield Operation(lambda: verify_password(hash_, credentials.password))
        if stored is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        # An empty password is no secret, even if somebody stored its hash.
        if not matches or not credentials.password:
            return Refused(Reason.WRONG_SECRET)
        return self._accepted[name]

    def _decoy(self, name: str) -> str:
        digest = blake2b(name.encode("utf-8", "surrogatepass"), key=self._key, digest_size=8).digest()
        return self._decoys[int.from_bytes(digest) % len(self._decoys)]

    def __repr__(self) -> str:
        return f"Users({len(self._hashes)} users)"


def _canonical(name: str) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"a user name is a non-empty string, not {name!r}")
    name, colon, _ = name.partition(":")
    if colon:
        # What follows may be a password or its hash.
        raise ConfigurationError(f"the user name that begins with {name!r} cannot be sent in Basic: it holds a colon (RFC 7617 §2)")
    if any(character < " " or character == "\x7f" for character in name):
        raise ConfigurationError(f"the user name {name!r} cannot be sent in Basic: it holds a control character (RFC 7617 §2)")
    return normalize("NFC", name)
