"""Holds the keys of an issuer: one signs, and others are published, so that a rotation overlaps.

A ring is a value. Rotating it returns another one, and moves each key one place on:

    next      is published already, so that every verifier knows it before it signs
    active    signs
    retired   is published still, because its tokens are valid for a while

The secrets that successors of refresh tokens are derived from move in the same way. As JSON a ring is a JWK Set (RFC 7517) with private
members.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from watchword.clock import as_clock
from watchword.errors import ConfigurationError
from watchword.issuing.successors import LEAST_SECRET
from watchword.validators import check_choice, check_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.clock import Clock

Algorithm: TypeAlias = Literal["ES256", "Ed25519"]
Place: TypeAlias = Literal["next", "active", "retired"]

MOST_KEYS: Final = 20
"""Keys of one ring."""

RETIRED_FOR: Final = 86_400.0
"""Seconds for which a retired key is published: longer than any access token lives, and than a verifier keeps a key set."""

_CURVES: dict[str, tuple[str, str]] = {"ES256": ("EC", "P-256"), "Ed25519": ("OKP", "Ed25519")}
_PRIVATE: Final = ("kty", "crv", "x", "y", "d")
_PUBLIC: Final = ("kty", "crv", "x", "y", "kid", "alg", "use")
"""The members that are published. Whatever else a key has stays here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that signs access tokens.

    Args:
        kid: its id, the thumbprint of its public part (RFC 7638).
        algorithm: the one algorithm that it is used with.
        place: whether it signs.
        created_at: when it was made, Unix seconds.
        retired_at: when it stopped signing; None: it has not.
        jwk: the private key as a JWK.
    """

    kid: str
    algorithm: Algorithm
    place: Place
    created_at: float
    retired_at: float | None = None
    jwk: Mapping[str, str] = field(repr=False)

    def public(self) -> dict[str, str]:
        """Return the public key as a JWK, with `kid`, `alg` and `use`."""
        members = {**self.jwk, "kid": self.kid, "alg": self.algorithm, "use": "sig"}
        return {name: members[name] for name in _PUBLIC if name in members}

    def sign(self, header: Mapping[str, str], payload: bytes) -> str:
        """Return a compact JWS (RFC 7515 §3.1).

        Args:
            header: the protected header, without `alg` and `kid`.
            payload: the signed octets.
        """
        return str(_jws().serialize_compact({"alg": self.algorithm, **header, "kid": self.kid}, payload, self._key(), [self.algorithm]))

    def _key(self) -> Any:  # noqa: ANN401 - a key of joserfc
        return _jwk().import_key(dict(self.jwk))


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The signing keys and refresh secrets of an issuer. Make one with `KeyRing.generate()`, or read one with `KeyRing.from_json`.

    Args:
        keys: the signing keys; one is active.
        refresh_secrets: random secrets, the active one first.

    Raises:
        ConfigurationError: no key is active, or two are, or there is no secret, or one is shorter than 32 octets.
    """

    keys: tuple[SigningKey, ...]
    refresh_secrets: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        places = [one.place for one in self.keys]
        if places.count("active") != 1:
            raise ConfigurationError('KeyRing(keys=...) must hold one key whose place is "active". Use KeyRing.generate().')
        if len({key.kid for key in self.keys}) < len(self.keys) or len(self.keys) > MOST_KEYS:
            raise ConfigurationError(f"KeyRing(keys=...) must hold each key once, and at most {MOST_KEYS}.")
        if not self.refresh_secrets or not all(map(_is_secret, self.refresh_secrets)):
            raise ConfigurationError(
                f"KeyRing(refresh_secrets=...) must hold secrets of at least {LEAST_SECRET} octets. Use KeyRing.generate()."
            )

    @classmethod
    def generate(cls, algorithm: Algorithm = "ES256", *, clock: Clock | None = None) -> KeyRing:
        """Return a new ring with an active key, and the next one.

        Args:
            algorithm: `"ES256"`, which every verifier knows, or `"Ed25519"` (RFC 9864).
            clock: tells the time; None: the system clock.

        Raises:
            ConfigurationError: the algorithm is another one, or `watchword[jwt]` is not installed.
        """
        check_choice("KeyRing.generate(algorithm=...)", algorithm, get_args(Algorithm))
        now = as_clock(clock, "KeyRing").now()
        keys = tuple(_generated(algorithm, place, now) for place in ("active", "next"))
        return cls(keys, (token_urlsafe(32), token_urlsafe(32)))

    @property
    def active(self) -> SigningKey:
        """The key that signs."""
        return next(one for one in self.keys if one.place == "active")

    def current(self) -> KeyRing:
        """Return itself; a `KeyRingFile` returns the ring that its file holds now."""
        return self

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JWK Set (RFC 7517 §5). No private member is in it."""
        return {"keys": [key.public() for key in self.keys]}

    def rotated(self, *, retired_for: float = RETIRED_FOR, clock: Clock | None = None) -> KeyRing:
        """Return the ring in which the next key signs, the active one is retired, and another next one is made.

        Args:
            retired_for: seconds for which retired keys are published: longer than access tokens live, and than verifiers keep a key set.
            clock: tells the time; None: the system clock.
        """
        check_number("retired_for", retired_for)
        now = as_clock(clock, "KeyRing").now()
        algorithm = self.active.algorithm
        following = next((one for one in self.keys if one.place == "next"), None) or _generated(algorithm, "next", now)
        kept = [one for one in self.keys if one.place == "retired" and now - (one.retired_at or 0.0) < retired_for]
        keys = (
            _moved(following, "active"),
            _generated(algorithm, "next", now),
            _moved(self.active, "retired", now),
            *kept,
        )
        active, *others = self.refresh_secrets
        # The next secret is known in every process since the last rotation; the active one is needed for 30 seconds more.
        secrets = (others[0] if others else token_urlsafe(32), token_urlsafe(32), active)
        return KeyRing(keys[:MOST_KEYS], secrets)

    def to_json(self) -> str:
        """Return the ring as JSON, with its private keys and secrets."""
        keys = [
            {**key.public(), **key.jwk, "place": key.place, "created_at": key.created_at, "retired_at": key.retired_at} for key in self.keys
        ]
        return json.dumps({"keys": keys, "refresh_secrets": list(self.refresh_secrets)}, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> KeyRing:
        """Return the ring in a text of `to_json`.

        Args:
            text: the text; trusted.

        Raises:
            ConfigurationError: it is no such text; the message shows nothing of it.
        """
        try:
            read = json.loads(text)
            members = [dict(member) for member in read["keys"]]
            secrets = tuple(read["refresh_secrets"])
        except (ValueError, TypeError, KeyError, RecursionError):
            members, secrets = [], ()
        if not members or len(members) > MOST_KEYS:
            raise ConfigurationError("a key ring must be JSON as KeyRing.to_json() writes it. Make one: KeyRing.generate().to_json().")
        return cls(tuple(map(_read, members)), secrets)


def _is_secret(secret: object) -> bool:
    return isinstance(secret, str) and len(secret.encode("utf-8", "surrogatepass")) >= LEAST_SECRET


def _moved(key: SigningKey, place: Place, retired_at: float | None = None) -> SigningKey:
    return SigningKey(kid=key.kid, algorithm=key.algorithm, place=place, created_at=key.created_at, retired_at=retired_at, jwk=key.jwk)


def _generated(algorithm: Algorithm, place: Place, now: float) -> SigningKey:
    kty, curve = _CURVES[algorithm]
    made = _jwk().generate_key(kty, curve, private=True)
    jwk = {name: str(value) for name, value in made.as_dict(private=True).items()}
    return SigningKey(kid=str(made.thumbprint()), algorithm=algorithm, place=place, created_at=now, jwk=jwk)


def _read(member: dict[str, Any]) -> SigningKey:
    """Return a key as `to_json` writes it."""
    with suppress(Exception):  # the library raises many kinds, and their messages may show the key
        return _checked(member)
    _jwk()  # a missing library is another mistake
    raise ConfigurationError(
        f"the key {str(member.get('kid'))[:50]!r} of the ring cannot be used: it must be a private EC key of P-256 for ES256, or an OKP "
        "key of Ed25519, with its thumbprint as kid (RFC 7638) and a place."
    )


def _checked(member: dict[str, Any]) -> SigningKey:
    algorithm: Any = member["alg"]
    place: Any = member["place"]
    jwk: dict[str, str] = {name: str(member[name]) for name in _PRIVATE if name in member}
    if (jwk["kty"], jwk["crv"]) != _CURVES[algorithm] or "d" not in jwk or place not in get_args(Place):
        raise ValueError("not a key of a ring")
    made = _jwk().import_key(dict(jwk))
    if made.thumbprint() != member["kid"]:
        raise ValueError("another key")
    retired = member.get("retired_at")
    key = SigningKey(
        kid=str(member["kid"]),
        algorithm=algorithm,
        place=place,
        created_at=float(member["created_at"]),
        retired_at=None if retired is None else float(retired),
        jwk=jwk,
    )
    # Of a key whose members do not fit each other nothing could be verified.
    public = _jwk().import_key(key.public())
    _jws().deserialize_compact(key.sign({}, b"{}"), public, [algorithm])
    return key


def _jwk() -> Any:  # noqa: ANN401 - a class
    return _library("joserfc.jwk").JWKRegistry


def _jws() -> Any:  # noqa: ANN401 - a module
    return _library("joserfc.jws")


def _library(name: str) -> Any:  # noqa: ANN401 - a module
    try:
        return import_module(name)
    except ImportError:
        raise ConfigurationError('a KeyRing needs joserfc: pip install "watchword[jwt]"') from None
