"""Defines what the routers of frameworks are read into: routes with paths in one form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from watchword.authorization.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kind: TypeAlias = Literal["http", "websocket", "static", "mount"]
"""`mount` is an application whose own routes are not known."""

ANY_SEGMENT: Final = "[^/]+"
_A_SEGMENT: Final = 2  # see Shape
_ANY_REST: Final = frozenset({"", ".*", ".+", ".*?", ".+?", "[^/].*?"})  # the last one is that of werkzeug


@dataclass(frozen=True, slots=True)
class Param:
    """A part of a path that varies.

    Args:
        regex: what it matches; where it is no regular expression of Python, one that matches more.
        rest: whether it may match slashes.
    """

    regex: str = ANY_SEGMENT
    rest: bool = False


Piece: TypeAlias = str | Param
Pieces: TypeAlias = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The paths of a route.

    Args:
        segments: literals, and for segments that vary a `Param` for the whole segment. A last literal "" is a closing slash.
        rest: whether zero or more segments may follow.
        exact: whether the route takes all of these paths, and not only some of them.
        least: what must follow where something may: 0: nothing, 1: a slash, as for `/files/{path:path}`, 2: a segment, as for
            `<path:rest>` of Flask.
    """

    segments: tuple[Piece, ...]
    rest: bool = False
    exact: bool = True
    least: int = 0

    @property
    def pattern(self) -> Pattern:
        """The pattern of the same paths, and of those that a regular expression excludes."""
        return Pattern(None, tuple(one if isinstance(one, str) else None for one in self.segments), self.rest)

    def takes(self, pattern: Pattern) -> bool:
        """Tell whether the literals of a pattern, which has paths in common with this, are such as the parameters match.

        Args:
            pattern: the pattern.
        """
        return all(
            isinstance(mine, str) or their is None or matches(mine, their)
            for mine, their in zip(self.segments, pattern.segments, strict=False)
        )

    def is_bare(self, pattern: Pattern) -> bool:
        """Tell whether a pattern has paths of this up to where something may follow.

        Args:
            pattern: a pattern that has paths in common with this.
        """
        return self.rest and len(pattern.segments) == len(self.segments)

    def covers(self, other: Shape) -> bool:
        """Tell whether this matches every path that another shape matches; False where that is not certain.

        Args:
            other: a shape whose pattern the pattern of this covers.
        """
        if not self.exact or (other.rest and not self.rest):
            return False
        if self.rest and not self._follows(other):
            return False
        return all(
            isinstance(mine, str)
            or mine == their
            or (matches(mine, their) if isinstance(their, str) else mine.regex in {ANY_SEGMENT, ".*", ".+"})
            for mine, their in zip(self.segments, other.segments, strict=False)
        )

    def _follows(self, other: Shape) -> bool:
        """Tell whether in all paths of another shape there follows what must follow here."""
        more = len(other.segments) - len(self.segments)
        follows = other.least if other.rest else 0
        if more:
            follows = 1 if more == 1 and other.segments[-1] == "" else _A_SEGMENT
        return follows >= self.least

    @property
    def rank(self) -> tuple[tuple[int, str], ...]:
        """A key that sorts narrower shapes first, as routers do that look for literals before parameters."""
        ranks = [(0, one) if isinstance(one, str) else (2 if one.regex == ANY_SEGMENT else 1, one.regex) for one in self.segments]
        return (*ranks, (3, "")) if self.rest else tuple(ranks)


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """One route of an application, as its router shows it.

    Args:
        path: as the framework writes it, below the mount of the application.
        shape: the same, in the form that all frameworks share.
        methods: the methods; None: all of them. Empty: nothing is served, and no later route is asked, as below the path of a mount.
        endpoint: names the view.
        views: the view, and all else on which a requirement may be marked: its class, the method of the class, dependencies.
        kind: what is served there.
        host: the host for which the route is, as the framework writes it; empty: any.
        automatic: the methods that the framework adds by itself.
        stops: whether no later route is asked about a path that matches, whatever the method.
        route: the route in the framework, if several of these are about it, such as one for each method.
    """

    path: str
    shape: Shape
    methods: tuple[str, ...] | None
    endpoint: str
    views: tuple[object, ...] = ()
    kind: Kind = "http"
    host: str = ""
    automatic: frozenset[str] = field(default=frozenset())
    stops: bool = False
    route: object = None


def shape_of(pieces: Pieces) -> Shape:
    """Return the shape of a path.

    Args:
        pieces: literal text and parameters, in order. The path begins with a slash.
    """
    segments: list[list[Piece]] = [[]]
    for at, piece in enumerate(pieces):
        if isinstance(piece, Param) and piece.rest:
            # What follows a parameter that may hold slashes is left out, so that the shape matches more paths than the route.
            kept = [*segments[:-1], [*segments[-1], Param("[^/]*")]] if segments[-1] else segments[:-1]
            exact = at == len(pieces) - 1 and piece.regex in _ANY_REST
            least = 0 if segments[-1] else _A_SEGMENT if not matches(piece, "") else min(1, len(kept) - 1)
            return Shape(tuple(map(_segment, kept[1:])), rest=True, exact=exact, least=least)
        if isinstance(piece, Param):
            segments[-1].append(piece)
            continue
        first, *others = piece.split("/")
        segments[-1] += [first] if first else []
        segments += [[text] if text else [] for text in others]
    found = tuple(map(_segment, segments[1:]))
    return Shape(() if found == ("",) else found)


def below(pieces: Pieces) -> Shape:
    """Return the shape of all paths below a path.

    Args:
        pieces: of the path, without a closing slash.
    """
    return shape_of((*pieces, "/", Param(".*", rest=True)))


def _segment(pieces: list[Piece]) -> Piece:
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(map(str, pieces))
    if len(pieces) == 1:
        return pieces[0]
    return Param("".join(re.escape(piece) if isinstance(piece, str) else f"(?:{piece.regex})" for piece in pieces))


def matches(param: Param, text: str) -> bool:
    """Tell whether a parameter matches a whole segment; True where its regular expression cannot be read.

    Args:
        param: the parameter.
        text: the segment.
    """
    compiled = _compiled(param.regex)
    return compiled is None or compiled.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(regex: str) -> re.Pattern[str] | None:
    try:
        return re.compile(regex)
    except re.error:
        return None


def opened(pattern: Pattern) -> Pattern:
    """Return a pattern without the closing slash of its paths, if it has one.

    Args:
        pattern: the pattern.
    """
    return Pattern(pattern.methods, pattern.segments[:-1]) if pattern.is_closed else pattern


def split_template(template: str, param: re.Pattern[str], piece: Callable[[re.Match[str]], Param]) -> Pieces:
    """Return the pieces of a path template.

    Args:
        template: such as `"/orders/{id:int}"`.
        param: matches one parameter in it.
        piece: returns what the parameter stands for.
    """

    def pieces() -> Iterator[Piece]:
        at = 0
        for found in param.finditer(template):
            yield template[at : found.start()]
            yield piece(found)
            at = found.end()
        yield template[at:]

    return tuple(one for one in pieces() if one != "")


def name_of(view: object) -> str:
    """Return the name by which people find a view.

    Args:
        view: a function, a class or an object.
    """
    named = view if hasattr(view, "__qualname__") else type(view)
    while hasattr(named, "__wrapped__") and not isinstance(named, type):
        named = named.__wrapped__
    named = named if hasattr(named, "__qualname__") else type(named)
    return f"{named.__module__}.{named.__qualname__}"
