"""One password against one stored hash."""

from __future__ import annotations

import re
import sys

import pytest
from argon2 import PasswordHasher, Type

from tests.support.core import CHEAP, argon2_hash, bcrypt_hash, verifications
from tests.support.each import each
from watchword import ConfigurationError, Unavailable
from watchword.checkers import verify_password
from watchword.checkers.passwords import check_hash

# With a salt that stays, for one digest in sixteen is canonical base64 without its last character as well.
ARGON2 = CHEAP.hash("s3cret", salt=b"0123456789abcdef")
BCRYPT = bcrypt_hash(b"s3cret")
SALTED, DIGEST = ARGON2.rsplit("$", 1)
PARAMETERS, SALT = SALTED.rsplit("$", 1)


@pytest.mark.parametrize("kind", Type)
def test_every_kind_of_argon2_verifies(kind: Type) -> None:
    """Argon2id, and the older two."""
    stored = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=kind).hash("s3cret")
    check_hash(stored, "ann")
    assert verify_password(stored, "s3cret")
    assert not verify_password(stored, "S3cret")


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_every_kind_of_bcrypt_verifies(prefix: str) -> None:
    """Three names of one algorithm."""
    stored = prefix + BCRYPT[4:]
    check_hash(stored, "ann")
    assert verify_password(stored, "s3cret")
    assert not verify_password(stored, "S3cret")


@pytest.mark.parametrize("stored", [argon2_hash("pässwörd"), bcrypt_hash("pässwörd".encode())], ids=["argon2", "bcrypt"])
def test_a_password_is_text_in_utf_8_or_octets(stored: str) -> None:
    """The two are the same."""
    assert verify_password(stored, "pässwörd")
    assert verify_password(stored, "pässwörd".encode())
    assert not verify_password(stored, "pässwörd".encode("latin-1"))


@pytest.mark.parametrize("octets", [71, 72])
def test_bcrypt_takes_up_to_72_octets(octets: int) -> None:
    """Every octet counts up to the bound (W1)."""
    password = b"a" * (octets - 1)
    stored = bcrypt_hash(password + b"z")
    assert verify_password(stored, password + b"z")
    assert not verify_password(stored, password + b"y")
    assert not verify_password(stored, password)


@pytest.mark.parametrize("octets", [73, 1000, 5000])
def test_bcrypt_takes_no_more_than_72_octets(octets: int) -> None:
    """A longer password does not pass for its first 72 octets (W1, CVE-2025-22228), and costs the same as any other."""
    stored = bcrypt_hash(b"a" * 72)
    with verifications() as seen:
        assert not verify_password(stored, b"a" * octets)
    assert seen == ["bcrypt"]


def test_bcrypt_counts_octets_and_not_characters() -> None:
    """37 characters of two octets each are too long; 36 are not (W1)."""
    assert verify_password(bcrypt_hash(("ä" * 36).encode()), "ä" * 36)
    assert not verify_password(bcrypt_hash(("ä" * 36).encode()), "ä" * 37)
    # The 72nd octet is the first half of a character.
    assert not verify_password(bcrypt_hash(b"a" * 71 + b"\xc3"), "a" * 71 + "ä")


@pytest.mark.parametrize(
    ("octets", "matches"), [(0, False), (1024, True), (1025, False), (100_000, False)], ids=["empty", "longest", "longer", "absurd"]
)
def test_argon2_takes_up_to_1024_octets(octets: int, *, matches: bool) -> None:
    """A bound, so that nobody makes us hash a megabyte (W4); beyond it the cost is the same."""
    stored = argon2_hash(b"a" * octets)
    with verifications() as seen:
        assert verify_password(stored, b"a" * octets) is matches
    assert seen == ["$argon2id$v=19$m=64,t=1,p=1"]


@pytest.mark.parametrize(("stored", "name"), [(ARGON2, "$argon2id$v=19$m=64,t=1,p=1"), (BCRYPT, "bcrypt")], ids=["argon2", "bcrypt"])
@pytest.mark.parametrize("password", ["s3cret\x00", "\x00s3cret", "s3cret\x00x", "s3cret\x01", "\x00" * 2000])
def test_a_nul_never_matches(stored: str, name: str, password: str) -> None:
    """C ends a string there: what follows must not be ignored (W1), and the cost is the same."""
    with verifications() as seen:
        assert not verify_password(stored, password)
    assert seen == [name]


def test_a_hash_of_a_password_with_a_nul_is_never_matched() -> None:
    """Somebody stored one: it stays unusable, in either spelling."""
    stored = argon2_hash(b"a\0b")
    assert not verify_password(stored, b"a\0b")
    assert not verify_password(stored, b"a\x01b")
    assert not verify_password(argon2_hash(b"a\x01b"), b"a\x00b")
    assert not verify_password(bcrypt_hash(b"a\x01b"), b"a\x00b")


@pytest.mark.parametrize("surrogate", [0xD800, 0xDCFF, 0xDFFF], ids=hex)
def test_text_that_has_no_utf_8_is_a_wrong_password(surrogate: int) -> None:
    """A lone surrogate raises nothing."""
    password = f"a{chr(surrogate)}b"
    assert not verify_password(ARGON2, password)
    assert not verify_password(BCRYPT, password)


MALFORMED = {
    "cut": ARGON2[:-1],
    "a line": ARGON2 + "\n",
    "a space": " " + ARGON2,
    "padding": ARGON2 + "=",
    "no digest": SALTED + "$",
    "short digest": SALTED + "$QUI",
    "no base64": SALTED + "$!!!!!!!!",
    "trailing bits": SALTED + "$" + "A" * 42 + "B",
    "no salt": f"{PARAMETERS}$${DIGEST}",
    "short salt": f"{PARAMETERS}$c2FsdA${DIGEST}",
    "one part more": f"{ARGON2}$x",
    "version": ARGON2.replace("v=19", "v=18"),
    "no memory": ARGON2.replace("m=64", "m=7"),
    "too little memory": ARGON2.replace("p=1", "p=9"),
    "zero memory": ARGON2.replace("m=64", "m=0"),
    "zero passes": ARGON2.replace("t=1", "t=0"),
    "zero lanes": ARGON2.replace("p=1", "p=0"),
    "leading zero": ARGON2.replace("m=64", "m=064"),
    "order": ARGON2.replace("m=64,t=1", "t=1,m=64"),
    "absurd memory": ARGON2.replace("m=64", "m=4294967296"),
    "absurd lanes": ARGON2.replace("m=64", "m=4294967295").replace("p=1", "p=16777216"),
    "other digits": ARGON2.replace("t=1", "t=\u0661"),
    "bcrypt cut": BCRYPT[:-1],
    "bcrypt longer": BCRYPT + "a",
    "bcrypt line": BCRYPT + "\n",
    "bcrypt cost": BCRYPT.replace("$04$", "$03$"),
    "bcrypt great cost": BCRYPT.replace("$04$", "$32$"),
    "bcrypt short cost": BCRYPT.replace("$04$", "$4$"),
    "bcrypt alphabet": BCRYPT[:-1] + "=",
    "bcrypt salt bits": BCRYPT[:28] + "A" + BCRYPT[29:],
    "bcrypt digest bits": BCRYPT[:-1] + "A",
    "empty": "",
    "plain": "s3cret",
    "md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "scrypt": "$scrypt$ln=17,r=8,p=1$c2FsdA$aGFzaA",
    "old bcrypt": "$2x$" + BCRYPT[4:],
    "first bcrypt": "$2$" + BCRYPT[4:],
    "nul": ARGON2 + "\0",
    "surrogate": ARGON2[:-1] + "\ud800",
    "name only": "$argon2id$",
    "bcrypt name only": "$2b$",
}


@each("stored", MALFORMED.values())
def test_what_can_never_match_is_refused_when_it_is_configured(stored: str) -> None:
    """Its owner could never log in, and a hash that costs nothing to verify would tell who that is; the message does not show it."""
    with pytest.raises(ConfigurationError, match=re.escape("'ann'")) as caught:
        check_hash(stored, "ann")
    assert not stored or stored not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["cut", "empty", "plain", "md5", "nul", "surrogate", "bcrypt cost", "bcrypt salt bits", "name only", "bcrypt name only"]
)
def test_a_malformed_hash_matches_nothing_and_raises_nothing(name: str) -> None:
    """Whoever calls `verify_password` alone gets an answer."""
    for password in ("s3cret", b"s3cret", "", MALFORMED[name]):
        assert verify_password(MALFORMED[name], password) is False


@pytest.mark.parametrize("wrong", [None, b"$argon2id$", 7])
def test_a_hash_is_a_string(wrong: object) -> None:
    """The message names the type."""
    with pytest.raises(ConfigurationError, match=f"the password hash of 'ann' must be a string, got {type(wrong).__name__}"):
        check_hash(wrong, "ann")  # type: ignore[arg-type]  # the mistake itself
    assert verify_password(wrong, "x") is False  # type: ignore[arg-type]  # the same


@each("length", range(4, 70))
def test_every_length_of_salt_and_digest_is_taken(length: int) -> None:
    """Whatever the library makes is no mistake."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=2, hash_len=length, salt_len=length + 4)
    check_hash(hasher.hash("x"), "ann")


def test_the_least_memory_is_taken() -> None:
    """Eight blocks for each lane (RFC 9106 §3.1)."""
    for lanes in (1, 4):
        check_hash(PasswordHasher(time_cost=1, memory_cost=8 * lanes, parallelism=lanes).hash("x"), "ann")


def test_the_oldest_version_of_argon2_is_taken() -> None:
    """Version 1.0 has no `v=`."""
    check_hash(ARGON2.replace("$v=19", ""), "ann")
    check_hash(ARGON2.replace("v=19", "v=16"), "ann")


def test_without_bcrypt_its_hashes_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is an extra: a table that needs it says so when it is made, and a hash alone is an outage."""
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    with pytest.raises(
        ConfigurationError, match=r"'ann' has a bcrypt hash, and bcrypt is not installed: pip install 'watchword\[bcrypt\]'"
    ):
        check_hash(BCRYPT, "ann")
    with pytest.raises(Unavailable, match="the bcrypt hash cannot be computed"):
        verify_password(BCRYPT, "s3cret")
    check_hash(ARGON2, "ann")
    assert verify_password(ARGON2, "s3cret") is True
