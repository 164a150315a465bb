"""Any file at all: what is read of it is what a short model of Apache's format says, and nothing is ever guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.passwords import stored
from watchword import Accepted, BasicCredentials, ConfigurationError
from watchword.checkers import Htpasswd, PasswordHasher
from watchword.checkers.htpasswd_lines import parse_htpasswd

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HASHER = PasswordHasher()
HASHES = [stored(name) for name in ("apr1", "bcrypt", "ldap-sha1", "ldap-salted-sha1", "sha256-crypt", "des-crypt", "werkzeug-pbkdf2")]
NAMES = ["ann", "bob", "Ann", "caf\u00e9", "cafe\u0301", "a b", "a@x", "#x", "x#", ""]
pieces = st.sampled_from(
    [*NAMES, *HASHES, ":", ":", ":", " ", "\t", "\r", "\0", "#", "\ufeff", "$apr1$", "{SHA}", "{PLAIN}x", "!", "\x7f", "\u00a0", "x"]
)
lines = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.just(":"), st.sampled_from(HASHES), st.sampled_from(["", "", "\r", " ", ":a comment", "x"])).map(
        "".join
    ),
    st.lists(pieces, max_size=6).map("".join),
    st.text(max_size=20),
)
files = st.one_of(
    st.lists(lines, max_size=8).map(lambda some: "\n".join(some).encode("utf-8", "surrogatepass")),
    st.lists(lines, max_size=8).map(lambda some: "\r\n".join(some).encode("utf-16")),
    st.binary(max_size=200),
    st.tuples(st.lists(lines, max_size=4).map(lambda some: "\n".join(some).encode("utf-8", "replace")), st.binary(max_size=40)).map(
        b"\n".join
    ),
)


def model(octets: bytes) -> dict[str, str]:
    """Return the users of a file of which every line is as `htpasswd` writes it; what is not is left out.

    Apache: lines that begin with `#` and empty ones are none; the name ends at the first colon; of two lines for a name the first counts,
    whatever stands in it; nginx: what follows a second colon is a comment.
    """
    users: dict[str, str] = {}
    taken: set[str] = set()
    for line in octets.removeprefix("\ufeff".encode()).split(b"\n"):
        name, colon, rest = line.rstrip(b" \t\r").partition(b":")
        if not colon or line.startswith(b"#"):
            continue
        try:
            text = name.decode().replace("e\u0301", "\u00e9")
        except UnicodeDecodeError:
            continue
        if not text or text in taken or text != text.strip() or any(ord(character) < 32 or ord(character) == 127 for character in text):
            continue
        taken.add(text)
        found = [hash_ for hash_ in HASHES if rest == hash_.encode() or rest.startswith(f"{hash_}:".encode())]
        users.update((text, hash_) for hash_ in found)
    return users


@given(files)
@example(b"")
@example(("\ufeffann:" + HASHES[0]).encode())
@example(("ann:" + HASHES[0] + "\n").encode("utf-16"))
@example(f"ann:{HASHES[0]}:nginx takes comments\nbob:{HASHES[1]}".encode())
@example("".join(HASHES).encode())  # a hash stands where the name should
def test_any_file_is_read_as_the_model_says(octets: bytes) -> None:
    """Each line is a user, a comment, nothing, or odd; odd ones are told by their numbers, in order, and never with a hash."""
    read = parse_htpasswd(octets, HASHER)
    assert {name: hash_ for name, hash_ in read.hashes.items() if hash_ in HASHES} == model(octets)
    numbers = [odd.number for odd in read.odd]
    assert numbers == sorted(set(numbers))
    told = octets.removeprefix("\ufeff".encode()).split(b"\n")
    silent = [line for number, line in enumerate(told, 1) if number not in numbers]
    assert sum(bool(line.rstrip(b" \t\r")) and not line.startswith(b"#") for line in silent) == len(read.hashes)
    for odd in read.odd:
        assert str(odd).isprintable()
        assert not any(hash_ in str(odd) for hash_ in HASHES)


@given(files)
def test_any_file_is_a_table_or_a_mistake(tmp_path_factory: pytest.TempPathFactory, octets: bytes) -> None:
    """Never another exception, when it is read first; and the message holds no hash."""
    path: Path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(octets)
    try:
        users = Htpasswd(path, on_event=lambda event: None)
    except ConfigurationError as error:
        why = str(error)
    else:
        assert not isinstance(users.check(BasicCredentials("", "")), Accepted)
        return
    assert "no line can be used to log in" in why
    assert not any(hash_ in why for hash_ in HASHES)
    assert not model(octets)
