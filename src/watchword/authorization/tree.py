"""Finds patterns by their segments: those that match a path, and those that have a path in common with another pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from watchword.authorization.pattern import Pattern, Segment

T = TypeVar("T")


class _Node(Generic[T]):
    """One place in the tree."""

    __slots__ = ("any", "ends", "literals", "rests")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.any: _Node[T] | None = None
        self.ends: list[tuple[Pattern, T]] = []
        self.rests: list[tuple[Pattern, T]] = []

    def children(self) -> Iterator[_Node[T]]:
        yield from self.literals.values()
        if self.any is not None:
            yield self.any


class PatternTree(Generic[T]):
    """Patterns with a value each. A lookup follows only branches that the patterns have, so its cost does not grow with their number."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, pattern: Pattern, value: T) -> None:
        """Add a pattern. Patterns of the same paths are found in the order in which they were added.

        Args:
            pattern: the pattern.
            value: what is found by it.
        """
        node = self._root
        for segment in pattern.segments:
            if segment is None:
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.literals.setdefault(segment, _Node())
        here = node.rests if pattern.rest else node.ends
        here.append((pattern, value))

    def begins_with(self, segment: str) -> bool:
        """Tell whether a pattern names this segment as the first one of its path.

        Args:
            segment: decoded.
        """
        return segment in self._root.literals

    def matching(self, segments: Sequence[Segment], *, named: bool = True) -> list[tuple[Pattern, T]]:
        """Return the patterns that match a path; given None for a segment, those that match it whatever the segment.

        Args:
            segments: the path.
            named: whether `{name}` matches a segment that is empty.
        """
        return _reach(self._root, segments, 0, named=named)

    def overlapping(self, pattern: Pattern) -> Iterator[tuple[Pattern, T]]:
        """Yield the patterns that have a path in common with a pattern.

        Args:
            pattern: the pattern.
        """
        return _overlapping(self._root, pattern, 0)


def _reach(node: _Node[T], segments: Sequence[Segment], at: int, *, named: bool) -> list[tuple[Pattern, T]]:
    """Return every pattern whose path matches. It follows only branches that the patterns have, so a long path costs no more.

    Args:
        node: where to start.
        segments: the path.
        at: the segment to match at this node.
        named: whether `{name}` matches a segment that is empty.
    """
    found = list(node.rests)
    if at == len(segments):
        return found + node.ends
    segment = segments[at]
    literal = None if segment is None else node.literals.get(segment)
    if literal is not None:
        found += _reach(literal, segments, at + 1, named=named)
    if node.any is not None and (named or segment != ""):
        found += _reach(node.any, segments, at + 1, named=named)
    return found


def _overlapping(node: _Node[T], pattern: Pattern, at: int) -> Iterator[tuple[Pattern, T]]:
    """Yield the patterns that have a path in common with a pattern."""
    if at == len(pattern.segments):
        if pattern.rest:
            yield from _below(node)
        else:
            yield from node.rests
            yield from node.ends
        return
    yield from node.rests
    segment = pattern.segments[at]
    if segment is None:
        for child in node.children():
            yield from _overlapping(child, pattern, at + 1)
        return
    for next_node in (node.literals.get(segment), node.any):
        if next_node is not None:
            yield from _overlapping(next_node, pattern, at + 1)


def _below(node: _Node[T]) -> Iterator[tuple[Pattern, T]]:
    yield from node.rests
    yield from node.ends
    for child in node.children():
        yield from _below(child)
