"""Whoever it is and whatever is the matter: one verification, of the same cost (threat W2, row by row over every format)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.drive import basic
from tests.support.logins import DAY, CountingHasher, Desk, bytes_of, checker_of, guarded, log_in
from tests.support.passwords import LIMITS, MAKERS, PASSWORD, derivations, stored
from watchword import Accepted, Basic, BasicCredentials, Guard, Reason, Refused, RequestView
from watchword.checkers import Accounts, Users
from watchword.stores import MemoryStore, SQLStore
from watchword.stores.ports import AccountRecord

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from tests.support.drive import Behind
    from watchword import Verdict
    from watchword.checkers import FlowChecker

KINDS = ["users", "htpasswd", "accounts"]
UNSALTED = {"ldap-sha1"}  # which Users refuses
CASES = [(kind, scheme) for kind in KINDS for scheme in MAKERS if kind != "users" or scheme not in UNSALTED]
SOME = ["argon2id", "bcrypt", "sha512-crypt", "werkzeug-scrypt"]

SHOWN: dict[str, tuple[str, str]] = {
    "unknown": ("nobody", PASSWORD),
    "unknown, another": ("someone", PASSWORD),
    "unknown, no name": ("", PASSWORD),
    "wrong": ("ann", "S3cret"),
    "over 8 octets": ("ann", PASSWORD + "abc"),
    "73 octets": ("ann", "a" * 73),
    "1024 octets": ("ann", "a" * 1024),
    "over-long": ("ann", "a" * 1025),
    "far over-long": ("ann", "a" * 100_000),
    "unknown, over-long": ("nobody", "a" * 1025),
    "NUL": ("ann", PASSWORD + "\0"),
    "NUL first": ("ann", "\0" + PASSWORD),
    "unknown, NUL": ("nobody", PASSWORD + "\0"),
    "empty": ("ann", ""),
    "unknown, empty": ("nobody", ""),
    "not ASCII": ("ann", "pässwörd"),
    "surrogate": ("ann", "\ud800"),
}
SHUT = {
    f"{state}, {what}": (state, password)
    for state in ("disabled", "locked", "expired")
    for what, password in (("right", PASSWORD), ("wrong", "S3cret"), ("over-long", "a" * 1025), ("empty", ""), ("NUL", "\0"))
}
RIGHT = BasicCredentials("ann", PASSWORD)


def shown_to(kind: str) -> dict[str, tuple[str, str]]:
    """Return what is shown to a checker of some kind."""
    return SHOWN | SHUT if kind == "accounts" else SHOWN


def heat(checker: FlowChecker[BasicCredentials], hasher: CountingHasher) -> None:
    """Log in with the right password, until it costs nothing."""
    assert isinstance(checker.check(RIGHT), Accepted)
    hasher.take()
    assert isinstance(checker.check(RIGHT), Accepted)
    assert hasher.take() == []


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("kind", "scheme"), CASES)
def test_W2_whatever_is_wrong_costs_what_the_right_password_costs(kind: str, scheme: str, tmp_path: Path) -> None:
    """One verification with the parameters of the right one, and as many derivations, cold and with the right password remembered."""
    hasher = CountingHasher(settles=True)
    hash_ = stored(scheme)
    checker = checker_of(kind, hash_, hasher, tmp_path)
    checker.check(RIGHT)  # whatever is loaded with the first one
    checker = checker_of(kind, hash_, hasher, tmp_path)
    hasher.take()
    with derivations() as right:
        assert isinstance(checker.check(RIGHT), Accepted)
    cost = [hasher.profile(hash_)]
    assert hasher.take() == cost
    for hot in (False, True):
        checker = checker_of(kind, hash_, hasher, tmp_path)
        if hot:
            heat(checker, hasher)
        hasher.take()
        for case, (name, password) in shown_to(kind).items():
            with derivations() as seen:
                verdict = checker.check(BasicCredentials(name, password))
            assert isinstance(verdict, Refused), case
            assert (hasher.take(), seen) == (cost, right), case
            if hot:
                assert isinstance(checker.check(RIGHT), Accepted)
                assert hasher.take() == []


@pytest.mark.sampled(5)
@pytest.mark.anyio
@pytest.mark.parametrize("scheme", SOME)
@pytest.mark.parametrize("kind", KINDS)
async def test_W2_awaited_it_costs_the_same(kind: str, scheme: str, tmp_path: Path) -> None:
    """On an event loop: one verification for each, and the verdict that the blocking way gives."""
    hasher = CountingHasher(settles=True)
    checker = checker_of(kind, stored(scheme), hasher, tmp_path)
    for _ in range(2):
        for name, password in shown_to(kind).values():
            shown = BasicCredentials(name, password)
            expected: Verdict = checker.check(shown)
            hasher.take()
            assert await checker.acheck(shown) == expected
            assert hasher.take() == [hasher.profile(stored(scheme))]
        assert isinstance(await checker.acheck(RIGHT), Accepted)  # hot from here on
        hasher.take()


@pytest.mark.sampled(5)
@pytest.mark.parametrize("scheme", SOME)
@pytest.mark.parametrize("kind", KINDS)
def test_W2_a_client_gets_the_same_answer_at_the_same_cost(kind: str, scheme: str, behind: Behind, tmp_path: Path) -> None:
    """Behind a guard: the same octets for all of them, after one verification each. A NUL Basic itself refuses, to everybody alike."""
    hasher = CountingHasher(settles=True)
    send = behind(guarded(checker_of(kind, stored(scheme), hasher, tmp_path)))
    refusals: dict[bool, set[str]] = {True: set(), False: set()}
    for hot in (False, True):
        for case, (name, password) in shown_to(kind).items():
            if len(password) > 5000 or "\ud800" in password:
                continue  # longer than a field may be, or nothing that could be sent
            hasher.take()
            answer = send(log_in(name, password))
            reached = "\0" not in password
            refusals[reached].add(repr(bytes_of(answer)))
            assert answer.status == 401
            assert hasher.take() == [hasher.profile(stored(scheme))] * reached, (hot, case)
        assert send(log_in("ann", PASSWORD)).status == 200
        hasher.take()
        assert send(log_in("ann", PASSWORD)).status == 200
        assert hasher.take() == []
    assert [len(found) for found in refusals.values()] == [1, 1]


@pytest.mark.parametrize("state", ["disabled", "locked", "expired"])
def test_W2_a_disabled_account_in_the_cache_costs_a_verification_again(state: str) -> None:
    """The cache never answers for a disabled account: its speed would reveal that the password is right."""
    desk = Desk(max_age=DAY)
    desk.accounts.add("ann", "s3cret")
    for _ in range(2):
        desk.accept("ann")
    if state == "disabled":
        desk.accounts.disable("ann")
    elif state == "locked":
        desk.accounts.lock("ann", desk.clock.now() + 60)
    else:
        desk.clock.advance(DAY)
    desk.hasher.take()
    reason = Reason.PASSWORD_EXPIRED if state == "expired" else Reason(state)
    for _ in range(3):
        assert desk.accounts.check(RIGHT) == Refused(reason)
        assert len(desk.hasher.take()) == 1


def test_W2_an_account_without_a_password_costs_a_verification() -> None:
    """No password matches it, and the work does not reveal it."""
    desk = Desk()
    desk.accounts.add("ann", "s3cret")
    desk.accounts.add("robot")
    usual = [desk.hasher.profile(desk.hasher.dummy())]
    for password in ("s3cret", "", "a" * 1025):
        desk.hasher.take()
        assert desk.accounts.check(BasicCredentials("robot", password)) == Refused(Reason.WRONG_SECRET)
        assert desk.hasher.take() == usual


@pytest.mark.parametrize("stored_hash", [None, "broken"])
def test_W2_the_password_of_a_dummy_hash_is_refused(stored_hash: str | None) -> None:
    """An account without a usable hash is verified against the hash of another account, whose password is refused all the same."""
    desk = Desk()
    desk.accounts.add("ann", password_hash=stored("bcrypt"))
    desk.store.add_account(AccountRecord(id="robot", names=("robot",), password_hash=stored_hash))
    for name, reason in (("robot", Reason.WRONG_SECRET), ("nobody", Reason.UNKNOWN_IDENTITY)):
        for _ in range(2):
            desk.hasher.take()
            assert desk.accounts.check(BasicCredentials(name, PASSWORD)) == Refused(reason)
            assert desk.hasher.take() == [desk.hasher.profile(stored("bcrypt"))]
    desk.accept("ann")


@pytest.mark.parametrize("scheme", sorted(LIMITS))
def test_W2_a_password_beyond_the_limit_of_its_format_is_refused(scheme: str) -> None:
    """A password that agrees as far as the format reads, and goes on, is refused after the same work."""
    limit = LIMITS[scheme]
    hasher = CountingHasher(settles=True)
    desk = Desk(hasher=hasher)
    hash_ = MAKERS[scheme]("a" * limit)
    desk.accounts.add("ann", password_hash=hash_)
    desk.accept("ann", "a" * limit)
    hasher.take()
    assert desk.accounts.check(BasicCredentials("ann", "a" * (limit + 1))) == Refused(Reason.WRONG_SECRET)
    assert hasher.take() == [hasher.profile(hash_)]


def test_W2_two_names_never_share_one_computation() -> None:
    """A shared answer would show that both are verified against one dummy hash, so that neither name exists."""
    desk = Desk()
    desk.accounts.add("ann", "s3cret")
    keys = set()
    for name in ("nobody", "someone", "ann"):
        operation = next(desk.accounts.flow(BasicCredentials(name, "x")))
        keys.add(operation.run.args[0])  # type: ignore[attr-defined]  # a partial of the limiter: what a flight is known by
    again = next(desk.accounts.flow(BasicCredentials("nobody", "x")))
    assert len(keys) == 3
    assert again.run.args[0] in keys  # type: ignore[attr-defined]  # as above


STEPS = {"examine", "for_name", "account", "_texts", "_standing", "_knows", "profile", "note"}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_W2_around_the_hash_the_steps_are_the_same_for_every_name(kind: str, tmp_path: Path) -> None:
    """A known name is looked at as often as an unknown one: hashes read, rows decoded, dummy hashes chosen."""
    store = MemoryStore() if kind == "memory" else SQLStore(f"sqlite:///{tmp_path / 'auth.db'}")
    accounts = Accounts(store, hasher=CountingHasher(settles=True))
    accounts.add("ann", "s3cret", roles=["staff"])
    counted = []
    for name in ("ann", "nobody", "ann", "nobody"):
        seen: Counter[str] = Counter()

        def note(frame: FrameType, event: str, _: object, seen: Counter[str] = seen) -> None:
            if event == "call" and frame.f_code.co_name in STEPS:
                seen[frame.f_code.co_name] += 1

        sys.setprofile(note)
        try:
            accounts.check(BasicCredentials(name, "wrong"))
        finally:
            sys.setprofile(None)
        counted.append(seen)
    assert counted[2] == counted[3]
    assert counted[2]["for_name"] == 1


def test_W2_the_decision_for_an_unknown_name_is_made_anew_as_for_a_wrong_password() -> None:
    """A decision that is kept for unknown names alone would be quicker, and so tell which names exist."""
    guard = Guard(Basic(Users({"ann": stored("argon2id")}), realm="office"))
    for name in ("ann", "nobody"):
        first, second = (guard.decide(RequestView("GET", "/", [basic(name, "wrong")], "192.0.2.7")) for _ in range(2))
        assert first is not second
        assert first == second
