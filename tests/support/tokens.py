"""Signs tokens of any shape, right or wrong, with `cryptography` alone: what is tested had no part in making them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_CURVES = {"ES256": ("P-256", ec.SECP256R1, 32), "ES384": ("P-384", ec.SECP384R1, 48), "ES512": ("P-521", ec.SECP521R1, 66)}
_HASHES: dict[str, Any] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
SECRET = bytes(range(100, 164))
"""A shared secret, long enough for each HMAC."""


def segment(octets: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def number(value: int, octets: int = 0) -> str:
    """Return a number as keys hold it (RFC 7518 §2)."""
    return segment(value.to_bytes(octets or (value.bit_length() + 7) // 8))


def private_key(alg: str, name: str = "") -> Any:
    """Return a private key; always the same for an algorithm and a name. RSA keys serve each RSA algorithm."""
    return _key(alg, name)


@cache
def _key(alg: str, name: str) -> Any:
    if alg.startswith(("RS", "PS")):
        return _rsa_key(name)
    if alg in _CURVES:
        return ec.generate_private_key(_CURVES[alg][1]())
    if alg in {"EdDSA", "Ed25519"}:
        return _ed25519_key(name)
    return hashlib.sha512(SECRET + name.encode()).digest()


@cache
def _rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024 if name == "short" else 2048)


@cache
def _ed25519_key(name: str) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public_jwk(alg: str, name: str = "", /, **members: Any) -> dict[str, Any]:
    """Return the JWK that verifies what `private_key` signs; members of None are left out."""
    key = private_key(alg, name)
    if isinstance(key, bytes):
        made: dict[str, Any] = {"kty": "oct", "k": segment(key)}
    elif isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        made = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        made = {"kty": "OKP", "crv": "Ed25519", "x": segment(key.public_key().public_bytes_raw())}
    else:
        point, (crv, _, octets) = key.public_key().public_numbers(), _CURVES[alg]
        made = {"kty": "EC", "crv": crv, "x": number(point.x, octets), "y": number(point.y, octets)}
    return {name: value for name, value in {**made, **members}.items() if value is not None}


def signature_of(alg: str, signing_input: bytes, key: Any = None) -> bytes:
    """Return the signature of octets.

    Args:
        alg: the algorithm to sign with, whatever the header says.
        signing_input: the octets.
        key: the private key, or the octets of a secret; None: that of the algorithm.
    """
    key = private_key(alg) if key is None else key
    if alg.startswith("HS"):
        return hmac.new(key, signing_input, f"sha{alg[2:]}").digest()
    if alg in {"EdDSA", "Ed25519"}:
        return bytes(key.sign(signing_input))
    hashed = _HASHES[alg[2:]]()
    if alg in _CURVES:
        octets = _CURVES[alg][2]
        r, s = decode_dss_signature(key.sign(signing_input, ec.ECDSA(hashed)))
        return r.to_bytes(octets) + s.to_bytes(octets)
    pad = padding.PSS(padding.MGF1(hashed), hashed.digest_size) if alg.startswith("PS") else padding.PKCS1v15()
    return bytes(key.sign(signing_input, pad, hashed))


def sign(header: dict[str, Any] | bytes, payload: dict[str, Any] | bytes, *, alg: str = "", key: Any = None) -> str:
    """Return a token.

    Args:
        header: the header, or its octets.
        payload: the claims, or any octets.
        alg: what signs, if it is not what the header says.
        key: the private key; None: that of the algorithm.
    """
    alg = alg or (str(header.get("alg")) if isinstance(header, dict) else "ES256")
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signing_input = ".".join(map(segment, parts))
    return f"{signing_input}.{segment(signature_of(alg, signing_input.encode(), key))}"
