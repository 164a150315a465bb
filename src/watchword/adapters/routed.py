"""Finds out whether a route of Starlette, FastAPI or aiohttp has taken a function already.

A decorator above the one that made the route comes too late: the route goes on to call the function without it. The function does not know
its routes, so the objects that refer to it are asked.
"""

from __future__ import annotations

import sys
from gc import get_referrers
from inspect import isfunction
from typing import TYPE_CHECKING, Any, Final

from watchword.routes.applications import is_a

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.routes.applications import Kinds

# The classes of routes, and the attributes by which they have their functions.
_ROUTES: Final[Kinds] = frozenset(
    {("aiohttp.web_routedef", "RouteDef"), ("aiohttp.web_urldispatcher", "AbstractRoute"), ("starlette.routing", "BaseRoute")}
)
_ATTRIBUTES: Final = ("endpoint", "handler", "_handler")
_IN_DICTIONARIES: Final = (("endpoint", "path_regex"), ("_handler", "_resource"))  # each with one that nothing but a route has beside it
# PyPy counts no references; there each view is looked for.
_count_references: Callable[[object], int] = getattr(sys, "getrefcount", lambda _: sys.maxsize)
_DEEPEST: Final = 32  # decorators around one view; a cycle of wrappers ends


def _count_from_decorator(view: object) -> int:
    return _count_from_here(view)


def _count_from_here(view: object) -> int:
    return _count_references(view)


# References to a function that nothing but its decorators holds, counted as below: how many depends on the interpreter.
_FRESH: Final = _count_from_decorator(lambda: None)


def is_routed(view: object, adds: int) -> bool:
    """Tell whether a route has a function, or one that it wraps.

    Args:
        view: the function that a decorator gets.
        adds: how many references to its function a route adds at least. So most views cost nothing here; to ask the collector takes some
            10 ms for 200,000 objects, for each view.
    """
    held = _FRESH + adds
    for _ in range(_DEEPEST):
        if _count_references(view) - _is_global(view) >= held and any(_is_route_of(one, view) for one in get_referrers(view)):
            return True
        inner = getattr(view, "__wrapped__", None)
        if inner is None:
            return False
        held = _FRESH + adds + 1 + sum(cell is inner for cell in _closure(view))
        view = inner
    return False


def _is_global(view: object) -> bool:
    """Tell whether the module of a function has it under its name: a module that defines its routes may import it from there."""
    return isfunction(view) and view.__globals__.get(view.__name__) is view


def _closure(view: object) -> Iterator[object]:
    for cell in getattr(view, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def _is_route_of(one: Any, view: object) -> bool:  # noqa: ANN401 - whatever refers to the view
    # The attributes of an object are in a dictionary, or in the object itself.
    if isinstance(one, dict):
        return any(beside in one and one.get(name) is view for name, beside in _IN_DICTIONARIES)
    return is_a(one, _ROUTES) and any(getattr(one, name, None) is view for name in _ATTRIBUTES)


__all__ = ["is_routed"]
