"""Every format that people have stored, against those who made it; and everything that is almost one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher as Argon2
from passlib.hash import ldap_salted_sha1, pbkdf2_sha256
from passlib.hash import scrypt as passlib_scrypt

from tests.support.each import each, noting
from tests.support.passwords import LIMITS, MAKERS, PASSWORD, derivations, stored
from tests.support.programs import tool
from watchword import ConfigurationError, Unavailable
from watchword.checkers.passwords import PasswordHasher, check_hash, identify, verify_password
from watchword.checkers.passwords.formats import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator

HASHER = PasswordHasher()
FORMATS = list(MAKERS)

HTPASSWD = {"-B": "bcrypt 5", "-m": "apr1", "-2": "sha256-crypt 5000", "-5": "sha512-crypt 5000", "-s": "ldap-sha1", "-d": "des-crypt"}
OPENSSL = {"-1": "md5-crypt", "-5": "sha256-crypt 5000", "-6": "sha512-crypt 5000", "-apr1": "apr1"}

# Published with the algorithms, in the manual of PHP's crypt(), and by phpass and crypt_blowfish for their own tests.
PUBLISHED = [
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
    ("test12345", "$H$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
    ("rasmusle", "rl.3StKT.4T8M"),
    ("rasmuslerdorf", "$1$rasmusle$rISCgZzpwk3UhDidwXvin0"),
    ("rasmuslerdorf", "$5$rounds=5000$usesomesillystri$KqJWpanXZHKq2BOB43TSaYhEWsQ1Lr5QNyPCDH/Tp.6"),
    ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
    ("password", "pbkdf2:sha1:4096$salt$4b007901b765489abead49d926f721d065a429c1"),
    (
        "password",
        (
            "scrypt:1024:8:16$NaCl$fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
            "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
    ),
]


@each("name", FORMATS)
def test_a_format_verifies_what_its_own_library_made(name: str) -> None:
    """The right password matches, another one does not, and the format is told by its name."""
    check_hash(stored(name), "ann")
    assert verify_password(stored(name), PASSWORD) is True
    assert verify_password(stored(name), PASSWORD.encode()) is True
    assert verify_password(stored(name), "S3cret") is False
    assert identify(stored(name)) == name


@each("name", FORMATS)
def test_a_format_takes_passwords_beyond_ascii(name: str) -> None:
    """Text is UTF-8 in every one of them."""
    made = MAKERS[name]("pässwö")
    assert verify_password(made, "pässwö") is True
    assert verify_password(made, "pässwö".encode()) is True
    assert verify_password(made, "passwo") is False
    assert verify_password(made, "pässwö".encode("latin-1")) is False


@pytest.mark.parametrize("flag", HTPASSWD)
def test_what_htpasswd_writes_verifies(flag: str) -> None:
    """Apache's own tool, in each of its formats."""
    made = tool("htpasswd", "-nbi" + flag[1:], "ann", given=PASSWORD).removeprefix("ann:") if flag == "-B" else None
    made = made or tool("htpasswd", "-nb" + flag[1:], "ann", PASSWORD).removeprefix("ann:")
    assert HASHER.profile(made) == HTPASSWD[flag]
    assert verify_password(made, PASSWORD) is True
    assert verify_password(made, "other") is False


@pytest.mark.parametrize("flag", OPENSSL)
def test_what_openssl_writes_verifies(flag: str) -> None:
    """`openssl passwd`, which many use in the place of htpasswd."""
    made = tool("openssl", "passwd", flag, "-stdin", given=PASSWORD)
    assert HASHER.profile(made) == OPENSSL[flag]
    assert verify_password(made, PASSWORD) is True
    assert verify_password(made, "other") is False


@pytest.mark.parametrize(("password", "published"), PUBLISHED)
def test_published_vectors_verify(password: str, published: str) -> None:
    """What the authors of an algorithm printed."""
    check_hash(published, "ann")
    assert verify_password(published, password) is True
    assert verify_password(published, password + "x") is False
    assert verify_password(published, password[:-1]) is False


@pytest.mark.parametrize("name", FORMATS)
def test_every_password_costs_the_same(name: str) -> None:
    """Right, wrong, empty, over-long, with a NUL, no UTF-8, or no password at all: the same calls, and at least one (W1, W2)."""
    verify_password(stored(name), PASSWORD)  # so that what is loaded first is loaded
    with derivations() as right:
        assert verify_password(stored(name), PASSWORD)
    assert right
    others: list[object] = ["x", "", "x" * 9, "x" * 73, "x" * 1025, "x" * 100_000, PASSWORD + "\0", "\0", b"\xff", "\ud800", None, 7]
    for other in others:
        with derivations() as seen:
            assert verify_password(stored(name), other) is False  # type: ignore[arg-type]  # the mistake itself
        assert seen == right, other


@each("name", FORMATS)
def test_an_empty_password_never_verifies(name: str) -> None:
    """It is no secret, even if somebody stored its hash."""
    made = MAKERS[name]("")
    check_hash(made, "ann")
    assert verify_password(made, "") is False
    assert verify_password(made, b"") is False


@each("name", FORMATS)
def test_a_stand_in_for_a_password_never_matches(name: str) -> None:
    """The value that gives equal work for an invalid password never opens an account."""
    assert verify_password(MAKERS[name]("\x01"), "") is False
    assert verify_password(MAKERS[name]("\x01"), "\0") is False
    assert verify_password(MAKERS[name]("\ufffd"), b"\xff") is False
    assert verify_password(MAKERS[name]("\ufffd"), "\ufffd") is True


def test_scrypt_of_a_subclass_in_django_verifies() -> None:
    """Django's own class allows 32 MiB; who made more work of it raised that."""
    from django.contrib.auth.hashers import ScryptPasswordHasher

    hasher = ScryptPasswordHasher()
    hasher.maxmem = 2**26
    assert verify_password(hasher.encode(PASSWORD, "salt", n=2**15, r=8, p=1), PASSWORD) is True


@each("name", FORMATS)
def test_no_format_looks_at_a_part_of_the_password(name: str) -> None:
    """Up to its bound every octet counts; one more than the bound is refused, though the library would pass it over (W1)."""
    limit = LIMITS.get(name, 1024)
    longest = "a" * (limit - 1) + "z"
    made = MAKERS[name](longest)
    assert verify_password(made, longest) is True
    assert verify_password(made, longest[:-1]) is False
    assert verify_password(made, longest[:-1] + "y") is False
    assert verify_password(made, longest + "z") is False
    # The octet at the bound is the first half of a character.
    assert verify_password(made, "a" * (limit - 1) + "ä") is False


@each("name", FORMATS)
def test_equal_profiles_are_told_by_format_and_cost(name: str) -> None:
    """Another salt makes no difference to the profile, and the format comes first in it."""
    profile = HASHER.profile(stored(name))
    assert profile is not None
    assert profile == HASHER.profile(MAKERS[name]("other"))
    assert profile.split()[0] == name


def test_profiles_name_what_decides_the_cost() -> None:
    """Memory, passes, lanes and version of Argon2; rounds; unusual salts of the crypts, which are hashed in every round."""
    assert HASHER.profile(stored("argon2id")) == "argon2id m=64 t=1 p=1"
    assert HASHER.profile(stored("argon2id").replace("$v=19", "")) == "argon2id m=64 t=1 p=1 v=16"
    assert HASHER.profile(stored("bcrypt")) == "bcrypt 4"
    assert HASHER.profile(stored("scrypt")) == "scrypt ln=4 r=8 p=1"
    assert HASHER.profile("$7$26..../....SodiumChloride$" + "." * 43) == "scrypt ln=4 r=8 p=1"
    assert HASHER.profile(stored("werkzeug-pbkdf2")) == "werkzeug-pbkdf2 sha256 2"
    assert HASHER.profile(stored("django-argon2")) == "django-argon2 argon2id m=64 t=1 p=1"
    assert HASHER.profile(stored("phpass")) == "phpass 7"
    assert HASHER.profile("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5") == "sha256-crypt 5000 salt=10"
    assert HASHER.profile("$1$$" + "." * 22) == "md5-crypt salt=0"


# --- what is almost a hash -------------------------------------------------------------------------------------------------

TOO_MUCH = {
    "argon2 memory": "$argon2id$v=19$m=2097153,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "argon2 work": "$argon2id$v=19$m=65536,t=65,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "argon2 lanes": "$argon2id$v=19$m=65536,t=1,p=65$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "django argon2": "argon2$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "bcrypt": "$2a$18$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "bcrypt, most": "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "django bcrypt": "bcrypt_sha256$$2b$18$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "scrypt work": "$scrypt$ln=20,r=8,p=2$c29tc2FsdA$" + "A" * 43,
    "scrypt memory": "$scrypt$ln=23,r=2,p=1$c29tc2FsdA$" + "A" * 43,
    "scrypt lanes": "$scrypt$ln=1,r=1,p=4194305$c29tc2FsdA$" + "A" * 43,
    "scrypt block": "$scrypt$ln=1,r=4194304,p=1$c29tc2FsdA$" + "A" * 43,
    "scrypt of crypt(3), work": "$7$J6..../....SodiumChloride$" + "." * 43,
    "scrypt of crypt(3), most": "$7$z6..../....SodiumChloride$" + "." * 43,
    "scrypt of crypt(3), lanes": "$7$26..../zzzzSodiumChloride$" + "." * 43,
    "django scrypt": "scrypt$1048576$salt$8$2$" + "A" * 86 + "==",
    "werkzeug scrypt": "scrypt:1048576:8:2$salt$" + "0" * 128,
    "pbkdf2": "$pbkdf2-sha256$10000001$c29tc2FsdA$" + "A" * 43,
    "django pbkdf2": "pbkdf2_sha256$10000001$salt$" + "A" * 43 + "=",
    "werkzeug pbkdf2": "pbkdf2:sha256:10000001$salt$" + "0" * 64,
    "sha256-crypt": "$5$rounds=1000001$salt$" + "." * 43,
    "sha512-crypt": "$6$rounds=999999999$salt$" + "." * 86,
    "phpass": "$P$J" + "." * 30,
}

JUST_ENOUGH = {
    "argon2 memory": TOO_MUCH["argon2 memory"].replace("2097153", "2097152"),
    "argon2 work": TOO_MUCH["argon2 work"].replace("t=65", "t=64"),
    "argon2 lanes": TOO_MUCH["argon2 lanes"].replace("p=65", "p=64"),
    "bcrypt": TOO_MUCH["bcrypt"].replace("$18$", "$17$"),
    "scrypt work": TOO_MUCH["scrypt work"].replace("p=2", "p=1"),
    "scrypt of crypt(3), work": TOO_MUCH["scrypt of crypt(3), work"].replace("$7$J", "$7$I"),
    "werkzeug scrypt": TOO_MUCH["werkzeug scrypt"].replace(":2$", ":1$"),
    "pbkdf2": TOO_MUCH["pbkdf2"].replace("10000001", "10000000"),
    "django pbkdf2": TOO_MUCH["django pbkdf2"].replace("10000001", "10000000"),
    "werkzeug pbkdf2": TOO_MUCH["werkzeug pbkdf2"].replace("10000001", "10000000"),
    "sha256-crypt": TOO_MUCH["sha256-crypt"].replace("1000001", "1000000"),
    "phpass": TOO_MUCH["phpass"].replace("$P$J", "$P$I"),
}

ALMOST = {
    "argon2 order": stored("argon2id").replace("m=64,t=1", "t=1,m=64"),
    "argon2 secret": stored("argon2id").replace("p=1", "p=1,keyid=AAAA"),
    "argon2 long salt": "$argon2id$v=19$m=64,t=1,p=1$" + "A" * 1367 + "$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "argon2 long digest": "$argon2id$v=19$m=64,t=1,p=1$c29tc2FsdA$" + "A" * 1367,
    "bcrypt 2x": "$2x$" + stored("bcrypt")[4:],
    "bcrypt 2": "$2$" + stored("bcrypt")[4:],
    "bcrypt cost": stored("bcrypt").replace("$04$", "$03$"),
    "django bcrypt without": stored("django-bcrypt").replace("$$", "$"),
    "scrypt zero": "$scrypt$ln=0,r=8,p=1$c29tc2FsdA$" + "A" * 43,
    "scrypt great N for r": "$scrypt$ln=16,r=1,p=1$c29tc2FsdA$" + "A" * 43,
    "scrypt lanes beyond RFC 7914": "$scrypt$ln=1,r=1,p=1073741824$c29tc2FsdA$" + "A" * 43,
    "scrypt salt": "$scrypt$ln=4,r=8,p=1$A$" + "A" * 43,
    "scrypt bits": "$scrypt$ln=4,r=8,p=1$c29tc2FsdA$" + "A" * 42 + "B",
    "scrypt of crypt(3), no N": "$7$.6..../....SodiumChloride$" + "." * 43,
    "scrypt of crypt(3), no r": "$7$6...../....SodiumChloride$" + "." * 43,
    "scrypt of crypt(3), no p": "$7$66.........SodiumChloride$" + "." * 43,
    "scrypt of crypt(3), short": "$7$66..../...$" + "." * 43,
    "scrypt of crypt(3), bits": "$7$66..../....SodiumChloride$" + "." * 42 + "E",
    "scrypt of crypt(3), length": "$7$66..../....SodiumChloride$" + "." * 42,
    "scrypt of crypt(3), salt": "$7$66..../....Sodium Chloride$" + "." * 43,
    "scrypt of crypt(3), long salt": "$7$66..../...." + "a" * 1025 + "$" + "." * 43,
    "pbkdf2 zero": "$pbkdf2-sha256$0$c29tc2FsdA$" + "A" * 43,
    "pbkdf2 leading zero": "$pbkdf2-sha256$01$c29tc2FsdA$" + "A" * 43,
    "pbkdf2 other digest": "$pbkdf2-sha256$1$c29tc2FsdA$" + "A" * 27,
    "pbkdf2 padding": "$pbkdf2-sha256$1$c29tc2FsdA==$" + "A" * 43,
    "pbkdf2 long salt": "$pbkdf2-sha256$1$" + "A" * 1367 + "$" + "A" * 43,
    "django pbkdf2 digest": "pbkdf2_sha256$1$salt$" + "A" * 27 + "=",
    "django pbkdf2 no salt": "pbkdf2_sha256$1$$" + "A" * 43 + "=",
    "django pbkdf2 long salt": f"pbkdf2_sha256$1${'a' * 1025}$" + "A" * 43 + "=",
    "django scrypt odd": "scrypt$15$salt$8$1$" + "A" * 86 + "==",
    "django scrypt bits": "scrypt$16$salt$8$1$" + "A" * 85 + "B==",
    "werkzeug scrypt odd": "scrypt:1000:8:1$salt$" + "0" * 128,
    # Werkzeug lets scrypt have too little memory for these, and it fails at once.
    "werkzeug scrypt small": "scrypt:64:8:1$salt$" + "0" * 128,
    "werkzeug capitals": "pbkdf2:sha256:2$salt$" + "A" * 64,
    "werkzeug implicit": "pbkdf2:sha256$salt$" + "0" * 64,
    "werkzeug md5": "pbkdf2:md5:2$salt$" + "0" * 32,
    "werkzeug length": "pbkdf2:sha256:2$salt$" + "0" * 40,
    "werkzeug salt": "pbkdf2:sha256:2$" + "0" * 64,
    "apr1 salt": "$apr1$123456789$" + "." * 22,
    "apr1 bits": "$apr1$12345678$" + "." * 21 + "2",
    "md5 salt": "$1$!$" + "." * 22,
    "sha256-crypt few rounds": "$5$rounds=999$salt$" + "." * 43,
    "sha256-crypt leading zero": "$5$rounds=01000$salt$" + "." * 43,
    "sha256-crypt salt": "$5$12345678901234567$" + "." * 43,
    "sha256-crypt bits": "$5$salt$" + "." * 42 + "E",
    "sha512-crypt bits": "$6$salt$" + "." * 85 + "2",
    "sha512-crypt length": "$6$salt$" + "." * 43,
    "phpass few": "$P$4" + "." * 30,
    "phpass many": "$P$T" + "." * 30,
    "phpass bits": "$P$5" + "." * 29 + "z",
    "sha1 length": "{SHA}" + "A" * 28,
    "sha1 bits": "{SHA}" + "A" * 26 + "B=",
    "salted sha1 without salt": "{SSHA}" + "A" * 27 + "=",
    "salted sha1 short salt": "{SSHA}" + "A" * 31 + "=",
    "salted sha1 long salt": "{SSHA}" + "A" * 52,
    "salted sha1 padding": "{SSHA}" + "A" * 34,
    "des bits": "rl.3StKT.4T8/",
    "lower-case": "{sha}" + "A" * 27 + "=",
    "only a mark": "{SHA}",
    "very long": "$argon2id$" + "a" * 100_000,
    "plain": "s3cret",
    "marked plain": "{PLAIN}s3cret",
    "hexadecimal": "5f4dcc3b5aa765d61d8327deb882cf99",
    "unusable in Django": "!abc",
    "locked in shadow": "*",
    "empty": "",
}


def damaged() -> Iterator[tuple[str, str]]:
    """Yield what becomes of a hash of each format under way: cut, joined to something, in another alphabet."""
    for name in FORMATS:
        text = stored(name)
        middle = len(text) - 12
        yield f"{name}: cut", text[:-1]
        yield f"{name}: cut in half", text[: len(text) // 2]
        yield f"{name}: without its beginning", text[1:]
        yield f"{name}: line", text + "\n"
        yield f"{name}: carriage return", text + "\r"
        yield f"{name}: space", text + " "
        yield f"{name}: space before", " " + text
        yield f"{name}: nul", text + "\0"
        yield f"{name}: twice", text + text
        yield f"{name}: field", text + "$x"
        yield f"{name}: alphabet", text[:-2] + "!!"
        yield f"{name}: control", text[:middle] + "\x01" + text[middle + 1 :]
        yield f"{name}: wide", text[:middle] + "\uff11" + text[middle + 1 :]
        yield f"{name}: digit of another script", text[:middle] + "\u0661" + text[middle + 1 :]
        yield f"{name}: surrogate", text[:middle] + "\ud800" + text[middle + 1 :]
    for prefix in FAMILIES:
        yield f"{prefix} alone", prefix
        yield f"{prefix} and dollars", prefix + "$$$$$$"


MALFORMED = {**TOO_MUCH, **ALMOST, **dict(damaged())}


def test_what_is_malformed_costs_nothing_and_matches_nothing() -> None:
    """No exception, no key derivation, no profile, no name: whatever was stored, it cannot hang the process."""
    for name, text in MALFORMED.items():
        with noting(name):
            for password in (PASSWORD, b"x", "", text):
                with derivations() as seen:
                    assert verify_password(text, password) is False
                assert seen == []
            assert HASHER.profile(text) is None
            assert identify(text) is None


def test_what_is_malformed_is_found_at_construction() -> None:
    """The message says whose it is and how to mend it, and does not show it."""
    for name, text in MALFORMED.items():
        with noting(name):
            with pytest.raises(ConfigurationError, match=r"'ann'.*Make a new one with `watchword hash`") as caught:
                check_hash(text, "ann")
            assert len(text) < 8 or text not in str(caught.value)


def test_the_ceilings_are_where_they_are_documented() -> None:
    """What is one step below each of them is taken; nothing is hashed here."""
    for name, text in JUST_ENOUGH.items():
        with noting(name):
            check_hash(text, "ann")  # computes one cheap hash of the format, once
            with derivations() as seen:
                check_hash(text, "ann")
            assert seen == []
            assert HASHER.profile(text) is not None


def test_a_cost_over_the_ceiling_is_named() -> None:
    """The operator learns that it is the cost, and which."""
    with pytest.raises(ConfigurationError, match=r"the bcrypt hash of 'ann' is too costly \(18\), and is never verified"):
        check_hash(TOO_MUCH["bcrypt"], "ann")


def test_no_prefix_is_the_beginning_of_another() -> None:
    """So the order of the table makes no difference."""
    assert [(one, other) for one in FAMILIES for other in FAMILIES if one != other and other.startswith(one)] == []


@pytest.mark.parametrize(("size", "fits"), [(3, False), (4, True), (16, True), (17, False)])
def test_salted_sha1_takes_the_salts_of_every_server(size: int, *, fits: bool) -> None:
    """From OpenLDAP's four octets to the sixteen of RFC 3112."""
    from base64 import b64encode
    from hashlib import sha1

    salt = bytes(range(size))
    made = "{SSHA}" + b64encode(sha1(PASSWORD.encode() + salt).digest() + salt).decode()  # noqa: S324 - the format's own
    assert verify_password(made, PASSWORD) is fits
    if fits:
        assert ldap_salted_sha1.verify(PASSWORD, made)


@pytest.mark.parametrize("size", [0, 1, 16, 128, 1023, 1024])
def test_every_bounded_salt_of_passlib_is_taken(size: int) -> None:
    """What passlib makes is no mistake, down to no salt at all."""
    salt = bytes(number % 256 for number in range(size))
    for made in (
        pbkdf2_sha256.using(rounds=1, salt=salt).hash(PASSWORD),
        passlib_scrypt.using(rounds=1, salt=salt).hash(PASSWORD),
        passlib_scrypt.using(ident="$7$", rounds=1, salt=b"A" * size).hash(PASSWORD),
    ):
        check_hash(made, "ann")
        assert verify_password(made, PASSWORD) is True


def test_a_digest_of_up_to_1024_octets_is_taken() -> None:
    """Far more than anybody makes unasked; the bound is on both sides of it."""
    for size, fits in ((128, True), (1024, True), (1025, False)):
        made = Argon2(time_cost=1, memory_cost=64, parallelism=1, hash_len=size, salt_len=16).hash(PASSWORD)
        assert verify_password(made, PASSWORD) is fits


# --- libraries that are not there ------------------------------------------------------------------------------------------

MISSING = [
    ("bcrypt", "bcrypt", r"'ann' has a bcrypt hash, and bcrypt is not installed: pip install 'watchword\[bcrypt\]'"),
    ("django-bcrypt-sha256", "bcrypt", r"bcrypt is not installed: pip install 'watchword\[bcrypt\]'"),
    ("apr1", "passlib.hash", r"'ann' has an apr1 hash, and passlib is not installed: pip install 'watchword\[passlib\]'"),
    ("django-scrypt", "django.contrib.auth.hashers", r"Django is not installed: pip install 'django'"),
    ("werkzeug-scrypt", "werkzeug.security", r"Werkzeug is not installed: pip install 'werkzeug'"),
    ("argon2id", "argon2", r"argon2-cffi is not installed: pip install 'argon2-cffi'"),
]


@pytest.mark.parametrize(("name", "module", "message"), MISSING)
def test_a_missing_library_is_named_with_what_installs_it(name: str, module: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At construction; a password that is verified alone is an outage, and not wrong."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=message):
        check_hash(stored(name), "ann")
    with pytest.raises(Unavailable, match=f"the {name} hash cannot be computed: ModuleNotFoundError"):
        verify_password(stored(name), PASSWORD)


@pytest.mark.parametrize("name", ["django-pbkdf2-sha256", "django-pbkdf2-sha1"])
def test_without_django_passlib_verifies_its_pbkdf2(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever moves away from Django need not keep it; with neither of the two the message names the lighter one."""
    monkeypatch.setitem(sys.modules, "django.contrib.auth.hashers", None)
    odd = stored(name).replace("0123456789abcdef", "salt-!")
    for text in (stored(name), odd):
        check_hash(text, "ann")
        assert verify_password(text, PASSWORD) is (text != odd)
        assert verify_password(text, "other") is False
    monkeypatch.setitem(sys.modules, "passlib.hash", None)
    with pytest.raises(ConfigurationError, match=r"neither Django nor passlib is installed: pip install 'watchword\[passlib\]'"):
        check_hash(stored(name), "ann")
    with pytest.raises(Unavailable, match="ModuleNotFoundError"):
        verify_password(stored(name), PASSWORD)


def test_a_salt_that_only_django_takes_verifies_without_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler that passlib has for the format would refuse the salt."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    made = PBKDF2PasswordHasher().encode(PASSWORD, "salt-!~", 3)
    assert verify_password(made, PASSWORD) is True
    monkeypatch.setitem(sys.modules, "django.contrib.auth.hashers", None)
    assert verify_password(made, PASSWORD) is True


class Broken:
    """Stands for a module of a library that is there and does not work."""

    def __getattr__(self, name: str) -> object:
        """Fail as an extension module of another interpreter does."""
        raise MemoryError(name)


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, module, _ in MISSING])
def test_a_broken_library_is_an_outage(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises says nothing about the password (W12)."""
    assert verify_password(stored(name), PASSWORD) is True
    monkeypatch.setitem(sys.modules, module.replace("passlib.hash", "passlib"), Broken())
    for password in (PASSWORD, "other", "", "x" * 2000):
        with pytest.raises(Unavailable, match=f"the {name} hash cannot be computed: MemoryError"):
            verify_password(stored(name), password)


def test_a_library_that_cannot_be_imported_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so when the table is made, and not when somebody logs in."""
    monkeypatch.delitem(sys.modules, "passlib.hash")
    monkeypatch.setitem(sys.modules, "passlib", Broken())
    with pytest.raises(ConfigurationError, match="'ann' has an apr1 hash, and its library cannot be imported"):
        check_hash(stored("apr1"), "ann")
