"""Holds the keys of one issuer, and finds those that may have signed a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from watchword.checkers.jwt.jwk import UnusableKey, VerificationKey, has_private_members, read_jwk
from watchword.errors import GrammarError
from watchword.validators import shown

if TYPE_CHECKING:
    from watchword.checkers.jwt.algorithms import Algorithm, Algorithms

MOST_KEYS: Final = 100
"""Keys that are read of one set. Identity providers publish two to twenty."""

MOST_CANDIDATES: Final = 8
"""Keys that are tried for one token (decision D40). Each costs a verification, and an anonymous caller chooses the token."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of one issuer.

    Args:
        keys: the keys, in the order of the set.
        skipped: for each member that is not used, which one and why.
        warnings: what the operator should know about keys that are used.
        weak: those of `skipped` that are secrets which can be guessed or are too short.
    """

    keys: tuple[VerificationKey, ...]
    skipped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    _known: frozenset[VerificationKey] = field(init=False, repr=False, compare=False)
    _kids: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", frozenset(self.keys))
        object.__setattr__(self, "_kids", frozenset(key.kid for key in self.keys if key.kid is not None))

    @classmethod
    def read(cls, document: object, algorithms: Algorithms) -> KeySet:
        """Return the usable keys of a JWK Set (RFC 7517 §5).

        Each member is read by itself: one that is unknown, malformed or weak never costs the issuer the others.

        Args:
            document: the parsed set, from the issuer or the configuration.
            algorithms: those that are allowed.

        Raises:
            GrammarError: it is not an object with an array `keys`.
        """
        members = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(members, list):
            raise GrammarError("a JWK Set, an object with an array keys", 0)
        keys: list[VerificationKey] = []
        skipped, warnings, weak = [], [], []
        for number, member in enumerate(members[:MOST_KEYS]):
            try:
                keys.append(read_jwk(member, algorithms))
            except UnusableKey as error:
                skipped.append(f"{_named(number, member)}: {error}")
                weak += skipped[-1:] if error.weak else []
                continue
            if has_private_members(member):
                warnings.append(f"{_named(number, member)}: its private members are published. Whoever read them signs tokens; replace it")
        skipped += [f"key {number}: only {MOST_KEYS} keys are read" for number in range(MOST_KEYS, min(len(members), MOST_KEYS + 1))]
        return cls(tuple(keys), tuple(skipped), tuple(warnings), tuple(weak))

    def candidates(self, kid: str | None, algorithm: Algorithm) -> tuple[VerificationKey, ...]:
        """Return the keys that may have signed a token, 8 at most.

        Args:
            kid: the id in the header: then no other key is tried (decision D40). None: the header has none.
            algorithm: the algorithm in the header. Only keys that are bound to it are returned.
        """
        fitting = [key for key in self.keys if key.algorithm is algorithm and kid in {None, key.kid}]
        return tuple(fitting[:MOST_CANDIDATES])

    def has_kid(self, kid: str) -> bool:
        """Tell whether a key has this id, whatever its algorithm."""
        return kid in self._kids

    def __contains__(self, key: object) -> bool:
        """Tell whether an equal key is in the set: the same id, algorithm and material."""
        return key in self._known


def _named(number: int, member: Any) -> str:  # noqa: ANN401 - parsed JSON
    kid = member.get("kid") if isinstance(member, dict) else None
    return f"key {number} ({shown(kid)})" if isinstance(kid, str) else f"key {number}"
