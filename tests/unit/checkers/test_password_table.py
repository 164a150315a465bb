"""A table of names and hashes that does not change."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ANN
from tests.support.logins import CountingHasher
from tests.support.passwords import PASSWORD, stored
from watchword import Accepted, BasicCredentials, ConfigurationError, Principal, Reason, Refused, Verdict
from watchword.checkers import Htpasswd, Users
from watchword.checkers.password_table import PasswordTable
from watchword.checkers.verifying import Verifier
from watchword.operation import run
from watchword.verdict import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HASHES = {"ann": stored("argon2id"), "bob": stored("bcrypt"), "caf\u00e9": stored("apr1")}


def table(hasher: CountingHasher, hashes: dict[str, str] | None = None, principals: dict[str, Principal] | None = None) -> PasswordTable:
    """Return a table."""
    return PasswordTable(HASHES if hashes is None else hashes, principals or {}, Verifier(hasher=hasher), ALWAYS)


def check(users: PasswordTable, name: str, password: str = PASSWORD) -> Verdict:
    """Return the verdict."""
    return run(users.flow(BasicCredentials(name, password)))


def test_it_knows_who_is_in_it() -> None:
    """Right, wrong and unknown; and principals where more is known of somebody."""
    users = table(CountingHasher(), principals={"ann": ANN})
    assert check(users, "ann") == Accepted(ANN)
    assert check(users, "bob") == Accepted(Principal("bob"))
    assert check(users, "cafe\u0301") == Accepted(Principal("caf\u00e9"))
    assert check(users, "ann", "S3cret") == Refused(Reason.WRONG_SECRET)
    assert check(users, "Ann") == Refused(Reason.UNKNOWN_IDENTITY)


def test_each_answer_carries_the_lease() -> None:
    """How long the table counts is for its owner to say."""
    verdict = check(table(CountingHasher()), "ann")
    assert isinstance(verdict, Accepted)
    assert verdict.lease is ALWAYS


@pytest.mark.parametrize("name", list(HASHES))
def test_an_unknown_name_is_refused_though_the_password_fits_its_decoy(name: str) -> None:
    """The dummy hash is somebody's hash, and whoever knows that password gets in by that name alone."""
    users = table(CountingHasher(), {name: HASHES[name]})
    for number in range(5):
        assert check(users, f"nobody{number}") == Refused(Reason.UNKNOWN_IDENTITY)


def test_what_an_unknown_name_costs_is_never_remembered() -> None:
    """The right password of a dummy, shown again and again with an unknown name, is hashed each time."""
    hasher = CountingHasher()
    users = table(hasher)
    assert check(users, "ann") == Accepted(Principal("ann"))
    hasher.take()
    for _ in range(3):
        assert check(users, "nobody") == Refused(Reason.UNKNOWN_IDENTITY)
        assert len(hasher.take()) == 1


def test_the_same_name_in_either_form_has_one_decoy() -> None:
    """Else the two forms of an unknown name would differ in cost, and those of a known one would not."""
    hasher = CountingHasher()
    users = table(hasher)
    for number in range(30):
        costs = []
        for name in (f"\u00e9{number}", f"e\u0301{number}"):
            check(users, name, "x")
            costs.append(hasher.take())
        assert costs[0] == costs[1]


def test_two_users_of_one_hash_weigh_twice() -> None:
    """As often as somebody has it is it a dummy."""
    dummies = table(CountingHasher(), {"ann": HASHES["ann"], "bob": HASHES["ann"], "cid": HASHES["bob"]}).dummies
    dealt = [dummies.for_name(f"nobody{number}") for number in range(300)]
    assert 150 < dealt.count(HASHES["ann"]) < 250


def test_the_repr_shows_counts_and_no_names() -> None:
    """The repr is part of that of its checker, so it shows counts alone."""
    users = table(CountingHasher())
    assert len(users) == 3
    assert repr(users) == "PasswordTable(3 users)"


@pytest.mark.parametrize("wrong", [0, 7, "ann", ["ann"], [("ann", Principal("ann"))], {"ann"}, (), "", Principal("ann")])
def test_principals_are_a_mapping(wrong: Any, tmp_path: Path) -> None:
    """For `Users` and `Htpasswd` alike; the message says which, and shows how one is written."""
    path = tmp_path / "users"
    path.write_text(f"ann:{HASHES['ann']}\n")
    makers: list[Callable[[], object]] = [
        partial(Users, {"ann": HASHES["ann"]}, principals=wrong),
        partial(Htpasswd, path, principals=wrong),
    ]
    for make in makers:
        with pytest.raises(
            ConfigurationError, match=r"(Users|Htpasswd)\(principals=\.\.\.\) must be a mapping of user names to principals"
        ):
            make()


@pytest.mark.parametrize("wrong", [None, 7, 1.5, True, ["users"], object(), bytearray(b"users")])
def test_a_file_has_a_path(wrong: Any) -> None:
    """A number would be a file that happens to be open."""
    with pytest.raises(ConfigurationError, match=r"Htpasswd.path. must be the path of a file, .*, got "):
        Htpasswd(wrong)
