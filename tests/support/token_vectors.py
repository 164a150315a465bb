"""Tokens that must be refused, each with its reason, and tokens that must not."""

# ruff: noqa: E501 - tables

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.support.tokens import number, private_key, public_jwk, segment, sign, signature_of
from watchword.checkers.jwt.algorithms import check_algorithms
from watchword.checkers.jwt.jwk import VerificationKey
from watchword.checkers.jwt.keys import KeySet
from watchword.operation import Operation, Steps
from watchword.reason import Reason

NOW = 1_700_000_000
ISSUER = "https://id.example.com"
AUDIENCE = "https://orders.example.com"
HEADER: dict[str, Any] = {"alg": "ES256", "typ": "at+jwt", "kid": "ec"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": NOW + 600, "iat": NOW, "jti": "4711", "client_id": "shop", "scope": "orders:read",
}  # fmt: skip
KEYS = {"keys": [public_jwk("ES256", kid="ec"), public_jwk("RS256", kid="rsa"), public_jwk("Ed25519", kid="ed")]}


class CountedKeys:
    """The keys of the issuer, which count how often somebody asks for them and how many signatures are verified by them.

    Args:
        document: the key set.
        algorithms: those that are allowed.
        at_hand: whether the keys are at hand; otherwise they are fetched each time.
    """

    def __init__(self, document: dict[str, Any] = KEYS, algorithms: list[str] | None = None, *, at_hand: bool = False) -> None:
        self.fetched = self.verified = 0
        self.at_hand = at_hand
        read = KeySet.read(document, check_algorithms(algorithms))
        self.set = KeySet(tuple(self._counted(key) for key in read.keys))

    def _counted(self, key: VerificationKey) -> VerificationKey:
        def verify(signing_input: bytes, signature: bytes) -> bool:
            self.verified += 1
            return key.verify(signing_input, signature)

        return VerificationKey(key.kid, key.algorithm, key.material, verify, key._octets)

    def _fetch(self) -> KeySet:
        self.fetched += 1
        return self.set

    def keys(self, kid: str | None) -> Steps[KeySet]:
        """Fetch the keys."""
        return (yield Operation(self._fetch))

    def fresh(self) -> KeySet | None:
        """Return the keys, if they are at hand."""
        return self.set if self.at_hand else None

    def refresh(self) -> None:
        """Return None: they never change."""


def token(header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, **how: Any) -> str:
    """Return a good token with some members changed; those of `...` are left out."""
    parts = [{**HEADER, **(header or {})}, {**CLAIMS, **(claims or {})}]
    head, body = ({name: value for name, value in part.items() if value is not ...} for part in parts)
    return sign(head, body, **how)


def raw(header: str | bytes | None = None, claims: str | bytes | None = None) -> str:
    """Return a token of these octets, signed by the issuer."""
    parts = [json.dumps(HEADER) if header is None else header, json.dumps(CLAIMS) if claims is None else claims]
    head, body = (part.encode() if isinstance(part, str) else part for part in parts)
    return sign(head, body, alg="ES256")


def with_claim(text: str) -> str:
    """Return a token of the issuer with one more member of JSON in its claims."""
    return raw(claims=json.dumps(CLAIMS)[:-1] + f", {text}}}")


def with_exp(text: str) -> str:
    """Return a token of the issuer with this JSON as exp."""
    return raw(claims=json.dumps({name: value for name, value in CLAIMS.items() if name != "exp"})[:-1] + f', "exp": {text}}}')


def resigned(signature: bytes, header: dict[str, Any] | None = None) -> str:
    """Return a good token with another signature."""
    return f"{token(header, alg='ES256').rpartition('.')[0]}.{segment(signature)}"


class Vector(NamedTuple):
    """A token that must be refused.

    Args:
        token: the token.
        reason: why.
        verified: how many signatures may be verified for it.
    """

    token: Any
    reason: Reason
    verified: int = 0


def _public_forms() -> dict[str, bytes]:
    """Return every spelling of the public RSA key that an attacker could take for a secret."""
    key = private_key("RS256").public_key()
    encoding, layout = serialization.Encoding, serialization.PublicFormat
    pem = key.public_bytes(encoding.PEM, layout.SubjectPublicKeyInfo)
    jwk = public_jwk("RS256", kid="rsa")
    return {
        "PEM": pem,
        "PEM without its last line break": pem.rstrip(),
        "PEM with CRLF": pem.replace(b"\n", b"\r\n"),
        "PKCS1 PEM": key.public_bytes(encoding.PEM, layout.PKCS1),
        "DER": key.public_bytes(encoding.DER, layout.SubjectPublicKeyInfo),
        "PKCS1 DER": key.public_bytes(encoding.DER, layout.PKCS1),
        "OpenSSH": key.public_bytes(encoding.OpenSSH, layout.OpenSSH),
        "JWK": json.dumps(jwk).encode(),
        "JWK without spaces": json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode(),
        "modulus": key.public_numbers().n.to_bytes(256),
        "modulus in base64url": jwk["n"].encode(),
    }


def _confused() -> dict[str, Vector]:
    vectors = {}
    for name, secret in _public_forms().items():
        for alg in ("HS256", "HS384", "HS512"):
            forged = token({"alg": alg, "kid": "rsa"}, alg=alg, key=secret)
            vectors[f"{alg} with the public RSA key as a secret, {name}"] = Vector(forged, Reason.WRONG_ALGORITHM)
    for kid in ("ec", "ed", "rsa"):
        empty = hmac.new(b"", b"", hashlib.sha256).digest()
        vectors[f"HS256 with an empty secret and the kid {kid}"] = Vector(
            resigned(empty, {"alg": "HS256", "kid": kid}), Reason.WRONG_ALGORITHM
        )
    return vectors


def _unsigned() -> dict[str, Vector]:
    vectors = {}
    for alg in ("none", "None", "NONE", "nOnE", "none ", " none", "none\0", ""):
        for kind, signature in (("no signature", b""), ("a signature", signature_of("ES256", b"x"))):
            vectors[f"alg {alg!r} with {kind}"] = Vector(resigned(signature, {"alg": alg}), Reason.WRONG_ALGORITHM)
    return vectors


ATTACKER = public_jwk("ES256", "attacker")


def _headers() -> dict[str, Vector]:
    theirs = {"alg": "ES256", "key": private_key("ES256", "attacker")}
    algorithms: dict[str, Any] = {
        "alg missing": ..., "alg null": None, "alg as a number": 256, "alg true": True, "alg as a list": ["ES256"], "alg as an object": {},
        "alg in lower case": "es256", "alg with a space": "ES256 ", "alg unknown": "ES256K", "alg of encryption": "RSA-OAEP",
        "alg dir": "dir", "alg PBES2": "PBES2-HS256+A128KW",
    }  # fmt: skip
    brought = {
        "jwk": ATTACKER, "jku": "https://attacker.example/jwks", "x5u": "https://attacker.example/x5u", "x5c": ["MIIB"],
        "x5t": "AAAA", "jku of the issuer": f"{ISSUER}@attacker.example/jwks",
    }  # fmt: skip
    types = {
        "JWT": "JWT", "jwt": "jwt", "a parameter": "at+jwt;x=1", "a space": "at+jwt ", "another prefix": "text/at+jwt", "empty": "",
        "an ID token": "id_token+jwt", "a log-out token": "logout+jwt", "a DPoP proof": "dpop+jwt", "a security event": "secevent+jwt",
        "introspection": "token-introspection+jwt", "twice the prefix": "application/application/at+jwt", "Kelvin": "at+\u212awt", "JOSE": "JOSE",
        "a client assertion": "client-authentication+jwt",
    }  # fmt: skip
    crits: dict[str, Any] = {
        "empty": [], "unknown": ["http://example.com/UNDEFINED"], "standard": ["alg"], "exp": ["exp"], "absent name": ["absent"], "b64": ["b64"],
        "text": "exp", "null": None, "false": False, "an object": {}, "numbers": [1], "twice": ["exp", "exp"],
    }  # fmt: skip
    vectors = {name: Vector(token({"alg": alg}, alg="ES256"), Reason.WRONG_ALGORITHM) for name, alg in algorithms.items()}
    for name, value in brought.items():
        header = {name.partition(" ")[0]: value}
        vectors[f"the attacker's key, {name} in the header"] = Vector(token(header, **theirs), Reason.BAD_SIGNATURE, 1)
        vectors[f"the attacker's key, {name} in the header and no kid"] = Vector(
            token({**header, "kid": ...}, **theirs), Reason.BAD_SIGNATURE, 1
        )
    vectors |= {f"typ {name}": Vector(token({"typ": typ}), Reason.WRONG_TOKEN_TYPE) for name, typ in types.items()}
    vectors["typ missing"] = Vector(token({"typ": ...}), Reason.WRONG_TOKEN_TYPE)
    for name, typ in {"null": None, "a list": ["at+jwt"], "a number": 1, "true": True}.items():
        vectors[f"typ as {name}"] = Vector(token({"typ": typ}), Reason.MALFORMED_TOKEN)
    for name, crit in crits.items():
        extension = {one: True for one in crit if one == "http://example.com/UNDEFINED"} if isinstance(crit, list) else {}
        vectors[f"crit {name}"] = Vector(token({"crit": crit, **extension}), Reason.MALFORMED_TOKEN)
    odd_b64: list[Any] = [False, None, 0, 1, "false", []]
    for b64 in odd_b64:
        vectors[f"b64 {b64!r}"] = Vector(token({"b64": b64}), Reason.MALFORMED_TOKEN)
    for kid in (
        "../../dev/null",
        "/dev/null",
        "' OR 1=1 --",
        "ec\0",
        "EC",
        "ec ",
        "",
        "https://attacker.example/jwks",
        "ec/../rsa",
        "é",
        "x" * 9000,
    ):
        vectors[f"kid {kid[:40]!r}"] = Vector(token({"kid": kid}), Reason.UNKNOWN_KEY)
    for name, odd in {"a number": 1, "null": None, "a list": ["ec"], "an object": {"kid": "ec"}, "true": True}.items():
        vectors[f"kid as {name}"] = Vector(token({"kid": odd}), Reason.MALFORMED_TOKEN)
    vectors["kid of a key of another type"] = Vector(token({"kid": "rsa"}), Reason.WRONG_ALGORITHM)
    vectors["PS256 by the key that is bound to RS256"] = Vector(token({"alg": "PS256", "kid": "rsa"}), Reason.WRONG_ALGORITHM)
    vectors["PS256 by that key, without a kid"] = Vector(token({"alg": "PS256", "kid": ...}), Reason.UNKNOWN_KEY)
    vectors["ES384 by a curve that no key has"] = Vector(token({"alg": "ES384", "kid": ...}), Reason.UNKNOWN_KEY)
    return vectors


def _signatures() -> dict[str, Vector]:
    good = token()
    head, _, last = good.rpartition(".")
    signature = signature_of("ES256", head.encode())
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other = ec.generate_private_key(ec.SECP256R1())
    two = {
        "of another key": signature_of("ES256", head.encode(), other),
        "of another text": signature_of("ES256", b"a.b"),
        "of the payload alone": signature_of("ES256", head.partition(".")[2].encode()),
        "of zeros": bytes(64),
        "with r = 0": bytes(32) + s.to_bytes(32),
        "with s = 0": r.to_bytes(32) + bytes(32),
        "with r = s = 1": (1).to_bytes(32) * 2,
        "with r = s = n": order.to_bytes(32) * 2,
        "with s + n, cut": r.to_bytes(32) + ((s + order) % 2**256).to_bytes(32),
        "of ones": b"\xff" * 64,
        "with R and S changed over": signature[32:] + signature[:32],
        "with a bit changed": bytes([signature[0] ^ 1]) + signature[1:],
    }
    none = {
        "empty": b"",
        "in DER": encode_dss_signature(r, s),
        "of 63 octets": signature[1:],
        "of 65 octets": b"\0" + signature,
        "with an octet behind": signature + b"\0",
        "twice": signature * 2,
        "of another curve": signature_of("ES384", head.encode(), ec.generate_private_key(ec.SECP384R1())),
        "of HS256": hmac.new(b"x" * 32, head.encode(), hashlib.sha256).digest(),
        "of RSA": signature_of("RS256", head.encode()),
        "of 9,000 octets": bytes(9000),
    }
    vectors = {f"a signature {name}": Vector(f"{head}.{segment(octets)}", Reason.BAD_SIGNATURE, 1) for name, octets in two.items()}
    vectors |= {f"a signature {name}": Vector(f"{head}.{segment(octets)}", Reason.BAD_SIGNATURE) for name, octets in none.items()}
    later = token(claims={"exp": NOW + 1200})
    vectors["the claims of another token"] = Vector(f"{head.partition('.')[0]}.{later.split('.')[1]}.{last}", Reason.BAD_SIGNATURE, 1)
    vectors["the header of another token"] = Vector(
        f"{token({'x': 1}).partition('.')[0]}.{good.partition('.')[2]}", Reason.BAD_SIGNATURE, 1
    )
    return vectors


def _syntax() -> dict[str, Vector]:
    good = token()
    head, body, last = good.split(".")
    deep = '"x": ' + "[" * 5000 + "]" * 5000
    texts = {
        "nothing": "", "a word": "hello", "periods": "..", "two segments": f"{head}.{body}",
        "four segments": f"{good}.{last}", "an empty fourth segment": f"{good}.", "five segments, a JWE": f"{good}.{last}.{last}",
        "no header": f".{body}.{last}", "no claims": f"{head}..{last}", "padding of the header": f"{head}=.{body}.{last}",
        "padding of the claims": f"{head}.{body}==.{last}", "padding of the signature": f"{good}==", "a line break behind": f"{good}\n",
        "CRLF behind": f"{good}\r\n", "a space before": f" {good}", "a space behind": f"{good} ", "a tab within": f"{head}.\t{body}.{last}",
        "a NUL behind": f"{good}\0", "a line break within": f"{head}.{body}.{last[:9]}\n{last[9:]}", "the scheme before": f"Bearer {good}",
        "percent-encoded": good.replace(".", "%2E"), "a full-width period": good.replace(".", "\uff0e"), "trailing bits": f"{good[:-1]}{_next(good[-1])}",
        "the other alphabet": f"{head}.{body}.{'+/' + last[2:]}", "letters beyond ASCII": f"{head}.{body}.é", "half a surrogate pair": f"{head}.{body}.\ud800",
        "the JSON serialization": json.dumps({"payload": body, "signatures": [{"protected": head, "signature": last}]}),
        "the flattened serialization": json.dumps({"payload": body, "protected": head, "signature": last}),
        "5 MB of letters": "a" * 5_000_000, "5 MB of periods": "." * 5_000_000, "5 MB of claims": f"{head}.{'e' * 5_000_000}.{last}",
        "16,385 octets": "a" * 16_385, "octets that are no text": b"\xff\xfe", "None": None, "a number": 1, "a list": [good],
    }  # fmt: skip
    vectors: dict[str, Vector] = {name: Vector(text, Reason.MALFORMED_TOKEN) for name, text in texts.items()}
    octets = {
        "claims with a byte order mark": b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode(), "claims in UTF-16": json.dumps(CLAIMS).encode("utf-16"),
        "claims in UTF-16 without a mark": json.dumps(CLAIMS).encode("utf-16-le"), "claims in UTF-32": json.dumps(CLAIMS).encode("utf-32"),
        "claims that are not UTF-8": json.dumps(CLAIMS).encode()[:-1] + b',"x":"\xff"}', "claims as an array": json.dumps([CLAIMS]).encode(),
        "claims as text": b'"ann"', "claims null": b"null", "claims that are no JSON": b"sub=ann", "claims twice": json.dumps(CLAIMS).encode() * 2,
        "claims with more behind": json.dumps(CLAIMS).encode() + b"x", "claims that are a token": good.encode(),
        "compressed claims": b"x\x9c\x4b\x04\x00\x00\x62\x00\x62",
    }  # fmt: skip
    vectors |= {name: Vector(raw(claims=text), Reason.MALFORMED_TOKEN) for name, text in octets.items()}
    members = {
        "sub twice": '"sub": "eve"', "sub twice, escaped": '"\\u0073ub": "eve"', "exp twice": '"exp": 9999999999', "a member twice within": '"x": {"a": 1, "a": 2}',
        "NaN": '"x": NaN', "Infinity": '"x": Infinity', "a number beyond a double": '"x": 1e999', "6,000 digits": '"x": ' + "9" * 6000, "nested 5,000": deep,
        "half a pair": '"x": "\\ud800"', "a control character": '"x": "\x01"',
    }  # fmt: skip
    vectors |= {f"claims with {name}": Vector(with_claim(text), Reason.MALFORMED_TOKEN) for name, text in members.items()}
    plain = json.dumps(HEADER)[:-1]
    heads = {
        "alg twice": ', "alg": "none"}', "alg twice, escaped": ', "\\u0061lg": "ES256"}', "kid twice": ', "kid": "rsa"}', "NaN": ', "x": NaN}',
        "6,000 digits": f', "x": {"9" * 6000}}}', "nested 5,000": f", {deep}}}", "more behind": "} {}",
    }  # fmt: skip
    vectors |= {f"a header with {name}": Vector(raw(plain + text), Reason.MALFORMED_TOKEN) for name, text in heads.items()}
    vectors["a header with a byte order mark"] = Vector(raw(b"\xef\xbb\xbf" + json.dumps(HEADER).encode()), Reason.MALFORMED_TOKEN)
    vectors["a header in UTF-16"] = Vector(raw(json.dumps(HEADER).encode("utf-16")), Reason.MALFORMED_TOKEN)
    vectors["a header as an array"] = Vector(raw("[]"), Reason.MALFORMED_TOKEN)
    return vectors


def _next(character: str) -> str:
    """Return a last character that decodes to the same octets for a lenient decoder."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]


def _claims() -> dict[str, Vector]:
    vectors = {}
    for name in ("exp", "aud", "sub", "client_id", "iat", "jti"):
        reason = Reason.WRONG_AUDIENCE if name == "aud" else Reason.INVALID_CLAIM
        vectors[f"no {name}"] = Vector(token(claims={name: ...}), reason)
    issuers = {
        "missing": ..., "with a slash": f"{ISSUER}/", "in upper case": ISSUER.upper(), "percent-encoded": ISSUER.replace("example", "ex%61mple"),
        "a prefix": ISSUER[:-1], "longer": f"{ISSUER}.attacker.example", "as a list": [ISSUER], "as an object": {ISSUER: 1}, "null": None, "true": True,
        "empty": "", "of another": "https://attacker.example", "with http": ISSUER.replace("https", "http"), "with a port": f"{ISSUER}:443",
        "with a space": f"{ISSUER} ", "with a line break": f"{ISSUER}\n",
    }  # fmt: skip
    vectors |= {f"iss {name}": Vector(token(claims={"iss": value}), Reason.WRONG_ISSUER) for name, value in issuers.items()}
    audiences = {
        "of another": "https://files.example.com", "longer": f"{AUDIENCE}/v2", "shorter": AUDIENCE[:-1], "in upper case": AUDIENCE.upper(), "empty": "",
        "an empty list": [], "others in a list": ["a", "b"], "with a slash": f"{AUDIENCE}/", "all in one text": f"a {AUDIENCE}", "a comma": f"{AUDIENCE},a",
    }  # fmt: skip
    vectors |= {f"aud {name}": Vector(token(claims={"aud": value}), Reason.WRONG_AUDIENCE) for name, value in audiences.items()}
    odd = {
        "an object": {AUDIENCE: True}, "a number": 1, "null": None, "true": True, "a number in a list": [AUDIENCE, 1], "null in a list": [AUDIENCE, None],
        "a list in a list": [[AUDIENCE]], "an object in a list": [{"aud": AUDIENCE}],
    }  # fmt: skip
    vectors |= {f"aud {name}": Vector(token(claims={"aud": value}), Reason.INVALID_CLAIM) for name, value in odd.items()}
    times = {
        "text": f'"{NOW + 600}"', "a date": '"2033-05-18T03:33:20Z"', "true": "true", "false": "false", "null": "null", "a list": f"[{NOW + 600}]", "an object": "{}",
        "negative": "-1", "milliseconds": str((NOW + 600) * 1000), "huge": "1e300", "64 digits": "9" * 64, "the year 10000": "253402300800",
    }  # fmt: skip
    vectors |= {f"exp {name}": Vector(with_exp(value), Reason.INVALID_CLAIM) for name, value in times.items()}
    vectors |= {
        f"exp {name}": Vector(with_exp(name), Reason.MALFORMED_TOKEN)
        for name in ("NaN", "Infinity", "-Infinity", "1e999", "0x10", "+1", "01")
    }
    for name in ("nbf", "iat", "auth_time"):
        for kind, value in {"text": str(NOW), "true": True, "null": None, "a list": [NOW], "negative": -1, "huge": 10**40}.items():
            vectors[f"{name} as {kind}"] = Vector(token(claims={name: value}), Reason.INVALID_CLAIM)
        vectors[f"{name} in the future"] = Vector(token(claims={name: NOW + 61}), Reason.NOT_YET_VALID, 1)
    ended = {"60 s ago": NOW - 60, "an hour ago": NOW - 3600, "zero": 0, "60.0 s ago": NOW - 60.0, "minus zero": -0.0}
    vectors |= {f"exp {name}": Vector(token(claims={"exp": value}), Reason.EXPIRED, 1) for name, value in ended.items()}
    texts: dict[str, Any] = {
        "a number": 1, "null": None, "true": True, "a list": ["ann"], "an object": {}, "empty": "", "long": "a" * 1025, "long in UTF-8": "é" * 513,
        "with a NUL": "ann\0", "with a line break": "ann\n",
    }  # fmt: skip
    for name in ("sub", "jti", "client_id"):
        vectors |= {f"{name} {kind}": Vector(token(claims={name: value}), Reason.INVALID_CLAIM) for kind, value in texts.items()}
    vectors["acr as a list"] = Vector(token(claims={"acr": ["1"]}), Reason.INVALID_CLAIM)
    vectors["amr as text"] = Vector(token(claims={"amr": "pwd"}), Reason.INVALID_CLAIM)
    vectors["amr with a number"] = Vector(token(claims={"amr": ["pwd", 1]}), Reason.INVALID_CLAIM)
    bound = {
        "jkt": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
        "x5t": {"x5t#S256": "A"},
        "unknown": {"x": 1},
        "empty": {},
        "null": None,
        "text": "x",
    }
    vectors |= {f"cnf {name}": Vector(token(claims={"cnf": value}), Reason.BOUND_TOKEN) for name, value in bound.items()}
    kinds: dict[str, Any] = {
        "an ID token": {"at_hash": "x"}, "an ID token with c_hash": {"c_hash": "x"}, "a log-out token": {"events": {}}, "an ID token of Cognito": {"token_use": "id"},
        "an ID token of Keycloak": {"typ": "ID"}, "a refresh token of Keycloak": {"typ": "Refresh"},
    }  # fmt: skip
    vectors |= {name: Vector(token(claims=value), Reason.WRONG_TOKEN_TYPE) for name, value in kinds.items()}
    held: dict[str, Any] = {
        "scope as a number": {"scope": 1}, "scope null": {"scope": None}, "scope true": {"scope": True}, "scope as an object": {"scope": {"orders:read": True}},
        "scope with a quote": {"scope": 'a"b'}, "scope with a tab": {"scope": "a\tb"}, "scope beyond ASCII": {"scope": "é"}, "a number among scopes": {"scope": ["a", 1]},
        "a scope with a space": {"scope": ["a b"]}, "an empty scope": {"scope": ["a", ""]}, "roles as a number": {"roles": 1}, "roles as an object": {"roles": {"admin": 1}},
        "roles null": {"roles": None}, "a number among roles": {"roles": ["a", 1]}, "an empty role": {"roles": [""]}, "2,000 roles": {"roles": ["a"] * 2000},
        "a role that is an object without value": {"roles": [{"name": "admin"}]},
    }  # fmt: skip
    vectors |= {name: Vector(token(claims=value), Reason.INVALID_CLAIM, 1) for name, value in held.items()}
    return vectors


REFUSED: dict[str, Vector] = {**_confused(), **_unsigned(), **_headers(), **_signatures(), **_syntax(), **_claims()}

ACCEPTED: dict[str, str] = {
    "as it is": token(),
    "without a kid": token({"kid": ...}),
    "RS256": token({"alg": "RS256", "kid": "rsa"}),
    "EdDSA": token({"alg": "EdDSA", "kid": "ed"}),
    "Ed25519": token({"alg": "Ed25519", "kid": "ed"}),
    "typ in upper case": token({"typ": "AT+JWT"}),
    "typ as RFC 9068 prints it": token({"typ": "at+JWT"}),
    "typ with its prefix": token({"typ": "application/at+jwt"}),
    "typ with its prefix in upper case": token({"typ": "APPLICATION/AT+JWT"}),
    "unknown members of the header": token({"x": [1], "cty": "x", "x5t#S256": "A", "zip": "DEF"}),
    "keys in the header, signed by the issuer": token({"jwk": ATTACKER, "jku": "https://attacker.example/", "x5c": ["MIIB"]}),
    "unknown claims": token(claims={"x": {"y": [1, 2.5, None]}, "https://example.com/is_root": True}),
    "b64 that says what holds anyway": token({"b64": True}),
    "aud as a list": token(claims={"aud": [AUDIENCE]}),
    "aud as a list with others": token(claims={"aud": ["a", AUDIENCE, "b"]}),
    "exp with a fraction": token(claims={"exp": NOW + 0.5}),
    "exp in exponents": with_exp("1.7000006e9"),
    "exp within the leeway": token(claims={"exp": NOW - 59}),
    "nbf within the leeway": token(claims={"nbf": NOW + 60}),
    "iat within the leeway": token(claims={"iat": NOW + 60}),
    "spaces in the JSON": raw(json.dumps(HEADER, indent=2) + "\n", json.dumps(CLAIMS, indent=2)),
    "escapes in the JSON": raw(claims=json.dumps(CLAIMS).replace("ann", "\\u0061nn")),
    "scopes as a list": token(claims={"scope": ["orders:read"]}),
    "no scope": token(claims={"scope": ...}),
    "an empty scope": token(claims={"scope": ""}),
    "a subject beyond ASCII": token(claims={"sub": "büro 7"}),
}
"""Good tokens."""

__all__ = [
    "ACCEPTED",
    "AUDIENCE",
    "CLAIMS",
    "HEADER",
    "ISSUER",
    "KEYS",
    "NOW",
    "REFUSED",
    "CountedKeys",
    "Vector",
    "number",
    "raw",
    "token",
]
