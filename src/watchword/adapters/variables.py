"""Tells which header fields the variables of a WSGI environ stand for (PEP 3333, RFC 3875 §4.1.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.grammar import MAX_FIELD_OCTETS, MAX_FIELDS, MAX_NAME_OCTETS
from watchword.guard.fast_path import LONGEST_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchword.field_index import FieldIndex
    from watchword.guard.fast_path import FastPath

UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}

_KNOWN = 512  # variables kept, each of bounded length; more than any honest set of clients makes
_PREFIX = "HTTP_"
_LONGEST_READ = len(_PREFIX) + MAX_NAME_OCTETS
_LONGEST = 72  # characters: `HTTP_` and the longest field name that the index keeps


def is_long(variable: str) -> bool:
    """Tell whether a variable stands for a field whose name is longer than is read."""
    return len(variable) > _LONGEST_READ and variable.startswith(_PREFIX)


def variable_of(name: str) -> str:
    """Return the variable in which a server hands over a header field."""
    return UNPREFIXED.get(name) or "HTTP_" + name.upper().replace("-", "_")


_SAID = [(variable_of(name), name) for name in ("accept", "accept-language", "origin", "x-request-id")]


class Variables(dict[str, "str | None"]):
    """Maps a variable to the field that it stands for, as `FieldIndex` does: its name, `"?<name>"` for an alias, or None.

    An underscore stands for a hyphen here, so `X_Remote_User` cannot be told from `X-Remote-User`. Any other character is an alias: servers
    hand `X.Remote.User` over as `HTTP_X.REMOTE.USER`. Answers are kept, boundedly.

    Args:
        index: the fields that matter to the guard.
        fast_path: says which of them the fast path may ignore.
    """

    __slots__ = ("_carriers", "_fast_path", "_ignored", "index")

    def __init__(self, index: FieldIndex, fast_path: FastPath) -> None:
        super().__init__({variable_of(name): name for name in index.names})
        self.index: FieldIndex = index
        self._fast_path = fast_path
        self._carriers = [(variable_of(name), name.encode()) for name in fast_path.carriers]
        # The values of these are looked at.
        self._ignored = {"HTTP_HOST", *(variable for variable, _ in self._carriers)}

    def __missing__(self, variable: str) -> str | None:
        found = self.index[variable[5:].lower().replace("_", "-")] if variable.startswith("HTTP_") else None
        if variable == "HTTP_CONTENT_TYPE" or variable == "HTTP_CONTENT_LENGTH":  # noqa: PLR1714 - a set would be built for every request
            found = None  # CONTENT_TYPE has it
        if len(self) < _KNOWN + len(self.index.names) and len(variable) <= _LONGEST:
            self[variable] = found
        return found

    def credentials(self, environ: Mapping[str, str]) -> list[tuple[bytes, bytes]] | None:
        """Return the fields of an environ that the fast path looks at: those of credentials.

        Returns:
            The fields; None: there is more to look at.
        """
        # Here and not within the call, which most requests do not need.
        if len(environ) > MAX_FIELDS or not (self._ignored.issuperset(environ) or self._are_ignored(environ)):
            return None
        host = environ.get("HTTP_HOST")
        if host and ("," in host or len(host) > MAX_FIELD_OCTETS):
            return None
        found: list[tuple[bytes, bytes]] = []
        for variable, name in self._carriers:
            sent = environ.get(variable)
            if sent is not None:
                if len(sent) > LONGEST_FIELD or not sent.isascii():
                    return None
                found.append((name, sent.encode()))
        return found

    @staticmethod
    def said(environ: Mapping[str, str]) -> dict[str, str] | None:
        """Return the fields of an environ that a refusal is written by, as `FastPath.said` does."""
        said: dict[str, str] = {}
        for variable, name in _SAID:
            value = environ.get(variable)
            if value is not None:
                if len(value) > MAX_FIELD_OCTETS:
                    return None
                said[name] = value
        return said

    def _are_ignored(self, environ: Iterable[str]) -> bool:
        """Tell whether no variable keeps the request from the fast path, but those of credentials and of the host."""
        ignored = self._ignored
        for variable in environ:
            if variable not in ignored:
                if is_long(variable) or not self._fast_path.ignores(self[variable]):
                    return False
                if len(ignored) < _KNOWN and len(variable) <= _LONGEST:
                    ignored.add(variable)
        return True
