"""Looks header names up by the name as the server spells it, and finds aliases of the names that matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_KNOWN_NAMES = 512  # names kept by one index; more than any honest set of clients sends
_LONGEST_NAME = 64  # characters; longer names are not kept

# Gateways and CGI programs read other characters of a name as the hyphen: `_` nearly all, `.` some, Apache every one of tchar that is
# neither letter nor digit (RFC 9110 §5.6.2, threats H2 and H9).
_LIKE_A_HYPHEN = b"!#$%&'*+._^`|~"
_LOWER_CASE = b"abcdefghijklmnopqrstuvwxyz"
_CANONICAL = bytes.maketrans(_LIKE_A_HYPHEN + _LOWER_CASE.upper(), b"-" * len(_LIKE_A_HYPHEN) + _LOWER_CASE)

# An alias of these speaks for no one: it chooses the language of a page.
_HARMLESS = frozenset({"accept-language"})


def canonical_name(raw: str | bytes) -> str:
    """Return the canonical form of a header name, which all its aliases share: lower case, with hyphens.

    Args:
        raw: the name as the server spells it.
    """
    octets = raw if isinstance(raw, bytes) else raw.encode("latin-1", "replace")  # a name never holds the question mark
    return octets.translate(_CANONICAL).decode("latin-1")


class FieldIndex(dict[str | bytes, str | None]):
    """The header names that matter to one guard, looked up by the name as the server spells it.

    Maps a raw name to its lower-case form, to `"?<canonical name>"` for an alias of a name that matters, or to None for a name that does
    not. Results are kept, boundedly, so that a request costs one lookup per header.

    Args:
        names: the names, lower case.
        prefixes: prefixes of further names.
        short: the names of fields that are read up to `MAX_FIELD_OCTETS`.
    """

    __slots__ = ("_canonical", "_longest", "names", "prefixes", "short")

    def __init__(self, names: Iterable[str], prefixes: tuple[str, ...] = (), short: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.names: frozenset[str] = frozenset(names)
        self.prefixes: tuple[str, ...] = prefixes
        self.short: frozenset[str] = short
        self._canonical = frozenset(map(canonical_name, self.names))
        self._longest = max(map(len, (*self.names, *prefixes)), default=0)

    def __missing__(self, raw: str | bytes) -> str | None:
        found = self._find(raw)
        if len(self) < _KNOWN_NAMES and len(raw) <= _LONGEST_NAME:
            self[raw] = found
        return found

    def _find(self, raw: str | bytes) -> str | None:
        # A long name is cut to the longest name that matters, so that its length costs nothing.
        canonical = canonical_name(raw[: self._longest])
        begins = canonical.startswith(self.prefixes)
        if not begins and (canonical not in self._canonical or len(raw) > self._longest):
            return None
        name = (raw if isinstance(raw, str) else raw.decode("latin-1")).lower()
        # Any character may follow a prefix: Kubernetes has `x-remote-extra-acme.com%2Fproject`.
        if name in self.names or name.startswith(self.prefixes):
            return name
        canonical = canonical_name(name)
        return f"?{canonical}" if begins or canonical in self.names - _HARMLESS else None
