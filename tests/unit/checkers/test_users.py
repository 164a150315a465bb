"""A small table of users."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from passlib.context import CryptContext

from tests.support.core import ANN, argon2_hash, ask, bcrypt_hash, verifications
from tests.support.each import each
from tests.support.passwords import stored
from tests.support.wire import basic
from watchword import ANONYMOUS, Accepted, Basic, BasicCredentials, ConfigurationError, Failed, Granted, Guard, Principal, Reason, Refused
from watchword.checkers import Users
from watchword.errors import Overloaded
from watchword.protection.hash_limiter import HashLimiter
from watchword.testing import FixedClock
from watchword.verdict import ALWAYS

ARGON2 = {"ann": argon2_hash("s3cret"), "empty": argon2_hash("")}
BCRYPT = {"ann": bcrypt_hash(b"s3cret"), "empty": bcrypt_hash(b"")}
COST = {"argon2": "$argon2id$v=19$m=64,t=1,p=1", "bcrypt": "bcrypt"}

SHOWN: dict[str, tuple[str, str, Any]] = {
    "known": ("ann", "s3cret", Accepted(Principal("ann"))),
    "wrong": ("ann", "S3cret", Refused(Reason.WRONG_SECRET)),
    "unknown": ("bob", "s3cret", Refused(Reason.UNKNOWN_IDENTITY)),
    "other case": ("Ann", "s3cret", Refused(Reason.UNKNOWN_IDENTITY)),
    "no name": ("", "s3cret", Refused(Reason.UNKNOWN_IDENTITY)),
    "no password": ("ann", "", Refused(Reason.WRONG_SECRET)),
    "empty password stored": ("empty", "", Refused(Reason.WRONG_SECRET)),
    "nothing": ("", "", Refused(Reason.UNKNOWN_IDENTITY)),
    "71 octets": ("ann", "a" * 71, Refused(Reason.WRONG_SECRET)),
    "72 octets": ("ann", "a" * 72, Refused(Reason.WRONG_SECRET)),
    "73 octets": ("ann", "a" * 73, Refused(Reason.WRONG_SECRET)),
    "73 octets, unknown": ("bob", "a" * 73, Refused(Reason.UNKNOWN_IDENTITY)),
    "over-long": ("ann", "a" * 100_000, Refused(Reason.WRONG_SECRET)),
    "over-long, unknown": ("bob", "a" * 100_000, Refused(Reason.UNKNOWN_IDENTITY)),
    "over-long name": ("b" * 100_000, "s3cret", Refused(Reason.UNKNOWN_IDENTITY)),
    "NUL": ("ann", "s3cret\0", Refused(Reason.WRONG_SECRET)),
    "NUL, unknown": ("bob", "s3cret\0", Refused(Reason.UNKNOWN_IDENTITY)),
    "NUL in the name": ("ann\0", "s3cret", Refused(Reason.UNKNOWN_IDENTITY)),
    "surrogate": ("\ud800", "\ud800", Refused(Reason.UNKNOWN_IDENTITY)),
    "not ASCII": ("ann", "pässwörd", Refused(Reason.WRONG_SECRET)),
}


@each("case", SHOWN)
@each(("kind", "table"), [("argon2", ARGON2), ("bcrypt", BCRYPT)])
def test_whatever_is_shown_costs_one_verification(case: str, kind: str, table: dict[str, str]) -> None:
    """Exactly one, with equal parameters, for whoever it is (W1, W2, W4): nothing can be told from the time it takes."""
    username, password, verdict = SHOWN[case]
    users = Users(table)
    with verifications() as seen:
        assert users.check(BasicCredentials(username, password)) == verdict
    assert seen == [COST[kind]]


def test_a_name_that_does_not_exist_costs_what_some_existing_one_costs() -> None:
    """In a table of both formats, unknown names are spread over both, and the same name always costs the same (W3)."""
    users = Users({"ann": ARGON2["ann"], "bob": BCRYPT["ann"]})
    costs: dict[str, set[str]] = {}
    for number in range(60):
        for _ in range(2):
            with verifications() as seen:
                users.check(BasicCredentials(f"nobody{number}", "x"))
            costs.setdefault(f"nobody{number}", set()).update(seen)
    assert all(len(cost) == 1 for cost in costs.values())
    assert set().union(*costs.values()) == set(COST.values())


def test_what_a_name_costs_cannot_be_foretold() -> None:
    """The choice is keyed by the salts: two tables of the same users choose differently, so nobody computes it at home."""

    def pattern(users: Users) -> tuple[str, ...]:
        with verifications() as seen:
            for number in range(40):
                users.check(BasicCredentials(f"nobody{number}", "x"))
        return tuple(seen)

    assert len({pattern(Users({"ann": argon2_hash("s3cret"), "bob": bcrypt_hash(b"s3cret")})) for _ in range(3)}) == 3


def test_the_work_is_done_by_one_operation() -> None:
    """By hand: the flow asks for one verification and no more, and does none of it by itself."""
    with verifications() as seen:
        steps = Users(ARGON2).flow(BasicCredentials("ann", "s3cret"))
        operation = next(steps)
        assert seen == []
        assert operation.run() is True
    assert seen == [COST["argon2"]]
    with pytest.raises(StopIteration) as end:
        steps.send(operation.run())
    assert end.value.value == Accepted(Principal("ann"))


@pytest.mark.anyio
async def test_the_operation_waits_for_a_worker_thread() -> None:
    """Awaited, the same operation verifies too, and none of it in the thread of the event loop."""
    operation = next(Users(ARGON2).flow(BasicCredentials("ann", "s3cret")))
    assert operation.arun is not None
    with verifications() as seen:
        assert await operation.arun() is True
    assert seen == []


@pytest.mark.anyio
async def test_the_limiter_it_is_given_bounds_the_work() -> None:
    """A limiter that has no place and no queue left refuses at once, and nothing is computed: 503 and no 401 (W4)."""
    limiter = HashLimiter(1, queue=0, retry_after=7)
    users = Users(ARGON2, limiter=limiter)
    release, begun = threading.Event(), threading.Event()

    def occupy() -> None:
        begun.set()
        release.wait()

    taken = threading.Thread(target=limiter.operation(b"other", occupy).run)
    taken.start()
    begun.wait()
    try:
        with pytest.raises(Overloaded) as caught:
            users.check(BasicCredentials("ann", "s3cret"))
        assert caught.value.retry_after == 7
        with pytest.raises(Overloaded):
            await users.acheck(BasicCredentials("ann", "s3cret"))
        decision = await Guard(Basic(users, realm="x")).adecide(ask("/", basic("ann", "s3cret")))
    finally:
        release.set()
        taken.join()
    assert isinstance(decision, Failed)
    assert decision.reason is Reason.OVERLOADED


def test_a_custom_hasher_is_accepted() -> None:
    """A context of passlib verifies the formats that it alone knows; what is no hasher is a mistake."""
    context = CryptContext(["sha1_crypt"], sha1_crypt__default_rounds=1)
    users = Users({"ann": context.hash("s3cret")}, hasher=context)
    assert users.check(BasicCredentials("ann", "s3cret")) == Accepted(Principal("ann"))
    assert users.check(BasicCredentials("ann", "S3cret")) == Refused(Reason.WRONG_SECRET)
    with pytest.raises(ConfigurationError, match="not a hash of a known format"):
        Users({"ann": context.hash("s3cret")})
    with pytest.raises(ConfigurationError, match=r"hasher=\.\.\.\) must be a PasswordHasher or a CryptContext of passlib, got str"):
        Users(ARGON2, hasher="argon2")


def test_what_it_remembers_ends_by_the_clock_it_is_given() -> None:
    """A right password costs nothing for five minutes, and then a verification again."""
    clock = FixedClock(1000)
    users = Users(ARGON2, clock=clock)
    costs = []
    for step in (0, 0, 299, 1, 0):
        clock.advance(step)
        with verifications() as seen:
            assert users.check(BasicCredentials("ann", "s3cret")) == Accepted(Principal("ann"))
        costs.append(len(seen))
    assert costs == [1, 0, 0, 1, 0]


def test_an_answer_may_be_given_again_for_ever() -> None:
    """The table never changes, and says so to the cache of the guard."""
    verdict = Users(ARGON2).check(BasicCredentials("ann", "s3cret"))
    assert isinstance(verdict, Accepted)
    assert verdict.lease is ALWAYS


def test_a_hash_without_a_salt_is_refused() -> None:
    """One table of common passwords opens all of these (RFC 7617 §4)."""
    with pytest.raises(ConfigurationError, match="the password hash of 'ann' has no salt"):
        Users({"ann": stored("ldap-sha1")})


@pytest.mark.anyio
async def test_no_password_is_hashed_on_the_event_loop() -> None:
    """This thread, which runs the event loop, sees no verification at all."""
    guard = Guard(Basic(Users(ARGON2), realm="x"))
    with verifications() as seen:
        decision = await guard.adecide(ask("/", basic("ann", "s3cret")))
    assert isinstance(decision, Granted)
    assert seen == []
    assert threading.current_thread() is threading.main_thread()


def test_the_operation_does_not_print_the_password() -> None:
    """Neither does what it runs: a debugger of event loops prints both."""
    operation = next(Users(ARGON2).flow(BasicCredentials("ann", "s3cret")))
    assert "s3cret" not in repr(operation) + repr(operation.run)
    assert "argon2" not in repr(operation) + repr(operation.run)


def test_more_may_be_known_of_a_user_than_the_name() -> None:
    """A principal for some of them; the others are their name."""
    users = Users({"ann": ARGON2["ann"], "bob": ARGON2["ann"]}, principals={"ann": ANN})
    assert users.check(BasicCredentials("ann", "s3cret")) == Accepted(ANN)
    assert users.check(BasicCredentials("bob", "s3cret")) == Accepted(Principal("bob"))


@pytest.mark.parametrize("stored", ["caf\u00e9", "cafe\u0301"])
@pytest.mark.parametrize("shown", ["caf\u00e9", "cafe\u0301"])
def test_names_are_the_same_in_either_form(stored: str, shown: str) -> None:
    """Both sides are in Normalization Form C (RFC 7617 §2.1), in hashes and principals alike."""
    users = Users({stored: ARGON2["ann"]}, principals={"caf\u00e9": ANN})
    assert users.check(BasicCredentials(shown, "s3cret")) == Accepted(ANN)


@pytest.mark.parametrize(
    ("hashes", "message"),
    [
        ({}, "must be a mapping of at least one user name to a password hash"),
        ([("ann", ARGON2["ann"])], "must be a mapping of at least one user name to a password hash, got list"),
        ({"": ARGON2["ann"]}, "a user name must be a non-empty string, got ''"),
        ({7: ARGON2["ann"]}, "a user name must be a non-empty string, got 7"),
        ({"a\nb": ARGON2["ann"]}, "'a\\\\nb' cannot be sent in Basic .* Remove the control character"),
        ({"a\x7f": ARGON2["ann"]}, "control character"),
        ({"ann:s3cret": ARGON2["ann"]}, "begins with 'ann' cannot be sent in Basic .* Remove the colon"),
        ({"caf\u00e9": ARGON2["ann"], "cafe\u0301": ARGON2["ann"]}, "holds 'cafe\u0301' twice"),
        ({"ann": "s3cret"}, "the password of 'ann' is not a hash of a known format.*`watchword hash`"),
        ({"ann": ARGON2["ann"] + "="}, "the Argon2 hash of 'ann' is malformed"),
        ({"ann": BCRYPT["ann"][:-1]}, "the bcrypt hash of 'ann' is malformed"),
        ({"ann": None}, "the password hash of 'ann' must be a string, got NoneType"),
    ],
)
def test_a_table_that_cannot_be_right_is_a_mistake(hashes: dict[Any, Any], message: str) -> None:
    """Found at construction (N10); the message says whose entry it is, and shows no secret."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        Users(hashes)
    assert "s3cret" not in str(caught.value)
    assert ARGON2["ann"] not in str(caught.value)


def test_a_principal_belongs_to_a_user() -> None:
    """One that belongs to nobody is a typo."""
    with pytest.raises(ConfigurationError, match="names users without a hash: bob, carl"):
        Users(ARGON2, principals={"ann": ANN, "carl": ANN, "bob": ANN})


@pytest.mark.parametrize("wrong", [None, ANONYMOUS, "ann", {"roles": ["admin"]}, Principal])
def test_a_principal_must_be_authenticated(wrong: object) -> None:
    """Nobody is let in as nobody."""
    with pytest.raises(ConfigurationError, match="must hold a Principal for"):
        Users(ARGON2, principals={"ann": wrong})  # type: ignore[dict-item]  # the mistake itself


@pytest.mark.parametrize("name", ["Ann Example", " ", "a@b.example", "DOMAIN\\ann", "\x80", "\U0001f511"])
def test_any_name_that_can_be_sent_is_taken(name: str) -> None:
    """Spaces, signs and all languages: RFC 7617 bars the colon and the controls alone."""
    assert Users({name: ARGON2["ann"]}).check(BasicCredentials(name, "s3cret")) == Accepted(Principal(name))


def test_the_table_is_copied() -> None:
    """What is done to the mapping later changes nobody's password."""
    given = dict(ARGON2)
    users = Users(given)
    given.clear()
    assert users.check(BasicCredentials("ann", "s3cret")) == Accepted(Principal("ann"))


def test_the_repr_shows_counts_and_no_names() -> None:
    """Neither users nor hashes show."""
    assert repr(Users(ARGON2)) == "Users(2 users)"
