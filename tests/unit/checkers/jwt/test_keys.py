"""Keys, one by one and in sets (RFC 7517, RFC 7518 §6, RFC 8725 §3)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.support.each import each
from tests.support.tokens import number, private_key, public_jwk, segment, signature_of
from watchword import ConfigurationError, Unavailable
from watchword.checkers.jwt.algorithms import check_algorithms, find_algorithm
from watchword.checkers.jwt.jwk import VerificationKey, is_memorable, is_sound_ed25519
from watchword.checkers.jwt.keys import MOST_CANDIDATES, MOST_KEYS, KeySet
from watchword.checkers.jwt.sources import StaticKeys
from watchword.errors import GrammarError
from watchword.grammar.compact_jws import parse_compact_jws
from watchword.operation import run

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "jwt.json").read_text("utf-8"))["vectors"]
ALL = ["ES256", "ES384", "ES512", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
MAC = ["HS256", "HS384", "HS512"]


def read(*members: Any, algorithms: list[str] | None = None) -> KeySet:
    """Return the key set of some members."""
    return KeySet.read({"keys": list(members)}, check_algorithms(algorithms))


@each("vector", [vector for vector in VECTORS if vector["kind"] == "jws-compact"])
def test_the_signatures_of_the_rfcs(vector: dict[str, Any]) -> None:
    """The signatures that RFC 7515, 7520, 7797 and 8037 print are verified by the keys that they print, and by no octet more."""
    token = parse_compact_jws(vector["input"]["token"])
    (key,) = read(vector["input"]["key"], algorithms=[token.header["alg"]]).keys
    assert key.verify(token.signing_input, token.signature)
    assert not key.verify(token.signing_input + b"x", token.signature)
    assert not key.verify(token.signing_input, token.signature[:-1] + bytes([token.signature[-1] ^ 1]))


def test_the_key_sets_of_rfc_7517() -> None:
    """Of the printed sets the keys for signatures are read, without the private members, and those for encryption are not."""
    sets = {vector["id"]: vector["input"]["jwks"] for vector in VECTORS if vector["kind"] in {"jwks", "jwks-negative"}}
    public, private = (KeySet.read(sets[name], check_algorithms(None)) for name in ("jwk-set-a1", "jwk-set-a2-private"))
    assert [key.kid for key in public.keys] == ["2011-04-29"]
    assert public.keys == private.keys
    assert not public.warnings
    assert "private" in private.warnings[0]
    secret = KeySet.read(sets["jwk-set-a3-symmetric"], check_algorithms(["HS256"]))
    assert [key.kid for key in secret.keys] == ["HMAC key used in JWS A.1 example"]


@each("alg", ALL + MAC)
def test_each_algorithm_verifies_its_own_signatures(alg: str) -> None:
    """A signature is verified by its key; not by another key, under another text, with an octet changed, or in another length."""
    (key,) = read(public_jwk(alg), algorithms=[alg]).keys
    message = b"a.b"
    signature = signature_of(alg, message)
    assert key.verify(message, signature)
    assert not key.verify(b"a.c", signature)
    assert not key.verify(message, signature_of(alg, message, private_key(alg, "other")))
    for wrong in (b"", signature[:-1], signature + b"\0", b"\0" + signature, b"\0" * len(signature), b"\xff" * len(signature)):
        assert not key.verify(message, wrong)
    for at in range(0, len(signature), 7):
        assert not key.verify(message, signature[:at] + bytes([signature[at] ^ 0x80]) + signature[at + 1 :])


@each("alg", ALL)
def test_R8725_3_1_2_a_key_has_one_algorithm(alg: str) -> None:
    """A key is bound to its own `alg`, else to the first allowed algorithm that fits, and is no candidate for another."""
    for own in (alg, None):
        keys = read(public_jwk(alg, alg=own), algorithms=[alg, *(one for one in ALL if one != alg)])
        fitting = [name for name in ALL if keys.candidates(None, check_algorithms([name])[0])]
        assert fitting == [alg]


def test_a_key_for_an_algorithm_that_is_not_allowed_is_skipped() -> None:
    """A key that names another algorithm than those of the list is not read for one of the list."""
    keys = read(public_jwk("RS256", alg="RS512"), public_jwk("RS256", alg="RS256"), algorithms=["RS256"])
    assert [key.algorithm.name for key in keys.keys] == ["RS256"]
    assert len(keys.skipped) == 1


def test_an_rsa_key_without_alg_is_for_the_first_that_is_allowed() -> None:
    """Such a key of a default verifier is for RS256, the one that identity providers use."""
    assert read(public_jwk("RS256")).keys[0].algorithm.name == "RS256"
    assert read(public_jwk("RS256"), algorithms=["PS256", "RS256"]).keys[0].algorithm.name == "PS256"


@each("names", [["EdDSA"], ["Ed25519"], ["EdDSA", "Ed25519"]])
def test_both_names_of_ed25519_are_one_algorithm(names: list[str]) -> None:
    """Either name allows both, in the header and in the key (decision D43)."""
    for alg in ("EdDSA", "Ed25519", None):
        keys = read(public_jwk("Ed25519", alg=alg), algorithms=names)
        for header in ("EdDSA", "Ed25519"):
            found = find_algorithm(header)
            assert found is not None
            assert len(keys.candidates(None, found)) == 1


GOOD: dict[str, Any] = public_jwk("ES256", kid="good")
RSA: dict[str, Any] = public_jwk("RS256")
N: int = private_key("RS256").public_key().public_numbers().n
SHORT: int = private_key("RS256", "short").public_key().public_numbers().n
ZEROS = segment(bytes(32))
ODD: dict[str, Any] = {
    "a string": "key",
    "null": None,
    "a list": [GOOD],
    "an empty object": {},
    "kty null": {**GOOD, "kty": None},
    "a kty that is a number": {**GOOD, "kty": 1},
    "an unknown kty": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
    "kty in lower case": {**GOOD, "kty": "ec"},
    "a secret among public keys": public_jwk("HS256", alg="HS256"),
    "a kid that is a number": {**GOOD, "kid": 1},
    "a kid that is null": {**GOOD, "kid": None},
    "use enc": {**GOOD, "use": "enc"},
    "use SIG": {**GOOD, "use": "SIG"},
    "use as a list": {**GOOD, "use": ["sig"]},
    "key_ops encrypt": {**GOOD, "key_ops": ["encrypt"]},
    "key_ops sign": {**GOOD, "key_ops": ["sign"]},
    "key_ops as text": {**GOOD, "key_ops": "verify"},
    "key_ops empty": {**GOOD, "key_ops": []},
    "key_ops with a number": {**GOOD, "key_ops": ["verify", 1]},
    "alg of another type": {**GOOD, "alg": "RS256"},
    "alg of another curve": {**GOOD, "alg": "ES384"},
    "alg none": {**GOOD, "alg": "none"},
    "alg HS256": {**GOOD, "alg": "HS256"},
    "alg in lower case": {**GOOD, "alg": "es256"},
    "alg as a list": {**GOOD, "alg": ["ES256"]},
    "alg null": {**GOOD, "alg": None},
    "another curve": {**GOOD, "crv": "P-384"},
    "an unknown curve": {**GOOD, "crv": "secp256k1"},
    "a curve as a number": {**GOOD, "crv": 256},
    "no y": {name: value for name, value in GOOD.items() if name != "y"},
    "a point off the curve": {**GOOD, "y": GOOD["x"]},
    "the point (0, 0)": {**GOOD, "x": ZEROS, "y": ZEROS},
    "x that is short": {**GOOD, "x": segment(bytes(31))},
    "x with padding": {**GOOD, "x": GOOD["x"] + "="},
    "x in another alphabet": {**GOOD, "x": "+" + GOOD["x"][1:]},
    "x as a number": {**GOOD, "x": 7},
    "x beyond the field": {**GOOD, "x": segment(b"\xff" * 32)},
    "RSA without n": {"kty": "RSA", "e": "AQAB"},
    "RSA without e": {"kty": "RSA", "n": RSA["n"]},
    "RSA of 1024 bits": public_jwk("RS256", "short"),
    "RSA of 2047 bits": {**RSA, "n": number(N >> 1 | 1)},
    "RSA of 1024 bits, zeros before": {**RSA, "n": number(SHORT, 256)},
    "RSA of 8193 bits": {**RSA, "n": number(1 << 8192 | 1)},
    "RSA of 400,000 bits": {**RSA, "n": number(1 << 400_000 | 1)},
    "RSA with an even modulus": {**RSA, "n": number(N - 1)},
    "RSA with e=0": {**RSA, "e": "AA"},
    "RSA with e of no octet": {**RSA, "e": ""},
    "RSA with e=1": {**RSA, "e": "AQ"},
    "RSA with e=2": {**RSA, "e": "Ag"},
    "RSA with e=65536": {**RSA, "e": "AQAA"},
    "RSA with e of 65 bits": {**RSA, "e": number(1 << 64 | 1)},
    "RSA with e of 2048 bits": {**RSA, "e": number(N - 2)},
    "RSA with bad base64": {**RSA, "n": RSA["n"] + "!"},
    "RSA with n as a list": {**RSA, "n": [RSA["n"]]},
    "OKP of X25519": {"kty": "OKP", "crv": "X25519", "x": public_jwk("Ed25519")["x"]},
    "OKP of Ed448": {"kty": "OKP", "crv": "Ed448", "x": segment(b"\1" * 57)},
    "OKP of 31 octets": {"kty": "OKP", "crv": "Ed25519", "x": segment(b"\1" * 31)},
    "OKP, the neutral point": {"kty": "OKP", "crv": "Ed25519", "x": segment(b"\1" + bytes(31))},
    "OKP of order 4": {"kty": "OKP", "crv": "Ed25519", "x": ZEROS},
}


@each("name", ODD)
def test_R7517_5_1_an_odd_key_is_skipped_alone(name: str) -> None:
    """A malformed, weak or unknown member is counted, with what is wrong, and the good key beside it verifies."""
    keys = read(ODD[name], GOOD, ODD[name])
    assert [key.kid for key in keys.keys] == ["good"]
    assert [words.partition(" ")[0] for words in keys.skipped] == ["key", "key"]
    assert keys.keys[0].verify(b"a.b", signature_of("ES256", b"a.b"))


def test_numbers_may_have_zeros_in_front() -> None:
    """Some libraries write the sign octet of their big numbers; the key is the same."""
    plain, padded = read(RSA).keys[0], read({**RSA, "n": segment(b"\0" + N.to_bytes(256)), "e": "AAEAAQ"}).keys[0]
    assert plain == padded
    assert padded.verify(b"a.b", signature_of("RS256", b"a.b"))


def _is_of_small_order(octets: bytes) -> bool:
    """Tell whether a point of Ed25519 has small order, by doubling it three times (RFC 8032 §5.1.4)."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    y = int.from_bytes(octets, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    x = pow(square, (p + 3) // 8, p)
    x = x if x * x % p == square else x * pow(2, (p - 1) // 4, p) % p
    assert x * x % p == square
    for _ in range(3):
        t = d * x * x * y * y
        x, y = 2 * x * y * pow(1 + t, -1, p) % p, (y * y + x * x) * pow(1 - t, -1, p) % p
    return (x, y) == (0, 1)


SMALL = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@each("point", SMALL)
def test_R8725_3_4_1_points_of_small_order(point: str) -> None:
    """The points by which everybody signs are no keys, with either sign."""
    octets = bytes.fromhex(point)
    assert _is_of_small_order(octets)
    for one in (octets, octets[:-1] + bytes([octets[-1] ^ 0x80])):
        assert not is_sound_ed25519(one)


@each("above", range(19))
def test_R8725_3_4_1_coordinates_beyond_the_field(above: int) -> None:
    """A coordinate of p or more is a second spelling of another one, and no key."""
    assert not is_sound_ed25519((2**255 - 19 + above).to_bytes(32, "little"))


def test_R8725_3_4_1_points_on_the_curve() -> None:
    """Each key that the library makes is sound; of other octets about half are on the curve."""
    for _ in range(20):
        octets = private_key("Ed25519", secrets.token_hex(4)).public_key().public_bytes_raw()
        assert is_sound_ed25519(octets)
        assert not _is_of_small_order(octets)
    on_curve = [is_sound_ed25519(number.to_bytes(32, "little")) for number in range(2, 202)]
    assert 60 < sum(on_curve) < 140


def test_a_key_set_is_an_object_with_an_array() -> None:
    """Anything else is a GrammarError and no empty set; an empty array is an empty set."""
    for document in (None, [], [GOOD], "keys", {}, {"keys": None}, {"keys": GOOD}, {"keys": "[]"}, GOOD):
        with pytest.raises(GrammarError):
            KeySet.read(document, check_algorithms(None))
    assert KeySet.read({"keys": []}, check_algorithms(None)).keys == ()


def test_only_so_many_keys_are_read() -> None:
    """A huge set costs what a hundred keys cost, and says so."""
    keys = read(*[{**GOOD, "kid": str(n)} for n in range(MOST_KEYS)], *[GOOD] * 10_000)
    assert len(keys.keys) == MOST_KEYS
    assert len(keys.skipped) == 1


def test_candidates_by_kid() -> None:
    """An id finds its own keys and no other; without one all that fit are tried, 8 at most (decision D40, threats T2)."""
    es256, rs256 = check_algorithms(["ES256"])[0], check_algorithms(["RS256"])[0]
    members = [public_jwk("ES256", str(n), kid=str(n)) for n in range(10)]
    twice = [public_jwk("RS256", kid="1"), public_jwk("ES256", "b", kid="1"), public_jwk("ES256", "c")]
    keys = read(*members, *twice)
    assert len(keys.candidates(None, es256)) == MOST_CANDIDATES
    assert [key.kid for key in keys.candidates("3", es256)] == ["3"]
    assert keys.candidates("3", rs256) == ()
    assert len(keys.candidates("1", es256)) == 2
    assert len(keys.candidates("1", rs256)) == 1
    for unknown in ("", "10", "1 ", "None", "../../dev/null", "' OR 1=1"):
        assert keys.candidates(unknown, es256) == ()
        assert not keys.has_kid(unknown)
    assert keys.has_kid("1")


def test_a_key_is_known_by_what_it_is() -> None:
    """A set that was fetched again knows the keys that stayed, and not those of which the id, algorithm or material changed."""
    keys = read(public_jwk("ES256", kid="a"), public_jwk("RS256", kid="b"))
    again = read(public_jwk("RS256", kid="b"), public_jwk("ES256", kid="a"), {"kty": "odd"})
    assert all(key in again for key in keys.keys)
    for other in (public_jwk("ES256", kid="c"), public_jwk("ES256", "x", kid="a"), public_jwk("RS256", kid="b", alg="PS256")):
        assert read(other).keys[0] not in keys


@each(("alg", "octets"), [("HS256", 31), ("HS384", 47), ("HS512", 63), ("HS256", 0), ("HS256", 16)])
def test_R7518_3_2_1_short_secrets(alg: str, octets: int) -> None:
    """A secret shorter than the hash is an error of the configuration, also beside a good one."""
    weak = {"kty": "oct", "k": segment(secrets.token_bytes(octets))}
    for members in ([weak], [public_jwk(alg), weak]):
        with pytest.raises(ConfigurationError, match="octets or more"):
            StaticKeys({"keys": members}, check_algorithms([alg]))


MADE_UP = [
    b"changeme",
    b"changeme" * 8,
    b"a" * 64,
    b"correct horse battery staple and more",
    b"the-secret-of-this-service-is-long",
    b"\0" * 64,
]


@each("secret", MADE_UP)
def test_R8725_3_5_1_secrets_that_people_make_up(secret: bytes) -> None:
    """Words and repeated letters are an error of the configuration, however long, and no message shows them."""
    with pytest.raises(ConfigurationError) as caught:
        StaticKeys({"keys": [{"kty": "oct", "k": segment(secret)}]}, check_algorithms(["HS256"]))
    assert "chang" not in str(caught.value)


def test_random_secrets_are_taken() -> None:
    """Random octets are a secret, also written in hex or base64."""
    for _ in range(200):
        for secret in (secrets.token_bytes(32), secrets.token_hex(32).encode(), secrets.token_urlsafe(32).encode()):
            assert not is_memorable(secret)


def public_forms() -> dict[str, bytes]:
    """Return the public key of the issuer in every form in which it is published."""
    key = private_key("RS256").public_key()
    encoding, layout = serialization.Encoding, serialization.PublicFormat
    return {
        "PEM": key.public_bytes(encoding.PEM, layout.SubjectPublicKeyInfo),
        "DER": key.public_bytes(encoding.DER, layout.SubjectPublicKeyInfo),
        "PKCS1 PEM": key.public_bytes(encoding.PEM, layout.PKCS1),
        "PKCS1 DER": key.public_bytes(encoding.DER, layout.PKCS1),
        "OpenSSH": key.public_bytes(encoding.OpenSSH, layout.OpenSSH),
    }


@each("form", public_forms())
def test_R8725_3_1_2_a_public_key_is_no_secret(form: str) -> None:
    """The public key of an issuer as a shared secret is an error of the configuration: everybody has it."""
    with pytest.raises(ConfigurationError):
        StaticKeys({"keys": [{"kty": "oct", "k": segment(public_forms()[form])}]}, check_algorithms(["HS256"]))


@each(
    ("given", "words"),
    [
        ([], "at least one"),
        ("ES256", "not one string"),
        (["none"], "unsigned"),
        (["None"], "unsigned"),
        (["ES256", "none"], "unsigned"),
        (["es256"], "Use some of"),
        (["ES256K"], "Use some of"),
        (["HS256", "RS256"], "one kind"),
        (["ES256", "HS512"], "one kind"),
        ([None], "non-empty string"),
        (256, "collection"),
    ],
)
def test_R8725_3_1_1_lists_of_algorithms(given: Any, words: str) -> None:
    """An empty list, an unknown name, "none", and shared secrets beside public keys are errors of the configuration."""
    with pytest.raises(ConfigurationError, match=words):
        check_algorithms(given)


def test_the_default_is_every_signature_by_a_public_key() -> None:
    """Without a list no HMAC is allowed; names are compared exactly."""
    assert [algorithm.name for algorithm in check_algorithms(None)] == ALL
    for name in ("none", "None", "nOnE", "", "es256", "ES256 ", "HS1", None, 1, True, ["ES256"], {"alg": "ES256"}):
        assert find_algorithm(name) is None


def test_given_keys() -> None:
    """Given keys answer at once, and are errors of the configuration where none can be used."""
    algorithms = check_algorithms(None)
    source = StaticKeys({"keys": [GOOD]}, algorithms)
    assert run(source.keys("unknown")) is source.fresh()
    assert "good" not in repr(source)
    wrongs: list[Any] = [{}, {"keys": []}, {"keys": [ODD["RSA of 1024 bits"]]}, {"keys": [public_jwk("HS256")]}, [], None, "keys", GOOD]
    for wrong in wrongs:
        with pytest.raises(ConfigurationError, match="keys="):
            StaticKeys(wrong, algorithms)


def test_W12_a_library_that_fails_is_an_outage() -> None:
    """An exception of the library of signatures is no wrong signature."""

    def fail(signing_input: bytes, signature: bytes) -> bool:
        raise MemoryError

    key = VerificationKey(None, check_algorithms(["ES256"])[0], (), fail, 64)
    assert not key.verify(b"a.b", bytes(63))
    with pytest.raises(Unavailable, match="MemoryError"):
        key.verify(b"a.b", bytes(64))


def test_a_repr_shows_no_secret() -> None:
    """Neither a key nor a set of keys prints its material."""
    keys = read(public_jwk("HS256", kid="a"), algorithms=["HS256"])
    for text in (repr(keys), repr(keys.keys[0])):
        assert repr(private_key("HS256"))[2:40] not in text
        assert public_jwk("HS256")["k"][:20] not in text
