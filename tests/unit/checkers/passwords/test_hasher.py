"""New hashes, outdated hashes, the dummy, and plain text where it was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher as Argon2
from argon2 import Type

from tests.support.each import each
from tests.support.passwords import MAKERS, PASSWORD, argon2, derivations, stored
from watchword import ConfigurationError
from watchword.checkers.passwords import PasswordHasher, verify_password

CHEAP = PasswordHasher(time_cost=1, memory_cost=64)


def test_new_hashes_are_argon2id() -> None:
    """With the parameters of RFC 9106's structure: 16 octets of salt, 32 of digest, the newest version; argon2-cffi agrees."""
    made = CHEAP.hash(PASSWORD)
    assert made.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert not Argon2(time_cost=1, memory_cost=64, parallelism=1, hash_len=32, salt_len=16).check_needs_rehash(made)
    assert CHEAP.verify(made, PASSWORD) is True
    assert verify_password(made, PASSWORD) is True
    assert CHEAP.verify(made, "other") is False
    assert CHEAP.hash(PASSWORD) != made


def test_the_default_is_what_owasp_recommends() -> None:
    """19 MiB, two passes, one lane."""
    assert PasswordHasher().profile(PasswordHasher().hash(PASSWORD)) == "argon2id m=19456 t=2 p=1"


def test_text_and_octets_are_the_same_password() -> None:
    """Text is UTF-8."""
    assert CHEAP.verify(CHEAP.hash("pässwörd"), "pässwörd".encode()) is True
    assert CHEAP.verify(CHEAP.hash("pässwörd".encode()), "pässwörd") is True
    assert CHEAP.verify(CHEAP.hash(b"\xff\xfe"), b"\xff\xfe") is True


@pytest.mark.parametrize(
    ("password", "message"),
    [("", "empty"), (b"", "empty"), ("x" * 1025, "longer than 1024 octets"), ("ä" * 513, "longer than 1024"), ("top\0secret", "NUL")],
    ids=["text", "octets", "long", "wide", "nul"],
)
def test_a_password_that_could_never_match_is_not_hashed(password: str | bytes, message: str) -> None:
    """Whoever sets it learns why, and the message does not show it."""
    with pytest.raises(ValueError, match=message) as caught:
        CHEAP.hash(password)
    assert "secret" not in str(caught.value)
    assert "xx" not in str(caught.value)


def test_the_longest_password_is_hashed() -> None:
    """1,024 octets, all of which count."""
    made = CHEAP.hash("x" * 1024)
    assert CHEAP.verify(made, "x" * 1024) is True
    assert CHEAP.verify(made, "x" * 1023) is False


@pytest.mark.parametrize("wrong", [None, 7, ["s3cret"]])
def test_an_invalid_password_is_not_hashed(wrong: Any) -> None:
    """The message names the type alone."""
    with pytest.raises(TypeError, match=f"a password must be text or octets, got {type(wrong).__name__}"):
        CHEAP.hash(wrong)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time_cost": 0}, r"PasswordHasher\(time_cost=...\) must be a whole number, 1 or more, got 0"),
        ({"memory_cost": "64"}, "memory_cost.* got '64'"),
        ({"parallelism": True}, "parallelism.* got True"),
        ({"memory_cost": 31, "parallelism": 4}, "must be 8 KiB or more for each lane: use 32 or more"),
        ({"memory_cost": 2**21 + 1}, "must stay within memory_cost=2097152"),
        ({"memory_cost": 2**20, "time_cost": 5}, r"memory_cost \* time_cost = 4194304"),
        ({"parallelism": 65}, "parallelism=64"),
        ({"context": object()}, "have its methods hash, verify, needs_update, identify, got object"),
    ],
)
def test_settings_that_cannot_be_right_are_a_mistake(settings: dict[str, Any], message: str) -> None:
    """Found when the hasher is made, not when somebody logs in."""
    with pytest.raises(ConfigurationError, match=message):
        PasswordHasher(**settings)


@pytest.mark.parametrize("settings", [{"memory_cost": 2**21, "time_cost": 2}, {"memory_cost": 512, "parallelism": 64, "time_cost": 1}])
def test_settings_at_the_ceilings_are_taken(settings: dict[str, int]) -> None:
    """What a hasher makes is never over its own ceilings."""
    PasswordHasher(**settings)  # type: ignore[arg-type]  # whole numbers all


def test_a_hash_of_its_own_is_not_outdated() -> None:
    """Only what differs is made anew."""
    assert CHEAP.needs_rehash(CHEAP.hash(PASSWORD)) is False
    assert CHEAP.needs_rehash(stored("argon2id")) is False


@each("name", [name for name in MAKERS if name != "argon2id"])
def test_every_other_format_is_outdated(name: str) -> None:
    """The older kinds of Argon2 too."""
    assert CHEAP.needs_rehash(stored(name)) is True


@pytest.mark.parametrize(
    "settings",
    [{"time_cost": 2}, {"memory_cost": 63}, {"memory_cost": 65}, {"parallelism": 2}, {"hash_len": 31}, {"salt_len": 15}],
    ids=str,
)
def test_other_parameters_are_outdated(settings: dict[str, int]) -> None:
    """Lower or higher, salt and digest too short included."""
    given = {"time_cost": 1, "memory_cost": 64, "parallelism": 1, "hash_len": 32, "salt_len": 16, **settings}
    assert CHEAP.needs_rehash(Argon2(**given).hash(PASSWORD)) is True  # type: ignore[arg-type]  # whole numbers all


@pytest.mark.parametrize("text", ["", "x", "$argon2id$", stored("argon2id").replace("v=19", "v=16"), None, 7], ids=str)
def test_what_is_unknown_is_outdated(text: Any) -> None:
    """Malformed, of an old version, or no text at all: nothing is raised."""
    assert CHEAP.needs_rehash(text) is True


def test_the_dummy_is_like_a_new_hash() -> None:
    """Same profile as new hashes, made once, and not for each of its uses (W3)."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64)
    assert hasher.profile(hasher.dummy()) == hasher.profile(hasher.hash(PASSWORD)) == "argon2id m=64 t=1 p=1"
    assert hasher.needs_rehash(hasher.dummy()) is False
    with derivations() as seen:
        assert hasher.dummy() == hasher.dummy()
    assert seen == []
    assert PasswordHasher(time_cost=1, memory_cost=64).dummy() != hasher.dummy()


@pytest.mark.parametrize("password", ["", "dummy", "\0", "x" * 2000])
def test_the_password_of_the_dummy_hash_is_random(password: str) -> None:
    """Nor is it empty; and verifying against it is one verification (W3)."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64)
    dummy = hasher.dummy()
    with derivations() as seen:
        assert hasher.verify(dummy, password) is False
    assert len(seen) == 1


@pytest.mark.parametrize("wrong", [None, 7, b"$argon2id$", object(), ["x"]], ids=["none", "number", "octets", "object", "list"])
def test_a_malformed_hash_raises_nothing(wrong: Any) -> None:
    """It matches nothing and has no profile."""
    assert CHEAP.verify(wrong, PASSWORD) is False
    assert CHEAP.profile(wrong) is None
    with pytest.raises(ConfigurationError, match="the password hash of 'ann' must be a string, got"):
        CHEAP.check(wrong, "ann")


class Sly(str):
    """A text that lies about itself."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Agree."""
        return True

    def __len__(self) -> int:
        """Fail."""
        raise MemoryError

    def encode(self, *_: object) -> bytes:
        """Fail."""
        raise MemoryError


def test_a_subclass_of_text_is_read_as_the_text_it_is() -> None:
    """Its own methods are not asked."""
    assert CHEAP.verify(Sly(stored("argon2id")), PASSWORD) is True
    assert CHEAP.verify(Sly("x"), PASSWORD) is False
    assert CHEAP.verify(stored("argon2id"), Sly(PASSWORD)) is True


def test_a_hasher_prints_no_secret() -> None:
    """Its parameters are none; its dummy would only confuse."""
    dummy = CHEAP.dummy()
    assert repr(CHEAP) == "PasswordHasher(argon2id m=64 t=1 p=1)"
    assert repr(PasswordHasher(plain=True)) == "PasswordHasher(argon2id m=19456 t=2 p=1, plain=True)"
    assert dummy not in repr(CHEAP)


# --- plain text ------------------------------------------------------------------------------------------------------------

PLAIN = PasswordHasher(time_cost=1, memory_cost=64, plain=True)
BARE = ["s3cret", "p\u00e4ssw\u00f6rd", "with spaces", "5f4dcc3b5aa765d61d8327deb882cf99", "$", "{SHA", "x" * 1024, "correct-horse"]


@pytest.mark.parametrize("text", BARE)
def test_plain_text_is_refused_unless_it_was_asked_for(text: str) -> None:
    """Marked or bare, it matches nothing by default, and is a mistake at construction; the message does not show it."""
    for value in (text, "{PLAIN}" + text):
        assert verify_password(value, text) is False
        assert CHEAP.verify(value, text) is False
        assert CHEAP.profile(value) is None
        with pytest.raises(ConfigurationError, match="'ann' is not a hash of a known format"):
            CHEAP.check(value, "ann")


@pytest.mark.parametrize("text", BARE)
def test_plain_text_verifies_where_it_was_asked_for(text: str) -> None:
    """Marked or bare; and it is outdated, so that it is gone after the next login."""
    for value in (text, "{PLAIN}" + text):
        PLAIN.check(value, "ann")
        assert PLAIN.verify(value, text) is True
        assert PLAIN.verify(value, text + "x") is False
        assert PLAIN.verify(value, text[:-1]) is False
        assert PLAIN.verify(value, "") is False
        assert PLAIN.profile(value) == "plain"
        assert PLAIN.needs_rehash(value) is True


@each("name", MAKERS)
def test_a_hash_is_no_password_where_plain_text_was_asked_for(name: str) -> None:
    """Whoever reads a hash, or a damaged one, cannot log in with it."""
    for text in (stored(name), stored(name)[:-1], stored(name) + "\n"):
        if name == "des-crypt" and text != stored(name):
            continue  # nothing marks it: what is almost such a hash is a password
        assert PLAIN.verify(text, text) is False
        assert PLAIN.verify(text, text.strip()) is False
    assert PLAIN.verify(stored(name), PASSWORD) is True
    assert PLAIN.verify("{PLAIN}" + stored(name), stored(name)) is True


@pytest.mark.parametrize("text", ["{PLAIN}", "", "a\0b", "x" * 1025, "{PLAIN}" + "x" * 1025])
def test_a_stored_password_that_cannot_be_sent_is_malformed(text: str) -> None:
    """Empty, with a NUL, or longer than any password may be."""
    assert PLAIN.verify(text, text.removeprefix("{PLAIN}")) is False
    assert PLAIN.verify(text, text) is False
    assert PLAIN.profile(text) is None
    with pytest.raises(ConfigurationError, match="'ann'"):
        PLAIN.check(text, "ann")


def test_argon2_kinds_are_told_apart() -> None:
    """What the helper of these tests makes is what its name says."""
    assert [CHEAP.profile(argon2(PASSWORD, kind)) for kind in (Type.D, Type.I)] == ["argon2d m=64 t=1 p=1", "argon2i m=64 t=1 p=1"]
