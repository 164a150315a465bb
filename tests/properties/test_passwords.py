"""Whatever is stored and whatever is sent: nothing is raised, and nothing matches but the right password."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.passwords import LIMITS, MAKERS, PASSWORD, derivations, stored
from watchword import ConfigurationError
from watchword.checkers.passwords import DummyHashes, PasswordHasher, identify, verify_password
from watchword.checkers.passwords.formats import FAMILIES

HASHER = PasswordHasher(time_cost=1, memory_cost=64)
ANYTHING = st.text(st.characters(), max_size=200) | st.binary(max_size=200)  # lone surrogates too
# Cheap parameters of every format, so that what is made of them by chance is not dear either.
TEXTS = st.sampled_from([stored(name) for name in MAKERS])
ALPHABET = "$./+=,:0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ{}!*\n\x00\x7f\u0661\uff11\ud800"


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a hash that was damaged in one to three places."""
    text = draw(TEXTS)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["replace", "insert", "drop", "cut", "copy"]))
        if kind == "replace":
            text = text[:place] + draw(st.sampled_from(ALPHABET)) + text[place + 1 :]
        elif kind == "insert":
            text = text[:place] + draw(st.text(ALPHABET, min_size=1, max_size=3)) + text[place:]
        elif kind == "drop":
            text = text[:place] + text[place + 1 :]
        elif kind == "cut":
            text = text[:place]
        else:
            text = text[:place] + text[max(0, place - 3) :]
    return text


def affordable(text: str) -> bool:
    """Tell whether a test can pay for a hash: damage makes dear ones of cheap ones."""
    profile = HASHER.profile(text)
    return profile is None or all(int(number) <= 5000 for number in _numbers(profile.partition(" ")[2]))


def _numbers(cost: str) -> list[str]:
    return [word.rpartition("=")[2] for word in cost.split() if word.rpartition("=")[2].isdecimal()]


@given(ANYTHING | st.none() | st.integers() | st.lists(st.text()), ANYTHING | st.none() | st.integers())
def test_anything_against_anything_is_an_answer(text: object, password: object) -> None:
    """False, and nothing is raised: by no function that looks at a hash, except the one that is there to raise."""
    assert verify_password(text, password) is False  # type: ignore[arg-type]  # whatever it is
    assert HASHER.verify(text, password) is False  # type: ignore[arg-type]  # the same
    assert HASHER.needs_rehash(text) in {True, False}  # type: ignore[arg-type]  # the same
    assert identify(text) is None or isinstance(text, str)  # type: ignore[arg-type]  # the same
    try:
        HASHER.check(text, "ann")  # type: ignore[arg-type]  # the same
    except ConfigurationError as error:
        assert "'ann'" in str(error)  # noqa: PT017 - whether it is raised is open
    else:
        assert HASHER.profile(text) is not None  # type: ignore[arg-type]  # the same


@given(st.sampled_from(list(FAMILIES)), st.text(ALPHABET, max_size=150), ANYTHING)
def test_what_begins_like_a_hash_is_an_answer(prefix: str, rest: str, password: str | bytes) -> None:
    """A prefix and anything behind it."""
    if affordable(prefix + rest):
        assert verify_password(prefix + rest, password) is False


@given(mutated(), st.sampled_from([PASSWORD, "", "x", "x" * 80]))
def test_a_damaged_hash_raises_nothing_and_matches_nothing(text: str, password: str) -> None:
    """The damage may leave the hash as it was; then the right password matches still."""
    if not affordable(text):
        return
    intact = text in {stored(name) for name in MAKERS} or _same_hash(text)
    assert verify_password(text, password) is (intact and password == PASSWORD)


def _same_hash(text: str) -> bool:
    """Tell whether a text is another spelling of a hash: three names of bcrypt, two of phpass, rounds that are said or not."""
    spellings = {"$2a$", "$2y$"}
    for name in ("bcrypt", "django-bcrypt", "django-bcrypt-sha256"):
        if any(text == stored(name).replace("$2b$", spelling) for spelling in spellings):
            return True
    return text == stored("phpass").replace("$P$", "$H$")


@given(mutated())
def test_what_has_no_profile_costs_nothing(text: str) -> None:
    """No key derivation is called for it, and no other hash is free (W2)."""
    if not affordable(text):
        return
    with derivations() as seen:
        verify_password(text, PASSWORD)
    assert bool(seen) is (HASHER.profile(text) is not None)


@given(st.sampled_from(list(MAKERS)), ANYTHING)
@example("bcrypt", PASSWORD)
@example("des-crypt", PASSWORD + "12345")
def test_only_the_password_matches(name: str, password: str | bytes) -> None:
    """In every format."""
    octets = password.encode("utf-8", "surrogatepass") if isinstance(password, str) else password
    assert verify_password(stored(name), password) is (octets == PASSWORD.encode())


@given(st.sampled_from(list(MAKERS)), st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_every_text_that_fits_can_be_a_password(name: str, password: str) -> None:
    """What the format's own library hashed verifies, unless it is longer than the format looks at."""
    fits = len(password.encode()) <= LIMITS.get(name, 1024)
    if name in {"bcrypt", "django-bcrypt"} and not fits:
        return  # the library itself refuses
    assert verify_password(MAKERS[name](password), password) is fits


@given(
    st.dictionaries(st.text(min_size=1), st.integers(1, 10**9), min_size=1, max_size=8),
    st.text(st.characters()),
    st.binary(min_size=16, max_size=64),
)
def test_every_name_has_one_decoy(samples: dict[str, int], name: str, key: bytes) -> None:
    """One of the samples, and always the same."""
    dummy = DummyHashes(samples, key).for_name(name)
    assert dummy in samples
    assert DummyHashes(dict(reversed(samples.items())), key).for_name(name) == dummy
