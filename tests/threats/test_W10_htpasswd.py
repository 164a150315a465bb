"""Odd lines in a password file: nobody gets in by one, and each is reported by its number (threat W10)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.each import each, noting
from tests.support.passwords import MAKERS, stored
from watchword import Accepted, BasicCredentials, ConfigurationError, Principal, Reason, Refused
from watchword.checkers import Htpasswd, PasswordHasher
from watchword.checkers.htpasswd_lines import OddLine, parse_htpasswd

if TYPE_CHECKING:
    from pathlib import Path

HASH = stored("apr1").encode()
OTHER = stored("bcrypt").encode()
QUICK = stored("ldap-salted-sha1").encode()  # what many guesses are verified against
PLAIN = PasswordHasher(plain=True)

# The line, and what is said of it; None: it is taken for what it is, a user or nothing at all.
LINES: dict[str, tuple[bytes, str | None]] = {
    "two colons": (b"::", "the name is empty"),
    "one colon": (b":", "the name is empty"),
    "no name": (b":" + HASH, "the name is empty"),
    "no hash": (b"eve:", "not a hash of a known format"),
    "two colons before the hash": (b"eve::" + HASH, "not a hash of a known format"),
    "no colon": (b"eve" + HASH, "it has no colon"),
    "a name alone": (b"eve", "it has no colon"),
    "a hash alone": (HASH, "it has no colon"),
    "a comment": (b"# eve:" + HASH, None),
    "a user commented out": (b"#eve:" + HASH, None),
    "a comment after a space": (b" #eve:" + HASH, "a space before the name"),
    "a comment behind the hash": (b"eve:" + HASH + b" # on leave", "malformed"),
    "a blank line": (b"", None),
    "spaces": (b"   \t ", None),
    "a space before the name": (b" eve:" + HASH, "a space before the name"),
    "a space behind the name": (b"eve :" + HASH, "a space before the name or after it"),
    "a tab behind the name": (b"eve\t:" + HASH, "a space before the name or after it"),
    "a no-break space behind the name": ("eve\u00a0:".encode() + HASH, "a space before the name or after it"),
    "a space before the hash": (b"eve: " + HASH, "not a hash of a known format"),
    "a control character in the name": (b"e\x01ve:" + HASH, "control character"),
    "a delete in the name": (b"eve\x7f:" + HASH, "control character"),
    "an escape in the name": (b"\x1b[2Jeve:" + HASH, "control character"),
    "a NUL in the name": (b"e\0ve:" + HASH, "control character"),
    "a NUL before a user": (b"\0eve:" + HASH, "control character"),
    "a NUL in the hash": (b"eve:" + HASH[:10] + b"\0" + HASH[10:], "malformed"),
    "a NUL behind the hash": (b"eve:" + HASH + b"\0", "malformed"),
    "a return in the line": (b"eve:" + HASH + b"\rmallory:" + HASH, "malformed"),
    "Latin-1": (b"\xe9ve:" + HASH, "it is not UTF-8"),
    "UTF-16": ("eve:".encode("utf-16-le") + HASH, "control character"),
    "half a character": (b"\xed\xa0\x80:" + HASH, "it is not UTF-8"),
    "a second order mark": (b"\xef\xbb\xbf\xef\xbb\xbf", "it has no colon"),
    "a comment in the place of the hash": (b"eve::" + HASH, "not a hash of a known format"),
    "a hash behind a comment": (b"eve:a comment:" + HASH, "not a hash of a known format"),
    "a cut hash before a comment": (b"eve:" + HASH[:-1] + b":a comment", "malformed"),
    "half of Werkzeug's hash before a comment": (b"eve:pbkdf2:sha256:2$NRvDM5egYnST1gzb:a comment", "malformed"),
    "nginx's plain text": (b"eve:{PLAIN}s3cret", "not a hash of a known format"),
    "plain text": (b"eve:s3cret", "not a hash of a known format"),
    "a password that begins like a hash": (b"eve:$apr1$", "malformed"),
    "a format that nobody knows": (b"eve:$9$abcdefgh$ijklmnop", "not a hash of a known format"),
    "htdigest": (b"eve:office:0123456789abcdef0123456789abcdef", "not a hash of a known format"),
    "shadow": (b"eve:!:19000:0:99999:7:::", "not a hash of a known format"),
    "a locked user": (b"eve:!" + HASH, "not a hash of a known format"),
    "a hash of an absurd cost": (b"eve:$2b$31$" + OTHER[7:], "too costly"),
    "a very long name": (b"e" * 1025 + b":" + HASH, "the name is longer than 1024 octets"),
    "10 MB of name": (b"e" * 10_000_000 + b":" + HASH, "the name is longer than 1024 octets"),
    "10 MB without a colon": (b"e" * 10_000_000, "it has no colon"),
    "10 MB of hash": (b"eve:" + HASH * 300_000, "not a hash of a known format"),
    "10 MB of nothing": (b"\0" * 10_000_000, "it has no colon"),
    "10 MB of colons": (b":" * 10_000_000, "the name is empty"),
}
GUESSES = [
    "eve",
    " eve",
    "eve ",
    "eve\t",
    "eve\u00a0",
    "#eve",
    "# eve",
    "",
    "mallory",
    "\u00e9ve",
    "e\0ve",
    "\0eve",
    "eve\x7f",
    "\ufeffeve",
    "e" * 1025,
]
GUESSED = ["s3cret", "", ":s3cret", "{PLAIN}s3cret", "a comment", "$apr1$", HASH.decode(), "!" + HASH.decode()]


@pytest.mark.parametrize("case", LINES)
def test_W10_an_odd_line_is_ignored(case: str, tmp_path: Path) -> None:
    """Whatever another program would make of the line: its number is told, no user comes of it, and those around it stay."""
    line, problem = LINES[case]
    path = tmp_path / "users"
    path.write_bytes(b"\n".join([b"ann:" + QUICK, line, b"bob:" + QUICK]) + b"\n")
    users = Htpasswd(path, on_event=lambda event: None)
    for name in ("ann", "bob"):
        assert users.check(BasicCredentials(name, "s3cret")) == Accepted(Principal(name))
    assert [odd.number for odd in users.odd_lines] == ([] if problem is None else [2])
    assert problem is None or problem in users.odd_lines[0].problem
    assert set(users._loaded.table._hashes) == {"ann", "bob"}
    if len(line) < 10_000:
        for name in GUESSES:
            for password in GUESSED:
                assert isinstance(users.check(BasicCredentials(name, password)), Refused)


@each("case", LINES)
def test_W10_a_report_holds_neither_a_hash_nor_a_password(case: str) -> None:
    """Short, printable, and without the words behind the colon, whose line may hold a password."""
    line, problem = LINES[case]
    odd = parse_htpasswd(line, PasswordHasher()).odd
    assert bool(odd) is (problem is not None)
    for report in map(str, odd):
        assert report.startswith("line 1: ")
        assert report.isprintable()
        assert len(report) < 500
        for secret in ("s3cret", HASH.decode(), HASH.decode()[-10:]):
            assert secret not in report


@pytest.mark.parametrize(
    "octets",
    [
        b"ann:%b\nbob:%b\n",
        b"ann:%b\nbob:%b",
        b"ann:%b\r\nbob:%b\r\n",
        b"ann:%b\r\nbob:%b",
        b"\xef\xbb\xbfann:%b\nbob:%b\n",
        b"\xef\xbb\xbf# users\nann:%b\nbob:%b\n",
        b"\n\nann:%b\n\n\n  \nbob:%b\n\n",
        b"ann:%b \t\nbob:%b   \n",
    ],
)
def test_W10_line_ends_order_marks_and_spaces_behind_make_no_difference(octets: bytes) -> None:
    """What editors leave in a file: CR LF, no last line end, a byte order mark, blank lines, spaces at the end."""
    read = parse_htpasswd(octets % (HASH, OTHER), PasswordHasher())
    assert read.hashes == {"ann": HASH.decode(), "bob": OTHER.decode()}
    assert read.odd == ()


def test_W10_of_two_lines_for_one_name_the_first_counts() -> None:
    """As with Apache; in either form of Unicode, with its case; and both numbers can be found."""
    composed, decomposed = "caf\u00e9".encode(), "cafe\u0301".encode()
    lines = [b"ann:" + HASH, b"ann:" + OTHER, composed + b":" + HASH, decomposed + b":" + OTHER, b"Ann:" + OTHER]
    read = parse_htpasswd(b"\n".join(lines), PasswordHasher())
    assert read.hashes == {"ann": HASH.decode(), "caf\u00e9": HASH.decode(), "Ann": OTHER.decode()}
    assert read.odd == tuple(OddLine(number, "an earlier line has the same name, and counts") for number in (2, 4))


@pytest.mark.parametrize("first", [b"ann:broken", b"ann:!$apr1$x", b"ann:", b"ann:*", b"ann:\xff", b"ann::x", b"cafe\xcc\x81:x"])
def test_W10_an_odd_first_line_shuts_out_those_behind_it(first: bytes) -> None:
    """Apache and nginx stop at the first line of a name: one that was locked by hand stays locked."""
    name = first.partition(b":")[0]
    read = parse_htpasswd(first + b"\n" + name + b":" + HASH + b"\nbob:" + HASH, PasswordHasher())
    assert read.hashes == {"bob": HASH.decode()}
    assert [odd.number for odd in read.odd] == [1, 2]
    assert read.odd[1].problem == "an earlier line has the same name, and counts"


@pytest.mark.parametrize("first", [b" ann:x", b"ann :x", b"#ann:x", b"ann", b"\xff:x", b"Ann:x", b"ann\0:x"])
def test_W10_a_line_affects_its_own_user_only(first: bytes) -> None:
    """For Apache these are other names, or none."""
    assert parse_htpasswd(first + b"\nann:" + HASH, PasswordHasher()).hashes == {"ann": HASH.decode()}


COMMENTS = [b"", b"a comment", b"Ann, head office", b"Ann Example:ann@example.com:admin,user", b":::", b"\xe9t\xe9", b"$x$y$z", b"$2b$04$"]


@each("scheme", MAKERS)
def test_W10_text_after_a_second_colon_is_a_comment(scheme: str) -> None:
    """As nginx documents it, in every format, those of Werkzeug with colons of their own included; files of DokuWiki look so, too."""
    hash_ = stored(scheme)
    for comment in [*COMMENTS, stored("argon2id").encode(), stored("werkzeug-scrypt").encode()]:
        with noting(repr(comment)):
            read = parse_htpasswd(b"ann:%b:%b" % (hash_.encode(), comment), PasswordHasher())
            assert (read.hashes, read.odd) == ({"ann": hash_}, ())


@pytest.mark.parametrize(("scheme", "salt"), [("werkzeug-scrypt", "a:b"), ("werkzeug-pbkdf2", ":"), ("django-pbkdf2-sha256", "x:y:z")])
def test_W10_a_salt_may_hold_a_colon(scheme: str, salt: str) -> None:
    """No library makes one unasked, and each verifies it: the hash ends behind its last field."""
    parts = stored(scheme).split("$")
    parts[-2] = salt
    hash_ = "$".join(parts)
    for line in (f"ann:{hash_}", f"ann:{hash_}:a comment"):
        assert parse_htpasswd(line.encode(), PasswordHasher()).hashes == {"ann": hash_}


def test_W10_with_plain_text_a_colon_belongs_to_the_password() -> None:
    """Only a known format ends before a comment; nothing tells where a password would."""
    lines = b"ann:pass:word\nbob:{PLAIN}a:b\ncid:" + HASH + b":a comment"
    read = parse_htpasswd(lines, PasswordHasher(plain=True))
    assert read.hashes == {"ann": "pass:word", "bob": "{PLAIN}a:b", "cid": HASH.decode()}


@pytest.mark.parametrize("comment", [":Ann, head office", ":Ann Example:ann@example.com:admin,user"])
def test_W10_a_user_with_a_comment_logs_in(comment: str, tmp_path: Path) -> None:
    """By the password alone."""
    path = tmp_path / "users"
    path.write_bytes(b"eve:" + HASH + comment.encode() + b"\n")
    users = Htpasswd(path, on_event=lambda event: None)
    for password in [*GUESSED, comment, comment[1:], HASH.decode() + comment]:
        expected = Accepted(Principal("eve")) if password == "s3cret" else Refused(Reason.WRONG_SECRET)
        assert users.check(BasicCredentials("eve", password)) == expected


def test_W10_plain_text_is_read_only_where_it_was_asked_for_by_name(tmp_path: Path) -> None:
    """With `plain=True` a bare or marked password is one, exactly as it stands; an empty one is none."""
    path = tmp_path / "users"
    path.write_bytes(b"ann:s3cret\nbob:{PLAIN}s3cret\ncid::s3cret\ndot:\neve:" + HASH + b"\nfay:{PLAIN}\n")
    with_plain = Htpasswd(path, plain=True, on_event=lambda event: None)
    without = Htpasswd(path, on_event=lambda event: None)
    letters_in = {(name, password) for name in ("ann", "bob", "cid", "dot", "eve", "fay") for password in GUESSED}
    let_in = {shown for shown in letters_in if isinstance(with_plain.check(BasicCredentials(*shown)), Accepted)}
    assert let_in == {("ann", "s3cret"), ("bob", "s3cret"), ("cid", ":s3cret"), ("eve", "s3cret")}
    let_in = {shown for shown in letters_in if isinstance(without.check(BasicCredentials(*shown)), Accepted)}
    assert let_in == {("eve", "s3cret")}
    assert [odd.number for odd in with_plain.odd_lines] == [4, 6]
    assert [odd.number for odd in without.odd_lines] == [1, 2, 3, 4, 6]


@pytest.mark.parametrize(
    "octets", [b"", b"\n", b"# nobody\n", b"\xef\xbb\xbf", b"ann:s3cret\n", b"\0" * 1000, b"PK\x03\x04", "ann:x\n".encode("utf-16")]
)
def test_W10_a_file_without_a_user_is_no_password_file(octets: bytes, tmp_path: Path) -> None:
    """At start it is a mistake, and the message says which lines are odd, without their words."""
    path = tmp_path / "users"
    path.write_bytes(octets)
    with pytest.raises(ConfigurationError, match="no line can be used to log in") as caught:
        Htpasswd(path)
    assert "s3cret" not in str(caught.value)
    assert ("line 1: " in str(caught.value)) is bool(octets.strip(b"\n\xef\xbb\xbf") and not octets.startswith(b"#"))
