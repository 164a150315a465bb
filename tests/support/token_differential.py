"""Asks three verifiers about one token: this package, PyJWT and joserfc, each configured as strictly as it can be."""

# ruff: noqa: E501 - a table

from __future__ import annotations

import json
import time
import warnings
from typing import TYPE_CHECKING, Any

import jwt as pyjwt
from joserfc import jwk, jwt
from joserfc.jws import JWSRegistry

from tests.support.tokens import private_key, public_jwk, segment, sign
from watchword.checkers import JWT
from watchword.testing import FixedClock
from watchword.verdict import Accepted

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = int(time.time())  # PyJWT takes no clock
ISSUER, AUDIENCE = "https://id.example.com", "https://orders.example.com"
HEADER: dict[str, Any] = {"alg": "ES256", "typ": "at+jwt", "kid": "ec"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": NOW + 86_400, "iat": NOW - 60, "jti": "4711", "client_id": "shop",
}  # fmt: skip
PUBLIC = public_jwk("ES256", kid="ec")
REQUIRED = ["iss", "aud", "sub", "exp", "iat", "jti", "client_id"]

_OURS = JWT(issuer=ISSUER, audience=AUDIENCE, keys={"keys": [PUBLIC]}, algorithms=["ES256"], clock=FixedClock(NOW))
_THEIRS = pyjwt.PyJWK(PUBLIC)
_JOSE = jwk.import_key(PUBLIC)
_REGISTRY = JWSRegistry(algorithms=["ES256"], strict_check_header=False)
_OPTIONS: dict[str, Any] = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": AUDIENCE}}
_OPTIONS |= {name: {"essential": True} for name in ("sub", "exp", "iat", "jti", "client_id")}
_CLAIMS = jwt.JWTClaimsRegistry(now=NOW, leeway=60, **_OPTIONS)


def ours(token: str) -> bool:
    """Tell whether this package accepts a token."""
    return isinstance(_OURS.verify(token), Accepted)


def by_pyjwt(token: str) -> bool:
    """Tell whether PyJWT accepts it. It takes no `kid` and no `typ`: these are left to the program."""
    try:
        pyjwt.decode(token, _THEIRS, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER, leeway=60, options={"require": REQUIRED})
    except Exception:  # noqa: BLE001 - some are none of its own: what matters is whether the token is accepted
        return False
    return True


def by_joserfc(token: str) -> bool:
    """Tell whether joserfc accepts it, with its own check of claims."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _CLAIMS.validate(jwt.decode(token, _JOSE, algorithms=["ES256"], registry=_REGISTRY).claims)
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


OTHERS: dict[str, Callable[[str], bool]] = {"PyJWT": by_pyjwt, "joserfc": by_joserfc}


def changed(header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None) -> str:
    """Return a token of the issuer with some members changed; those of `...` are left out."""
    parts = [{**HEADER, **(header or {})}, {**CLAIMS, **(claims or {})}]
    head, body = ({name: value for name, value in part.items() if value is not ...} for part in parts)
    return sign(head, body, alg="ES256", key=private_key("ES256"))


def spelt(header: bytes | None = None, claims: bytes | None = None) -> str:
    """Return a token of the issuer with these octets as header or claims."""
    parts = [json.dumps(HEADER).encode() if header is None else header, json.dumps(CLAIMS).encode() if claims is None else claims]
    return sign(parts[0], parts[1], alg="ES256", key=private_key("ES256"))


def more(text: str, *, header: bool = False) -> str:
    """Return a token with one more member in the JSON of its claims, or of its header."""
    octets = (json.dumps(HEADER if header else CLAIMS)[:-1] + f", {text}}}").encode()
    return spelt(header=octets) if header else spelt(claims=octets)


def _resegmented(change: Callable[[list[str]], list[str]]) -> str:
    return ".".join(change(changed().split(".")))


def _in_the_other_alphabet() -> str:
    # A signature is random, and one in a dozen has neither letter.
    signed = next(token for token in iter(changed, "") if {"-", "_"} & set(token.rpartition(".")[2]))
    head, _, signature = signed.rpartition(".")
    return f"{head}.{signature.replace('-', '+').replace('_', '/')}"


def _trailing(text: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


_H, _C = json.dumps(HEADER).encode(), json.dumps(CLAIMS).encode()

# name: (token, why it must be refused; empty: it must be accepted)
MUTATIONS: dict[str, tuple[str, str]] = {
    "as it is": (changed(), ""),
    "aud as a list": (changed(claims={"aud": ["a", AUDIENCE]}), ""),
    "exp with a fraction": (changed(claims={"exp": NOW + 86_400.5}), ""),
    "unknown claims": (changed(claims={"x": [1, {"y": None}]}), ""),
    "unknown header": (changed({"x": 1}), ""),
    "no kid": (changed({"kid": ...}), ""),
    "a member of the claims twice": (more('"sub": "eve"'), "another reader takes the first (RFC 7519 §4)"),
    "a member of the header twice": (more('"alg": "ES256"', header=True), "another reader takes the first (RFC 7515 §4)"),
    "a member twice within": (more('"x": {"a": 1, "a": 2}'), "another reader takes the first"),
    "claims with a byte order mark": (spelt(claims=b"\xef\xbb\xbf" + _C), "a JSON text has none (RFC 8259 §8.1)"),
    "claims in UTF-16": (spelt(claims=json.dumps(CLAIMS).encode("utf-16")), "claims are UTF-8 (RFC 7519 §7.1)"),
    "claims in UTF-32": (spelt(claims=json.dumps(CLAIMS).encode("utf-32-le")), "claims are UTF-8 (RFC 7519 §7.1)"),
    "header in UTF-16": (spelt(header=json.dumps(HEADER).encode("utf-16")), "a header is UTF-8 (RFC 7515 §3)"),
    "NaN": (more('"x": NaN'), "NaN is not JSON (RFC 8259 §6)"),
    "Infinity": (more('"x": Infinity'), "Infinity is not JSON (RFC 8259 §6)"),
    "1e999": (more('"x": 1e999'), "no double holds it, so readers differ (RFC 7493 §2.2)"),
    "65 digits": (more('"x": ' + "1" * 65), "no double holds it, so readers differ (RFC 7493 §2.2)"),
    "half a surrogate pair": (more('"x": "\\ud800"'), "it has no encoding (RFC 7493 §2.1)"),
    "nested 100 deep": (more('"x": ' + "[" * 100 + "]" * 100), "a bound on the work"),
    "exp as text": (changed(claims={"exp": str(NOW + 86_400)}), "a NumericDate is a number (RFC 7519 §2)"),
    "exp as a list": (changed(claims={"exp": [NOW + 86_400]}), "a NumericDate is a number (RFC 7519 §2)"),
    "exp true": (changed(claims={"exp": True}), "a NumericDate is a number (RFC 7519 §2)"),
    "exp null": (changed(claims={"exp": None}), "a NumericDate is a number (RFC 7519 §2)"),
    "exp in milliseconds": (changed(claims={"exp": NOW * 1000}), "a token for 50,000 years is a mistake"),
    "exp 1e300": (changed(claims={"exp": 1e300}), "a token for ever is a mistake"),
    "nbf as text": (changed(claims={"nbf": str(NOW - 60)}), "a NumericDate is a number (RFC 7519 §2)"),
    "iat as text": (changed(claims={"iat": str(NOW - 60)}), "a NumericDate is a number (RFC 7519 §2)"),
    "iat true": (changed(claims={"iat": True}), "a NumericDate is a number (RFC 7519 §2)"),
    "iat negative": (changed(claims={"iat": -1}), "before the time was counted"),
    "exp of a second ago": (changed(claims={"exp": NOW - 61}), "it has expired"),
    "nbf of the future": (changed(claims={"nbf": NOW + 3600}), "it does not count yet"),
    "iat of the future": (changed(claims={"iat": NOW + 3600}), "a clock is wrong (decision D39)"),
    "iss with a slash": (changed(claims={"iss": f"{ISSUER}/"}), "another issuer"),
    "iss as a list": (changed(claims={"iss": [ISSUER]}), "iss is a string (RFC 7519 §4.1.1)"),
    "aud with a number": (changed(claims={"aud": [AUDIENCE, 1]}), "aud is strings (RFC 7519 §4.1.3)"),
    "aud as an object": (changed(claims={"aud": {AUDIENCE: 1}}), "aud is strings (RFC 7519 §4.1.3)"),
    "aud longer": (changed(claims={"aud": f"{AUDIENCE}/x"}), "another audience"),
    "aud empty": (changed(claims={"aud": []}), "no audience"),
    "sub as a number": (changed(claims={"sub": 7}), "sub is a string (RFC 7519 §4.1.2)"),
    "sub empty": (changed(claims={"sub": ""}), "it identifies no subject"),
    "sub with a NUL": (changed(claims={"sub": "ann\0"}), "some readers end at it"),
    "sub of 2,000 letters": (changed(claims={"sub": "a" * 2000}), "a bound that every store holds"),
    "jti as a number": (changed(claims={"jti": 7}), "jti is a string (RFC 7519 §4.1.7)"),
    "client_id as a list": (changed(claims={"client_id": ["shop"]}), "client_id is a string (RFC 8693 §4.3)"),
    "cnf": (changed(claims={"cnf": {"jkt": "x"}}), "bound to a key of the client, which the request does not prove (RFC 7800 §3.1)"),
    "an ID token": (changed({"typ": "JWT"}, {"at_hash": "x"}), "for a client, and not an access token (RFC 8725 §3.11)"),
    "typ JWT": (changed({"typ": "JWT"}), "not said to be an access token (RFC 9068 §4)"),
    "typ missing": (changed({"typ": ...}), "not said to be an access token (RFC 9068 §4)"),
    "typ dpop+jwt": (changed({"typ": "dpop+jwt"}), "a proof, and not an access token (RFC 8725 §3.11)"),
    "typ as a list": (changed({"typ": ["at+jwt"]}), "typ is a string (RFC 7515 §4.1.9)"),
    "an unknown kid": (changed({"kid": "other"}), "no key has it (decision D40)"),
    "kid as a number": (changed({"kid": 1}), "kid is a string (RFC 7515 §4.1.4)"),
    "crit empty": (changed({"crit": []}), "crit is not empty (RFC 7515 §4.1.11)"),
    "crit unknown": (changed({"crit": ["x"], "x": 1}), "the extension is not understood (RFC 7515 §4.1.11)"),
    "crit exp": (changed({"crit": ["exp"], "exp": 1}), "the extension is not understood (RFC 7515 §4.1.11)"),
    "crit b64": (changed({"crit": ["b64"], "b64": True}), "no extension is supported (decision D41)"),
    "b64 false": (changed({"b64": False}), "a JWT is never unencoded (RFC 7797 §7)"),
    "alg missing": (changed({"alg": ...}), "alg is required (RFC 7515 §4.1.1)"),
    "alg none": (changed({"alg": "none"}), "unsigned"),
    "alg in lower case": (changed({"alg": "es256"}), "names are compared exactly (RFC 7515 §4.1.1)"),
    "roles as a number": (changed(claims={"roles": 1}), "what the caller holds cannot be read"),
    "scope as a number": (changed(claims={"scope": 1}), "what the caller holds cannot be read"),
    "padding of the header": (_resegmented(lambda p: [p[0] + "=" * (-len(p[0]) % 4 or 4), *p[1:]]), "base64url has no padding (RFC 7515 §2)"),
    "padding of the claims": (_resegmented(lambda p: [p[0], p[1] + "=" * (-len(p[1]) % 4 or 4), p[2]]), "base64url has no padding"),
    "padding of the signature": (_resegmented(lambda p: [*p[:2], p[2] + "=="]), "base64url has no padding (RFC 7515 §2)"),
    "trailing bits": (_resegmented(lambda p: [*p[:2], _trailing(p[2])]), "a second spelling of one signature (RFC 4648 §3.5)"),
    "a line break behind": (f"{changed()}\n", "no octet of base64url (RFC 7515 §2)"),
    "a line break in the signature": (_resegmented(lambda p: [*p[:2], p[2][:9] + "\n" + p[2][9:]]), "no octet of base64url"),
    "a foreign letter in the signature": (_resegmented(lambda p: [*p[:2], p[2][:9] + "!" + p[2][9:]]), "no octet of base64url"),
    "a space before": (f" {changed()}", "no octet of base64url (RFC 7515 §2)"),
    "the other alphabet": (_in_the_other_alphabet(), "another alphabet (RFC 7515 §2)"),
    "a fourth segment": (f"{changed()}.", "three segments (RFC 7515 §7.1)"),
    "over 16 KiB": (changed(claims={"x": "a" * 20_000}), "a bound on the work (decision D9)"),
    "more behind the claims": (spelt(claims=_C + b" {}"), "one JSON text (RFC 7519 §7.2)"),
    "claims that are an array": (spelt(claims=b"[" + _C + b"]"), "claims are an object (RFC 7519 §7.2)"),
    "no claims": (spelt(claims=b""), "claims are an object (RFC 7519 §7.2)"),
    "a header with a trailing comma": (spelt(header=_H[:-1] + b",}"), "no JSON"),
    "the claims of another": (f"{changed().rpartition('.')[0].partition('.')[0]}.{segment(_C)}x.{changed().rpartition('.')[2]}", "not signed"),
}  # fmt: skip
