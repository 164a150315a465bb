"""A CryptContext of one's own, and what looks like one."""

from __future__ import annotations

from typing import Any

import pytest
from passlib.context import CryptContext

from tests.support.each import each
from tests.support.passwords import MAKERS, PASSWORD, stored
from watchword import ConfigurationError, Unavailable
from watchword.checkers.passwords import PasswordHasher

PBKDF2 = CryptContext(["pbkdf2_sha256", "nthash", "bsdi_crypt"], pbkdf2_sha256__rounds=5, deprecated=["nthash", "bsdi_crypt"])


class Own:
    """A context of somebody's own: a format of its own, made of reversed text. It counts what it is asked to verify.

    Args:
        broken: the names of methods that fail.
        answers: what `verify` answers in the place of True.
    """

    def __init__(self, *broken: str, answers: object = True) -> None:
        self.broken = broken
        self.answers = answers
        self.verified: list[str | bytes] = []

    def fail(self, name: str, about: object) -> None:
        """Fail, if this method does."""
        if name in self.broken:
            raise MemoryError(f"cannot {name} {about!r}")

    def hash(self, secret: str | bytes) -> str:
        """Reverse."""
        self.fail("hash", secret)
        text = secret if isinstance(secret, str) else secret.decode("latin-1")
        return "own:" + text[::-1]

    def verify(self, secret: str | bytes, hash: str) -> object:  # noqa: A002 - passlib's name
        """Compare."""
        self.fail("verify", secret)
        self.verified.append(secret)
        return self.answers if self.hash(secret) == hash else False

    def needs_update(self, hash: str) -> bool:  # noqa: A002 - passlib's name
        """Ask for long ones."""
        self.fail("needs_update", hash)
        return len(hash) < 10

    def identify(self, hash: str) -> str | None:  # noqa: A002 - passlib's name
        """Know its own."""
        self.fail("identify", hash)
        return "own" if hash.startswith("own:") else None


def test_a_context_makes_the_hashes() -> None:
    """In its format and with its parameters; they verify, and are not outdated."""
    hasher = PasswordHasher(context=PBKDF2)
    made = hasher.hash(PASSWORD)
    assert PBKDF2.identify(made) == "pbkdf2_sha256"
    assert hasher.verify(made, PASSWORD) is True
    assert hasher.verify(made, "other") is False
    assert hasher.needs_rehash(made) is False
    assert hasher.profile(made) == hasher.profile(hasher.dummy()) == "pbkdf2-sha256 5"
    assert repr(hasher) == "PasswordHasher(context=CryptContext)"


@each("name", MAKERS)
def test_what_the_context_does_not_identify_is_verified_beside_it(name: str) -> None:
    """All known formats; and they are outdated, unless the context says otherwise."""
    hasher = PasswordHasher(context=Own())
    hasher.check(stored(name), "ann")
    assert hasher.verify(stored(name), PASSWORD) is True
    assert hasher.verify(stored(name), "other") is False
    assert hasher.needs_rehash(stored(name)) is True


def test_a_format_that_only_the_context_knows_is_its_own() -> None:
    """One verification by the context; the profile is its scheme and what its handler tells."""
    nthash, bsdi = PBKDF2.handler("nthash").hash(PASSWORD), PBKDF2.handler("bsdi_crypt").using(rounds=3).hash(PASSWORD)
    hasher = PasswordHasher(context=PBKDF2)
    for text, profile in ((nthash, "nthash"), (bsdi, "bsdi_crypt rounds=3")):
        hasher.check(text, "ann")
        assert hasher.verify(text, PASSWORD) is True
        assert hasher.verify(text, "other") is False
        assert hasher.profile(text) == profile
        assert hasher.needs_rehash(text) is True
    with pytest.raises(ConfigurationError, match="not a hash of a known format"):
        PasswordHasher().check(nthash, "ann")


def test_a_context_need_not_be_passlib_s() -> None:
    """Four methods are enough."""
    own = Own()
    hasher = PasswordHasher(context=own)
    made = hasher.hash(PASSWORD)
    assert made == "own:terc3s"
    hasher.check(made, "ann")
    own.verified.clear()
    assert hasher.verify(made, PASSWORD) is True
    assert own.verified == [PASSWORD]
    assert hasher.needs_rehash(hasher.hash("long enough")) is False
    assert hasher.needs_rehash("own:terc3") is True
    assert hasher.profile(made) == "own"


@pytest.mark.parametrize("password", ["", "x" * 1025, "a\0b", None])
def test_what_cannot_match_costs_the_context_the_same(password: Any) -> None:
    """One verification each; the context never sees more than 1,024 octets, a NUL, or nothing."""
    own = Own()
    assert PasswordHasher(context=own).verify("own:terc3s", password) is False
    assert len(own.verified) == 1
    assert 0 < len(own.verified[0]) <= 1024
    assert "\0" not in own.verified[0]


def test_an_empty_password_never_verifies() -> None:
    """Even where the context itself would have it."""
    assert PasswordHasher(context=Own()).verify("own:", "") is False


def test_octets_that_are_no_text_reach_the_context_as_they_are() -> None:
    """The rest comes as text, for not every context takes octets."""
    own = Own()
    assert PasswordHasher(context=own).verify("own:\xff", b"\xff") is True
    assert own.verified == [b"\xff"]


@pytest.mark.parametrize(("scheme", "limit"), [("bcrypt", 72), ("django_bcrypt", 72), ("des_crypt", 8), ("lmhash", 14)])
def test_a_context_that_looks_at_a_part_refuses_longer_passwords(scheme: str, limit: int) -> None:
    """When one is set, with the bound in the message; and when one is shown (W1)."""
    settings = {f"{scheme}__rounds": 4} if "bcrypt" in scheme else {}
    hasher = PasswordHasher(context=CryptContext([scheme], **settings))
    longest = "a" * limit
    made = hasher.hash(longest)
    assert hasher.verify(made, longest) is True
    assert hasher.verify(made, longest + "b") is False
    with pytest.raises(ValueError, match=f"longer than the {limit} octets that .* reads") as caught:
        hasher.hash(longest + "b")
    assert "aaa" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["bcrypt", "argon2", "scrypt", "pbkdf2_sha256", "sha512_crypt", "phpass"])
def test_a_context_keeps_the_ceilings_and_the_syntax(scheme: str) -> None:
    """A format that is known here is as strict with a context as without: what is malformed never reaches the context."""
    context = CryptContext([scheme])
    hasher = PasswordHasher(context=context)
    absurd = {
        "bcrypt": "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "argon2": "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "scrypt": "$scrypt$ln=31,r=8,p=1$c29tc2FsdA$" + "A" * 43,
        "pbkdf2_sha256": "$pbkdf2-sha256$4294967295$c29tc2FsdA$" + "A" * 43,
        "sha512_crypt": "$6$rounds=999999999$salt$" + "." * 86,
        "phpass": "$P$S" + "." * 30,
    }[scheme]
    assert context.identify(absurd) == scheme
    for text in (absurd, absurd[:-1]):
        assert hasher.verify(text, PASSWORD) is False
        assert hasher.profile(text) is None
        assert hasher.needs_rehash(text) is True
        with pytest.raises(ConfigurationError, match="'ann'"):
            hasher.check(text, "ann")


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        ("grub_pbkdf2_sha512", "grub.pbkdf2.sha512.4294967295." + "AA" * 64 + "." + "AA" * 64),
        ("bcrypt_sha256", "$bcrypt-sha256$v=2,t=2b,r=31$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2"),
    ],
)
def test_an_absurd_cost_of_a_foreign_format_is_refused(scheme: str, text: str) -> None:
    """As far as the handler tells the cost, the same ceilings hold for formats that only the context knows."""
    context = CryptContext([scheme])
    assert context.identify(text) == scheme
    hasher = PasswordHasher(context=context)
    assert hasher.verify(text, PASSWORD) is False
    assert hasher.profile(text) is None


class MemoryHard:
    """A context of a format that nobody else knows, with costs like those of scrypt in its handler."""

    def __init__(self, rounds: int, block_size: int, parallelism: int) -> None:
        self.rounds, self.block_size, self.parallelism = rounds, block_size, parallelism

    def handler(self, scheme: str) -> MemoryHard:
        """Be one's own handler."""
        return self

    def from_string(self, text: str) -> MemoryHard:
        """Tell the costs."""
        return self

    def hash(self, secret: str | bytes) -> str:
        """Make the only hash that there is."""
        return "$hard$"

    def verify(self, secret: str | bytes, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Know the password."""
        return secret == PASSWORD

    def needs_update(self, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Be content."""
        return False

    def identify(self, hash: str) -> str | None:  # noqa: A002 - passlib's names
        """Know the mark."""
        return "hard" if hash.startswith("$hard$") else None


@pytest.mark.parametrize(("costs", "bounded"), [((20, 8, 1), True), ((20, 8, 2), False), ((63, 8, 1), False), ((2, 8, 2**29), False)])
def test_memory_is_bounded_in_foreign_formats(costs: tuple[int, int, int], *, bounded: bool) -> None:
    """As for scrypt, where the handler tells rounds, block size and lanes: what is over the ceiling is never verified."""
    hasher = PasswordHasher(context=MemoryHard(*costs))
    assert hasher.verify("$hard$", PASSWORD) is bounded
    assert (hasher.profile("$hard$") is not None) is bounded


def test_a_malformed_hash_of_a_foreign_format_is_refused() -> None:
    """Passlib identifies by the beginning; its handler knows better."""
    context = CryptContext(["bcrypt_sha256"])
    text = "$bcrypt-sha256$v=2,t=2b,r=4$n79"
    assert context.identify(text) == "bcrypt_sha256"
    assert PasswordHasher(context=context).profile(text) is None
    assert PasswordHasher(context=context).verify(text, PASSWORD) is False


@pytest.mark.parametrize("scheme", ["plaintext", "ldap_plaintext"])
def test_plain_text_in_a_context_is_refused_unless_enabled(scheme: str) -> None:
    """It takes every text for its own: a damaged hash would be a password."""
    context = CryptContext(["pbkdf2_sha256", scheme], pbkdf2_sha256__rounds=5)
    assert context.verify(PASSWORD, PASSWORD)
    assert PasswordHasher(context=context).verify(PASSWORD, PASSWORD) is False
    asked = PasswordHasher(context=context, plain=True)
    assert asked.verify(PASSWORD, PASSWORD) is True
    assert asked.needs_rehash(PASSWORD) is True
    assert asked.verify("$pbkdf2-sha256$5$x", "$pbkdf2-sha256$5$x") is False


@pytest.mark.parametrize("broken", ["hash", "verify", "needs_update", "identify"])
def test_a_broken_context_is_an_outage(broken: str) -> None:
    """What it raises is no answer about a password (W12), and is not quoted: it may hold one."""
    hasher = PasswordHasher(context=Own(broken))
    if broken == "needs_update":
        assert hasher.verify("own:terc3s", PASSWORD) is True
    else:
        with pytest.raises(Unavailable, match=r"hash cannot be computed: MemoryError$") as caught:
            hasher.verify("own:terc3s", PASSWORD)
        assert caught.value.__context__ is None
    assert hasher.needs_rehash("own:hguone gnol") is (broken in {"needs_update", "identify"})
    assert hasher.profile("own:terc3s") == (None if broken == "identify" else "own")


class PanicException(BaseException):
    """What a library in Rust raises when it panics, under the name of its module."""

    __module__ = "pyo3_runtime"


class Raises(Own):
    """Raises what is no Exception.

    Args:
        error: what it raises.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def verify(self, secret: str | bytes, hash: str) -> object:  # noqa: A002 - passlib's name
        """Raise."""
        raise self.error


def test_a_panic_of_a_library_is_an_outage() -> None:
    """It is no Exception, and yet nothing but a broken library."""
    with pytest.raises(Unavailable, match="PanicException"):
        PasswordHasher(context=Raises(PanicException())).verify("own:terc3s", PASSWORD)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()], ids=repr)
def test_an_exception_that_stops_the_program_is_not_caught(error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit reach the caller."""
    with pytest.raises(type(error)):
        PasswordHasher(context=Raises(error)).verify("own:terc3s", PASSWORD)


@pytest.mark.parametrize("answer", [1, "yes", None, object()])
def test_only_true_is_a_match(answer: object) -> None:
    """Truthiness lets nobody in."""
    assert PasswordHasher(context=Own(answers=answer)).verify("own:terc3s", PASSWORD) is False


def test_an_error_of_a_context_does_not_show_the_password() -> None:
    """Neither its message nor its cause is passed on."""
    hasher = PasswordHasher(context=Own("hash"))
    with pytest.raises(ValueError, match="cannot compute new password hashes: MemoryError") as caught:
        hasher.hash("top secret")
    assert caught.value.__suppress_context__
    assert "top secret" not in str(caught.value)


class Unfaithful(Own):
    """Makes hashes that it does not know.

    Args:
        made: what it makes, one after the other.
        everything: whether every password matches.
    """

    def __init__(self, *made: object, everything: bool = False) -> None:
        super().__init__()
        self.made = list(made)
        self.everything = everything

    def hash(self, secret: str | bytes) -> Any:
        """Return the next."""
        return self.made.pop(0) if self.made else super().hash(secret)

    def verify(self, secret: str | bytes, hash: str) -> object:  # noqa: A002 - passlib's name
        """Take everything, or nothing."""
        return self.everything


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (Unfaithful("unknown"), "not identified by the context itself"),
        (Unfaithful("$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), "too costly"),
        (Unfaithful(None), r"must return str, got NoneType"),
        (Unfaithful("own:x", stored("bcrypt")), "of different costs"),
        (Unfaithful(), "their own password does not match"),
        (Unfaithful(everything=True), "or that an empty one matches"),
        (CryptContext(["plaintext"]), "not identified by the context itself"),
    ],
)
def test_a_dummy_that_is_unlike_new_hashes_is_a_mistake(context: object, message: str) -> None:
    """Found with the first use, which is at construction wherever unknown names are verified (W3)."""
    with pytest.raises(ConfigurationError, match=message):
        PasswordHasher(context=context).dummy()


def test_a_context_without_its_plain_answers_still_verifies_known_formats() -> None:
    """A context that calls a known hash its own is asked, once, with the password cut to what the format looks at."""

    class Claims(Own):
        def identify(self, hash: str) -> str | None:  # noqa: A002 - passlib's name
            return "mine"

        def verify(self, secret: str | bytes, hash: str) -> object:  # noqa: A002 - passlib's name
            self.verified.append(secret)
            return True

    own = Claims()
    hasher = PasswordHasher(context=own)
    assert hasher.verify(stored("bcrypt"), "x" * 72) is True
    assert hasher.verify(stored("bcrypt"), "x" * 73) is False
    assert own.verified == ["x" * 72, "x" * 72]
    assert hasher.verify(stored("bcrypt")[:-1], "x") is False
    assert len(own.verified) == 2
