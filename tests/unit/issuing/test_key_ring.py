"""Key rings: one key signs, others are published, and no private member is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt as pyjwt
import pytest

from watchword.errors import ConfigurationError
from watchword.issuing import KeyRing
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.issuing.key_ring import Algorithm

NOW = 1_700_000_000.0
ALGORITHMS: list[Algorithm] = ["ES256", "Ed25519"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_the_active_key_signs_is_verified_by_its_published_key(algorithm: Algorithm) -> None:
    """By another library, and by that key alone; the header names algorithm, type and key."""
    ring = KeyRing.generate(algorithm)
    text = ring.active.sign({"typ": "at+jwt"}, b'{"sub":"ann"}')
    header = pyjwt.get_unverified_header(text)
    assert header == {"alg": algorithm, "typ": "at+jwt", "kid": ring.active.kid}
    published = {member["kid"]: member for member in ring.jwks()["keys"]}
    # PyJWT knows the key by its older name (RFC 8037), and the algorithm, too.
    verified = pyjwt.PyJWK({**published[ring.active.kid], "alg": "EdDSA" if algorithm == "Ed25519" else algorithm})
    body, signature = text.rsplit(".", 1)
    octets = pyjwt.utils.base64url_decode(signature)
    assert verified.Algorithm.verify(body.encode(), verified.key, octets)
    others = [
        pyjwt.PyJWK(member, algorithm="EdDSA" if algorithm == "Ed25519" else algorithm)
        for kid, member in published.items()
        if kid != ring.active.kid
    ]
    assert not any(other.Algorithm.verify(body.encode(), other.key, octets) for other in others)
    assert others


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_private_member_is_published_or_printed(algorithm: Algorithm) -> None:
    """Neither in the key set nor in a repr; the file has them."""
    ring = KeyRing.generate(algorithm)
    secrets = [*ring.refresh_secrets, *(key.jwk["d"] for key in ring.keys)]
    assert len(set(secrets)) == 4
    for secret in secrets:
        assert secret in ring.to_json()
        assert secret not in json.dumps(ring.jwks()) + repr(ring) + repr(ring.active)
    for member in ring.jwks()["keys"]:
        assert set(member) <= {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_a_rotation_moves_each_key_one_place_on() -> None:
    """The key that signs was published before, and stays published after; then it is dropped."""
    clock = FixedClock(NOW)
    ring = KeyRing.generate(clock=clock)
    for turn in range(4):
        clock.advance(3600)
        rotated = ring.rotated(retired_for=2 * 3600, clock=clock)
        places = {key.kid: key.place for key in rotated.keys}
        assert rotated.active.kid in {key.kid for key in ring.keys}
        assert places[ring.active.kid] == "retired"
        assert sorted(places.values()) == ["active", "next", *["retired"] * min(turn + 1, 2)]
        # All processes that have the ring of before know the secret that is used now, and the other way round.
        assert rotated.refresh_secrets[0] in ring.refresh_secrets
        assert ring.refresh_secrets[0] in rotated.refresh_secrets
        assert KeyRing.from_json(rotated.to_json()) == rotated
        ring = rotated
    assert KeyRing((ring.active,), ("x" * 40,)).rotated().active.kid != ring.active.kid


def _changed(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda ring: ring["keys"][0].update(members)


DAMAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no keys": lambda ring: ring.update(keys=[]),
    "keys of another type": lambda ring: ring.update(keys=5),
    "no secrets": lambda ring: ring.update(refresh_secrets=[]),
    "no list of secrets": lambda ring: ring.pop("refresh_secrets"),
    "a secret that is none": lambda ring: ring.update(refresh_secrets=[""]),
    "a short secret": lambda ring: ring.update(refresh_secrets=[*ring["refresh_secrets"], "x" * 31]),
    "secrets that are one text": lambda ring: ring.update(refresh_secrets="x" * 64),
    "two active keys": lambda ring: ring["keys"][1].update(place="active"),
    "no active key": lambda ring: ring["keys"].pop(0),
    "a key twice": lambda ring: ring["keys"].append({**ring["keys"][1]}),
    "too many keys": lambda ring: ring.update(keys=ring["keys"] * 11),
    "another kid": _changed(kid="x"),
    "another algorithm": _changed(alg="Ed25519"),
    "no algorithm": _changed(alg="none"),
    "another place": _changed(place="front"),
    "a time that is none": _changed(created_at="then"),
    "a private part that does not fit": lambda ring: ring["keys"][0].update(d=ring["keys"][1]["d"]),
    "no private part": lambda ring: ring["keys"][0].pop("d"),
    "a shared secret": _changed(kty="oct", k="c2VjcmV0"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_ring_is_refused(damage: str) -> None:
    """Nothing is signed by a key that nobody can verify; the message shows no secret."""
    ring = KeyRing.generate()
    read = json.loads(ring.to_json())
    DAMAGES[damage](read)
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.from_json(json.dumps(read))
    for secret in (*ring.refresh_secrets, *(key.jwk["d"] for key in ring.keys)):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", '{"keys": [5]}', "[" * 100_000, b"\xff"])
def test_what_is_no_ring_is_refused(text: str | bytes) -> None:
    """The message says how to make one."""
    with pytest.raises(ConfigurationError, match=r"Make one: KeyRing\.generate"):
        KeyRing.from_json(text)


def test_an_unknown_algorithm_is_refused() -> None:
    """Shared secrets and RSA among them."""
    for wrong in ("HS256", "RS256", "none", "", None, "es256"):
        with pytest.raises(ConfigurationError, match="ES256"):
            KeyRing.generate(wrong)  # type: ignore[arg-type]
