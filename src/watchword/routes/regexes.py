"""Reads regular expressions of paths: those that are made of literal text and groups, and of others what they begin with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.routes.listed import Param

if TYPE_CHECKING:
    from watchword.routes.listed import Piece, Pieces

_SPECIAL: Final = frozenset("\\.[]{}()*+?|^$")
_QUANTIFIERS: Final = frozenset("*+?{")
_NO_SLASH: Final = re.compile(r"\[\^[^\]]*/[^\]]*\]")
_REST: Final = Param("(?:.*)", rest=True)  # of which it is not known that all of it matches


def pieces_of(regex: str, *, is_whole: bool = False) -> Pieces:
    """Return the pieces of a path; from the first part on that is not understood, everything.

    Args:
        regex: such as `^orders/(?P<id>[0-9]+)/$`.
        is_whole: whether it matches a whole part of a path although no `$` ends it.
    """
    if not regex.startswith("^") and not is_whole:
        return (_REST,)  # it may match in the middle of a path
    body = regex.removeprefix("^")
    ended = is_whole or body.endswith(("$", r"\Z"))
    body = body.removesuffix("$").removesuffix(r"\Z").removesuffix("/?")  # a closing slash makes no difference (decision D64)
    pieces: list[Piece] = []
    at = 0
    while at < len(body):
        found = _group(body, at) or _literal(body, at)
        if found is None:
            return (*pieces, _REST)
        piece, at = found
        pieces.append(piece)
        if isinstance(piece, Param) and piece.rest:
            return tuple(pieces)
    return tuple(pieces) if ended else (*pieces, _REST)


def _literal(body: str, at: int) -> tuple[str, int] | None:
    escaped = body[at] == "\\" and at + 1 < len(body) and not body[at + 1].isalnum()
    end = at + 1 + escaped
    if (body[at] in _SPECIAL and not escaped) or body[end : end + 1] in _QUANTIFIERS:
        return None
    return body[end - 1], end


def _group(body: str, at: int) -> tuple[Param, int] | None:
    """Read a group in parentheses that is not repeated."""
    end = _end_of_group(body, at) if body[at] == "(" else None
    if end is None or body[end : end + 1] in _QUANTIFIERS:
        return None
    inner = body[at + 1 : end - 1]
    if inner.startswith("?P<"):
        inner = inner.partition(">")[2]
    elif inner.startswith("?"):
        inner = inner[2:] if inner.startswith("?:") else ""
    return (Param(inner, rest=_may_hold_slash(inner)), end) if inner else None


def _end_of_group(body: str, at: int) -> int | None:
    depth, in_set = 0, False
    while at < len(body):
        character = body[at]
        at += 2 if character == "\\" else 1
        if in_set or character == "[":
            in_set = character != "]"
        elif character in "()":
            depth += 1 if character == "(" else -1
            if not depth:
                return at
    return None


def _may_hold_slash(regex: str) -> bool:
    """Tell whether a group may match a slash; True where that is not certain."""
    try:
        compiled = re.compile(regex)
    except re.error:
        return True
    return "/" in _NO_SLASH.sub("", regex) or any(compiled.fullmatch(text) for text in ("x/x", "1/1", "/", "x/", "-/-")) or r"\W" in regex


__all__ = ["pieces_of"]
