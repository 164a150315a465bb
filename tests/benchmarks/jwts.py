"""Measures what an access token costs that is a JWT: the first time, beside joserfc alone, and again, beside PyJWT.

A token that comes for the first time is another one each time. joserfc and PyJWT check the signature, issuer, audience and times, and the
guard what it always does. PyJWT verifies each time that a token comes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jwt as pyjwt
from joserfc import jwk
from joserfc import jwt as joserfc

from tests.benchmarks.bearer import BARE, bare, request
from tests.benchmarks.measuring import asgi, in_turn, interleaved
from tests.support.tokens import public_jwk, sign
from watchword import Bearer, Guard, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import JWT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.measuring import App, Figure, Job

    Verifier = Callable[[str], object]

ISSUER, AUDIENCE = "https://id.example.com", "https://orders.example.com"
ALGORITHMS = ("ES256", "RS256", "HS256", "Ed25519")


def tokens(alg: str, count: int) -> list[str]:
    """Return access tokens (RFC 9068) that one key has signed.

    Args:
        alg: the algorithm.
        count: how many.
    """
    now, header = int(time.time()), {"alg": alg, "typ": "at+jwt", "kid": "1"}
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "client_id": "web", "iat": now, "exp": now + 86_400, "scope": "orders:read"}
    return [sign(header, {**claims, "jti": f"{number:016}"}, alg=alg) for number in range(count)]


def checker(alg: str) -> JWT:
    """Return the checker that is measured."""
    return JWT(issuer=ISSUER, audience=AUDIENCE, algorithms=[alg], keys={"keys": [public_jwk(alg, kid="1", alg=alg)]})


def guarded(alg: str) -> App:
    """Return an application behind a guard with that checker."""
    return GuardMiddleware(bare, Guard(Bearer(checker(alg)), rules={"GET /orders/{id}": scope("orders:read")}))


def by_joserfc(alg: str) -> Verifier:
    """Return a verification by joserfc."""
    key = jwk.import_key(public_jwk(alg, kid="1", alg=alg))
    registry = joserfc.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}
    )

    def verify(token: str) -> object:
        read = joserfc.decode(token, key, algorithms=[alg])
        registry.validate(read.claims)
        return read

    return verify


def by_pyjwt(alg: str) -> Verifier:
    """Return a verification by PyJWT."""
    key = pyjwt.PyJWK(public_jwk(alg, kid="1", alg=alg)).key

    def verify(token: str) -> object:
        return pyjwt.decode(token, key, algorithms=[alg], audience=AUDIENCE, issuer=ISSUER)

    return verify


def verifiers(alg: str) -> dict[str, Verifier]:
    """Return what verifies a token of an algorithm, by name. PyJWT knows the former name of Ed25519 alone, of which joserfc warns."""
    found = {f"first time, {alg}": checker(alg).verify, f"joserfc, {alg}": by_joserfc(alg)}
    return found if alg == "Ed25519" else {**found, f"PyJWT, {alg}": by_pyjwt(alg)}


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs.
    """
    rounds, count = (2, 5) if short else (101, 200)
    jobs: dict[str, Job] = {}
    for alg in ALGORITHMS:
        made = tokens(alg, count)
        jobs |= {name: in_turn(verify, made) for name, verify in verifiers(alg).items()}
        jobs[f"again, {alg}"] = asgi(guarded(alg), [request(made[0])] * count)
    jobs[BARE] = asgi(bare, [request("")] * count)
    measured = interleaved(jobs, rounds)
    return [
        *(measured.ratio(f"first time, {alg}", f"joserfc, {alg}", bound=1.3) for alg in ALGORITHMS),
        *(measured.ratio(f"again, {alg}", f"PyJWT, {alg}", less=(BARE, ""), bound=1 / 15) for alg in ALGORITHMS if alg != "Ed25519"),
    ]
