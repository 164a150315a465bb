"""`watchword hash`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import STRONG
from tests.support.passwords import MAKERS, PASSWORD, stored
from watchword.checkers import verify_password

if TYPE_CHECKING:
    from tests.support.command import Inside


def test_a_hash_of_what_was_piped_in(inside: Inside) -> None:
    """The hash is the one line of standard output, and its password matches it."""
    made = inside("hash", given=f"{STRONG}\n").stdout
    assert made.startswith("$argon2id$")
    assert verify_password(made.removesuffix("\n"), STRONG)


def test_a_weak_password_is_refused_as_for_accounts(inside: Inside) -> None:
    """`watchword hash` judges a password as `user add` does, and takes any with --weak."""
    assert inside.error("hash", given="hunter2\n")[0] == "weak_password"
    assert verify_password(inside("hash", "--weak", given="hunter2\n").stdout.strip(), "hunter2")


def test_the_cost_may_be_chosen(inside: Inside) -> None:
    """As in PasswordHasher(...) of the application."""
    made = inside.json("hash", "--time-cost", "3", "--memory-cost", "128", "--parallelism", "2", "--weak", given="pw\n")
    assert made["profile"] == "argon2id m=128 t=3 p=2"
    assert verify_password(made["hash"], "pw")
    assert inside.error("hash", "--memory-cost", "4", given=f"{STRONG}\n")[0] == "invalid"
    assert inside.error("hash", "--memory-cost", "0", given="pw\n", code=2)[0] == "usage"


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_is_identified(inside: Inside, name: str) -> None:
    """Format and cost are told of every hash that verifies, and whether new ones are other."""
    told = inside.json("hash", "--identify", given=stored(name, PASSWORD) + "\n")
    assert told["format"] == name
    assert told["profile"] == f"{name} {told['cost']}".rstrip()
    assert told["outdated"] is (name != "argon2id")
    assert told["new_hashes"] == "argon2id m=64 t=1 p=1"


def test_in_words(inside: Inside) -> None:
    """One line for people."""
    assert inside("hash", "--identify", given=stored("argon2id")).stdout == "argon2id m=64 t=1 p=1: as new hashes are\n"
    said = inside("hash", "--identify", "--memory-cost", "128", given=stored("bcrypt")).stdout
    assert said == "bcrypt 4: outdated, new hashes are argon2id m=128 t=2 p=1\n"


@pytest.mark.parametrize("given", ["hunter2", "$argon2id$v=19$m=64,t=1,p=1$x$y", "$2b$31$" + "a" * 53])
def test_what_is_no_hash(inside: Inside, given: str) -> None:
    """It is said that no line can be used to log in, and it is not repeated."""
    code, words = inside.error("hash", "--identify", given=given)
    assert code == "unusable_hash"
    assert given not in words


def test_the_hash_is_of_the_composed_form(inside: Inside) -> None:
    """What a terminal decomposes is hashed as Basic hands passwords over, in Normalization Form C."""
    assert verify_password(inside("hash", "--weak", given="u\u0308ber\n").stdout.strip(), "\u00fcber")
