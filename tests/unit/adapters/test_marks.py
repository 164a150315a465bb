"""Tests how views are marked with requirements, and how a mark is found again."""

from __future__ import annotations

from functools import partial, wraps
from typing import Any

import pytest

from watchword import ConfigurationError, authenticated, public, role, scope
from watchword.adapters import aiohttp, django, flask, litestar, quart, starlette
from watchword.adapters.marks import exchange_of, mark, requirement_of


def passing(view: Any) -> Any:
    """Decorate a view without changing it."""

    @wraps(view)
    def called(*args: Any) -> Any:
        return view(*args)

    return called


def made() -> Any:
    """Make a view."""

    def view() -> None: ...

    return view


def twice(view: Any) -> Any:
    """Decorate a partial."""
    return passing(partial(view))


@pytest.mark.parametrize("around", [passing, partial, twice])
def test_a_mark_is_found_whatever_stands_around_the_view(around: Any) -> None:
    """Decorators, partials and both keep the mark, and demand nothing twice."""
    view = made()
    mark(view, role("admin"))
    assert requirement_of(around(view)) == role("admin")


def test_marks_of_several_decorators_are_added() -> None:
    """A view that is marked twice demands both."""
    view = made()
    mark(view, role("admin"))
    outer = passing(view)
    mark(outer, scope("read"))
    assert requirement_of(outer) == role("admin") & scope("read")


@pytest.mark.parametrize("around", [passing, partial, twice])
def test_what_a_marked_wrapper_wraps_is_marked_as_well(around: Any) -> None:
    """A decorator between `requires` and the router may have handed the inner function to the router."""
    view = made()
    mark(around(view), role("admin"))
    assert requirement_of(view) == role("admin")


def test_a_cycle_of_wrappers_ends() -> None:
    """A decorator that wraps itself does not stop the start of an application."""
    view = made()
    view.__wrapped__ = view
    mark(view, authenticated)
    assert requirement_of(view) == authenticated


@pytest.mark.parametrize("view", [print, None, 7, "view"])
def test_a_view_without_a_mark_demands_nothing(view: Any) -> None:
    """Whatever a router hands out is accepted."""
    assert requirement_of(view) is None


@pytest.mark.parametrize(
    ("given", "says"), [("admin", "must be a Requirement"), (None, "must be a Requirement"), (public, "Open the path by a rule")]
)
def test_what_is_no_demand_is_an_error_where_it_stands(given: Any, says: str) -> None:
    """A view grants nothing: `public` belongs in a rule."""
    with pytest.raises(ConfigurationError, match=says):
        mark(made(), given)


@pytest.mark.parametrize("adapter", [aiohttp, django, flask, litestar, quart, starlette], ids=lambda adapter: adapter.__name__)
def test_requires_without_parentheses_is_an_error_where_it_stands(adapter: Any) -> None:
    """It gets the view in place of the requirement."""
    with pytest.raises(ConfigurationError, match=r'requires\(\.\.\.\) must be a Requirement, such as role\("admin"\), got <function'):

        @adapter.requires
        async def view(request: object) -> None: ...


def test_a_view_without_a_guard_is_an_error_that_names_the_fix() -> None:
    """The request ends with it, and never with the view."""
    with pytest.raises(ConfigurationError, match=r'demands role\("admin"\), but no guard stands in front'):
        exchange_of({}, role("admin"))
