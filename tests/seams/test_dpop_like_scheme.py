"""A scheme like DPoP needs nothing from the core but public names: a second field, a nonce in every response, words for a bad proof."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from tests.support.drive import ByASGI, ByWSGI
from tests.support.wire import Request
from watchword import Accepted, BearerToken, ChallengeParams, CredentialsError, Guard, Principal, Reason, Refused, Scheme, scope
from watchword.field import Field
from watchword.grammar import Challenge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tests.support.drive import Driver
    from watchword import RequestView

ERRORS = {
    Reason.INVALID_PROOF: "invalid_dpop_proof",
    Reason.STALE_NONCE: "use_dpop_nonce",
    Reason.INSUFFICIENT_SCOPE: "insufficient_scope",
}

NOTHING = ChallengeParams()


class DPoPLike(Scheme[BearerToken]):
    """A token in Authorization and a proof in a field of its own."""

    name = "DPoP"
    credentials = BearerToken
    fields: Collection[str] = MappingProxyType({"authorization": Field(), "dpop": Field(repeat=True)})
    explains_errors = True
    discloses = frozenset({Reason.INVALID_PROOF, Reason.STALE_NONCE})

    def extract(self, view: RequestView) -> BearerToken | None:
        """Return the credentials, if there are any."""
        sent, proof = view.authorization, view.field("dpop")
        if sent is None or sent.scheme.lower() != "dpop":
            return None
        if sent.token68 is None:
            raise CredentialsError("one token", bad_request=True)
        if proof is None or "," in proof:
            raise CredentialsError("one proof", reason=Reason.INVALID_PROOF)
        return BearerToken(f"{sent.token68} {proof}")

    def challenge(self, params: ChallengeParams = NOTHING) -> Challenge:
        """Return the challenge."""
        error = {} if params.reason is None else {"error": ERRORS.get(params.reason, "invalid_token")}
        return Challenge(self.name, {"realm": self.realm, "algs": "ES256", **error})


def check(token: BearerToken) -> Accepted | Refused:
    """Know one token and one nonce; give a new nonce each time."""
    known, _, proof = token.token.partition(" ")
    if proof != "n1":
        return Refused(Reason.STALE_NONCE, headers=(("DPoP-Nonce", "n1"),))
    return Accepted(Principal("ann"), headers=(("DPoP-Nonce", "n2"),)) if known == "t" else Refused()


@pytest.fixture(params=[ByASGI, ByWSGI])
def driver(request: pytest.FixtureRequest) -> Driver:
    """One of the two adapters."""
    make: Callable[[Guard], Driver] = request.param
    return make(Guard(DPoPLike(check), rules={"/write": scope("write")}))


def sent(*proofs: str, target: str = "/", token: str = "t") -> Request:
    """A request with a token and proofs."""
    return Request(target=target, headers=(("Authorization", f"DPoP {token}"), *(("DPoP", proof) for proof in proofs)))


def test_the_next_nonce_goes_out_with_what_is_granted(driver: Driver) -> None:
    """RFC 9449 §8.2; D58 (e): and nobody stores that response."""
    answer = driver(sent("n1"))
    assert (answer.status, answer.one("dpop-nonce"), answer.one("cache-control")) == (200, "n2", "no-store")


@pytest.mark.parametrize(
    ("proofs", "token", "error"),
    [
        (("old",), "t", "use_dpop_nonce"),
        (("n1", "n1"), "t", "invalid_dpop_proof"),
        ((), "t", "invalid_dpop_proof"),
        (("n1",), "other", "invalid_token"),
    ],
)
def test_each_fault_has_its_own_word_at_401(driver: Driver, proofs: tuple[str, ...], token: str, error: str) -> None:
    """D45: a doubled proof is the scheme's to refuse, not the firewall's."""
    answer = driver(sent(*proofs, token=token))
    assert (answer.status, answer.challenges) == (401, [f'DPoP realm="api", algs="ES256", error="{error}"'])
    assert answer.one("dpop-nonce") == ("n1" if error == "use_dpop_nonce" else None)


def test_a_missing_scope_is_the_schemes_word_too(driver: Driver) -> None:
    """403 with its own challenge, and the fields of the verdict."""
    answer = driver(sent("n1", target="/write"))
    assert (answer.status, answer.one("dpop-nonce")) == (403, "n2")
    assert 'error="insufficient_scope"' in answer.challenges[0]
