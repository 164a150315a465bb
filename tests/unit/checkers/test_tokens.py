"""A small table of tokens or keys."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tests.support.core import ANN, ask
from watchword import (
    ALWAYS,
    ANONYMOUS,
    Accepted,
    APIKey,
    APIKeyCredentials,
    Bearer,
    BearerToken,
    Challenged,
    ConfigurationError,
    Granted,
    Guard,
    Principal,
    Reason,
    Refused,
)
from watchword.checkers import Tokens, adapt

TOKENS = Tokens({"t0ken": ANN, "schlüssel": Principal("bob")})
UNKNOWN = Refused(Reason.UNKNOWN_IDENTITY)


@pytest.mark.parametrize("credentials", [BearerToken("t0ken"), APIKeyCredentials("t0ken")], ids=["token", "key"])
def test_a_token_stands_for_its_principal(credentials: Any) -> None:
    """As a bearer token and as an API key."""
    assert TOKENS.check(credentials) == Accepted(ANN)


@pytest.mark.parametrize(
    "token",
    ["T0ken", "t0ke", "t0kenn", " t0ken", "t0ken ", "", "x", "\ud800", "schlu\u0308ssel", sha256(b"t0ken").hexdigest(), "a" * 100_000],
)
def test_any_other_token_is_unknown(token: str) -> None:
    """Compared exactly, octet by octet, whatever is in it; its digest is no token either."""
    assert TOKENS.check(BearerToken(token)) == UNKNOWN
    assert TOKENS.check(APIKeyCredentials(token)) == UNKNOWN


def test_a_token_that_is_not_ascii_is_compared_as_octets() -> None:
    """`compare_digest` on text would raise for one user and not for another (N5)."""
    assert TOKENS.check(APIKeyCredentials("schlüssel")) == Accepted(Principal("bob"))


def test_only_digests_are_kept() -> None:
    """No token can be read from the table."""
    kept = repr([getattr(TOKENS, name) for name in Tokens.__slots__])
    assert "t0ken" not in kept
    assert repr(sha256(b"t0ken").digest()) in kept


@pytest.mark.anyio
async def test_a_table_answers_at_once() -> None:
    """On the event loop, without an operation; and always the same object, which the guard may remember."""
    checker = adapt(TOKENS)
    assert checker.direct is not None
    accepted = TOKENS.check(BearerToken("t0ken"))
    assert accepted is TOKENS.check(BearerToken("t0ken"))
    assert isinstance(accepted, Accepted)
    assert accepted.lease is ALWAYS
    assert await TOKENS.acheck(BearerToken("t0ken")) is TOKENS.check(BearerToken("t0ken"))
    assert await TOKENS.acheck(BearerToken("x")) == UNKNOWN


def test_unknown_tokens_and_keys_look_alike() -> None:
    """RKEY-3: one 401 for whatever is not in the table."""
    guard = Guard(Bearer(TOKENS), APIKey(TOKENS))
    assert isinstance(guard.decide(ask("/", ("Authorization", "Bearer t0ken"))), Granted)
    for header in (("Authorization", "Bearer x"), ("X-API-Key", "x")):
        decision = guard.decide(ask("/", header))
        assert isinstance(decision, Challenged)
        assert (decision.reason, decision.disclosed) == (Reason.UNKNOWN_IDENTITY, Reason.INVALID_CREDENTIALS)


@pytest.mark.parametrize(
    "token",
    ["", " ", " s3cret", "s3cret ", "s3cret,x", "s3cret\n", "s3cret\x00", "s3cret\x7f", "s3\u00a0cret", "s3cret\ud800", b"s3cret", 7, None],
)
def test_a_token_that_cannot_be_sent_is_a_mistake(token: object) -> None:
    """Found at construction; the message says which one it is by its place, and does not show it."""
    with pytest.raises(ConfigurationError, match="token number 2 cannot be sent") as caught:
        Tokens({"good": ANN, token: ANN})  # type: ignore[dict-item]  # the mistake itself
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("wrong", "kind"), [(None, "NoneType"), ("ann", "str"), (ANONYMOUS, "Principal"), (Accepted(ANN), "Accepted")])
def test_a_token_needs_an_authenticated_principal(wrong: object, kind: str) -> None:
    """Anything else is a mistake."""
    with pytest.raises(ConfigurationError, match=f"token number 1 must have a Principal with an id, got {kind}") as caught:
        Tokens({"s3cret": wrong})  # type: ignore[dict-item]  # the mistake itself
    assert "s3cret" not in str(caught.value)


def test_a_list_of_tokens_is_a_mistake() -> None:
    """It says of no token whom it stands for; the message shows none."""
    with pytest.raises(
        ConfigurationError, match=r"Tokens\(principals\) must be a mapping of at least one token to a Principal, got list\.$"
    ):
        Tokens(["s3cret"])  # type: ignore[arg-type]  # the mistake itself


def test_an_empty_table_is_a_mistake() -> None:
    """It would refuse everybody, and elsewhere it let everybody in (N10)."""
    with pytest.raises(ConfigurationError, match="must be a mapping of at least one token"):
        Tokens({})


def test_the_table_is_copied() -> None:
    """What is done to the mapping later lets nobody in."""
    given = {"good": ANN}
    tokens = Tokens(given)
    given["bad"] = ANN
    assert tokens.check(BearerToken("bad")) == UNKNOWN


def test_the_repr_counts_and_shows_nothing() -> None:
    """Neither tokens nor principals."""
    assert repr(TOKENS) == "Tokens(2 tokens)"
