"""A throttle that counts sees every guessable secret before it is verified, and how each attempt ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.wire import basic, bearer
from watchword import (
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    Decision,
    Granted,
    Guard,
    Operation,
    Principal,
    Reason,
    Throttled,
    Unavailable,
    optional,
    public,
    role,
)
from watchword.checkers import Tokens, nonblocking

if TYPE_CHECKING:
    from watchword.operation import Steps
    from watchword.protection.throttle import Attempt, Outcome


class Room:
    """Room for one attempt."""

    def __init__(self, throttle: Counting, name: str) -> None:
        self._throttle = throttle
        self._name = name

    def settle(self, outcome: Outcome) -> Operation[object] | None:
        """Note how it ended."""
        self._throttle.outcomes.append((self._name, outcome))
        if outcome != "refused":
            self._throttle.used[self._name] -= 1
        return Operation(lambda: self._throttle.settled.append(self._name))


class Counting:
    """Lets a name fail three times."""

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()
        self.outcomes: list[tuple[str, str]] = []
        self.settled: list[str] = []
        self.digests: list[bytes | None] = []

    def blocked(self, attempt: Attempt) -> int | None:
        """Tell whether the name has failed too often."""
        return 60 if self.used[attempt.claimed_identity or ""] >= 3 else None

    def reserve(self, attempt: Attempt) -> Steps[Room | int]:
        """Take room."""
        self.digests.append(attempt.digest)
        name = attempt.claimed_identity or ""
        yield Operation(lambda: None)  # as a database is asked
        self.used[name] += 1
        return Room(self, name)


@nonblocking
def check_now(credentials: BasicCredentials) -> Principal | None:
    """Know one password."""
    if credentials.username == "down":
        raise Unavailable("the directory does not answer")
    if credentials.username == "bug":
        raise ZeroDivisionError
    return Principal(credentials.username) if credentials.password == "right" else None


def check_later(credentials: BasicCredentials) -> Principal | None:
    """The same, in a worker thread under ASGI."""
    return check_now(credentials)


@pytest.fixture(params=[check_now, check_later])
def guard(request: pytest.FixtureRequest) -> tuple[Guard, Counting]:
    """A guard with a throttle, for a checker of either kind."""
    throttle = Counting()
    tokens = Tokens({"t": Principal("ann")})
    schemes: list[Any] = [Basic(request.param, realm="x"), Bearer(tokens), APIKey(tokens)]
    return Guard(*schemes, throttle=throttle, rules={"/open": public, "/maybe": optional, "/admin": role("admin")}), throttle


def test_failures_are_counted_until_the_name_is_blocked(guard: tuple[Guard, Counting]) -> None:
    """429 then, for the right password and the wrong one alike, and nothing more is verified."""
    asked, throttle = guard
    statuses = [type(asked.decide(ask("/", basic("ann", password)))).__name__ for password in ("a", "b", "c", "d", "right")]
    assert statuses == ["Challenged", "Challenged", "Challenged", "Throttled", "Throttled"]
    assert throttle.outcomes == [("ann", "refused")] * 3
    decision = asked.decide(ask("/", basic("ann", "right")))
    assert isinstance(decision, Throttled)
    assert (decision.retry_after, decision.reason) == (60, Reason.THROTTLED)


def test_a_right_password_gives_its_room_back(guard: tuple[Guard, Counting]) -> None:
    """And so does an outage: nobody has failed."""
    asked, throttle = guard
    for _ in range(5):
        assert asked.decide(ask("/", basic("ann", "right"))).granted
        assert asked.decide(ask("/", basic("down", "x"))).reason is Reason.UNAVAILABLE
    assert set(throttle.outcomes) == {("ann", "accepted"), ("down", "unverified")}
    assert throttle.used == {"ann": 0, "down": 0}


def test_a_bug_of_the_checker_is_no_failure_of_the_caller(guard: tuple[Guard, Counting]) -> None:
    """The room is given back, and the exception propagates."""
    asked, throttle = guard
    with pytest.raises(ZeroDivisionError):
        asked.decide(ask("/", basic("bug", "x")))
    assert (throttle.outcomes, throttle.settled) == ([("bug", "unverified")], ["bug"])


def test_what_is_left_to_settle_is_done_after_the_response(guard: tuple[Guard, Counting]) -> None:
    """Granted and refused alike, by `finish`."""
    asked, throttle = guard
    decisions: list[Decision] = [asked.decide(ask("/", basic("ann", password))) for password in ("right", "wrong")]
    assert throttle.settled == []
    for decision in decisions:
        asked.finish(decision)
    assert throttle.settled == ["ann", "ann"]


def test_tokens_and_keys_never_count(guard: tuple[Guard, Counting]) -> None:
    """Nobody guesses them (RFC 9700 §4.9), and a client with an old one must not be locked out."""
    asked, throttle = guard
    for shown in (bearer("wrong"), bearer("t"), ("X-API-Key", "wrong"), ("X-API-Key", "t")):
        asked.decide(ask("/", shown))
    assert (throttle.digests, throttle.outcomes) == ([], [])


def test_nobody_is_counted_where_nobody_is_looked_at(guard: tuple[Guard, Counting]) -> None:
    """A public route verifies nothing; an optional one does."""
    asked, throttle = guard
    assert asked.decide(ask("/open", basic("ann", "wrong"))).granted
    assert throttle.digests == []
    asked.decide(ask("/maybe", basic("ann", "wrong")))
    assert throttle.outcomes == [("ann", "refused")]


def test_the_same_secret_has_one_digest_that_reveals_nothing(guard: tuple[Guard, Counting]) -> None:
    """So that a password manager that repeats a wrong password counts once."""
    asked, throttle = guard
    for password in ("wrong", "wrong", "other"):
        asked.decide(ask("/", basic("ann", password)))
    first, again, other = throttle.digests
    assert first is not None
    assert first == again != other
    assert b"wrong" not in first


def test_a_login_form_is_throttled_as_a_request_is(guard: tuple[Guard, Counting]) -> None:
    """`guard.verify` takes the same step."""
    asked, throttle = guard
    view = ask("/login", method="POST")
    answers = [asked.verify(BasicCredentials("ann", password), view) for password in ("a", "b", "c", "right")]
    assert [type(answer).__name__ for answer in answers] == ["Challenged"] * 3 + ["Throttled"]
    granted = asked.verify(BasicCredentials("bob", "right"), view, scheme="basic")
    assert isinstance(granted, Granted)
    assert granted.principal.id == "bob"
    assert throttle.outcomes[-1] == ("bob", "accepted")


def test_a_page_of_another_origin_cannot_post_a_login_form(guard: tuple[Guard, Counting]) -> None:
    """Login CSRF: 403 before anything is counted or verified, although no credentials came by themselves."""
    asked, throttle = guard
    view = ask("/login", ("Origin", "https://evil.example"), ("Host", "shop.example"), method="POST")
    decision = asked.verify(BasicCredentials("ann", "right"), view)
    assert (decision.reason, throttle.digests) == (Reason.CROSS_SITE, [])


def test_verify_asks_for_the_scheme_where_it_cannot_tell(guard: tuple[Guard, Counting]) -> None:
    """The message names those there are."""
    asked, _ = guard
    with pytest.raises(ValueError, match="one of Basic, Bearer, ApiKey"):
        asked.verify(BasicCredentials("ann", "right"), ask("/"), scheme="Digest")
