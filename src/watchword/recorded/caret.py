"""Splits a command line of Windows into words: cmd.exe takes its carets, and the program splits what is left.

Browsers write such lines as "Copy as cURL (cmd)".
"""

from __future__ import annotations

import re
from typing import Final

from watchword.recorded.request import UnreadableRequest

# A caret and a line end join lines. Browsers write two line ends after a caret for one in a value.
_CARET: Final = re.compile(r"\^(?:\r?\n(\r?\n)?|(.))", re.DOTALL)
_MARK: Final = re.compile(r'\^"|\^\r?\n')
_PIECE: Final = re.compile(r'(?P<slashes>\\+)(?P<quote>"?)|(?P<pair>"")|(?P<mark>")|(?P<space>[ \t\r\n]+)|(?P<plain>[^\\"\s]++|\s)')


def is_caret_line(text: str) -> bool:
    """Tell whether a command line is one of cmd.exe.

    Args:
        text: the command line.
    """
    return _MARK.search(text) is not None


def split_caret_line(text: str) -> tuple[str, ...]:
    """Return the words of a command line of cmd.exe.

    Args:
        text: the command line; untrusted.

    Raises:
        UnreadableRequest: a quote is not closed.
    """
    # In a quoted part cmd.exe keeps carets; browsers write every quote with a caret, so that no part is quoted for it.
    quoted = re.search(r'(?<!\^)"', text) is not None
    plain = _lines_joined(text) if quoted else _CARET.sub(lambda found: found[2] or ("\n" if found[1] else ""), text)
    words: list[str] = []
    word: list[str] | None = None
    inside = False
    for found in _PIECE.finditer(plain):
        kind = found.lastgroup
        if kind == "space" and not inside:
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        word = [] if word is None else word
        if kind == "quote":
            # Two backslashes before a quote are one, and one makes the quote a character.
            half, odd = divmod(len(found["slashes"]), 2) if found["quote"] else (len(found["slashes"]), 0)
            word.append("\\" * half + ('"' if odd else ""))
            inside = inside != (found["quote"] == '"' and not odd)
        elif kind == "pair":
            word.append('"' if inside else "")
        elif kind == "mark":
            inside = not inside
        else:
            word.append(found[0])
    if inside:
        raise UnreadableRequest("the command line ends within a quote. Copy it whole, with its last lines.")
    return tuple(words if word is None else [*words, "".join(word)])


def _lines_joined(text: str) -> str:
    return re.sub(r"\^\r?\n", "", text)
