"""Parses patterns of rules, `[METHODS ]/segments`, and compares two of them as sets of requests.

A segment is a literal, `{name}` for exactly one segment, or a closing `**` for zero or more. Whole segments, anchored at both ends: no
prefix and no regular expression ever opens a neighbour (threats N8, P5).

A closing slash is a last segment that is empty: the pattern `/files/` matches it by that literal, `/files/{id}` and `/files/**` match it
because routers do (decision D64; `binding` says which rules a path with a closing slash must meet).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, TypeAlias

from watchword.errors import ConfigurationError
from watchword.grammar import is_token
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

Segment: TypeAlias = str | None
"""A literal, or None for `{name}`. The literal "" stands last or not at all: a closing slash."""

_USUAL = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # the methods that a message shows first

# No path that reaches a rule holds these: the firewall refuses them, or they end the path (RFC 3986 §3.3).
_NEVER_IN_A_PATH = {
    "?": "rules do not see the query",
    "#": "a fragment never reaches a server",
    "\\": "the firewall refuses it",
    ";": "the firewall refuses it",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A set of requests.

    Args:
        methods: the methods; None: all of them.
        segments: the segments before a closing `**`.
        rest: whether a closing `**` follows.
    """

    methods: frozenset[str] | None
    segments: tuple[Segment, ...]
    rest: bool = False

    def covers(self, other: Pattern) -> bool:
        """Tell whether this matches every request that the other matches."""
        return self._covers_methods(other) and self.covers_path(other)

    def covers_path(self, other: Pattern) -> bool:
        """Tell whether this matches every path that the other matches."""
        mine, theirs = self.segments, other.segments
        if len(theirs) < len(mine) or (len(theirs) > len(mine) and not self.rest) or (other.rest and not self.rest):
            return False
        return all(segment is None or segment == their for segment, their in zip(mine, theirs, strict=False))

    def is_wider_than(self, other: Pattern) -> bool:
        """Tell whether this matches every path that the other matches, and more."""
        return self.covers_path(other) and not other.covers_path(self)

    def meet(self, other: Pattern) -> Pattern | None:
        """Return the pattern of the requests that both match; None: no request matches both."""
        if self.methods is None or other.methods is None:
            methods = other.methods if self.methods is None else self.methods
        else:
            methods = self.methods & other.methods
            if not methods:
                return None
        longer, shorter = (self, other) if len(self.segments) >= len(other.segments) else (other, self)
        if len(longer.segments) > len(shorter.segments) and not shorter.rest:
            return None
        segments: list[Segment] = []
        for at, segment in enumerate(longer.segments):
            their = shorter.segments[at] if at < len(shorter.segments) else None
            if segment is not None and their is not None and segment != their:
                return None
            segments.append(their if segment is None else segment)
        return Pattern(methods, tuple(segments), rest=self.rest and other.rest)

    @property
    def is_closed(self) -> bool:
        """Whether the pattern ends in a slash."""
        return self.segments[-1:] == ("",)

    def without_methods(self) -> Pattern:
        """Return the pattern of the same paths for all methods."""
        return Pattern(None, self.segments, self.rest)

    def without_slash(self) -> Pattern:
        """Return the pattern of the same paths without their closing slash, for all methods. The pattern must end in a slash."""
        return Pattern(None, self.segments[:-1])

    def takes(self, method: str) -> bool:
        """Tell whether the pattern matches a method."""
        return self.methods is None or method in self.methods

    def _covers_methods(self, other: Pattern) -> bool:
        return self.methods is None or (other.methods is not None and other.methods <= self.methods)

    def __str__(self) -> str:
        names = (f"{{{letter}}}" for letter in chain("xyzabcdefghijklmnopqrstuvw", map("x{}".format, count())))
        parts = [next(names) if segment is None else segment.replace("%", "%25") for segment in self.segments] + (
            ["**"] if self.rest else []
        )
        path = "/" + "/".join(parts)
        return f"{','.join(sorted(self.methods))} {path}" if self.methods else path


def left_over(pattern: Pattern, others: Iterable[Pattern]) -> Pattern | None:
    """Return a request that a pattern matches and no other pattern does; None: every request is matched by another one.

    Args:
        pattern: a set of requests.
        others: the patterns that may cover it, alone or together.

    Returns:
        A pattern of one method and literal segments.
    """
    others = tuple(others)
    literals = {segment for other in others for segment in other.segments}
    methods = frozenset[str]().union(*(other.methods or () for other in others))
    for method in sorted(pattern.methods) if pattern.methods else (*_USUAL, *sorted(methods), _new("OTHER", methods)):
        segments = _path_left_over(pattern, [other for other in others if other.takes(method)])
        if segments is not None:
            fresh = _new("x", literals)
            return Pattern(frozenset({method}), tuple(fresh if segment is None else segment for segment in segments))
    return None


def _path_left_over(pattern: Pattern, others: Sequence[Pattern]) -> tuple[Segment, ...] | None:
    # A segment that no pattern names is matched by `{name}` and `**` alone. So for each length, either one pattern covers all paths of
    # that length, or a path of such segments is left over. Longer paths than the longest pattern need no test.
    segments = pattern.segments
    while not any(other.covers_path(Pattern(None, segments, pattern.rest)) for other in others):
        if not any(other.covers_path(Pattern(None, segments)) for other in others):
            return segments
        segments = (*segments, None)
    return None


def _new(name: str, taken: Container[str | None]) -> str:
    while name in taken:
        name += name[-1]
    return name


def parse_pattern(text: str) -> Pattern:
    """Read a pattern.

    Args:
        text: such as `"GET,PUT /orders/{id}"` or `"/admin/**"`; decoded, but for `%25`, a percent sign.

    Returns:
        The pattern. `/` is the root, and `/**/` is `/**`; else a closing slash is a last segment that is empty.

    Raises:
        ConfigurationError: it is not a pattern, or no request could match it (threats P6).
    """
    if not isinstance(text, str):
        raise invalid("Guard(rules=...)", 'have patterns such as "GET /orders/{id}" as keys', text)
    if text != text.strip():
        raise _mistake(text, "it begins or ends with a space")
    named = " " in text and not text.startswith("/")  # a path may hold spaces too
    head, _, path = text.partition(" ") if named else ("", "", text)
    methods = frozenset(_method(name, text) for name in head.split(",")) if named else None
    if not path.startswith("/"):
        raise _mistake(text, "its path must start with a slash")
    for character, why in _NEVER_IN_A_PATH.items():
        if character in path:
            raise _mistake(text, f"it can never match a path with {character!r}: {why}")
    parts = path[1:].removesuffix("/").split("/") if path != "/" else []
    rest = bool(parts) and parts[-1] == "**"
    names: set[str] = set()
    segments = tuple(_segment(part, text, names) for part in (parts[:-1] if rest else parts))
    is_closed = path.endswith("/") and bool(parts) and not rest
    return Pattern(methods, (*segments, "") if is_closed else segments, rest)


def _method(name: str, text: str) -> str:
    name = name.strip()
    if name == "*":
        raise _mistake(text, "an asterisk is not a method. For all methods write the path alone")
    if not is_token(name):
        raise _mistake(text, f'{name!r} is not a method. Write it as in "GET,PUT /x"')
    if name != name.upper():
        raise _mistake(text, f"methods are case-sensitive (RFC 9110 §9.1). Write {name.upper()}")
    if name == "HEAD":
        raise _mistake(text, "HEAD is decided as GET. Write GET")
    return name


def _segment(part: str, text: str, names: set[str]) -> Segment:
    if not part:
        raise _mistake(text, "it has an empty segment, and the firewall refuses `//`")
    if part in {".", ".."}:
        raise _mistake(text, "the firewall refuses dot segments")
    part = _decoded(part, text)
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in part):  # noqa: PLR2004 - the control characters of ASCII
        raise _mistake(text, "no path holds a control character")
    if part.startswith("{") and part.endswith("}"):
        name = part[1:-1]
        if not name.isidentifier():
            raise _mistake(text, f"{part!r} is not a name in braces")
        if name in names:
            raise _mistake(text, f"it names {part} twice")
        names.add(name)
        return None
    if part.startswith("<") and part.endswith(">"):
        raise _mistake(text, f"{part!r} is a parameter of Flask. Write {{name}} for a whole segment")
    if "*" in part or "{" in part or "}" in part:
        raise _mistake(text, f"{part!r} is not a segment. Use a literal, {{name}} for a whole segment, or ** at the end")
    return part


def _decoded(part: str, text: str) -> str:
    """Return a segment with `%25` decoded. No other character may be encoded, because a path is compared decoded."""
    if "%" in part.replace("%25", ""):
        raise _mistake(text, "paths are compared decoded. Write the character itself, and %25 for a percent sign")
    decoded = part.replace("%25", "%")
    if any(_is_hex(octet[:2]) for octet in decoded.split("%")[1:]):
        raise _mistake(text, "the firewall refuses paths that are still encoded after decoding")
    return decoded


def _is_hex(digits: str) -> bool:
    return len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits)  # noqa: PLR2004 - two digits


def _mistake(text: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"the rule {text!r} is not a pattern: {why}.")
