"""Splits a command line into words, as a POSIX shell does (POSIX.1-2017, Shell Command Language §2.2 and §2.3).

Nothing is expanded and nothing runs. `$'...'` is read as bash, zsh and POSIX.1-2024 do, because browsers write it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from watchword.recorded.request import UnreadableRequest

_PIECE: Final = re.compile(
    r"""(?P<joined>\\\r?\n)
      | (?P<space>[ \t]+)
      | (?P<end>\r?\n|[|;&<>()])
      | '(?P<single>[^']*+)'
      | \$'(?P<ansi>(?:[^'\\]|\\.)*+)'
      | \$?"(?P<double>(?:[^"\\]|\\.)*+)"
      | \\(?P<escaped>.)
      | (?P<comment>\#[^\n]*+)
      | (?P<plain>[^\s'"\\$|;&<>()`\#]++)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_DOUBLE: Final = re.compile(r"\\(?:\r?\n|([\"\\$`]))|(`)|\$(?:(\w+|\{[^}]*\})|(\())|([\\$])", re.DOTALL)
_VARIABLE: Final = re.compile(r"\$?(\w+|\{[^}]*\}|\()?")
_ANSI: Final = re.compile(
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{1,2})|u(?P<short>[0-9A-Fa-f]{1,4})|U(?P<long>[0-9A-Fa-f]{1,8})|(?P<octal>[0-7]{1,3})|c(?P<control>.)|(?P<one>.))",
    re.DOTALL,
)
_NAMED: Final = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
_GREATEST: Final = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one command.

    Args:
        words: the words, quotes removed.
        ended_by: the operator that ends the command before the end of the text; empty: none does.
    """

    words: tuple[str, ...] = field(repr=False)
    ended_by: str = ""


def split_words(text: str) -> Words:
    """Return the words of the first command in a text.

    Args:
        text: what would be typed at a prompt; untrusted.

    Raises:
        UnreadableRequest: a quote is not closed, or a shell would replace a part by what is known only there.
    """
    words: list[str] = []
    word: list[str] | None = None
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        kind = "" if found is None else found.lastgroup or ""
        if found is None or (kind == "other" and found["other"] in "'\"\\"):
            raise UnreadableRequest("the command line ends within a quote. Copy it whole, with its last lines.")
        # A hash begins a comment at the beginning of a word alone; in a URL it is a fragment.
        if kind == "comment" and word is not None:
            word.append("#")
            at += 1
            continue
        at = found.end()
        if kind in {"space", "end"} and word is not None:
            words.append("".join(word))
            word = None
        if kind == "end" and words:
            rest = text[at:].strip()
            return Words(tuple(words), (found["end"].strip() or "a line end") if rest or found["end"] == "&" else "")
        if kind not in {"joined", "space", "comment", "end"}:
            word = [] if word is None else word
            word.append(_unquoted(kind, found[kind], text, found.start()))
    if word is not None:
        words.append("".join(word))
    return Words(tuple(words))


def _unquoted(kind: str, piece: str, text: str, at: int) -> str:
    if kind == "ansi":
        return _ANSI.sub(_ansi, piece)
    if kind == "double":
        return _IN_DOUBLE.sub(_in_double, piece)
    if kind == "other":  # a dollar or a backquote
        named = _VARIABLE.match(text, at) if piece == "$" else None
        if named is not None and named[1] is None:
            return piece
        raise _unknown(piece if named is None else named[0])
    return piece


def _in_double(found: re.Match[str]) -> str:
    escaped, backquote, variable, command, other = found.groups()
    if backquote or variable or command:
        raise _unknown("`" if backquote else f"${variable or command}")
    return escaped or other or ""


def _ansi(found: re.Match[str]) -> str:
    kind, text = found.lastgroup, found[found.lastgroup or 0]
    if kind == "one":
        return _NAMED.get(text, text)
    if kind == "control":
        return chr(ord(text) & 0x1F)
    code = int(text, 8 if kind == "octal" else 16)
    if code > _GREATEST:
        raise UnreadableRequest("the command line has an escape beyond U+10FFFF in $'...'. Copy it again.")
    return chr(code & 0xFF if kind == "octal" else code)


def _unknown(what: str) -> UnreadableRequest:
    name = what if what.isascii() and len(what) <= 64 and what.isprintable() and "(" not in what and "`" not in what else ""  # noqa: PLR2004 - longer than names are
    shown = f"the variable {name}" if name else "a command substitution"
    return UnreadableRequest(
        f"the command line holds {shown}, whose value only your shell knows. Pass the command as words after --, so that the shell "
        "replaces it, or write the value."
    )
