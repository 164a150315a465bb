"""Reads how challenges are spelled: quotes, whitespace and empty elements, which a parser takes without a word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watchword.grammar import MAX_CHALLENGES, MAX_FIELD_OCTETS
from watchword.grammar.lists import split_outside_quotes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.client import ResponseView

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105 - RFC 9110 §5.6.2
_PARAM: Final = re.compile(rf"(?:({_TOKEN})[ \t]++)?+({_TOKEN})([ \t]*+)=([ \t]*+)(.*)", re.DOTALL)
_BARE_PARAM: Final = re.compile(rf"()({_TOKEN})([ \t]*+)=([ \t]*+)(.*)", re.DOTALL)
_SCHEME: Final = re.compile(rf"({_TOKEN})(?:[ \t]++|$)")
_MOST: Final = 512  # elements of a line


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter as it was written.

    Args:
        scheme: the scheme of its challenge, lower case; empty: none stands before it.
        challenge: the number of its challenge in the response.
        name: lower case.
        value: as written, with its quotation marks.
        is_spaced: whether there is whitespace around the equals sign.
    """

    scheme: str
    challenge: int
    name: str
    value: str
    is_spaced: bool

    @property
    def is_quoted(self) -> bool:
        """Whether the value is a quoted-string."""
        return self.value.startswith('"')


def params_of(view: ResponseView) -> list[Param]:
    """Return all parameters of the challenges of a response.

    Args:
        view: untrusted.
    """
    return list(_params(view))


def _params(view: ResponseView) -> Iterator[Param]:
    number = 0
    for line in view.all("www-authenticate")[:MAX_CHALLENGES]:
        scheme = ""
        for element in elements_of(line):
            match = _BARE_PARAM.fullmatch(element) or _PARAM.fullmatch(element)
            if match is None or match[1]:
                start = _SCHEME.match(element)
                scheme, number = (start[1].lower(), number + 1) if start else (scheme, number)
            if match is not None and match[5] not in {"", "="}:  # else the end of a token68
                yield Param(scheme, number, match[2].lower(), match[5], bool(match[3] or match[4]))


def elements_of(line: str) -> list[str]:
    """Return the elements of a line, split at its commas, without the whitespace around them.

    Args:
        line: a field value; untrusted.
    """
    octets = line[:MAX_FIELD_OCTETS].encode("latin-1", "replace")
    return [element.decode("latin-1").strip(" \t") for element in split_outside_quotes(octets, b",", _MOST)]


__all__ = ["Param", "elements_of", "params_of"]
