"""bcrypt looks at 72 octets, and some of its libraries stop at a NUL: nobody can tell from outside, and nothing is cut (threat W1)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.core import argon2_hash, bcrypt_hash, verifications
from tests.support.each import each
from tests.support.logins import Bcrypt, CountingHasher, Desk, bytes_of, guarded, log_in, write_htpasswd
from watchword import Accepted, BasicCredentials, Reason, Refused
from watchword.checkers import Htpasswd, PasswordHasher, Users, verify_password

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.drive import Behind
    from watchword.checkers import FlowChecker

LENGTHS: dict[str, str] = {
    "71": "a" * 71,
    "72": "a" * 72,
    "73": "a" * 73,
    "1000": "a" * 1000,
    "1024": "a" * 1024,
    "1025": "a" * 1025,
    "72 of two octets each": "é" * 36,
    "73, the last of two octets": "a" + "é" * 36,
    "74 of two octets each": "é" * 37,
    "72 of three octets each": "\u20ac" * 24,
    "73, the last of three octets": "a" + "\u20ac" * 24,
    "74, across the edge": "aa" + "\u20ac" * 24,
    "72 of four octets each": "\U0001f511" * 18,
    "75, across the edge": "aaa" + "\U0001f511" * 18,
    "1025 across the edge": "a" * 1023 + "é",
    "1024 of four octets each": "\U0001f511" * 256,
    "1028 of four octets each": "\U0001f511" * 257,
}
NULS = {
    "NUL at the end": "s3cret\0",
    "NUL and more": "s3cret\0x",
    "NUL first": "\0s3cret",
    "NUL alone": "\0",
    "NUL after 72": "a" * 72 + "\0",
}
KINDS = ["users", "htpasswd", "accounts"]
RIGHT = "s3cret"


def checker_of_both(kind: str, hasher: CountingHasher, folder: Path) -> FlowChecker[BasicCredentials]:
    """Return a checker in which `bcrypt` has a bcrypt hash, and `argon2` an Argon2 one."""
    hashes = {"argon2": argon2_hash(RIGHT), "bcrypt": bcrypt_hash(RIGHT.encode())}
    if kind == "users":
        return Users(hashes, hasher=hasher)
    if kind == "htpasswd":
        return Htpasswd(write_htpasswd(folder / "users", hashes), hasher=hasher)
    desk = Desk(hasher=hasher)
    for name, hash_ in hashes.items():
        desk.accounts.add(name, password_hash=hash_)
    return desk.accounts


@pytest.mark.parametrize("case", [*LENGTHS, *NULS])
@pytest.mark.parametrize("kind", KINDS)
def test_W1_whatever_its_length_a_wrong_password_costs_one_hash(kind: str, case: str, tmp_path: Path) -> None:
    """For a bcrypt account, an Argon2 account and unknown names: refused, after one computation that the libraries do in full."""
    hasher = CountingHasher(settles=True)
    checker = checker_of_both(kind, hasher, tmp_path)
    password = (LENGTHS | NULS)[case]
    for name in ("bcrypt", "argon2", "nobody", "someone"):
        hasher.take()
        with verifications() as seen:
            verdict = checker.check(BasicCredentials(name, password))
        assert isinstance(verdict, Refused)
        assert len(hasher.take()) == len(seen) == 1
        if name in {"bcrypt", "argon2"}:
            assert seen[0].startswith({"bcrypt": "bcrypt", "argon2": "$argon2id$"}[name])


@pytest.mark.parametrize("kind", KINDS)
def test_W1_a_client_gets_the_same_octets(kind: str, behind: Behind, tmp_path: Path) -> None:
    """Through a guard: one refusal for all lengths and all names; a NUL, which Basic refuses, likewise; at as many hashes."""
    hasher = CountingHasher(settles=True)
    send = behind(guarded(checker_of_both(kind, hasher, tmp_path)))
    for cases, computed in ((LENGTHS, 1), (NULS, 0)):
        answers = set()
        for password in cases.values():
            for name in ("bcrypt", "argon2", "nobody"):
                hasher.take()
                answers.add(repr(bytes_of(send(log_in(name, password)))))
                assert len(hasher.take()) == computed
        assert len(answers) == 1
        assert answers.pop().startswith("(401,")


@each("case", LENGTHS)
def test_W1_72_octets_match_and_73_do_not(case: str) -> None:
    """Up to 72 octets match. The first 72 of a longer password never do, nor does a NUL after the right one."""
    password = LENGTHS[case]
    octets = password.encode()
    hash_ = bcrypt_hash(octets[:72])
    users = Users({"ann": hash_})
    expected = Accepted if len(octets) <= 72 else Refused
    assert isinstance(users.check(BasicCredentials("ann", password)), expected)
    assert isinstance(users.check(BasicCredentials("ann", password + "\0")), Refused)
    assert verify_password(hash_, octets) is (len(octets) <= 72)
    assert not verify_password(hash_, octets[:72] + b"x")


@each("case", LENGTHS)
def test_W1_argon2_looks_at_every_octet_up_to_the_bound(case: str) -> None:
    """Up to 1,024 octets a password is hashed whole: with one octet changed at its very end it is wrong."""
    password = LENGTHS[case]
    desk = Desk()
    desk.accounts.add("ann", password_hash=argon2_hash(password))
    fits = len(password.encode()) <= 1024
    assert isinstance(desk.accounts.check(BasicCredentials("ann", password)), Accepted if fits else Refused)
    assert desk.accounts.check(BasicCredentials("ann", password[:-1] + "b")) == Refused(Reason.WRONG_SECRET)


def test_W1_no_hash_is_made_of_what_would_be_cut() -> None:
    """Setting a password that the format would cut is refused in words, for bcrypt by a context beyond 72 octets, for all beyond 1,024."""
    desk = Desk(hasher=CountingHasher(context=Bcrypt()))
    desk.accounts.add("ann", "a" * 72)
    desk.accept("ann", "a" * 72)
    with pytest.raises(ValueError, match="longer than the 72 octets"):
        desk.accounts.set_password("ann", "a" * 73)
    with pytest.raises(ValueError, match="longer than the 72 octets"):
        desk.accounts.add("bob", "a" + "é" * 36)
    desk.accept("ann", "a" * 72)
    with pytest.raises(ValueError, match="longer than 1024 octets"):
        PasswordHasher().hash("a" * 1025)
