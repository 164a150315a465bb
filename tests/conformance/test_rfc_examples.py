"""The worked examples of the RFCs, end to end: what a checker is given, and what a client is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each
from tests.support.wire import Request
from watchword import (
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    Evidence,
    Guard,
    Principal,
    Reason,
    Refused,
    acr,
    fresh,
    scope,
)
from watchword.checkers import Tokens, nonblocking
from watchword.grammar import parse_challenges
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from tests.support.drive import Through

VECTORS = {
    vector["id"]: vector for vector in json.loads((Path(__file__).parent.parent / "vectors" / "schemes.json").read_text())["vectors"]
}
CREDENTIALS = [vector for vector in VECTORS.values() if vector["kind"] == "credentials"]
NOW = 1_700_000_000


@each("vector", CREDENTIALS)
def test_the_checker_is_given_what_the_example_says(vector: dict[str, Any], through: Through) -> None:
    """The field of the example, sent as it is printed, reaches the checker as the user name and password, or the token, it stands for."""
    given: list[object] = []

    @nonblocking
    def check(credentials: BasicCredentials | BearerToken) -> Principal:
        given.append(credentials)
        return Principal("ann")

    name, _, value = vector["input"]["header"].partition(": ")
    guard = Guard(Basic(check, realm="a"), proxy=True) if name.startswith("Proxy") else Guard(Basic(check, realm="a"), Bearer(check))
    assert through(guard)(Request(headers=((name, value),))).status == 200
    expected = vector["expected"]
    if vector["area"] == "basic":
        assert given == [BasicCredentials(expected["user_id"], expected["password"])]
    else:
        assert given == [BearerToken(expected["token68"])]


@nonblocking
def weak(credentials: BearerToken) -> Principal:
    """Accept anybody, who logged in a while ago and with little."""
    return Principal("ann", evidence=Evidence(auth_time=NOW - 60, acr="0"))


@nonblocking
def expired(credentials: BearerToken) -> Refused:
    """Accept nobody any more."""
    return Refused(Reason.EXPIRED)


METADATA = "https://resource.example.com/.well-known/oauth-protected-resource"
SENT = (("Authorization", "Bearer token"),)
CLOCK = FixedClock(NOW)

CHALLENGES: dict[str, tuple[Guard, tuple[tuple[str, str], ...]]] = {
    "basic-challenge-1": (Guard(Basic(weak, realm="WallyWorld", charset=None)), ()),
    "basic-challenge-2": (Guard(Basic(weak, realm="foo")), ()),
    "bearer-challenge-1": (Guard(Bearer(weak, realm="example")), ()),
    "bearer-challenge-2": (Guard(Bearer(expired, realm="example")), SENT),
    "stepup-challenge-1": (Guard(Bearer(weak), default=acr("myACR")), SENT),
    "stepup-challenge-2": (Guard(Bearer(weak), default=fresh(5), clock=CLOCK), SENT),
    "prm-challenge": (Guard(Bearer(weak, resource_metadata=METADATA)), ()),
}


@each("name", CHALLENGES)
def test_the_challenge_says_what_the_example_says(name: str, through: Through) -> None:
    """In the context of the example the client is sent its challenge; beside it there may be a realm, which is ours to choose."""
    guard, headers = CHALLENGES[name]
    answer = through(guard)(Request(headers=headers))
    (challenge,) = (found for field in answer.challenges for found in parse_challenges(field))
    (expected,) = VECTORS[name]["expected"]
    assert answer.status == 401
    assert challenge.scheme.lower() == expected["scheme"]
    wanted = {key: value for key, value in expected["params"].items() if key != "error_description" or name.startswith("bearer")}
    assert {key: value for key, value in challenge.params.items() if key in wanted} == wanted
    assert challenge.params.keys() - wanted.keys() <= {"realm"}


@pytest.mark.parametrize("name", ["bearer-scope-1", "bearer-scope-2"])
def test_the_scope_of_the_example_is_sent_as_printed(name: str, through: Through) -> None:
    """The scope-tokens of the example are demanded one by one and sent as one parameter (RFC 6750 §3)."""
    vector = VECTORS[name]
    tokens = vector["expected"]["tokens"]
    table = Tokens({"none": Principal("ann"), "all": Principal("ann", scopes=tokens)})
    send = through(Guard(Bearer(table), default=scope(*tokens)))
    (challenge,) = parse_challenges(send(Request(headers=(("Authorization", "Bearer none"),))).challenges[0])
    assert set(challenge.params["scope"].split(" ")) == set(vector["input"]["scope"].split(" "))
    assert send(Request(headers=(("Authorization", "Bearer all"),))).status == 200
