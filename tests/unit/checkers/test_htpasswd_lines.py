"""The lines of a password file (the odd ones, one by one: tests/threats/test_W10_htpasswd.py)."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from tests.support.passwords import MAKERS, stored
from watchword.checkers import PasswordHasher
from watchword.checkers.htpasswd_lines import HtpasswdLines, OddLine, parse_htpasswd
from watchword.checkers.names import canonical, user_name

if TYPE_CHECKING:
    from collections.abc import Iterable

HASHER = PasswordHasher()
HASHES = ["{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", stored("apr1"), stored("bcrypt")]


@each("scheme", MAKERS)
def test_every_known_format_may_stand_in_it(scheme: str) -> None:
    """Whatever `verify_password` knows, colons and dollars included: the name ends at the first colon."""
    assert parse_htpasswd(f"ann:{stored(scheme)}\n".encode(), HASHER) == HtpasswdLines({"ann": stored(scheme)})


def test_names_come_in_the_order_of_the_file_and_in_canonical_form() -> None:
    """NFC, with their case."""
    octets = f"zoe:{HASHES[0]}\ncafe\u0301:{HASHES[1]}\nAnn:{HASHES[2]}\n".encode()
    assert list(parse_htpasswd(octets, HASHER).hashes) == ["zoe", "caf\u00e9", "Ann"]


def test_numbers_count_every_line() -> None:
    """From 1, comments and blank lines included, so that an editor finds them; the order is that of the file."""
    octets = f"# users\n\nann:{HASHES[0]}\nodd\n\n#\nodd again\r\nbob:{HASHES[0]}\n:\n".encode()
    read = parse_htpasswd(octets, HASHER)
    assert list(read.hashes) == ["ann", "bob"]
    assert [(odd.number, odd.problem[:15]) for odd in read.odd] == [(4, "it has no colon"), (7, "it has no colon"), (9, "the name is emp")]


def test_an_odd_line_prints_its_number() -> None:
    """For messages."""
    assert str(OddLine(7, "it has no colon")) == "line 7: it has no colon"


def test_neither_what_was_read_nor_its_repr_can_be_spoiled() -> None:
    """Frozen, and no hash is printed."""
    read = parse_htpasswd(f"ann:{HASHES[0]}\nodd\n".encode(), HASHER)
    with pytest.raises(FrozenInstanceError):
        read.odd = ()  # type: ignore[misc]  # the mistake itself
    assert repr(read) == "HtpasswdLines(odd=(OddLine(number=2, problem='it has no colon'),))"


def test_nothing_is_read_of_nothing() -> None:
    """No line, no user, nothing odd."""
    assert parse_htpasswd(b"", HASHER) == HtpasswdLines()


names = st.text(st.characters(exclude_characters=":\n\r\x7f", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda name: name == name.strip() and not name.startswith(("#", "\ufeff"))
)


@given(st.dictionaries(names, st.sampled_from(HASHES), max_size=6), st.sampled_from(["\n", "\r\n", " \n", "\n\n", "\n# x\n"]))
def test_what_is_written_is_read(users: dict[str, str], end: str) -> None:
    """Any names that can be sent, with any line ends: each is there with its hash, the first one where two are the same in NFC."""
    expected: dict[str, str] = {}
    for name, hash_ in users.items():
        expected.setdefault(canonical(name), hash_)
    read = parse_htpasswd("".join(f"{name}:{hash_}{end}" for name, hash_ in users.items()).encode(), HASHER)
    assert read.hashes == expected
    assert len(read.odd) == len(users) - len(expected)


def pieces() -> Iterable[bytes]:
    """Return what lines are made of, and what they are not."""
    return [
        b"ann",
        b"bob",
        b":",
        b"::",
        b"#",
        b" ",
        b"\t",
        b"\r",
        b"\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        *(hash_.encode() for hash_ in HASHES),
    ]


@given(st.lists(st.sampled_from(list(pieces())) | st.binary(max_size=8), max_size=30).map(b"".join))
def test_whatever_stands_in_it_is_a_user_or_reported_or_nothing(octets: bytes) -> None:
    """Never an exception; who is read could be sent in Basic and has a hash that could match; each line counts once at most."""
    read = parse_htpasswd(octets, HASHER)
    for name, hash_ in read.hashes.items():
        assert user_name(name) == name == name.strip()
        HASHER.check(hash_, name)
    numbers = [odd.number for odd in read.odd]
    assert numbers == sorted(set(numbers))
    lines = octets.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    silent = sum(1 for line in lines if not line.rstrip(b" \t\r") or line.startswith(b"#"))
    assert len(read.hashes) + len(read.odd) + silent == len(lines)
