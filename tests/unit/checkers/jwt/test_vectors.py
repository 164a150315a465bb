"""Tokens that must be refused, each with its reason and its bound of work (RFC 7515, 7519, 8725, 9068)."""

from __future__ import annotations

from tests.support.each import each
from tests.support.token_vectors import ACCEPTED, AUDIENCE, ISSUER, NOW, REFUSED, CountedKeys
from watchword.checkers import JWT
from watchword.testing import FixedClock
from watchword.verdict import Accepted, Refused


def checker(keys: CountedKeys) -> JWT:
    """Return the checker of the vectors."""
    return JWT(issuer=ISSUER, audience=AUDIENCE, keys=keys, clock=FixedClock(NOW))


def test_there_are_enough_vectors() -> None:
    """Hundreds of tokens are refused, by every reason that a token can have."""
    assert len(REFUSED) > 300
    assert len({vector.reason for vector in REFUSED.values()}) == 11


@each("name", REFUSED)
def test_every_vector_is_refused(name: str) -> None:
    """Each is refused with its own reason, without an exception, and no more signatures are verified than it takes.

    A token that can be refused without a key touches no key.
    """
    keys, vector = CountedKeys(), REFUSED[name]
    verdict = checker(keys).verify(vector.token)
    assert isinstance(verdict, Refused)
    assert (verdict.reason, keys.verified) == (vector.reason, vector.verified), verdict.detail
    assert verdict.detail
    assert not verdict.disclose
    assert keys.fetched <= 1
    if keys.fetched:
        assert vector.reason not in CHEAP


CHEAP = {"malformed_token", "wrong_token_type", "wrong_issuer", "wrong_audience", "bound_token"}


@each("name", ACCEPTED)
def test_good_tokens_are_accepted(name: str) -> None:
    """A good token costs one question for the keys and one verification; without a question where they are at hand."""
    for at_hand in (False, True):
        keys = CountedKeys(at_hand=at_hand)
        verdict = checker(keys).verify(ACCEPTED[name])
        assert isinstance(verdict, Accepted), verdict
        assert verdict.principal.claims["iss"] == ISSUER
        assert (keys.fetched, keys.verified) == (0 if at_hand else 1, 1)
