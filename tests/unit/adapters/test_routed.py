"""Tests of what tells whether a route has a function already."""

from __future__ import annotations

import sys
from functools import partial, wraps
from gc import get_referrers
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiohttp import web
from starlette.routing import Route, WebSocketRoute

from watchword import role
from watchword.adapters.aiohttp import requires as requires_of_aiohttp
from watchword.adapters.starlette import requires
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response


def _view() -> Callable[..., object]:
    async def view(request: Request) -> Response:
        raise NotImplementedError

    return view


def _wrapped() -> Callable[..., object]:
    inner = _view()

    @wraps(inner)
    async def view(request: Request) -> object:
        return inner(request)

    return view


async def in_module(request: Request) -> Response:
    """A view that its module has under its name, as another module that imports it has."""
    raise NotImplementedError


def searches(work: Callable[[], object]) -> int:
    """Count how often the collector is asked; the interpreter reports that, and nothing is replaced."""
    seen = []

    def note(_frame: object, event: str, called: object) -> None:
        if event == "c_call" and called is get_referrers:
            seen.append(called)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return len(seen)


def test_a_view_without_a_route_is_marked_without_a_search() -> None:
    """To mark a view that a few variables alone hold asks the collector nothing, so an application of 1,000 views starts in time."""
    held, imported = _view(), {"in_module": in_module}

    def decorate() -> None:
        @requires(role("admin"))
        async def view(request: Request) -> Response:
            raise NotImplementedError

    assert searches(decorate) == 0
    assert searches(lambda: requires(role("admin"))(held)) == 0
    assert searches(lambda: requires(role("admin"))(imported["in_module"])) == 0
    assert searches(lambda: requires(role("admin"))(_wrapped())) == 0


def test_a_view_with_a_route_is_found_however_it_is_held() -> None:
    """A view that a route has already is refused: written below the decorator, in a variable, below another decorator, or for a socket."""
    for make in (_view, _wrapped):
        for kind in (Route, WebSocketRoute):
            routes = [kind("/a", made := make())]
            with pytest.raises(ConfigurationError, match="unchecked"):
                requires(role("admin"))(made)
            del made
            routes.append(kind("/b", make()))
            with pytest.raises(ConfigurationError, match="unchecked"):
                requires(role("admin"))(routes[1].endpoint)
    route = Route("/c", in_module)
    with pytest.raises(ConfigurationError, match="unchecked"):
        requires(role("admin"))(route.endpoint)


def test_a_handler_with_a_route_of_aiohttp_is_found_however_it_is_held() -> None:
    """Without a guard it would run unchecked, and no hook of aiohttp would show it: the decorator must stand below that of the route."""
    marked, table, app = requires_of_aiohttp(role("admin")), web.RouteTableDef(), web.Application()
    for make in (_view, _wrapped):
        for register in (table.get("/a"), partial(app.router.add_get, f"/{make.__name__}")):
            held: Any = make()
            register(held)
            with pytest.raises(ConfigurationError, match="unchecked"):
                marked(held)
        with pytest.raises(ConfigurationError, match="unchecked"):
            marked(table.get("/a")(cast("Any", make)()))
    assert searches(lambda: marked(_view())) == 0


def test_a_registry_of_another_kind_is_no_route() -> None:
    """What else holds a view, under whatever names, stops nothing."""
    view = _view()
    registry = [{"handler": view, "method": "GET"}, {"endpoint": view}, [view], (view,), {view: 1}]
    for marked in (requires(role("admin")), requires_of_aiohttp(role("admin"))):
        marked(view)
    assert len(registry) == 5
