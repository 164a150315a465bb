"""A throttle that counts sees every guessable secret before it is verified, and how each attempt ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.drive import ByASGI, ByWSGI
from tests.support.wire import Request, basic, bearer
from watchword import (
    ALWAYS,
    Accepted,
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    Decision,
    Evidence,
    Failed,
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
    from collections.abc import Callable

    from tests.support.drive import Driver
    from watchword.operation import Steps
    from watchword.protection.attempts import Attempt, Outcome


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


class Remembered:
    """Knows one password, counts how often it is asked, and lets the guard remember the answer."""

    def __init__(self, evidence: Evidence | None = None) -> None:
        self.asked: list[str] = []
        self.noted: list[str] = []
        self.evidence = evidence

    def flow(self, credentials: BasicCredentials) -> Steps[Accepted | None]:
        """Answer after a step."""
        self.asked.append(credentials.password)
        yield Operation(lambda: None)
        if credentials.password != "right":
            return None
        note = Operation(lambda: self.noted.append(credentials.username))
        return Accepted(
            Principal(credentials.username, evidence=self.evidence), lease=ALWAYS, after_response=note, headers=(("Set-Cookie", "s=1"),)
        )


@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
def test_a_blocked_caller_cannot_tell_a_password_that_is_remembered(make: Callable[[Guard], Driver]) -> None:
    """The cache, and the fast path, answer nothing before the throttle was asked: else 200 tells a right guess from a wrong one."""
    throttle, checker = Counting(), Remembered()
    driver = make(Guard(Basic(checker, realm="x"), throttle=throttle))
    statuses = [driver(Request(headers=(basic("ann", password),))).status for password in ("right", "a", "b", "c", "right", "d")]
    assert statuses == [200, 401, 401, 401, 429, 429]
    assert checker.asked == ["right", "a", "b", "c"]


def test_a_caller_who_is_remembered_takes_no_room() -> None:
    """Room is taken before a secret is verified, and the cache verifies none."""
    throttle, checker = Counting(), Remembered()
    guard = Guard(Basic(checker, realm="x"), throttle=throttle)
    for _ in range(3):
        assert guard.decide(ask("/", basic("ann", "right"))).granted
    assert (checker.asked, len(throttle.digests), throttle.outcomes) == (["right"], 1, [("ann", "accepted")])


def test_what_the_checker_leaves_to_do_is_done_beside_what_the_throttle_does() -> None:
    """Both, after the response."""
    throttle, checker = Counting(), Remembered()
    guard = Guard(Basic(checker, realm="x"), throttle=throttle)
    guard.finish(guard.decide(ask("/", basic("ann", "right"))))
    assert (checker.noted, throttle.settled) == (["ann"], ["ann"])


@pytest.mark.parametrize("evidence", [Evidence(networks=("10.0.0.0/8",)), Evidence(expires_at=1.0)])
def test_a_right_password_that_does_not_count_here_is_a_failure_as_any_other(evidence: Evidence) -> None:
    """No cookie, and no room given back, tells that it is good elsewhere; and what the throttle has to do is done."""
    throttle, checker = Counting(), Remembered(evidence)
    guard = Guard(Basic(checker, realm="x"), throttle=throttle, remember=0)
    for _ in range(3):
        decision = guard.decide(ask("/", basic("ann", "right")))
        guard.finish(decision)
        assert (decision.granted, decision.headers) == (False, ())
    assert throttle.outcomes == [("ann", "refused")] * 3
    assert (throttle.settled, checker.noted) == (["ann"] * 3, [])
    assert isinstance(guard.decide(ask("/", basic("ann", "wrong"))), Throttled)


class Full(Counting):
    """Has no room, or cannot tell."""

    def blocked(self, attempt: Attempt) -> int | None:
        """Fail for one name."""
        if attempt.claimed_identity == "gone":
            raise Unavailable("the table of blocked names is gone", retry_after=9)
        return None

    def reserve(self, attempt: Attempt) -> Steps[Room | int]:
        """Answer that there is none."""
        yield Operation(lambda: None)
        if attempt.claimed_identity == "down":
            raise Unavailable("the database of the throttle does not answer", retry_after=7)
        return 30


def test_where_there_is_no_room_nothing_is_verified() -> None:
    """429, or 503 where the throttle cannot tell: never the answer of the checker."""
    checker = Remembered()
    guard = Guard(Basic(checker, realm="x"), throttle=Full())
    full, down, gone = (guard.decide(ask("/", basic(name, "right"))) for name in ("ann", "down", "gone"))
    assert isinstance(full, Throttled)
    assert isinstance(down, Failed)
    assert isinstance(gone, Failed)
    assert (full.retry_after, down.retry_after, gone.retry_after, checker.asked) == (30, 7, 9, [])


def test_a_form_is_verified_for_what_was_typed_and_not_for_what_the_browser_sent() -> None:
    """A field that is remembered says nothing about who has filled in the form."""
    guard = Guard(Basic(Remembered(), realm="x"))
    sent = basic("ann", "right")
    assert guard.decide(ask("/", sent)).principal.id == "ann"
    view = ask("/login", sent, method="POST")
    assert guard.verify(BasicCredentials("bob", "right"), view).principal.id == "bob"
    assert not guard.verify(BasicCredentials("bob", "wrong"), ask("/login", sent, method="POST")).granted


@pytest.mark.parametrize(
    ("headers", "settings", "reason"),
    [
        ([("Host", "a"), ("Host", "b")], {}, Reason.AMBIGUOUS_CREDENTIALS),
        ([("Authorization", "x" * 20_000)], {}, Reason.OVERSIZED_CREDENTIALS),
        ([("X", "1")] * 10_000, {}, Reason.OVERSIZED_HEADER),
        ([], {"require_tls": True}, Reason.INSECURE_TRANSPORT),
    ],
)
def test_a_login_form_passes_the_firewall(headers: list[tuple[str, str]], settings: dict[str, Any], reason: Reason) -> None:
    """As every request does, before anything is verified."""
    checker = Remembered()
    guard = Guard(Basic(checker, realm="x"), **settings)
    decision = guard.verify(BasicCredentials("ann", "right"), ask("/login", *headers, method="POST"))
    assert (decision.reason, checker.asked) == (reason, [])


def test_a_page_of_another_origin_cannot_post_a_login_form_with_a_code() -> None:
    """Login CSRF is of every scheme, also of one whose credentials no browser sends by itself."""
    asked: list[str] = []

    @nonblocking
    def check(code: BearerToken) -> Principal:
        asked.append(code.token)
        return Principal("ann")

    guard = Guard(Bearer(check))
    headers = ("Origin", "https://evil.example"), ("Host", "shop.example")
    assert guard.verify(BearerToken("123456"), ask("/code", *headers, method="POST")).reason is Reason.CROSS_SITE
    assert asked == []
