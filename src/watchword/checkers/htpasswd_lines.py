"""The lines of an htpasswd file, as Apache writes and reads them: `name:hash`, comments, and what is odd.

What Apache, nginx and others make of an odd line differs (threat W10), so none is guessed at: an odd line lets nobody in,
and is reported by its number. Of its words none but the name ever is, because they may be a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from watchword.checkers.names import LONGEST_NAME, user_name
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.checkers.passwords import PasswordHasher

_SOMEBODY = "this user"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class OddLine:
    """A line that lets nobody in.

    Args:
        number: its number, from 1.
        problem: what is odd about it.
    """

    number: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.problem}"


@dataclass(frozen=True, slots=True)
class HtpasswdLines:
    """What a file says.

    Args:
        hashes: canonical name to hash, in the order of the file.
        odd: the lines that let nobody in.
    """

    hashes: dict[str, str] = field(default_factory=dict, repr=False)
    odd: tuple[OddLine, ...] = ()


def parse_htpasswd(octets: bytes, hasher: PasswordHasher) -> HtpasswdLines:
    """Read the lines of a file.

    Args:
        octets: the file.
        hasher: knows which hashes could match anything.

    Returns:
        Names and hashes, and the odd lines. Of two lines for one name the first counts, as with Apache.
    """
    hashes: dict[str, str] = {}
    odd: list[OddLine] = []
    for number, line in enumerate(octets.removeprefix(_BOM).split(b"\n"), 1):
        line = line.rstrip(b" \t\r")  # noqa: PLW2901 - no hash ends in a space, and some editors end lines in CR LF
        if not line or line.startswith(b"#"):
            continue
        problem = _read(line, hashes, hasher)
        if problem:
            odd.append(OddLine(number, problem))
    return HtpasswdLines(hashes, tuple(odd))


def _read(line: bytes, hashes: dict[str, str], hasher: PasswordHasher) -> str:
    """Add the line to the hashes, or return what is odd about it."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    name, colon, hash_ = text.partition(":")
    if not colon:
        return "it has no colon"
    if len(name.encode()) > LONGEST_NAME:
        return f"the name is longer than {LONGEST_NAME} octets"
    if name != name.strip():
        return "there is a space before the name or after it"
    try:
        name = user_name(name)
    except ConfigurationError:
        return "the name is empty or holds a control character"
    if name in hashes:
        return "an earlier line has the same name, and counts"
    try:
        hasher.check(hash_, _SOMEBODY)
    except ConfigurationError as error:
        # Not by his name: on a line that lacks one a hash may stand in its place.
        return str(error).replace(repr(_SOMEBODY), _SOMEBODY)
    hashes[name] = hash_
    return ""
