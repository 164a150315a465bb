"""Parses htpasswd files as Apache and nginx do: `name:hash`, `name:hash:comment` and comments.

Apache, nginx and others interpret odd lines differently (threat W10), so an odd line is ignored and reported by its number. No text of
it but the name is ever shown: it may be a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from watchword.checkers.names import LONGEST_NAME, user_name
from watchword.checkers.passwords.formats import end_of_hash, family_of
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.checkers.passwords import PasswordHasher

_THIS_USER = "this user"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class OddLine:
    """A line that is ignored, with its number from 1 and the problem."""

    number: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.problem}"


@dataclass(frozen=True, slots=True)
class HtpasswdLines:
    """The content of a file.

    Args:
        hashes: canonical name to hash, in the order of the file.
        odd: the ignored lines.
        numbers: canonical name to the number of its line.
        formats: each format in use, to the first name that has it.
    """

    hashes: dict[str, str] = field(default_factory=dict, repr=False)
    odd: tuple[OddLine, ...] = ()
    numbers: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    formats: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def uncomputable(self, hasher: PasswordHasher) -> tuple[OddLine, ...]:
        """Return the first line of each format that this machine cannot compute, with the cause."""
        problems = ((name, why_uncomputable(self.hashes[name], hasher)) for name in self.formats.values())
        return tuple(OddLine(self.numbers[name], problem) for name, problem in problems if problem)


def why_uncomputable(hash: str, hasher: PasswordHasher) -> str:  # noqa: A002 - what it is
    """Return why this machine cannot compute a hash; empty if it can."""
    try:
        hasher.check(hash, _THIS_USER)
    except ConfigurationError as error:
        return _message(error)
    return ""


def parse_htpasswd(octets: bytes, hasher: PasswordHasher) -> HtpasswdLines:
    """Parse a file; the hasher tells which hashes could match a password.

    A line is `name:hash` or `name:hash:comment`, as nginx documents it. Of several lines for one name the first counts, as with Apache
    and nginx, even if its hash is odd: an operator who makes a line unusable locks its user out.
    """
    lines = HtpasswdLines()
    odd: list[OddLine] = []
    taken: set[str] = set()
    for number, line in enumerate(octets.removeprefix(_BOM).split(b"\n"), 1):
        line = line.rstrip(b" \t\r")  # noqa: PLW2901 - no hash ends in a space, and some editors end lines in CR LF
        if not line or line.startswith(b"#"):
            continue
        try:
            _read(number, line, lines, taken, hasher)
        except ConfigurationError as error:
            odd.append(OddLine(number, _message(error)))
    return replace(lines, odd=tuple(odd))


def _read(number: int, line: bytes, lines: HtpasswdLines, taken: set[str], hasher: PasswordHasher) -> None:
    """Add a line to the others; an odd one raises `ConfigurationError`."""
    before, colon, after = line.partition(b":")
    # The comment may be in any encoding.
    text = _hash_of(after.decode("utf-8", "surrogateescape"), hasher)
    if not colon:
        _text(before)
        raise ConfigurationError("it has no colon")
    name = _name_of(_text(before))
    if name in taken:
        raise ConfigurationError("an earlier line has the same name, and counts")
    taken.add(name)
    hash_ = _text(text.encode("utf-8", "surrogateescape"))
    stored = hasher.read(hash_, _THIS_USER)
    lines.hashes[name] = hash_
    lines.numbers[name] = number
    lines.formats.setdefault(stored.format, name)


def _hash_of(text: str, hasher: PasswordHasher) -> str:
    """Return the text before the comment.

    The formats of a context, and plain text, may hold a colon: a text that can be read as a whole has no comment.
    """
    end = end_of_hash(text)
    if end is None and family_of(text) is None and ":" in text and hasher.profile(text) is None:
        end = text.index(":")
    return text[:end]


def _name_of(name: str) -> str:
    if len(name.encode()) > LONGEST_NAME:
        raise ConfigurationError(f"the name is longer than {LONGEST_NAME} octets")
    if name != name.strip():
        raise ConfigurationError("there is a space before the name or after it")
    try:
        return user_name(name)
    except ConfigurationError:
        raise ConfigurationError("the name is empty or holds a control character") from None


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError("it is not UTF-8") from None


def _message(error: ConfigurationError) -> str:
    # Without the name: on a line that lacks one, a hash may be in its place.
    return str(error).replace(repr(_THIS_USER), _THIS_USER)
