"""Provides a set of objects that it does not keep alive."""

from __future__ import annotations

from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class Living(Generic[T]):
    """A set of objects that live, by identity.

    Usable by several threads at once, which `weakref.WeakSet` is not: a thread that iterates gets a `RuntimeError` when another one adds.
    """

    __slots__ = ("_references",)

    def __init__(self) -> None:
        self._references: set[ref[T]] = set()

    def add(self, item: T) -> None:
        """Add an object until it is collected."""
        self._references.add(ref(item, self._references.discard))

    def discard(self, item: T) -> None:
        """Remove an object, if it is there."""
        self._references.discard(ref(item))

    def items(self) -> list[T]:
        """Return those that live now."""
        # The copy is made in one step of the interpreter.
        return [item for reference in list(self._references) if (item := reference()) is not None]
