"""The requirements of the RFCs on JWTs, one test for each that has none elsewhere. The tokens are those of the table of vectors."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from typing import Any

from tests.support.each import each
from tests.support.token_vectors import ACCEPTED, AUDIENCE, CLAIMS, HEADER, ISSUER, KEYS, NOW, REFUSED, CountedKeys, token
from tests.support.tokens import private_key, public_jwk
from watchword.checkers import JWT
from watchword.reason import Reason
from watchword.testing import FixedClock
from watchword.verdict import Accepted, Refused


def checker(**options: Any) -> JWT:
    """Return a checker of the issuer of the vectors."""
    return JWT(**{"issuer": ISSUER, "audience": AUDIENCE, "keys": KEYS, "clock": FixedClock(NOW), **options})


def all_refused(*beginnings: str, least: int, **options: Any) -> None:
    """Hold that every vector whose name begins so is refused, under options that relax what can be relaxed."""
    names = [name for name in REFUSED if name.startswith(beginnings)]
    assert len(names) >= least, names
    for name in names:
        assert isinstance(checker(**options).verify(REFUSED[name].token), Refused), name


def test_R7519_4_1_repeated_claims() -> None:
    """A claim that comes twice is refused, also where the two spellings of its name differ, and where it is deep within."""
    all_refused("claims with sub twice", "claims with exp twice", "claims with a member twice", least=4, profile="any")


def test_R7519_4_2_unknown_claims() -> None:
    """Claims that nobody knows are ignored, and the principal has them."""
    verdict = checker().verify(ACCEPTED["unknown claims"])
    assert isinstance(verdict, Accepted)
    assert verdict.principal.claims["x"] == {"y": [1, 2.5, None]}


@each(("nbf", "accepted"), [(NOW + 60, True), (NOW + 60.5, False), (NOW + 61, False), (NOW, True), (0, True)])
def test_R7519_4_1_5_1_not_before(nbf: float, accepted: bool) -> None:  # noqa: FBT001 - a column
    """A token counts from nbf on, less the leeway, that second included."""
    assert isinstance(checker().verify(token(claims={"nbf": nbf})), Accepted) is accepted


def test_R7519_2_1_numbers_of_seconds() -> None:
    """Text, booleans, null, NaN, infinities and lists are no times; a fraction of a second is one."""
    all_refused("exp ", "nbf as", "iat as", "auth_time as", least=30, profile="any")
    assert isinstance(checker().verify(ACCEPTED["exp with a fraction"]), Accepted)


def test_R7519_7_2_1_claims_are_an_object_in_utf_8() -> None:
    """Claims that are another value, another encoding, or no JSON are refused."""
    all_refused("claims ", "compressed claims", "no claims", least=20, profile="any")


def test_R7519_6_1_unsigned() -> None:
    """An unsigned token is refused in every spelling of its algorithm, whatever is configured."""
    for options in ({}, {"profile": "any"}, {"algorithms": ["ES256"]}):
        all_refused("alg 'none", "alg 'None", "alg 'NONE", "alg 'nOnE", "alg ' none", "alg missing", "alg null", least=12, **options)


def test_R7515_4_1_repeated_header_members() -> None:
    """A member of the header that comes twice is refused."""
    all_refused("a header with alg twice", "a header with kid twice", least=3)


def test_R7515_4_1_4_1_kid_is_an_exact_key() -> None:
    """A kid is text, compared exactly; it is no path, no query and no address."""
    all_refused("kid ", least=15, profile="any")


def test_R7515_4_1_9_1_typ_is_a_media_type() -> None:
    """Its letter case and the prefix application/ mean nothing; a parameter is another type."""
    all_refused("typ ", least=15)
    for name in ("typ in upper case", "typ as RFC 9068 prints it", "typ with its prefix", "typ with its prefix in upper case"):
        assert isinstance(checker().verify(ACCEPTED[name]), Accepted)


def test_R7515_4_1_11_1_unknown_extensions() -> None:
    """An extension that is not understood refuses the token, although its signature is right."""
    all_refused("crit unknown", "crit b64", least=2, profile="any")


def test_R7515_4_1_11_2_malformed_lists_of_extensions() -> None:
    """A list that is empty, that names standard or absent members, or that is no list is refused."""
    all_refused("crit ", least=10, profile="any")


def test_R7518_3_3_1_short_rsa_keys() -> None:
    """A key of 1024 bits is not used, beside one that is, and a token by it is refused."""
    keys = {"keys": [public_jwk("RS256", "short", kid="short"), *KEYS["keys"]]}
    short = token({"alg": "RS256", "kid": "short"}, key=private_key("RS256", "short"))
    assert isinstance(checker(keys=keys).verify(short), Refused)
    assert isinstance(checker(keys=keys).verify(token()), Accepted)


def test_R7518_3_4_1_signatures_of_ecdsa() -> None:
    """A signature in DER, of zeros, of another length, or by another curve is refused."""
    all_refused("a signature ", least=20)
    keys = {"keys": [public_jwk("ES384", kid="ec")]}
    for alg in ("ES256", "ES384"):
        verdict = checker(keys=keys).verify(token({"alg": alg}, alg="ES384"))
        assert isinstance(verdict, Accepted) is (alg == "ES384")


@each("members", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "ES384"}, {"alg": "ECDH-ES"}, {"use": "enc", "key_ops": ["verify"]}])
def test_R7517_4_1_keys_for_something_else(members: dict[str, Any]) -> None:
    """use, key_ops and alg of a key restrict what it verifies, with the kid and without one."""
    keys = {"keys": [public_jwk("ES256", kid="ec", **members), public_jwk("RS256", kid="rsa")]}
    for kid in ("ec", ...):
        assert isinstance(checker(keys=keys).verify(token({"kid": kid})), Refused)


def test_R8725_3_8_1_keys_belong_to_their_issuer() -> None:
    """Of two issuers each verifies by its own keys: a token of one, signed by the other, is refused."""
    other = "https://other.example"
    both = JWT.any_of(checker(), checker(issuer=other, keys={"keys": [public_jwk("ES256", "other", kid="ec")]}))
    for issuer, name, accepted in ((ISSUER, "", True), (ISSUER, "other", False), (other, "other", True), (other, "", False)):
        verdict = both.verify(token(claims={"iss": issuer}, key=private_key("ES256", name)))
        assert isinstance(verdict, Accepted) is accepted


def test_R8725_3_10_1_keys_in_the_header() -> None:
    """jwk, jku, x5u and x5c select no key: signed by the attacker the token is refused, signed by the issuer they are ignored."""
    all_refused("the attacker's key", least=10, profile="any")
    assert isinstance(checker().verify(ACCEPTED["keys in the header, signed by the issuer"]), Accepted)


def test_R8725_3_11_1_tokens_of_other_kinds() -> None:
    """An ID token, a log-out token, a proof and a client assertion are no access token, in either profile."""
    kinds = (
        "an ID token",
        "a log-out token",
        "a refresh token",
        "typ an ID",
        "typ a log-out",
        "typ a DPoP",
        "typ a security",
        "typ a client",
    )
    all_refused(*kinds, least=9, profile="any")
    assertion = {"iss": "shop", "sub": "shop", "aud": AUDIENCE}
    for profile in ("at+jwt", "any"):
        verdict = checker(profile=profile).verify(token({"typ": "JWT"}, assertion))
        assert isinstance(verdict, Refused)
        assert verdict.reason is Reason.WRONG_ISSUER


def test_R9068_4_2_the_examples_of_the_rfcs() -> None:
    """The access tokens that RFC 9068 and RFC 9470 print, signed, are accepted at their time, with what they say of the login."""
    keys = CountedKeys()
    claims = {**CLAIMS, "iss": "https://authorization-server.example.com/", "sub": "5ba552d67", "aud": "https://rs.example.com/",
              "exp": 1639528912, "iat": 1618354090, "client_id": "s6BhdRkqt3", "scope": "openid profile reademail"}  # fmt: skip
    one = JWT(
        issuer="https://authorization-server.example.com/", audience="https://rs.example.com/", keys=keys, clock=FixedClock(1618354090)
    )
    verdict = one.verify(token({**HEADER, "typ": "at+JWT"}, claims))
    assert isinstance(verdict, Accepted)
    assert verdict.principal.scopes == {"openid", "profile", "reademail"}
    assert verdict.principal.kind == "user"
