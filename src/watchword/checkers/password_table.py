"""Checks passwords by an immutable table of names and hashes: the common part of `Users` and `Htpasswd`."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

from watchword.checkers.names import canonical
from watchword.checkers.passwords import DummyHashes
from watchword.errors import ConfigurationError
from watchword.principal import Principal
from watchword.reason import Reason
from watchword.validators import invalid
from watchword.verdict import Accepted, Refused, Verdict

if TYPE_CHECKING:
    from watchword.checkers.verifying import Verifier
    from watchword.credentials import BasicCredentials
    from watchword.operation import Steps
    from watchword.verdict import Lease


class PasswordTable:
    """Names, hashes and principals.

    Every check costs one verification, also for an unknown name: it is verified against the hash of another user, always the same
    one for the same name, and refused. The costs of unknown names have the same distribution as those of known ones, for any mixture
    of formats (threats W2, W3).

    Args:
        hashes: canonical name to hash; the hasher of the verifier knows each of them.
        principals: canonical name to principal, for users with more than a name.
        verifier: verifies passwords.
        lease: tells whether answers of the table may be reused.
        dummies: the dummy hashes; None: the hashes of the table, which must not be empty then.
    """

    __slots__ = ("_accepted", "_hashes", "_verifier", "dummies")

    def __init__(
        self,
        hashes: Mapping[str, str],
        principals: Mapping[str, Principal],
        verifier: Verifier,
        lease: Lease,
        *,
        dummies: DummyHashes | None = None,
    ) -> None:
        self._hashes = dict(hashes)
        self._accepted = {name: Accepted(principals[name] if name in principals else Principal(name), lease) for name in hashes}
        self._verifier = verifier
        self.dummies: DummyHashes = _dummy_hashes_of(hashes) if dummies is None else dummies

    def flow(self, credentials: BasicCredentials) -> Steps[Verdict]:
        """Verify one hash, then answer."""
        name = canonical(credentials.username)
        self._verifier.admit(name, credentials.password)
        stored, dummy = self._hashes.get(name), self.dummies.for_name(name)  # both for every name: a dummy hash is not free
        hash_ = dummy if stored is None else stored
        subject = "" if stored is None else name
        matches = yield from self._verifier.verify(name, hash_, credentials.password, remember=stored is not None, subject=subject)
        if stored is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        return self._accepted[name] if matches else Refused(Reason.WRONG_SECRET, detail=f"user {name}")

    @property
    def principals(self) -> tuple[Principal, ...]:
        """The users of the table."""
        return tuple(accepted.principal for accepted in self._accepted.values())

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes of the table."""
        return tuple(self._hashes.values())

    def __len__(self) -> int:
        return len(self._hashes)

    def __repr__(self) -> str:
        return f"PasswordTable({len(self._hashes)} users)"


def _dummy_hashes_of(hashes: Mapping[str, str]) -> DummyHashes:
    # The key is the same in every process with this table: otherwise the answers for an unknown name would take as long as different
    # formats, and reveal it. It depends on one line alone, so that a change of another line does not reassign all dummy hashes.
    lines = (f"{name}:{hash_}".encode("utf-8", "surrogatepass") for name, hash_ in hashes.items())
    key = min(blake2b(line, digest_size=32).digest() for line in lines)
    weights: dict[str, int] = {}
    for hash_ in hashes.values():
        weights[hash_] = weights.get(hash_, 0) + 1
    return DummyHashes(weights, key)


def check_mapping(checker: str, principals: object) -> Mapping[str, Principal]:
    """Return principals by user name; empty for None.

    Raises:
        ConfigurationError: it is not a mapping, or a value is not a principal.
    """
    if principals is None:
        return {}
    if not isinstance(principals, Mapping):
        must = 'be a mapping of user names to principals, such as {"ann": Principal("ann", roles=["admin"])}'
        raise invalid(f"{checker}(principals=...)", must, principals, secret=True)
    for name, principal in principals.items():
        if not isinstance(principal, Principal) or not principal.is_authenticated:
            got = "ANONYMOUS" if isinstance(principal, Principal) else type(principal).__name__
            raise ConfigurationError(
                f'{checker}(principals=...) must hold a Principal for {name!r}, such as Principal("ann", roles=["admin"]), got {got}.'
            )
    return principals
