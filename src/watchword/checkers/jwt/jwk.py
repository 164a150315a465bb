"""Reads one JSON Web Key (RFC 7517), and tests whether it is one that may verify.

joserfc checks what a key needs to be used. What makes a key *weak* is checked here: its size, its exponent, its point, its secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from watchword.checkers.jwt.algorithms import find_algorithm
from watchword.errors import GrammarError, Unavailable
from watchword.grammar import decode_base64url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.checkers.jwt.algorithms import Algorithm, Algorithms

Public: TypeAlias = dict[str, "str | list[str]"]
"""The members that make a key, as joserfc takes them."""

_LEAST_RSA: Final = 2048  # bits (RFC 7518 §3.3)
_MOST_RSA: Final = 8192  # bits. A signature by 16384 bits, the most that OpenSSL takes, costs 16 times as much to verify.
_MOST_EXPONENT: Final = 64  # bits. OpenSSL takes no more beside a modulus of 3072 bits and above.
_LEAST_DISTINCT: Final = 8  # of the octets of a secret; of 32 random ones fewer than 20 are distinct once in 10**9
_COORDINATE: Final = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}  # octets (RFC 7518 §6.2.1.2, RFC 8037 §2)
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})  # RFC 7518 §6.2.2, §6.3.2


class UnusableKey(Exception):
    """A key may not verify tokens. The message says why; no secret is in it.

    Args:
        why: what is wrong with it.
        weak: whether it is a secret that can be guessed or is too short.
    """

    def __init__(self, why: str, *, weak: bool = False) -> None:
        super().__init__(why)
        self.weak = weak


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that verifies signatures of one algorithm (RFC 8725 §3.1).

    Args:
        kid: its id; None: it has none.
        algorithm: the one algorithm that it is used with.
        material: what the key is made of; two keys are equal if they verify the same.
    """

    kid: str | None
    algorithm: Algorithm
    material: tuple[bytes, ...] = field(repr=False)
    _verify: Callable[[bytes, bytes], bool] = field(repr=False, compare=False)
    _octets: int = field(repr=False, compare=False)

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Tell whether a signature is one of these octets by this key.

        Args:
            signing_input: what was signed (RFC 7515 §5.2); untrusted.
            signature: the octets of the signature; untrusted.

        Raises:
            Unavailable: the library of signatures failed. It says False by itself where a signature is wrong (threats W12).
        """
        # First: a signature in DER, an empty one and one of another algorithm cost nothing (RFC 7518 §3.4).
        octets = len(signature)
        if octets != self._octets:
            return False
        try:
            return self._verify(signing_input, signature) is True
        except Exception as error:
            raise Unavailable(f"the library of signatures failed: {type(error).__name__}") from error


def read_jwk(member: object, algorithms: Algorithms) -> VerificationKey:
    """Return the key of one member of a key set.

    Args:
        member: the parsed member (RFC 7517 §4), from the issuer or the configuration. Unknown members are ignored, and so are
            certificates and addresses of them (`x5c`, `x5u`): what they say is not verified.
        algorithms: those that are allowed. A key without `alg` is bound to the first one that fits its type, so that it is never used
            with two.

    Raises:
        UnusableKey: the key is malformed, weak, or for another use.
    """
    if not isinstance(member, dict):
        raise UnusableKey("a key must be a JSON object")
    kid = _text(member, "kid")
    _check_use(member)
    algorithm = _bound(member, algorithms)
    material, public, octets = _READERS[algorithm.kty](member, algorithm)
    return VerificationKey(kid, algorithm, material, _verifier(algorithm, public), octets)


def has_private_members(member: object) -> bool:
    """Tell whether a public key came with the private one. Its private members are never used. A reader of the set can sign."""
    return isinstance(member, dict) and member.get("kty") != "oct" and not _PRIVATE.isdisjoint(member)


def _check_use(member: Mapping[str, Any]) -> None:
    """Refuse a key for another use (RFC 7517 §4.2, §4.3)."""
    if _text(member, "use") not in {None, "sig"}:
        raise UnusableKey("its use is not sig")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations or not all(isinstance(one, str) for one in operations):
        raise UnusableKey("verify is not among its key_ops")


def _bound(member: Mapping[str, Any], algorithms: Algorithms) -> Algorithm:
    """Return the one algorithm of a key."""
    kty, crv, name = _text(member, "kty"), _text(member, "crv"), _text(member, "alg")
    fitting = [one for one in algorithms if one.kty == kty and one.crv in {None, crv}]
    if not fitting:
        raise UnusableKey("no allowed algorithm uses keys of its type and curve")
    if name is None:
        return fitting[0]
    named = find_algorithm(name)
    if named not in fitting:
        raise UnusableKey("its alg is not allowed, or does not fit its type and curve")
    return named


def _rsa(member: Mapping[str, Any], _: Algorithm) -> tuple[tuple[bytes, ...], Public, int]:
    modulus, exponent = (_octets(member, name).lstrip(b"\0") for name in ("n", "e"))
    n, e = int.from_bytes(modulus), int.from_bytes(exponent)
    if not _LEAST_RSA <= n.bit_length() <= _MOST_RSA:
        raise UnusableKey(f"an RSA key must have from {_LEAST_RSA} to {_MOST_RSA} bits, and it has {n.bit_length()} (RFC 7518 §3.3)")
    # RFC 8725 §3.4 wants inputs validated. With e=1 everybody signs, and an even one inverts nothing. 3 and 17 are old and sound:
    # the attacks on them need a verifier that looks at a part of the padding, and OpenSSL compares all of it.
    if n % 2 == 0 or e % 2 == 0 or e < 3 or e.bit_length() > _MOST_EXPONENT:  # noqa: PLR2004 - as the comment says
        raise UnusableKey("an RSA key must have an odd modulus and an odd exponent from 3 to 64 bits")
    return (b"RSA", modulus, exponent), {"kty": "RSA", "n": member["n"], "e": member["e"]}, len(modulus)


def _ec(member: Mapping[str, Any], algorithm: Algorithm) -> tuple[tuple[bytes, ...], Public, int]:
    crv = algorithm.crv or ""
    x, y = (_coordinate(member, name, crv) for name in ("x", "y"))
    # That the point is on the curve is tested when the key is made: `_verifier` (RFC 8725 §3.4).
    return (b"EC", crv.encode(), x, y), {"kty": "EC", "crv": crv, "x": member["x"], "y": member["y"]}, algorithm.signature or 0


def _okp(member: Mapping[str, Any], algorithm: Algorithm) -> tuple[tuple[bytes, ...], Public, int]:
    x = _coordinate(member, "x", "Ed25519")
    if not is_sound_ed25519(x):
        raise UnusableKey("its point is not on the curve, or is of small order")
    return (b"OKP", b"Ed25519", x), {"kty": "OKP", "crv": "Ed25519", "x": member["x"]}, algorithm.signature or 0


def _oct(member: Mapping[str, Any], algorithm: Algorithm) -> tuple[tuple[bytes, ...], Public, int]:
    secret, least = _octets(member, "k"), algorithm.signature or 0
    if len(secret) < least:
        raise UnusableKey(
            f"a secret for {algorithm.name} must have {least} octets or more, and it has {len(secret)} (RFC 7518 §3.2)", weak=True
        )
    if is_memorable(secret):
        raise UnusableKey("a secret must be random, and this one can be guessed (RFC 8725 §3.5). Use secrets.token_bytes(64)", weak=True)
    return (b"oct", secret), {"kty": "oct", "k": member["k"]}, least


_READERS: Final = {"RSA": _rsa, "EC": _ec, "OKP": _okp, "oct": _oct}


def is_memorable(secret: bytes) -> bool:
    """Tell whether a secret reads like one that people make up: few different octets, or words.

    Args:
        secret: the octets of an HMAC key. Random octets, and text in hex or base64 of them, are not memorable.
    """
    if len(set(secret)) < _LEAST_DISTINCT:
        return True
    if not secret.isascii() or not secret.decode("ascii").isprintable():
        return False
    # Of 43 random characters of base64 one in 10**14 has neither a digit nor an upper-case letter.
    return b" " in secret.strip() or not any(octet in b"0123456789" or 0x41 <= octet <= 0x5A for octet in secret)  # noqa: PLR2004 - A to Z


_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P


def is_sound_ed25519(octets: bytes) -> bool:
    """Tell whether octets are a point of Ed25519 that is not of small order (RFC 8032 §5.1.3).

    Libraries take any 32 octets for a key. By one of small order, such as 01 00 … 00, everybody signs every message.

    Args:
        octets: 32 octets.
    """
    y = int.from_bytes(octets, "little") & (2**255 - 1)
    if y >= _P:
        return False
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if square not in {0, 1} and pow(square, (_P - 1) // 2, _P) != 1:
        return False
    # The eight points of small order: x = 0 (1 and 2), y = 0 (4), and those whose double has y = 0 (8), where y² = -x².
    return square != 0 and y != 0 and (square + y * y) % _P != 0


def _verifier(algorithm: Algorithm, public: Public) -> Callable[[bytes, bytes], bool]:
    """Return what verifies by a key. The library gets the members that make the key, and no other."""
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key
    from joserfc.jws import JWSRegistry

    try:
        key = import_key(public)
        # The library makes the key when it is first wanted; here, so that a point off the curve is found now.
        key.get_op_key("verify")
    except (JoseError, ValueError, TypeError) as error:
        raise UnusableKey(f"it is no key of its type: {type(error).__name__}") from None
    model = JWSRegistry.algorithms[algorithm.name]
    return lambda signing_input, signature: model.verify(signing_input, signature, key)


def _text(member: Mapping[str, Any], name: str) -> str | None:
    value = member.get(name)
    if value is None and name not in member:
        return None
    if not isinstance(value, str):
        raise UnusableKey(f"its {name} must be a string")
    return value


def _octets(member: Mapping[str, Any], name: str) -> bytes:
    value = member.get(name)
    if not isinstance(value, str):
        raise UnusableKey(f"its {name} must be a string")
    try:
        return decode_base64url(value)
    except GrammarError:
        raise UnusableKey(f"its {name} must be base64url without padding") from None


def _coordinate(member: Mapping[str, Any], name: str, crv: str) -> bytes:
    octets = _octets(member, name)
    if len(octets) != _COORDINATE[crv]:
        raise UnusableKey(f"its {name} must have {_COORDINATE[crv]} octets")
    return octets
