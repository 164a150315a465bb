"""Attacks on tokens and keys (rows T1 to T7). The table of vectors in tests/unit/checkers/jwt has hundreds more."""

# ruff: noqa: FBT003, N802 - a table has columns; a test carries the id of its row

from __future__ import annotations

import json
import socket
import zlib
from typing import Any

import pytest

from tests.support.token_vectors import AUDIENCE, CLAIMS, HEADER, ISSUER, KEYS, NOW, REFUSED, CountedKeys, raw, token
from tests.support.tokens import private_key, public_jwk, segment, sign
from watchword import Bearer, ConfigurationError, Guard, RequestView, optional
from watchword.checkers import JWT
from watchword.checkers.jwt import ClaimMap
from watchword.reason import Reason
from watchword.testing import FixedClock
from watchword.verdict import Accepted, Refused, Verdict


def checker(**options: Any) -> JWT:
    """Return a checker of the issuer of the vectors."""
    return JWT(**{"issuer": ISSUER, "audience": AUDIENCE, "keys": KEYS, "clock": FixedClock(NOW), **options})


def refused(verdict: Verdict) -> Reason:
    """Return why a token was refused."""
    assert isinstance(verdict, Refused)
    return verdict.reason


def test_T1_the_header_never_selects_the_algorithm() -> None:
    """No token is verified by another algorithm than that of its key: neither unsigned, nor by HMAC with what is public."""
    keys = CountedKeys()
    forged = [name for name, vector in REFUSED.items() if vector.reason is Reason.WRONG_ALGORITHM]
    assert len(forged) > 50
    for name in forged:
        assert refused(checker(keys=keys).verify(REFUSED[name].token)) is Reason.WRONG_ALGORITHM
    assert keys.verified == 0
    for algorithms in (["HS256", "ES256"], ["none"], []):
        with pytest.raises(ConfigurationError):
            checker(algorithms=algorithms)


def test_T1_an_algorithm_that_is_not_allowed_asks_for_no_key() -> None:
    """The list of the verifier decides, before any key is looked at: also where the issuer has a key for that algorithm."""
    for alg, kid in (("RS256", "rsa"), ("EdDSA", "ed"), ("HS256", "ec"), ("none", "ec"), ("es256", "ec"), ("ES256", "ec")):
        keys = CountedKeys()
        verdict = checker(keys=keys, algorithms=["ES256"]).verify(token({"alg": alg, "kid": kid}, alg="ES256"))
        assert isinstance(verdict, Accepted) is (alg == "ES256")
        assert (keys.fetched, keys.verified) == ((1, 1) if alg == "ES256" else (0, 0)), alg


def test_T1_a_key_that_is_allowed_for_two_is_used_with_one() -> None:
    """An RSA key without alg verifies RS256 alone, although PS256 is allowed too; an EC key of one curve no other curve's algorithm."""
    one = checker(algorithms=["RS256", "PS256", "ES256", "ES384"])
    assert isinstance(one.verify(token({"alg": "RS256", "kid": "rsa"})), Accepted)
    for kid in ("rsa", ...):
        assert isinstance(one.verify(token({"alg": "PS256", "kid": kid})), Refused)
    assert isinstance(one.verify(token({"alg": "ES384", "kid": "ec"}, key=private_key("ES384"))), Refused)


def test_T2_keys_without_alg_use_and_kid() -> None:
    """Missing and repeated members of keys: what is there restricts, and what is missing widens nothing."""
    ec, other = public_jwk("ES256"), public_jwk("ES256", "other")
    table: list[tuple[list[dict[str, Any]], dict[str, Any], bool]] = [
        ([ec], {}, False),  # the header names a kid that no key has: no other key is tried
        ([ec], {"kid": ...}, True),
        ([{**ec, "kid": "ec"}], {}, True),
        ([{**ec, "kid": "ec"}], {"kid": ...}, True),
        ([{**ec, "kid": "EC"}], {}, False),
        ([{**ec, "kid": "ec", "use": "enc"}], {}, False),
        ([{**ec, "kid": "ec", "key_ops": ["sign"]}], {}, False),
        ([{**ec, "kid": "ec", "alg": "ES384"}], {}, False),
        ([{**other, "kid": "ec"}, {**ec, "kid": "ec"}], {}, True),  # the kid twice, both of the issuer
        ([public_jwk("RS256", kid="ec"), {**ec, "kid": "ec"}], {}, True),
        ([{**other, "kid": "ec"}, {**ec, "kid": "2"}], {}, False),
        ([other, ec], {"kid": ...}, True),
        ([public_jwk("ES256", str(n)) for n in range(8)] + [ec], {"kid": ...}, False),  # the ninth is not tried
    ]
    for members, header, accepted in table:
        keys = CountedKeys({"keys": members})
        verdict = checker(keys=keys).verify(token(header))
        assert isinstance(verdict, Accepted) is accepted, (members, header)
        assert keys.verified <= 8


def test_T3_a_token_brings_neither_a_key_nor_an_address() -> None:
    """jku, x5u, jwk and x5c of a header are never used, nor is an iss that is not configured: nobody connects to where they point."""
    theirs, attacker = public_jwk("ES256", "attacker", kid="ec"), private_key("ES256", "attacker")
    both = JWT.any_of(checker(), checker(issuer="https://other.example"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        there = f"http://127.0.0.1:{listening.getsockname()[1]}"
        for extra in ({"jwk": theirs}, {"jku": f"{there}/jwks"}, {"x5u": f"{there}/x5u"}, {"x5c": ["MIIB"]}):
            for one in (checker(), both):
                assert refused(one.verify(token(extra, key=attacker))) is Reason.BAD_SIGNATURE
                assert refused(one.verify(token(extra, {"iss": there}, key=attacker))) is Reason.WRONG_ISSUER
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_T4_an_unknown_issuer_is_refused_on_optional_routes_too() -> None:
    """A token of an unknown issuer is refused where no credentials would be let in, without a question for keys."""
    keys = CountedKeys()
    guard = Guard(Bearer(checker(keys=keys)), rules={"/**": optional}, clock=FixedClock(NOW))
    assert guard.decide(RequestView("GET", "/")).granted
    for claims in ({"iss": "https://attacker.example"}, {"iss": ...}):
        view = RequestView("GET", "/", [("Authorization", f"Bearer {token(claims=claims)}")])
        decision = guard.decide(view)
        assert not decision.granted
        assert guard.refuse(decision, view).status == 401
    assert keys.fetched == 0


def test_T5_types_are_exact_and_options_drop_nothing() -> None:
    """iss, aud and exp of another type, or that match in part, are refused, whatever options are given."""
    custom = checker(required=["jti"], claims=ClaimMap(roles=("groups",), profile="any"), leeway=300)
    names = [name for name in REFUSED if name.startswith(("iss ", "aud ", "exp ", "nbf as", "iat as"))]
    assert len(names) > 50
    for name in names:
        if not name.endswith("ago"):  # the leeway is longer
            assert isinstance(custom.verify(REFUSED[name].token), Refused), name


def test_T6_every_critical_extension_is_refused() -> None:
    """A crit of any form is refused before the signature, also where it names what is understood, and so is b64."""
    names = [name for name in REFUSED if name.startswith(("crit ", "b64 "))]
    assert len(names) > 15
    for name in names:
        keys = CountedKeys()
        assert refused(checker(keys=keys).verify(REFUSED[name].token)) is Reason.MALFORMED_TOKEN
        assert keys.fetched == keys.verified == 0


def test_T7_nothing_is_inflated_and_nothing_long_is_decoded() -> None:
    """A compressed payload is no JSON, a JWE is no token here, and a long token is refused by its length alone."""
    bomb = zlib.compress(json.dumps({**CLAIMS, "x": "a" * 10_000_000}).encode(), 9)
    texts = {
        "compressed": sign({**HEADER, "zip": "DEF"}, bomb[:9000]),
        "raw deflate": sign({**HEADER, "zip": "DEF"}, bomb[2:9000]),
        "an encrypted token by a password": ".".join(map(segment, [b'{"alg":"PBES2-HS256+A128KW","p2c":2147483647}', b"", b"", b"", b""])),
        "20,000 deep": raw(claims="[" * 20_000),
        "a long one": token(claims={"x": "a" * 13_000}),
    }
    for name, text in texts.items():
        keys = CountedKeys()
        assert refused(checker(keys=keys).verify(text)) is Reason.MALFORMED_TOKEN, name
        assert keys.fetched == keys.verified == 0
