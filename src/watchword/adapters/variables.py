"""Tells which header fields the variables of a WSGI environ stand for (PEP 3333, RFC 3875 §4.1.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.grammar import MAX_NAME_OCTETS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.guard.fast_path import FastPath
    from watchword.request import FieldIndex

UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}

_KNOWN = 512  # variables kept, each of bounded length; more than any honest set of clients makes
_PREFIX = "HTTP_"
_LONGEST_READ = len(_PREFIX) + MAX_NAME_OCTETS
_LONGEST = 72  # characters: `HTTP_` and the longest field name that the index keeps


def is_long(variable: str) -> bool:
    """Tell whether a variable stands for a field whose name is longer than is read.

    Args:
        variable: of an environ.
    """
    return len(variable) > _LONGEST_READ and variable.startswith(_PREFIX)


def variable_of(name: str) -> str:
    """Return the variable in which a server hands over a header field.

    Args:
        name: of the field, lower case.
    """
    return UNPREFIXED.get(name) or "HTTP_" + name.upper().replace("-", "_")


class Variables(dict[str, "str | None"]):
    """Maps a variable to the field that it stands for, as `FieldIndex` does: its name, `"?<name>"` for an alias, or None.

    An underscore stands for a hyphen here, so `X_Remote_User` cannot be told from `X-Remote-User`. Any other character is an alias: servers
    hand `X.Remote.User` over as `HTTP_X.REMOTE.USER`. Answers are kept, boundedly.

    Args:
        index: the fields that matter to the guard.
        fast_path: says which of them the fast path may ignore.
    """

    __slots__ = ("_fast_path", "_harmless", "index")

    def __init__(self, index: FieldIndex, fast_path: FastPath) -> None:
        super().__init__({variable_of(name): name for name in index.names})
        self.index: FieldIndex = index
        self._fast_path = fast_path
        self._harmless: set[str] = set()

    def __missing__(self, variable: str) -> str | None:
        found = self.index[variable[5:].lower().replace("_", "-")] if variable.startswith("HTTP_") else None
        if variable == "HTTP_CONTENT_TYPE" or variable == "HTTP_CONTENT_LENGTH":  # noqa: PLR1714 - a set would be built for every request
            found = None  # CONTENT_TYPE has it
        if len(self) < _KNOWN + len(self.index.names) and len(variable) <= _LONGEST:
            self[variable] = found
        return found

    def are_harmless(self, environ: Iterable[str]) -> bool:
        """Tell whether nothing in an environ keeps a request from the fast path, `HTTP_AUTHORIZATION` and `HTTP_HOST` aside.

        Args:
            environ: its variables.
        """
        harmless = self._harmless
        if harmless.issuperset(environ):
            return True
        for variable in environ:
            if variable not in harmless:
                if is_long(variable) or not self._fast_path.ignores(self[variable]):
                    return False
                if len(harmless) < _KNOWN and len(variable) <= _LONGEST:
                    harmless.add(variable)
        return True
