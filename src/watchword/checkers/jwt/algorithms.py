"""Lists the algorithms of signatures that tokens may have, and reads the list that a verifier allows (RFC 7518 §3, RFC 9864)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.validators import check_sequence, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One algorithm.

    Args:
        name: its name, as in `alg` (RFC 7515 §4.1.1).
        kty: the type of its keys (RFC 7517 §4.1).
        crv: the curve of its keys; None: it has none.
        signature: the length of a signature in octets; None: that of the modulus.
    """

    name: str
    kty: str
    crv: str | None = None
    signature: int | None = None


Algorithms: TypeAlias = tuple[Algorithm, ...]
"""The algorithms that a verifier allows, the preferred one first."""

_ASYMMETRIC: Final = (
    Algorithm("ES256", "EC", "P-256", 64),
    Algorithm("ES384", "EC", "P-384", 96),
    Algorithm("ES512", "EC", "P-521", 132),
    Algorithm("Ed25519", "OKP", "Ed25519", 64),
    Algorithm("RS256", "RSA"),
    Algorithm("RS384", "RSA"),
    Algorithm("RS512", "RSA"),
    Algorithm("PS256", "RSA"),
    Algorithm("PS384", "RSA"),
    Algorithm("PS512", "RSA"),
)
_SYMMETRIC: Final = (
    Algorithm("HS256", "oct", signature=32),
    Algorithm("HS384", "oct", signature=48),
    Algorithm("HS512", "oct", signature=64),
)

# No "none", in any spelling: names are compared exactly, and what is not in this table is never used (RFC 8725 §3.1). Two are left out:
# ES256K, which no identity provider uses, and Ed448, which RFC 9864 registers and hardly any library writes.
_BY_NAME: Final = {algorithm.name: algorithm for algorithm in _ASYMMETRIC + _SYMMETRIC}
# RFC 9864 gives the one use of EdDSA that is common a name of its own. Tokens carry either.
_BY_NAME["EdDSA"] = _BY_NAME["Ed25519"]


def find_algorithm(name: object) -> Algorithm | None:
    """Return the algorithm of that name; None: there is none, or this package does not use it.

    Args:
        name: the value of `alg`, from an untrusted source.
    """
    return _BY_NAME.get(name) if isinstance(name, str) else None


def check_algorithms(given: Iterable[str] | None) -> Algorithms:
    """Return the algorithms that a verifier allows.

    Args:
        given: their names, the preferred one first; None: all signatures by public keys, and no HMAC.

    Raises:
        ConfigurationError: a name is unknown, none is given, or HMAC stands beside public keys: a public key would be a secret then,
            with which everybody signs (RFC 8725 §2.1, threats T1).
    """
    if given is None:
        return _ASYMMETRIC
    what = "JWT(algorithms=...)"
    names = check_sequence(what, given, '["ES256"]')
    for name in names:
        if name not in _BY_NAME:
            fix = "An unsigned token proves nothing." if name.lower() == "none" else f"Use some of: {', '.join(_BY_NAME)}."
            raise invalid(what, "name algorithms of signatures", name, fix)
    chosen = tuple(dict.fromkeys(_BY_NAME[name] for name in names))
    if not chosen:
        raise invalid(what, "name at least one algorithm", given, 'Write ["ES256"], or leave it out.')
    if len({algorithm.kty == "oct" for algorithm in chosen}) > 1:
        raise invalid(what, "be of one kind: HMAC, or signatures by public keys", names, "Make two checkers, with keys of their own.")
    return chosen


def is_symmetric(algorithms: Algorithms) -> bool:
    """Tell whether the algorithms are those of shared secrets (HMAC)."""
    return algorithms[0].kty == "oct"
