"""Reads the marks of views: the attribute by which a view carries its requirement, whatever decorators stand around it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from watchword.authorization.requirement import AllOf, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ATTRIBUTE: Final = "__watchword_requirement__"

_DEEPEST = 32  # decorators around one view; a cycle of wrappers ends


def requirement_of(view: object) -> Requirement | None:
    """Return what a view demands; None: nothing.

    Args:
        view: what a router has found: a function, a class, a method, a partial, or a wrapper of one.
    """
    found: Requirement | None = None
    if view is None:  # as often, where a framework has no class, or a class no such method
        return found
    for layer in layers(view):
        own = getattr(layer, ATTRIBUTE, None)
        if isinstance(own, Requirement):
            found = both(found, own)
    return found


def layers(view: object) -> Iterator[object]:
    """Yield a view and what it wraps, outermost first.

    Args:
        view: what a router has found.
    """
    for _ in range(_DEEPEST):
        if view is None:
            return
        yield view
        view = view.func if isinstance(view, partial) else getattr(view, "__wrapped__", None)


def both(one: Requirement | None, other: Requirement) -> Requirement:
    """Return what two marks demand, each demand once: `functools.wraps` copies the mark of a view to its wrapper.

    Args:
        one: the first mark; None: there is none.
        other: the second mark.
    """
    if one is None or one is other or one == other:
        return other
    return AllOf(tuple(dict.fromkeys(AllOf((one, other)).parts)))


def demand_of(views: Iterable[object]) -> Requirement | None:
    """Return what several views demand together, such as an operation and its dependencies; None: nothing.

    Args:
        views: the views.
    """
    demanded: Requirement | None = None
    for view in views:
        own = requirement_of(view)
        demanded = demanded if own is None else both(demanded, own)
    return demanded


__all__ = ["ATTRIBUTE", "both", "demand_of", "layers", "requirement_of"]
